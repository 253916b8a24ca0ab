/* One session (exec image and its forked children) in the worker: its mapping, how far each ring
 * was read and stored, which entry is which process, and whether that still runs.
 *
 *   process entry   FREE -> (seen) watched by pidfd -> gone -> rings drained -> row closed -> FREE
 *
 *   ring            read position >= stored position; the tail moves to "stored" after COMMIT only
 *
 * For the worker's thread only. */
#ifndef HAK_COLLECTOR_SESSION_CLIENT_H
#define HAK_COLLECTOR_SESSION_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "collector/session/clock.h"
#include "collector/session/mapping.h"
#include "collector/session/node_map.h"
#include "collector/capture/capture.h"
#include "trace/protocol.h"

struct hak_snapshot_watch;

struct hak_ring_cursor {
    uint64_t position;                /* records before it are in the batch or in the store */
    uint64_t stored;                  /* records before it are in the store (or counted as lost) */
    uint64_t lost_from, lost_to;      /* records that were read, or passed, and not stored last */
    uint64_t freed;                   /* position at which the entry was last given back */
    uint64_t time;                    /* unwrapped ticks of the last record read */
    uint64_t lost_told;               /* of the owner's lost count, by LOSS records */
    uint32_t process_row, thread_row; /* of the owner */
    uint32_t process_index, thread_number; /* the owner of these rows */
    bool known;                            /* the store has a cursor for it, or it was read from */
};

enum hak_process_phase {
    HAK_PHASE_UNSEEN = 0, /* entry is free, or not looked at yet */
    HAK_PHASE_LIVE,
    HAK_PHASE_GONE,   /* it has ended; its last records are not yet in the store */
    HAK_PHASE_CLOSED, /* all is stored and the row says how it ended */
};

struct hak_process_watch {
    uint32_t row; /* 0 = none yet */
    enum hak_process_phase phase;
    int32_t pid;          /* as the collector sees it, 0 = hidden in another namespace */
    int32_t inner_pid;    /* as it sees itself */
    uint64_t start_time;  /* 0 = not known */
    int pidfd;            /* -1 = none: looked for in /proc now and then */
    int32_t wait_status;  /* as the kernel tells it, -1 = not known */
    uint64_t replaced_ns; /* when it executed another program, which has its own session; else 0 */
    uint32_t nodes_end;   /* once it is closed: the ids of its nodes are below */
    uint64_t held_ask_ms; /* attach: when to ask again whether it holds the session's memory */
    bool has_executed;    /* attach: it does not, and goes on */
    bool is_cut;          /* it lived when the recording was ended */
    uint64_t unknown_stacks; /* events whose stack was in the ring of nodes no more */
};

struct hak_client {
    uint32_t number; /* of the session in the store, from 1; drawn by hak_opening_join */
    uint32_t image;  /* number of the exec image's first session, which rows of processes have */
    uint32_t link_number; /* the keeper's number of it; keepers count from 1 */
    struct hak_hello hello;
    pid_t peer_pid;
    struct hak_mapping map;
    struct hak_clock clock;
    struct hak_ring_cursor *rings;       /* HAK_RINGS */
    struct hak_process_watch *processes; /* HAK_PROCESSES */
    struct hak_node_map nodes;
    bool knows_nodes;                     /* a worker before may have stored some of its nodes */
    struct hak_snapshot_watch *snapshots; /* HAK_PROCESSES, NULL = none yet (snapshot.h) */
    uint32_t rings_high, processes_high;  /* entries ever used */
    uint64_t abandoned_ask_ns, ask_interval_ns; /* when to ask again whether anybody maps it */
    bool moved;                                 /* tails moved since its commits word did */
    bool is_abandoned;                          /* nobody maps it; its content is final */
    bool over;                                  /* nobody maps it and all of it is stored */
    bool is_cut;  /* it is over though processes of it live: hak_client_cut */
    bool is_file; /* a session that went into a file: its processes are gone (rings_file.h) */
    uint64_t file_end_ticks, file_reference; /* of a file: its last record; times lie before */
    struct hak_fork_note {
        uint32_t process; /* row id of the parent */
        uint64_t number, event;
    } forks[HAK_PROCESSES]; /* newest forks, for children whose entry comes later */
    uint32_t fork_count;
    uint32_t next_name;                    /* ring whose thread's name is to be read next */
    uint64_t unentered_told, unentered_ns; /* events of processes without an entry; when told */
    uint64_t last_fault_event;             /* 0 = none, or the store did not take it */
    uint64_t last_fault_position;
    uint32_t last_fault_ring;
};

/* Opens a session; `memfd` is the client's from then on. NULL with `why` when it cannot be right.
 */
struct hak_client *hak_client_open(uint32_t link_number, const struct hak_hello *hello,
                                   pid_t peer_pid, int memfd, const char **why);

/* Sets the clock against the capture's start (CLOCK_MONOTONIC). Before anything is drained. */
void hak_client_start_clock(struct hak_client *client, uint64_t capture_start_ns);

/* Closes the session: its watches, counters and memory, and frees it. */
void hak_client_close(struct hak_client *client);

/* Notes that the records from one position to another, which is behind them, are not stored. */
void hak_client_lose(struct hak_ring_cursor *cursor, uint64_t from, uint64_t to);

/* Whether the record at the position is among the last that were not stored. */
bool hak_client_has_lost(const struct hak_ring_cursor *cursor, uint64_t position);

/* After a COMMIT: gives drained rings of ended threads and processes back, closes the rows of
 * processes that are stored completely. Records that their owners lost and told nobody of become
 * losses. */
void hak_client_release(struct hak_client *client, struct hak_rows *rows);

/* True when all processes are closed, every ring is stored and nobody maps the memory. */
bool hak_client_is_over(struct hak_client *client, uint64_t now_ns);

/* Ends a session from now on, even if processes live: none of the memory is given back to those,
 * which may still write, and their rows say that they went on. */
void hak_client_cut(struct hak_client *client);

#endif
