/* The columns THREAD and WHERE, remembered for the last few thousand stacks and threads. */
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include <string.h>
#include "hop.h"
#include "report/words/words.h"
#include "trace/record.h"

#define REMEMBERED 8192 /* direct-mapped by the low bits of the row id */

static struct {
    bool used;
    uint32_t stack;
    struct stack_label label;
} stacks[REMEMBERED];

static struct {
    bool used;
    uint32_t row;
    char label[80];
} threads[REMEMBERED];

static void keep(char *to, size_t bytes, struct hak_text *text) {
    snprintf(to, bytes, "%s", hak_text_string(text));
    hak_text_free(text);
}

const struct stack_label *view_stack_label(struct view *view, uint32_t stack) {
    struct stack_label *label = &stacks[stack % REMEMBERED].label;
    if (stacks[stack % REMEMBERED].used && stacks[stack % REMEMBERED].stack == stack)
        return label;
    struct hak_frames frames;
    memset(label, 0, sizeof *label);
    hak_frames_load_top(&frames, view->reader, stack);
    int first = hak_words_telling_frame(frames.frame, frames.count);
    if (first >= 0) {
        struct hak_text function = {0}, location = {0};
        if (frames.frame[first].function[0])
            hak_words_add_function(&function, frames.frame[first].function);
        hak_words_add_location(&location, &frames.frame[first], 1);
        keep(label->function, sizeof label->function, &function);
        keep(label->location, sizeof label->location, &location);
    }
    hak_frames_free(&frames);
    stacks[stack % REMEMBERED].used = true;
    stacks[stack % REMEMBERED].stack = stack;
    return label;
}

void view_add_place(struct hak_text *text, struct view *view, uint32_t stack) {
    const struct stack_label *label = view_stack_label(view, stack);
    if (label->location[0])
        hak_text_add(text, "%s %s", label->function[0] ? label->function : "??", label->location);
    else
        hak_text_add(text, "no stack");
}

bool view_has_name(const struct hak_event *event) {
    return event->kind == HAK_MARK || event->kind == HAK_POOL || event->kind == HAK_POOL_CREATE ||
           event->kind == HAK_POOL_PLACE;
}

void view_add_mark(struct hak_text *text, struct view *view, const struct hak_event *event) {
    char *name = hak_store_mark_name(view->reader, event->id);
    if (event->kind == HAK_POOL_CREATE || event->kind == HAK_POOL_PLACE)
        hak_text_add(text, "pool %u, ", (unsigned)event->generation);
    if (event->kind == HAK_POOL_PLACE)
        hak_text_add(text, "place %u, ", (unsigned)(event->generation >> 32));
    hak_text_add(text, event->kind == HAK_MARK ? "mark " : event->kind == HAK_POOL ? "pool " : "");
    hak_text_add(text, "\"%s\"", name ? name : "");
    free(name);
}

const char *view_thread_label(struct view *view, uint32_t row) {
    char *label = threads[row % REMEMBERED].label;
    if (threads[row % REMEMBERED].used && threads[row % REMEMBERED].row == row)
        return label;
    struct hak_thread_words thread;
    struct hak_text text = {0};
    if (hak_lookup_thread(view->reader, row, &thread)) {
        hak_text_add(&text, "%u%s%s", thread.number, thread.name[0] ? " " : "", thread.name);
    } else {
        hak_text_add(&text, "?");
    }
    keep(label, sizeof threads[0].label, &text);
    threads[row % REMEMBERED].used = true;
    threads[row % REMEMBERED].row = row;
    return label;
}

const char *view_process_label(struct view *view, uint32_t row) {
    static struct {
        uint32_t row;
        char label[32];
    } processes[REMEMBERED];
    char *label = processes[row % REMEMBERED].label;
    if (row == 0 || processes[row % REMEMBERED].row != row) {
        struct hak_text text = {0};
        view_add_process_name(&text, view, row);
        keep(label, sizeof processes[0].label, &text);
        processes[row % REMEMBERED].row = row;
    }
    return label;
}

void view_add_frame_lines(struct hak_text *text, const struct hak_frames *frames, int indent) {
    for (int i = 0; i < frames->count; i++) {
        hak_text_fill(text, ' ', indent);
        hak_text_add(text, "#%-2d ", i);
        hak_words_add_frame(text, &frames->frame[i], indent + 26, 2);
        hak_text_add(text, "%s\n", frames->frame[i].inlined ? "  (inlined)" : "");
    }
    if (frames->count == 0) {
        hak_text_fill(text, ' ', indent);
        hak_text_add(text, "no stack\n");
    }
}

void view_add_frames(struct hak_text *to, struct view *view, const struct hak_frames *frames,
                     int indent) {
    struct hak_text lines = {0};
    view_add_frame_lines(&lines, frames, indent);
    view_add_report(to, view, &lines);
}

void view_add_stack(struct hak_text *text, struct view *view, uint32_t stack, int indent) {
    struct hak_frames frames;
    hak_frames_load(&frames, view->reader, stack);
    view_add_frames(text, view, &frames, indent);
    hak_frames_free(&frames);
}

const char *view_span(uint64_t ns) {
    static char buffers[8][32];
    static unsigned next;
    char *out = buffers[next++ % 8];
    if (ns < 1000)
        snprintf(out, sizeof buffers[0], "%u ns", (unsigned)ns);
    else if (ns < 1000000)
        snprintf(out, sizeof buffers[0], "%.1f us", (double)ns / 1e3);
    else if (ns < 1000000000)
        snprintf(out, sizeof buffers[0], "%.1f ms", (double)ns / 1e6);
    else
        snprintf(out, sizeof buffers[0], "%.1f s", (double)ns / 1e9);
    return out;
}

void view_add_stack_line(struct hak_text *text, struct view *view, uint32_t stack, int frames) {
    struct hak_frames all;
    hak_frames_load(&all, view->reader, stack);
    int first = hak_words_telling_frame(all.frame, all.count);
    for (int i = first; i >= 0 && i < all.count && i - first < frames; i++) {
        const struct hak_frame *frame = &all.frame[i];
        bool named = frame->function[0];
        if (i > first && hak_words_frame_role(all.frame, all.count, i) == HAK_FRAME_LIBRARY) {
            frames++;
            continue;
        }
        hak_text_add(text, i > first ? " < " : "");
        if (named)
            hak_words_add_function(text, frame->function);
        if (i == first || !named) {
            hak_text_add(text, named ? " " : "");
            hak_words_add_location(text, frame, 1);
        }
    }
    if (first < 0)
        hak_text_add(text, "no stack");
    hak_frames_free(&all);
}

void view_add_event_stack(struct hak_text *text, struct view *view, const struct hak_event *event,
                          int indent) {
    view_add_stack(text, view, event->stack, indent);
    if (event->stack == 0)
        return;
    if (event->flags & HAK_RECORD_PARTIAL) {
        hak_text_fill(text, ' ', indent);
        hak_text_add(text, "... the stack could not be followed further\n");
    }
    if (event->flags & HAK_RECORD_GUESSED) {
        hak_text_fill(text, ' ', indent);
        hak_text_add(text, "(some frames by frame pointers: their code has no unwind tables)\n");
    }
}
