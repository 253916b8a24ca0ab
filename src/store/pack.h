/* Bytes as they lie in a store: through zstd where that makes them shorter. Any thread; the memory
 * that a thread keeps for it is freed at its end. */
#ifndef HAK_STORE_PACK_H
#define HAK_STORE_PACK_H

#include "base/bytes.h"

/* Written into stores. */
enum hak_packing { HAK_PACKING_NONE = 0, HAK_PACKING_ZSTD = 1 };

/* Appends `bytes` bytes of `data`, through zstd where that is smaller: one frame, or one for each
 * of the `parts` that end at part_end[] (a last one ends at `bytes`), small ones together.
 * `packing` gets its enum hak_packing, `packed_bytes` the length. False when memory is out. */
bool hak_buffer_pack(struct hak_buffer *out, const uint8_t *data, size_t bytes,
                     const uint32_t *part_end, uint32_t parts, uint8_t *packing,
                     uint32_t *packed_bytes);
/* The way back: fills `out` (raw_bytes of room needed) from `in`. Returns NULL, or what is wrong.
 */
const char *hak_unpack(const uint8_t *in, size_t packed_bytes, uint8_t packing, uint8_t *out,
                       size_t raw_bytes);
/* A blob, which lies in the file as one piece of its own:
 *
 *   | magic, 4 bytes | format, 2 bytes | the rest of the header | ... | CRC-32C | */
struct hak_blob_form {
    char magic[5];
    uint8_t format;
    uint8_t header_bytes;
    const char *no_magic; /* the finding where another magic stands */
};
#define HAK_BLOB_CHECKSUM_BYTES 4
/* Appends the header with magic and format filled in; the caller writes the rest from out->data +
 * *start + 6 on. False when memory is out. */
bool hak_blob_begin(struct hak_buffer *out, const struct hak_blob_form *form, size_t *start);
/* Appends the checksum of all from `start` on. False when memory is out. */
bool hak_blob_end(struct hak_buffer *out, size_t start);
/* Checks a blob's magic, checksum and format. NULL, or what is wrong with it. */
const char *hak_blob_check(const struct hak_blob_form *form, const uint8_t *blob, size_t bytes);

/* Gives back what packing and unpacking keep for this thread: before it ends. */
void hak_pack_release(void);

#endif
