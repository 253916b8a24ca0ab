/* Writes sound blobs of all forms and many lengths into a folder, for the fuzzer to start from:
 * seeds FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include "../unit/store/stream.h"
#include "base/checksum.h"
#include "store/codec/chunk.h"
#include "store/live/part.h"
#include "store/profile/rows.h"
#include "store/stacks/nodes.h"
#include "store/postings/run.h"
#include "store/pack.h"

static const char *folder;
static int written;

static void put(const char *what, struct hak_buffer *blob) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%d", folder, what, written++);
    FILE *file = fopen(path, "w");
    if (!file || fwrite(blob->data, 1, blob->size, file) != blob->size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
    blob->size = 0;
}

/* Kinds and numbers that the stream has none of: every role of the mirror, every finding. */
static void make_strange(struct hak_event *e, struct stream *s) {
    uint64_t r = stream_random(s);
    if (r % 4 == 0)
        e->kind = (uint8_t)(r >> 8 & 63);
    if (r % 5 == 0)
        e->place = (uint8_t)(r >> 16 & 31);
    if (r % 7 == 0)
        e->thread = (uint32_t)(r >> 24 & 31);
    if (r % 9 == 0)
        e->kind = HAK_REALLOC, e->old_address = e->address + (r >> 32 & 255);
    if (r % 11 == 0)
        e->generation += r >> 20 & 0xfff;
    if (r % 13 == 0)
        e->ns = r >> 8;
}

/* Writes the blob as it is, and again not packed, so that changes reach its streams. Where the
 * number of bytes before packing lies, if it is one number, is `raw_at`. */
static void put_both(const char *what, struct hak_buffer *blob, size_t head, size_t packing_at,
                     size_t raw_at, size_t packed_at, size_t raw_bytes) {
    struct hak_buffer plain = {0};
    if (raw_at)
        raw_bytes = hak_read_little(blob->data + raw_at, 4);
    uint8_t *raw = malloc(raw_bytes + 1);
    if (!raw || !hak_buffer_reserve(&plain, head + raw_bytes + 4) ||
        hak_unpack(blob->data + head, hak_read_little(blob->data + packed_at, 4),
                   blob->data[packing_at], raw, raw_bytes)) {
        fprintf(stderr, "seeds: a sound blob cannot be unpacked\n");
        exit(1);
    }
    memcpy(plain.data, blob->data, head);
    memcpy(plain.data + head, raw, raw_bytes);
    plain.data[packing_at] = HAK_PACKING_NONE;
    hak_write_little(plain.data + packed_at, raw_bytes, 4);
    plain.size = head + raw_bytes;
    hak_write_little(plain.data + plain.size, hak_crc32c(plain.data, plain.size), 4);
    plain.size += 4;
    put(what, blob);
    put(what, &plain);
    hak_buffer_free(&plain);
    free(raw);
}

static void put_nodes(struct hak_buffer *blob) {
    size_t raw_bytes = 0;
    for (unsigned at = 24; at < HAK_NODES_HEADER_BYTES; at += 4)
        raw_bytes += hak_read_little(blob->data + at, 4);
    put_both("nodes", blob, HAK_NODES_HEADER_BYTES, 6, 0, 20, raw_bytes);
}

/* Blocks in every step of a life, in the order of their bases. */
static bool put_states(uint32_t count, struct stream *s, struct hak_buffer *blob) {
    static struct hak_live_state states[HAK_LIVE_PART_STATES];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t r = stream_random(s);
        states[i] = (struct hak_live_state){.base = 0x7f0000000000 + 64 * (uint64_t)i,
                                            .process = 1,
                                            .class_index = (uint8_t)(r >> 8 & 63),
                                            .step = (unsigned)(r >> 16 & 3) % 3,
                                            .is_fresh = r >> 18 & 1};
        states[i].user = states[i].base + (r >> 20 & 16);
        states[i].size = r >> 24 & 1023;
        if (states[i].step == HAK_LIVE_BORN) {
            states[i].birth = 1000 + i;
            states[i].ns = 160 * (r >> 40 & 0xffff);
            states[i].stack = 1 + (uint32_t)(r >> 36 & 15);
            states[i].thread = 1 + (uint32_t)(r >> 56 & 3);
        }
    }
    if (!hak_live_part_encode(states, count, blob))
        return false;
    put_both("states", blob, 20, 6, 12, 16, 0);
    return true;
}

