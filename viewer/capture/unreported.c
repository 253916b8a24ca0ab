/* Counts the faults of a capture that have an event and no report. */
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include "base/growing.h"
#include "fault_codes.h"
#include "hop.h"

#define NO_MEMORY 1

/* A FAULT event; of a row of `fault` its event, and its code as size. A program that asked two
 * collectors for one report wrote two events. */
struct fault {
    uint64_t id, address, size;
    uint32_t process, thread, stack;
    bool is_reported;
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
                        .address = event->address,
                        .size = event->size,
                        .process = event->process,
                        .thread = event->thread,
                        .stack = event->stack};
    return (uint32_t)event->size == HAK_FAULT_MEMORY_LEAK || append(context, &one) ? 0 : NO_MEMORY;
}

static int by_id(const void *a, const void *b) {
    const struct fault *left = a, *right = b;
    return left->id < right->id ? -1 : left->id > right->id;
}

/* By process, thread, stack, size and address. */
static int by_fault(const void *a, const void *b) {
    const struct fault *left = a, *right = b;
    if (left->process != right->process)
        return left->process < right->process ? -1 : 1;
    if (left->thread != right->thread)
        return left->thread < right->thread ? -1 : 1;
    if (left->stack != right->stack)
        return left->stack < right->stack ? -1 : 1;
    if (left->size != right->size)
        return left->size < right->size ? -1 : 1;
    return left->address < right->address ? -1 : left->address > right->address;
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
 * to `others`: the collector did not find the fault's own. The event of a row may be trimmed. 0, or
 * an error. */
static int mark_reported(const struct view *view, const struct faults *all, struct faults *others) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT coalesce(event, 0), code, process, thread FROM fault", "reading faults");
    bool has_memory = true;
    while (has_memory && hak_query_next(&q)) {
        struct fault row = {.id = hak_query_count(&q, 0),
                            .size = hak_query_count(&q, 1),
                            .process = hak_query_id(&q, 2),
                            .thread = hak_query_id(&q, 3)};
        bool is_trimmed = row.id > 0 && row.id <= view->summary.trimmed_events;
        if (!mark(all, row.id) && !is_trimmed)
            has_memory = append(others, &row);
    }
    int error = hak_query_end(&q);
    return has_memory ? error : hak_store_no_memory(view->store_path);
}

/* Marks the events whose reports a suppression kept back, as the user wished; `*count`: how many
 * these are. 0, or an error. */
static int mark_suppressed(const struct view *view, const struct faults *all, uint64_t *count) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT CAST(substr(key, 18) AS INTEGER) FROM meta"
                                 " WHERE key GLOB 'suppressed_fault.*'",
                                 "reading suppressed faults");
    for (*count = 0; hak_query_next(&q); ++*count)
        (void)mark(all, hak_query_count(&q, 0));
    return hak_query_end(&q);
}

/* How many reports suppressions kept back; a store of an earlier version does not say of which
 * events. */
static uint64_t count_suppressed(const struct view *view) {
    return hak_database_number(hak_store_database(view->reader),
                               "SELECT coalesce(sum(used), 0) FROM suppression"
                               " WHERE text LIKE 'fault:%'",
                               0);
}

/* Makes one of the events that are of one fault. */
static void join_events(struct faults *all) {
    uint32_t kept = 0;
    if (all->count > 0)
        qsort(all->list, all->count, sizeof *all->list, by_fault);
    for (uint32_t i = 0; i < all->count; i++) {
        if (kept > 0 && by_fault(&all->list[kept - 1], &all->list[i]) == 0)
            all->list[kept - 1].is_reported |= all->list[i].is_reported;
        else
            all->list[kept++] = all->list[i];
    }
    all->count = kept;
}

/* Gives each of the rows one event without a report, of its process, thread and code. */
static void match_rows(const struct faults *all, const struct faults *rows) {
    for (uint32_t i = 0; i < rows->count; i++)
        for (uint32_t k = 0; k < all->count; k++) {
            struct fault *one = &all->list[k];
            if (one->is_reported || one->process != rows->list[i].process ||
                one->thread != rows->list[i].thread || (uint32_t)one->size != rows->list[i].size)
                continue;
            one->is_reported = true;
            break;
        }
}

/* Reads the events, and which of them have a report. 0, or an error. */
static int gather(const struct view *view, uint32_t process, struct faults *all,
                  struct faults *others, uint64_t *suppressed) {
    struct hak_filter filter = {
        .process = process, .kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64), .class_index = -1};
    int error = hak_store_scan(view->reader, &filter, false, take, all);
    if (error == NO_MEMORY)
        error = hak_store_no_memory(view->store_path);
    if (error == 0 && all->count > 0)
        error = mark_reported(view, all, others);
    if (error == 0 && all->count > 0)
        error = mark_suppressed(view, all, suppressed);
    return error;
}

int view_count_unreported(const struct view *view, uint32_t process, uint64_t *count) {
    struct faults all = {0}, others = {0};
    uint64_t suppressed = 0, without = 0;
    *count = 0;
    if (hak_store_is_profile_only(view->reader)) /* its faults are not known */
        return 0;
    int error = gather(view, process, &all, &others, &suppressed);
    if (error == 0) {
        join_events(&all);
        match_rows(&all, &others);
        for (uint32_t i = 0; i < all.count; i++)
            without += !all.list[i].is_reported;
        uint64_t kept_back = without > 0 && suppressed == 0 ? count_suppressed(view) : 0;
        *count = without > kept_back ? without - kept_back : 0;
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
