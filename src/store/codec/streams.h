/* The streams of bytes that a column is made of: each kind of number goes into its own, so that
 * zstd sees like beside like.
 *
 *   | length of stream 0, of stream 1, ... as varints | stream 0 | stream 1 | ... |
 *
 * A writer has room for the most that all events of a chunk can put there; a reader checks every
 * byte. */
#ifndef HAK_STORE_CODEC_STREAMS_H
#define HAK_STORE_CODEC_STREAMS_H

#include "base/bytes.h"

#define HAK_STREAMS_MAX 20 /* of one column */

struct hak_stream {
    uint8_t *start, *at;
};

static inline void hak_stream_byte(struct hak_stream *s, uint64_t byte) {
    *s->at++ = (uint8_t)byte;
}

/* Appends a number to a stream as a varint. */
static inline void hak_stream_varint(struct hak_stream *s, uint64_t value) {
    if (value < 0x80)
        *s->at++ = (uint8_t)value;
    else
        s->at = hak_write_varint(s->at, value);
}
static inline void hak_stream_difference(struct hak_stream *s, uint64_t difference) {
    hak_stream_varint(s, hak_zigzag(difference));
}

/* Puts `count` streams behind each other at `out`; part_end[] gets where each ends, counted from
 * `out`. Returns the length. */
static inline size_t hak_streams_join(const struct hak_stream *stream, uint32_t count, uint8_t *out,
                                      uint32_t *part_end) {
    uint8_t *at = out;
    for (uint32_t i = 0; i < count; i++)
        at = hak_write_varint(at, (uint64_t)(stream[i].at - stream[i].start));
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = (size_t)(stream[i].at - stream[i].start);
        if (bytes)
            memcpy(at, stream[i].start, bytes);
        at += bytes;
        part_end[i] = (uint32_t)(at - out);
    }
    return (size_t)(at - out);
}

/* Splits bytes into streams again, by the lengths in front. False if these do not add up to the
 * bytes that are there. */
static inline bool hak_streams_split(const uint8_t *bytes, size_t count, struct hak_input *stream,
                                     uint32_t streams) {
    struct hak_input in = {.at = bytes, .end = bytes + count};
    uint64_t length[HAK_STREAMS_MAX];
    for (uint32_t i = 0; i < streams; i++)
        length[i] = hak_read_varint(&in);
    for (uint32_t i = 0; i < streams && !in.broken; i++) {
        const uint8_t *at = length[i] <= count ? hak_read_bytes(&in, (size_t)length[i]) : NULL;
        if (!at)
            return false;
        stream[i] = (struct hak_input){.at = at, .end = at + length[i]};
    }
    return !in.broken && in.at == in.end;
}

/* Reads one byte; 0 (and broken) behind the end. */
static inline uint8_t hak_read_byte(struct hak_input *in) {
    if (in->at != in->end)
        return *in->at++;
    in->broken = true;
    return 0;
}
static inline uint64_t hak_read_difference(struct hak_input *in) {
    return hak_unzigzag(hak_read_varint(in));
}

/* Whether every stream was read to its end and none behind it. */
static inline bool hak_streams_used_up(const struct hak_input *stream, uint32_t streams) {
    bool good = true;
    for (uint32_t i = 0; i < streams; i++)
        good &= !stream[i].broken && stream[i].at == stream[i].end;
    return good;
}

#endif
