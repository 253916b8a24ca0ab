/* Gathers the exported data: the rows of the profile, the processes and the modules. */
#include "viewer/export/parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Keeps a row, unless its stack is left out or its path cannot be read. */
static void keep_row(void *context, const struct profile_item *item) {
    struct export *e = context;
    if (e->failed || !profile_read_path(&e->places, item->stack, &e->path) || e->path.is_left_out)
        return;
    if (!hak_growing_make_room(&e->row, e->rows, &e->row_room, sizeof *e->row)) {
        e->failed = true;
        return;
    }
    e->row[e->rows++] = (struct export_row){item->process, item->stack, item->sums};
}

/* By process, then stack. */
static int compare_rows(const void *a, const void *b) {
    const struct export_row *x = a, *y = b;
    if (x->process != y->process)
        return x->process < y->process ? -1 : 1;
    return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Sums rows up to one for each process and stack: with --thread, or after a fork, there may be
 * several. */
static void merge_rows(struct export *e) {
    uint32_t kept = 0;
    if (e->rows)
        qsort(e->row, e->rows, sizeof *e->row, compare_rows);
    for (uint32_t i = 0; i < e->rows; i++)
        if (kept && compare_rows(&e->row[kept - 1], &e->row[i]) == 0)
            profile_add_sums(&e->row[kept - 1].sums, &e->row[i].sums);
        else
            e->row[kept++] = e->row[i];
    e->rows = kept;
}

int export_begin(struct export *e, bool is_whole) {
    struct profile_query *q = &e->query;
    if (!profile_read_query(e->view, q))
        return view_question_status();
    if (is_whole && !q->is_span) {
        q->is_span = true;
        q->from = (struct view_moment){.kind = VIEW_AT_START};
    }
    e->places = (struct profile_places){.view = e->view,
                                        .shows_all = q->shows_all,
                                        .focus = q->has_focus ? &q->focus : NULL,
                                        .ignore = q->has_ignore ? &q->ignore : NULL};
    return 0;
}

int export_read(struct export *e, bool is_whole) {
    int status = export_begin(e, is_whole);
    if (status == 0)
        status = profile_gather(&e->query, &e->facts, keep_row, e);
    if (status == 0)
        status = export_say_errors(e);
    if (status == 0)
        status = view_look_again(e->view);
    merge_rows(e);
    return status;
}

bool export_find_path(struct export *e, const struct export_row *row) {
    return profile_read_path(&e->places, row->stack, &e->path);
}

int export_say_errors(struct export *e) {
    if (e->places.error)
        return view_store_error(e->view, e->places.error);
    if (!e->failed && !e->places.failed)
        return 0;
    view_error("out of memory");
    return VIEW_USAGE;
}

void export_free(struct export *e) {
    for (uint32_t i = 0; i < e->processes; i++) {
        free(e->process[i].program);
        free(e->process[i].command_line);
    }
    for (uint32_t i = 0; i < e->modules; i++) {
        free(e->module[i].path);
        free(e->module[i].build_id);
    }
    free(e->process);
    free(e->module);
    free(e->row);
    profile_free_path(&e->path);
    profile_free_places(&e->places);
    profile_free_query(&e->query);
}

/* ---- who, and in what --------------------------------------------------------------------------
 */

static char *copy_column(struct export *e, const struct hak_query *q, int column) {
    char *copy = strdup(hak_query_text(q, column));
    e->failed |= !copy;
    return copy;
}

int export_read_processes(struct export *e) {
    struct hak_query q = hak_ask(hak_store_database(e->view->reader),
                                 "SELECT id, parent, pid, parent_pid, start_ns, end_ns, program,"
                                 " command_line FROM process ORDER BY id",
                                 "reading processes");
    while (hak_query_next(&q) && !e->failed) {
        e->failed |=
            !hak_growing_make_room(&e->process, e->processes, &e->process_room, sizeof *e->process);
        if (e->failed)
            break;
        e->process[e->processes++] = (struct export_process){.row = hak_query_id(&q, 0),
                                                             .parent = hak_query_id(&q, 1),
                                                             .pid = (int)hak_query_id(&q, 2),
                                                             .parent_pid = (int)hak_query_id(&q, 3),
                                                             .start_ns = hak_query_count(&q, 4),
                                                             .end_ns = hak_query_count(&q, 5),
                                                             .program = copy_column(e, &q, 6),
                                                             .command_line = copy_column(e, &q, 7)};
    }
    return view_end_query(e->view, &q, !e->failed);
}

int export_read_modules(struct export *e) {
    struct hak_query q = hak_ask(hak_store_database(e->view->reader),
                                 "SELECT process, generation, image, start, \"end\", load_bias,"
                                 " path, build_id FROM module ORDER BY process, generation DESC,"
                                 " id DESC",
                                 "reading modules");
    while (hak_query_next(&q) && !e->failed) {
        e->failed |=
            !hak_growing_make_room(&e->module, e->modules, &e->module_room, sizeof *e->module);
        if (e->failed)
            break;
        e->module[e->modules++] = (struct export_module){.process = hak_query_id(&q, 0),
                                                         .generation = hak_query_id(&q, 1),
                                                         .image = hak_query_id(&q, 2),
                                                         .start = hak_query_number(&q, 3),
                                                         .end = hak_query_number(&q, 4),
                                                         .load_bias = hak_query_number(&q, 5),
                                                         .path = copy_column(e, &q, 6),
                                                         .build_id = copy_column(e, &q, 7)};
    }
    return view_end_query(e->view, &q, !e->failed);
}

const struct export_process *export_find_process(const struct export *e, uint32_t row) {
    uint32_t low = 0, high = e->processes;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (e->process[middle].row < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < e->processes && e->process[low].row == row ? &e->process[low] : NULL;
}

/* The first module of a process; those that were loaded last come first. */
static uint32_t first_module(const struct export *e, uint32_t process) {
    uint32_t low = 0, high = e->modules;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (e->module[middle].process < process)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct export_module *export_find_module(const struct export *e,
                                               const struct profile_code *code) {
    uint32_t process = code->process;
    for (uint32_t depth = 0; process && depth <= e->processes; depth++) {
        for (uint32_t i = first_module(e, process);
             i < e->modules && e->module[i].process == process; i++) {
            const struct export_module *m = &e->module[i];
            if (m->start <= code->ip && code->ip < m->end && m->generation <= code->generation)
                return m;
        }
        const struct export_process *p = export_find_process(e, process);
        process = p ? p->parent : 0;
    }
    return NULL;
}

/* ---- when --------------------------------------------------------------------------------------
 */

uint64_t export_begin_ns(const struct export *e) {
    return hak_database_meta_number(hak_store_database(e->view->reader), "started");
}

uint64_t export_moment_ns(const struct export *e) {
    return profile_time(&e->query, &e->query.at);
}

/* ---- names -------------------------------------------------------------------------------------
 */

void export_add_name(struct hak_text *text, const struct hak_frame *frame) {
    if (frame->function[0])
        hak_text_add(text, "%s", frame->function);
    else if (!frame->ip && !frame->line && !frame->module[0])
        hak_text_add(text, "no stack");
    else if (frame->module[0])
        hak_text_add(text, "%s+0x%llx", hak_words_path(frame->module, 1, false),
                     (unsigned long long)frame->module_offset);
    else
        hak_text_add(text, "0x%llx", (unsigned long long)frame->ip);
}

/* Appends the frame's name by the key: file or module alone where it is known, else the function,
 * by line with its place. */
static void add_key(struct hak_text *text, const struct hak_frame *f, enum profile_key key) {
    const char *file = f->file[0] ? f->file : f->module;
    if (key == PROFILE_FILE || key == PROFILE_MODULE)
        file = key == PROFILE_MODULE ? f->module : file;
    if ((key == PROFILE_FILE || key == PROFILE_MODULE) && file[0]) {
        hak_text_add(text, "%s", file);
        return;
    }
    export_add_name(text, f);
    if (key == PROFILE_LINE && f->file[0])
        hak_text_add(text, " (%s:%u)", hak_words_path(f->file, 2, false), f->line);
}

/* Adds a path as frames with semicolons between them. A semicolon in a name would end the frame:
 * readers of this format write a colon for it. */
void export_add_folded(struct hak_text *text, const struct profile_places *places,
                       const struct profile_path *path, enum profile_key key) {
    for (uint32_t i = path->count; i-- > 0;) {
        size_t from = text->length;
        add_key(text, &places->place[path->place[i]].frame, key);
        for (size_t k = from; k < text->length; k++)
            if (text->bytes[k] == ';')
                text->bytes[k] = ':';
        if (i)
            hak_text_add(text, ";");
    }
}
