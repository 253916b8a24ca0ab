/* Makes broken stores out of a sound one: cut, flipped, foreign, newer, and hostile ones whose
 * checksums hold although what they say cannot be.
 *
 *   make_broken GOLDEN DIRECTORY
 *
 * Chunk and posting layouts: docs/specs/event-log.md; nodes: store.md. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/checksum.h"

static uint8_t golden[1 << 20], blob[1 << 16];
static size_t golden_bytes;
static const char *directory;
static char path[4096];

static void fail(const char *what) {
    fprintf(stderr, "make_broken: %s: %s\n", path, what);
    exit(1);
}

static void write_file(const char *name, const void *bytes, size_t count) {
    snprintf(path, sizeof path, "%s/%s.db", directory, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0)
        fail("cannot be written");
}

/* A copy of the golden store, changed by SQL. */
static void change(const char *name, const char *sql) {
    sqlite3 *database;
    write_file(name, golden, golden_bytes);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(database));
    sqlite3_close(database);
}

static void put(size_t at, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        blob[at + (size_t)i] = (uint8_t)(value >> 8 * i);
}

/* A copy in which `bytes` bytes at `at` of a blob are `value` (at < 0: from its end), its length
 * changed by `longer`, and the checksum made good again if `mend`. */
static void change_blob(const char *name, const char *from, int at, uint64_t value, int bytes,
                        int longer, bool mend) {
    sqlite3 *database;
    sqlite3_stmt *s = NULL;
    char sql[200];
    write_file(name, golden, golden_bytes);
    snprintf(sql, sizeof sql, "SELECT data FROM %s", from);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_prepare_v2(database, sql, -1, &s, NULL) != SQLITE_OK ||
        sqlite3_step(s) != SQLITE_ROW)
        fail(sqlite3_errmsg(database));
    int count = sqlite3_column_bytes(s, 0);
    memset(blob, 0, sizeof blob);
    memcpy(blob, sqlite3_column_blob(s, 0), (size_t)count);
    sqlite3_finalize(s);
    put((size_t)(at < 0 ? count + at : at), value, bytes);
    count += longer;
    if (mend)
        put((size_t)count - 4, hak_crc32c(blob, (size_t)count - 4), 4);
    const char *condition = strstr(from, "WHERE");
    snprintf(sql, sizeof sql, "UPDATE %.*s SET data = ?1 %s", (int)(condition - from), from,
             condition);
    if (sqlite3_prepare_v2(database, sql, -1, &s, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(database));
    sqlite3_bind_blob(s, 1, blob, count, SQLITE_STATIC);
    if (sqlite3_step(s) != SQLITE_DONE)
        fail(sqlite3_errmsg(database));
    sqlite3_finalize(s);
    sqlite3_close(database);
}

/* Offset of a column's entry in the directory, and of the field in it. */
#define ENTRY(column, field) (24 + 12 * (column) + (field))
#define CHUNK                "chunk_data WHERE chunk = (SELECT max(id) FROM chunk)"
#define SMALL                "chunk_data WHERE chunk = (SELECT min(id) FROM chunk WHERE events < 4)"

static void break_files(void) {
    static const char text[] = "This is no store, but a text about stores.\n";
    write_file("empty", "", 0);
    write_file("text", text, sizeof text - 1);
    write_file("cut-at-15-bytes", golden, 15);
    write_file("cut-at-99-bytes", golden, 99);
    write_file("cut-at-a-page", golden, 4096);
    write_file("cut-in-half", golden, golden_bytes / 2);
    write_file("cut-by-a-byte", golden, golden_bytes - 1);
    change("foreign", "PRAGMA application_id = 1196444487");
    change("other-sqlite", "PRAGMA application_id = 0");
    change("newer", "PRAGMA user_version = 99");
    change("older", "PRAGMA user_version = 2");
    write_file("zero-pages", golden, golden_bytes);
    FILE *file = fopen(path, "r+b");
    static const uint8_t zeroes[4096 * 8];
    if (!file || fseek(file, 4096, SEEK_SET) ||
        fwrite(zeroes, 1, sizeof zeroes, file) != sizeof zeroes || fclose(file))
        fail("cannot be changed");
    change("no-classes", "DROP TABLE class");
    change("no-geometry", "DELETE FROM meta WHERE key = 'slab_bytes'");
    change("odd-geometry", "UPDATE meta SET value = '65537' WHERE key = 'slab_bytes'");
    change("no-chunk-data", "DELETE FROM chunk_data WHERE chunk = (SELECT max(id) FROM chunk)");
    change("chunk-of-no-events", "UPDATE chunk SET events = 0");
    change("chunk-of-too-many", "UPDATE chunk SET events = 1000000000");
    change("chunk-of-other-id",
           "UPDATE chunk_data SET chunk = chunk + 1 WHERE chunk ="
           " (SELECT max(id) FROM chunk); UPDATE chunk SET id = id + 1 WHERE id ="
           " (SELECT max(id) FROM chunk)");
    change("chunk-is-text", "UPDATE chunk_data SET data = 'HKCK and nothing more'");
    change("chunk-is-null", "UPDATE chunk_data SET data = NULL");
}

