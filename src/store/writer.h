/* Writing a store: used by the collector's worker only, from one thread.
 *
 * All puts between begin and commit are one transaction. Ids that are "row ids" are unique in the
 * whole store (many sessions and processes share it). Every function returns 0 or a negative
 * enum hak_store_error; hak_store_message() then says what failed, on which file, and what to do.
 */
#ifndef HAK_STORE_WRITER_H
#define HAK_STORE_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include "store/error.h"
#include "store/event.h"

struct hak_store_writer;

struct hak_process_row {
    uint32_t id;         /* row id, from 1 */
    uint32_t parent;     /* row id, 0 = none */
    uint64_t fork_event; /* event id of the parent's FORK, 0 = none or not known */
    int32_t pid, parent_pid;
    uint32_t session;          /* number of the session (exec image), from 1 */
    uint64_t start_time;       /* field 22 of /proc/PID/stat */
    uint64_t start_ns, end_ns; /* end 0 = lives, or end not seen */
    int32_t end_kind;          /* 0 unknown or alive, 1 exit, 2 killed or vanished, 3 executed what
                                  has a row of its own, 4 executed what is not recorded */
    uint64_t free_of_null, failed_calls, foreign_frees, no_stack, lost;
    const char *program;      /* path */
    const char *command_line; /* arguments joined by spaces, for people */
    int32_t exit_status;      /* of end_kind 1; -1 = not known */
    int32_t signal;           /* of end_kind 2: that ended it; 0 = not known */
    const char *note;         /* what else is to be said of it, in words; NULL = nothing */
};

struct hak_thread_row {
    uint32_t id, process; /* row ids */
    uint32_t number;      /* in its process, from 1 */
    int32_t tid;
    uint64_t start_ns, end_ns;
    const char *name;
};

struct hak_module_row {
    uint32_t id, process;
    uint32_t generation; /* unloads before it was seen */
    uint64_t start, end, load_bias;
    uint64_t load_event, unload_event;
    const char *path;
    const char *build_id; /* hex; "" = none */
};

/* A stack node: the frame `ip` called from the frames of `parent`. */
struct hak_node_row {
    uint32_t id, parent, process, generation;
    uint64_t ip;
};

/* What an ip of a module means: one row for each inlined level, level 0 = the innermost function.
 */
struct hak_frame_row {
    uint32_t module; /* row id of the module, 0 = in none */
    uint64_t offset; /* ip - load bias (return addresses as found) */
    uint32_t level;
    uint32_t line;        /* 0 = not known */
    const char *function; /* demangled; "" = not known */
    const char *file;     /* "" = not known */
};

struct hak_fault_row {
    uint32_t id;    /* from 1 */
    uint32_t code;  /* faults.def number; 0 = a crash that is no heap fault */
    uint64_t event; /* its FAULT event */
    uint64_t ns;
    uint32_t process, thread;
    const char *summary; /* the SUMMARY: line */
    const char *report;  /* the whole report as printed */
    const char *json;    /* the same facts */
};

struct hak_loss_row {
    uint32_t process, thread; /* thread 0 = all */
    uint64_t from_ns, to_ns, count;
    const char *reason;
};

/* A counter at one moment: what it had counted since its process began. */
struct hak_metric_row {
    uint64_t ns;
    uint32_t process;
    const char *name;    /* as metrics/metric.h names it */
    uint8_t class_index; /* 255 = of no class */
    uint64_t value;
};

/* How far a ring is stored; written in the transaction that stores its events. */
struct hak_cursor_row {
    uint32_t session, ring;
    uint64_t position; /* records before it are in the store */
    uint64_t time;     /* unwrapped time of the last record */
};

/* Creates a store: mode 0600, O_EXCL and O_NOFOLLOW unless `replace`. */
int hak_store_create(const char *path, int replace, struct hak_store_writer **out);
/* Goes on with a store that an earlier worker wrote. */
int hak_store_resume(const char *path, struct hak_store_writer **out);
int hak_store_begin(struct hak_store_writer *w);
int hak_store_commit(struct hak_store_writer *w);
int hak_store_rollback(struct hak_store_writer *w);
/* Checkpoints the WAL away (it is one portable file then) and closes. */
int hak_store_finish(struct hak_store_writer *w);

/* Named values of the capture: "program", "command_line", "started" (realtime ns), ... */
int hak_store_put_meta(struct hak_store_writer *w, const char *key, const char *value);
int hak_store_put_process(struct hak_store_writer *w,
                          const struct hak_process_row *row);                           /* upsert */
int hak_store_put_thread(struct hak_store_writer *w, const struct hak_thread_row *row); /* upsert */
int hak_store_put_module(struct hak_store_writer *w, const struct hak_module_row *row); /* upsert */
int hak_store_put_node(struct hak_store_writer *w, const struct hak_node_row *row);
int hak_store_put_frame(struct hak_store_writer *w, const struct hak_frame_row *row);
int hak_store_put_fault(struct hak_store_writer *w, const struct hak_fault_row *row);
int hak_store_put_loss(struct hak_store_writer *w, const struct hak_loss_row *row);
int hak_store_put_cursor(struct hak_store_writer *w, const struct hak_cursor_row *row); /* upsert */
int hak_store_put_metric(struct hak_store_writer *w, const struct hak_metric_row *row);
int hak_store_put_mark(struct hak_store_writer *w, uint64_t event, uint64_t ns, uint32_t process,
                       const char *name);

/* Appends events; their ids must follow the last one stored without a gap. Chunks of at most
 * HAK_CHUNK_EVENTS are cut here, and a commit ends the chunk. */
#define HAK_CHUNK_EVENTS 65536
int hak_store_put_events(struct hak_store_writer *w, const struct hak_event *events, size_t count);
/* Id of the last event stored, 0 = none. */
uint64_t hak_store_last_event(const struct hak_store_writer *w);

/* For a resumed store: calls `each` for every row, until it returns non-zero. */
int hak_store_each_cursor(struct hak_store_writer *w,
                          int (*each)(void *context, const struct hak_cursor_row *row),
                          void *context);
/* Highest row ids in use, so that a resumed worker goes on after them. */
struct hak_store_high_marks {
    uint32_t process, thread, module, node, fault;
};
int hak_store_high_marks(struct hak_store_writer *w, struct hak_store_high_marks *out);
/* Named value or NULL (owned by the writer until the next call). */
const char *hak_store_get_meta(struct hak_store_writer *w, const char *key);
/* The SQLite connection, for readers in the same process (the report is made from what is stored).
 */
struct sqlite3 *hak_store_writer_database(struct hak_store_writer *w);
/* Drops the oldest chunks until the file is below `max_bytes`; tells how many events went. */
int hak_store_trim(struct hak_store_writer *w, uint64_t max_bytes, uint64_t *events_dropped);

#endif
