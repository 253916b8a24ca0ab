/* Reads CPython's table of locations. */
#include "trace/python/lines.h"

/* A number in pieces of six bits, the lowest first; bit 6 says that more follow. */
static uint32_t read_number(const uint8_t *table, size_t bytes, size_t *at) {
    uint32_t value = 0;
    for (unsigned shift = 0; *at < bytes && shift < 32; shift += 6) {
        uint8_t piece = table[(*at)++];
        value |= (uint32_t)(piece & 63) << shift;
        if (!(piece & 64))
            break;
    }
    return value;
}

/* The sign is the lowest bit. */
static int32_t read_signed(const uint8_t *table, size_t bytes, size_t *at) {
    uint32_t value = read_number(table, bytes, at);
    return value & 1 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
}

/* Finds the line of an instruction in a table of lines. Each entry: a byte of 1, kind:4,
 * instructions - 1:3, then what the kind has, of bytes without the highest bit. */
uint32_t hak_python_line(const uint8_t *table, size_t bytes, uint32_t first, uint32_t index) {
    enum { ONE_LINE = 10, LAST_ONE_LINE = 12, NO_COLUMN = 13, LONG = 14, NONE = 15 };
    uint32_t line = first, reached = 0;
    for (size_t at = 0; at < bytes;) {
        uint8_t head = table[at++];
        unsigned kind = head >> 3 & 15;
        if (kind >= ONE_LINE && kind <= LAST_ONE_LINE)
            line += kind - ONE_LINE;
        else if (kind == NO_COLUMN || kind == LONG)
            line += (uint32_t)read_signed(table, bytes, &at);
        reached += (head & 7u) + 1;
        if (index < reached)
            return kind == NONE ? 0 : line;
        while (at < bytes && table[at] < 128)
            at++;
    }
    return first;
}
