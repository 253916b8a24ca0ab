/* Findings as lines of a compiler, for an editor's list of errors: FILE:LINE: error: WORDS, then a
 * note for each step of the program in each of its stacks. */
#include "viewer/findings/findings.h"

#include <string.h>
#include "report/words/words.h"

/* Appends "FILE:LINE: ". Whole paths, so that an editor finds them from anywhere; with --sources
 * they are relative to that folder. */
static void add_place(struct hak_text *text, struct view *view, const struct hak_frame *frame) {
    struct hak_text path = {0};
    bool is_inside = sources_add_path(&path, view, frame->file);
    if (is_inside && !view_given(view, "sources")) {
        hak_text_add_name(text, sources_root(view));
        hak_text_add(text, "/");
    }
    hak_text_add_name(text, hak_text_string(&path));
    hak_text_add(text, ":%u: ", frame->line);
    hak_text_free(&path);
}

/* A step that an editor can open: of the program, and its line is known. */
static bool is_step(const struct hak_frames *frames, int at) {
    return frames->frame[at].file[0] && frames->frame[at].line > 0 &&
           hak_words_frame_role(frames->frame, frames->count, at) == HAK_FRAME_PROGRAM;
}

/* The first frame that an editor can go to, or -1. */
static int first_step(const struct finding *one) {
    const struct hak_frames *frames = &one->stacks[0].frames;
    for (int i = 0; one->stack_count > 0 && i < frames->count; i++)
        if (is_step(frames, i))
            return i;
    return -1;
}

/* Adds a note for each step of the stack that an editor can go to, but for one of a recursion that
 * equals the step before. */
static void add_notes(struct hak_text *text, struct view *view, const struct finding_stack *stack) {
    const struct hak_frame *before = NULL;
    for (int i = 0; i < stack->frames.count; i++) {
        const struct hak_frame *frame = &stack->frames.frame[i];
        if (!is_step(&stack->frames, i) ||
            (before && before->line == frame->line && strcmp(before->file, frame->file) == 0))
            continue;
        add_place(text, view, frame);
        hak_text_add(text, "note: %s ", before ? "called from" : stack->title);
        if (!before)
            hak_text_add(text, "in ");
        hak_text_add_name(text, frame->function[0] ? frame->function : "a function without a name");
        hak_text_add(text, "\n");
        before = frame;
    }
}

void findings_add_quickfix(struct hak_text *text, struct view *view,
                           const struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->list[i];
        if (!finding_is_new(one))
            continue;
        int at = sources_find_frame(view, one);
        if (at < 0 || !is_step(&one->stacks[0].frames, at))
            at = first_step(one);
        if (at >= 0)
            add_place(text, view, &one->stacks[0].frames.frame[at]);
        hak_text_add(text, "error: ");
        struct hak_text message = {0};
        finding_add_message(&message, one);
        hak_text_add_name(text, hak_text_string(&message));
        hak_text_free(&message);
        hak_text_add(text, "\n");
        for (int k = 0; k < one->stack_count; k++)
            add_notes(text, view, &one->stacks[k]);
    }
}
