/* Data that the files of this room share: the query, the rows of the profile, names. */
#ifndef HAK_VIEWER_EXPORT_PARTS_H
#define HAK_VIEWER_EXPORT_PARTS_H

#include "viewer/profile/profile.h"

/* A process of the capture. */
struct export_process {
    uint32_t row, parent; /* row ids; parent 0 = none is known */
    int pid, parent_pid;
    uint64_t start_ns, end_ns;
    char *program, *command_line; /* the program's path */
};

/* A module as it lies in a process. */
struct export_module {
    uint32_t process, generation, image;
    uint64_t start, end, load_bias;
    char *path, *build_id; /* build_id: hexadecimal, "" = none */
};

/* Forked processes have the same ones. */
static inline bool export_is_same_mapping(const struct export_module *a,
                                          const struct export_module *b) {
    return a->image == b->image && a->start == b->start && a->end == b->end;
}

/* The sums of one process, thread and stack. */
struct export_row {
    uint32_t process, stack; /* row ids */
    struct profile_sums sums;
};

struct export {
    struct view *view;
    struct view_sink *sink;
    struct profile_query query;
    struct profile_facts facts;
    struct profile_places places;
    struct profile_path path; /* of the row at hand */
    struct export_row *row;   /* by process and stack */
    uint32_t rows, row_room;
    struct export_process *process; /* by row id */
    uint32_t processes, process_room;
    struct export_module *module; /* by process */
    uint32_t modules, module_room;
    bool failed; /* no memory */
};

/* Reads the options of the profile. `is_whole`: each row has all that came and went before the
 * moment, too. 0, or an exit status: the error is printed. */
int export_begin(struct export *e, bool is_whole);
/* Calls export_begin, then fills in e->row from the recording. Status as above. */
int export_read(struct export *e, bool is_whole);
/* Puts the path of a row into e->path. False: e->places says why. */
bool export_find_path(struct export *e, const struct export_row *row);
/* Reads all processes of the capture, ordered by row, into e->process. 0, or an exit status: the
 * error is printed. */
int export_read_processes(struct export *e);

/* Reads all modules of the capture, the newest generation of a process first, into e->module. 0, or
 * an exit status: the error is printed. */
int export_read_modules(struct export *e);
/* Finds a process by row; NULL = the store has no such row. */
const struct export_process *export_find_process(const struct export *e, uint32_t row);
/* Finds the module that the code of a return address lay in: the newest one of its generation or
 * before, of its process, else of the nearest parent that has one. NULL = none. */
const struct export_module *export_find_module(const struct export *e,
                                               const struct profile_code *code);
/* The time that the capture began at, in ns since 1970; 0 = not known. */
uint64_t export_begin_ns(const struct export *e);
/* The time of the moment, in ns since the capture's begin. */
uint64_t export_moment_ns(const struct export *e);
/* Prints what went wrong while rows were written; 0, or the exit status of it. */
int export_say_errors(struct export *e);
void export_free(struct export *e);

/* Appends the whole name of a frame's function, "libfoo.so+0x1234" where it has none, "no stack" of
 * no frame. All bytes are harmless (report/text/text.h). */
void export_add_name(struct hak_text *text, const struct hak_frame *frame);
/* Appends a path as folded stacks have it: "main;parse;parse_row", what `key` says of each frame.
 */
void export_add_folded(struct hak_text *text, const struct profile_places *places,
                       const struct profile_path *path, enum profile_key key);
/* Writes an object (whose reference is dropped) as a line. */
void export_add_json_line(struct view_sink *sink, json_t *object);

/* Writes a line of each folded stack with its value, sorted. `--by growth` is refused: what shrank
 * has no place. 0, or an exit status: the error is printed. */
int export_collapsed(struct export *e);

/* Writes a line of each folded stack with two values: that of the first capture or moment and that
 * of the second. The first side's status, or else the second's; the error is printed. */
int export_difference(struct export *e);

/* Writes a profile of each measure as one JSON document for speedscope. 0, or an exit status: the
 * error is printed. */
int export_speedscope(struct export *e);

/* Writes the rows as a profile in pprof's protocol buffer; rows whose values are all 0 are left
 * out. 0, or an exit status: the error is printed. */
int export_pprof(struct export *e);

/* Writes the rows as a heap profile in pprof's text format: symbols, rows, modules. 0, or an exit
 * status: the error is printed. */
int export_pprof_text(struct export *e);

/* Writes tracks of processes and counters, the timeline and the marks in Perfetto's format. 0, or
 * an exit status: the error is printed. */
int export_perfetto(struct export *e);

/* Writes the events in heaptrack's format: of `--between`, or else of the whole recording, after
 * what was live before. 0, or an exit status: the error is printed. */
int export_heaptrack(struct export *e);

/* Writes a heading and a line of each row as CSV. 0, or an exit status: the error is printed. */
int export_csv(struct export *e);

/* Writes each row as a line of JSON. 0, or an exit status: the error is printed. */
int export_jsonl(struct export *e);

/* Writes the capture's rows as a SQLite database of its own. VIEW_OK, or another exit status: the
 * error is printed. */
int export_sqlite(struct export *e);
/* The same of the log's events (--events). */
int export_log_csv(struct export *e);
int export_log_jsonl(struct export *e);

#endif
