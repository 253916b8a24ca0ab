/* Gives each thread an alternate signal stack, and hides it from the program: sigaltstack is
 * interposed and reads back what the program itself has set. */
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "newer.h"
#include "trace/memory/memory.h"
#include "trace/threads/threads.h"
#include "platform/block_signals.h"
#include "platform/readable.h"
#include "platform/tags.h"
#include "platform/thread_key.h"

#define GUARD_BYTES HAK_PAGE_BYTES
#define STACK_BYTES (HAK_LENT_STACK_BYTES - GUARD_BYTES)
enum {
    POOLED = 64,
    /* A stack with a guard page is two mappings, of which the kernel allows 65,530 in all. */
    GUARDED = 1024,
    AT_ONCE = 16,
};

_Thread_local char *hak_thread_lent_stack __attribute__((tls_model("initial-exec")));

static _Thread_local struct {
    int flags_shown; /* the program's flags beside SS_DISABLE */
    uint8_t rounds;  /* of destructors, at the thread's end */
    bool is_over;    /* the thread has given its stack back for good */
} own __attribute__((tls_model("initial-exec")));

_Thread_local const void *hak_thread_program_stack __attribute__((tls_model("initial-exec")));
void (*hak_thread_stack_is_set)(const void *stack);

static _Atomic(char *) pool[POOLED];
static _Atomic uint32_t mapped;
static struct hak_thread_key key;

/* Keeps a signal stack for the next thread, or unmaps it. */
static void put_into_pool(char *stack) {
    for (int i = 0; i < POOLED; i++) {
        char *empty = NULL;
        if (atomic_compare_exchange_strong(&pool[i], &empty, stack))
            return;
    }
    atomic_fetch_sub(&mapped, 1);
    hak_raw_unmap(stack, HAK_LENT_STACK_BYTES);
}

/* Maps signal stacks and returns one: with a guard page each while there are few; then several at
 * once without, the others go into the pool. NULL: no memory. */
static char *map_stacks(void) {
    bool is_guarded = atomic_load(&mapped) < GUARDED;
    int count = is_guarded ? 1 : AT_ONCE;
    char *stacks = hak_raw_map_joined((size_t)count * HAK_LENT_STACK_BYTES);
    if (!stacks)
        return NULL;
    atomic_fetch_add(&mapped, (uint32_t)count);
    if (is_guarded)
        (void)hak_raw_call(SYS_mprotect, stacks, GUARD_BYTES, PROT_NONE);
    for (int i = 1; i < count; i++)
        put_into_pool(stacks + (size_t)i * HAK_LENT_STACK_BYTES);
    return stacks;
}

/* A kept signal stack, or new ones; NULL without memory. */
static char *take_from_pool(void) {
    for (int i = 0; i < POOLED; i++) {
        char *stack = atomic_load_explicit(&pool[i], memory_order_relaxed);
        if (stack && atomic_compare_exchange_strong(&pool[i], &stack, NULL))
            return stack;
    }
    return map_stacks();
}

static long ask_kernel(const stack_t *wanted, stack_t *before) {
    return hak_raw_call(SYS_sigaltstack, wanted, before);
}

static bool is_ours(const stack_t *stack) {
    return hak_thread_lent_stack && stack->ss_sp == hak_thread_lent_stack + GUARD_BYTES;
}

/* Gives the stack back in the last round of the key's destructors, after those of the program. */
static void end_of_thread(void *unused) {
    enum { LAST_ROUND = 3 };
    if (++own.rounds >= LAST_ROUND || !hak_thread_key_set(&key, unused))
        hak_thread_give_stack_back();
}

__attribute__((constructor(102))) static void make_key(void) {
    (void)hak_thread_key_make(&key, end_of_thread);
}

static void hear_of_end(void) {
    if (hak_thread_lent_stack)
        (void)hak_thread_key_set(&key, &own);
}

/* Makes a stack of ours the thread's, if one can be had; nothing at the thread's end or in a child
 * of vfork. */
static void put_in_place(void) {
    if (own.is_over || hak_vfork_children)
        return;
    char *stack = hak_thread_lent_stack ? hak_thread_lent_stack : take_from_pool();
    if (!stack)
        return;
    stack_t wanted = {.ss_sp = stack + GUARD_BYTES, .ss_size = STACK_BYTES};
    hak_thread_lent_stack = stack;
    if (ask_kernel(&wanted, NULL) != 0) {
        hak_thread_lent_stack = NULL;
        put_into_pool(stack);
    }
}

