/* The worker's rows of processes, threads, modules and stack nodes: all that it has put into the
 * store, or is about to.
 *
 *   found while draining --> row here, dirty --flush--> put in the transaction --committed--> clean
 *
 * After a rollback everything since the last COMMIT is still dirty and is put again. Row ids are
 * drawn here, from 1 and without gaps; a worker that goes on with a store loads what is in it. Of
 * the nodes only those that are not committed yet are kept: there may be millions. For one thread.
 */
#ifndef HAK_COLLECTOR_CAPTURE_ROWS_H
#define HAK_COLLECTOR_CAPTURE_ROWS_H

#include <stdbool.h>
#include <stdint.h>
#include "collector/capture/made_files.h"
#include "collector/capture/node_index.h"
#include "base/index.h"
#include "store/writer/writer.h"

struct hak_symbol_file;

struct hak_process_info {
    struct hak_process_row row; /* strings are its own */
    uint64_t fork_number;       /* that its entry told, 0 = not known */
    int32_t outer_pid;  /* as this process sees it (row.pid: as it sees itself); 0 = not known */
    uint64_t pid_space; /* inode of the pid namespace that row.pid is of, 0 = not known */
    bool dirty;
    bool is_stopped;   /* recording of it is */
    uint32_t *modules; /* row ids of its modules, newest last */
    uint32_t module_count, module_capacity;
    struct hak_made_files *made_files; /* NULL = not opened, or none were there */
};

struct hak_thread_info {
    struct hak_thread_row row;
    bool dirty;
};

struct hak_module_info {
    struct hak_module_row row; /* strings are its own */
    uint64_t load_ns;
    bool dirty, unloaded;
    struct hak_symbol_file *file; /* of the symbols; NULL = not opened */
};

/* Things to put: the first `put` are in this transaction. */
struct hak_rows_list {
    void *items;
    uint32_t count, capacity, put;
};

struct hak_rows {
    struct hak_process_info *processes;
    struct hak_thread_info *threads;
    struct hak_module_info *modules;
    struct hak_node_row *nodes; /* those above nodes_stored */
    uint32_t process_count, thread_count, module_count, node_count;
    uint32_t process_capacity, thread_capacity, module_capacity, node_capacity;
    uint32_t nodes_stored, nodes_put; /* up to these: committed; put in this transaction */
    struct hak_store_writer *writer;  /* has the nodes that are committed; NULL = no store */
    struct hak_rows_list losses;      /* struct hak_loss_row, whose reasons are constants */
    struct hak_rows_list suppressed;  /* uint64_t, FAULT events whose reports were kept back */
    struct hak_rows_list dirty;       /* uint32_t, kind << 30 | row id - 1 */
    struct hak_index thread_index, image_index;
    struct hak_node_index new_nodes, old_nodes; /* the latest nodes, from the first find on */
    uint32_t index_max;                         /* rows of each; 0 = the usual number */
    bool out_of_memory;
    uint32_t unwatched;  /* why this machine gives level normal no debug registers, 0 = it does, or
                          * nobody has said so: an errno or an enum hak_unwatched */
    uint64_t started_ns; /* CLOCK_REALTIME of the capture's time 0; 0 = not known */
};

/* Frees all rows with their texts and files. */
void hak_rows_free(struct hak_rows *rows);

/* A process by all that is known of it; 0 = not known. */
struct hak_who {
    int32_t outer;       /* its pid, as this process sees it */
    int32_t inner;       /* as it sees itself */
    uint64_t space;      /* inode of the pid namespace that `inner` is of */
    uint64_t start_time; /* as this process reads it */
};

/* The pids and the start time of a row's process. */
struct hak_who hak_rows_who(const struct hak_process_info *row);
/* Is the row that process's? Compares the facts that both have; pids within one namespace only. */
bool hak_rows_is_process(const struct hak_process_info *row, const struct hak_who *who);
/* The newest row below `below` of that process; 0 = none. */
uint32_t hak_rows_find_process(const struct hak_rows *rows, const struct hak_who *who,
                               uint32_t below);

/* Adds a process's row; strings are copied. Returns its id, or 0 when memory ran out (remembered in
 * out_of_memory). */
uint32_t hak_rows_add_process(struct hak_rows *rows, const struct hak_process_row *row);

