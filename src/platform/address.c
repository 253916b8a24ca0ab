/* Sorts an address that is not ours by asking the kernel, the loader and glibc's brk heap. */
#include "platform/address.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* Nothing further away than this from the stack pointer is looked for on the stack. */
#define STACK_REACH_BYTES ((uintptr_t)1 << 30)

static char *brk_start;

void hak_address_start(void) {
    brk_start = hak_brk_end();
}

/* One line of /proc/self/maps. */
struct area {
    uintptr_t start, end;
    bool is_stack; /* named [stack] */
};

struct maps {
    long file;
    size_t at, length;
    char buffer[1024];
};

static int next_byte(struct maps *maps) {
    if (maps->at == maps->length) {
        long got = hak_read(maps->file, maps->buffer, sizeof maps->buffer);
        if (got <= 0)
            return -1;
        maps->at = 0;
        maps->length = (size_t)got;
    }
    return (unsigned char)maps->buffer[maps->at++];
}

static uintptr_t next_number(struct maps *maps) {
    uintptr_t number = 0;
    for (;;) {
        int byte = next_byte(maps);
        if (byte >= '0' && byte <= '9')
            number = number << 4 | (uintptr_t)(byte - '0');
        else if (byte >= 'a' && byte <= 'f')
            number = number << 4 | (uintptr_t)(byte - 'a' + 10);
        else
            return number;
    }
}

static bool next_area(struct maps *maps, struct area *area) {
    area->start = next_number(maps);
    area->end = next_number(maps);
    area->is_stack = false;
    int last = 0, byte;
    while ((byte = next_byte(maps)) >= 0 && byte != '\n') {
        if (last == '[' && byte == 's') /* of all bracketed names only [stack] begins so */
            area->is_stack = true;
        last = byte;
    }
    return area->end != 0;
}

/* True when `address` lies above the caller's frame on the stack that the thread was born with: in
 * the first thread the area called [stack], elsewhere the one that also holds the thread pointer.
 */
static bool is_on_own_stack(uintptr_t address) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t thread_pointer = (uintptr_t)__builtin_thread_pointer();
    if (address < here || address - here > STACK_REACH_BYTES)
        return false;
    struct maps maps = {.file = hak_open("/proc/self/maps")};
    if (maps.file < 0)
        return false;
    bool is_own = false;
    struct area area;
    while (next_area(&maps, &area)) {
        if (here < area.start || here >= area.end)
            continue;
        uintptr_t end = area.is_stack                                        ? area.end
                        : here < thread_pointer && thread_pointer < area.end ? thread_pointer
                                                                             : 0;
        is_own = address < end;
        break;
    }
    hak_close(maps.file);
    return is_own;
}

/* True when the eight bytes before `address` read like the size field of a glibc chunk in the brk
 * heap. */
static bool is_glibc_chunk(uintptr_t address) {
    uintptr_t start = (uintptr_t)brk_start;
    uintptr_t end = (uintptr_t)hak_brk_end();
    if (start == 0 || address < start + 16 || address >= end || (address & 15) != 0)
        return false;
    size_t size_field = *(const size_t *)(address - sizeof(size_t));
    size_t bytes = size_field & ~(size_t)7;
    /* Bits 1 and 2 (mapped, other arena) are never set there. */
    return (size_field & 6) == 0 && bytes >= 32 && (bytes & 15) == 0 &&
           bytes <= end - (address - 16);
}

/* CODE or STATIC when a module holds the address, else UNKNOWN. */
static enum hak_address_kind kind_in_module(uintptr_t address) {
    struct dl_find_object found;
    if (_dl_find_object((void *)address, &found) != 0)
        return HAK_ADDRESS_UNKNOWN;
    const ElfW(Ehdr) *header = found.dlfo_map_start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return HAK_ADDRESS_STATIC;
    const ElfW(Phdr) *segment = (const void *)((const char *)header + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uintptr_t offset = address - found.dlfo_link_map->l_addr - segment[i].p_vaddr;
        if (segment[i].p_type == PT_LOAD && offset < segment[i].p_memsz)
            return segment[i].p_flags & PF_X ? HAK_ADDRESS_CODE : HAK_ADDRESS_STATIC;
    }
    return HAK_ADDRESS_UNKNOWN; /* between two segments, where something else may be mapped */
}

enum hak_address_kind hak_address_kind_of(const void *p) {
    uintptr_t address = (uintptr_t)p;
    if (address >> HAK_ADDRESS_BITS != 0 || !hak_is_mapped(p))
        return HAK_ADDRESS_UNMAPPED;
    if (is_glibc_chunk(address))
        return HAK_ADDRESS_C_HEAP;
    enum hak_address_kind kind = kind_in_module(address);
    if (kind == HAK_ADDRESS_UNKNOWN && is_on_own_stack(address))
        kind = HAK_ADDRESS_STACK;
    return kind;
}
