/* The chunk's codecs give back exactly what went in, and refuse what was changed. */
#include <check.h>

#include <stdio.h>

#include "store/checksum.h"
#include "store/chunk.h"
#include "stream.h"

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

START_TEST(realistic_streams_round_trip) {
    static const uint32_t counts[] = {1, 2, 3, 255, 256, 257, 4096, HAK_CHUNK_EVENTS_MAX};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        struct stream *s = stream_new(k + 1, 3);
        for (uint32_t i = 0; i < counts[k]; i++)
            events[i] = stream_next(s);
        round_trip(counts[k]);
        free(s);
    }
}
END_TEST

START_TEST(any_numbers_round_trip) {
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
END_TEST

START_TEST(realistic_streams_are_small) {
    struct stream *s = stream_new(11, 2);
    for (int warm = 0; warm < 200000; warm++)
        stream_next(s);
    for (uint32_t i = 0; i < HAK_CHUNK_EVENTS_MAX; i++)
        events[i] = stream_next(s);
    struct hak_buffer blob = encode(HAK_CHUNK_EVENTS_MAX);
    double each = (double)blob.size / HAK_CHUNK_EVENTS_MAX;
    ck_assert_msg(each < 8, "%.2f bytes for each event", each);
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
END_TEST

START_TEST(every_flipped_bit_is_noticed) {
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
END_TEST

START_TEST(checksum_is_crc32c) {
    ck_assert_uint_eq(hak_crc32c("123456789", 9), 0xe3069283u);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("chunk");
    TCase *cases = tcase_create("chunk");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, realistic_streams_round_trip);
    tcase_add_test(cases, any_numbers_round_trip);
    tcase_add_test(cases, realistic_streams_are_small);
    tcase_add_test(cases, every_flipped_bit_is_noticed);
    tcase_add_test(cases, checksum_is_crc32c);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
