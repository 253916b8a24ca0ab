/* The checked program's memory as a value: which pages were ever written, copies of them, a hash.
 *
 *   page --- address: the memory itself
 *        --- now ----+--> copy: bytes, hash     states share the copies of pages that did not
 *   snapshot[page] --+                          change from one to the other */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "engine.h"

struct snapshot {
    struct now now;
    struct hak_thread in_place;
    unsigned current;
    unsigned page_count;
    unsigned cell_count;
    struct sync syncs[SYNCS_MAX];
    struct copy *pages[PAGES_MAX];
    size_t capacity;
    char bytes[]; /* the live part of each stack, then cells */
};

enum { COPIES_AT_ONCE = 64 };

/* Has one user. A fault handler may call it. */
static struct copy *take_copy(void) {
    if (!model->free_copies) {
        struct copy *more = mmap(NULL, COPIES_AT_ONCE * sizeof *more, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (more == MAP_FAILED)
            _exit(2);
        for (unsigned i = 0; i < COPIES_AT_ONCE; i++) {
            more[i].next = model->free_copies;
            model->free_copies = &more[i];
        }
    }
    struct copy *copy = model->free_copies;
    model->free_copies = copy->next;
    copy->users = 1;
    return copy;
}

static struct copy *use(struct copy *copy) {
    copy->users++;
    return copy;
}

static void drop(struct copy *copy) {
    if (--copy->users > 0)
        return;
    copy->next = model->free_copies;
    model->free_copies = copy;
}

/* Pages are read-only until they are first written. */
static void on_fault(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    char *page = (char *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
    bool is_data = page >= model->data_start && page < model->data_end;
    bool is_span = page >= SPAN_START && page < SPAN_START + SPAN_BYTES;
    if ((!is_data && !is_span) || model->page_count == PAGES_MAX) {
        signal(signal_number, SIG_DFL);
        return;
    }
    struct page *entry = &model->pages[model->page_count++];
    entry->address = page;
    entry->before = take_copy();
    memcpy(entry->before->bytes, page, PAGE);
    entry->before->hash = (struct hash){0, 0};
    entry->now = use(entry->before);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

void memory_start(void) {
    extern char __data_start[], _end[];
    model->data_start = (char *)((uintptr_t)__data_start & ~(uintptr_t)(PAGE - 1));
    model->data_end = (char *)(((uintptr_t)_end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
    void *span = mmap(SPAN_START, SPAN_BYTES, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (span != SPAN_START) {
        perror("mmap");
        exit(2);
    }
    stack_t alternate = {.ss_size = 64 << 10, .ss_sp = malloc(64 << 10)};
    sigaltstack(&alternate, NULL);
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    action.sa_sigaction = on_fault;
    sigaction(SIGSEGV, &action, NULL);
    mprotect(model->data_start, (size_t)(model->data_end - model->data_start), PROT_READ);
}

static char *stack_top(unsigned thread) {
    return model->stacks + (thread + 1) * (size_t)STACK_BYTES;
}

static size_t live_stack(unsigned thread, const struct now *now) {
    return (size_t)(stack_top(thread) - (char *)now->threads[thread].stack_pointer);
}

static void put_copy(struct copy **place, struct copy *copy) {
    struct copy *old = *place;
    *place = use(copy);
    if (old)
        drop(old);
}

/* The memory's hash has just been made. */
void memory_save(struct snapshot **place) {
    struct snapshot *s = *place;
    size_t needed = 0;
    for (unsigned t = 0; t < THREADS_MAX; t++)
        needed += live_stack(t, &model->now);
    needed += model->cell_count * sizeof *model->cells;
    if (!s || s->capacity < needed) {
        s = realloc(s, sizeof *s + needed + 16 * PAGE);
        if (!s)
            exit(2);
        if (!*place)
            memset(s->pages, 0, sizeof s->pages);
        s->capacity = needed + 16 * PAGE;
        *place = s;
    }
    s->now = model->now;
    s->in_place = hak_thread;
    s->current = model->current;
    s->page_count = model->page_count;
    for (unsigned i = 0; i < s->page_count; i++)
        put_copy(&s->pages[i], model->pages[i].now);
    char *to = s->bytes;
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        size_t bytes = live_stack(t, &model->now);
        memcpy(to, model->now.threads[t].stack_pointer, bytes);
        to += bytes;
    }
    s->cell_count = model->cell_count;
    memcpy(to, model->cells, s->cell_count * sizeof *model->cells);
    memcpy(s->syncs, model->syncs, sizeof s->syncs);
}

void memory_restore(const struct snapshot *s) {
    model->now = s->now;
    hak_thread = s->in_place;
    model->current = s->current;
    for (unsigned i = 0; i < model->page_count; i++) {
        struct page *page = &model->pages[i];
        struct copy *copy = i < s->page_count ? s->pages[i] : page->before;
        if (model->is_hashed && page->now == copy)
            continue;
        memcpy(page->address, copy->bytes, PAGE);
        put_copy(&page->now, copy);
    }
    model->is_hashed = true;
    const char *from = s->bytes;
    for (unsigned t = 0; t < THREADS_MAX; t++) {
        size_t bytes = live_stack(t, &model->now);
        memcpy(model->now.threads[t].stack_pointer, from, bytes);
        from += bytes;
    }
    memcpy(model->cells, from, s->cell_count * sizeof *model->cells);
    memset(model->cells + s->cell_count, 0,
           (model->cell_count - s->cell_count) * sizeof *model->cells);
    memcpy(model->syncs, s->syncs, sizeof s->syncs);
}

void memory_zero(void *start, size_t bytes) {
    for (unsigned i = 0; i < model->page_count; i++) {
        char *page = model->pages[i].address;
        if (page >= (char *)start && page < (char *)start + bytes)
            memset(page, 0, PAGE);
    }
}

/* ---- hash ------------------------------------------------------------------------------------ */

/* Two lanes of multiply and mix; collisions of 128 bits are not to be feared here. */
static void mix(struct hash *h, const void *start, size_t bytes) {
    const uint64_t *words = start;
    uint64_t low = h->low, high = h->high;
    for (size_t i = 0; i < bytes / 8; i++) {
        low = (low ^ words[i]) * 0x9fb21c651e98df25u;
        low ^= low >> 29;
        high = (high + words[i]) * 0xd6e8feb86659fd93u;
        high ^= high >> 32;
    }
    h->low = low;
    h->high = high;
}

/* A page that is as it was before all counts nothing, so that a state has one hash whenever its
 * pages became known. */
static void add_page(struct hash *sum, struct page *page) {
    if (memcmp(page->address, page->now->bytes, PAGE) != 0) {
        drop(page->now);
        if (memcmp(page->address, page->before->bytes, PAGE) == 0) {
            page->now = use(page->before);
        } else {
            page->now = take_copy();
            memcpy(page->now->bytes, page->address, PAGE);
            page->now->hash = (struct hash){(uintptr_t)page->address, 1};
            mix(&page->now->hash, page->address, PAGE);
        }
    }
    sum->low += page->now->hash.low;
    sum->high += page->now->hash.high;
}

struct hash memory_hash(void) {
    struct hash sum = {1, 2};
    for (unsigned i = 0; i < model->page_count; i++)
        add_page(&sum, &model->pages[i]);
    model->is_hashed = true;
    for (unsigned t = 0; t < model->scenario->threads; t++) {
        const struct model_thread *thread = &model->now.threads[t];
        uint64_t words[4] = {(uintptr_t)thread->stack_pointer, thread->status, thread->store_count,
                             0};
        for (unsigned u = 0; u < THREADS_MAX; u++) /* who sleeps longer is what counts */
            words[3] += thread->status == THREAD_ASLEEP &&
                        model->now.threads[u].status == THREAD_ASLEEP &&
                        model->now.threads[u].asleep_since < thread->asleep_since;
        mix(&sum, words, sizeof words);
        for (unsigned i = 0; i < thread->store_count; i++) {
            uint64_t store[2] = {(uintptr_t)thread->stores[i].address, thread->stores[i].value};
            mix(&sum, store, sizeof store);
        }
        mix(&sum, t == model->current ? &hak_thread : &thread->hak,
            sizeof(struct hak_thread) & ~7u);
        mix(&sum, thread->stack_pointer, live_stack(t, &model->now) & ~(size_t)7);
    }
    return sum;
}
