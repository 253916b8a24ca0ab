/* What lies at a pointer that is not ours: the stack, a module's data or code, nothing, or memory
 * of somebody else. Refines what the platform says; the memory itself is never touched.
 *
 * Only what is surely a mistake of the program is told as bad-free. Whatever else is mapped may be
 * another allocator's (glibc's own heap, a second malloc, mmap) and is passed on or left alone. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include "guard/guard.h"
#include "platform/address.h"
#include "trace/stack_memory.h"

/* The thread's own stack, from the stack pointer up, as far as it is known to be readable without a
 * gap (trace/stack_memory.h). On a coroutine's or a signal's stack nothing is known: then the
 * memory around it may be anyone's. */
static bool is_on_stack(uintptr_t address) {
    struct hak_stack_memory memory;
    hak_stack_memory_begin(&memory, (uintptr_t)__builtin_frame_address(0));
    return memory.span != 0 && address - memory.low < memory.span;
}

/* The strings of the arguments and the environment: above the first thread's stack, the program's
 * path being the last of them. */
static bool is_environment(uintptr_t address) {
    extern void *__libc_stack_end;
    uintptr_t low = (uintptr_t)__libc_stack_end;
    uintptr_t high = getauxval(AT_EXECFN);
    return high > low && address >= low && address <= high;
}

static bool segment_holds(const ElfW(Phdr) * segment, uintptr_t bias, uintptr_t address) {
    return segment->p_type == PT_LOAD && address - (bias + segment->p_vaddr) < segment->p_memsz;
}

/* Code or data of the module that holds `address`. _dl_find_object takes no lock (glibc 2.35); the
 * module's ELF header lies at the start of its mapping. */
static enum hak_memory memory_in_module(uintptr_t address) {
    struct dl_find_object object;
    if (_dl_find_object((void *)address, &object) != 0)
        return HAK_MEMORY_OTHER;
    const char *start = object.dlfo_map_start;
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)(const void *)start;
    if (__builtin_memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
        return HAK_MEMORY_STATIC;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(const void *)(start + elf->e_phoff);
    for (unsigned i = 0; i < elf->e_phnum; i++)
        if (segment_holds(&segments[i], object.dlfo_link_map->l_addr, address))
            return segments[i].p_flags & PF_X ? HAK_MEMORY_CODE : HAK_MEMORY_STATIC;
    return HAK_MEMORY_OTHER; /* a gap between two segments, where something else was mapped */
}

enum hak_memory hak_memory_at(const void *pointer) {
    uintptr_t address = (uintptr_t)pointer;
    switch (hak_address_kind_of(pointer)) {
    case HAK_ADDRESS_UNMAPPED:
        return HAK_MEMORY_UNMAPPED;
    case HAK_ADDRESS_MODULE:
        return memory_in_module(address);
    case HAK_ADDRESS_C_HEAP:
        return HAK_MEMORY_OTHER;
    case HAK_ADDRESS_STACK:
    case HAK_ADDRESS_UNKNOWN:
        break;
    }
    return is_on_stack(address) || is_environment(address) ? HAK_MEMORY_STACK : HAK_MEMORY_OTHER;
}
