/* Throws changed chunks and postings at their decoders; meant to be built with sanitizers.
 *
 *   fuzz_chunk [COUNT [SEED]]    COUNT inputs (100,000), the same ones for the same seed
 *
 * With -DHAK_LIBFUZZER it has no main and is an entry for libFuzzer or AFL instead. In both the
 * checksum is made good before decoding, so that what lies behind it is reached. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../unit/store/stream.h"
#include "store/checksum.h"
#include "store/chunk.h"
#include "store/posting.h"

static struct hak_columns columns;
static struct hak_posting posting;

static void make_ready(void) {
    if (!columns.raw && (!hak_columns_init(&columns) || !hak_posting_init(&posting)))
        abort();
}

/* Decodes one input as what it says it is. Returns whether it was accepted. */
static bool decode(uint8_t *bytes, size_t count) {
    struct hak_chunk chunk;
    struct hak_event event;
    if (count < 4)
        return false;
    uint32_t checksum = hak_crc32c(bytes, count - 4);
    memcpy(bytes + count - 4, &checksum, 4);
    if (bytes[2] == 'P') {
        if (hak_posting_decode(&posting, bytes, count))
            return false;
        for (uint32_t i = 0; i < posting.count; i++)
            if (!hak_posting_has(&posting, posting.key[i]))
                abort();
        return true;
    }
    if (hak_chunk_open(&chunk, bytes, count) || hak_chunk_decode(&chunk, &columns, HAK_ALL_COLUMNS))
        return false;
    for (uint32_t i = 0; i < chunk.events; i++)
        hak_columns_get(&columns, i, chunk.first_id + i, &event);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    make_ready();
    uint8_t *copy = malloc(size ? size : 1); /* of exactly that size, so that overreads are seen */
    if (!copy)
        abort();
    memcpy(copy, data, size);
    decode(copy, size);
    free(copy);
    return 0;
}

#ifndef HAK_LIBFUZZER
#define SEEDS 12

/* Sound inputs of different lengths, without zstd where they are small: changes reach the codecs.
 */
static struct hak_buffer make_seed(int which, struct stream *s) {
    static struct hak_event events[3000];
    static const uint32_t counts[] = {1, 2, 7, 20, 300, 3000};
    uint32_t count = counts[which % 6];
    struct hak_buffer out = {0};
    for (uint32_t i = 0; i < count; i++)
        events[i] = stream_next(s);
    hak_columns_from_events(&columns, events, count);
    if (!hak_chunk_encode(&columns, events[0].id, &out))
        abort();
    if (which >= 6) {
        out.size = 0;
        hak_posting_collect(&posting, HAK_POSTING_BASE, &columns);
        if (!hak_posting_encode(&posting, &out))
            abort();
    }
    return out;
}

static void mutate(uint8_t *bytes, size_t count, struct stream *random) {
    static const uint8_t telling[] = {0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xfe, 0xff};
    for (uint64_t changes = 1 + stream_random(random) % 6; changes; changes--) {
        /* headers and directories more often than what is packed */
        size_t reach = stream_random(random) & 1 && count > 160 ? 160 : count;
        size_t at = stream_random(random) % reach;
        if (stream_random(random) & 1)
            bytes[at] = telling[stream_random(random) % sizeof telling];
        else
            bytes[at] ^= (uint8_t)(1u << stream_random(random) % 8);
    }
}

int main(int argc, char **argv) {
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000, accepted = 0;
    struct stream *random = stream_new(argc > 2 ? strtoul(argv[2], NULL, 0) : 1, 2);
    struct hak_buffer seeds[SEEDS];
    make_ready();
    for (int i = 0; i < SEEDS; i++)
        seeds[i] = make_seed(i, random);
    for (unsigned long i = 0; i < count; i++) {
        const struct hak_buffer *seed = &seeds[stream_random(random) % SEEDS];
        size_t bytes = seed->size;
        if (stream_random(random) % 8 == 0)
            bytes = stream_random(random) % bytes + 1;
        uint8_t *input = malloc(bytes);
        if (!input)
            abort();
        memcpy(input, seed->data, bytes);
        if (i % 1000)
            mutate(input, bytes, random);
        accepted += decode(input, bytes);
        free(input);
    }
    for (int i = 0; i < SEEDS; i++)
        hak_buffer_free(&seeds[i]);
    hak_columns_free(&columns);
    hak_posting_free(&posting);
    free(random);
    printf("%lu inputs, %lu accepted\n", count, accepted);
    return accepted == 0; /* not one sound input: then this tests nothing */
}
#endif
