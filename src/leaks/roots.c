/* Finds the roots: all memory that the program can read and write and that is no block, by the list
 * of /proc/thread-self/maps while all threads stand.
 *
 *   data of modules, .bss, brk, anonymous and shared mappings, thread-local memory, live stacks
 *   - hakmem's mappings (platform/own.h: blocks are among them), its module, its thread-locals
 *   - stacks below their stack pointer, and stacks of ended threads that glibc keeps
 *   + registers, alternate signal stacks
 *
 * Mappings of the program's own count, since pools and interpreters keep objects there: more would
 * be called lost than is (CPython's arenas). Dead frames of a stack do not count: a pointer there
 * would hide a leak. */
#include "leaks/leaks.h"

#include <string.h>
#include <sys/mman.h>
#include "platform/maps.h"
#include "platform/own.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/threads/threads.h"

/* glibc's struct pthread begins with a tcbhead_t (x86-64, unchanged since 2.4): the thread pointer
 * points to it, and the two guards are the same in all threads. */
enum {
    TCB_SELF = 0,
    TCB_DTV = 1,
    TCB_SELF_AGAIN = 2,
    TCB_STACK_GUARD = 5,
    TCB_POINTER_GUARD = 6,
    TCB_WORDS = 8
};
enum { PTHREAD_BYTES = 2304, PTHREAD_ALIGNMENT = 64 };

/* ---- areas ----------------------------------------------------------------------------------- */

static bool begins(const struct hak_mapping *mapping, const char *with) {
    return strncmp(mapping->path, with, strlen(with)) == 0;
}

static void add_area(struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (area->start >= area->end)
        return;
    if (scan->area_count == HAK_LEAK_AREAS)
        scan->partial |= HAK_PARTIAL_MEMORY;
    else
        scan->areas[scan->area_count++] = *area;
}

/* Guard pages that are no mappings of their own (MADV_GUARD_INSTALL, which glibc 2.42 closes the
 * end of a thread's stack with) become areas that cannot be read, as those of mprotect are. */
static void add_parts(struct hak_leak_scan *scan, struct hak_leak_area area) {
    struct hak_leak_range guards[32];
    const size_t most = sizeof guards / sizeof *guards;
    size_t count = most;
    for (uintptr_t from = area.start; count == most; from = area.start) {
        count = hak_leak_find_guards(scan, (struct hak_leak_range){from, area.end}, guards, most);
        for (size_t i = 0; i < count; i++) {
            struct hak_leak_area open = area, closed = area;
            open.end = closed.start = guards[i].start;
            closed.end = area.start = guards[i].end;
            closed.readable = closed.writable = 0;
            add_area(scan, &open);
            add_area(scan, &closed);
        }
    }
    add_area(scan, &area);
}

static void add_mapping(struct hak_leak_scan *scan, const struct hak_mapping *mapping) {
    const struct hak_leak_area area = {
        .start = mapping->start,
        .end = mapping->end,
        .readable = (mapping->protection & PROT_READ) != 0,
        .writable = (mapping->protection & PROT_WRITE) != 0,
        .is_private = (mapping->protection & HAK_MAPPING_SHARED) == 0,
        .has_file = mapping->path[0] && mapping->path[0] != '[',
        .is_stack = hak_mapping_is(mapping, "stack"),
        .is_special =
            begins(mapping, "[v") || (begins(mapping, "/dev/") && !begins(mapping, "/dev/zero") &&
                                      !begins(mapping, "/dev/shm"))};
    if (area.readable && area.writable && !area.is_special)
        add_parts(scan, area);
    else
        add_area(scan, &area);
}

bool hak_leak_read_areas(struct hak_leak_scan *scan) {
    static struct hak_maps maps; /* no mapping, which would be in the list and then be gone */
    struct hak_mapping mapping;
    if (scan->maps_file < 0)
        return false;
    hak_maps_begin_at(&maps, scan->maps_file);
    while (hak_maps_next(&maps, &mapping))
        add_mapping(scan, &mapping);
    return scan->area_count > 0;
}

