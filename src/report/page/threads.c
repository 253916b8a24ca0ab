/* THREADS: the places where the threads that the page names were created. */
#include "report/page/parts.h"

#include <stdio.h>

#define CREATION_FRAMES 4
#define CREATIONS_SHOWN 4 /* creations that have lines of their own */
#define CREATIONS_TIGHT 2

void report_name_thread(const struct report_page *page, uint32_t row, uint32_t number) {
    struct report_named *named = page->named;
    if (row == 0)
        row = hak_lookup_thread_row(page->r, page->context.process, number);
    for (int i = 0; i < named->count; i++)
        if (row ? named->row[i] == row : named->row[i] == 0 && named->number[i] == number)
            return;
    if (named->count == REPORT_NAMED)
        return;
    named->row[named->count] = row;
    named->number[named->count++] = number;
}

void report_look_up_thread(const struct report_page *page, uint32_t row,
                           struct hak_thread_words *out) {
    if (hak_lookup_thread(page->r, row, out))
        report_name_thread(page, row, out->number);
}

/* Adds a thread that the store does not know, by the creations that the program kept. */
static void add_kept_creation(const struct report_page *page, struct hak_creations *all,
                              uint32_t number) {
    struct hak_thread_words thread = {.number = number, .process = page->context.process};
    if (number == page->context.thread_number)
        snprintf(thread.name, sizeof thread.name, "%s", page->context.thread_name);
    for (int i = 0; i < HAK_REPORT_CREATIONS; i++)
        hak_creations_add_kept(all, page->r, &thread, &page->context.creations[i]);
}

void report_load_creations(struct hak_creations *all, const struct report_page *page) {
    const struct report_named *named = page->named;
    *all = (struct hak_creations){0};
    for (int i = 0; i < named->count; i++) {
        int before = all->count;
        hak_creations_add(all, page->r, named->row[i]);
        if (all->count == before)
            add_kept_creation(page, all, named->number[i]);
    }
    int count = all->count;
    hak_creations_add_creators(all, page->r);
    for (int i = 0; i < count; i++)
        if (all->list[i].creator_row == 0 && all->list[i].creator.number != 0)
            add_kept_creation(page, all, all->list[i].creator.number);
    hak_creations_sort(all);
}

/* Ends the line with where the thread was created, if a frame tells it. */
static void add_creation_place(struct hak_text *text, const struct hak_frames *frames) {
    int first = hak_words_telling_frame(frames->frame, frames->count);
    if (first < 0) {
        hak_text_add(text, "\n");
        return;
    }
    hak_text_add(text, " at ");
    hak_words_add_place(text, &frames->frame[first], 2);
    hak_text_add(text, "\n");
}

void report_threads(struct hak_text *text, const struct report_page *page) {
    struct hak_creations all;
    report_load_creations(&all, page);
    int lines = 0, most = page->cut >= CUT_LENGTHS ? CREATIONS_TIGHT : CREATIONS_SHOWN, next = 0;
    for (int alike = 0; next < all.count && lines < most; next += alike, lines++) {
        const struct hak_frames *frames = &all.list[next].frames;
        alike = hak_creations_alike(&all, next);
        hak_text_add(text, lines == 0 ? "  THREADS" : "");
        hak_text_tab(text, REPORT_COLUMN);
        hak_creations_add_sentence(text, &all, next, alike);
        if (page->cut >= CUT_LENGTHS || frames->count == 0) {
            add_creation_place(text, frames);
        } else {
            hak_text_add(text, " at:\n");
            report_add_part(text, frames, CREATION_FRAMES, "none was kept");
        }
    }
    uint64_t rest = (uint64_t)all.more;
    if (next < all.count)
        rest += (uint64_t)all.count - (uint64_t)next;
    if (rest > 0) {
        hak_text_add_at(text, REPORT_COLUMN, "and %s that were created elsewhere\n",
                        hak_words_count(rest, "thread", "threads"));
    }
    hak_creations_free(&all);
}
