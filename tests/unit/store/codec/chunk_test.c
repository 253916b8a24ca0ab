/* The chunk's codecs give back exactly what went in, and refuse what was changed. */
#include <pthread.h>

#include <stdio.h>

#include "unit/suite.h"
#include "base/checksum.h"
#include "store/codec/chunk.h"
#include "store/codec/walk.h"
#include "../stream.h"

static struct hak_event events[HAK_CHUNK_EVENTS_MAX];

static struct hak_buffer encode(uint32_t count) {
    struct hak_columns c;
    struct hak_buffer blob = {0};
    ck_assert(hak_columns_init(&c));
    hak_columns_from_events(&c, events, count);
    ck_assert(hak_chunk_encode(&c, events[0].id, &blob));
    hak_columns_free(&c);
    return blob;
}

static void expect_same(const struct hak_buffer *blob, uint32_t count) {
    struct hak_columns c;
    struct hak_chunk chunk;
    ck_assert(hak_columns_init(&c));
    ck_assert_ptr_null(hak_chunk_open(&chunk, blob->data, blob->size));
    ck_assert_uint_eq(chunk.events, count);
    const char *wrong = hak_chunk_decode(&chunk, &c, HAK_ALL_COLUMNS);
    ck_assert_msg(!wrong, "%s: %s", chunk.wrong_column, wrong ? wrong : "");
    for (uint32_t i = 0; i < count; i++) {
        struct hak_event got;
        memset(&got, 0, sizeof got);
        hak_columns_get(&c, i, chunk.first_id + i, &got);
        ck_assert_msg(got.id == events[i].id && got.ns == events[i].ns &&
                          got.address == events[i].address && got.base == events[i].base &&
                          got.size == events[i].size && got.old_address == events[i].old_address &&
                          got.generation == events[i].generation &&
                          got.process == events[i].process && got.thread == events[i].thread &&
                          got.stack == events[i].stack && got.kind == events[i].kind &&
                          got.class_index == events[i].class_index &&
                          got.place == events[i].place && got.subkind == events[i].subkind &&
                          got.flags == events[i].flags,
                      "event %u differs", i);
    }
    hak_columns_free(&c);
}

static void round_trip(uint32_t count) {
    struct hak_buffer blob = encode(count);
    expect_same(&blob, count);
    hak_buffer_free(&blob);
}

TEST(realistic_streams_round_trip) {
    static const uint32_t counts[] = {1, 2, 3, 255, 256, 257, 4096, HAK_CHUNK_EVENTS_MAX};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct stream *s = stream_new(k + 1, 3);
        for (uint32_t i = 0; i < counts[k]; i++)
            events[i] = stream_next(s);
        round_trip(counts[k]);
        free(s);
    }
}

TEST(any_numbers_round_trip) {
    struct stream *s = stream_new(7, 1);
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++) {
        events[i] = (struct hak_event){
            .id = 5000000000 + i,
            .ns = stream_random(s),
            .address = stream_random(s),
            .base = stream_random(s),
            .size = stream_random(s),
            .old_address = stream_random(s),
            .generation = stream_random(s),
            .process = (uint32_t)stream_random(s),
            .thread = (uint32_t)stream_random(s),
            .stack = (uint32_t)stream_random(s),
            .kind = (uint8_t)stream_random(s),
            .class_index = (uint8_t)stream_random(s),
            .place = (uint8_t)stream_random(s),
            .subkind = (uint8_t)stream_random(s),
            .flags = (uint8_t)stream_random(s),
        };
    }
    round_trip(HAK_CHUNK_EVENTS_MAX);
    round_trip(1);
    events[1] = events[0];
    events[1].id++;
    events[0].ns = UINT64_MAX;
    events[1].ns = 0;
    round_trip(2);
    free(s);
}

TEST(realistic_streams_are_small) {
    struct stream *s = stream_new(11, 2);
    for (int warm = 0; warm < 200000; warm++)
        stream_next(s);
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++)
        events[i] = stream_next(s);
    struct hak_buffer blob = encode(HAK_CHUNK_EVENTS_MAX);
    double each = (double)blob.size / HAK_CHUNK_EVENTS_MAX;
    ck_assert_msg(each < 5, "%.2f bytes for each event", each);
    struct hak_chunk chunk;
    ck_assert_ptr_null(hak_chunk_open(&chunk, blob.data, blob.size));
    if (getenv("HAK_TEST_TELL"))
        for (int i = 0; i < HAK_COLUMN_COUNT; i++)
            printf("%-12s codec %u raw %8u packed %8u  %.3f bytes for each event\n",
                   hak_column_names[i], chunk.column[i].codec, chunk.column[i].raw_bytes,
                   chunk.column[i].packed_bytes,
                   (double)chunk.column[i].packed_bytes / HAK_CHUNK_EVENTS_MAX);
    hak_buffer_free(&blob);
    free(s);
}

/* ---- what the mirror is for --------------------------------------------------------------------
 */

#define LIVE 2000
static struct {
    uint64_t base[HAK_CHUNK_EVENTS_MAX];
    uint32_t count;
} quarantine, living[32];
static uint32_t generation_of[HAK_CHUNK_EVENTS_MAX];

