/* `info`: how long the capture's file is, and what takes the room. */
#include "viewer/info/parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "report/words/words.h"
#include "trace/record.h"

#define TOLD_FROM_BYTES ((uint64_t)1 << 18) /* shorter: the parts are not worth a line */

enum part { EVENTS, POSTINGS, CHECKPOINTS, STACKS, PROFILE, PARTS };

static const struct {
    const char *name, *key, *sql;
} parts[PARTS] = {
    [EVENTS] = {"events", "events", "SELECT sum(bytes) FROM chunk"},
    [POSTINGS] = {"postings", "postings", "SELECT sum(length(data)) FROM posting_run"},
    [CHECKPOINTS] = {"live checkpoints", "live_checkpoints",
                     "SELECT sum(length(data)) FROM live_run"},
    [STACKS] = {"stacks", "stacks", "SELECT sum(length(data)) FROM node_chunk"},
    [PROFILE] = {"profile", "profile", NULL}, /* profile_tables */
};

uint64_t info_file_bytes(const struct view *view) {
    struct stat about;
    struct hak_text log = {0};
    uint64_t bytes = stat(view->store_path, &about) == 0 ? (uint64_t)about.st_size : 0;
    hak_text_add_bytes(&log, view->store_path, strlen(view->store_path));
    hak_text_add(&log, "-wal");
    if (log.bytes && stat(log.bytes, &about) == 0)
        bytes += (uint64_t)about.st_size;
    hak_text_free(&log);
    return bytes;
}

/* Stores of earlier versions lack some of them. */
static const char *const profile_tables[] = {"profile_key", "profile_chunk", "profile_run",
                                             "profile_peak"};

static uint64_t profile_bytes(struct view *view) {
    const struct hak_database *db = hak_store_database(view->reader);
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof profile_tables / sizeof *profile_tables; i++) {
        char sql[160];
        if (!hak_database_has_table(db, profile_tables[i]))
            continue;
        snprintf(sql, sizeof sql, "SELECT sum(length(data)) FROM %s", profile_tables[i]);
        bytes += hak_database_number(db, sql, 0);
    }
    return bytes;
}

/* Bytes of each part as they are coded, without SQLite's pages around them. False: a
 * table cannot be read. */
static bool find_parts(struct view *view, uint64_t bytes[PARTS]) {
    bool found = true;
    bytes[PROFILE] = profile_bytes(view);
    for (int i = 0; i < PROFILE && found; i++)
        found = hak_database_numbers(hak_store_database(view->reader), parts[i].sql, 0, &bytes[i],
                                     1) == 1;
    return found;
}

static uint64_t rest_of(uint64_t whole, const uint64_t bytes[PARTS]) {
    for (int i = 0; i < PARTS; i++)
        whole -= bytes[i] < whole ? bytes[i] : whole;
    return whole;
}

bool info_is_long(const struct view *view) {
    return info_file_bytes(view) / HAK_RECORD_BYTES < view->summary.events;
}

void info_add_parts(struct hak_text *text, struct view *view) {
    uint64_t bytes[PARTS], whole = info_file_bytes(view);
    if (whole < TOLD_FROM_BYTES || !find_parts(view, bytes))
        return;
    hak_text_tab(text, 14);
    for (int i = 0; i < PARTS; i++)
        if (i != PROFILE || bytes[i])
            hak_text_add(text, "%s %s, ", parts[i].name, hak_words_size(bytes[i]));
    hak_text_add(text, "the rest %s\n", hak_words_size(rest_of(whole, bytes)));
}

json_t *info_parts_json(struct view *view) {
    uint64_t bytes[PARTS];
    json_t *object = json_object();
    if (!find_parts(view, bytes))
        return object;
    for (int i = 0; i < PARTS; i++)
        hak_json_set_number(object, parts[i].key, bytes[i]);
    hak_json_set_number(object, "rest", rest_of(info_file_bytes(view), bytes));
    return object;
}
