/* Which frames of a stack are worth a line: the program's own, without what every program has below
 * main, and for moves between layers the few of hakmem's that tell which transfer it was. */
#include "report/report_page.h"

#include <string.h>

#define PROGRAM_FRAMES 6
#define OWN_FRAMES     4

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* A transfer function or the call of the program; not a helper in a header, nor a check. */
static bool is_telling(const struct hak_frame *frame) {
    const char *file = hak_words_path(frame->file, 3, true);
    if (strncmp(file, "src/guard/", 10) == 0 || strncmp(file, "src/trace/", 10) == 0 ||
        ends_with(file, ".h"))
        return false;
    return !(frame->inlined && strncmp(file, "src/entry/", 10) == 0);
}

/* hakmem's frames at the inner end: chosen ones, the outermost always among them. */
static int choose_own(const struct hak_frames *frames, int end, int *chosen) {
    int count = 0;
    for (int i = 0; i < end; i++) {
        if (!frames->frame[i].is_hakmem || !is_telling(&frames->frame[i]))
            continue;
        if (count == OWN_FRAMES)
            count--;
        chosen[count++] = i;
    }
    return count;
}

static int choose(const struct hak_frames *frames, bool layer_move, int most, int *chosen,
                  int *more) {
    int first = hak_words_program_frame(frames->frame, frames->count);
    int end = frames->count;
    *more = 0;
    if (first < 0)
        return layer_move ? choose_own(frames, frames->count, chosen) : 0;
    int count = layer_move ? choose_own(frames, first, chosen) : 0;
    while (end > first + 1 && hak_words_is_way_in(&frames->frame[end - 1]))
        end--;
    for (int i = first, shown = 0; i < end; i++) {
        if (frames->frame[i].is_hakmem)
            continue;
        if (shown++ < most)
            chosen[count++] = i;
        else
            ++*more;
    }
    return count;
}

int report_choose_frames(const struct hak_frames *frames, bool layer_move, int *chosen, int *more) {
    return choose(frames, layer_move, PROGRAM_FRAMES, chosen, more);
}

static void add_stack(struct hak_text *text, const struct hak_frames *frames, bool layer_move,
                      int most, const char *absent) {
    int chosen[REPORT_FRAMES], more;
    int count = choose(frames, layer_move, most, chosen, &more);
    for (int i = 0; i < count; i++) {
        hak_text_add(text, "      #%d ", i);
        hak_words_add_frame(text, &frames->frame[chosen[i]], 29, 2);
        hak_text_add(text, "\n");
    }
    if (more > 0)
        hak_text_add(text, "      ... and %s\n",
                     hak_words_count((uint64_t)more, "frame more", "frames more"));
    if (count == 0)
        hak_text_add(text, "      no stack: %s\n", absent);
}

void report_add_stack(struct hak_text *text, const struct hak_frames *frames, bool layer_move,
                      const char *absent) {
    add_stack(text, frames, layer_move, PROGRAM_FRAMES, absent);
}

void report_add_part(struct hak_text *text, const struct hak_frames *frames, int most,
                     const char *absent) {
    add_stack(text, frames, false, most, absent);
}
