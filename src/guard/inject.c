/* Makes hakmem's own faults on purpose: HAKMEM_INJECT=FAULT:N spoils the Nth push on a TLS SLL of
 * the process, counted from 1. This is the only file that makes them.
 *
 *   offset16       pushes base + 16 instead of base, the original's bug: at the first push from the
 *                  Nth on whose slot still holds that pointer and its link
 *   double-push    pushes the block twice
 *   wrong-class    pushes the block as one of the next smaller class (the first class: next larger)
 *   no-superslab   pushes a pointer to static memory */
#include "guard/guard.h"
#include "platform/line.h"

enum fault { NONE, OFFSET16, DOUBLE_PUSH, WRONG_CLASS, NO_SUPERSLAB };

static const char *const names[] = {
    [OFFSET16] = "offset16",
    [DOUBLE_PUSH] = "double-push",
    [WRONG_CLASS] = "wrong-class",
    [NO_SUPERSLAB] = "no-superslab",
};

enum { OFFSET_BYTES = 16, LINK_BYTES = 8 };

/* Set before the first thread; `pushes` and `is_done` by every thread that pushes. */
static struct {
    enum fault fault;
    uint64_t at_push;
    uint64_t pushes;
    bool is_done;
} plan;

static _Alignas(16) char foreign_memory[64];

/* Reads "NAME:N". Returns false when `text` is nothing of the kind. */
static bool read_plan(const char *text) {
    for (enum fault fault = OFFSET16; fault <= NO_SUPERSLAB; fault++) {
        size_t length = __builtin_strlen(names[fault]);
        if (__builtin_strncmp(text, names[fault], length) != 0 || text[length] != ':')
            continue;
        uint64_t n = 0;
        const char *digit = text + length + 1;
        for (; *digit >= '0' && *digit <= '9' && n < UINT64_MAX / 16; digit++)
            n = n * 10 + (uint64_t)(*digit - '0');
        if (*digit != '\0' || n == 0)
            return false;
        plan.fault = fault;
        plan.at_push = n;
        return true;
    }
    return false;
}

/* Says on stderr that HAKMEM_INJECT is wrong, and what is expected. */
static HAK_COLD void print_bad_injection(const char *value) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: HAKMEM_INJECT=");
    hak_line_add_name(&line, value);
    hak_line_add(&line, ": expected offset16:N, double-push:N, wrong-class:N or no-superslab:N "
                        "with N from 1; nothing is injected");
    hak_line_end(&line);
}

void hak_inject_start(void) {
    if (hak_options.inject[0] != '\0' && !read_plan(hak_options.inject))
        print_bad_injection(hak_options.inject);
}

/* Counts the pushes; true for the one that the plan's fault is to spoil, once. */
static bool is_the_push(base_t block, unsigned class_index) {
    uint64_t push = __atomic_add_fetch(&plan.pushes, 1, __ATOMIC_RELAXED);
    if (push < plan.at_push || __atomic_load_n(&plan.is_done, __ATOMIC_RELAXED))
        return false;
    if (plan.fault == OFFSET16) {
        char *link = (char *)hak_check_link_of(base_from(block.p + OFFSET_BYTES));
        if (link + LINK_BYTES > block.p + hak_class_bytes(class_index))
            return false;
    }
    return !__atomic_exchange_n(&plan.is_done, true, __ATOMIC_RELAXED);
}

/* Falsifies the push that HAKMEM_INJECT counts to: its block or class. True: push it twice. */
bool hak_check_inject_push(base_t *block, unsigned *class_index) {
    if (HAK_LIKELY(plan.fault == NONE) || !is_the_push(*block, *class_index))
        return false;
    if (plan.fault == OFFSET16)
        block->p += OFFSET_BYTES;
    else if (plan.fault == WRONG_CLASS)
        *class_index = *class_index == 0 ? 1 : *class_index - 1;
    else if (plan.fault == NO_SUPERSLAB)
        block->p = foreign_memory;
    return plan.fault == DOUBLE_PUSH;
}
