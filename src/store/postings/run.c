/* Codes and decodes the rows of runs. */
#include "store/postings/run.h"

#include <stdlib.h>
#include "store/error.h"
#include "store/pack.h"

#define SET_BYTES_MAX ((size_t)3 * HAK_POSTING_SPANS_MAX * 2 + HAK_VARINT_BYTES)

static const struct hak_blob_form form = {"HKPO", HAK_POSTING_FORMAT, HAK_POSTING_HEADER_BYTES,
                                          "it does not begin with HKPO"};

struct hak_posting_sizes hak_posting_sizes = {
    .row_bytes = (size_t)4 << 10, .keys_for_a_key = 4, .keys_at_least = 8192};

void hak_distances_add(struct hak_distances *all, uint64_t distance) {
    for (uint32_t i = 0; i < all->count; i++)
        if (all->distance[i] == distance)
            return;
    if (all->count == HAK_POSTING_DISTANCES_MAX)
        all->many = true;
    else
        all->distance[all->count++] = distance;
}

void hak_distances_join(struct hak_distances *all, const struct hak_distances *more) {
    all->many |= more->many;
    for (uint32_t i = 0; i < more->count; i++)
        hak_distances_add(all, more->distance[i]);
}

/* ---- writing -----------------------------------------------------------------------------------
 */

bool hak_posting_row_init(struct hak_posting_row *row) {
    *row = (struct hak_posting_row){0};
    row->set[0] = malloc(SET_BYTES_MAX);
    row->set[1] = malloc(SET_BYTES_MAX);
    if (row->set[0] && row->set[1])
        return true;
    hak_posting_row_free(row);
    return false;
}

void hak_posting_row_free(struct hak_posting_row *row) {
    hak_buffer_free(&row->keys);
    hak_buffer_free(&row->sets);
    hak_buffer_free(&row->extents);
    hak_buffer_free(&row->raw);
    free(row->set[0]);
    free(row->set[1]);
    *row = (struct hak_posting_row){0};
}

void hak_posting_row_begin(struct hak_posting_row *row, enum hak_posting_kind kind, uint64_t first,
                           uint64_t last) {
    row->kind = kind;
    row->first = first;
    row->last = last;
    row->count = 0;
    row->last_key = row->low_bits = row->reach = 0;
    row->distances = (struct hak_distances){0};
    row->keys.size = row->sets.size = row->extents.size = 0;
    row->set_bytes[0] = row->set_bytes[1] = 0;
    row->key_bytes = 0;
}

/* Writes the chunks of a key as varints. Returns the bytes. */
static uint32_t code_set(uint8_t *out, const struct hak_span *span, uint32_t spans) {
    uint8_t *at = out;
    uint64_t before = 0;
    for (uint32_t i = 0; i < spans; i++) {
        bool is_long = span[i].to != span[i].from;
        uint64_t token = (span[i].from - before) << 2 | (unsigned)is_long << 1 | (i + 1 < spans);
        at = hak_write_varint(at, token + (i == 0)); /* 0 is "the same again" */
        if (is_long)
            at = hak_write_varint(at, span[i].to - span[i].from - 1);
        before = (uint64_t)span[i].to + 2;
    }
    return (uint32_t)(at - out);
}

static inline bool has_room(struct hak_buffer *to, size_t bytes) {
    return to->room - to->size >= bytes || hak_buffer_reserve(to, bytes);
}

/* Appends a key's chunks; the same as the last key's take one byte. False without memory. */
static bool add_set(struct hak_posting_row *row, const struct hak_span *span, uint32_t spans) {
    unsigned now = row->at ^= 1;
    row->set_bytes[now] = code_set(row->set[now], span, spans);
    uint32_t bytes = row->set_bytes[now];
    bool is_same = row->count && bytes == row->set_bytes[now ^ 1] &&
                   memcmp(row->set[0], row->set[1], bytes) == 0;
    if (!has_room(&row->sets, is_same ? 1 : bytes))
        return false;
    if (is_same)
        row->sets.data[row->sets.size++] = 0;
    else {
        memcpy(row->sets.data + row->sets.size, row->set[now], bytes);
        row->sets.size += bytes;
    }
    return true;
}

/* Appends 8 bytes. False without memory. */
static inline bool add_number(struct hak_buffer *to, uint64_t number) {
    if (!has_room(to, sizeof number))
        return false;
    memcpy(to->data + to->size, &number, sizeof number);
    to->size += sizeof number;
    return true;
}

/* Counts the key, and about how many bytes it will take. */
static void note_key(struct hak_posting_row *row, uint64_t key) {
    uint64_t step = (key - row->last_key) >> 4;
    row->key_bytes += 1 + (step >= 0x80) + (step >= 0x4000) + 4 * (step >= 0x200000);
    row->low_bits |= key;
    row->last_key = key;
    row->count++;
}

