/* Packs columns into a chunk's blob and opens such blobs again, checking everything first. */
#include "store/codec/chunk.h"

#include "store/codec/walk.h"
#include "store/pack.h"

static const struct hak_blob_form form = {"HKCK", HAK_CHUNK_FORMAT, HAK_CHUNK_HEADER_BYTES,
                                          "it does not begin with HKCK"};

bool hak_chunk_encode(struct hak_columns *c, uint64_t first_id, struct hak_buffer *out) {
    size_t start, directory = HAK_COLUMN_COUNT * HAK_CHUNK_COLUMN_BYTES;
    if (!hak_blob_begin(out, &form, &start) || !hak_buffer_reserve(out, directory))
        return false;
    uint8_t *at = out->data + start + 6;
    at = hak_write_little(at, HAK_COLUMN_COUNT, 2);
    at = hak_write_little(at, c->events, 4);
    at = hak_write_little(at, 0, 4);
    hak_write_little(at, first_id, 8);
    out->size += directory;
    uint8_t codec[HAK_COLUMN_COUNT];
    hak_columns_encode(c, codec);
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        uint8_t packing;
        uint32_t packed;
        size_t raw = hak_column_bytes(c, (enum hak_column)i, codec[i]);
        if (!hak_buffer_pack(out, c->raw, raw, c->part_end, c->parts, &packing, &packed))
            return false;
        uint8_t *entry = out->data + start + HAK_CHUNK_HEADER_BYTES + i * HAK_CHUNK_COLUMN_BYTES;
        *entry++ = (uint8_t)i;
        *entry++ = codec[i];
        *entry++ = packing;
        *entry++ = 0;
        entry = hak_write_little(entry, raw, 4);
        hak_write_little(entry, packed, 4);
    }
    return hak_blob_end(out, start);
}

/* Reads where each column's bytes lie. Returns what is wrong, or NULL: each column is there once.
 */
static const char *read_directory(struct hak_chunk *chunk, unsigned columns) {
    const uint8_t *entry = chunk->blob + HAK_CHUNK_HEADER_BYTES;
    size_t offset = HAK_CHUNK_HEADER_BYTES + (size_t)columns * HAK_CHUNK_COLUMN_BYTES;
    size_t end = chunk->blob_bytes - HAK_BLOB_CHECKSUM_BYTES;
    for (unsigned i = 0; i < columns; i++, entry += HAK_CHUNK_COLUMN_BYTES) {
        unsigned number = entry[0];
        uint64_t raw = hak_read_little(entry + 4, 4), packed = hak_read_little(entry + 8, 4);
        if (number >= HAK_COLUMN_COUNT || chunk->present >> number & 1)
            return "its directory names a column that is not known, or one twice";
        if (raw > HAK_RAW_BYTES_MAX || packed > end - offset)
            return "its directory gives a column an impossible length";
        chunk->present |= 1u << number;
        chunk->column[number].codec = entry[1];
        chunk->column[number].packing = entry[2];
        chunk->column[number].raw_bytes = (uint32_t)raw;
        chunk->column[number].packed_bytes = (uint32_t)packed;
        chunk->column[number].offset = offset;
        offset += packed;
    }
    if (offset != end)
        return "bytes are left over after its columns";
    return chunk->present == HAK_ALL_COLUMNS ? NULL : "its directory lacks a column";
}

const char *hak_chunk_open(struct hak_chunk *chunk, const uint8_t *blob, size_t blob_bytes) {
    *chunk = (struct hak_chunk){.blob = blob, .blob_bytes = blob_bytes, .wrong_column = "header"};
    const char *wrong = hak_blob_check(&form, blob, blob_bytes);
    if (wrong)
        return wrong;
    unsigned columns = (unsigned)hak_read_little(blob + 6, 2);
    chunk->events = (uint32_t)hak_read_little(blob + 8, 4);
    chunk->first_id = hak_read_little(blob + 16, 8);
    if (chunk->events == 0 || chunk->events > HAK_CHUNK_EVENTS_MAX)
        return "it has an impossible number of events";
    if (columns > HAK_COLUMN_COUNT ||
        blob_bytes - HAK_CHUNK_HEADER_BYTES - HAK_BLOB_CHECKSUM_BYTES <
            columns * HAK_CHUNK_COLUMN_BYTES)
        return "its directory is cut short";
    return read_directory(chunk, columns);
}

/* Unpacks a column's bytes into `out`. Returns what is wrong, or NULL. */
static const char *unpack(const struct hak_chunk *chunk, int column, uint8_t *out) {
    return hak_unpack(chunk->blob + chunk->column[column].offset,
                      chunk->column[column].packed_bytes, chunk->column[column].packing, out,
                      chunk->column[column].raw_bytes);
}

/* Decodes the columns that are coded together, block by block. Returns what is wrong, or NULL. */
static const char *decode_walk(struct hak_chunk *chunk, struct hak_columns *c) {
    const uint8_t *bytes[HAK_WALK_COLUMNS];
    size_t count[HAK_WALK_COLUMNS];
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        int place = hak_walk_place((enum hak_column)i);
        if (place < 0)
            continue;
        chunk->wrong_column = hak_column_names[i];
        if (chunk->column[i].codec != HAK_CODEC_STREAMS)
            return "its codec does not fit the column";
        const char *wrong = unpack(chunk, i, c->coder->unpacked[place]);
        if (wrong)
            return wrong;
        bytes[place] = c->coder->unpacked[place];
        count[place] = chunk->column[i].raw_bytes;
        chunk->decoded |= 1u << i;
    }
    chunk->wrong_column = "walk";
    return hak_walk_decode(c, bytes, count);
}

const char *hak_chunk_decode(struct hak_chunk *chunk, struct hak_columns *c, unsigned mask) {
    for (int i = HAK_COLUMN_COUNT - 1; i >= 0; i--) /* what is needed may need others */
        if (mask >> i & 1)
            mask |= hak_column_needs((enum hak_column)i);
    mask &= ~chunk->decoded;
    c->events = chunk->events;
    for (int i = 0; i < HAK_COLUMN_COUNT; i++) {
        if (!(mask >> i & 1) || chunk->decoded >> i & 1)
            continue;
        if (hak_walk_place((enum hak_column)i) >= 0) {
            const char *wrong = decode_walk(chunk, c);
            if (wrong)
                return wrong;
            continue;
        }
        chunk->wrong_column = hak_column_names[i];
        const char *wrong = unpack(chunk, i, c->raw);
        if (!wrong)
            wrong = hak_column_decode(c, (enum hak_column)i, chunk->column[i].codec, c->raw,
                                      chunk->column[i].raw_bytes);
        if (wrong)
            return wrong;
        chunk->decoded |= 1u << i;
    }
    return NULL;
}
