/* Reads the memory of this process, of another one and of a core file in the same way.
 *
 *   own        address --> itself                                        (hak_own_view)
 *   core, PID  address --> its page, cached (viewer/corefile/memory.c)
 *
 * Thread and signal safety: of own memory any; nothing is allocated, no lock is taken, errno is
 * kept. Own memory is taken to be there: who is not sure looks first (platform/readable.h). */
#ifndef HAK_MEMORY_ACCESS_H
#define HAK_MEMORY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_memory {
    /* The bytes at `address`, valid until the next call; NULL: they are missing. `*bytes`, how many
     * are wanted (1 at least), becomes how many of these lie there, or are missing, in one piece.
     */
    const void *(*view)(struct hak_memory *memory, uint64_t address, size_t *bytes);
};

static inline const void *hak_own_view(struct hak_memory *memory, uint64_t address, size_t *bytes) {
    (void)memory;
    (void)bytes;
    return (const void *)(uintptr_t)address;
}

/* Copies `bytes` bytes from `address` on. False: some of them are missing; those are zero. */
static inline bool hak_memory_read(struct hak_memory *memory, uint64_t address, void *to,
                                   size_t bytes) {
    bool is_whole = address + bytes >= address;
    for (char *out = to, *end = out + bytes; out < end;) {
        size_t part = (size_t)(end - out);
        const void *from = memory->view(memory, address, &part);
        if (from)
            __builtin_memcpy(out, from, part);
        else
            __builtin_memset(out, 0, part);
        is_whole &= from != NULL;
        out += part;
        address += part;
    }
    return is_whole;
}

#endif
