/* Makes, packs and searches the sorted key lists of a chunk. */
#include "store/posting.h"

#include <stdlib.h>
#include "hop.h"
#include "superslab.h"
#include "store/checksum.h"

#define CHECKSUM_BYTES 4
#define RAW_BYTES_MAX  (HAK_CHUNK_EVENTS_MAX * 2 * HAK_VARINT_BYTES + 33 * HAK_VARINT_BYTES)

bool hak_posting_init(struct hak_posting *p) {
    *p = (struct hak_posting){0};
    p->key = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *p->key);
    p->extent = malloc(HAK_CHUNK_EVENTS_MAX * sizeof *p->extent);
    p->raw = malloc(RAW_BYTES_MAX);
    if (p->key && p->extent && p->raw)
        return true;
    hak_posting_free(p);
    return false;
}

void hak_posting_free(struct hak_posting *p) {
    free(p->key);
    free(p->extent);
    free(p->raw);
    *p = (struct hak_posting){0};
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint32_t hak_sort_distinct(uint64_t *numbers, uint32_t count) {
    uint32_t kept = 0;
    if (count)
        qsort(numbers, count, sizeof *numbers, compare);
    for (uint32_t i = 0; i < count; i++)
        if (!kept || numbers[kept - 1] != numbers[i])
            numbers[kept++] = numbers[i];
    return kept;
}

uint32_t hak_find_sorted(const uint64_t *numbers, uint32_t count, uint64_t number) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (numbers[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_distance(struct hak_posting *p, uint64_t distance) {
    for (uint32_t i = 0; i < p->distance_count; i++)
        if (p->distance[i] == distance)
            return;
    if (p->distance_count == HAK_POSTING_DISTANCES_MAX)
        p->many_distances = true;
    else
        p->distance[p->distance_count++] = distance;
}

static bool is_large_move(const struct hak_columns *c, uint32_t i) {
    uint64_t shape = hak_columns_value(c, HAK_COLUMN_SHAPE, i);
    return (shape >> 8 & 0xff) == HAK_CLASS_NONE && (shape & 0xff) >= HAK_MALLOC &&
           (shape & 0xff) < 64 && hak_columns_value(c, HAK_COLUMN_BASE, i);
}

static void collect_large(struct hak_posting *p, const struct hak_columns *c) {
    for (uint32_t i = 0; i < c->events; i++)
        if (is_large_move(c, i))
            p->key[p->count++] = hak_columns_value(c, HAK_COLUMN_BASE, i);
    p->count = hak_sort_distinct(p->key, p->count);
    memset(p->extent, 0, p->count * sizeof *p->extent);
    for (uint32_t i = 0; i < c->events && p->count; i++) {
        if (!is_large_move(c, i))
            continue;
        uint64_t base = hak_columns_value(c, HAK_COLUMN_BASE, i);
        uint64_t extent =
            hak_columns_value(c, HAK_COLUMN_DELTA, i) + hak_columns_value(c, HAK_COLUMN_SIZE, i);
        uint64_t *kept = &p->extent[hak_posting_find(p, base)];
        if (extent > *kept)
            *kept = extent;
    }
}

void hak_posting_collect(struct hak_posting *p, enum hak_posting_kind kind,
                         const struct hak_columns *c) {
    p->kind = kind;
    p->count = p->distance_count = 0;
    p->many_distances = false;
    if (kind == HAK_POSTING_LARGE) {
        collect_large(p, c);
        return;
    }
    enum hak_column column = kind == HAK_POSTING_BASE ? HAK_COLUMN_BASE : HAK_COLUMN_STACK;
    const uint32_t *index = c->index[column];
    uint64_t last_delta = 0;
    uint32_t seen = 0;
    bool has_zero = false;
    for (uint32_t i = 0; i < c->events; i++) {
        if (index[i] == seen) { /* its first use */
            uint64_t key = hak_columns_value(c, column, i);
            seen++;
            if (key)
                p->key[p->count++] = key;
        }
        uint64_t delta = kind == HAK_POSTING_BASE ? hak_columns_value(c, HAK_COLUMN_DELTA, i) : 0;
        if (!delta)
            continue;
        has_zero |= !hak_columns_value(c, column, i);
        if (delta != last_delta)
            add_distance(p, last_delta = delta);
    }
    if (has_zero)
        p->key[p->count++] = 0;
    p->count = hak_sort_distinct(p->key, p->count);
}

bool hak_posting_encode(struct hak_posting *p, struct hak_buffer *out) {
    uint64_t low_bits = 0;
    for (uint32_t i = 0; i < p->count; i++)
        low_bits |= p->key[i];
    unsigned shift = low_bits ? (unsigned)__builtin_ctzll(low_bits) : 0;
    uint8_t *raw = p->raw;
    uint64_t before = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        raw = hak_write_varint(raw, (p->key[i] >> shift) - before);
        before = p->key[i] >> shift;
        if (p->kind == HAK_POSTING_LARGE)
            raw = hak_write_varint(raw, p->extent[i]);
    }
    for (uint32_t i = 0; i < p->distance_count; i++)
        raw = hak_write_varint(raw, hak_zigzag(p->distance[i]));
    size_t start = out->size;
    if (!hak_buffer_reserve(out, HAK_POSTING_HEADER_BYTES))
        return false;
    out->size += HAK_POSTING_HEADER_BYTES;
    uint8_t packing;
    uint32_t packed, raw_bytes = (uint32_t)(raw - p->raw);
    if (!hak_buffer_pack(out, p->raw, raw_bytes, NULL, 0, &packing, &packed) ||
        !hak_buffer_reserve(out, CHECKSUM_BYTES))
        return false;
    uint8_t *at = out->data + start;
    at = hak_write_little(at, HAK_POSTING_MAGIC, 4);
    at = hak_write_little(at, HAK_POSTING_FORMAT, 2);
    *at++ = (uint8_t)p->kind;
    *at++ = packing;
    at = hak_write_little(at, p->count, 4);
    *at++ = (uint8_t)shift;
    *at++ = (uint8_t)p->distance_count;
    *at++ = p->many_distances;
    *at++ = 0;
    at = hak_write_little(at, raw_bytes, 4);
    hak_write_little(at, packed, 4);
    hak_write_little(out->data + out->size, hak_crc32c(out->data + start, out->size - start), 4);
    out->size += CHECKSUM_BYTES;
    return true;
}

static const char *read_keys(struct hak_posting *p, struct hak_input *in, unsigned shift) {
    uint64_t before = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t step = hak_read_varint(in);
        if ((i && !step) || before + step < before ||
            (before + step) << shift >> shift != before + step)
            return "its keys are not in order";
        before += step;
        p->key[i] = before << shift;
        if (p->kind == HAK_POSTING_LARGE)
            p->extent[i] = hak_read_varint(in);
    }
    for (uint32_t i = 0; i < p->distance_count; i++)
        p->distance[i] = hak_unzigzag(hak_read_varint(in));
    if (in->broken)
        return "its keys are cut short";
    return in->at == in->end ? NULL : "bytes are left over behind its keys";
}

const char *hak_posting_decode(struct hak_posting *p, const uint8_t *blob, size_t blob_bytes) {
    if (!blob || blob_bytes < HAK_POSTING_HEADER_BYTES + CHECKSUM_BYTES)
        return "it is cut short";
    if (hak_read_little(blob, 4) != HAK_POSTING_MAGIC)
        return "it does not begin with HKPO";
    if (hak_crc32c(blob, blob_bytes - CHECKSUM_BYTES) !=
        hak_read_little(blob + blob_bytes - CHECKSUM_BYTES, 4))
        return "its checksum does not hold";
    if (hak_read_little(blob + 4, 2) != HAK_POSTING_FORMAT || blob[6] >= HAK_POSTING_KINDS)
        return "it is of a format that this version does not know";
    p->kind = blob[6];
    p->count = (uint32_t)hak_read_little(blob + 8, 4);
    unsigned shift = blob[12];
    p->distance_count = blob[13];
    p->many_distances = blob[14] != 0;
    size_t raw_bytes = hak_read_little(blob + 16, 4), packed_bytes = hak_read_little(blob + 20, 4);
    if (p->count > HAK_CHUNK_EVENTS_MAX || shift > 63 ||
        p->distance_count > HAK_POSTING_DISTANCES_MAX || raw_bytes > RAW_BYTES_MAX ||
        packed_bytes != blob_bytes - HAK_POSTING_HEADER_BYTES - CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    const char *wrong =
        hak_unpack(blob + HAK_POSTING_HEADER_BYTES, packed_bytes, blob[7], p->raw, raw_bytes);
    struct hak_input in = {.at = p->raw, .end = p->raw + raw_bytes};
    return wrong ? wrong : read_keys(p, &in, shift);
}

uint32_t hak_posting_find(const struct hak_posting *p, uint64_t key) {
    return hak_find_sorted(p->key, p->count, key);
}

bool hak_posting_has(const struct hak_posting *p, uint64_t key) {
    uint32_t at = hak_posting_find(p, key);
    return at < p->count && p->key[at] == key;
}

bool hak_posting_may_have_address(const struct hak_posting *p, uint64_t address) {
    if (p->many_distances || hak_posting_has(p, address))
        return true;
    for (uint32_t i = 0; i < p->distance_count; i++)
        if (hak_posting_has(p, address - p->distance[i]))
            return true;
    return false;
}
