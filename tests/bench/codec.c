/* Codes the events of a store anew: bytes for a call by column, nanoseconds of this thread's CPU
 * for a record both ways.
 *
 *   codec STORE [ROUNDS [CHUNKS]]    the least of ROUNDS (3) for each chunk; at most CHUNKS chunks
 *
 * A call is a MALLOC, FREE or REALLOC; the bytes of everything else count into them. The decoded
 * events are compared with the coded ones. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "store/codec/chunk.h"

static struct hak_columns columns;
static struct hak_event events[HAK_CHUNK_EVENTS_MAX];

static void give_up(const char *why) {
    fprintf(stderr, "codec: %s\n", why);
    exit(1);
}

static double now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct {
    uint64_t records, calls, bytes, old_bytes, column[HAK_COLUMN_COUNT], raw[HAK_COLUMN_COUNT];
    double encode_ns, decode_ns, three_ns;
} total;

static const unsigned three_columns =
    1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE;

static double decode(const struct hak_buffer *blob, unsigned mask) {
    struct hak_chunk chunk;
    double start = now_ns();
    const char *wrong = hak_chunk_open(&chunk, blob->data, blob->size);
    if (!wrong)
        wrong = hak_chunk_decode(&chunk, &columns, mask);
    double took = now_ns() - start;
    if (wrong) {
        fprintf(stderr, "codec: %s: %s\n", chunk.wrong_column, wrong);
        exit(1);
    }
    return took;
}

static void compare(uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct hak_event got, want = events[i];
        memset(&got, 0, sizeof got);
        hak_columns_get(&columns, i, want.id, &got);
        if (got.ns != want.ns || got.address != want.address || got.base != want.base ||
            got.size != want.size || got.old_address != want.old_address ||
            got.generation != want.generation || got.process != want.process ||
            got.thread != want.thread || got.stack != want.stack || got.kind != want.kind ||
            got.class_index != want.class_index || got.place != want.place ||
            got.subkind != want.subkind || got.flags != want.flags)
            give_up("an event does not come back as it was");
    }
}

static double least(double a, double b) {
    return a < b ? a : b;
}

static void add_chunk(const struct hak_buffer *old, int rounds) {
    static struct hak_buffer blob;
    struct hak_chunk chunk;
    decode(old, HAK_ALL_COLUMNS);
    if (hak_chunk_open(&chunk, old->data, old->size))
        give_up("a chunk cannot be opened");
    uint32_t count = chunk.events;
    for (uint32_t i = 0; i < count; i++) {
        hak_columns_get(&columns, i, chunk.first_id + i, &events[i]);
        events[i].ns = (events[i].ns + 8) & ~(uint64_t)15;
        total.calls += events[i].kind >= 1 && events[i].kind <= 3;
    }
    double encode_ns = 1e18, decode_ns = 1e18, three_ns = 1e18;
    for (int round = 0; round < rounds; round++) {
        blob.size = 0;
        double start = now_ns();
        hak_columns_from_events(&columns, events, count);
        if (!hak_chunk_encode(&columns, chunk.first_id, &blob))
            give_up("out of memory");
        encode_ns = least(encode_ns, now_ns() - start);
        three_ns = least(three_ns, decode(&blob, three_columns));
        decode_ns = least(decode_ns, decode(&blob, HAK_ALL_COLUMNS));
    }
    compare(count);
    if (hak_chunk_open(&chunk, blob.data, blob.size))
        give_up("a chunk cannot be opened again");
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        total.column[i] += chunk.column[i].packed_bytes;
        total.raw[i] += chunk.column[i].raw_bytes;
    }
    total.records += count;
    total.bytes += blob.size;
    total.old_bytes += old->size;
    total.encode_ns += encode_ns;
    total.decode_ns += decode_ns;
    total.three_ns += three_ns;
}

static void print(const char *name) {
    double calls = total.calls ? (double)total.calls : 1, records = (double)total.records;
    printf("%s: %llu records, %llu calls; bytes a call %.3f (as the store has it %.3f); ns a "
           "record: encode %.1f, decode %.1f, shape+actor+base %.1f\n",
           name, (unsigned long long)total.records, (unsigned long long)total.calls,
           (double)total.bytes / calls, (double)total.old_bytes / calls, total.encode_ns / records,
           total.decode_ns / records, total.three_ns / records);
    for (int i = 0; i < HAK_COLUMN_COUNT; i++)
        printf("  %-12s %6.3f bytes a call (%6.3f before zstd)\n", hak_column_names[i],
               (double)total.column[i] / calls, (double)total.raw[i] / calls);
}

int main(int argc, char **argv) {
    int rounds = argc > 2 ? atoi(argv[2]) : 3, limit = argc > 3 ? atoi(argv[3]) : -1;
    sqlite3 *database;
    sqlite3_stmt *rows = NULL;
    if (argc < 2 || !hak_columns_init(&columns))
        give_up("codec STORE [ROUNDS [CHUNKS]]");
    if (sqlite3_open_v2(argv[1], &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, "SELECT data FROM chunk_data ORDER BY chunk LIMIT ?", -1,
                           &rows, NULL) != SQLITE_OK)
        give_up(sqlite3_errmsg(database));
    sqlite3_bind_int(rows, 1, limit);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        struct hak_buffer old = {.size = (size_t)sqlite3_column_bytes(rows, 0)};
        old.data = malloc(old.size);
        if (!old.data)
            give_up("out of memory");
        memcpy(old.data, sqlite3_column_blob(rows, 0), old.size);
        add_chunk(&old, rounds);
        hak_buffer_free(&old);
    }
    sqlite3_finalize(rows);
    sqlite3_close(database);
    print(argv[1]);
    return 0;
}
