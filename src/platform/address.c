/* Sorts an address that is not ours by asking the kernel, the loader and glibc's brk heap. */
#include "platform/address.h"

#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include "platform/maps.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/objects.h"

/* Nothing further away than this from the stack pointer is looked for on the stack. */
#define STACK_REACH_BYTES ((uintptr_t)1 << 30)

extern void *__libc_stack_end; /* ld.so's: where the first thread began */

/* Where the brk heap begins: where it ended when we were started, which is before glibc's first
 * block, unless the program opened us with dlopen. */
static _Atomic uintptr_t brk_start;
static _Atomic bool has_looked_for_heap;

void hak_address_start(void) {
    brk_start = (uintptr_t)hak_brk_end();
}

/* The first area of the process's map that ends behind `address`; the last one, if none does.
 * False: the map cannot be read. */
static bool find_area(uintptr_t address, struct hak_mapping *area) {
    struct hak_maps maps;
    if (!hak_maps_begin(&maps))
        return false;
    while (hak_maps_next(&maps, area) && area->end <= address)
        continue;
    hak_maps_end(&maps);
    return true;
}

/* True when `address` lies above the caller's frame on the stack that the thread was born with: in
 * the first thread the area called [stack], elsewhere the one that also holds the thread pointer.
 */
static bool is_on_own_stack(uintptr_t address) {
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t thread_pointer = hak_thread_pointer();
    if (address < here || address - here > STACK_REACH_BYTES)
        return false;
    struct hak_mapping area;
    if (!find_area(here, &area))
        return false;
    uintptr_t end = hak_mapping_is(&area, "stack")                       ? area.end
                    : here < thread_pointer && thread_pointer < area.end ? thread_pointer
                                                                         : 0;
    return here >= area.start && address < end;
}

/* True when `address` lies on the stack of the first thread, in frames that are there or not any
 * more; asked by whichever thread. The kernel keeps what it maps by itself that far from it. */
static bool is_on_first_stack(uintptr_t address) {
    enum { GAP_BYTES = 128 << 20, ENVIRONMENT_BYTES = 8 << 20 };
    uintptr_t top = (uintptr_t)__libc_stack_end;
    if (address < top - GAP_BYTES || address > top + ENVIRONMENT_BYTES)
        return false;
    struct hak_mapping area;
    if (!find_area(address, &area))
        return false;
    return hak_mapping_is(&area, "stack") && address >= area.start && address < area.end;
}

/* Asks the kernel, once, where the heap really begins. */
static void look_for_heap(void) {
    struct hak_maps maps;
    struct hak_mapping area;
    if (!hak_maps_begin(&maps))
        return;
    while (hak_maps_next(&maps, &area) && !hak_mapping_is(&area, "heap"))
        continue;
    if (area.end)
        brk_start = area.start;
    hak_maps_end(&maps);
}

/* True when a chunk of glibc's brk heap could begin at the address with these bytes. Looks for the
 * heap's start on the first address below the known one. */
static bool is_in_brk_heap(uintptr_t address, size_t bytes) {
    uintptr_t end = (uintptr_t)hak_brk_end();
    if (address < brk_start + 16 && !atomic_exchange(&has_looked_for_heap, true))
        look_for_heap();
    uintptr_t start = brk_start;
    return start != 0 && address >= start + 16 && address < end && bytes <= end - (address - 16);
}

/* ---- glibc's blocks -------------------------------------------------------------------------
 *
 *   | size of the one before | size, low bits: 1 previous in use, 2 mapped, 4 arena | block
 *
 * in the brk heap, in an arena (heaps of 64 MiB, aligned to that, each with a head), or in a
 * mapping of its own. The form has been the same since glibc 2.0; heads of arenas as read here
 * since 2.26. The size of a block with a mapping of its own includes its head until glibc 2.42. */

enum { IN_USE = 1, MAPPED = 2, OF_ARENA = 4, FLAGS = 7 };

#define ARENA_HEAP_BYTES ((uintptr_t)64 << 20)

struct arena_heap {
    uintptr_t arena, previous;
    size_t bytes, writable_bytes;
};

/* Copies `bytes`, a multiple of 8, from an address that is one, too. False: not all of them can be
 * read. */
static bool read_words(void *to, uintptr_t from, size_t bytes) {
    for (size_t at = 0; at < bytes; at += 8)
        if (!hak_raw_readable(from + at))
            return false;
    memcpy(to, (const void *)from, bytes);
    return true;
}

