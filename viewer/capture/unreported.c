/* Counts the faults of a capture that have an event and no report. */
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include "base/growing.h"
#include "fault_codes.h"
#include "hop.h"

#define NO_MEMORY      1
#define ASKED_AGAIN_NS 30000000000 /* after a fault a program asks another collector, at most */

/* A FAULT event; of a row of `fault` its event, and its code as size. */
struct fault {
    uint64_t id, ns, address, size;
    uint32_t process, thread, stack;
    bool is_reported; /* of a row: its event is found */
};

struct faults {
    struct fault *list;
    uint32_t count, capacity;
};

/* False without memory. */
static bool append(struct faults *to, const struct fault *one) {
    if (!hak_growing_make_room(&to->list, to->count, &to->capacity, sizeof *to->list))
        return false;
    to->list[to->count++] = *one;
    return true;
}

/* Appends a FAULT event; that of leaks, whose report is rows of their own, is none. Another value
 * than 0 ends the scan. */
static int take(void *context, const struct hak_event *event) {
    struct fault one = {.id = event->id,
                        .ns = event->ns,
                        .address = event->address,
                        .size = event->size,
                        .process = event->process,
                        .thread = event->thread,
                        .stack = event->stack};
    return (uint32_t)event->size == HAK_FAULT_MEMORY_LEAK || append(context, &one) ? 0 : NO_MEMORY;
}

static int compare_values(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int by_id(const void *a, const void *b) {
    const struct fault *left = a, *right = b;
    return compare_values(left->id, right->id);
}

/* By process, thread, stack, size and address, then by time. */
static int by_fault(const void *a, const void *b) {
    const struct fault *left = a, *right = b;
    int order = compare_values(left->process, right->process);
    order = order ? order : compare_values(left->thread, right->thread);
    order = order ? order : compare_values(left->stack, right->stack);
    order = order ? order : compare_values(left->size, right->size);
    order = order ? order : compare_values(left->address, right->address);
    return order ? order : compare_values(left->ns, right->ns);
}

/* By process, code and time, which a row of `fault` has of its event. Its thread may be another
 * one: of a crash in a handler, that which the handler's signal was sent to. */
static int by_moment(const void *a, const void *b) {
    const struct fault *left = a, *right = b;
    int order = compare_values(left->process, right->process);
    order = order ? order : compare_values((uint32_t)left->size, (uint32_t)right->size);
    return order ? order : compare_values(left->ns, right->ns);
}

/* Marks the event of that id, if it is in the list, which is in the order of ids. */
static bool mark(const struct faults *all, uint64_t id) {
    struct fault wanted = {.id = id};
    struct fault *found =
        all->count ? bsearch(&wanted, all->list, all->count, sizeof wanted, by_id) : NULL;
    if (found)
        found->is_reported = true;
    return found;
}

/* Marks the events that rows of `fault` name, and appends the rows that name another one, or none,
 * to `others`: most name the call that was stopped. 0, or an error. */
static int mark_reported(const struct view *view, const struct faults *all, struct faults *others) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT coalesce(event, 0), ns, code, process, thread FROM fault ORDER BY id",
                "reading faults");
    bool has_memory = true;
    while (has_memory && hak_query_next(&q)) {
        struct fault row = {.id = hak_query_count(&q, 0),
                            .ns = hak_query_count(&q, 1),
                            .size = hak_query_count(&q, 2),
                            .process = hak_query_id(&q, 3),
                            .thread = hak_query_id(&q, 4)};
        if (!mark(all, row.id))
            has_memory = append(others, &row);
    }
    int error = hak_query_end(&q);
    return has_memory ? error : hak_store_no_memory(view->store_path);
}

/* Marks the events whose reports a suppression kept back, as the user wished; `*count`: how many
 * these are. 0, or an error. */
