/* Ranges of a process against an array of pages: maps, unmaps, opens and closes by chance. */
#include <stdlib.h>
#include <string.h>
#include "../../suite.h"
#include "store/history/ranges.h"
#include "trace/record.h"

enum { PAGES = 64, ROUNDS = 20000 };

/* The range that a page is part of; 0 = none. */
struct page {
    uint64_t event, thread, ns, way; /* of one size: pages are compared as bytes, holes as well */
};

static struct page model[PAGES], gone_model[PAGES];
static struct page gone[PAGES], came[PAGES];

static void note(struct page *pages, const struct hak_range *piece) {
    ck_assert_uint_lt(piece->start, piece->end);
    for (uint64_t i = piece->start; i < piece->end; i++) {
        ck_assert_uint_eq(pages[i].event, 0); /* once */
        pages[i] = (struct page){piece->event, piece->thread, piece->ns, piece->way};
    }
}

static void note_gone(void *context, const struct hak_range *piece) {
    (void)context;
    note(gone, piece);
}

static void note_came(void *context, const struct hak_range *piece) {
    (void)context;
    note(came, piece);
}

static const struct hak_ranges_gone tell_gone = {note_gone, NULL}, tell_came = {note_came, NULL};

static void compare(const struct hak_ranges *r) {
    struct page pages[PAGES] = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        ck_assert(i == 0 || r->range[i - 1].end <= r->range[i].start);
        note(pages, &r->range[i]);
    }
    ck_assert_mem_eq(pages, model, sizeof model);
    for (uint64_t i = 0; i < PAGES; i++) {
        const struct hak_range *at = hak_ranges_at(r, i);
        ck_assert_int_eq(at != NULL, model[i].event != 0);
        ck_assert(!at || at->event == model[i].event);
    }
}

static void remove_pages(struct hak_ranges *r, uint64_t start, uint64_t end,
                         const struct hak_ranges_call *call) {
    memset(gone_model, 0, sizeof gone_model);
    for (uint64_t i = start; i < end; i++)
        if (model[i].event &&
            (!call || model[i].thread == call->thread || model[i].ns <= call->began_ns)) {
            gone_model[i] = model[i];
            model[i] = (struct page){0};
        }
    ck_assert(hak_ranges_remove(r, start, end, call, &tell_gone));
    ck_assert_mem_eq(gone, gone_model, sizeof gone);
}

static void add_pages(struct hak_ranges *r, const struct hak_range *range) {
    remove_pages(r, range->start, range->end, NULL);
    ck_assert(hak_ranges_add(r, range));
    for (uint64_t i = range->start; i < range->end; i++)
        model[i] = (struct page){range->event, range->thread, range->ns, range->way};
}

static void protect_pages(struct hak_ranges *r, const struct hak_range *now) {
    struct page came_model[PAGES] = {0};
    memset(gone_model, 0, sizeof gone_model);
    for (uint64_t i = now->start; i < now->end; i++)
        if (model[i].event &&
            (model[i].way & HAK_MAPPED_CLOSED) != (now->way & HAK_MAPPED_CLOSED)) {
            gone_model[i] = model[i];
            came_model[i] = model[i] = (struct page){now->event, now->thread, now->ns, now->way};
        }
    ck_assert(hak_ranges_protect(r, now->start, now->end, now, &tell_gone, &tell_came));
    ck_assert_mem_eq(gone, gone_model, sizeof gone);
    ck_assert_mem_eq(came, came_model, sizeof came);
}

TEST(are_what_the_pages_say) {
    struct hak_ranges *r = NULL;
    memset(model, 0, sizeof model);
    srand(7);
    for (uint64_t event = 1; event <= ROUNDS; event++) {
        uint64_t start = (uint64_t)rand() % PAGES,
                 end = start + (uint64_t)rand() % (PAGES - start + 1);
        struct hak_range range = {.start = start,
                                  .end = end,
                                  .event = event,
                                  .ns = event * 10,
                                  .thread = (uint32_t)rand() % 3,
                                  .way = rand() % 2 ? HAK_MAPPED_CLOSED : 0};
        struct hak_ranges_call call = {range.thread, range.ns - (uint64_t)(rand() % 60)};
        memset(gone, 0, sizeof gone);
        memset(came, 0, sizeof came);
        ck_assert_ptr_nonnull(hak_ranges_own(&r));
        switch (rand() % 4) {
        case 0:
            remove_pages(r, start, end, NULL);
            break;
        case 1:
            remove_pages(r, start, end, &call);
            break;
        case 2:
            protect_pages(r, &range);
            break;
        default:
            add_pages(r, &range);
            break;
        }
        compare(r);
    }
    hak_ranges_leave(r);
}

TEST(are_shared_until_one_changes) {
    struct hak_ranges *parent = NULL, *child;
    struct hak_range range = {.start = 4, .end = 8, .event = 1};
    ck_assert(hak_ranges_add(hak_ranges_own(&parent), &range));
    child = parent;
    parent->users++;
    ck_assert(hak_ranges_remove(hak_ranges_own(&child), 5, 6, NULL, NULL));
    ck_assert_ptr_ne(child, parent);
    ck_assert_uint_eq(child->count, 2);
    ck_assert_uint_eq(parent->count, 1);
    ck_assert_ptr_null(hak_ranges_at(child, 5));
    ck_assert_ptr_nonnull(hak_ranges_at(parent, 5));
    hak_ranges_leave(child);
    hak_ranges_leave(parent);
}

RUN_TESTS()
