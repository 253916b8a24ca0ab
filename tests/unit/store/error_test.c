/* Memory that ends while a store is read is an error of its own, and never said to be damage. */
#include "capture.h"

#include "store/check/check.h"
#include "store/history/history.h"
#include "store/pack.h"
#include "store/postings/merge.h"
#include "store/reader/scan.h"

#define EVENTS 6000

/* The allocation of this store's code that is refused, counted down; 0 = none any more. The linker
 * leads malloc, calloc, realloc and ZSTD_createDCtx here. */
static unsigned refused;

static bool is_refused(void) {
    return refused && --refused == 0;
}

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) {
    return is_refused() ? NULL : __real_malloc(bytes);
}
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes) {
    return is_refused() ? NULL : __real_calloc(count, bytes);
}
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes) {
    return is_refused() ? NULL : __real_realloc(old, bytes);
}
void *__real_ZSTD_createDCtx(void);
void *__wrap_ZSTD_createDCtx(void);
void *__wrap_ZSTD_createDCtx(void) {
    return is_refused() ? NULL : __real_ZSTD_createDCtx();
}

static int each(void *context, const struct hak_event *e) {
    *(uint64_t *)context += e->id;
    return 0;
}

enum { EVENTS_OF_ALL, HEAP, EVENTS_OF_A_BLOCK, EVENTS_OF_A_STACK, PEAK, CHECK, WAYS };

static int ask(int way, struct hak_store_reader *r) {
    struct hak_filter filter = {.class_index = -1};
    struct hak_heap_peak peak;
    struct hak_heap heap = {0};
    uint64_t sum = 0;
    int result;
    switch (way) {
    case EVENTS_OF_ALL:
        return hak_store_scan(r, &filter, false, each, &sum);
    case HEAP:
        result = hak_heap_read(r, EVENTS / 3, 0, 0, &heap);
        hak_heap_free(&heap);
        return result;
    case EVENTS_OF_A_BLOCK:
        filter.base = BLOCK(7);
        return hak_store_scan(r, &filter, true, each, &sum);
    case EVENTS_OF_A_STACK:
        filter.stack = 12;
        return hak_store_scan(r, &filter, false, each, &sum);
    case PEAK:
        result = hak_heap_read_peak(r, &peak, &heap);
        hak_heap_free(&heap);
        return result;
    default:
        result = hak_store_check(r, NULL, NULL);
        ck_assert_int_le(result, 0);
        return result;
    }
}

static void write_store(bool is_profile_only) {
    capture_start();
    if (is_profile_only)
        must(hak_store_keep_profile_only(capture.w));
    for (int i = 0; i < EVENTS / 2; i++) {
        block_malloc(i % BLOCKS, 10 + (uint32_t)i % 80, 1);
        if (i % 3)
            block_free(i % BLOCKS, 10 + (uint32_t)i % 80, 1);
        if (i % 300 == 299)
            capture_cut();
    }
    capture_finish();
}

TEST(memory_that_ended_is_no_damage, .until = WAYS) {
    int ended = 0;
    write_store(_i == PEAK);
    for (unsigned n = 1;; n++) {
        struct hak_store_reader *r = NULL;
        hak_pack_release();
        refused = n;
        int result = hak_store_open(capture.path, &r);
        result = result ? result : ask(_i, r);
        bool is_over = refused != 0;
        refused = 0;
        if (result < 0)
            ck_assert_msg(result == HAK_STORE_INTERNAL &&
                              strstr(hak_store_message(), "out of memory"),
                          "allocation %u: %d, %s", n, result, hak_store_message());
        ended += result < 0;
        hak_store_close(r);
        if (is_over) {
            ck_assert_int_ge(result, 0);
            break;
        }
    }
    ck_assert_int_gt(ended, 10);
    capture_clean(capture.path);
}

static void run(const struct hak_database *db, const char *sql) {
    ck_assert_int_eq(sqlite3_exec(db->connection, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Sixteen chunks of a capture whose runs are to be joined, packed so that a join unpacks them. */
static void put_singles(const struct hak_database *db) {
    struct hak_posting_row row;
    struct hak_buffer blob = {0};
    ck_assert(hak_posting_row_init(&row));
    for (uint64_t chunk = 0; chunk < HAK_POSTING_FAN_OUT; chunk++) {
        hak_posting_row_begin(&row, HAK_POSTING_STACK, chunk, chunk);
        for (uint64_t key = 1; key < 200; key++)
            ck_assert(hak_posting_row_add(&row, key, &(struct hak_span){0, 0}, 1, 0));
        must(hak_posting_merge_put_row(db, &blob, &row, 0, 0, true));
    }
    hak_posting_row_free(&row);
    hak_buffer_free(&blob);
}

TEST(a_join_without_memory_is_made_when_there_is_some) {
    struct hak_database db = {.path = capture.path};
    capture_start();
    capture_commit();
    must(hak_store_finish(capture.w));
    ck_assert_int_eq(sqlite3_open(capture.path, &db.connection), SQLITE_OK);
    put_singles(&db);
    for (unsigned n = 1, is_over = 0; !is_over; n++) {
        struct hak_posting_merge *state = NULL;
        run(&db, "BEGIN");
        refused = n;
        int result = hak_posting_merge_singles(&db, &state, HAK_POSTING_STACK, HAK_POSTING_FAN_OUT);
        is_over = refused != 0;
        refused = 0;
        ck_assert_int_eq(result, is_over ? 0 : HAK_STORE_INTERNAL);
        run(&db, "ROLLBACK");
        run(&db, "BEGIN");
        hak_posting_merge_forget(state);
        must(hak_posting_merge_singles(&db, &state, HAK_POSTING_STACK, HAK_POSTING_FAN_OUT));
        ck_assert_int_eq(
            number_of(db.connection, "SELECT count(*) FROM posting_run WHERE level = 0"), 0);
        run(&db, "ROLLBACK");
        hak_posting_merge_free(state);
    }
    ck_assert_int_eq(sqlite3_close(db.connection), SQLITE_OK);
    capture_clean(capture.path);
}

RUN_TESTS()
