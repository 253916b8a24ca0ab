/* `faults`: what went wrong, one line each; `faults N`: the whole report as it was printed. */
#include "view.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "report/facts_json.h"
#include "report/words.h"
#include "json.h"
#include "labels.h"
#include "process.h"

static const char *column(sqlite3_stmt *query, int i) {
    const unsigned char *text = sqlite3_column_text(query, i);
    return text ? (const char *)text : "";
}

static int sql_error(struct view *view) {
    view_error("%s: %s", view->store_path, sqlite3_errmsg(hak_store_database(view->reader)));
    return VIEW_UNREADABLE;
}

static int show_report(struct view *view, const char *which) {
    char *end;
    unsigned long number = strtoul(which, &end, 10);
    if (which[0] < '0' || which[0] > '9' || *end) {
        view_error("faults %s: the number of a fault was expected, as `hakmem-trace faults` lists "
                   "them",
                   which);
        return VIEW_USAGE;
    }
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT report, json, summary FROM fault WHERE id = ?1", -1, &query,
                           NULL) != SQLITE_OK)
        return sql_error(view);
    sqlite3_bind_int64(query, 1, (sqlite3_int64)number);
    if (sqlite3_step(query) != SQLITE_ROW) {
        sqlite3_finalize(query);
        view_error("faults %lu: %s holds %s", number, view->store_path,
                   hak_words_count(view->summary.faults, "fault", "faults"));
        return VIEW_USAGE;
    }
    view_start_pager(view);
    const char *text = column(query, view->json ? 1 : 0);
    if (text[0]) {
        fputs(text, stdout);
        if (text[strlen(text) - 1] != '\n')
            putchar('\n');
    } else if (view->json) {
        view_error("faults %lu: its report was never finished; without --json its line is shown",
                   number);
        sqlite3_finalize(query);
        return VIEW_INCOMPLETE;
    } else {
        printf("%s\n", column(query, 2));
    }
    sqlite3_finalize(query);
    return VIEW_FAULT;
}

static void print_line(struct view *view, sqlite3_stmt *query) {
    const struct hak_fault_words *words = hak_words_fault((unsigned)sqlite3_column_int64(query, 1));
    struct hak_text text = {0};
    hak_text_add(&text, "%5lld  ", (long long)sqlite3_column_int64(query, 0));
    if (words)
        hak_text_add(&text, "%sHKM-%u %s%s", view_style(view, VIEW_RED), words->code, words->name,
                     view_style(view, VIEW_PLAIN));
    else
        hak_text_add(&text, "crash");
    hak_text_tab(&text, 38);
    hak_text_add(&text, "%s", hak_words_number((uint64_t)sqlite3_column_int64(query, 2)));
    hak_text_tab(&text, 52);
    hak_text_add(&text, "%s", hak_words_time((uint64_t)sqlite3_column_int64(query, 3)));
    hak_text_tab(&text, 64);
    hak_text_add(&text, "%s", view_process_label(view, (uint32_t)sqlite3_column_int64(query, 4)));
    hak_text_tab(&text, 73);
    hak_text_add(&text, "%s", view_thread_label(view, (uint32_t)sqlite3_column_int64(query, 5)));
    hak_text_tab(&text, 85);
    /* The place stands in the summary behind the fault's name. */
    const char *summary = column(query, 6);
    const char *name = words ? words->name : "crash";
    const char *place = strstr(summary, name);
    place = place ? place + strlen(name) + strspn(place + strlen(name), " ") : "";
    const char *stop = strstr(place, words ? " hop=" : " signal=");
    struct hak_text cut = {0};
    hak_text_add(&cut, "%.*s", stop ? (int)(stop - place) : (int)strlen(place), place);
    hak_text_add_name(&text, cut.bytes);
    hak_text_add(&text, "\n");
    hak_text_free(&cut);
    view_print(&text);
}

static json_t *fault_json(struct view *view, sqlite3_stmt *query) {
    const struct hak_fault_words *words = hak_words_fault((unsigned)sqlite3_column_int64(query, 1));
    json_t *object = json_object();
    json_object_set_new(object, "row", json_integer(sqlite3_column_int64(query, 0)));
    json_object_set_new(object, "code", words ? json_sprintf("HKM-%u", words->code) : json_null());
    json_object_set_new(object, "name", json_string(words ? words->name : "crash"));
    json_object_set_new(object, "event", json_integer(sqlite3_column_int64(query, 2)));
    json_object_set_new(object, "ns", json_integer(sqlite3_column_int64(query, 3)));
    json_object_set_new(object, "process", json_integer(sqlite3_column_int64(query, 4)));
    json_object_set_new(object, "pid", json_integer(sqlite3_column_int64(query, 7)));
    json_object_set_new(
        object, "thread",
        hak_json_text(view_thread_label(view, (uint32_t)sqlite3_column_int64(query, 5))));
    json_object_set_new(object, "summary", hak_json_text(column(query, 6)));
    return object;
}

static int list_faults(struct view *view) {
    sqlite3_stmt *query = NULL;
    uint32_t process;
    if (!view_process(view, &process))
        return VIEW_USAGE;
    if (sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT f.id, f.code, f.event, f.ns, f.process, f.thread, f.summary, "
                           "p.pid FROM fault f LEFT JOIN process p ON p.id = f.process "
                           "WHERE ?1 = 0 OR f.process = ?1 ORDER BY f.id",
                           -1, &query, NULL) != SQLITE_OK)
        return sql_error(view);
    sqlite3_bind_int64(query, 1, process);
    json_t *list = json_array();
    int count = 0, step;
    while ((step = sqlite3_step(query)) == SQLITE_ROW) {
        view_start_pager(view);
        if (view->json) {
            json_array_append_new(list, fault_json(view, query));
        } else {
            if (count == 0)
                printf("%sfault  what                           event         time        process "
                       " thread      where%s\n",
                       view_style(view, VIEW_BOLD), view_style(view, VIEW_PLAIN));
            print_line(view, query);
        }
        count++;
    }
    sqlite3_finalize(query);
    if (step != SQLITE_DONE) {
        json_decref(list);
        return sql_error(view);
    }
    view_start_pager(view);
    if (view->json) {
        json_t *document = view_json_document(view, "faults");
        json_object_set_new(document, "faults", list);
        json_object_set_new(document, "completeness", view_completeness_json(view));
        view_print_json(hak_json_print(document));
        return count > 0 ? VIEW_FAULT : view_completeness(view);
    }
    json_decref(list);
    if (count == 0) {
        struct hak_text text = {0};
        hak_text_add(&text, "No fault in ");
        if (process != 0) {
            hak_text_add(&text, "process ");
            view_add_process(&text, view, process);
            hak_text_add(&text, " of ");
        }
        view_add_extent(&text, view);
        hak_text_add(&text, ". ");
        view_add_completeness(&text, view);
        hak_text_add(&text, "\n");
        view_print(&text);
        return view_completeness(view);
    }
    printf("\nhakmem-trace faults N shows the whole report of fault N.\n");
    return VIEW_FAULT;
}

int command_faults(struct view *view) {
    int status = view_open(view);
    if (status != 0)
        return status;
    if (view->argument_count > 0)
        return show_report(view, view->argument[0]);
    return list_faults(view);
}