bool hak_posting_row_add_same(struct hak_posting_row *row, uint64_t key) {
    if (!add_number(&row->keys, key) || !has_room(&row->sets, 1))
        return false;
    row->sets.data[row->sets.size++] = 0;
    note_key(row, key);
    return true;
}

bool hak_posting_row_add(struct hak_posting_row *row, uint64_t key, const struct hak_span *span,
                         uint32_t spans, uint64_t extent) {
    if (!add_number(&row->keys, key) || (row->first != row->last && !add_set(row, span, spans)))
        return false;
    if (row->kind == HAK_POSTING_LARGE) {
        if (!add_number(&row->extents, extent))
            return false;
        row->reach = key + extent > row->reach ? key + extent : row->reach;
        row->key_bytes += 5;
    }
    note_key(row, key);
    return true;
}

static uint64_t number_at(const struct hak_buffer *from, uint32_t i) {
    uint64_t number;
    memcpy(&number, from->data + (size_t)i * sizeof number, sizeof number);
    return number;
}

/* Writes keys, sets, extents and distances behind each other into row->raw. False: no memory. */
static bool lay_out(struct hak_posting_row *row, unsigned shift, uint32_t part_end[2]) {
    size_t extents = row->extents.size / 8;
    row->raw.size = 0;
    if (!hak_buffer_reserve(&row->raw,
                            (row->count + extents + HAK_POSTING_DISTANCES_MAX) * HAK_VARINT_BYTES +
                                row->sets.size))
        return false;
    uint8_t *at = row->raw.data;
    uint64_t before = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        uint64_t key = number_at(&row->keys, i) >> shift;
        at = hak_write_varint(at, key - before);
        before = key;
    }
    part_end[0] = (uint32_t)(at - row->raw.data);
    if (row->sets.size)
        memcpy(at, row->sets.data, row->sets.size);
    at += row->sets.size;
    part_end[1] = (uint32_t)(at - row->raw.data);
    for (uint32_t i = 0; i < extents; i++)
        at = hak_write_varint(at, number_at(&row->extents, i));
    for (uint32_t i = 0; i < row->distances.count; i++)
        at = hak_write_varint(at, hak_zigzag(row->distances.distance[i]));
    row->raw.size = (size_t)(at - row->raw.data);
    return true;
}