static void break_blobs(void) {
    change_blob("chunk-flipped", CHUNK, 300, 0x55, 1, 0, false);
    change_blob("chunk-cut", CHUNK, 0, 0x4b, 0, -100, false);
    change_blob("chunk-magic", CHUNK, 0, 0x21, 1, 0, true);
    change_blob("chunk-format", CHUNK, 4, 9, 2, 0, true);
    change_blob("chunk-columns", CHUNK, 6, 60000, 2, 0, true);
    change_blob("chunk-column-lacking", CHUNK, 6, 8, 2, 0, true);
    change_blob("chunk-events-many", CHUNK, 8, 0xffffffff, 4, 0, true);
    change_blob("chunk-events-none", CHUNK, 8, 0, 4, 0, true);
    change_blob("chunk-events-fewer", CHUNK, 8, 5, 4, 0, true);
    change_blob("chunk-cut-mended", CHUNK, 0, 0x4b, 1, -100, true);
    change_blob("chunk-longer", CHUNK, 0, 0x4b, 1, 100, true);
    change_blob("column-twice", CHUNK, ENTRY(3, 0), 2, 1, 0, true);
    change_blob("column-unknown", CHUNK, ENTRY(3, 0), 77, 1, 0, true);
    change_blob("codec-unknown", CHUNK, ENTRY(3, 1), 200, 1, 0, true);
    change_blob("codec-of-another", CHUNK, ENTRY(3, 1), 4, 1, 0, true);
    change_blob("packing-unknown", CHUNK, ENTRY(2, 2), 9, 1, 0, true);
    change_blob("packing-none", CHUNK, ENTRY(2, 2), 0, 1, 0, true);
    change_blob("raw-length-huge", CHUNK, ENTRY(2, 4), 0xffffffff, 4, 0, true);
    change_blob("raw-length-short", CHUNK, ENTRY(2, 4), 10, 4, 0, true);
    change_blob("raw-length-long", CHUNK, ENTRY(2, 4), 700000, 4, 0, true);
    change_blob("packed-length-huge", CHUNK, ENTRY(2, 8), 0xfffffff0, 4, 0, true);
    change_blob("packed-length-short", CHUNK, ENTRY(2, 8), 1, 4, 0, true);
    change_blob("zstd-garbage", CHUNK, 24 + 12 * 9 + 8, 0xffffffffffffffff, 8, 0, true);
    change_blob("dictionary-huge", SMALL, 24 + 12 * 9, 0xffffffffffffff, 8, 0, true);
}

