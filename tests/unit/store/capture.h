/* A few words to write small captures by hand: each call is one event of a block. */
#ifndef HAK_TEST_CAPTURE_H
#define HAK_TEST_CAPTURE_H

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "unit/suite.h"
#include "tools/put_events.h"
#include "hop.h"
#include "size_class.h"
#include "store/reader/reader.h"
#include "store/history/story.h"
#include "store/writer/writer.h"
#include "trace/record.h"

#define CLASS_48 HAK_CLASS_OF_48
#define SLAB     0x7f21c4a10000ull
#define BLOCK(i) (SLAB + 1056 + 48 * (uint64_t)(i)) /* slot i of a slab of 48-byte slots */
#define BLOCKS   4096

/* The capture of a test. */
static struct {
    struct hak_store_writer *w;
    uint64_t id, ns, late_ns; /* the next event is so much older than its turn */
    uint32_t epoch, process;
    uint32_t n[BLOCKS]; /* generation of each slot, shared by all processes until they differ */
    char path[200];
} capture;

static inline void must(int result) {
    ck_assert_msg(result >= 0, "%d: %s", result, hak_store_message());
}

static inline void capture_clean(const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char name[240];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

/* Only names its file, and takes away one of an earlier process. */
static inline void capture_name(void) {
    const char *directory = getenv("TMPDIR");
    snprintf(capture.path, sizeof capture.path, "%s/hak_%s.%d.db", directory ? directory : "/tmp",
             program_invocation_short_name, (int)getpid());
    capture_clean(capture.path);
}

static inline void capture_start(void) {
    memset(&capture, 0, sizeof capture);
    capture.epoch = capture.process = 1;
    capture_name();
    must(hak_store_create(capture.path, 0, &capture.w));
    must(hak_store_begin(capture.w));
    must(hak_store_put_process(
        capture.w,
        &(struct hak_process_row){.id = 1, .pid = 4711, .session = 1, .program = "/bin/app"}));
    for (uint32_t i = 1; i <= 4; i++)
        must(hak_store_put_thread(
            capture.w,
            &(struct hak_thread_row){
                .id = i, .process = 1, .number = i, .tid = (int32_t)(4710 + i), .name = "t"}));
    must(hak_store_put_module(capture.w, &(struct hak_module_row){.id = 1,
                                                                  .process = 1,
                                                                  .start = 0x400000,
                                                                  .end = 0x500000,
                                                                  .load_bias = 0x400000,
                                                                  .path = "/bin/app"}));
    for (uint32_t i = 1; i <= 99; i++) {
        char function[32];
        snprintf(function, sizeof function, "function_%u", i);
        must(hak_store_put_node(
            capture.w, &(struct hak_node_row){.id = i, .process = 1, .ip = 0x400000 + 16 * i}));
        must(hak_store_put_frame(
            capture.w,
            &(struct hak_frame_row){
                .module = 1, .offset = 16 * i, .line = i, .function = function, .file = "app.c"}));
    }
}

static inline void capture_commit(void) {
    must(put_end(capture.w));
    must(hak_store_commit(capture.w));
}

static inline void capture_cut(void) {
    capture_commit();
    must(hak_store_begin(capture.w));
}

static inline void capture_finish(void) {
    capture_commit();
    must(hak_store_finish(capture.w));
    capture.w = NULL;
}

static inline uint64_t capture_put(struct hak_event e) {
    e.id = ++capture.id;
    e.ns = (capture.ns += 1000) - capture.late_ns;
    if (!e.process)
        e.process = capture.process;
    must(put_event(capture.w, &e));
    return e.id;
}

/* One event of block `i`; `n` counts up. */
static inline uint64_t block_event(int i, uint8_t kind, uint8_t place, uint32_t stack,
                                   uint32_t thread, uint64_t size, uint8_t flags) {
    uint64_t delta = kind <= HAK_REALLOC_FROM ? 16 : 0;
    return capture_put(
        (struct hak_event){.base = BLOCK(i),
                           .address = BLOCK(i) + delta,
                           .size = size,
                           .generation = (uint64_t)capture.epoch << 32 | ++capture.n[i],
                           .thread = thread,
                           .stack = stack,
                           .kind = kind,
                           .class_index = CLASS_48,
                           .place = place,
                           .flags = flags});
}
static inline uint64_t block_malloc(int i, uint32_t stack, uint32_t thread) {
    if (capture.n[i] == 0)
        block_event(i, HAK_FRONT_REFILL, HAK_PLACE_FRONT, 0, thread, 0, 0);
    return block_event(i, HAK_MALLOC, HAK_PLACE_FRONT, stack, thread, 24, 0);
}
static inline uint64_t block_resize(int i, uint32_t stack, uint32_t thread) {
    return block_event(i, HAK_REALLOC, HAK_PLACE_LIVE, stack, thread, 30, 0);
}
static inline uint64_t block_free(int i, uint32_t stack, uint32_t thread) {
    return block_event(i, HAK_FREE, HAK_PLACE_FRONT, stack, thread, 24, 0);
}
/* A second free, as the guard records it: the call with the ILLEGAL flag, then the fault. */
static inline uint64_t block_free_again(int i, uint32_t stack, uint32_t thread) {
    uint64_t id = block_event(i, HAK_FREE, HAK_PLACE_FRONT, stack, thread, 24, HAK_RECORD_ILLEGAL);
    capture_put((struct hak_event){.base = BLOCK(i),
                                   .address = BLOCK(i) + 16,
                                   .size = 202,
                                   .generation = (uint64_t)capture.epoch << 32 | capture.n[i],
                                   .thread = thread,
                                   .stack = stack,
                                   .kind = HAK_FAULT,
                                   .class_index = CLASS_48});
    return id;
}

static inline struct hak_story *tell_of(uint64_t address, uint32_t process, uint64_t until) {
    struct hak_store_reader *r;
    struct hak_story *story;
    if (capture.w)
        capture_finish();
    must(hak_store_open(capture.path, &r));
    must(hak_story_load(r, address, process, until, &story));
    hak_store_close(r);
    return story;
}

/* The number in the first row and column of what a query gives, -1 where it gives no row. */
static inline int64_t number_of(sqlite3 *database, const char *sql) {
    sqlite3_stmt *query;
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &query, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    int64_t number = sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_int64(query, 0) : -1;
    sqlite3_finalize(query);
    return number;
}

static inline void capture_change(const char *sql) {
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(capture.path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql,
                  sqlite3_errmsg(database));
    sqlite3_close(database);
}

/* For the end of a test. */
static inline void capture_end(void) {
    if (capture.w)
        capture_finish();
    capture_clean(capture.path);
}

#endif
