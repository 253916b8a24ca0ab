/* A chunk: up to 65,536 events as one blob, columns through their codecs and zstd, checksum at the
 * end.
 *
 *   | header, 24 bytes | directory, 12 bytes a column | column | column | ... | CRC-32C |
 *
 * docs/specs/event-log.md is the same byte by byte. A chunk comes from a file that anybody may have
 * written: nothing in it is used before it is checked, and memory does not grow with what it says.
 */
#ifndef HAK_STORE_CODEC_CHUNK_H
#define HAK_STORE_CODEC_CHUNK_H

#include "store/codec/column.h"

#define HAK_CHUNK_FORMAT       1
#define HAK_CHUNK_HEADER_BYTES 24
#define HAK_CHUNK_COLUMN_BYTES 12
#define HAK_ALL_COLUMNS        ((1u << HAK_COLUMN_COUNT) - 1)

/* Writes the events of `c` as one chunk behind what `out` holds. False when memory is out. */
bool hak_chunk_encode(struct hak_columns *c, uint64_t first_id, struct hak_buffer *out);

/* One chunk being read. The blob must stay while columns are asked for. */
struct hak_chunk {
    const uint8_t *blob;
    size_t blob_bytes;
    uint64_t first_id;
    uint32_t events;
    unsigned decoded; /* mask of columns in `columns` */
    unsigned present;
    const char *wrong_column; /* name of the column in which decoding failed, or "header" */
    struct {
        uint8_t codec, packing;
        uint32_t raw_bytes, packed_bytes;
        size_t offset;
    } column[HAK_COLUMN_COUNT];
};

/* Reads header, directory and checksum. NULL, or what is wrong (chunk->wrong_column says where). */
const char *hak_chunk_open(struct hak_chunk *chunk, const uint8_t *blob, size_t blob_bytes);
/* Decodes the columns of `mask` (and those they need) that are not decoded yet. NULL, or what is
 * wrong. */
const char *hak_chunk_decode(struct hak_chunk *chunk, struct hak_columns *c, unsigned mask);

#endif
