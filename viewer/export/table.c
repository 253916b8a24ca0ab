/* The rows of the profile as CSV and as JSON lines: one for each process and stack. */
#include "viewer/export/parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/export/csv.h"

/* The frame that names a row: the first of its path. */
static const struct hak_frame *top_frame(const struct export *e) {
    return &e->places.place[e->path.place[0]].frame;
}

/* ---- CSV ---------------------------------------------------------------------------------------
 */

/* Appends a row of the profile as CSV: process, sums, the telling frame and the whole stack. */
static void add_csv_row(struct hak_text *text, struct export *e, const struct export_row *row) {
    const struct export_process *process = export_find_process(e, row->process);
    const struct hak_frame *frame = top_frame(e);
    const struct profile_sums *s = &row->sums;
    const struct hak_amount *const sums[] = {&s->live, &s->came, &s->went, &s->brief, &s->before};
    struct hak_text name = {0}, stack = {0};
    csv_add_number(text, row->process);
    csv_add_number(text, process ? (uint64_t)process->pid : 0);
    csv_add_foreign(text, process ? process->program : "");
    csv_add_number(text, row->stack);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        csv_add_number(text, sums[i]->blocks);
        csv_add_number(text, sums[i]->bytes);
    }
    export_add_name(&name, frame);
    csv_add_text(text, &name);
    csv_add_foreign(text, frame->file);
    csv_add_number(text, frame->line);
    csv_add_foreign(text, frame->module);
    export_add_folded(&stack, &e->places, &e->path, PROFILE_FUNCTION);
    csv_add_text(text, &stack);
    csv_end_row(text);
}

int export_csv(struct export *e) {
    struct hak_text heading = {0};
    int status = export_read_processes(e);
    hak_text_add(&heading,
                 "process,pid,program,stack,live_blocks,live_bytes,came_blocks,came_bytes,"
                 "went_blocks,went_bytes,short_lived_blocks,short_lived_bytes,"
                 "before_blocks,before_bytes,function,file,line,module,frames\n");
    view_sink_add(e->sink, &heading);
    for (uint32_t i = 0; i < e->rows && status == 0; i++) {
        struct hak_text text = {0};
        if (!export_find_path(e, &e->row[i]))
            break;
        add_csv_row(&text, e, &e->row[i]);
        view_sink_add(e->sink, &text);
    }
    return status;
}

/* ---- JSON lines --------------------------------------------------------------------------------
 */

/* A row of the profile as JSON, with all frames. */
static json_t *row_json(struct export *e, const struct export_row *row) {
    const struct export_process *process = export_find_process(e, row->process);
    json_t *object = json_object(), *frames = json_array();
    const struct profile_sums *s = &row->sums;
    hak_json_set(object, NUMBER("process", row->process),
                 NUMBER("pid", process ? (uint64_t)process->pid : 0),
                 TEXT("program", process ? process->program : ""), NUMBER("stack", row->stack),
                 SUM("live", s->live), SUM("came", s->came), SUM("went", s->went),
                 SUM("short_lived", s->brief), SUM("before", s->before));
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