bool hak_posting_row_encode(struct hak_posting_row *row, bool is_packed, struct hak_buffer *out) {
    unsigned shift = row->low_bits ? (unsigned)__builtin_ctzll(row->low_bits) : 0;
    uint32_t part_end[2], packed = 0;
    uint8_t packing = HAK_PACKING_NONE;
    size_t start;
    if (!lay_out(row, shift, part_end) || !hak_blob_begin(out, &form, &start) ||
        !hak_buffer_reserve(out, row->raw.size))
        return false;
    if (is_packed) {
        if (!hak_buffer_pack(out, row->raw.data, row->raw.size, part_end, 2, &packing, &packed))
            return false;
    } else {
        packed = (uint32_t)row->raw.size;
        if (packed)
            memcpy(out->data + out->size, row->raw.data, packed);
        out->size += packed;
    }
    uint8_t *at = out->data + start + 6;
    *at++ = (uint8_t)row->kind;
    *at++ = packing;
    at = hak_write_little(at, row->count, 4);
    *at++ = (uint8_t)shift;
    *at++ = (uint8_t)row->distances.count;
    *at++ = row->distances.many;
    *at++ = 0;
    at = hak_write_little(at, row->raw.size, 4);
    at = hak_write_little(at, packed, 4);
    at = hak_write_little(at, row->first, 8);
    at = hak_write_little(at, row->last, 8);
    at = hak_write_little(at, part_end[0], 4);
    hak_write_little(at, part_end[1] - part_end[0], 4);
    return hak_blob_end(out, start);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

bool hak_posting_cursor_init(struct hak_posting_cursor *c) {
    *c = (struct hak_posting_cursor){0};
    c->span = malloc(HAK_POSTING_SPANS_MAX * sizeof *c->span);
    return c->span != NULL;
}

void hak_posting_cursor_free(struct hak_posting_cursor *c) {
    free(c->span);
    hak_buffer_free(&c->raw);
    *c = (struct hak_posting_cursor){0};
}

/* Reads the distances of a run of bases. Returns what is wrong, or NULL. */
static const char *read_distances(struct hak_posting_cursor *c, uint32_t count, bool many) {
    /* They lie behind the extents, whose end is only known once all are read: other kinds than BASE
     * have none, and BASE has no extents. */
    c->distances = (struct hak_distances){.count = count, .many = many};
    if (count && c->kind != HAK_POSTING_BASE)
        return "it has distances, and is not of bases";
    for (uint32_t i = 0; i < count; i++)
        c->distances.distance[i] = hak_unzigzag(hak_read_varint(&c->extent_in));
    return c->extent_in.broken ? "its distances are cut short" : NULL;
}

const char *hak_posting_cursor_open(struct hak_posting_cursor *c, const void *blob,
                                    size_t blob_bytes) {
    const uint8_t *b = blob;
    c->left = c->keys = 0;
    const char *wrong = hak_blob_check(&form, b, blob_bytes);
    if (wrong)
        return wrong;
    if (b[6] >= HAK_POSTING_KINDS)
        return "it is of a format that this version does not know";
    c->kind = b[6];
    uint32_t keys = (uint32_t)hak_read_little(b + 8, 4);
    size_t raw_bytes = hak_read_little(b + 16, 4), packed_bytes = hak_read_little(b + 20, 4);
    size_t key_bytes = hak_read_little(b + 40, 4), set_bytes = hak_read_little(b + 44, 4);
    c->shift = b[12];
    c->first = hak_read_little(b + 24, 8);
    c->last = hak_read_little(b + 32, 8);
    if (raw_bytes > HAK_POSTING_ROW_BYTES_MAX || key_bytes > raw_bytes ||
        set_bytes > raw_bytes - key_bytes || keys > key_bytes || c->shift > 63 ||
        b[13] > HAK_POSTING_DISTANCES_MAX || c->last < c->first ||
        c->last - c->first >= HAK_POSTING_CHUNKS_MAX ||
        packed_bytes != blob_bytes - HAK_POSTING_HEADER_BYTES - HAK_BLOB_CHECKSUM_BYTES)
        return "its header gives impossible lengths";
    c->raw.size = 0;
    if (!hak_buffer_reserve(&c->raw, raw_bytes + 1))
        return hak_store_memory_ended;
    wrong = hak_unpack(b + HAK_POSTING_HEADER_BYTES, packed_bytes, b[7], c->raw.data, raw_bytes);
    if (wrong)
        return wrong;
    const uint8_t *raw = c->raw.data;
    c->key_in = (struct hak_input){.at = raw, .end = raw + key_bytes};
    c->set_in = (struct hak_input){.at = c->key_in.end, .end = c->key_in.end + set_bytes};
    c->extent_in = (struct hak_input){.at = c->set_in.end, .end = raw + raw_bytes};
    wrong = read_distances(c, b[13], b[14] != 0);
    if (wrong)
        return wrong;
    c->left = c->keys = keys;
    c->key = c->extent = 0;
    c->spans = 1;
    c->span[0] = (struct hak_span){0, 0}; /* of a single chunk nothing is written */
    c->is_same = false;
    return NULL;
}

/* Reads the chunks of the next key. Returns what is wrong, or NULL. */
static const char *read_set(struct hak_posting_cursor *c) {
    uint64_t most = c->last - c->first, from = 0;
    uint64_t token = hak_read_varint(&c->set_in);
    c->is_same = token == 0;
    if (c->set_in.broken || (c->is_same && c->left == c->keys))
        return "the chunks of a key are cut short";
    if (c->is_same)
        return NULL;
    token--;
    for (c->spans = 0;; token = hak_read_varint(&c->set_in)) {
        uint64_t more = token & 2 ? hak_read_varint(&c->set_in) + 1 : 0;
        if (c->set_in.broken || token >> 2 > most - from || more > most - from - (token >> 2) ||
            c->spans == HAK_POSTING_SPANS_MAX)
            return "the chunks of a key are not in order";
        from += token >> 2;
        c->span[c->spans++] = (struct hak_span){(uint32_t)from, (uint32_t)(from + more)};
        from += more + 2;
        if (!(token & 1))
            return NULL;
        if (from > most)
            return "the chunks of a key are not in order";
    }
}

int hak_posting_cursor_next(struct hak_posting_cursor *c, const char **wrong) {
    *wrong = NULL;
    if (!c->left) {
        bool is_whole = c->key_in.at == c->key_in.end && c->set_in.at == c->set_in.end &&
                        c->extent_in.at == c->extent_in.end;
        *wrong = is_whole ? NULL : "bytes are left over after its keys";
        return is_whole ? 0 : -1;
    }
    uint64_t before = c->key >> c->shift, step = hak_read_varint(&c->key_in), now = before + step;
    if (c->key_in.broken)
        *wrong = "its keys are cut short";
    else if ((!step && c->left != c->keys) || now < before || now << c->shift >> c->shift != now)
        *wrong = "its keys are not in order";
    else if (c->first != c->last)
        *wrong = read_set(c);
    if (!*wrong && c->kind == HAK_POSTING_LARGE) {
        c->extent = hak_read_varint(&c->extent_in);
        if (c->extent_in.broken)
            *wrong = "its keys are cut short";
    }
    c->key = now << c->shift;
    c->left--;
    return *wrong ? -1 : 1;
}
