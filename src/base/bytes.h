/* Bytes in and out with every bound checked: varints, little-endian words, a growing buffer, files.
 */
#ifndef HAK_BASE_BYTES_H
#define HAK_BASE_BYTES_H

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

/* Writes a number as LEB128. The caller has HAK_VARINT_BYTES of room at `out`; returns the byte
 * after the value. */
static inline uint8_t *hak_write_varint(uint8_t *out, uint64_t value) {
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

/* LEB128 of at most 64 bits. Cut off or longer: 0, and the input is broken. */
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

/* Takes `bytes` bytes of the input; NULL (and broken) when there are not so many. */
static inline const uint8_t *hak_read_bytes(struct hak_input *in, size_t bytes) {
    if ((size_t)(in->end - in->at) < bytes) {
        in->broken = true;
        return NULL;
    }
    const uint8_t *start = in->at;
    in->at += bytes;
    return start;
}

/* Writes the lowest `bytes` bytes of a value, the lowest first. Returns the place behind them. */
static inline uint8_t *hak_write_little(uint8_t *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        *out++ = (uint8_t)(value >> 8 * i);
    return out;
}

/* Reads a little-endian number of `bytes` bytes, at most 8. */
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

/* Reads until `bytes` are there, or `fd` ends or fails. Returns the number of bytes read. */
size_t hak_read_fully(int fd, void *to, size_t bytes);
/* Writes all the bytes, however many calls that takes. False: errno says why not. */
bool hak_write_fully(int fd, const void *from, size_t bytes);
/* Begins a line where a file or terminal may have an unfinished one: behind a byte of a file that
 * ends no line, and always on a terminal, which does not tell. For a pipe nothing is done, as its
 * reader may take an empty line for something. */
void hak_begin_line(int fd);
/* Puts `text` into the file `path`, whole and on the disk, or leaves what is there. False: errno
 * says why. A new file has mode 0666 less the umask. */
bool hak_replace_file(const char *path, const char *text);

#endif