static bool is_begun, is_barred;

static bool is_wanted(void) {
    return (hak_current.session || is_begun) && !is_barred;
}

void hak_thread_bar_stacks(void) {
    is_barred = true;
}

void hak_thread_begin_stacks(void) {
    is_begun = true;
    hak_thread_take_stack();
}

void hak_thread_take_stack(void) {
    stack_t now = {0};
    uint64_t signals;
    if (hak_thread_lent_stack || !is_wanted() || ask_kernel(NULL, &now) != 0 ||
        !(now.ss_flags & SS_DISABLE))
        return;
    hak_block_signals(&signals);
    own.flags_shown = now.ss_flags & (int)SS_AUTODISARM; /* exec leaves that of before */
    put_in_place();
    hak_restore_signals(&signals);
    hear_of_end();
}

void hak_thread_give_stack_back(void) {
    stack_t now = {0}, none = {.ss_flags = SS_DISABLE};
    char *stack = hak_thread_lent_stack;
    own.is_over = true;
    if (!stack || ask_kernel(NULL, &now) != 0 || (now.ss_flags & SS_ONSTACK))
        return;
    hak_thread_lent_stack = NULL;
    if (now.ss_sp == stack + GUARD_BYTES)
        (void)ask_kernel(&none, NULL);
    put_into_pool(stack);
}

void hak_thread_leave_stack(const char *start, size_t bytes) {
    stack_t none = {.ss_flags = SS_DISABLE};
    uint64_t signals;
    if ((uintptr_t)hak_thread_program_stack - (uintptr_t)start >= bytes)
        return;
    hak_block_signals(&signals);
    if (ask_kernel(&none, NULL) == 0) {
        hak_thread_program_stack = NULL;
        own.flags_shown = 0;
        if (hak_thread_lent_stack)
            put_in_place();
    }
    hak_restore_signals(&signals);
}

/* Notes the stack that the program has set; NULL = it took its own away. */
static void note_program_stack(const void *stack) {
    stack = hak_untagged(stack); /* it may be a block */
    hak_thread_program_stack = stack;
    if (stack && hak_thread_stack_is_set)
        hak_thread_stack_is_set(stack);
}

/* Sets the program's stack as libc does, where threads get none from here. */
static long set_alone(const stack_t *wanted, stack_t *before) {
    stack_t now = {.ss_flags = SS_DISABLE};
    long result = ask_kernel(wanted, before);
    if (result == 0 && wanted && ask_kernel(NULL, &now) == 0)
        note_program_stack(now.ss_flags & SS_DISABLE ? NULL : now.ss_sp);
    return result;
}

/* The flags of `stack` when it is to be SS_DISABLE; else -1. */
static int disabling_flags(const stack_t *stack) {
    int flags = stack->ss_flags;
    return (flags & ~(int)SS_AUTODISARM) == SS_DISABLE ? flags : -1;
}

/* The program's sigaltstack: does as libc's, but a stack of ours reads as none, and takes the place
 * of one that is taken away. Bad pointers are left to the kernel to find. 0, or -1 with errno. */
HAK_EXPORT int sigaltstack(const stack_t *wanted, stack_t *before) {
    uint64_t signals;
    if (!is_wanted())
        return (int)hak_libc_result(set_alone(wanted, before));
    stack_t asked = {0}; /* `before` may be the same */
    struct hak_readable known = HAK_READABLE_STACK;
    int flags =
        hak_copy_readable(&known, &asked, wanted, sizeof asked) ? disabling_flags(&asked) : -1;
    hak_block_signals(&signals); /* behind the copy, which SIGSEGV may stop */
    int flags_shown = own.flags_shown;
    long result = ask_kernel(wanted, before);
    if (result == 0 && before && is_ours(before))
        *before = (stack_t){.ss_flags = SS_DISABLE | flags_shown};
    if (result == 0 && wanted) {
        note_program_stack(flags < 0 ? asked.ss_sp : NULL);
        own.flags_shown = flags < 0 ? 0 : flags & (int)SS_AUTODISARM;
        if (flags >= 0)
            put_in_place();
    }
    hak_restore_signals(&signals);
    hear_of_end();
    return (int)hak_libc_result(result);
}