static int mark_suppressed(const struct view *view, const struct faults *all, uint64_t *count) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT CAST(substr(key, length('" HAK_SUPPRESSED_FAULT
                                 "') + 1) AS INTEGER) FROM meta"
                                 " WHERE key GLOB '" HAK_SUPPRESSED_FAULT "*'",
                                 "reading suppressed faults");
    for (*count = 0; hak_query_next(&q); ++*count)
        (void)mark(all, hak_query_count(&q, 0));
    return hak_query_end(&q);
}

/* Events that earlier versions stored: up to the last one none is noted whose report a
 * suppression kept back, and a program that asked two collectors for one report wrote two events.
 */
struct earlier {
    uint64_t last_event;
    uint64_t kept_back; /* reports, by suppressions */
};

/* Reads what earlier versions stored. Where none of this version wrote how many reports they kept
 * back, all that are not noted are theirs: `noted` are. 0, or an error. */
static int read_earlier(const struct view *view, uint64_t noted, struct earlier *earlier) {
    static const char sql[] =
        "SELECT coalesce((SELECT CAST(value AS INTEGER) FROM meta"
        " WHERE key = 'fault_events_since'), 9223372036854775807),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM meta"
        " WHERE key = 'fault_suppressions_before'),"
        " (SELECT max(coalesce(sum(used), 0) - ?1, 0) FROM suppression WHERE text LIKE 'fault:%'))";
    uint64_t values[2];
    int found = hak_database_numbers(hak_store_database(view->reader), sql, noted, values, 2);
    *earlier = (struct earlier){.last_event = values[0], .kept_back = values[1]};
    return found == 1 ? 0 : found;
}

/* Makes one of the events, up to `last`, that are of one fault. */
static void join_events(struct faults *all, uint64_t last) {
    uint32_t kept = 0;
    qsort(all->list, all->count, sizeof *all->list, by_fault);
    for (uint32_t i = 0; i < all->count; i++) {
        struct fault *one = &all->list[i], *before = kept ? &all->list[kept - 1] : NULL,
                     same = *one;
        if (before)
            same.ns = before->ns;
        if (before && one->id <= last && by_fault(before, &same) == 0 &&
            one->ns - before->ns <= ASKED_AGAIN_NS) {
            one->is_reported |= before->is_reported;
            *before = *one;
        } else {
            all->list[kept++] = *one;
        }
    }
    all->count = kept;
}

/* Marks an event of the moment of each row, and the row: also a second one of an event, which an
 * earlier version stored where its worker had died. `all` is in that order. */
static void match_moments(const struct faults *all, const struct faults *rows) {
    for (uint32_t i = 0; i < rows->count && all->count > 0; i++) {
        struct fault *row = &rows->list[i];
        const struct fault *end = all->list + all->count;
        struct fault *one =
            row->ns ? bsearch(row, all->list, all->count, sizeof *row, by_moment) : NULL;
        if (!one)
            continue;
        row->is_reported = true;
        while (one > all->list && by_moment(one - 1, row) == 0)
            one--;
        while (one + 1 < end && one->is_reported && by_moment(one + 1, row) == 0)
            one++;
        one->is_reported = true;
    }
}

/* Gives each row whose event the collector did not find the last event before it, of its process,
 * thread and code, that has no report. ns 0: its time is not known. Rows before all events, which
 * may be many, have trimmed ones. */
static void match_others(const struct faults *all, const struct faults *rows) {
    uint64_t first_ns = UINT64_MAX;
    for (uint32_t k = 0; k < all->count; k++)
        first_ns = all->list[k].ns < first_ns ? all->list[k].ns : first_ns;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct fault *row = &rows->list[i];
        struct fault *last = NULL;
        if (row->is_reported || (row->ns && row->ns < first_ns))
            continue;
        for (uint32_t k = 0; k < all->count; k++) {
            struct fault *one = &all->list[k];
            bool is_like = one->process == row->process && one->thread == row->thread &&
                           (uint32_t)one->size == row->size;
            if (is_like && !one->is_reported && (row->ns == 0 || one->ns <= row->ns) &&
                (!last || one->ns > last->ns))
                last = one;
        }
        if (last)
            last->is_reported = true;
    }
}

/* Counts those without a report; those of an earlier version less those that were kept back. */
static uint64_t count_without(const struct faults *all, const struct earlier *earlier) {
    uint64_t before = 0, later = 0;
    for (uint32_t i = 0; i < all->count; i++)
        *(all->list[i].id <= earlier->last_event ? &before : &later) += !all->list[i].is_reported;
    return later + (before > earlier->kept_back ? before - earlier->kept_back : 0);
}

/* Reads the events, and which of them have a report. 0, or an error. */
static int gather(const struct view *view, uint32_t process, struct faults *all,
                  struct faults *others, uint64_t *noted) {
    struct hak_filter filter = {
        .process = process, .kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64), .class_index = -1};
    int error = hak_store_scan(view->reader, &filter, false, take, all);
    if (error == NO_MEMORY)
        error = hak_store_no_memory(view->store_path);
    if (error == 0 && all->count > 0)
        error = mark_reported(view, all, others);
    if (error == 0 && all->count > 0)
        error = mark_suppressed(view, all, noted);
    return error;
}

int view_count_unreported(const struct view *view, uint32_t process, uint64_t *count) {
    struct faults all = {0}, others = {0};
    struct earlier earlier = {0};
    uint64_t noted = 0;
    *count = 0;
    if (hak_store_is_profile_only(view->reader)) /* its faults are not known */
        return 0;
    int error = gather(view, process, &all, &others, &noted);
    if (error == 0)
        error = read_earlier(view, noted, &earlier);
    if (error == 0 && all.count > 0) {
        qsort(all.list, all.count, sizeof *all.list, by_moment);
        match_moments(&all, &others);
        join_events(&all, earlier.last_event);
        match_others(&all, &others);
        *count = count_without(&all, &earlier);
    }
    free(all.list);
    free(others.list);
    return error ? view_store_error(view, error) : 0;
}

void view_add_unreported(struct hak_text *text, const struct view *view, uint64_t count) {
    bool is_one = count == 1;
    hak_text_add(text, "%s ", hak_words_count(count, "fault is", "faults are"));
    if (view->summary.being_written)
        hak_text_add(text, "recorded, and %s not stored yet",
                     is_one ? "its report is" : "their reports are");
    else
        hak_text_add(text, "recorded without a report");
    hak_text_add(text, ": `hakmem-trace events --kind FAULT` lists %s", is_one ? "it" : "them");
}