/* The three blobs of the profile. */
static bool put_profile(uint32_t count, struct stream *s, struct hak_buffer *blob) {
    static struct hak_profile_key keys[3000];
    static uint32_t ends[3000];
    static struct hak_profile_exception exceptions[3000];
    static struct hak_profile_row rows[3000];
    struct hak_profile_origin origin = {.process = 2, .parent = 1, .fork = 77};
    struct hak_profile_process processes[2] = {
        {.process = 1, .live_bytes = 4000, .most_bytes = 5000, .most_at = 900},
        {.process = 2, .parent = 1, .fork = 77, .first = 80, .inherited_bytes = 100, .unknown = 3}};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t r = stream_random(s);
        keys[i] = (struct hak_profile_key){(uint32_t)(r & 3), 10 * i + (uint32_t)(r >> 8 & 7)};
        ends[i] = (uint32_t)(r >> 16) % count;
        exceptions[i] = (struct hak_profile_exception){
            .at = 3 * i, .key = 1 + ends[i], .size = r >> 50, .is_brief = r & 1};
        rows[i] = (struct hak_profile_row){.process = 1 + (i > count / 2),
                                           .key = 1 + 3 * i,
                                           .came = {r >> 40 & 7, r >> 30 & 1023},
                                           .went = {r >> 41 & 7, r >> 31 & 1023}};
    }
    const struct hak_profile_chunk chunk = {.end = ends,
                                            .ends = count,
                                            .exception = exceptions,
                                            .exceptions = count / 8,
                                            .origin = &origin,
                                            .origins = 1};
    const struct hak_profile_run run = {.first = 1,
                                        .last = 1 << 20,
                                        .process = processes,
                                        .processes = 2,
                                        .row = rows,
                                        .rows = count};
    if (!hak_profile_keys_encode(keys, count, blob))
        return false;
    put_both("keys", blob, 16, 6, 8, 12, 0);
    if (!hak_profile_chunk_encode(&chunk, blob))
        return false;
    put_both("ends", blob, 16, 6, 8, 12, 0);
    if (!hak_profile_run_encode(&run, blob))
        return false;
    put_both("sums", blob, 16, 6, 8, 12, 0);
    return true;
}

/* A row of a run of 16 chunks with every way to write which of them have a key. */
static bool put_run(uint32_t count, enum hak_posting_kind kind, uint64_t last, struct stream *s,
                    struct hak_buffer *blob) {
    struct hak_posting_row row;
    bool ok = hak_posting_row_init(&row);
    if (!ok)
        return false;
    hak_posting_row_begin(&row, kind, 7, 7 + last);
    for (uint32_t i = 0; i < count && ok; i++) {
        uint64_t r = stream_random(s), key = 0x7f0000000000 + 64 * (uint64_t)i;
        struct hak_span spans[2] = {{0, (uint32_t)(r & 3)}, {6, 6 + (uint32_t)(r >> 8 & 7)}};
        if (!last)
            spans[0] = (struct hak_span){0, 0};
        if (last && i && kind != HAK_POSTING_LARGE && r % 3 == 0)
            ok = hak_posting_row_add_same(&row, key);
        else
            ok = hak_posting_row_add(&row, key, spans, last ? 1 + (r >> 16 & 1) : 1,
                                     kind == HAK_POSTING_LARGE ? r >> 32 : 0);
    }
    ok = ok && hak_posting_row_encode(&row, false, blob);
    put("run", blob);
    hak_posting_row_free(&row);
    return ok;
}

int main(int argc, char **argv) {
    static struct hak_event events[4096];
    static const uint32_t counts[] = {1, 2, 5, 17, 40, 90, 200, 450, 1000, 3000};
    struct hak_columns columns;
    struct hak_buffer blob = {0};
    folder = argc == 2 ? argv[1] : "";
    if (argc != 2 || !hak_columns_init(&columns)) {
        fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    for (uint32_t k = 0; k < 3 * sizeof counts / sizeof *counts; k++) {
        uint32_t count = counts[k / 3];
        struct stream *s = stream_new(k + 1, 1 + k % 3);
        s->stacks = 3 + 10 * (k % 3);
        for (uint32_t i = 0; i < count; i++) {
            events[i] = stream_next(s);
            if (k % 3)
                make_strange(&events[i], s);
        }
        free(s);
        hak_columns_from_events(&columns, events, count);
        if (!hak_chunk_encode(&columns, events[0].id, &blob))
            return 1;
        put("chunk", &blob);
    }
    struct hak_node_coder *coder = hak_node_coder_make();
    struct stream *s = stream_new(5, 1);
    static struct hak_node_row nodes[2000];
    for (uint32_t k = 0; coder && k < 6; k++) {
        uint32_t count = counts[k + 2];
        for (uint32_t i = 0; i < count; i++)
            nodes[i] = (struct hak_node_row){
                .id = 100 + i,
                .parent = stream_random(s) % 4 ? 99 + i : (uint32_t)(stream_random(s) % (99 + i)),
                .process = 1 + (uint32_t)(stream_random(s) & 1),
                .ip = 0x400000 + (stream_random(s) & 0xfff)};
        if (!hak_nodes_encode(coder, nodes, count, &blob))
            return 1;
        put_nodes(&blob);
        if (!put_states(count, s, &blob) || !put_profile(count, s, &blob))
            return 1;
        for (int kind = 0; kind < HAK_POSTING_KINDS; kind++)
            if (!put_run(count, (enum hak_posting_kind)kind, k % 2 ? 15 : 0, s, &blob))
                return 1;
    }
    free(s);
    hak_node_coder_free(coder);
    hak_columns_free(&columns);
    hak_buffer_free(&blob);
    return 0;
}
