/* Chooses the frames of a stack that are worth a line: the program's own, without what every
 * program has below main, and for moves between layers the few of hakmem's that show which transfer
 * it was. Frames of libraries are folded into one line; they and wrappers of the allocator use up
 * none of the room. */
#include "report/page/parts.h"

#include <string.h>

/* The lines of a stack: frames of the program and runs of others that are folded into one line. */
#define REPORT_FRAMES 16
struct report_frame {
    int from, to;    /* indexes into the stack */
    int folded;      /* frames in this line; 0 = the line is the frame `from` */
    bool is_wrapper; /* folded ones are the program's wrappers of the allocator */
};
struct report_frames {
    struct report_frame frame[REPORT_FRAMES];
    int count;
    int more; /* the program's frames that are left out */
};

#define PROGRAM_FRAMES 6
#define OWN_FRAMES     4
#define WRAPPERS_NAMED 3
#define NO_WRAPPERS                                                                                \
    2 /* frames that are none, where wrappers by their place would fill the room                   \
       */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Whether a frame of hakmem's is shown: a transfer function or the call of the program; not a
 * helper in a header, nor a check. */
static bool is_telling(const struct hak_frame *frame) {
    const char *file = hak_words_path(frame->file, 3, true);
    if (strncmp(file, "src/guard/", 10) == 0 || strncmp(file, "src/trace/", 10) == 0 ||
        ends_with(file, ".h"))
        return false;
    return !(frame->inlined && strncmp(file, "src/entry/", 10) == 0);
}

/* True for hakmem's code that finds or reports faults, by its name: a stripped library has no
 * files. */
