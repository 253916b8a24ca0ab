/* Writes a store: used by the collector's worker only, from one thread.
 *
 *   events -> chunks --> codec -> tables chunk, chunk_data
 *                    \-> postings, live        all of one commit
 *   nodes, names ------> stacks                in one transaction
 *   processes, threads, modules, faults, ... -> a row each
 *
 * The caller that creates or resumes a writer owns it; the lock on the file keeps other writers
 * away (file.h). It calls the codec, postings, live and stacks.
 *
 * All puts between begin and commit are one transaction. Ids that are "row ids" are unique in the
 * whole store (many sessions and processes share it). Every function returns 0 or a negative
 * enum hak_store_error; hak_store_message() then says what failed, on which file, and what to do.
 */
#ifndef HAK_STORE_WRITER_WRITER_H
#define HAK_STORE_WRITER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/database.h"
#include "store/error.h"
#include "store/event.h"
#include "store/node.h"

struct hak_store_writer;
struct hak_columns; /* store/codec/column.h */

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
    uint32_t creator; /* number of the thread that created it, 0 = not known */
    uint32_t stack;   /* at which it was created; row id of its innermost node, 0 = not known */
};

struct hak_module_row {
    uint32_t id, process;
    uint32_t generation; /* unloads before it was seen */
    uint64_t start, end, load_bias;
    uint64_t load_event, unload_event;
    const char *path;
    const char *build_id; /* hex; "" = none */
    uint32_t image;       /* row id of the first module with this path and build_id; 0 = this one */
};

/* The frames of an ip in a module: one row for each inlined level, level 0 = the innermost
 * function. */
struct hak_frame_row {
    uint32_t module; /* `image` of the module, 0 = in none */
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
    const char *summary;     /* the SUMMARY: line */
    const char *report;      /* the whole report as printed */
    const char *json;        /* the same facts */
    const char *fingerprint; /* report/known/fingerprint.h */
};

/* A line of a file of suppressions. */
struct hak_suppression_row {
    const char *path, *text; /* the file; the line without comment */
    uint32_t line;           /* from 1 */
    uint64_t used;           /* findings that it matched since it was put last */
};

/* Blocks of one stack that a leak scan judged alike. */
struct hak_leak_row {
    uint32_t id, process, scan; /* row ids */
    uint64_t ns;                /* of the scan */
    const char *kind;           /* "direct", "indirect", "reachable" */
    uint32_t stack;             /* of the allocations */
    uint64_t count, bytes;
    uint64_t oldest_ns, newest_ns; /* when allocated; 0, 0 = not known */
    const char *layer;             /* that served the newest one; "" = not known */
    const char *fingerprint;
    int is_finding; /* 1 = counts as a fault */
};

/* One scan, also one that found nothing. */
struct hak_leak_scan_row {
    uint32_t id, process;
    uint64_t event, ns;
    const char *reason; /* "at exit", ... */
    uint64_t live_blocks, live_bytes, lost_blocks;
    uint64_t known_blocks; /* of the lost ones, by suppressions and baseline */
    uint64_t microseconds; /* that it took */
    int is_error;          /* 1 = its direct leaks count as faults */
    const char *notes;     /* why it saw less than there is; "" = it saw all */
    const char *summary, *report;
};

/* Reasons that lie in the store itself: the program wrote these events, and nobody could keep them.
 */
#define HAK_LOSS_DISK_FULL    "disk full"
#define HAK_LOSS_STORE_FAILED "store failed"
#define HAK_LOSS_UNSTORED     "its report not stored" /* a finding, which was printed */

struct hak_loss_row {
    uint32_t process, thread; /* thread 0 = all */
    uint64_t from_ns, to_ns, count;
    const char *reason; /* NULL = not known */
    bool is_stop_end;   /* no row: the HAK_LOSS_STOPPED of the process that is open ends at to_ns */
};

/* A counter at one moment: its count since its process began. */
struct hak_metric_row {
    uint64_t ns;
    uint32_t process;
    const char *name;    /* as metrics/metric.h names it */
    uint8_t class_index; /* 255 = of no class */
    uint64_t value;
};

/* The position up to which a ring is stored; written in the transaction that stores its events. */
struct hak_cursor_row {
    uint32_t session, ring;
    uint64_t position; /* records before it are in the store */
    uint64_t time;     /* unwrapped time of the last record */
};

/* The rows of stack nodes that a session calls id, id + 1, ... (collector/session/node_map.h says
 * how they are coded); for a worker that goes on. */
struct hak_node_map_row {
    uint32_t session, id, ids;
    const void *data;
    size_t bytes;
};

/* Creates a store: mode 0600, O_EXCL and O_NOFOLLOW unless `replace`. */
int hak_store_create(const char *path, int replace, struct hak_store_writer **out);
/* Goes on with a store that an earlier worker wrote. */
int hak_store_resume(const char *path, struct hak_store_writer **out);
/* Lets the store keep only the profile (store/profile) of all events, for good; before the first
 * event. */
int hak_store_keep_profile_only(struct hak_store_writer *w);
/* It keeps the profile alone, and that has ended: events are lost from now on. */
bool hak_store_profile_is_over(const struct hak_store_writer *w);
int hak_store_begin(struct hak_store_writer *w);

/* Commits the transaction with the open blob of nodes. 0, or an error. */
int hak_store_commit(struct hak_store_writer *w);

/* Takes back all since the last commit, in SQLite and in all writers. 0, or an error. */
int hak_store_rollback(struct hak_store_writer *w);
/* Joins postings, ends the profile, marks the store as finished unless rows were taken back, writes
 * the WAL back (the store is one portable file then) and closes. Where a reader has the store open
 * the WAL stays beside it; the store is whole with it. 0, or an error. */