/* Whether a block lies in an arena of glibc's, behind the head of the arena's heap. */
static bool is_in_arena(uintptr_t address, size_t bytes) {
    uintptr_t start = address & ~(ARENA_HEAP_BYTES - 1);
    struct arena_heap heap;
    if (!read_words(&heap, start, sizeof heap))
        return false;
    uintptr_t behind_head = heap.arena & (ARENA_HEAP_BYTES - 1);
    return heap.bytes <= ARENA_HEAP_BYTES && heap.bytes % HAK_PAGE_BYTES == 0 &&
           heap.writable_bytes >= heap.bytes && heap.writable_bytes <= ARENA_HEAP_BYTES &&
           address - start + bytes <= heap.bytes + 16 && behind_head >= sizeof heap &&
           behind_head <= 2 * sizeof heap && hak_raw_readable(heap.arena);
}

/* True when the head behind the block says that the block is in use, as that of the next block or
 * of the top does. */
static bool is_in_use(uintptr_t address, size_t bytes) {
    size_t next;
    return read_words(&next, address + bytes - sizeof next, sizeof next) && (next & IN_USE) != 0;
}

/* True of the size in a head that begins a mapping of that block alone. */
static bool is_whole_mapping(size_t bytes) {
    enum { HEAD_BYTES = 16 };
    return bytes % HAK_PAGE_BYTES == 0 || (bytes + HEAD_BYTES) % HAK_PAGE_BYTES == 0;
}

/* True when what stands before `address` reads like the head of a block of glibc's malloc that is
 * where such a block would be. */
static bool is_glibc_block(uintptr_t address) {
    size_t head[2];
    if ((address & 15) != 0 || !read_words(head, address - sizeof head, sizeof head))
        return false;
    size_t bytes = head[1] & ~(size_t)FLAGS;
    if (bytes < 32 || (bytes & 15) != 0)
        return false;
    switch (head[1] & (MAPPED | OF_ARENA)) {
    case 0:
        return is_in_brk_heap(address, bytes) && is_in_use(address, bytes);
    case MAPPED: /* head[0] bytes are left in front of an aligned one */
        return head[1] == (bytes | MAPPED) && is_whole_mapping(head[0] + bytes) &&
               (address - head[0]) % HAK_PAGE_BYTES == 16 &&
               hak_is_mapped((const void *)(address + bytes - 24));
    case OF_ARENA:
        return is_in_arena(address, bytes) && is_in_use(address, bytes);
    default:
        return false;
    }
}

/* True when the head in front could be one of glibc's, so that its free would take the address
 * without a word: another libc's block (dlmopen), or what looks like one. */
static HAK_COLD bool has_head_of_glibc(uintptr_t address) {
    size_t head;
    if ((address & 15) != 0 || !read_words(&head, address - sizeof head, sizeof head))
        return false;
    size_t bytes = head & ~(size_t)FLAGS;
    return bytes >= 32 && (bytes & 15) == 0 && bytes < PTRDIFF_MAX && is_in_use(address, bytes);
}

/* The kind CODE or STATIC when a module holds the address, else MAPPED. */
static enum hak_address_kind kind_in_module(uintptr_t address) {
    struct hak_object found;
    if (!hak_object_find(address, &found))
        return HAK_ADDRESS_MAPPED;
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)found.start;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return HAK_ADDRESS_STATIC;
    const ElfW(Phdr) *segment = (const void *)((const char *)header + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uintptr_t offset = address - found.bias - segment[i].p_vaddr;
        if (segment[i].p_type == PT_LOAD && offset < segment[i].p_memsz)
            return segment[i].p_flags & PF_X ? HAK_ADDRESS_CODE : HAK_ADDRESS_STATIC;
    }
    return HAK_ADDRESS_MAPPED; /* between two segments, where something else may be mapped */
}

enum hak_address_kind hak_address_kind_of(const void *p) {
    uintptr_t address = (uintptr_t)p;
    if (address >> HAK_ADDRESS_BITS != 0 || !hak_is_mapped(p))
        return HAK_ADDRESS_UNMAPPED;
    if (is_glibc_block(address))
        return HAK_ADDRESS_C_HEAP;
    enum hak_address_kind kind = kind_in_module(address);
    if (kind != HAK_ADDRESS_MAPPED)
        return kind;
    if (is_on_own_stack(address) || is_on_first_stack(address))
        return HAK_ADDRESS_STACK;
    return is_in_brk_heap(address, 0) || is_in_arena(address, 0) || has_head_of_glibc(address)
               ? HAK_ADDRESS_UNKNOWN
               : HAK_ADDRESS_MAPPED;
}
