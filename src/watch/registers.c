/* Chooses the way to the debug registers: perf_event_open, or a tracer where that is barred; for a
 * moment, or the newest blocks, and one thread perf_event_open alone. */
#include "platform/raw_call.h"
#include "watch/registers.h"
#include HAK_ARCH_FILE(traced.h)

static enum { UNDECIDED, PERF, TRACED, BRIEF, NEWEST } way;
static _Atomic uint32_t holder;

bool hak_watch_try(void) {
    uint32_t free = 0;
    return atomic_compare_exchange_strong(&holder, &free, 1);
}

void hak_watch_done(void) {
    atomic_store(&holder, 0);
}

bool hak_watch_is_possible(void) {
    return HAK_HAS_DEBUG_REGISTERS;
}

bool hak_watch_start(void) {
    if (way == UNDECIDED)
        way = hak_perf_is_there() ? PERF : TRACED;
    return way == TRACED;
}

void hak_watch_start_briefly(void) {
    way = BRIEF;
}

void hak_watch_start_newest(void) {
    way = NEWEST;
}

unsigned hak_watch_open(unsigned wanted) {
    if (way == BRIEF)
        return hak_brief_open(wanted);
    if (way == NEWEST)
        return hak_newest_open(wanted);
    return hak_watch_start() ? hak_traced_open(wanted) : hak_perf_open(wanted);
}

int hak_watch_refusal(void) {
    if (way == BRIEF)
        return hak_brief_refusal();
    if (way == NEWEST)
        return hak_newest_refusal();
    return way == TRACED ? hak_traced_refusal() : hak_perf_refusal();
}

bool hak_watch_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag) {
    if (way == BRIEF)
        return hak_brief_set(index, address, bytes, tag);
    if (way == NEWEST)
        return hak_newest_move(index, address, bytes, tag);
    return way == TRACED ? hak_traced_set(index, address, bytes, tag)
                         : hak_perf_set(index, address, bytes, tag);
}

void hak_watch_clear(unsigned index) {
    if (way == TRACED)
        hak_traced_clear(index);
    else if (way == BRIEF)
        hak_brief_clear(index);
    else if (way == NEWEST)
        hak_newest_clear(index);
    else
        hak_perf_clear(index);
}

void hak_watch_resume(unsigned index) {
    hak_newest_resume(index);
}

void hak_watch_close(void) {
    hak_newest_close();
}

bool hak_watch_is_callers(void) {
    return hak_newest_is_callers();
}

bool hak_watch_stood(unsigned index, uint64_t *ns) {
    return way == NEWEST ? hak_newest_stood(ns) : way == BRIEF && hak_brief_stood(index, ns);
}

void hak_watch_end(enum hak_unwatched why) {
    if (way == TRACED)
        hak_traced_end(why);
    else if (way == BRIEF)
        hak_brief_end((int)why);
    else if (way == NEWEST)
        hak_newest_end((int)why);
    else
        hak_perf_end(why);
}

void hak_watch_fork_child(void) {
    if (way == PERF) /* a tracer's are not inherited */
        hak_perf_fork_child();
    else if (way == BRIEF)
        hak_brief_fork_child();
    else if (way == NEWEST)
        hak_newest_fork_child();
    atomic_store(&holder, 0); /* whoever held them is not here */
}

bool hak_watch_hit_of(const void *siginfo, struct hak_watch_hit *hit) {
    return way == TRACED ? hak_traced_hit_of(siginfo, hit) : hak_perf_hit_of(siginfo, hit);
}

uint64_t hak_watch_tracer_ns(void) {
    return hak_traced_tracer_ns();
}

uint64_t hak_watch_tag(unsigned index) {
    return hak_traced_tag(index);
}

unsigned hak_watch_ask(void) {
    return hak_traced_ask();
}

void hak_watch_settle(void) {
    hak_traced_settle();
}

void hak_watch_join(void) {
    if (way == TRACED)
        hak_traced_join();
}
