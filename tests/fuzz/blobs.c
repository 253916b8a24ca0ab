/* Every decoder of blobs that a store holds, for libFuzzer: chunks, runs of postings,
 * node blobs, states, rows of the profile. A new form of blob needs a line in `decoders`.
 *
 * A checksum would keep the fuzzer out, so it is made good before decoding. Chunks are changed one
 * stream at a time, with all lengths around it corrected: the bytes behind the directory are
 * reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/checksum.h"
#include "store/codec/chunk.h"
#include "store/live/part.h"
#include "store/profile/rows.h"
#include "store/stacks/nodes.h"
#include "store/postings/run.h"
#include "store/codec/walk.h"
#include "store/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#define COLUMN_MAX 8192 /* bytes of a column that is changed */

static struct hak_columns columns;
static struct hak_posting_cursor cursor;
static struct hak_node_coder *node_coder;

static void decode_chunk(const uint8_t *blob, size_t bytes) {
    struct hak_chunk chunk;
    struct hak_event event;
    /* Lazily in two steps, as readers do; the columns keep what the chunk before left in them. */
    const unsigned few = 1u << HAK_COLUMN_SHAPE | 1u << HAK_COLUMN_ACTOR | 1u << HAK_COLUMN_BASE;
    if (hak_chunk_open(&chunk, blob, bytes) || hak_chunk_decode(&chunk, &columns, few))
        return;
    for (uint32_t i = 0; i < chunk.events; i++)
        if (columns.by_index[HAK_COLUMN_BASE] &&
            columns.index[HAK_COLUMN_BASE][i] >= columns.distinct[HAK_COLUMN_BASE])
            abort();
    if (hak_chunk_decode(&chunk, &columns, HAK_ALL_COLUMNS))
        return;
    for (uint32_t i = 0; i < chunk.events; i++)
        hak_columns_get(&columns, i, chunk.first_id + i, &event);
}

/* To the end, as a merge reads it: the keys must rise, the spans lie in the run. */
static void decode_run(const uint8_t *blob, size_t bytes) {
    const char *wrong = NULL;
    uint64_t before = 0;
    if (hak_posting_cursor_open(&cursor, blob, bytes))
        return;
    for (uint32_t keys = 0; hak_posting_cursor_next(&cursor, &wrong) == 1; keys++) {
        if (keys && cursor.key <= before)
            abort();
        before = cursor.key;
        for (uint32_t i = 0; i < cursor.spans; i++)
            if (cursor.span[i].from > cursor.span[i].to ||
                cursor.span[i].to > cursor.last - cursor.first)
                abort();
    }
}

static void decode_nodes(const uint8_t *blob, size_t bytes) {
    static struct hak_node_row nodes[HAK_NODES_MAX];
    uint32_t count = 0;
    if (!hak_nodes_decode(node_coder, blob, bytes, nodes, &count) && count > HAK_NODES_MAX)
        abort();
}

static void decode_states(const uint8_t *blob, size_t bytes) {
    static struct hak_live_state states[HAK_LIVE_PART_STATES];
    uint32_t count = 0;
    if (hak_live_part_decode(blob, bytes, states, &count))
        return;
    for (uint32_t i = 0; i < count; i++)
        if (!states[i].process)
            abort();
}

static void decode_keys(const uint8_t *blob, size_t bytes) {
    struct hak_profile_keys keys = {0};
    if (!hak_profile_keys_decode(blob, bytes, &keys))
        for (uint32_t i = 0; i < keys.count; i++)
            if (keys.key[i].group > HAK_PROFILE_GROUPS)
                abort();
    hak_profile_keys_free(&keys);
}

/* Values that were read are written and read again: the same. */
static void decode_ends(const uint8_t *blob, size_t bytes) {
    struct hak_profile_chunk chunk = {0}, again = {0};
    struct hak_buffer out = {0};
    if (!hak_profile_chunk_decode(blob, bytes, &chunk)) {
        if (!hak_profile_chunk_encode(&chunk, &out) ||
            hak_profile_chunk_decode(out.data, out.size, &again) || again.ends != chunk.ends ||
            again.exceptions != chunk.exceptions || again.origins != chunk.origins)
            abort();
        for (uint32_t i = 0; i < chunk.ends; i++)
            if (chunk.end[i] != again.end[i])
                abort();
    }
    hak_buffer_free(&out);
    hak_profile_chunk_free(&chunk);
    hak_profile_chunk_free(&again);
}

static void decode_sums(const uint8_t *blob, size_t bytes) {
    struct hak_profile_run run = {.first = 1, .last = 1 << 20}, again = run;
    struct hak_buffer out = {0};
    if (!hak_profile_run_decode(blob, bytes, &run)) {
        if (!hak_profile_run_encode(&run, &out) ||
            hak_profile_run_decode(out.data, out.size, &again) || again.rows != run.rows ||
            again.processes != run.processes ||
            (run.rows && memcmp(again.row, run.row, run.rows * sizeof *run.row) != 0))
            abort();
    }
    hak_buffer_free(&out);
    hak_profile_run_free(&run);
    hak_profile_run_free(&again);
}

