/* Spells a code object's file, function and line as nodes. */
#include "trace/python/text.h"

#include "trace/frame_node.h"
#include "trace/python/lines.h"
#include "trace/stacks/stacks.h"

enum { TABLE_BYTES_MAX = 1 << 20, TABLE_PAGE = 2048 };

/* ---- texts ----------------------------------------------------------------------------------- */

/* A file's or a function's name, UTF-8. */
struct text {
    size_t bytes;
    uint8_t byte[256];
};

/* Appends a character as UTF-8. */
static void add_character(struct text *text, uint32_t c) {
    uint8_t *to = text->byte + text->bytes;
    if (c < 0x80) {
        *to = (uint8_t)c;
        text->bytes += 1;
    } else if (c < 0x800) {
        to[0] = (uint8_t)(0xc0 | c >> 6);
        to[1] = (uint8_t)(0x80 | (c & 63));
        text->bytes += 2;
    } else if (c < 0x10000) {
        to[0] = (uint8_t)(0xe0 | c >> 12);
        to[1] = (uint8_t)(0x80 | (c >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (c & 63));
        text->bytes += 3;
    } else {
        to[0] = (uint8_t)(0xf0 | (c >> 18 & 7));
        to[1] = (uint8_t)(0x80 | (c >> 12 & 63));
        to[2] = (uint8_t)(0x80 | (c >> 6 & 63));
        to[3] = (uint8_t)(0x80 | (c & 63));
        text->bytes += 4;
    }
}

/* The character at `index` of a string with characters of `width` bytes. */
static uint32_t character_at(uintptr_t data, size_t index, unsigned width) {
    return width == 1   ? hak_python_byte(data + index)
           : width == 2 ? *(const volatile uint16_t *)(data + 2 * index)
                        : hak_python_half(data + 4 * index);
}

/* Reads a string: of a long one the end when `has_end`, else the begin. False: it is none. */
static bool read_text(const struct hak_python *python, uintptr_t object, bool has_end,
                      struct text *text) {
    enum { COMPACT = 1 << 5, ASCII = 1 << 6, CHARACTERS = HAK_FRAME_NAME_MAX - 3 };
    text->bytes = 0;
    if ((object & 7) != 0 || !hak_python_can_read(object, HAK_PYTHON_STATE + 8) ||
        hak_python_word(object + HAK_PYTHON_TYPE) != python->text_type)
        return false;
    uint32_t state = hak_python_half(object + HAK_PYTHON_STATE);
    unsigned width = state >> 2 & 7;
    size_t count = hak_python_word(object + HAK_PYTHON_SIZE);
    uintptr_t data =
        object + (state & ASCII ? python->layout->text_bytes : python->layout->wide_bytes);
    if (!(state & COMPACT) || (width != 1 && width != 2 && width != 4) || count >> 32)
        return false;
    size_t from = has_end && count > CHARACTERS ? count - CHARACTERS : 0;
    for (size_t i = from; i < count; i++) {
        uintptr_t at = data + i * width;
        if ((i == from || at % TABLE_PAGE < width) && !hak_python_can_read(at, width))
            return false;
        if (text->bytes + 4 > HAK_FRAME_NAME_MAX)
            break;
        add_character(text, character_at(data, i, width));
    }
    return true;
}

/* The node of `text` below `parent`, five bytes a node; UINT32_MAX: there was no room. */
static uint32_t spell(uint32_t parent, enum hak_frame_node kind, const struct text *text) {
    for (size_t at = 0; at < text->bytes && parent != UINT32_MAX;) {
        uint64_t value = 0;
        unsigned count = 0;
        for (; count < HAK_FRAME_TEXT_BYTES && at < text->bytes; count++)
            value |= (uint64_t)text->byte[at++] << 8 * count;
        value |= (uint64_t)count << HAK_FRAME_TEXT_SHIFT;
        uint32_t id = hak_stacks_child(parent, hak_frame_node_ip(kind, value));
        parent = id ? id : UINT32_MAX;
    }
    return parent;
}

/* The line of a frame by its code's table, read in one piece where it can be read; else the code's
 * first line. */
static uint32_t line_of(const struct hak_python *python, const struct hak_python_frame *frame) {
    uint32_t first = hak_python_half(frame->code + python->layout->first_line);
    uintptr_t table = hak_python_word(frame->code + python->layout->lines);
    if ((table & 7) != 0 || !hak_python_can_read(table, HAK_PYTHON_BYTES) ||
        hak_python_word(table + HAK_PYTHON_TYPE) != python->bytes_type)
        return first;
    size_t bytes = hak_python_word(table + HAK_PYTHON_SIZE);
    if (bytes == 0 || bytes > TABLE_BYTES_MAX)
        return first;
    for (size_t at = 0; at < bytes; at += TABLE_PAGE)
        if (!hak_python_can_read(table + HAK_PYTHON_BYTES + at,
                                 bytes - at < TABLE_PAGE ? bytes - at : TABLE_PAGE))
            return first;
    return hak_python_line((const uint8_t *)(table + HAK_PYTHON_BYTES), bytes, first,
                           frame->instruction);
}

uint32_t hak_python_name(const struct hak_python *python, const struct hak_python_frame *frame) {
    struct text text;
    if (hak_python_word(frame->code + HAK_PYTHON_TYPE) != python->code_type)
        return 0;
    uint32_t id = 0;
    if (read_text(python, hak_python_word(frame->code + python->layout->file), true, &text))
        id = spell(id, HAK_FRAME_NODE_FILE, &text);
    if (!read_text(python, hak_python_word(frame->code + python->layout->name), false, &text))
        return 0;
    id = spell(id, HAK_FRAME_NODE_NAME, &text);
    if (id == UINT32_MAX)
        return 0;
    return hak_stacks_child(id, hak_frame_node_ip(HAK_FRAME_NODE_LINE, line_of(python, frame)));
}
