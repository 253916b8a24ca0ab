/* Finds where a thread of the program stands, and whether it may be made to call a function there.
 *
 *   frame 0    user code, or a function of libc at a system call (it waits, or has just made one)
 *   a group    frames of libc in a row: the outermost one is the function that was called; it, and
 *              all exported ones of the group, must be none that may hold a lock
 *   the end    the stack is whole: it ends where a thread begins
 *
 * No frame may lie in ld.so, in an allocator beside libc, in hakmem's library, or belong to a
 * signal handler, which may have interrupted anything. */
#include "viewer/attach/parts.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "arch.h"
#include "base/growing.h"
#include "viewer/cli/cli.h"
#include HAK_ARCH_FILE(outside.h)
#include HAK_ARCH_FILE(traced.h)

enum {
    FRAMES_MAX = 256,
    STACK_ROOM = 24 << 10,  /* below the thread's stack pointer */
    MAPPED_ROOM = 16 << 10, /* of it, for what is written from outside */
};

/* ---- the modules ----------------------------------------------------------------------------- */

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether a path ends with NAME-2.31.so, as glibc calls its files before 2.34. */
static bool is_versioned(const char *path, const char *name) {
    const char *file = file_name(path), *version = file + strlen(name);
    if (strncmp(file, name, strlen(name)) != 0)
        return false;
    size_t digits = strspn(version, "0123456789.");
    return digits > 0 && version[0] != '.' && strcmp(version + digits, "so") == 0;
}

static bool is_loader(const char *path) {
    return strncmp(file_name(path), HAK_LOADER_NAME ".so", strlen(HAK_LOADER_NAME ".so")) == 0 ||
           is_versioned(path, "ld-");
}

/* The path of the first file of code whose name `fits`, NULL = there is none. */
static const char *find_path(const struct process *p, bool (*fits)(const char *)) {
    for (uint32_t i = 0; i < p->mappings; i++)
        if (p->mapping[i].is_executable && p->mapping[i].path[0] == '/' && fits(p->mapping[i].path))
            return p->mapping[i].path;
    return NULL;
}

static bool is_libc(const char *path) {
    return strcmp(file_name(path), "libc.so.6") == 0 || is_versioned(path, "libc-");
}

/* True for libpthread and libdl, which belong to libc before glibc 2.34. */
static bool is_beside(const char *path) {
    return strncmp(file_name(path), "libpthread.so", 13) == 0 ||
           strncmp(file_name(path), "libdl.so", 8) == 0 || is_versioned(path, "libpthread-") ||
           is_versioned(path, "libdl-");
}

static bool is_other(const char *path) {
    return path[0] == '/' && !is_libc(path) && !is_loader(path) && !is_beside(path);
}

static void forget_besides(struct places *places) {
    for (uint32_t i = 0; i < places->besides; i++)
        module_close(&places->beside[i]);
    places->besides = 0;
}

/* Opens libpthread and libdl, where the process has them. False: one cannot be read. */
static bool find_besides(struct places *places, const struct process *p) {
    const char *last = "";
    forget_besides(places);
    for (uint32_t i = 0; i < p->mappings && places->besides < 2; i++) {
        const char *path = p->mapping[i].path;
        if (!p->mapping[i].is_executable || !is_beside(path) || strcmp(path, last) == 0)
            continue;
        last = path;
        if (!module_read(&places->beside[places->besides], p, path))
            return false;
        places->besides++;
    }
    return true;
}

static void forget_allocators(struct places *places) {
    for (uint32_t i = 0; i < places->allocators; i++)
        module_close(&places->allocator[i]);
    places->allocators = 0;
}

/* Opens the modules that define a malloc, as jemalloc does, and hakmem's own. Skips files that
 * cannot be read. */
static void find_allocators(struct places *places, const struct process *p) {
    const char *last = "";
    forget_allocators(places);
    for (uint32_t i = 0; i < p->mappings; i++) {
        const char *path = p->mapping[i].path;
        struct module m;
        if (!p->mapping[i].is_executable || !is_other(path) || strcmp(path, last) == 0)
            continue;
        last = path;
        if (!module_read(&m, p, path))
            continue; /* a file that is gone: it is judged by its frames' names, which it has not */
        bool is_own = strcmp(file_name(path), "hakmem-attach.so") == 0;
        if ((m.has_malloc || is_own) &&
            hak_growing_make_room(&places->allocator, places->allocators, &places->capacity,
                                  sizeof *places->allocator))
            places->allocator[places->allocators++] = m;
        else
            module_close(&m);
    }
}

