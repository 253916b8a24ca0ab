/* The words that libc keeps for each thread, and that a call may change: errno, and what the
 * thread's next dlerror says. The code of libc's own functions tells where they lie. */
#include "viewer/attach/parts.h"

#include <string.h>

/* Finds how far from its thread pointer a thread's errno lies, by the code of __errno_location: mov
 * slot(%rip), %rax; add %fs:0, %rax; ret. 0: the code is another. */
static uint64_t find_errno(const struct process *p, const struct module *libc) {
    unsigned char code[16];
    uint64_t at = module_find(libc, "__errno_location"), offset = 0;
    int32_t slot;
    static const unsigned char entry[] = {0xf3, 0x0f, 0x1e, 0xfa};
    if (!at || !process_read(p, at, code, sizeof code))
        return 0;
    if (memcmp(code, entry, sizeof entry) == 0) {
        at += sizeof entry;
        if (!process_read(p, at, code, sizeof code))
            return 0;
    }
    static const unsigned char load[] = {0x48, 0x8b, 0x05};
    if (memcmp(code, load, sizeof load) != 0)
        return 0;
    memcpy(&slot, code + sizeof load, sizeof slot);
    (void)process_read(p, at + 7 + (uint64_t)(int64_t)slot, &offset, sizeof offset);
    return offset;
}

/* Finds how far from the thread pointer the word lies in which dlerror holds 0, or where what the
 * thread's next dlerror says lies: in its code stands mov slot(%rip), %R; mov %fs:(%R), %S. 0: it
 * does not. */
static uint64_t find_dlerror(const struct process *p, const struct module *libc) {
    enum { LOAD_BYTES = 7, USE_BYTES = 4, REGISTER = 7, NEEDS_MORE = 4, HAS_NO_REGISTER = 5 };
    unsigned char code[256];
    struct function dlerror;
    uint64_t offset = 0;
    if (!module_find_function(libc, "dlerror", &dlerror))
        return 0;
    uint64_t bytes = dlerror.end - dlerror.start;
    bytes = bytes < sizeof code ? bytes : sizeof code;
    if (!process_read(p, dlerror.start, code, bytes))
        return 0;
    for (uint64_t i = 0; i + LOAD_BYTES + USE_BYTES <= bytes; i++) {
        const unsigned char *load = code + i, *use = load + LOAD_BYTES;
        unsigned to = load[2] >> 3 & REGISTER;
        int32_t slot;
        if (load[0] != 0x48 || load[1] != 0x8b || (load[2] & 0xc7) != 0x05 || to == NEEDS_MORE ||
            to == HAS_NO_REGISTER || use[0] != 0x64 || (use[1] & 0xfb) != 0x48 || use[2] != 0x8b ||
            (use[3] & 0xc7) != to)
            continue;
        memcpy(&slot, load + 3, sizeof slot);
        uint64_t slot_at = dlerror.start + i + LOAD_BYTES + (uint64_t)(int64_t)slot;
        return process_read(p, slot_at, &offset, sizeof offset) ? offset : 0;
    }
    return 0;
}

void words_find(struct words *words, const struct process *p, const struct module *libc) {
    words->errno_at = find_errno(p, libc);
    words->dlerror_at = find_dlerror(p, libc);
}

struct kept_words words_keep(const struct words *words, const struct process *p,
                             uint64_t thread_pointer) {
    struct kept_words kept = {0};
    uint64_t errno_at = thread_pointer + words->errno_at, none = 0;
    uint64_t dlerror_at = thread_pointer + words->dlerror_at;
    if (words->errno_at && process_read(p, errno_at, &kept.errno_value, sizeof kept.errno_value))
        kept.errno_at = errno_at;
    /* dlopen frees what an earlier one left for dlerror, unless it is hidden meanwhile. The message
     * that a failed dlopen leaves, some 100 bytes, is lost with the word. */
    if (words->dlerror_at &&
        process_read(p, dlerror_at, &kept.dlerror_value, sizeof kept.dlerror_value) &&
        (!kept.dlerror_value || process_write(p, dlerror_at, &none, sizeof none)))
        kept.dlerror_at = dlerror_at;
    return kept;
}

void words_put_back(const struct process *p, const struct kept_words *kept) {
    if (kept->errno_at)
        (void)process_write(p, kept->errno_at, &kept->errno_value, sizeof kept->errno_value);
    if (kept->dlerror_at)
        (void)process_write(p, kept->dlerror_at, &kept->dlerror_value, sizeof kept->dlerror_value);
}