int hak_store_finish(struct hak_store_writer *w);

/* Named values of the capture: "program", "command_line", "started" (realtime ns), ... */
int hak_store_put_meta(struct hak_store_writer *w, const char *key, const char *value);
/* Tells readers that a suppression kept the report of a FAULT event back. 0, or an error. */
int hak_store_put_suppressed(struct hak_store_writer *w, uint64_t event);

/* Puts a process's row, or replaces it, and tells the profile of it. 0, or an error. */
int hak_store_put_process(struct hak_store_writer *w,
                          const struct hak_process_row *row); /* upsert */

/* Puts a thread's row, or replaces it, and tells the profile of it. 0, or an error. */
int hak_store_put_thread(struct hak_store_writer *w, const struct hak_thread_row *row); /* upsert */

/* Puts a module's row, or replaces it; the first one of an image puts that, too. 0, or an error. */
int hak_store_put_module(struct hak_store_writer *w, const struct hak_module_row *row); /* upsert */
/* Ids ascend, and are greater than their parents'. */
int hak_store_put_node(struct hak_store_writer *w, const struct hak_node_row *row);
/* A node that is committed: 1 found, 0 not there, or an error. Quick in order of id. */
int hak_store_get_node(struct hak_store_writer *w, uint32_t id, struct hak_node_row *out);

/* Puts a frame's row, or replaces it, with the names of function and file. 0, or an error. */
int hak_store_put_frame(struct hak_store_writer *w, const struct hak_frame_row *row);
int hak_store_put_fault(struct hak_store_writer *w, const struct hak_fault_row *row);
int hak_store_put_leak(struct hak_store_writer *w, const struct hak_leak_row *row);
/* Gives a leak that is stored another fingerprint. */
int hak_store_name_leak(struct hak_store_writer *w, uint32_t leak, const char *fingerprint);
int hak_store_put_leak_scan(struct hak_store_writer *w, const struct hak_leak_scan_row *row);
/* The next row ids of both. */
void hak_store_leak_marks(struct hak_store_writer *w, uint32_t *next_scan, uint32_t *next_leak);
/* Adds `used` to the value that is there. */
int hak_store_put_suppression(struct hak_store_writer *w, const struct hak_suppression_row *row);

/* Puts a loss, after which live blocks are not sure; or the end of a stop that is open. 0, or an
 * error. */
int hak_store_put_loss(struct hak_store_writer *w, const struct hak_loss_row *row);
int hak_store_put_cursor(struct hak_store_writer *w, const struct hak_cursor_row *row); /* upsert */
int hak_store_put_node_map(struct hak_store_writer *w,
                           const struct hak_node_map_row *row); /* upsert */
/* Copies the known stacks of session `from` to session `to`. */
int hak_store_copy_node_map(struct hak_store_writer *w, uint32_t from, uint32_t to);

/* Puts a value of a counter, under the id of its name. 0, or an error. */
int hak_store_put_metric(struct hak_store_writer *w, const struct hak_metric_row *row);
int hak_store_put_mark(struct hak_store_writer *w, uint64_t event, uint64_t ns, uint32_t process,
                       const char *name);

/* Appends the events that lie in columns->value (hak_columns_begin was called, BASE may be
 * numbered) as one chunk of their own; their ids follow the last one stored. Where only the profile
 * is kept, they go into that. The values of actor and ns are as before afterwards. 0, or an
 * error. */
int hak_store_put_columns(struct hak_store_writer *w, struct hak_columns *columns);
/* Id of the last event stored, 0 = none. */
uint64_t hak_store_last_event(const struct hak_store_writer *w);

/* Calls `each`, for a resumed store, for every ring's stored position, until it returns non-zero.
 */
int hak_store_each_cursor(struct hak_store_writer *w,
                          int (*each)(void *context, const struct hak_cursor_row *row),
                          void *context);
/* Behind the last node of a session whose row is stored, 0 = none is. 0 or the store's error. */
int hak_store_node_map_end(struct hak_store_writer *w, uint32_t session, uint64_t *end);
/* Hands the nodes from `id` on, as they were put, to `take`, if there are any. 0, its result or the
 * store's error. */
int hak_store_read_node_map(struct hak_store_writer *w, uint32_t session, uint32_t id,
                            int (*take)(void *context, const struct hak_node_map_row *row),
                            void *context);
/* Highest row ids in use, so that a resumed worker goes on after them. */
struct hak_store_high_marks {
    uint32_t process, thread, module, node, fault;
};

/* Reads the highest ids of processes, threads, modules, nodes and faults; 0 where there is none. 0,
 * or an error. */
int hak_store_high_marks(struct hak_store_writer *w, struct hak_store_high_marks *out);
/* Named value or NULL (owned by the writer until the next call). */
const char *hak_store_get_meta(struct hak_store_writer *w, const char *key);
/* Whether the store tells that of the event. */
bool hak_store_is_suppressed(struct hak_store_writer *w, uint64_t event);
/* The SQLite connection, for readers in the same process (the report is made from the store). */
const struct hak_database *hak_store_writer_database(const struct hak_store_writer *w);
/* Bytes of the file that hold something. Dropped space is used again before the file grows, so it
 * is never longer than this ever was. */
uint64_t hak_store_used_bytes(struct hak_store_writer *w);
/* Has the write-ahead log brought into the file when it has some `bytes`. */
void hak_store_keep_log_below(struct hak_store_writer *w, uint64_t bytes);
/* Drops the oldest chunks until `max_bytes` are used (the newest chunk stays); `*events_dropped`:
 * the number of their events. The file gets no shorter. */
int hak_store_trim(struct hak_store_writer *w, uint64_t max_bytes, uint64_t *events_dropped);

#endif
