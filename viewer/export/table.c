/* The rows of the profile as CSV and as JSON lines: one for each process and stack. */
#include "viewer/export/parts.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/export/csv.h"

/* The members of a row that CSV and JSON have. */
#define ROW_MEMBERS(row, process)                                                                  \
    NUMBER("process", (row)->process), NUMBER("pid", (process) ? (process)->pid : 0),              \
        TEXT("program", (process) ? (process)->program : ""), NUMBER("stack", (row)->stack),       \
        SUM("live", (row)->sums.live), SUM("came", (row)->sums.came),                              \
        SUM("went", (row)->sums.went), SUM("short_lived", (row)->sums.brief),                      \
        SUM("before", (row)->sums.before)

/* ---- CSV ---------------------------------------------------------------------------------------
 */

/* Writes a row of the profile as CSV: process, sums, the frame that names it, the first of its
 * path, and the whole stack; NULL: the heading. */
static void write_csv_row(struct export *e, const struct export_row *row) {
    static const struct export_row none;
    static const struct hak_frame no_frame = {.function = "", .file = "", .module = ""};
    const struct export_row *is = row ? row : &none;
    const struct export_process *process = export_find_process(e, is->process);
    const struct hak_frame *frame = row ? &e->places.place[e->path.place[0]].frame : &no_frame;
    struct hak_text text = {0}, name = {0}, stack = {0};
    export_add_name(&name, frame);
    if (row)
        export_add_folded(&stack, &e->places, &e->path, PROFILE_FUNCTION);
    csv_row(&text, !row, ROW_MEMBERS(is, process), WORD("function", hak_text_string(&name)),
            TEXT("file", frame->file), NUMBER("line", frame->line), TEXT("module", frame->module),
            WORD("frames", hak_text_string(&stack)));
    text.failed |= name.failed | stack.failed;
    hak_text_free(&name);
    hak_text_free(&stack);
    view_sink_add(e->sink, &text);
}

int export_csv(struct export *e) {
    int status = export_read_processes(e);
    write_csv_row(e, NULL);
    for (uint32_t i = 0; i < e->rows && status == 0; i++) {
        if (!export_find_path(e, &e->row[i]))
            break;
        write_csv_row(e, &e->row[i]);
    }
    return status;
}

/* ---- JSON lines --------------------------------------------------------------------------------
 */

/* A row of the profile as JSON, with all frames. */
static json_t *row_json(struct export *e, const struct export_row *row) {
    const struct export_process *process = export_find_process(e, row->process);
    json_t *object = json_object(), *frames = json_array();
    hak_json_set(object, ROW_MEMBERS(row, process));
    for (uint32_t i = 0; i < e->path.count; i++) {
        const struct hak_frame *f = &e->places.place[e->path.place[i]].frame;
        hak_json_add(frames, TEXT("function", f->function), TEXT("file", f->file),
                     KNOWN("line", f->line != 0, f->line), TEXT("module", f->module),
                     KNOWN("module_offset", !f->line && f->module[0], f->module_offset));
    }
    return hak_json_set(object, JSON("frames", frames));
}

void export_add_json_line(struct view_sink *sink, json_t *object) {
    char *line = hak_json_dump(object, JSON_COMPACT);
    struct hak_text none = {.failed = !line};
    json_decref(object);
    if (line) {
        view_sink_add_bytes(sink, line, strlen(line));
        view_sink_add_bytes(sink, "\n", 1);
    } else
        view_sink_add(sink, &none);
    free(line);
}

int export_jsonl(struct export *e) {
    int status = export_read_processes(e);
    for (uint32_t i = 0; i < e->rows && status == 0; i++) {
        if (!export_find_path(e, &e->row[i]))
            break;
        export_add_json_line(e->sink, row_json(e, &e->row[i]));
    }
    return status;
}