const struct hak_leak_area *hak_leak_area_of(const struct hak_leak_scan *scan, uintptr_t address) {
    size_t low = 0, high = scan->area_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (scan->areas[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < scan->area_count ? &scan->areas[low] : NULL;
}

/* ---- what is left out ------------------------------------------------------------------------ */

static void exclude(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    if (start >= end)
        return;
    if (scan->excluded_count == HAK_LEAK_EXCLUDED)
        scan->partial |= HAK_PARTIAL_MEMORY;
    else
        scan->excluded[scan->excluded_count++] = (struct hak_leak_range){start, end};
}

/* True when the area begins where a stack does: behind a guard, or the kernel's own. Else something
 * of the program may lie below the stack in the same area. */
static bool begins_a_stack(const struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (area->is_stack)
        return true;
    const struct hak_leak_area *before = area - 1;
    return area > scan->areas && before->end == area->start && !before->readable;
}

/* The dead part of a live stack. A thread that is on another stack (a signal's, a coroutine's) has
 * live frames on its own one that nobody knows the bounds of. */
static void exclude_below(struct hak_leak_scan *scan, uintptr_t sp, uintptr_t own_sp) {
    const struct hak_leak_area *area = hak_leak_area_of(scan, sp);
    if (!area || sp < area->start)
        return;
    if (begins_a_stack(scan, area))
        exclude(scan, area->start, sp);
    else
        exclude(scan, own_sp > area->start ? own_sp : area->start, sp);
}

/* hakmem's own part of a thread's memory. */
static void exclude_own_tls(struct hak_leak_scan *scan, uintptr_t tp) {
    if (tp && hak_leak_own.tls_bytes)
        exclude(scan, tp - hak_leak_own.tls_offset,
                tp - hak_leak_own.tls_offset + hak_leak_own.tls_bytes);
}

static bool is_alive(const struct hak_leak_scan *scan, uintptr_t tp) {
    if (tp == scan->tp)
        return true;
    for (size_t i = 0; i < scan->thread_count; i++)
        if (scan->threads[i].tp == tp ||
            (!scan->threads[i].is_stopped && !scan->threads[i].is_gone))
            return true; /* one that was not stopped may be any */
    return false;
}

/* Of ended threads, whose stacks glibc keeps for the next ones. */
static void exclude_dead_stacks(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    const uintptr_t *own = (const uintptr_t *)scan->tp;
    for (uintptr_t at = (start + PTHREAD_ALIGNMENT - 1) & ~(uintptr_t)(PTHREAD_ALIGNMENT - 1);
         at + TCB_WORDS * sizeof(uintptr_t) <= end; at += PTHREAD_ALIGNMENT) {
        const uintptr_t *tcb = (const uintptr_t *)at;
        if (HAK_LIKELY(tcb[TCB_SELF] != at) || tcb[TCB_SELF_AGAIN] != at ||
            tcb[TCB_STACK_GUARD] != own[TCB_STACK_GUARD] ||
            tcb[TCB_POINTER_GUARD] != own[TCB_POINTER_GUARD] || is_alive(scan, at))
            continue;
        const struct hak_leak_area *area = hak_leak_area_of(scan, at);
        if (!area || !begins_a_stack(scan, area))
            continue;
        exclude(scan, area->start, at + PTHREAD_BYTES);
        hak_leak_mark_word(scan, tcb[TCB_DTV]); /* kept with the stack */
    }
}

typedef void visit_function(struct hak_leak_scan *, uintptr_t, uintptr_t);

/* The parts of an area that are not hakmem's. */
static void each_foreign(struct hak_leak_scan *scan, const struct hak_leak_area *area,
                         visit_function *visit) {
    enum hak_leak_pages which = !area->has_file    ? HAK_PAGES_OF_MEMORY
                                : area->is_private ? HAK_PAGES_CHANGED
                                                   : HAK_PAGES_OF_FILE;
    for (uintptr_t at = area->start; at < area->end;) {
        uintptr_t from = hak_own_next(at, area->end, false);
        uintptr_t to = hak_own_next(from, area->end, true);
        if (from < to)
            hak_leak_each_touched(scan, (struct hak_leak_range){from, to}, which, visit);
        at = to;
    }
}

/* Pages as the file has them hold no pointer into the heap; those that were written over and are
 * read-only now (RELRO) may. Without the file of the pages all that is writable counts. */
static bool may_hold_pointers(const struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (!area->readable || area->is_special)
        return false;
    return area->writable || (area->is_private && scan->pages_file >= 0);
}

static void mark_unless_excluded(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    size_t low = 0, high = scan->excluded_count;
    while (low < high) { /* they may overlap: back to the first that can matter */
        size_t middle = (low + high) / 2;
        if (scan->excluded[middle].start < end)
            low = middle + 1;
        else
            high = middle;
    }
    uintptr_t at = start;
    for (size_t i = 0; i < low && at < end; i++) {
        const struct hak_leak_range *left_out = &scan->excluded[i];
        if (left_out->end <= at)
            continue;
        if (left_out->start > at)
            hak_leak_mark_words(scan, at, left_out->start);
        at = left_out->end;
    }
    if (at < end)
        hak_leak_mark_words(scan, at, end);
}

static void each_root(struct hak_leak_scan *scan, visit_function *visit) {
    for (size_t i = 0; i < scan->area_count; i++) {
        const struct hak_leak_area *area = &scan->areas[i];
        if (may_hold_pointers(scan, area))
            each_foreign(scan, area, visit);
    }
}

/* A variable of the thread with the pointer `tp`, where this thread has `own`; NULL = not known.
 * The helper has the calling thread's TLS: where the variable lies in it is where it lies in that
 * of each thread. One without such a TLS (by clone, with a pointer of its own) has no guards
 * either. */
static const uintptr_t *find_in_thread(const struct hak_leak_scan *scan, uintptr_t tp,
                                       const void *own) {
    uintptr_t at = (uintptr_t)own - scan->tp + tp;
    const uintptr_t *own_tcb = (const uintptr_t *)scan->tp, *tcb = (const uintptr_t *)tp;
    const struct hak_leak_area *area = hak_leak_area_of(scan, at);
    if (!area || at < area->start || !area->readable ||
        tp + TCB_WORDS * sizeof(uintptr_t) > area->end || tcb[TCB_SELF] != tp ||
        tcb[TCB_STACK_GUARD] != own_tcb[TCB_STACK_GUARD])
        return NULL;
    return (const uintptr_t *)at;
}

/* A stack that lies in a block, or in memory of hakmem (its alternate stacks). */
static void mark_odd_stack(struct hak_leak_scan *scan, uintptr_t sp, uintptr_t tp) {
    enum { BYTES_MAX = 64 << 10 };
    const uintptr_t *lent = find_in_thread(scan, tp, &hak_thread_lent_stack);
    if (hak_own_next(sp, sp + 1, true) != sp)
        return;
    if (lent && sp - *lent < HAK_LENT_STACK_BYTES) {
        hak_leak_mark_words(scan, sp, *lent + HAK_LENT_STACK_BYTES);
        return;
    }
    hak_leak_mark_word(scan, sp);
    if (sp - scan->index.low >= scan->index.span)
        hak_leak_mark_words(scan, sp, hak_own_next(sp, sp + BYTES_MAX, false));
}

static void mark_signal_stack(struct hak_leak_scan *scan, uintptr_t tp) {
    const uintptr_t *stack = find_in_thread(scan, tp, &hak_thread_program_stack);
    if (stack)
        hak_leak_mark_word(scan, *stack);
}

static void mark_argument(void *scan, const void *argument) {
    hak_leak_mark_word(scan, (uintptr_t)argument);
}

/* A thread that was stopped inside malloc or free may have no more of the block than its base: the
 * program's pointer is made of it last. That is where it stands, or a few frames up. */
static void mark_in_hand(struct hak_leak_scan *scan, const struct hak_leak_thread *thread) {
    enum { IN_HAND_STACK_BYTES = 8 << 10 };
    const struct hak_leak_area *area = hak_leak_area_of(scan, thread->sp);
    if (thread->ip - hak_leak_own.module_start >=
        hak_leak_own.module_end - hak_leak_own.module_start)
        return;
    for (unsigned w = 0; w < thread->word_count; w++)
        hak_leak_mark_base(scan, thread->words[w]);
    if (!area || thread->sp < area->start || !area->readable)
        return;
    uintptr_t at = (thread->sp + 7) & ~(uintptr_t)7, end = at + IN_HAND_STACK_BYTES;
    for (end = end < area->end ? end : area->end; at + sizeof(uintptr_t) <= end; at += sizeof at)
        hak_leak_mark_base(scan, *(const uintptr_t *)at);
}

void hak_leak_mark_roots(struct hak_leak_scan *scan) {
    exclude_below(scan, scan->sp, scan->own_sp);
    exclude_own_tls(scan, scan->tp);
    exclude(scan, hak_leak_own.module_start, hak_leak_own.module_end);
    for (size_t i = 0; i < scan->thread_count; i++) {
        const struct hak_leak_thread *thread = &scan->threads[i];
        if (!thread->is_stopped)
            continue;
        exclude_below(scan, thread->sp - HAK_LEAK_RED_ZONE, thread->sp - HAK_LEAK_RED_ZONE);
        exclude_own_tls(scan, thread->tp);
    }
    each_root(scan, exclude_dead_stacks);
    hak_leak_sort(scan->excluded, sizeof *scan->excluded, scan->excluded_count);
    each_root(scan, mark_unless_excluded);
    hak_thread_each_argument(mark_argument, scan);
    mark_odd_stack(scan, scan->sp, scan->tp);
    mark_signal_stack(scan, scan->tp);
    for (size_t i = 0; i < scan->thread_count; i++)
        if (scan->threads[i].is_stopped) {
            mark_odd_stack(scan, scan->threads[i].sp, scan->threads[i].tp);
            mark_signal_stack(scan, scan->threads[i].tp);
        }
    for (unsigned i = 0; i < HAK_REGISTERS; i++)
        if (scan->registers_known >> i & 1)
            hak_leak_mark_word(scan, scan->registers[i]);
    for (size_t i = 0; i < scan->thread_count; i++) {
        for (unsigned w = 0; w < scan->threads[i].word_count; w++)
            hak_leak_mark_word(scan, scan->threads[i].words[w]);
        mark_in_hand(scan, &scan->threads[i]);
    }
}
