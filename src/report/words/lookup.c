/* Small questions to a store: frames of a stack and names of threads, as copies that stay valid. */
#include "report/words/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

/* Frames kept of a stack with inlined levels; deeper ones say nothing more to a reader. */
#define FRAMES_MAX 1024
#define FRAMES_TOP 4

static size_t string_bytes(const char *s) {
    return s ? strlen(s) + 1 : 1;
}

/* Copies the text to `*to`, which moves behind it. Returns the copy. */
static const char *copy_string(char **to, const char *s) {
    size_t bytes = string_bytes(s);
    char *start = *to;
    memcpy(start, s ? s : "", bytes);
    *to += bytes;
    return start;
}

int hak_frames_copy(struct hak_frames *out, const struct hak_frame *frames, int count) {
    *out = (struct hak_frames){0};
    if (count <= 0)
        return 0;
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += string_bytes(frames[i].module) + string_bytes(frames[i].function) +
                 string_bytes(frames[i].file);
    out->frame = calloc((size_t)count, sizeof *out->frame);
    out->strings = malloc(bytes);
    if (!out->frame || !out->strings) {
        hak_frames_free(out);
        return -1;
    }
    char *to = out->strings;
    for (int i = 0; i < count; i++) {
        out->frame[i] = frames[i];
        out->frame[i].module = copy_string(&to, frames[i].module);
        out->frame[i].function = copy_string(&to, frames[i].function);
        out->frame[i].file = copy_string(&to, frames[i].file);
    }
    out->count = count;
    return 0;
}

/* Loads at most `most` frames of a stack; none for stack 0. */
static int load(struct hak_frames *out, struct hak_store_reader *r, uint32_t stack, int most) {
    *out = (struct hak_frames){0};
    if (!r || stack == 0)
        return 0;
    struct hak_frame *frames = calloc((size_t)most, sizeof *frames);
    if (!frames)
        return hak_store_no_memory(hak_store_database(r)->path);
    int count = hak_store_frames(r, stack, frames, most);
    int result = count < 0 ? count : hak_frames_copy(out, frames, count);
    free(frames);
    return result;
}

int hak_frames_load(struct hak_frames *out, struct hak_store_reader *r, uint32_t stack) {
    return load(out, r, stack, FRAMES_MAX);
}

int hak_frames_load_top(struct hak_frames *out, struct hak_store_reader *r, uint32_t stack) {
    for (int most = FRAMES_TOP;; most = FRAMES_MAX) {
        int result = load(out, r, stack, most);
        if (result < 0 || most == FRAMES_MAX || out->count < most)
            return result;
        int telling = hak_words_telling_frame(out->frame, out->count);
        if (telling >= 0 && out->frame[telling].file[0] &&
            hak_words_frame_role(out->frame, out->count, telling) == HAK_FRAME_PROGRAM)
            return result;
        hak_frames_free(out);
    }
}

void hak_frames_free(struct hak_frames *frames) {
    free(frames->frame);
    free(frames->strings);
    *frames = (struct hak_frames){0};
}

static const char reading[] = "reading threads";

bool hak_lookup_thread(struct hak_store_reader *r, uint32_t row, struct hak_thread_words *out) {
    *out = (struct hak_thread_words){0};
    if (!r || row == 0)
        return false;
    struct hak_query q =
        hak_ask(hak_store_database(r),
                "SELECT number, process, tid, name FROM thread WHERE id = ?1", reading, row);
    bool found = hak_query_next(&q);
    if (found) {
        out->number = hak_query_id(&q, 0);
        out->process = hak_query_id(&q, 1);
        out->tid = (int)hak_query_number(&q, 2);
        /* The kernel's have 15 bytes: a longer one is no name of a thread, and cut. */
        if (snprintf(out->name, sizeof out->name, "%s", hak_query_text(&q, 3)) >=
            (int)sizeof out->name)
            strcpy(out->name + sizeof out->name - sizeof " ... (cut)", " ... (cut)");
    }
    hak_query_end(&q);
    return found;
}

uint32_t hak_lookup_thread_row(struct hak_store_reader *r, uint32_t process, uint32_t number) {
    if (!r || number == 0)
        return 0;
    struct hak_query q =
        hak_ask(hak_store_database(r), "SELECT id FROM thread WHERE process = ?1 AND number = ?2",
                reading, process, number);
    uint32_t row = hak_query_next(&q) ? hak_query_id(&q, 0) : 0;
    hak_query_end(&q);
    return row;
}

bool hak_lookup_thread_origin(struct hak_store_reader *r, uint32_t row,
                              struct hak_thread_origin_row *out) {
    uint64_t v[3] = {0};
    if (r)
        hak_database_numbers(hak_store_database(r),
                             "SELECT creator, stack, process FROM thread WHERE id = ?1", row, v, 3);
    *out = (struct hak_thread_origin_row){.creator = (uint32_t)v[0], .stack = (uint32_t)v[1]};
    out->creator_row = hak_lookup_thread_row(r, (uint32_t)v[2], out->creator);
    return out->creator != 0 || out->stack != 0;
}

int hak_lookup_pid(struct hak_store_reader *r, uint32_t row) {
    return r ? (int)hak_database_number(hak_store_database(r),
                                        "SELECT pid FROM process WHERE id = ?1", row)
             : 0;
}

const char *hak_words_named_thread(uint32_t number, const char *name) {
    return number == 0 ? "?" : name[0] ? hak_words_quoted(number, name) : hak_words_number(number);
}

const char *hak_words_thread(const struct hak_thread_words *thread) {
    return hak_words_named_thread(thread->number, thread->name);
}

bool hak_lookup_fault(struct hak_store_reader *r, uint32_t row, struct hak_fault_words_row *out) {
    uint64_t v[7] = {0};
    bool found =
        r && hak_database_numbers(
                 hak_store_database(r),
                 "SELECT id, code, process, thread, event, ns, CASE WHEN json_valid(json) THEN"
                 " json_extract(json, '$.fault.found_by') IN"
                 " ('access', 'function', 'look at a function', 'watchpoint') END"
                 " FROM fault WHERE id = ?1",
                 row, v, 7) == 1;
    *out = (struct hak_fault_words_row){.id = (uint32_t)v[0],
                                        .code = (uint32_t)v[1],
                                        .process = (uint32_t)v[2],
                                        .thread = (uint32_t)v[3],
                                        .event = v[4],
                                        .ns = v[5],
                                        .is_access = v[6] != 0};
    return found;
}
