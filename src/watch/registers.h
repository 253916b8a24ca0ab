/* The two ways to the debug registers, for registers.c alone. What each function does stands in
 * watch.h, with the same name behind hak_watch_. */
#ifndef HAK_WATCH_REGISTERS_H
#define HAK_WATCH_REGISTERS_H

#include "watch/watch.h"

/* perf.c */
HAK_HIDDEN bool hak_perf_is_there(void); /* perf_event_open gives one */
HAK_HIDDEN unsigned hak_perf_open(unsigned wanted);
HAK_HIDDEN int hak_perf_refusal(void);
HAK_HIDDEN bool hak_perf_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
HAK_HIDDEN void hak_perf_clear(unsigned index);
HAK_HIDDEN void hak_perf_end(enum hak_unwatched why);
HAK_HIDDEN void hak_perf_fork_child(void);
HAK_HIDDEN bool hak_perf_hit_of(const void *siginfo, struct hak_watch_hit *hit);

/* traced.c */
HAK_HIDDEN unsigned hak_traced_open(unsigned wanted);
HAK_HIDDEN int hak_traced_refusal(void);
HAK_HIDDEN bool hak_traced_set(unsigned index, uintptr_t address, unsigned bytes, uint64_t tag);
HAK_HIDDEN void hak_traced_clear(unsigned index);
HAK_HIDDEN void hak_traced_end(enum hak_unwatched why);
HAK_HIDDEN bool hak_traced_hit_of(const void *siginfo, struct hak_watch_hit *hit);
HAK_HIDDEN uint64_t hak_traced_tag(unsigned index);
HAK_HIDDEN unsigned hak_traced_ask(void);
HAK_HIDDEN void hak_traced_settle(void);
HAK_HIDDEN void hak_traced_join(void);

#endif
