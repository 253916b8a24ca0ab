/* Keeps the places of stacks once each, and finds the path that a stack goes through. */
#include "viewer/profile/places.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"
#include "viewer/profile/skip.h"

#define DEPTH_MAX  4096 /* of a chain of nodes; a longer one is damage */
#define LEVELS_MAX 64   /* of one node */
#define PATH_MOST  1024 /* places of a path; what is further out is left out */

/* ---- texts, labels, places ---------------------------------------------------------------------
 */

/* The one copy of a text, so that equal texts are equal pointers; "" and p->failed where memory
 * ends. */
static const char *keep_text(struct profile_places *p, const char *text) {
    size_t bytes = strlen(text);
    uint64_t key = hak_index_hash(text, bytes), at = 0;
    if (!bytes)
        return "";
    for (uint32_t row; (row = hak_index_find(&p->by_text, key, &at)) != 0;)
        if (strcmp(p->text[row - 1], text) == 0)
            return p->text[row - 1];
    char *copy = hak_growing_make_room(&p->text, p->texts, &p->text_room, sizeof *p->text)
                     ? strdup(text)
                     : NULL;
    p->failed |= !copy || !hak_index_add(&p->by_text, key, p->texts + 1);
    if (p->failed) {
        free(copy);
        return "";
    }
    return p->text[p->texts++] = copy;
}

/* A key of a label's texts by their addresses: texts that were kept are the same when these are. */
static uint64_t key_of_texts(const struct profile_label *l) {
    uint64_t key = hak_index_mix((uintptr_t)l->function, (uintptr_t)l->file);
    return hak_index_mix(hak_index_mix(key, (uintptr_t)l->module),
                         l->offset ^ (uint64_t)l->line << 32);
}

/* Number of the label with these texts (and this line, but for functions), added if it is new; 0,
 * and p->failed, without memory. */
static uint32_t number_label(struct profile_places *p, enum profile_key key,
                             const struct profile_label *l) {
    uint64_t hash = hak_index_mix(key_of_texts(l), key), at = 0;
    for (uint32_t row; (row = hak_index_find(&p->by_label, hash, &at)) != 0;) {
        const struct profile_label *found = &p->label[row - 1];
        if (found->function == l->function && found->file == l->file &&
            found->module == l->module && found->offset == l->offset &&
            (key == PROFILE_FUNCTION || found->line == l->line))
            return row - 1;
    }
    p->failed |= !hak_growing_make_room(&p->label, p->labels, &p->label_room, sizeof *p->label) ||
                 !hak_index_add(&p->by_label, hash, p->labels + 1);
    if (p->failed)
        return 0;
    p->label[p->labels] = *l;
    return p->labels++;
}

/* Finds the labels of a place: of functions that are not known each address is one. */
static void label_place(struct profile_places *p, struct profile_place *place) {
    const struct hak_frame *f = &place->frame;
    bool is_named = f->function[0] || f->line;
    struct profile_label line = {.function = f->function,
                                 .file = f->file,
                                 .module = is_named && f->file[0] ? "" : f->module,
                                 .offset = is_named ? 0 : f->module_offset,
                                 .line = f->line,
                                 .is_none = !is_named && !f->ip};
    struct profile_label function = line, file = {.is_none = line.is_none}, module = file;
    function.line = 0;
    if (f->file[0])
        file.file = f->file;
    else
        file.file = "";
    file.function = module.function = module.file = "";
    file.module = f->file[0] ? "" : f->module;
    module.module = f->module;
    place->label[PROFILE_LINE] = number_label(p, PROFILE_LINE, &line);
    place->label[PROFILE_FILE] = number_label(p, PROFILE_FILE, &file);
    place->label[PROFILE_MODULE] = number_label(p, PROFILE_MODULE, &module);
    uint32_t before = p->labels;
    uint32_t number = place->label[PROFILE_FUNCTION] = number_label(p, PROFILE_FUNCTION, &function);
    if (p->failed)
        return;
    struct profile_label *label = &p->label[number]; /* its line, where it has but one */
    label->has_lines = number < before && (label->has_lines || label->line != f->line);
    label->line = label->has_lines ? 0 : f->line;
}