/* Adds a module to its process; the image is that of the same path and build-id. Returns its row, 0
 * without memory or such a process. */
uint32_t hak_rows_add_module(struct hak_rows *rows, const struct hak_module_row *row,
                             uint64_t load_ns);

/* The thread `number` of a process; 0 = there is none. */
uint32_t hak_rows_known_thread(const struct hak_rows *rows, uint32_t process, uint32_t number);

/* The thread `number` of a process, made when it is new. */
uint32_t hak_rows_thread(struct hak_rows *rows, uint32_t process, uint32_t number, int32_t tid,
                         uint64_t ns);
/* A new node. The caller knows the nodes that it has added (hak_client_node_row). */
uint32_t hak_rows_add_node(struct hak_rows *rows, uint32_t parent, uint32_t process,
                           uint32_t generation, uint64_t ip);
/* The node with these values, which a worker before may have stored; made when there is none among
 * the latest: memory for finding them is bounded, and one that was not added for millions of rows
 * gets a second one. */
uint32_t hak_rows_find_node(struct hak_rows *rows, uint32_t parent, uint32_t process,
                            uint32_t generation, uint64_t ip);
/* The node `id`, from the store if need be. False when there is none. */
bool hak_rows_node(const struct hak_rows *rows, uint32_t id, struct hak_node_row *out);

/* Rows by id; NULL for an id that there is not. */
struct hak_process_info *hak_rows_process_info(struct hak_rows *rows, uint32_t id);
struct hak_thread_info *hak_rows_thread_info(struct hak_rows *rows, uint32_t id);
struct hak_module_info *hak_rows_module_info(struct hak_rows *rows, uint32_t id);

/* Changes a thread's name. False when there is no such thread. */
bool hak_rows_name_thread(struct hak_rows *rows, uint32_t id, const char *name);

/* Changes a process's note. */
void hak_rows_note(struct hak_rows *rows, uint32_t id, const char *note);

/* Notes events that are not in the store. `thread` 0 = all of the process. */
void hak_rows_add_loss(struct hak_rows *rows, uint32_t process, uint32_t thread, uint64_t from_ns,
                       uint64_t to_ns, uint64_t count, const char *reason);
/* Notes that a suppression kept the report of a FAULT event back, where the store did not take it.
 */
void hak_rows_add_suppressed(struct hak_rows *rows, uint64_t event);
/* Notes that recording of the process was stopped: a loss of HAK_LOSS_STOPPED that has no end
 * yet. */
void hak_rows_stop(struct hak_rows *rows, uint32_t process, uint64_t ns);

/* Ends the process's stop: it is noted as going on at `ns`. */
void hak_rows_go_on(struct hak_rows *rows, uint32_t process, uint64_t ns);

/* Opens the process's files of names that are there, as it has ended or its names of made code are
 * asked for; if there are none they are forgotten. */
void hak_rows_settle_made_files(struct hak_rows *rows, uint32_t process);

/* Must follow every change of a row's values. */
void hak_rows_touch_process(struct hak_rows *rows, uint32_t id);
void hak_rows_touch_thread(struct hak_rows *rows, uint32_t id);
void hak_rows_touch_module(struct hak_rows *rows, uint32_t id);

/* The module that `ip` lay in for stacks of `process` at `generation`: of the process itself, else
 * of the one that it was forked from (as readers of the store find it). 0 = none. */
uint32_t hak_rows_module_of(const struct hak_rows *rows, uint32_t process, uint32_t generation,
                            uint64_t ip);

/* Puts all dirty rows; 0 or the store's error. The caller says afterwards how it ended. */
int hak_rows_flush(struct hak_rows *rows, struct hak_store_writer *writer);

/* Drops the rows, nodes, losses and notes that the last flush put, now that they are committed. */
void hak_rows_committed(struct hak_rows *rows);
void hak_rows_rolled_back(struct hak_rows *rows);

/* The writer is about to be closed: rows that are only in its store are gone then. */
void hak_rows_leave_store(struct hak_rows *rows);

/* Loads all rows of a store that an earlier worker wrote. 0 or the store's error. */
int hak_rows_load(struct hak_rows *rows, struct hak_store_writer *writer);

#endif
