/* Finds the entry of .eh_frame that covers a pc, by .eh_frame_hdr or from end to end. */
#include "unwind/cfi_entry.h"
#include <string.h>
#include "unwind/registers.h"
#include "platform/objects.h"

/* A cursor over the module from `at`; empty when `at` lies outside. */
static struct cursor cursor_in(const struct hak_object *object, uintptr_t at) {
    struct cursor c = {(const uint8_t *)at, (const uint8_t *)object->end, false};
    if (at < object->start || at >= object->end) {
        c.at = c.end;
        c.bad = true;
    }
    return c;
}

/* Reads an entry's length at `c` and cuts the cursor there. Returns false at the end of the table
 * and for the 64-bit form, which no toolchain writes into .eh_frame. */
static bool enter_entry(struct cursor *c) {
    uint64_t length = cursor_fixed(c, 4);
    if (c->bad || length == 0 || length == 0xffffffff || length > cursor_left(c))
        return false;
    c->end = c->at + length;
    return true;
}

/* Reads the data of a CIE's augmentation letters: the encoding of pointers, whether data has a
 * size, whether it is a signal frame. False: a letter is not known. */
static bool read_augmentation(struct cursor *c, const char *letters, struct cfi_common *common) {
    struct cursor data = *c;
    for (const char *letter = letters; *letter; letter++) {
        switch (*letter) {
        case 'z': {
            uint64_t bytes = cursor_uleb(c);
            data = *c;
            cursor_skip(c, bytes);
            data.end = c->at;
            common->sized_augmentation = true;
            break;
        }
        case 'R':
            common->pointer_encoding = (uint8_t)cursor_fixed(&data, 1);
            break;
        case 'L':
            (void)cursor_fixed(&data, 1);
            break;
        case 'P': {
            uint8_t encoding = (uint8_t)cursor_fixed(&data, 1);
            (void)cursor_pointer(&data, encoding & (uint8_t)~POINTER_INDIRECT, 0);
            break;
        }
        case 'S':
            common->signal_frame = true;
            break;
        case 'B':
            break;
        default:
            return common->sized_augmentation; /* unknown letters end what is understood */
        }
    }
    return !c->bad && !data.bad;
}

/* Reads the CIE at `at`. False: it is unreadable or of a kind that is not known. */
static bool read_common(const struct hak_object *object, uintptr_t at, struct cfi_common *common) {
    struct cursor c = cursor_in(object, at);
    if (c.bad || !enter_entry(&c) || cursor_fixed(&c, 4) != 0)
        return false;
    *common = (struct cfi_common){0};
    uint64_t version = cursor_fixed(&c, 1);
    if (version != 1 && version != 3)
        return false;
    const char *letters = (const char *)c.at;
    while (cursor_fixed(&c, 1) != 0)
        ;
    if (c.bad)
        return false;
    common->code_align = cursor_uleb(&c);
    common->data_align = cursor_sleb(&c);
    common->return_register = version == 1 ? cursor_fixed(&c, 1) : cursor_uleb(&c);
    if (*letters != 0 && *letters != 'z')
        return false; /* "eh" of gcc 2 */
    if (!read_augmentation(&c, letters, common))
        return false;
    common->instructions = c;
    return !c.bad && common->return_register == HAK_REGISTER_RETURN;
}

/* Reads the FDE at `at`. Returns false when it does not cover `pc`. */
static bool read_description(const struct hak_object *object, uintptr_t at, uintptr_t pc,
                             struct cfi_common *common, struct cfi_description *description) {
    struct cursor c = cursor_in(object, at);
    if (c.bad || !enter_entry(&c))
        return false;
    uintptr_t id_at = (uintptr_t)c.at;
    uint64_t id = cursor_fixed(&c, 4);
    if (c.bad || id == 0 || !read_common(object, id_at - id, common))
        return false;
    description->start = cursor_pointer(&c, common->pointer_encoding, 0);
    uintptr_t bytes = cursor_pointer(&c, common->pointer_encoding & POINTER_FORMAT, 0);
    if (common->sized_augmentation)
        cursor_skip(&c, cursor_uleb(&c));
    description->instructions = c;
    return !c.bad && pc - description->start < bytes;
}

/* Looks for the FDE of `pc` through .eh_frame from its start, for modules that have no sorted
 * table. False: none is there. */
static bool scan_descriptions(const struct hak_object *object, uintptr_t eh_frame, uintptr_t pc,
                              struct cfi_common *common, struct cfi_description *description) {
    for (uintptr_t at = eh_frame;;) {
        struct cursor c = cursor_in(object, at);
        if (c.bad || !enter_entry(&c))
            return false;
        if (read_description(object, at, pc, common, description))
            return true;
        at = (uintptr_t)c.end;
    }
}

/* Finds the FDE of `pc` through .eh_frame_hdr, or false: version, three encodings, address of
 * .eh_frame, count, then sorted pairs (start of code, address of FDE), each 4 bytes relative to the
 * header. */
bool hak_cfi_find_entry(const struct hak_object *object, uintptr_t pc, struct cfi_common *common,
                        struct cfi_description *description) {
    enum { TABLE_ENCODING = 0x3b, ENTRY_BYTES = 8 };
    uintptr_t header = (uintptr_t)object->eh_frame;
    struct hak_object tables = *object;
    if (header - object->start >= object->end - object->start) {
        /* A program with holes between its segments: ld.so knows each segment by itself. */
        if (!hak_object_find(header, &tables))
            return false;
        object = &tables;
    }
    struct cursor c = cursor_in(object, header);
    if (header == 0 || c.bad || cursor_fixed(&c, 1) != 1)
        return false;
    uint8_t frame_encoding = (uint8_t)cursor_fixed(&c, 1);
    uint8_t count_encoding = (uint8_t)cursor_fixed(&c, 1);
    uint8_t table_encoding = (uint8_t)cursor_fixed(&c, 1);
    uintptr_t eh_frame = cursor_pointer(&c, frame_encoding, header);
    if (c.bad)
        return false;
    if (count_encoding == POINTER_OMITTED || table_encoding != TABLE_ENCODING)
        return scan_descriptions(object, eh_frame, pc, common, description);
    uint64_t count = cursor_pointer(&c, count_encoding, header);
    if (c.bad || count == 0 || count > cursor_left(&c) / ENTRY_BYTES)
        return false;
    struct entry {
        int32_t start, description;
    } entry;
    uint64_t low = 0, high = count; /* entry low starts at or before pc, entry high after it */
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        memcpy(&entry, c.at + middle * ENTRY_BYTES, ENTRY_BYTES);
        if (header + (uintptr_t)(intptr_t)entry.start <= pc)
            low = middle;
        else
            high = middle;
    }
    memcpy(&entry, c.at + low * ENTRY_BYTES, ENTRY_BYTES);
    return read_description(object, header + (uintptr_t)(intptr_t)entry.description, pc, common,
                            description);
}