/* Whether the function, module or FILE:LINE of a frame matches. */
static bool is_matched(const regex_t *regex, const struct hak_frame *f) {
    if (regexec(regex, f->function, 0, NULL, 0) == 0 || regexec(regex, f->module, 0, NULL, 0) == 0)
        return true;
    if (!f->file[0])
        return false;
    size_t room = strlen(f->file) + sizeof ":4294967295";
    char *where = malloc(room);
    if (!where)
        return false;
    snprintf(where, room, "%s:%u", f->file, f->line);
    bool found = regexec(regex, where, 0, NULL, 0) == 0;
    free(where);
    return found;
}

/* Sets by name whether a place is hidden, skipped, focused or ignored, and its labels. */
static void look_at_place(struct profile_places *p, struct profile_place *place) {
    const struct hak_frame *f = &place->frame;
    place->is_hidden =
        f->is_hakmem || (!p->shows_all && (hak_words_is_start(f) || hak_words_library(f)));
    place->is_interpreter = !p->shows_all && hak_words_is_interpreter(f);
    place->is_skipped = p->has_skip && regexec(&p->skip, f->function, 0, NULL, 0) == 0;
    place->is_focus = p->focus && is_matched(p->focus, f);
    place->is_ignored = p->ignore && is_matched(p->ignore, f);
    label_place(p, place);
}

/* Whether two frames, whose texts are kept, are the same place. */
static bool is_same_place(const struct hak_frame *a, const struct hak_frame *b) {
    return a->function == b->function && a->file == b->file && a->module == b->module &&
           a->line == b->line && a->module_offset == b->module_offset && a->inlined == b->inlined &&
           a->is_hakmem == b->is_hakmem;
}

