/* `faults N --stacks`: the report as it was printed, with each stack whole: the text gives the
 * parts and their sentences, the JSON beside it all frames. */
#include "viewer/findings/fault_stacks.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/findings/findings.h"
#include "viewer/capture/capture.h"
#include "report/words/words.h"

#define INDENT 6

struct page {
    const json_t *fault;
    struct hak_text *text;
    const json_t *frames; /* of the part that is being written, NULL = none is due */
    bool has_stack;       /* the part's frames are written whole: the lines of the text are not */
    size_t thread;        /* of the array of threads: next one */
    bool is_of_program;   /* HKM-2nn, HKM-3nn: hakmem's own frames say nothing of it */
};

static const json_t *frames_in(const json_t *object) {
    const json_t *frames = json_object_get(object, "frames");
    return json_array_size(frames) > 0 ? frames : NULL;
}

/* The next of the threads that share no line with the one before it. */
static const json_t *next_thread(struct page *page) {
    const json_t *threads = json_object_get(page->fault, "threads");
    const json_t *one = json_array_get(threads, page->thread), *other = one;
    while (other && json_equal(json_object_get(one, "frames"), json_object_get(other, "frames")) &&
           json_equal(json_object_get(one, "created_by"), json_object_get(other, "created_by")))
        other = json_array_get(threads, ++page->thread);
    return frames_in(one);
}

/* The stack of the part that begins with this line; NULL: it has none. */
static const json_t *frames_of_part(struct page *page, const char *line) {
    static const struct {
        const char *heading, *key;
        bool is_step; /* the frames lie one deeper */
    } parts[] = {
        {"  FIRST WRONG STEP ", "first_wrong_step", true},
        {"  FOUND ", "found", true},
        {"  CRASH ", "frames", false},
        {"  ALLOCATED ", "allocated", false},
        {"  FREED ", "freed", false},
        {"  LAST CLEAN LOOK ", "clean_look", true},
    };
    if (strncmp(line, "  THREADS ", 10) == 0)
        return next_thread(page);
    if (strncmp(line, "  FREED TWICE BY ", 17) == 0)
        return NULL; /* two lines of two stacks */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strncmp(line, parts[i].heading, strlen(parts[i].heading)) != 0)
            continue;
        const json_t *value = json_object_get(page->fault, parts[i].key);
        return parts[i].is_step ? frames_in(value) : json_array_size(value) > 0 ? value : NULL;
    }
    return NULL;
}

/* Writes the frames of the part that ends, if it named any. */
static void write_stack(struct page *page) {
    struct hak_frames frames;
    if (page->frames && findings_read_frames(&frames, page->frames)) {
        struct hak_frames shown = frames;
        for (; page->is_of_program && shown.count > 0 && shown.frame->is_hakmem; shown.frame++)
            shown.count--;
        view_add_frame_lines(page->text, &shown, INDENT);
        hak_frames_free(&frames);
        page->has_stack = true;
    }
    page->frames = NULL;
}

/* Ends the part before, and notes the frames of this one. */
static void begin_part(struct page *page, const json_t *frames) {
    write_stack(page); /* of a part that named no frame */
    page->frames = frames;
    page->has_stack = false;
}

/* Copies a line of the report, which ends with NUL. In the place of the frames that a part names
 * come all frames of its stack. */
static void write_line(struct page *page, const char *line) {
    bool is_heading = strncmp(line, "  ", 2) == 0 && line[2] >= 'A' && line[2] <= 'Z';
    bool is_thread = strncmp(line, "                    thread", 26) == 0;
    bool is_frame = strncmp(line, "      #", 7) == 0 || strncmp(line, "      ... ", 10) == 0;
    if (is_heading)
        begin_part(page, frames_of_part(page, line));
    else if (is_thread)
        begin_part(page, next_thread(page));
    else if (line[0] == '\0')
        begin_part(page, NULL);
    else if (is_frame && page->frames)
        write_stack(page);
    if (is_frame && page->has_stack)
        return;
    hak_text_add_lines(page->text, line);
    hak_text_add(page->text, "\n");
}

bool fault_stacks_add(struct hak_text *text, const char *report, const char *json) {
    json_t *document = json_loads(json, 0, NULL);
    struct page page = {.fault = json_object_get(document, "fault"), .text = text};
    const char *code = json_string_value(json_object_get(page.fault, "code"));
    char *lines = strdup(report), *rest = lines;
    page.is_of_program = code && (strncmp(code, "HKM-2", 5) == 0 || strncmp(code, "HKM-3", 5) == 0);
    bool is_whole = page.fault && lines;
    for (char *line; is_whole && (line = strsep(&rest, "\n")) != NULL;)
        if (rest || line[0])
            write_line(&page, line);
    free(lines);
    json_decref(document);
    return is_whole;
}
