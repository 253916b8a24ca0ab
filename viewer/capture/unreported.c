/* Counts the faults of a capture that have an event and no report. */
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include "base/growing.h"
#include "hop.h"
#include "store/history/history.h"

#define LEAKS 401 /* faults.def, MEMORY_LEAK: its report is rows of its own */

/* A FAULT event. A program that asked two collectors for one report wrote two. */
struct fault {
    uint64_t id, ns, address, size;
    uint32_t process, thread, stack;
    bool is_reported;
};

struct faults {
    struct fault *list;
    uint32_t count, capacity;
};

/* Appends a FAULT event. 1 ends the scan: memory ran out. */
static int take(void *context, const struct hak_event *event) {
    struct faults *all = context;
    if ((uint32_t)event->size == LEAKS)
        return 0;
    if (!hak_growing_make_room(&all->list, all->count, &all->capacity, sizeof *all->list))
        return 1;
    all->list[all->count++] = (struct fault){.id = event->id,
                                             .ns = event->ns,
                                             .address = event->address,
                                             .size = event->size,
                                             .process = event->process,
                                             .thread = event->thread,
                                             .stack = event->stack};
    return 0;
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

/* Marks the events that have a row in `fault`. */
static void mark_reported(const struct view *view, struct faults *all) {
    for (uint32_t i = 0; i < all->count; i++) {
        struct hak_event event = {.id = all->list[i].id, .ns = all->list[i].ns};
        uint32_t row = 0;
        int found = hak_story_fault_row(view->reader, &event, &row);
        all->list[i].is_reported = found != 0; /* of what cannot be read nothing is said */
    }
}

/* Whether a suppression was used: the faults that it fits have no report, as the user wished. */
static bool has_suppressed(const struct view *view) {
    return hak_database_number(hak_store_database(view->reader),
                               "SELECT count(*) FROM suppression WHERE used > 0"
                               " AND text LIKE 'fault:%'",
                               0) > 0;
}

uint64_t view_count_unreported(const struct view *view, uint32_t process) {
    struct hak_filter filter = {
        .process = process, .kind_mask_high = (uint64_t)1 << (HAK_FAULT - 64), .class_index = -1};
    struct faults all = {0};
    uint64_t count = 0;
    if (!has_suppressed(view) && hak_store_scan(view->reader, &filter, false, take, &all) == 0) {
        mark_reported(view, &all);
        if (all.count > 0)
            qsort(all.list, all.count, sizeof *all.list, by_fault);
        for (uint32_t i = 0, end; i < all.count; i = end) {
            bool is_reported = false;
            for (end = i; end < all.count && by_fault(&all.list[i], &all.list[end]) == 0; end++)
                is_reported |= all.list[end].is_reported;
            count += !is_reported;
        }
    }
    free(all.list);
    return count;
}

void view_add_unreported(struct hak_text *text, uint64_t count) {
    hak_text_add(text, "%s recorded without a report: `hakmem-trace events --kind FAULT` lists %s",
                 hak_words_count(count, "fault is", "faults are"), count == 1 ? "it" : "them");
}
