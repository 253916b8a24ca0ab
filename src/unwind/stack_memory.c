/* Finds the part of a thread's stack that can be read without asking the kernel each time. */
#include "unwind/stack_memory.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "platform/tags.h"

/* ld.so's: the stack pointer with which the process started. Public since glibc 2.2.5. */
extern void *__libc_stack_end;

_Thread_local struct hak_stack_bounds hak_stack_bounds __attribute__((tls_model("initial-exec")));

enum { PAGES_ASKED_AT_ONCE = 2048, FIRST_THREAD = 1, OTHER_THREAD = 2 };

/* glibc puts a thread's control block, to which the thread pointer points, at the top of its stack,
 * also of a stack that the program supplies. The first thread's lies elsewhere. */
/* One past the last byte of the stack on which the calling thread was started; 0 when unknown. */
static uintptr_t top_of_stack(struct hak_stack_bounds *bounds) {
    if (bounds->kind == 0) {
        long process = hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
        long thread = hak_raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
        bounds->kind = process == thread ? FIRST_THREAD : OTHER_THREAD;
    }
    return bounds->kind == FIRST_THREAD ? (uintptr_t)__libc_stack_end : hak_thread_pointer();
}

/* Asks the kernel about the pages from `from` up to `to`. Returns the first that cannot be read, or
 * where it stopped asking; `to` when all can be read. */
static uintptr_t first_unreadable(uintptr_t from, uintptr_t to) {
    for (unsigned asked = 0; from < to && asked < PAGES_ASKED_AT_ONCE;
         from += HAK_PAGE_BYTES, asked++)
        if (!hak_raw_readable(from))
            return from;
    return from < to ? from : to;
}

/* The slow half of hak_stack_memory_begin: `stack_pointer` is not in the part known so far. Either
 * the stack has grown, and the part known grows with it, or this is another stack. */
void hak_stack_memory_find(struct hak_stack_memory *memory, uintptr_t stack_pointer) {
    struct hak_stack_bounds *bounds = &hak_stack_bounds;
    memory->low = memory->span = 0;
    if (stack_pointer - bounds->foreign_low < bounds->foreign_high - bounds->foreign_low)
        return;
    uintptr_t page = hak_page_of(stack_pointer);
    uintptr_t top = bounds->high ? bounds->high : top_of_stack(bounds);
    uintptr_t known_from = bounds->high ? bounds->low : hak_page_of(top - 1) + HAK_PAGE_BYTES;
    uintptr_t readable_to = page + HAK_PAGE_BYTES;
    if (stack_pointer < top)
        readable_to = first_unreadable(page, known_from);
    if (stack_pointer >= top || readable_to < known_from) {
        bounds->foreign_low = page;
        bounds->foreign_high = readable_to;
        return;
    }
    bounds->low = page;
    bounds->high = top;
    memory->low = page;
    memory->span = top - page;
}

/* The slow half of hak_stack_read: may the word at `address` (aligned) be read? */
bool hak_stack_memory_ask(struct hak_stack_memory *memory, uintptr_t address) {
    uintptr_t page = hak_page_of(address);
    if (page == memory->page)
        return true;
    uintptr_t plain = (uintptr_t)hak_untagged((const void *)address); /* a stack in a block */
    if (plain < HAK_PAGE_BYTES || plain >> HAK_ADDRESS_BITS != 0 || !hak_raw_readable(plain))
        return false;
    memory->page = page;
    return true;
}
