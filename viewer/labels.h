/* What stands in the columns THREAD and WHERE, remembered for the last few thousand stacks and
 * threads, so that a long list asks the store once for each. */
#ifndef HAK_VIEWER_LABELS_H
#define HAK_VIEWER_LABELS_H

#include "view.h"

/* The program's function that a stack stands for, and where it is. */
struct stack_label {
    char function[160]; /* "" = no stack, or not known */
    char location[320];
};
/* The result holds until the next call. */
const struct stack_label *view_stack_label(struct view *view, uint32_t stack);
/* Appends "parse_row app/parse.c:210 < main": the frame that tells, and its callers, at most
 * `frames` of them in all. */
void view_add_stack_line(struct hak_text *text, struct view *view, uint32_t stack, int frames);
/* "3 io"; "?" when the store has no such thread. Holds until the next call. */
const char *view_thread_label(struct view *view, uint32_t row);
/* "4711", "4712#2": what --process takes to mean this row. Holds until the next call. */
const char *view_process_label(struct view *view, uint32_t row);
/* Appends the stack of an event, one frame a line, each indented by `indent` blanks. */
void view_add_stack(struct hak_text *text, struct view *view, uint32_t stack, int indent);

struct hak_frames;
/* The same, without colours, for frames that are there already. */
void view_add_frame_lines(struct hak_text *text, const struct hak_frames *frames, int indent);
/* The same for frames that are there already. */
void view_add_frames(struct hak_text *text, struct view *view, const struct hak_frames *frames,
                     int indent);

/* Appends `mark "name"`: what the program called the mark that is this event. */
void view_add_mark(struct hak_text *text, struct view *view, const struct hak_event *event);

/* "850 ns", "3.2 us", "91.0 ms", "12.4 s": a span of time. In a ring of eight buffers. */
const char *view_span(uint64_t ns);

/* The same for an event, with what is to be said of its stack: cut, or found by frame pointers. */
void view_add_event_stack(struct hak_text *text, struct view *view, const struct hak_event *event,
                          int indent);

#endif
