/* Gathers where threads were created, and says it. */
#include "report/words/creations.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/json.h"
#include "report/words/words.h"

/* True when the thread is on the list, by its row or, without one, its number. */
static bool is_there(const struct hak_creations *all, uint32_t row, uint32_t number) {
    for (int i = 0; i < all->count; i++)
        if (row ? all->list[i].row == row
                : all->list[i].row == 0 && all->list[i].thread.number == number)
            return true;
    return false;
}

/* The next place of the list; NULL: it is full. */
static struct hak_creation *make_place(struct hak_creations *all) {
    if (all->count == HAK_CREATIONS_MAX) {
        all->more++;
        return NULL;
    }
    struct hak_creation *one = &all->list[all->count++];
    *one = (struct hak_creation){0};
    return one;
}

void hak_creations_add(struct hak_creations *all, struct hak_store_reader *r, uint32_t row) {
    struct hak_thread_origin_row origin;
    if (row == 0 || is_there(all, row, 0) || !hak_lookup_thread_origin(r, row, &origin))
        return;
    struct hak_creation *one = make_place(all);
    if (!one)
        return;
    one->row = row;
    one->creator_row = origin.creator_row;
    hak_lookup_thread(r, row, &one->thread);
    if (!hak_lookup_thread(r, origin.creator_row, &one->creator))
        one->creator.number = origin.creator;
    hak_frames_load(&one->frames, r, origin.stack);
}

void hak_creations_add_kept(struct hak_creations *all, struct hak_store_reader *r,
                            const struct hak_thread_words *thread,
                            const struct hak_kept_creation *kept) {
    if (kept->thread == 0 || kept->thread != thread->number)
        return;
    for (int i = 0; i < all->count; i++)
        if (all->list[i].thread.process == thread->process &&
            all->list[i].thread.number == thread->number)
            return;
    struct hak_creation *one = make_place(all);
    if (!one)
        return;
    one->thread = *thread;
    uint32_t creator = hak_lookup_thread_row(r, thread->process, kept->creator);
    if (!hak_lookup_thread(r, creator, &one->creator))
        one->creator.number = kept->creator;
    hak_frames_copy(&one->frames, kept->frames, kept->frame_count);
}

void hak_creations_add_creators(struct hak_creations *all, struct hak_store_reader *r) {
    for (int i = 0, named = all->count; i < named; i++)
        hak_creations_add(all, r, all->list[i].creator_row);
}

/* True when both were created by the same thread of the same process, at the same stack. */
static bool is_alike(const struct hak_creation *a, const struct hak_creation *b) {
    if (a->creator.number != b->creator.number || a->thread.process != b->thread.process ||
        a->frames.count != b->frames.count)
        return false;
    for (int i = 0; i < a->frames.count; i++)
        if (a->frames.frame[i].ip != b->frames.frame[i].ip)
            return false;
    return true;
}

void hak_creations_sort(struct hak_creations *all) {
    for (int first = 0; first < all->count; first++) {
        int end = first + 1;
        for (int i = end; i < all->count; i++) {
            if (!is_alike(&all->list[first], &all->list[i]))
                continue;
            struct hak_creation moved = all->list[i];
            memmove(&all->list[end + 1], &all->list[end], (size_t)(i - end) * sizeof moved);
            all->list[end++] = moved;
        }
        first = end - 1;
    }
}

int hak_creations_alike(const struct hak_creations *all, int first) {
    int end = first + 1;
    while (end < all->count && is_alike(&all->list[first], &all->list[end]))
        end++;
    return end - first;
}

void hak_creations_add_sentence(struct hak_text *text, const struct hak_creations *all, int first,
                                int count) {
    const struct hak_creation *one = &all->list[first];
    hak_text_add(text, count > 1 ? "threads " : "thread ");
    for (int i = 0; i < count; i++)
        hak_text_add(text, "%s%s",
                     i == 0           ? ""
                     : i == count - 1 ? " and "
                                      : ", ",
                     hak_words_thread(&one[i].thread));
    hak_text_add(text, count > 1 ? " were created" : " was created");
    if (one->creator.number != 0)
        hak_text_add(text, " by thread %s", hak_words_thread(&one->creator));
}

static json_t *thread_json(const struct hak_thread_words *thread, uint32_t row) {
    return hak_json_thread(row, thread->number, thread->name);
}

json_t *hak_creations_json(const struct hak_creations *all) {
    json_t *array = json_array();
    for (int i = 0; i < all->count; i++) {
        const struct hak_creation *one = &all->list[i];
        hak_json_add(array, JSON("thread", thread_json(&one->thread, one->row)),
                     JSON("created_by", one->creator.number
                                            ? thread_json(&one->creator, one->creator_row)
                                            : json_null()),
                     JSON("frames", hak_json_frames(&one->frames)));
    }
    return array;
}

void hak_creations_free(struct hak_creations *all) {
    for (int i = 0; i < all->count; i++)
        hak_frames_free(&all->list[i].frames);
    *all = (struct hak_creations){0};
}
