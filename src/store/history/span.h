/* Adds up the blocks live at a moment, and those that came and went in a span, by process and
 * allocation stack, and finds the peak: from the stored profile (heap.h) where it has the answer,
 * else from the events (flow.h). For callers that accept either. */
#ifndef HAK_STORE_HISTORY_SPAN_H
#define HAK_STORE_HISTORY_SPAN_H

#include "store/history/flow.h"

struct hak_span_query {
    uint64_t from, to;   /* events: what is behind `from`, up to `to`; 0 = the begin, the end */
    uint32_t process;    /* row id, 0 = all */
    bool is_only_moment; /* nothing but `live` is wanted: what came before need not be read */
};

/* Calls `each` for every row: of a process and stack there may be several, which add up. `at_peak`
 * and `left` of rows are not filled in. `unknown`: blocks given back in the span whose birth is not
 * known. 0, or an error: also where only the profile is kept and it has no answer. */
int hak_span_read(struct hak_store_reader *r, const struct hak_span_query *query,
                  void (*each)(void *context, const struct hak_flow_row *row), void *context,
                  uint64_t *unknown);

/* The rows of the peak of all processes, of a capture that keeps only the profile: `live` alone. 1;
 * 0: nothing ever came; or an error. */
int hak_span_read_kept_peak(struct hak_store_reader *r,
                            void (*each)(void *context, const struct hak_flow_row *row),
                            void *context, uint64_t *event, uint64_t *ns);

/* The first event behind which most bytes were held, by a process (row id) or by all (0), and its
 * time, which is 0 where only the profile is kept: there hak_heap_nearest has the moment that can
 * be asked. 1; 0: nothing ever came; or an error. */
int hak_span_find_peak(struct hak_store_reader *r, uint32_t process, uint64_t *event, uint64_t *ns);

/* The last event before the first one that is later than `ns`; 0 = before the first that is kept.
 * Where only the profile is kept the end of a run that is nearest. 1; 0: none is later, the moment
 * is the end; or an error. */
int hak_span_find_event(struct hak_store_reader *r, uint64_t ns, uint64_t *event);

#endif
