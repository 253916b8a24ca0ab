/* One step of one thread: coroutines, and what may happen next. */
#include <stdlib.h>
#include <string.h>
#include "search.h"

enum { DEAD_BYTES = 8192 }; /* more than a step takes */

/* ---- coroutines ------------------------------------------------------------------------------ */

/* Keeps the callee-saved registers on the stack that is left, so that the stack is all of a thread.
 */
void model_switch(void **left, void *entered);
__asm__(".text\n.globl model_switch\nmodel_switch:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\nmov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n");

static struct model_thread *current_thread(void) {
    return &model->now.threads[model->current];
}

static void to_scheduler(void) {
    model_switch(&current_thread()->stack_pointer, model->scheduler_stack_pointer);
}

void explore_point(struct op op) {
    current_thread()->next = op;
    to_scheduler();
}

static void thread_main(void) {
    model->scenario->run[model->current]();
    current_thread()->status = THREAD_DONE;
    to_scheduler();
    abort();
}

void step_put_in_place(unsigned thread) {
    if (model->current == thread)
        return;
    model->now.threads[model->current].hak = hak_thread;
    hak_thread = model->now.threads[thread].hak;
    model->current = thread;
}

void model_as(unsigned thread, void (*function)(void)) {
    step_put_in_place(thread);
    function();
}

void step_prepare(unsigned thread) {
    struct model_thread *t = &model->now.threads[thread];
    void **top = (void **)(void *)(model->stacks + (thread + 1) * (size_t)STACK_BYTES) - 3;
    memset(top - 7, 0, 10 * sizeof *top);
    top[-1] = (void *)thread_main; /* entered as by a call */
    t->stack_pointer = top - 7;
    t->status = THREAD_READY;
    t->next = (struct op){.kind = OP_BEGIN};
}

/* ---- which words are shared -------------------------------------------------------------------
 */

/* A word that no other thread touches, or that nobody writes, needs no choice before it is touched.
 * The search assumes which words these are, and begins again when it was wrong. */
bool explore_is_shared(const void *address, bool is_write) {
    size_t i = ((uintptr_t)address >> 1) % WORDS;
    while (search()->words[i].address && search()->words[i].address != address)
        i = (i + 1) % WORDS;
    struct word *word = &search()->words[i];
    word->address = address;
    word->threads |= (uint8_t)(1u << model->current);
    word->is_written |= is_write;
    bool is_shared = word->is_written && (word->threads & (word->threads - 1)) != 0;
    if (is_shared && !word->is_shared) {
        word->is_shared = true;
        search()->is_void = true;
    }
    return is_shared;
}

/* ---- choices: step 0..2, or let the oldest store of thread 0..2 reach memory ------------------
 */

bool step_is_enabled(unsigned choice) {
    const struct model_thread *t = &model->now.threads[choice % THREADS_MAX];
    if (choice % THREADS_MAX >= model->scenario->threads)
        return false;
    if (choice >= THREADS_MAX)
        return t->store_count > 0;
    if (t->status != THREAD_READY)
        return false;
    if (t->next.kind == OP_LOCK && ((struct hak_lock *)t->next.address)->holder != 0)
        return false;
    return t->next.kind == OP_BEGIN || t->next.kind == OP_LOAD || t->store_count == 0;
}

void explore_flush(struct model_thread *t) {
    const struct store *oldest = &t->stores[0];
    memcpy(oldest->address, &oldest->value, oldest->bytes);
    races_release(oldest->address, oldest->clocks, oldest->releases, false);
    t->store_count--;
    memmove(t->stores, t->stores + 1, t->store_count * sizeof *t->stores);
    memset(&t->stores[t->store_count], 0, sizeof *t->stores);
}

/* Other schedules left their values below the live stack. The padding of a struct would take them
 * into the state, and one state would count as several. */
static void clear_dead_stack(unsigned thread) {
    char *end = model->now.threads[thread].stack_pointer;
    size_t bytes = (size_t)(end - (model->stacks + thread * (size_t)STACK_BYTES));
    if (bytes > DEAD_BYTES)
        bytes = DEAD_BYTES;
    memset(end - bytes, 0, bytes);
}

struct label step_carry_out(unsigned choice) {
    struct model_thread *t = &model->now.threads[choice % THREADS_MAX];
    struct label label = {choice, t->next, 0};
    if (choice >= THREADS_MAX) {
        label.op = (struct op){.kind = OP_STORE, .address = t->stores[0].address};
        explore_flush(t);
    } else {
        step_put_in_place(choice);
        clear_dead_stack(choice);
        model->is_running = true;
        model_switch(&model->scheduler_stack_pointer, t->stack_pointer);
        model->is_running = false;
    }
    if (label.op.address && label.op.kind != OP_MAPPING)
        memcpy(&label.value, (void *)((uintptr_t)label.op.address & ~(uintptr_t)7), 8);
    return label;
}

bool step_all_done(void) {
    for (unsigned t = 0; t < model->scenario->threads; t++)
        if (model->now.threads[t].status != THREAD_DONE || model->now.threads[t].store_count > 0)
            return false;
    return true;
}