static const struct {
    const char *magic;
    void (*decode)(const uint8_t *blob, size_t bytes);
} decoders[] = {{"HKCK", decode_chunk},

                {"HKPO", decode_run},   {"HKND", decode_nodes}, {"HKLV", decode_states},
                {"HKPK", decode_keys},  {"HKPC", decode_ends},  {"HKPR", decode_sums}};

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    node_coder = hak_node_coder_make();
    if (!node_coder || !hak_columns_init(&columns) || !hak_posting_cursor_init(&cursor))
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 8)
        return 0;
    uint8_t *copy = malloc(size); /* of exactly that size, so that overreads are seen */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    hak_write_little(copy + size - 4, hak_crc32c(copy, size - 4), 4);
    for (size_t i = 0; i < sizeof decoders / sizeof *decoders; i++)
        if (memcmp(copy, decoders[i].magic, 4) == 0)
            decoders[i].decode(copy, size);
    free(copy);
    return 0;
}

/* ---- changes inside a chunk --------------------------------------------------------------------
 */

/* A column with one of its streams changed; returns its length, or 0 if it is not made of streams.
 */
static size_t change_stream(const uint8_t *bytes, size_t count, uint32_t streams, uint32_t which,
                            uint8_t *out) {
    static uint8_t room[HAK_STREAMS_MAX][COLUMN_MAX];
    struct hak_input in[HAK_STREAMS_MAX];
    struct hak_stream stream[HAK_STREAMS_MAX];
    uint32_t ends[HAK_STREAMS_MAX];
    if (!hak_streams_split(bytes, count, in, streams))
        return 0;
    for (uint32_t i = 0; i < streams; i++) {
        size_t length = (size_t)(in[i].end - in[i].at);
        memcpy(room[i], in[i].at, length);
        if (i == which)
            length = LLVMFuzzerMutate(room[i], length, COLUMN_MAX / 2);
        stream[i] = (struct hak_stream){.start = room[i], .at = room[i] + length};
    }
    return hak_streams_join(stream, streams, out, ends);
}

/* The chunk with a change in one column, which is no longer packed; 0 if it cannot be done. */
static size_t change_chunk(const struct hak_chunk *chunk, uint8_t *out, size_t max_size,
                           unsigned seed) {
    static uint8_t column[COLUMN_MAX], changed[2 * COLUMN_MAX + HAK_STREAMS_MAX * 10];
    unsigned which = seed % HAK_COLUMN_COUNT;
    size_t raw = chunk->column[which].raw_bytes, head = HAK_CHUNK_HEADER_BYTES;
    size_t directory = HAK_COLUMN_COUNT * HAK_CHUNK_COLUMN_BYTES, length = 0;
    if (raw > COLUMN_MAX / 2 ||
        hak_unpack(chunk->blob + chunk->column[which].offset, chunk->column[which].packed_bytes,
                   chunk->column[which].packing, column, raw))
        return 0;
    if (chunk->column[which].codec == HAK_CODEC_STREAMS) {
        uint32_t streams = hak_walk_streams((enum hak_column)which);
        length = change_stream(column, raw, streams, seed / 16 % streams, changed);
    }
    if (!length) {
        memcpy(changed, column, raw);
        length = LLVMFuzzerMutate(changed, raw, COLUMN_MAX);
    }
    size_t total = chunk->blob_bytes - chunk->column[which].packed_bytes + length;
    if (total > max_size || head + directory > chunk->blob_bytes)
        return 0;
    uint8_t *at = out;
    memcpy(at, chunk->blob, head);
    at += head;
    for (unsigned i = 0; i < HAK_COLUMN_COUNT; i++) {
        bool is_it = i == which;
        *at++ = (uint8_t)i;
        *at++ = chunk->column[i].codec;
        *at++ = is_it ? HAK_PACKING_NONE : chunk->column[i].packing;
        *at++ = 0;
        at = hak_write_little(at, is_it ? length : chunk->column[i].raw_bytes, 4);
        at = hak_write_little(at, is_it ? length : chunk->column[i].packed_bytes, 4);
    }
    for (unsigned i = 0; i < HAK_COLUMN_COUNT; i++) {
        size_t bytes = i == which ? length : chunk->column[i].packed_bytes;
        memcpy(at, i == which ? changed : chunk->blob + chunk->column[i].offset, bytes);
        at += bytes;
    }
    memset(at, 0, 4); /* the checksum is mended before decoding */
    return (size_t)(at - out) + 4;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    struct hak_chunk chunk;
    size_t changed = 0;
    if (size < 8 || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    uint8_t *copy = malloc(size), *out = malloc(max_size);
    if (!copy || !out)
        abort();
    memcpy(copy, data, size);
    hak_write_little(copy + size - 4, hak_crc32c(copy, size - 4), 4);
    if (memcmp(copy, "HKCK", 4) == 0 && !hak_chunk_open(&chunk, copy, size))
        changed = change_chunk(&chunk, out, max_size, seed / 4);
    if (changed)
        memcpy(data, out, changed);
    free(copy);
    free(out);
    return changed ? changed : LLVMFuzzerMutate(data, size, max_size);
}