static uint32_t put(uint32_t at, uint8_t kind, uint8_t place, uint64_t base, uint32_t thread) {
    uint32_t slot = (uint32_t)((base - 0x7f0000000000) / 64);
    events[at] = (struct hak_event){.id = 1 + at,
                                    .ns = 160 * (uint64_t)at,
                                    .base = base,
                                    .address = base,
                                    .size = kind == HAK_MALLOC || kind == HAK_FREE ? 60 : 0,
                                    .process = 1,
                                    .thread = thread,
                                    .stack = kind * 10u,
                                    .kind = kind,
                                    .class_index = 4,
                                    .place = place,
                                    .generation = 1ull << 32 | ++generation_of[slot]};
    return at + 1;
}

/* Blocks are taken last in, first out, and given back in any order, into `place`; those in
 * quarantine leave it first in, first out. Each thread has blocks of its own. */
static void fill_with_churn(uint8_t place, uint32_t threads) {
    struct stream *s = stream_new(5, 1);
    uint64_t fresh = 0x7f0000000000;
    static uint64_t own[32][HAK_CHUNK_EVENTS_MAX];
    uint32_t own_count[32] = {0}, i = 0;
    memset(living, 0, sizeof living);
    memset(generation_of, 0, sizeof generation_of);
    quarantine.count = 0;
    uint32_t first_kept = 0;
    while (i < HAK_CHUNK_EVENTS_MAX - 2) {
        uint32_t t = (uint32_t)(stream_random(s) % threads);
        if (living[t].count < LIVE / threads) {
            uint64_t base = own_count[t] ? own[t][--own_count[t]] : (fresh += 64);
            living[t].base[living[t].count++] = base;
            i = put(i, HAK_MALLOC, HAK_PLACE_FRONT, base, t + 1);
            continue;
        }
        uint32_t k = (uint32_t)(stream_random(s) % living[t].count);
        uint64_t base = living[t].base[k];
        living[t].base[k] = living[t].base[--living[t].count];
        i = put(i, HAK_FREE, place, base, t + 1);
        if (place != HAK_PLACE_QUARANTINE) {
            own[t][own_count[t]++] = base;
            continue;
        }
        quarantine.base[quarantine.count++] = base;
        if (quarantine.count - first_kept > 500) {
            base = quarantine.base[first_kept++];
            i = put(i, HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT, base, t + 1);
            own[t][own_count[t]++] = base;
        }
    }
    while (i < HAK_CHUNK_EVENTS_MAX)
        i = put(i, HAK_MARK, 0, 0x7f0000000000, 1);
    free(s);
}

static uint32_t column_bytes(enum hak_column column) {
    struct hak_buffer blob = encode(HAK_CHUNK_EVENTS_MAX);
    struct hak_chunk chunk;
    ck_assert_ptr_null(hak_chunk_open(&chunk, blob.data, blob.size));
    expect_same(&blob, HAK_CHUNK_EVENTS_MAX);
    hak_buffer_free(&blob);
    return chunk.column[column].packed_bytes;
}

TEST(only_which_block_is_freed_costs_bytes) {
    for (uint32_t threads = 1; threads <= 16; threads *= 4) {
        fill_with_churn(HAK_PLACE_FRONT, threads);
        uint32_t frees = 0;
        for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++)
            frees += events[i].kind == HAK_FREE;
        /* 11 bits say which of 2,000 blocks; what is taken again costs nothing */
        uint32_t bytes = column_bytes(HAK_COLUMN_BASE);
        ck_assert_msg(bytes < frees * 3 / 2, "%u bytes for %u frees, %u threads", bytes, frees,
                      threads);
        ck_assert_uint_lt(column_bytes(HAK_COLUMN_SIZE), 64);
        ck_assert_uint_lt(column_bytes(HAK_COLUMN_GENERATION), 1024);
    }
}

TEST(what_leaves_quarantine_in_order_costs_nothing) {
    fill_with_churn(HAK_PLACE_QUARANTINE, 1);
    uint32_t frees = 0;
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++)
        frees += events[i].kind == HAK_FREE;
    uint32_t bytes = column_bytes(HAK_COLUMN_BASE);
    ck_assert_msg(bytes < frees * 3 / 2, "%u bytes for %u frees", bytes, frees);
}

TEST(blocks_of_more_threads_than_lanes_round_trip) {
    fill_with_churn(HAK_PLACE_FRONT, 32);
    round_trip(HAK_CHUNK_EVENTS_MAX);
}