/* ---- the unwinder ---------------------------------------------------------------------------- */

/* Tells libdwfl that there is no debug file: call frame information stands in the modules
 * themselves. */
static int find_no_debug_file(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
                              const char *file, const char *link, GElf_Word sum, char **found) {
    (void)module;
    (void)data;
    (void)name;
    (void)base;
    (void)file;
    (void)link;
    (void)sum;
    (void)found;
    return -1;
}

/* Attaches elfutils' unwinder to the process, in the place of an earlier one. False: it refuses. */
static bool begin_unwinder(struct places *places, const struct process *p) {
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_linux_proc_find_elf,
                                             .find_debuginfo = find_no_debug_file};
    if (places->unwinder)
        dwfl_end(places->unwinder);
    Dwfl *dwfl = dwfl_begin(&callbacks);
    places->unwinder = dwfl;
    return dwfl && dwfl_linux_proc_report(dwfl, p->shown) == 0 &&
           dwfl_report_end(dwfl, NULL, NULL) == 0 &&
           dwfl_linux_proc_attach(dwfl, p->pid, true) == 0;
}

/* Opens libraries beside libc, allocators and the unwinder anew. False: one cannot be read. */
static bool read_other_modules(struct places *places, const struct process *p) {
    if (!find_besides(places, p))
        return false;
    find_allocators(places, p);
    return begin_unwinder(places, p);
}

/* Reads the modules that a safe place is judged by. False, and said: they cannot be read. */
bool places_open(struct places *places, const struct process *p) {
    *places = (struct places){0};
    const char *libc = find_path(p, is_libc), *loader = find_path(p, is_loader);
    if (!libc || !loader || !module_read(&places->libc, p, libc) ||
        !module_read(&places->loader, p, loader)) {
        if (!process_say_gone(p))
            view_error("record: process %d (%s) has no glibc whose file can be read: it is static, "
                       "of another C library, or its files were replaced since it started",
                       (int)p->pid, p->name);
        return false;
    }
    places->code_sum = process_code_sum(p);
    if (read_other_modules(places, p))
        return true;
    if (!process_say_gone(p))
        view_error("record: process %d (%s) has modules that cannot be read", (int)p->pid, p->name);
    return false;
}

void places_close(struct places *places) {
    forget_allocators(places);
    forget_besides(places);
    free(places->allocator);
    module_close(&places->libc);
    module_close(&places->loader);
    if (places->unwinder)
        dwfl_end(places->unwinder);
    *places = (struct places){0};
}

bool places_renew(struct places *places, const struct process *p) {
    uint64_t sum = process_code_sum(p);
    if (sum == places->code_sum)
        return true;
    places->code_sum = sum;
    return read_other_modules(places, p);
}

/* ---- a stack --------------------------------------------------------------------------------- */

struct stack {
    uint64_t ip[FRAMES_MAX]; /* innermost first */
    bool is_exact[FRAMES_MAX];
    unsigned count;
};

/* Adds a frame of a thread's stack, at most FRAMES_MAX. */
static int add_frame(Dwfl_Frame *frame, void *context) {
    struct stack *stack = context;
    Dwarf_Addr ip;
    bool is_exact;
    if (stack->count == FRAMES_MAX || !dwfl_frame_pc(frame, &ip, &is_exact))
        return DWARF_CB_ABORT;
    stack->ip[stack->count] = ip;
    stack->is_exact[stack->count++] = is_exact;
    return DWARF_CB_OK;
}

static bool is_in(const struct module *m, uint64_t address) {
    return address >= m->start && address < m->end;
}

/* True for code of libc and what belongs to it. */
static bool is_of_libc(const struct places *places, uint64_t address) {
    bool is_of = is_in(&places->libc, address);
    for (uint32_t i = 0; i < places->besides; i++)
        is_of = is_of || is_in(&places->beside[i], address);
    return is_of;
}

