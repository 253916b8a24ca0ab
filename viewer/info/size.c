/* `info`: the size of the capture's file, and its largest parts. */
#include "viewer/info/parts.h"

#include <jansson.h>
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
    uint64_t bytes;
    if (hak_store_is_on_server(view->reader, &bytes))
        return bytes;
    bytes = stat(view->store_path, &about) == 0 ? (uint64_t)about.st_size : 0;
    hak_text_add_bytes(&log, view->store_path, strlen(view->store_path));
    hak_text_add(&log, "-wal");
    if (log.bytes && stat(log.bytes, &about) == 0)
        bytes += (uint64_t)about.st_size;
    hak_text_free(&log);
    return bytes;
}

/* Bytes of an integer in a row, and of the row's word about it. */
#define INTEGER_BYTES(column)                                                                      \
    "1 + CASE WHEN " column " IN (0, 1) THEN 0 WHEN " column " BETWEEN -128 AND 127 THEN 1"        \
    " WHEN " column " BETWEEN -32768 AND 32767 THEN 2"                                             \
    " WHEN " column " BETWEEN -8388608 AND 8388607 THEN 3"                                         \
    " WHEN " column " BETWEEN -2147483648 AND 2147483647 THEN 4"                                   \
    " WHEN " column " BETWEEN -140737488355328 AND 140737488355327 THEN 6 ELSE 8 END"

/* Stores of earlier versions lack some of them. */
static const struct {
    const char *name, *bytes;
} profile_tables[] = {
    {"profile_key", "length(data)"},
    {"profile_chunk", "length(data)"},
    {"profile_run", "length(data)"},
    {"profile_peak", "length(data)"},
    {"profile_class", INTEGER_BYTES("process") " + " INTEGER_BYTES("run") " + " INTEGER_BYTES(
                          "class") " + " INTEGER_BYTES("blocks") " + " INTEGER_BYTES("bytes")},
};

/* The bytes of the profile's tables. */
static uint64_t profile_bytes(struct view *view) {
    const struct hak_database *db = hak_store_database(view->reader);
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof profile_tables / sizeof *profile_tables; i++) {
        char sql[2048];
        if (!hak_database_has_table(db, profile_tables[i].name))
            continue;
        snprintf(sql, sizeof sql, "SELECT sum(%s) FROM %s", profile_tables[i].bytes,
                 profile_tables[i].name);
        bytes += hak_database_number(db, sql, 0);
    }
    return bytes;
}

/* Finds the bytes of each part as they are coded, without SQLite's pages around them. False: a
 * table cannot be read. */
static bool find_parts(struct view *view, uint64_t bytes[PARTS]) {
    bool found = true;
    bytes[PROFILE] = profile_bytes(view);
    for (int i = 0; i < PROFILE && found; i++)
        found = hak_database_numbers(hak_store_database(view->reader), parts[i].sql, 0, &bytes[i],
                                     1) == 1;
    return found;
}

/* The rest of the whole beside the parts. */
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
    for (int i = 0; i < PARTS; i++)
        if (i != PROFILE || bytes[i])
            hak_text_add(text, "%s %s, ", parts[i].name, hak_words_size(bytes[i]));
    hak_text_add(text, "the rest %s", hak_words_size(rest_of(whole, bytes)));
}

json_t *info_parts_json(struct view *view) {
    uint64_t bytes[PARTS];
    json_t *object = json_object();
    if (!find_parts(view, bytes))
        return object;
    for (int i = 0; i < PARTS; i++)
        hak_json_set(object, NUMBER(parts[i].key, bytes[i]));
    return hak_json_set(object, NUMBER("rest", rest_of(info_file_bytes(view), bytes)));
}
