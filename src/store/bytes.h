/* Bytes in and out with every bound checked: varints, little-endian words and a growing buffer. */
#ifndef HAK_STORE_BYTES_H
#define HAK_STORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HAK_VARINT_BYTES 10 /* at most, for 64 bits */

/* A span of bytes being read. `broken` is set for good by the first read past its end. */
struct hak_input {
    const uint8_t *at, *end;
    bool broken;
};

static inline uint64_t hak_zigzag(uint64_t difference) {
    return difference << 1 ^ (0 - (difference >> 63));
}
static inline uint64_t hak_unzigzag(uint64_t coded) {
    return coded >> 1 ^ (0 - (coded & 1));
}

/* LEB128. The caller has HAK_VARINT_BYTES of room at `out`; returns the byte after the value. */
static inline uint8_t *hak_write_varint(uint8_t *out, uint64_t value) {
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

static inline uint64_t hak_read_varint(struct hak_input *in) {
    uint64_t value = 0;
    if (in->at != in->end && *in->at < 0x80) /* most are small */
        return *in->at++;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->at == in->end)
            break;
        uint8_t byte = *in->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    in->broken = true;
    return 0;
}

/* `bytes` bytes of the input, or NULL (and broken) when there are not so many. */
static inline const uint8_t *hak_read_bytes(struct hak_input *in, size_t bytes) {
    if ((size_t)(in->end - in->at) < bytes) {
        in->broken = true;
        return NULL;
    }
    const uint8_t *start = in->at;
    in->at += bytes;
    return start;
}

static inline uint8_t *hak_write_little(uint8_t *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        *out++ = (uint8_t)(value >> 8 * i);
    return out;
}

static inline uint64_t hak_read_little(const uint8_t *in, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in[i] << 8 * i;
    return value;
}

/* A buffer that grows; `size` bytes are in use. */
struct hak_buffer {
    uint8_t *data;
    size_t size, room;
};

/* Makes room for `bytes` more; false when memory is out. */
bool hak_buffer_reserve(struct hak_buffer *buffer, size_t bytes);
void hak_buffer_free(struct hak_buffer *buffer);

/* Appends `bytes` bytes of `data`, through zstd where that is smaller: one frame, or one for each
 * of the `parts` that end at part_end[] (a last one ends at `bytes`), small ones together.
 * `packing` tells which of enum hak_packing it was, `packed_bytes` how long it became. False when
 * memory is out. */
bool hak_buffer_pack(struct hak_buffer *out, const uint8_t *data, size_t bytes,
                     const uint32_t *part_end, uint32_t parts, uint8_t *packing,
                     uint32_t *packed_bytes);
/* The way back: fills `out` (raw_bytes of room needed) from `in`. Returns NULL, or what is wrong.
 */
const char *hak_unpack(const uint8_t *in, size_t packed_bytes, uint8_t packing, uint8_t *out,
                       size_t raw_bytes);
/* Gives back what packing and unpacking keep for this thread: before it ends. */
void hak_unpack_rest(void);

enum hak_packing { HAK_PACKING_NONE = 0, HAK_PACKING_ZSTD = 1 };

#endif