static bool is_finder(const struct hak_frame *frame) {
    static const char *const names[] = {"hak_trace_", "hak_report_", "hak_check_", "hak_guard_"};
    const char *function = frame->function ? frame->function : "";
    for (size_t i = 0; !frame->file[0] && i < sizeof names / sizeof *names; i++)
        if (strncmp(function, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Chooses hakmem's frames at the inner end to show, the outermost always among them; those inside
 * of one that looked for the fault are left out. Returns how many. */
static int choose_own(const struct hak_frames *frames, int end, int *chosen) {
    int count = 0;
    for (int i = 0; i < end; i++) {
        if (!frames->frame[i].is_hakmem || !is_telling(&frames->frame[i]))
            continue;
        if (is_finder(&frames->frame[i])) {
            count = 0;
            continue;
        }
        if (count == OWN_FRAMES)
            count--;
        chosen[count++] = i;
    }
    return count;
}

/* Chooses the frames of the program, with those between them folded; wrappers count for nothing. */
static void choose_program(const struct hak_frames *frames, int first, int end, int most,
                           struct report_frames *out) {
    bool has_line = false;
    int shown = 0, left = most < NO_WRAPPERS ? most : NO_WRAPPERS;
    for (int i = first; i < end; i++) {
        enum hak_frame_role role = hak_words_frame_role(frames->frame, frames->count, i);
        const struct hak_frame *frame = &frames->frame[i];
        struct report_frame *last = out->count > 0 ? &out->frame[out->count - 1] : NULL;
        bool is_enough = shown >= most && left <= 0;
        bool is_full = is_enough && (has_line || !frame->file[0]);
        if (role == HAK_FRAME_OWN || (role == HAK_FRAME_START && shown > 0))
            continue;
        if (role == HAK_FRAME_PROGRAM && (is_full || out->count == REPORT_FRAMES)) {
            out->more++;
            continue;
        }
        bool is_wrapper = role == HAK_FRAME_WRAPPER;
        if (role == HAK_FRAME_PROGRAM) {
            out->frame[out->count++] = (struct report_frame){.from = i, .to = i};
            shown++;
            left -= !frame->is_called_from_many;
            has_line |= frame->file[0] != '\0';
        } else if (is_enough) {
            continue;
        } else if (last && last->folded > 0 && last->is_wrapper == is_wrapper) {
            last->folded++;
            last->to = i;
        } else if (out->count < REPORT_FRAMES) {
            out->frame[out->count++] =
                (struct report_frame){.from = i, .to = i, .folded = 1, .is_wrapper = is_wrapper};
        }
    }
    bool is_any = false;
    for (int i = 0; i < out->count; i++)
        is_any |= out->frame[i].folded == 0;
    /* Folded frames outside of the last frame that is shown are of no use. */
    while (is_any && out->count > 0 && out->frame[out->count - 1].folded > 0)
        out->count--;
}

/* Chooses at most `most` of the program's frames, innermost first, but two at least that are no
 * wrappers by their place, and always one with a source line where there is any, without the C
 * library's way into main; with `layer_move` before them hakmem's transfer functions down to the
 * call of the program. */
static void choose_frames(const struct hak_frames *frames, bool layer_move, int most,
                          struct report_frames *out) {
    int first = hak_words_program_frame(frames->frame, frames->count);
    int end = frames->count, own[OWN_FRAMES] = {0}, count = 0;
    *out = (struct report_frames){0};
    if (layer_move)
        count = choose_own(frames, first < 0 ? frames->count : first, own);
    for (int i = 0; i < count; i++)
        out->frame[out->count++] = (struct report_frame){.from = own[i], .to = own[i]};
    if (first < 0)
        return;
    while (end > first + 1 && hak_words_is_start(&frames->frame[end - 1]))
        end--;
    struct report_frames chosen = *out;
    choose_program(frames, first, end, most, &chosen);
    if (chosen.more == 1) { /* it takes no more lines than saying so */
        chosen = *out;
        choose_program(frames, first, end, most + 1, &chosen);
    }
    *out = chosen;
}

/* "... 5 frames of libstdc++: std::vector<...>::push_back": by the function that was called. */
static void add_folded(struct hak_text *text, const struct hak_frames *frames,
                       const struct report_frame *folded) {
    const struct hak_frame *outermost = &frames->frame[folded->to];
    const char *names[2] = {NULL, NULL};
    for (int i = folded->from; i <= folded->to; i++) {
        const char *name = hak_words_library(&frames->frame[i]);
        for (int k = 0; k < 2 && name; k++)
            if (!names[k] || names[k] == name || strcmp(names[k], name) == 0) {
                names[k] = name;
                break;
            }
    }
    hak_text_add(text, "      ... %s of %s",
                 hak_words_count((uint64_t)folded->folded, "frame", "frames"),
                 names[0] ? names[0] : "no program");
    if (names[1])
        hak_text_add(text, " and %s", names[1]);
    if (outermost->function[0]) {
        hak_text_add(text, ": ");
        hak_words_add_function(text, strncmp(outermost->function, "__GI_", 5) == 0
                                         ? outermost->function + 5
                                         : outermost->function);
    }
    hak_text_add(text, "\n");
}

/* "... 2 wrappers of the allocator: lalloc, alloc_clear" */
static void add_wrappers(struct hak_text *text, const struct hak_frames *frames,
                         const struct report_frame *folded) {
    int named = 0;
    hak_text_add(text, "      ... %s of the allocator: ",
                 hak_words_count((uint64_t)folded->folded, "wrapper", "wrappers"));
    for (int i = folded->from; i <= folded->to && named < WRAPPERS_NAMED; i++) {
        if (frames->frame[i].is_hakmem)
            continue;
        hak_text_add(text, "%s", named++ ? ", " : "");
        hak_words_add_function(text, frames->frame[i].function);
    }
    hak_text_add(text, "%s\n", named < folded->folded ? ", ..." : "");
}

/* Appends the chosen frames, each as "      #0 function   file:line"; `absent` says why a stack is
 * empty. */
static void add_chosen(struct hak_text *text, const struct hak_frames *frames,
                       const struct report_frames *chosen, const char *absent) {
    int number = 0;
    for (int i = 0; i < chosen->count; i++) {
        if (chosen->frame[i].folded > 0) {
            if (chosen->frame[i].is_wrapper)
                add_wrappers(text, frames, &chosen->frame[i]);
            else
                add_folded(text, frames, &chosen->frame[i]);
            continue;
        }
        hak_text_add(text, "      #%d ", number++);
        hak_words_add_frame(text, &frames->frame[chosen->frame[i].from], 29, 2);
        hak_text_add(text, "\n");
    }
    if (chosen->more > 0)
        hak_text_add(text, "      ... and %s\n",
                     hak_words_count((uint64_t)chosen->more, "more frame", "more frames"));
    if (chosen->count == 0)
        hak_text_add(text, "      no stack: %s\n", absent);
}

void report_add_stack(struct hak_text *text, const struct hak_frames *frames, bool layer_move,
                      const char *absent) {
    struct report_frames chosen;
    choose_frames(frames, layer_move, PROGRAM_FRAMES, &chosen);
    add_chosen(text, frames, &chosen, absent);
}

void report_add_part(struct hak_text *text, const struct hak_frames *frames, int most,
                     const char *absent) {
    struct report_frames chosen;
    choose_frames(frames, false, most, &chosen);
    add_chosen(text, frames, &chosen, absent);
}