TEST(columns_are_the_same_when_decoded_one_by_one) {
    struct stream *s = stream_new(9, 3);
    for (uint32_t i = 0; i < 5000; i++)
        events[i] = stream_next(s);
    free(s);
    struct hak_buffer blob = encode(5000);
    struct hak_columns all, one;
    struct hak_chunk chunk;
    ck_assert(hak_columns_init(&all) && hak_columns_init(&one));
    ck_assert_ptr_null(hak_chunk_open(&chunk, blob.data, blob.size));
    ck_assert_ptr_null(hak_chunk_decode(&chunk, &all, HAK_ALL_COLUMNS));
    for (int column = HAK_COLUMN_COUNT - 1; column >= 0; column--) {
        ck_assert_ptr_null(hak_chunk_open(&chunk, blob.data, blob.size));
        ck_assert_ptr_null(hak_chunk_decode(&chunk, &one, 1u << column));
        for (uint32_t i = 0; i < 5000; i++)
            ck_assert_uint_eq(hak_columns_value(&one, (enum hak_column)column, i),
                              hak_columns_value(&all, (enum hak_column)column, i));
    }
    hak_columns_free(&all);
    hak_columns_free(&one);
    hak_buffer_free(&blob);
}

TEST(numbering_before_changes_nothing) {
    struct stream *s = stream_new(21, 2);
    for (uint32_t i = 0; i < 9000; i++)
        events[i] = stream_next(s);
    free(s);
    struct hak_buffer plain = encode(9000), numbered = {0};
    struct hak_columns c;
    ck_assert(hak_columns_init(&c));
    for (int round = 0; round < 2; round++) { /* the second time with what the first left */
        hak_columns_from_events(&c, events, 9000);
        hak_columns_number(&c, HAK_COLUMN_BASE);
        hak_columns_number(&c, HAK_COLUMN_STACK);
        numbered.size = 0;
        ck_assert(hak_chunk_encode(&c, events[0].id, &numbered));
        ck_assert_uint_eq(numbered.size, plain.size);
        ck_assert_int_eq(memcmp(numbered.data, plain.data, plain.size), 0);
        for (uint32_t i = 0; i < 9000; i++) {
            uint32_t base = c.index[HAK_COLUMN_BASE][i], stack = c.index[HAK_COLUMN_STACK][i];
            ck_assert_uint_eq(c.dictionary[HAK_COLUMN_BASE][base], events[i].base);
            ck_assert_uint_eq(c.dictionary[HAK_COLUMN_STACK][stack], events[i].stack);
        }
    }
    hak_columns_free(&c);
    hak_buffer_free(&plain);
    hak_buffer_free(&numbered);
}

TEST(part_of_a_walk_is_refused) {
    struct stream *s = stream_new(4, 1);
    for (uint32_t i = 0; i < 100; i++)
        events[i] = stream_next(s);
    free(s);
    struct hak_buffer blob = encode(100);
    struct hak_columns c;
    struct hak_chunk chunk;
    ck_assert(hak_columns_init(&c));
    for (int column = 0; column < HAK_COLUMN_COUNT; column++)
        for (uint8_t codec = 0; codec < 4; codec++) {
            uint8_t *entry =
                blob.data + HAK_CHUNK_HEADER_BYTES + column * HAK_CHUNK_COLUMN_BYTES + 1;
            uint8_t was = *entry;
            *entry = codec;
            hak_write_little(blob.data + blob.size - 4, hak_crc32c(blob.data, blob.size - 4), 4);
            ck_assert_ptr_null(hak_chunk_open(&chunk, blob.data, blob.size));
            const char *wrong = hak_chunk_decode(&chunk, &c, HAK_ALL_COLUMNS);
            ck_assert_msg(hak_walk_place((enum hak_column)column) < 0 ||
                              (wrong == NULL) == (codec == was),
                          "column %d as codec %u", column, codec);
            *entry = was;
        }
    hak_columns_free(&c);
    hak_buffer_free(&blob);
}

static void *decode_in_thread(void *blob) {
    struct hak_buffer again = encode(3000);
    expect_same(blob, 3000);
    hak_buffer_free(&again);
    return NULL;
}

/* The memory that zstd works with goes with the thread: format/sanitized.sh looks for leaks. */
TEST(threads_code_and_decode_and_end) {
    struct stream *s = stream_new(15, 2);
    for (uint32_t i = 0; i < 3000; i++)
        events[i] = stream_next(s);
    free(s);
    struct hak_buffer blob = encode(3000);
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, decode_in_thread, &blob), 0);
        pthread_join(thread, NULL);
    }
    hak_buffer_free(&blob);
}

TEST(every_flipped_bit_is_noticed) {
    struct stream *s = stream_new(3, 2);
    for (uint32_t i = 0; i < 300; i++)
        events[i] = stream_next(s);
    struct hak_buffer blob = encode(300);
    struct hak_chunk chunk;
    for (size_t i = 0; i < blob.size; i++) {
        blob.data[i] ^= (uint8_t)(1u << i % 8);
        ck_assert_msg(hak_chunk_open(&chunk, blob.data, blob.size) != NULL, "byte %zu", i);
        blob.data[i] ^= (uint8_t)(1u << i % 8);
    }
    for (size_t cut = 0; cut < blob.size; cut++)
        ck_assert_msg(hak_chunk_open(&chunk, blob.data, cut) != NULL, "cut at %zu", cut);
    hak_buffer_free(&blob);
    free(s);
}

TEST(checksum_is_crc32c) {
    ck_assert_uint_eq(hak_crc32c("123456789", 9), 0xe3069283u);
}

RUN_TESTS()
