/* Makes the text of a stack that is the same on all hosts, and reads it again. */
#include "viewer/fleet/stack.h"

#include <jansson.h>
#include <string.h>
#include "viewer/fleet/document.h"

enum { NAME_BYTES = 256, NAMES_SHOWN = 4 };

/* ---- made of frames ---------------------------------------------------------------------------
 */

/* Appends a name from outside, cut, and without what would end its place in the line. */
static void add_plain(struct hak_text *text, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < length && i < NAME_BYTES; i++) {
        bool is_plain = (unsigned char)name[i] >= ' ' && name[i] != 0x7f;
        hak_text_add_bytes(text, is_plain ? &name[i] : "?", 1);
    }
}

/* Appends what is known of a frame wherever its module lies: its function; else its place in the
 * file, of which another build has other code there. */
static void add_identity(struct hak_text *text, const struct hak_database *db,
                         const struct hak_frame *frame) {
    struct hak_text name = {0};
    if (frame->function && frame->function[0])
        hak_words_add_bare_function(&name, frame->function, "");
    if (name.length) {
        add_plain(text, hak_text_string(&name));
    } else if (frame->module && frame->module[0]) {
        char *build = document_build(db, frame->module);
        add_plain(text, hak_words_path(frame->module, 1, false));
        hak_text_add(text, "+0x%llx", (unsigned long long)frame->module_offset);
        if (build && build[0]) {
            hak_text_add(text, " ");
            add_plain(text, build);
        }
        free(build);
    } else { /* code made at run time lies anywhere */
        hak_text_add(text, "?");
    }
    text->failed |= name.failed;
    hak_text_free(&name);
}

bool fleet_stack_add(struct hak_text *text, const struct hak_database *db,
                     const struct hak_frames *frames) {
    size_t begin = text->length;
    for (int i = 0; i < frames->count; i++) {
        const struct hak_frame *frame = &frames->frame[i];
        enum hak_frame_role role = hak_words_frame_role(frames->frame, frames->count, i);
        struct hak_text line = {0};
        if (role == HAK_FRAME_OWN || hak_words_is_start(frame))
            continue; /* each libc begins programs in its own way */
        add_identity(&line, db, frame);
        hak_text_add(&line, role == HAK_FRAME_PROGRAM ? "\t+\t" : "\t-\t");
        add_plain(&line, hak_words_path(frame->file ? frame->file : "", 1, false));
        hak_text_add(&line, "\n");
        bool has_room = text->length - begin + line.length <= FLEET_STACK_BYTES;
        if (has_room)
            hak_text_add_text(text, &line);
        hak_text_free(&line);
        if (!has_room)
            return false;
    }
    return true;
}

uint64_t fleet_stack_number(const char *text) {
    uint64_t hash = document_begin_hash();
    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
        hash = document_add_to_hash(hash, line, strcspn(line, "\t\n"));
    return document_end_hash(hash);
}

/* ---- read ------------------------------------------------------------------------------------
 */

/* A line of the text: foreign. */
struct stack_line {
    char function[NAME_BYTES + 64], file[NAME_BYTES + 64];
    char sign; /* '+' the program's, '-' a library's, '=' no frame, 0 = not known */
};

/* Copies up to a tabulator or the line's end; returns where that is. */
static const char *copy_part(char *out, size_t room, const char *from) {
    size_t length = strcspn(from, "\t\n"), taken = length < room ? length : room - 1;
    memcpy(out, from, taken);
    out[taken] = '\0';
    return from + length;
}

/* Reads the line at `*at`, and goes to the next one. False: there is none. */
static bool next_line(const char **at, struct stack_line *out) {
    const char *end = *at;
    char sign[2];
    if (!*end)
        return false;
    end = copy_part(out->function, sizeof out->function, end);
    end = copy_part(sign, sizeof sign, *end == '\t' ? end + 1 : end);
    end = copy_part(out->file, sizeof out->file, *end == '\t' ? end + 1 : end);
    end += strcspn(end, "\n");
    out->sign = sign[0];
    *at = end + (*end == '\n');
    return true;
}

/* Appends the names of the frames with the sign (0: of all), NAMES_SHOWN at most; how many there
 * were. */
static int add_names(struct hak_text *to, const char *text, char sign) {
    struct stack_line line;
    int names = 0;
    for (const char *at = text; names < NAMES_SHOWN && next_line(&at, &line);) {
        if (sign && line.sign != sign)
            continue;
        hak_text_add(to, names ? " < %s" : "%s", line.function);
        if (!names && line.file[0])
            hak_text_add(to, " %s", line.file);
        names++;
    }
    return names;
}

void fleet_stack_add_line(struct hak_text *line, const char *text) {
    if (!add_names(line, text, '+') && !add_names(line, text, 0))
        hak_text_add(line, "no stack");
}

json_t *fleet_stack_json(const char *text) {
    json_t *list = json_array();
    struct stack_line line;
    for (const char *at = text; next_line(&at, &line);)
        hak_json_add(list, TEXT("function", line.function), TEXT("file", line.file),
                     FLAG("is_library", line.sign == '-'));
    return list;
}