/* The number of a frame's place, which is made if it is new. */
static uint32_t number_place(struct profile_places *p, const struct hak_frame *frame) {
    struct profile_place place = {.frame = *frame};
    place.frame.function = keep_text(p, frame->function);
    place.frame.file = keep_text(p, frame->file);
    place.frame.module = keep_text(p, frame->module);
    if (frame->line) /* the address says no more than the line */
        place.frame.ip = place.frame.module_offset = 0;
    struct profile_label key = {.function = place.frame.function,
                                .file = place.frame.file,
                                .module = place.frame.module,
                                .offset = place.frame.module_offset,
                                .line = place.frame.line};
    uint64_t hash = key_of_texts(&key), at = 0;
    for (uint32_t row; !p->failed && (row = hak_index_find(&p->by_place, hash, &at)) != 0;)
        if (is_same_place(&p->place[row - 1].frame, &place.frame))
            return row - 1;
    if (!p->failed)
        look_at_place(p, &place);
    p->failed = p->failed ||
                !hak_growing_make_room(&p->place, p->places, &p->place_room, sizeof *p->place) ||
                !hak_index_add(&p->by_place, hash, p->places + 1);
    if (p->failed)
        return 0;
    p->place[p->places] = place;
    return p->places++;
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

/* Reads the places (one, and one for each inlined function) of an address and keeps them. NULL:
 * p->failed or p->error. */
static const struct profile_code *read_code(struct profile_places *p,
                                            const struct hak_node_row *node, uint64_t key) {
    struct hak_frame levels[LEVELS_MAX];
    int count = hak_store_node_frames(p->view->reader, node, levels, LEVELS_MAX);
    if (count < 0)
        p->error = count;
    struct profile_code code = {.process = node->process,
                                .generation = node->generation,
                                .ip = node->ip,
                                .first = p->of_codes_count};
    for (int i = 0; i < count && !p->failed; i++) {
        p->failed |= !hak_growing_make_room(&p->of_codes, p->of_codes_count, &p->of_codes_room,
                                            sizeof *p->of_codes);
        if (!p->failed)
            p->of_codes[p->of_codes_count++] = number_place(p, &levels[i]);
        code.count++;
    }
    p->failed |= !hak_growing_make_room(&p->code, p->codes, &p->code_room, sizeof *p->code) ||
                 !hak_index_add(&p->by_code, key, p->codes + 1);
    if (p->failed || p->error)
        return NULL;
    p->code[p->codes] = code;
    return &p->code[p->codes++];
}

/* The places of an address, which are read if they are not known yet; NULL on an error. */
static const struct profile_code *find_code(struct profile_places *p,
                                            const struct hak_node_row *node) {
    uint64_t key = hak_index_mix(node->ip, (uint64_t)node->process << 32 | node->generation);
    uint64_t at = 0;
    for (uint32_t row; (row = hak_index_find(&p->by_code, key, &at)) != 0;) {
        const struct profile_code *found = &p->code[row - 1];
        if (found->ip == node->ip && found->process == node->process &&
            found->generation == node->generation)
            return found;
    }
    return read_code(p, node, key);
}

/* Appends an address's places to the frames of the stack that is read. False without memory. */
static bool add_code(struct profile_places *p, const struct profile_code *code, uint32_t *count) {
    for (uint32_t i = 0; i < code->count; i++, ++*count) {
        p->failed |= !hak_growing_make_room(&p->frame, *count, &p->frame_room, sizeof *p->frame) ||
                     !hak_growing_make_room(&p->frame_place, *count, &p->frame_place_room,
                                            sizeof *p->frame_place) ||
                     !hak_growing_make_room(&p->frame_code, *count, &p->frame_code_room,
                                            sizeof *p->frame_code);
        if (p->failed)
            return false;
        p->frame_code[*count] = (uint32_t)(code - p->code);
        p->frame_place[*count] = p->of_codes[code->first + i];
        p->frame[*count] = p->place[p->frame_place[*count]].frame;
    }
    return true;
}

/* Reads all frames of a stack, DEPTH_MAX addresses at most, into frame and frame_place. False:
 * p->failed or p->error. */
static bool read_frames(struct profile_places *p, uint32_t stack, uint32_t *count) {
    struct hak_node_row node;
    int found = 1;
    *count = 0;
    for (int depth = 0; stack && depth < DEPTH_MAX; depth++) {
        found = hak_store_node(p->view->reader, stack, &node);
        if (found <= 0)
            break;
        const struct profile_code *code = find_code(p, &node);
        if (!code || !add_code(p, code, count))
            return false;
        stack = node.parent;
    }
    if (found < 0)
        p->error = found;
    return found >= 0;
}

/* Appends a place to a path; false where memory ends. */
static bool add_to_path(struct profile_path *path, uint32_t place, uint32_t code,
                        enum profile_shown shown) {
    if (!hak_growing_make_room(&path->place, path->count, &path->capacity, sizeof *path->place) ||
        !hak_growing_make_room(&path->code, path->count, &path->code_capacity,
                               sizeof *path->code) ||
        !hak_growing_make_room(&path->shown, path->count, &path->shown_capacity,
                               sizeof *path->shown))
        return false;
    path->code[path->count] = code;
    path->shown[path->count] = (uint8_t)shown;
    path->shown_count += shown != PROFILE_FOLDED;
    path->place[path->count++] = place;
    return true;
}

/* Finds the frame that tells who allocated; where --skip passes over it, its first caller that is
 * shown. */
static int find_first(const struct profile_places *p, int count, bool has_python) {
    if (p->shows_all)
        return hak_words_program_frame(p->frame, count);
    int first = hak_words_telling_frame(p->frame, count);
    for (int i = first; i >= 0 && i < count; i++) {
        const struct profile_place *place = &p->place[p->frame_place[i]];
        if (!place->is_skipped && !(i > first && place->is_hidden) &&
            !(i > first && has_python && place->is_interpreter))
            return i;
    }
    return first; /* there is no other */
}

/* A block that a library took for itself stands in front of who called the library. True: it is
 * one, and no frame of a library stands for it. */
static bool add_runtime(struct profile_places *p, uint32_t count, struct profile_path *path) {
    int inner = hak_words_program_frame(p->frame, (int)count);
    struct hak_text name = {0};
    if (p->shows_all || inner < 0 || !p->place[p->frame_place[inner]].is_hidden ||
        !hak_words_add_runtime(&name, p->frame, (int)count)) {
        hak_text_free(&name);
        return false;
    }
    struct hak_frame frame = p->frame[inner];
    frame.function = hak_text_string(&name);
    frame.file = "";
    frame.line = 0;
    frame.ip = frame.module_offset = 0;
    uint32_t number = number_place(p, &frame);
    hak_text_free(&name);
    if (p->failed)
        return true;
    p->label[p->place[number].label[PROFILE_FUNCTION]].is_runtime = true;
    p->label[p->place[number].label[PROFILE_LINE]].is_runtime = true;
    p->failed |= !add_to_path(path, number, UINT32_MAX, PROFILE_STAND_IN);
    return true;
}

bool profile_read_path(struct profile_places *p, uint32_t stack, struct profile_path *path) {
    static const struct hak_frame none = {.module = "", .function = "", .file = ""};
    uint32_t count;
    bool is_focus = !p->focus;
    path->count = path->shown_count = 0;
    path->is_left_out = false;
    if (!p->has_read_skip)
        profile_read_skip(p);
    if (!read_frames(p, stack, &count) || p->failed)
        return false;
    bool has_python = !p->shows_all && hak_words_has_python(p->frame, (int)count);
    bool is_runtime = add_runtime(p, count, path);
    int first = find_first(p, (int)count, has_python);
    for (uint32_t i = 0; i < count && !p->failed; i++) {
        const struct profile_place *place = &p->place[p->frame_place[i]];
        bool is_hidden = place->is_hidden || (has_python && place->is_interpreter);
        is_focus |= place->is_focus;
        path->is_left_out |= place->is_ignored;
        bool is_shown = first >= 0 && ((i == (uint32_t)first && !(is_runtime && is_hidden)) ||
                                       (i > (uint32_t)first && !is_hidden));
        bool is_kept = is_shown || (p->keeps_folded && !place->frame.is_hakmem);
        if (is_kept && path->shown_count < PATH_MOST)
            p->failed |= !add_to_path(path, p->frame_place[i], p->frame_code[i],
                                      is_shown ? PROFILE_SHOWN : PROFILE_FOLDED);
    }
    path->is_left_out |= !is_focus;
    if (path->count == 0 && !p->failed)
        p->failed |= !add_to_path(path, number_place(p, &none), UINT32_MAX, PROFILE_SHOWN);
    return !p->failed;
}

void profile_free_path(struct profile_path *path) {
    free(path->place);
    free(path->code);
    free(path->shown);
    *path = (struct profile_path){0};
}

/* Frees the places, labels and texts; all labels' texts are gone then. */
void profile_free_places(struct profile_places *p) {
    for (uint32_t i = 0; i < p->texts; i++)
        free(p->text[i]);
    free((void *)p->text);
    free(p->place);
    free(p->label);
    free(p->code);
    free(p->of_codes);
    free(p->frame);
    free(p->frame_place);
    free(p->frame_code);
    hak_index_free(&p->by_place);
    hak_index_free(&p->by_label);
    hak_index_free(&p->by_text);
    hak_index_free(&p->by_code);
    if (p->has_skip)
        regfree(&p->skip);
    p->has_skip = false;
}

/* ---- names -------------------------------------------------------------------------------------
 */

int profile_compare_labels(const struct profile_label *a, const struct profile_label *b) {
    int order = strcmp(a->function, b->function);
    order = order ? order : strcmp(a->file, b->file);
    order = order ? order : strcmp(a->module, b->module);
    if (order)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void add_module(struct hak_text *text, const struct profile_label *l) {
    hak_text_add(text, "%s", hak_words_path(l->module, 1, false));
}

void profile_add_name(struct hak_text *text, const struct profile_label *l, enum profile_key key) {
    if (l->is_none)
        hak_text_add(text, "no stack");
    else if (key == PROFILE_MODULE)
        add_module(text, l);
    else if (key == PROFILE_FILE && l->file[0])
        hak_text_add(text, "%s", hak_words_path(l->file, 2, false));
    else if (key == PROFILE_FILE)
        add_module(text, l);
    else
        hak_words_add_function(text, l->function);
}

void profile_add_where(struct hak_text *text, const struct profile_label *l, enum profile_key key) {
    if (l->is_none || key == PROFILE_FILE || key == PROFILE_MODULE)
        return;
    if (l->file[0] && !l->line)
        hak_text_add(text, "%s", hak_words_path(l->file, 2, false));
    else if (l->file[0])
        hak_text_add(text, "%s:%u", hak_words_path(l->file, 2, false), l->line);
    else if (l->function[0] || !l->module[0])
        add_module(text, l);
    else {
        add_module(text, l);
        hak_text_add(text, "+0x%llx", (unsigned long long)l->offset);
    }
}
