/* The allocators that hakmem replaced; those that programs kept (run --allocator keep), and the
 * slack of their blocks beyond the bytes asked for. */
#include "viewer/info/parts.h"

#include <jansson.h>
#include <string.h>
#include "report/words/words.h"

static const char allocators_sql[] = "SELECT CAST(value AS TEXT) AS module, count(*) AS processes "
                                     "FROM meta WHERE key GLOB 'allocator.*'"
                                     " GROUP BY value ORDER BY count(*) DESC, value";

/* Libraries that bring a malloc, by their names, in processes that hakmem's malloc serves. */
static const char replaced_sql[] =
    "WITH known(pattern) AS (VALUES ('libjemalloc*'), ('libtcmalloc*'), ('libmimalloc*'),"
    " ('libsnmalloc*'), ('librpmalloc*'), ('libhoard*'), ('libscudo*'), ('libumem*'))"
    " SELECT m.path AS module, count(DISTINCT m.process) AS processes FROM module m"
    " JOIN process p ON p.id = m.process JOIN known k ON"
    " replace(m.path, rtrim(m.path, replace(m.path, '/', '')), '') GLOB k.pattern || '.so*'"
    " WHERE coalesce(p.note, '') NOT GLOB 'not recorded: *'"
    " GROUP BY m.path ORDER BY count(DISTINCT m.process) DESC, m.path";

struct slack {
    uint64_t taken, given, not_recorded, not_told;
};

/* Reads how many bytes beyond those asked for the blocks of another allocator took and gave back;
 * and how many blocks were not recorded, or have a size that the allocator does not tell. An error
 * is said. */
static struct slack read_slack(struct view *view) {
    static const char *const names[] = {"SLACK_TAKEN.amount", "SLACK_GIVEN.amount",
                                        "KEPT_UNKNOWN.times", "SLACK_UNKNOWN.times"};
    uint64_t read[4];
    int error = view_read_reached(view, names, read, 4);
    if (error)
        view_store_error(view, error);
    return (struct slack){read[0], read[1], read[2], read[3]};
}

void info_add_slack(struct hak_text *text, struct view *view) {
    if (!hak_store_is_kept(view->reader))
        return;
    struct slack slack = read_slack(view);
    if (slack.not_told == 0 || slack.taken > 0) {
        hak_text_add(text, "%s beyond the bytes asked for, ", hak_words_size(slack.taken));
        hak_text_add(text, "%s of it in blocks never freed",
                     hak_words_size(slack.taken > slack.given ? slack.taken - slack.given : 0));
    }
    if (slack.not_told > 0) {
        answer_next_line(text);
        hak_text_add(text, "not known of %s: the allocator has no malloc_usable_size of its own",
                     hak_words_count(slack.not_told, "block", "blocks"));
    }
    if (slack.not_recorded > 0) {
        answer_next_line(text);
        hak_text_add(text, "%s not recorded: there was no memory for it",
                     hak_words_count(slack.not_recorded, "block was", "blocks were"));
    }
}

void info_add_replaced(struct hak_text *text, struct view *view) {
    if (hak_store_is_kept(view->reader))
        return;
    struct hak_query q = hak_ask(hak_store_database(view->reader), replaced_sql, INFO_READING);
    while (hak_query_next(&q)) {
        const char *path = hak_query_text(&q, 0);
        const char *slash = strrchr(path, '/');
        answer_next_line(text);
        hak_text_add_name(text, slash ? slash + 1 : path);
        hak_text_add(text, ", which %s loaded: hakmem's malloc serves in its place",
                     hak_words_count(hak_query_number(&q, 1), "process", "processes"));
    }
    view_end_query(view, &q, true);
}

json_t *info_replaced_json(struct view *view) {
    return hak_store_is_kept(view->reader) ? json_array() : info_rows_json(view, replaced_sql);
}

void info_add_kept(struct hak_text *text, struct view *view) {
    if (!hak_store_is_kept(view->reader))
        return;
    struct hak_query q = hak_ask(hak_store_database(view->reader), allocators_sql, INFO_READING);
    while (hak_query_next(&q)) {
        answer_next_line(text);
        hak_text_add_name(text, hak_query_text(&q, 0));
        hak_text_add(text, ", kept by %s",
                     hak_words_count(hak_query_number(&q, 1), "process", "processes"));
    }
    view_end_query(view, &q, true);
}

json_t *info_kept_json(struct view *view) {
    if (!hak_store_is_kept(view->reader))
        return json_null();
    struct slack slack = read_slack(view);
    bool is_known = slack.not_told == 0 || slack.taken > 0;
    return hak_json_object(JSON("allocators", info_rows_json(view, allocators_sql)),
                           KNOWN("slack_bytes", is_known, slack.taken),
                           KNOWN("slack_given_bytes", is_known, slack.given),
                           NUMBER("slack_not_known_blocks", slack.not_told),
                           NUMBER("not_recorded_blocks", slack.not_recorded));
}
