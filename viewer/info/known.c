/* `info`: which suppressions were used, and which were not. */
#include "viewer/info/parts.h"

#include <sqlite3.h>
#include <string.h>
#include "report/words/words.h"

#define UNUSED_SHOWN 5

static sqlite3_stmt *ask(struct view *view) {
    sqlite3_stmt *query = NULL;
    /* A store of an older hakmem has no such table. */
    if (sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT path, line, text, used FROM suppression ORDER BY path, line", -1,
                           &query, NULL) != SQLITE_OK)
        return NULL;
    return query;
}

static const char *column(sqlite3_stmt *query, int i) {
    const unsigned char *text = sqlite3_column_text(query, i);
    return text ? (const char *)text : "";
}

/* Those of one file, from the row that `query` stands at on. Returns whether there is another. */
static bool add_file(struct hak_text *text, struct view *view, sqlite3_stmt *query) {
    struct hak_text path = {0}, unused = {0};
    uint64_t lines = 0, idle = 0, uses = 0;
    bool more = true;
    hak_text_add_bytes(&path, column(query, 0), strlen(column(query, 0)));
    for (; more && path.bytes && strcmp(path.bytes, column(query, 0)) == 0;
         more = sqlite3_step(query) == SQLITE_ROW) {
        uint64_t used = (uint64_t)sqlite3_column_int64(query, 3);
        lines++;
        uses += used;
        if (used > 0 || (idle++ >= UNUSED_SHOWN && !view_given(view, "all")))
            continue;
        hak_text_add(&unused, "%s", unused.length ? ", " : "");
        hak_text_add_name(&unused, column(query, 2));
    }
    hak_text_add(text, "%ssuppressed%s", view_style(view, VIEW_BOLD), view_style(view, VIEW_PLAIN));
    hak_text_tab(text, 14);
    hak_text_add(text, "%s, by ", hak_words_count(uses, "finding", "findings"));
    hak_text_add_name(text, path.bytes ? hak_words_path(path.bytes, 1, false) : "?");
    if (idle > 0) {
        hak_text_add(text, "; %s of %s not used: ", hak_words_number(idle),
                     hak_words_count(lines, "line", "lines"));
        hak_text_add(text, "%s%s", unused.bytes ? unused.bytes : "",
                     idle > UNUSED_SHOWN && !view_given(view, "all") ? ", ..." : "");
    }
    hak_text_add(text, "\n");
    hak_text_free(&path);
    hak_text_free(&unused);
    return more;
}

void info_add_suppressions(struct hak_text *text, struct view *view) {
    sqlite3_stmt *query = ask(view);
    bool more = query && sqlite3_step(query) == SQLITE_ROW;
    while (more)
        more = add_file(text, view, query);
    sqlite3_finalize(query);
}

json_t *info_suppressions_json(struct view *view) {
    json_t *list = json_array();
    sqlite3_stmt *query = ask(view);
    while (query && sqlite3_step(query) == SQLITE_ROW) {
        json_t *object = json_object();
        json_object_set_new(object, "path", hak_json_text(column(query, 0)));
        json_object_set_new(object, "line", json_integer(sqlite3_column_int64(query, 1)));
        json_object_set_new(object, "text", hak_json_text(column(query, 2)));
        json_object_set_new(object, "used", json_integer(sqlite3_column_int64(query, 3)));
        json_array_append_new(list, object);
    }
    sqlite3_finalize(query);
    return list;
}
