/* `info`: the suppressions that were used, and those that were not. */
#include "viewer/info/parts.h"

#include <string.h>
#include "report/words/words.h"

#define UNUSED_SHOWN 5

static const char suppressions[] =
    "SELECT CAST(path AS TEXT) AS path, CAST(line AS INTEGER) AS line, CAST(text AS TEXT) AS text,"
    " ifnull(CAST(used AS INTEGER), 0) AS used FROM suppression ORDER BY path, line";

/* Adds the suppressions of one file, from the row that `q` stands at on. Returns whether there is
 * another. */
static bool add_file(struct hak_text *text, struct view *view, struct hak_query *q) {
    struct hak_text path = {0}, unused = {0};
    uint64_t lines = 0, idle = 0, uses = 0;
    bool more = true;
    hak_text_add_bytes(&path, hak_query_text(q, 0), strlen(hak_query_text(q, 0)));
    for (; more && path.bytes && strcmp(path.bytes, hak_query_text(q, 0)) == 0;
         more = hak_query_next(q)) {
        uint64_t used = hak_query_number(q, 3);
        lines++;
        uses += used;
        if (used > 0 || (idle++ >= UNUSED_SHOWN && !view_given(view, "all")))
            continue;
        hak_text_add(&unused, "%s%s", unused.length ? ", " : "", hak_query_text(q, 2));
    }
    view_add_heading(text, view, "suppressed", 14);
    hak_text_add(text, "%s, by ", hak_words_count(uses, "finding", "findings"));
    hak_text_add_name(text, path.bytes ? hak_words_path(path.bytes, 1, false) : "?");
    if (idle > 0) {
        hak_text_add(text, "; %s of %s not used: ", hak_words_number(idle),
                     hak_words_count(lines, "line", "lines"));
        hak_text_add(text, "%s%s", hak_text_string(&unused),
                     idle > UNUSED_SHOWN && !view_given(view, "all") ? ", ..." : "");
    }
    hak_text_add(text, "\n");
    hak_text_free(&path);
    hak_text_free(&unused);
    return more;
}

void info_add_suppressions(struct hak_text *text, struct view *view) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader), suppressions, "reading suppressions");
    bool more = hak_query_next(&q);
    while (more)
        more = add_file(text, view, &q);
    hak_query_end(&q);
}

json_t *info_suppressions_json(struct view *view) {
    return info_rows_json(view, suppressions);
}
