/* Copies memory that another thread may close at any moment (readable.h). */
#include "platform/readable.h"

#include HAK_ARCH_FILE(copy.h)

int hak_read_byte(struct hak_byte_reader *reader, const char *p) {
    uintptr_t at = (uintptr_t)p;
    if (at - reader->from < reader->held)
        return (unsigned char)reader->here[at - reader->from];
    size_t left = HAK_READABLE_PAGE_BYTES - at % HAK_READABLE_PAGE_BYTES;
    size_t bytes = left < HAK_READ_AT_ONCE ? left : HAK_READ_AT_ONCE;
    bool may = reader->goes_on ? hak_may_be_readable(&reader->known, p, bytes)
                               : hak_is_readable(&reader->known, p, bytes);
    bool is_there = at >= HAK_READABLE_PAGE_BYTES && may && hak_copy_deaf(reader->here, p, bytes);
    reader->from = at;
    reader->held = is_there ? (unsigned)bytes : 0;
    return is_there ? (unsigned char)reader->here[0] : -1;
}