/* Chunks that neither table speaks of any more, or one of them alone. */
static void break_chunks(void) {
    change("chunks-missing", "DELETE FROM chunk WHERE id IN (67, 3037);"
                             "DELETE FROM chunk_order WHERE chunk IN (67, 3037)");
    change("chunks-missing-at-first", "DELETE FROM chunk WHERE id < 67;"
                                      "DELETE FROM chunk_order WHERE chunk < 67");
    change("chunks-not-counted", "DELETE FROM chunk_order WHERE chunk IN (67, 3037)");
    change("chunk-rows-missing", "DELETE FROM chunk WHERE id = 67");
    change("chunks-missing-at-the-end", "DELETE FROM chunk WHERE id > 3000;"
                                        "DELETE FROM chunk_data WHERE chunk > 3000;"
                                        "DELETE FROM chunk_order WHERE chunk > 3000");
    change("chunk-missing-at-the-end", "DELETE FROM chunk WHERE id > 4000;"
                                       "DELETE FROM chunk_data WHERE chunk > 4000");
    change("blobs-at-the-end", "DELETE FROM chunk WHERE id > 4000;"
                               "DELETE FROM chunk_order WHERE chunk > 4000;"
                               "DELETE FROM posting_run WHERE last > 41");
    change("chunk-not-counted-at-the-end", "DELETE FROM chunk_order WHERE chunk > 4000");
    change("chunks-dropped", "DELETE FROM chunk WHERE id < 67;"
                             "DELETE FROM chunk_order WHERE chunk < 67;"
                             "INSERT OR REPLACE INTO meta VALUES('trimmed_events', '66')");
}

#define NODES "node_chunk WHERE id = 1"
#define RUNS  "posting_run WHERE kind = 0 AND level = (SELECT max(level) FROM posting_run)"
/* Runs of postings. */
static void break_runs(void) {
    change("runs-are-null", "UPDATE posting_run SET data = NULL");
    change("runs-are-text", "UPDATE posting_run SET data = 'HKPO and nothing more'");
    change("runs-missing", "DELETE FROM posting_run WHERE level > 0");
    change("runs-of-other-chunks", "UPDATE posting_run SET first = first + 1, last = last + 1");
    change_blob("runs-flipped", RUNS, 60, 0x55, 1, 0, false);
    change_blob("runs-cut-mended", RUNS, 0, 0x4b, 0, -20, true);
    change_blob("runs-magic", RUNS, 0, 0x21, 1, 0, true);
    change_blob("runs-format", RUNS, 4, 9, 2, 0, true);
    change_blob("runs-keys-many", RUNS, 8, 0xffffffff, 4, 0, true);
}

/* And the blobs of stack nodes. */
static void break_nodes(void) {
    change("nodes-are-null", "UPDATE node_chunk SET data = NULL");
    change("nodes-are-text", "UPDATE node_chunk SET data = 'HKND and nothing more'");
    change("nodes-missing", "DELETE FROM node_chunk");
    change("nodes-of-other-id", "UPDATE node_chunk SET id = id + 1");
    change("nodes-of-other-number", "UPDATE node_chunk SET nodes = nodes + 1");
    change_blob("nodes-flipped", NODES, 60, 0x55, 1, 0, false);
    change_blob("nodes-cut-mended", NODES, 0, 0x4b, 0, -20, true);
    change_blob("nodes-magic", NODES, 0, 0x21, 1, 0, true);
    change_blob("nodes-format", NODES, 4, 9, 2, 0, true);
    change_blob("nodes-packing", NODES, 6, 9, 1, 0, true);
    change_blob("nodes-many", NODES, 8, 0xffffffff, 4, 0, true);
    change_blob("nodes-none", NODES, 8, 0, 4, 0, true);
    change_blob("nodes-fewer", NODES, 8, 5, 4, 0, true);
    change_blob("nodes-more", NODES, 8, 601, 4, 0, true);
    change_blob("nodes-first-none", NODES, 12, 0, 4, 0, true);
    change_blob("nodes-addresses-none", NODES, 16, 0, 4, 0, true);
    change_blob("nodes-addresses-fewer", NODES, 16, 7, 4, 0, true);
    change_blob("nodes-stream-huge", NODES, 28, 0xfffffff0, 4, 0, true);
    change_blob("nodes-stream-short", NODES, 40, 3, 4, 0, true);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: make_broken GOLDEN DIRECTORY\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    golden_bytes = file ? fread(golden, 1, sizeof golden, file) : 0;
    if (golden_bytes == 0 || golden_bytes == sizeof golden)
        fail("the golden store cannot be read");
    fclose(file);
    directory = argv[2];
    break_files();
    break_blobs();
    break_chunks();
    break_nodes();
    break_runs();
    return 0;
}