/* True when a function of libc that is known holds the address; `*is_denied`: it must not be
 * interrupted. */
static bool libc_covers(const struct places *places, uint64_t address, bool *is_denied) {
    for (uint32_t i = 0; i < places->besides; i++)
        if (is_in(&places->beside[i], address))
            return module_covers(&places->beside[i], address, is_denied);
    return module_covers(&places->libc, address, is_denied);
}

/* True where no call may be made: in the loader, an allocator, or unknown code. */
static bool is_barred(const struct places *places, const struct process *p, uint64_t ip) {
    const struct hak_map_line *mapping = process_mapping_at(p, ip);
    bool is_barred = !mapping || is_in(&places->loader, ip);
    for (uint32_t i = 0; i < places->allocators; i++)
        is_barred = is_barred || is_in(&places->allocator[i], ip);
    return is_barred;
}

/* Whether the code at `ip` is where signal handlers return to. */
static bool is_restorer(const struct process *p, uint64_t ip) {
    static const unsigned char code[] = HAK_OUTSIDE_RESTORER;
    unsigned char found[sizeof code];
    return process_read(p, ip, found, sizeof found) && memcmp(found, code, sizeof code) == 0;
}

/* True when the instruction before is a system call. */
static bool is_behind_system_call(const struct process *p, uint64_t ip) {
    static const unsigned char code[] = HAK_OUTSIDE_SYSCALL;
    unsigned char found[sizeof code];
    return process_read(p, ip - sizeof code, found, sizeof found) &&
           memcmp(found, code, sizeof code) == 0;
}

/* Whether frames [from, to), which lie in libc, are of functions that hold no lock, and the
 * outermost is known, which the program called. */
static bool is_group_safe(const struct places *places, const struct stack *stack, unsigned from,
                          unsigned to) {
    bool is_denied, is_known = false;
    for (unsigned i = from; i < to; i++) {
        is_known = libc_covers(places, stack->ip[i] - !stack->is_exact[i], &is_denied);
        if (is_known && is_denied)
            return false;
    }
    return is_known; /* the outermost: what the program called */
}

/* True when a call made at this stack can meet nothing half-done: no allocator or loader in it, and
 * only harmless functions of libc. */
static bool is_stack_safe(const struct places *places, const struct process *p,
                          const struct stack *stack) {
    for (unsigned i = 0; i < stack->count; i++)
        if (is_barred(places, p, stack->ip[i] - !stack->is_exact[i]) ||
            is_restorer(p, stack->ip[i]))
            return false;
    if (is_of_libc(places, stack->ip[0]) && !is_behind_system_call(p, stack->ip[0]))
        return false;
    for (unsigned from = 0, to; from < stack->count; from = to) {
        bool is_group = is_of_libc(places, stack->ip[from]);
        for (to = from + 1; to < stack->count && is_of_libc(places, stack->ip[to]) == is_group;
             to++)
            continue;
        /* A thread's own begin, from where no exported function was called. */
        bool is_begin = to == stack->count && from > 0;
        if (is_group && !is_begin && !is_group_safe(places, stack, from, to))
            return false;
    }
    return true;
}

/* Whether the thread's stack has room for a call, and is none of a coroutine or another small one.
 */
static bool has_room(const struct process *p, uint64_t sp, uint64_t thread_pointer) {
    const struct hak_map_line *m = process_mapping_at(p, sp);
    if (!m || !m->is_writable || sp - m->start < MAPPED_ROOM)
        return false;
    if (strcmp(m->path, "[stack]") == 0)
        return true;
    return thread_pointer > sp && thread_pointer < m->end && sp - m->start >= STACK_ROOM;
}

bool places_are_safe(struct places *places, const struct process *p, pid_t thread) {
    static struct stack stack;
    struct user_regs_struct registers;
    if (!hak_traced_registers(thread, &registers) ||
        !has_room(p, hak_traced_sp(&registers), hak_traced_thread_pointer(thread, &registers)))
        return false;
    stack.count = 0;
    return dwfl_getthread_frames(places->unwinder, thread, add_frame, &stack) == 0 &&
           stack.count > 0 && stack.ip[0] == hak_traced_ip(&registers) &&
           is_stack_safe(places, p, &stack);
}
