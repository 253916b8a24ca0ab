/* What lies at a pointer that is not ours: the stack, a module's data or code, nothing, or memory
 * of somebody else. Asks the loader and the kernel; the memory itself is never touched.
 *
 * Only what is surely a mistake of the program is told as bad-free. Whatever else is mapped may be
 * another allocator's (glibc's own heap, a second malloc, mmap) and is passed on or left alone. */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include "guard/guard.h"
#include "trace/raw_call.h"
#include "trace/stack_memory.h"

enum { PAGE_BYTES = 4096 };

/* The thread's own stack as far as it is known to be readable without a gap, from the stack pointer
 * up (trace/stack_memory.h). On a coroutine's or signal's stack nothing is known: then the pointer
 * may belong to anyone. */
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

/* Code or data of a loaded module. _dl_find_object takes no lock (glibc 2.35); the module's ELF
 * header lies at the start of its mapping. */
static enum hak_memory memory_of_module(uintptr_t address) {
    struct dl_find_object object;
    if (_dl_find_object((void *)address, &object) != 0)
        return HAK_MEMORY_UNKNOWN;
    const char *start = object.dlfo_map_start;
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)(const void *)start;
    if (__builtin_memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0)
        return HAK_MEMORY_STATIC;
    const ElfW(Phdr) *segments = (const ElfW(Phdr) *)(const void *)(start + elf->e_phoff);
    for (unsigned i = 0; i < elf->e_phnum; i++)
        if (segment_holds(&segments[i], object.dlfo_link_map->l_addr, address))
            return segments[i].p_flags & PF_X ? HAK_MEMORY_CODE : HAK_MEMORY_STATIC;
    return HAK_MEMORY_UNKNOWN;
}

/* mincore fails with ENOMEM for addresses that are not mapped; where it is forbidden nothing is
 * claimed. */
static bool is_unmapped(uintptr_t address) {
    unsigned char residency;
    long result = hak_raw_call(SYS_mincore, (long)(address & ~(uintptr_t)(PAGE_BYTES - 1)),
                               PAGE_BYTES, (long)&residency, 0, 0, 0);
    return result == -12 /* ENOMEM */;
}

enum hak_memory hak_memory_at(const void *pointer) {
    uintptr_t address = (uintptr_t)pointer;
    if (is_on_stack(address) || is_environment(address))
        return HAK_MEMORY_STACK;
    enum hak_memory memory = memory_of_module(address);
    if (memory != HAK_MEMORY_UNKNOWN)
        return memory;
    return is_unmapped(address) ? HAK_MEMORY_UNMAPPED : HAK_MEMORY_OTHER;
}
