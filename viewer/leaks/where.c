/* The column WHERE of `leaks`: the program's frames of each stack in one line, and, where two
 * stacks read alike, the frame that tells them apart. */
#include "viewer/leaks/rows.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"

#define WHERE_FRAMES 3

/* Adds the frame that one line names and its callers: the program's own. */
static void add_where(struct hak_text *text, struct view *view, uint32_t stack) {
    int shown = 0;
    struct hak_frames frames = {0};
    hak_frames_load(&frames, view->reader, stack);
    bool has_python = hak_words_has_python(frames.frame, frames.count);
    if (hak_words_add_runtime(text, frames.frame, frames.count))
        shown++;
    int first = hak_words_telling_frame(frames.frame, frames.count);
    for (int i = first; i >= 0 && i < frames.count && shown < WHERE_FRAMES; i++) {
        const struct hak_frame *frame = &frames.frame[i];
        enum hak_frame_role role = hak_words_frame_role(frames.frame, frames.count, i);
        if (shown && (role == HAK_FRAME_START || role == HAK_FRAME_OWN))
            break;
        if (shown && (role != HAK_FRAME_PROGRAM || (has_python && hak_words_is_interpreter(frame))))
            continue;
        hak_text_add(text, "%s", shown++ ? " < " : "");
        hak_words_add_place(text, frame, 2);
    }
    if (shown == 0)
        hak_text_add(text, "no stack");
    hak_frames_free(&frames);
}

void leaks_add_place(struct leaks_places *places, struct view *view, uint32_t stack) {
    if (!hak_growing_make_room(&places->list, places->count, &places->capacity,
                               sizeof *places->list))
        return;
    struct leaks_place *place = &places->list[places->count++];
    *place = (struct leaks_place){.stack = stack};
    add_where(&place->where, view, stack);
}

const char *leaks_place(const struct leaks_places *places, uint64_t i) {
    return i < places->count ? hak_text_string(&places->list[i].where) : "";
}

static int compare_by_text(const void *a, const void *b) {
    const struct leaks_place *const *x = a, *const *y = b;
    int order = strcmp(hak_text_string(&(*x)->where), hak_text_string(&(*y)->where));
    return order ? order : *x < *y ? -1 : *x > *y;
}

/* Appends "  [std::string::append libstdc++.so+0x...]": where the stack leaves the other's. */
static void add_difference(struct leaks_place *place, struct view *view, uint32_t other) {
    struct hak_frames frames = {0}, others = {0};
    hak_frames_load(&frames, view->reader, place->stack);
    hak_frames_load(&others, view->reader, other);
    int at = hak_words_differing_frame(frames.frame, frames.count, others.frame, others.count);
    if (at >= 0) {
        hak_text_add(&place->where, "  [");
        hak_words_add_place(&place->where, &frames.frame[at], 1);
        hak_text_add(&place->where, "]");
    }
    hak_frames_free(&frames);
    hak_frames_free(&others);
}

void leaks_tell_places_apart(struct leaks_places *places, struct view *view) {
    struct leaks_place **sorted = calloc(places->count + 1, sizeof *sorted);
    if (!sorted)
        return; /* lines that read alike are the lesser evil */
    for (uint32_t i = 0; i < places->count; i++)
        sorted[i] = &places->list[i];
    qsort(sorted, places->count, sizeof *sorted, compare_by_text);
    for (uint32_t i = 0; i < places->count;) {
        uint32_t end = i + 1;
        while (end < places->count && sorted[end]->where.length == sorted[i]->where.length &&
               strcmp(sorted[end]->where.bytes, sorted[i]->where.bytes) == 0)
            end++;
        for (uint32_t k = i + 1; k < end; k++)
            if (sorted[k]->stack != sorted[i]->stack)
                add_difference(sorted[k], view, sorted[i]->stack);
        if (end > i + 1 && sorted[end - 1]->stack != sorted[i]->stack)
            add_difference(sorted[i], view, sorted[end - 1]->stack);
        i = end;
    }
    free(sorted);
}

void leaks_free_places(struct leaks_places *places) {
    for (uint32_t i = 0; i < places->count; i++)
        hak_text_free(&places->list[i].where);
    free(places->list);
    *places = (struct leaks_places){0};
}
