/* Finds and watches the collector, which keeps the session memory.
 *
 *   HAKMEM_SESSION -> connect -> hello + memfd -> answer -> both descriptors closed
 *   none           -> start `hakmem-collect --keeper` -> the same over a socketpair
 *
 * Nothing here allocates or leaves a descriptor or a child behind. */
#ifndef HAK_TRACE_COLLECTOR_H
#define HAK_TRACE_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"
#include "trace/protocol.h"
#include "trace/session.h"

#define HAK_COLLECTOR_LIMIT_MS 2000 /* for a keeper that has many to hear */

/* Why there is no keeper, for one line on stderr. */
struct hak_collector_failure {
    const char *what;   /* static text */
    const char *detail; /* such as a path; NULL = none */
    long error;         /* errno, 0 = none */
    char text[512];     /* the keeper's answer */
    bool is_hidden;     /* it may live, in another network namespace: nothing is said here */
};

/* say.c: writes a failure's reason into `to`, cut to fit. */
HAK_HIDDEN void hak_collector_say_why(const struct hak_collector_failure *failure, char *to,
                                      size_t bytes);

/* From now on hak_collector_begin starts none in the place of a keeper that is named and gone. */
HAK_HIDDEN void hak_collector_only_join(void);

/* Makes session memory, finds or starts a keeper for it and claims the process's entry: the calling
 * process records from then on. Signals must be blocked once the program runs. False: `failure`
 * says why. (begin.c) */
HAK_HIDDEN bool hak_collector_begin(struct hak_collector_failure *failure);

/* Begins the recording when the program starts: with a keeper, or else into a file. False: nothing
 * will be recorded, and somebody was told why. */
HAK_HIDDEN bool hak_collector_begin_recording(void);

/* Records into a file, since there is no collector; `failure` says why, which is told in the
 * recording that this process should belong to, else in one line on stderr. Programs that are
 * executed later make their files beside it without a word. False: no file can be made either.
 * (in_file.c) */
HAK_HIDDEN bool hak_file_begin(const struct hak_collector_failure *failure);
/* True in a program that was executed by one which records into a file. */
HAK_HIDDEN bool hak_file_is_inherited(void);
/* Notes the clocks of a session in a file before the process ends or executes another program; the
 * last process gives back what of the file is not used. */
HAK_HIDDEN void hak_file_leave(void);

/* Hands `memory`, a memfd of `total_bytes`, to the keeper whose abstract socket is `name`. True
 * when it accepted; `answer` is then its answer, all texts ended by NUL. Takes at most some
 * seconds. */
HAK_HIDDEN bool hak_collector_join(const char *name, int memory, uint64_t total_bytes,
                                   struct hak_hello_answer *answer,
                                   struct hak_collector_failure *failure);

/* Starts a keeper that listens at `name` (NULL = a new one) and joins it, as hak_collector_join.
 * False: `failure` says why; when another keeper has that name already, the failure's error is
 * EPIPE or ECONNRESET. */
HAK_HIDDEN bool hak_collector_start(const char *name, int memory, uint64_t total_bytes,
                                    struct hak_hello_answer *answer,
                                    struct hak_collector_failure *failure);

/* Joins, as hak_collector_join, the keeper that comes after `dead`: one that another process has
 * started, or else one that is started here. False: neither in SUCCESSOR_TRIES tries, or starting
 * failed. */
HAK_HIDDEN bool hak_collector_succeed(const char *dead, int memory, uint64_t total_bytes,
                                      struct hak_hello_answer *answer,
                                      struct hak_collector_failure *failure);

/* Connects to the keeper `name` (abstract), or to /tmp/NAME, where it listens for those in another
 * network namespace, but only when root or this process's own user listens there (connect.c).
 * `limit_ms` is for a queue that is full. A descriptor or a negative errno: -ECONNREFUSED nobody is
 * there, -EPERM another user, -EAGAIN the queue stays full. */
HAK_HIDDEN long hak_collector_connect(const char *name, uint32_t limit_ms);

/* True when the keeper `name` belongs to another network namespace, in which it may live on. */
HAK_HIDDEN bool hak_collector_is_elsewhere(const char *name);

/* for_report.c: notes, at start in level light, the clocks and the folder, for sessions that begin
 * with a report and end with it. */
HAK_HIDDEN void hak_report_session_note_start(void);
/* False where it was not noted: nothing is checked here. */
HAK_HIDDEN bool hak_report_session_may_come(void);
/* Fills in what is known since then, before a keeper has the memory. */
HAK_HIDDEN void hak_report_session_fill(struct hak_session *session);
/* The keeper of the session that is gone on with, which may still close its store; "" = none is. */
HAK_HIDDEN const char *hak_report_session_keeper(void);
/* The store of the session that was let go of, "" = there was none. */
HAK_HIDDEN const char *hak_report_session_store(void);
/* Whether the session to be written is the first, so that nothing of it is in a store yet; false
 * from the second call on. */
HAK_HIDDEN bool hak_report_session_is_first(void);
/* Lets go of a session that has a keeper of its own, which closes the store and ends. `is_stored`:
 * the next session goes on with that store. */
HAK_HIDDEN void hak_report_session_leave(bool is_stored);

/* offer.c: waits, at most some seconds, until a keeper that cannot be reached has taken the memfd
 * of `session`, which is open. False: none has. */
HAK_HIDDEN bool hak_collector_offer(struct hak_session *session);

/* Offers a hello without memory in a memfd to a keeper that cannot be reached; waits a second at
 * most. True: it was taken. */
HAK_HIDDEN bool hak_collector_offer_hello(const struct hak_hello *hello);

#define HAK_STRANGER_SILENT ((int64_t)UINT32_MAX)

/* The user who held a keeper's name when this process looked for it last; -1 = nobody did,
 * HAK_STRANGER_SILENT = somebody whose queue stayed full. */
HAK_HIDDEN int64_t hak_collector_stranger(void);

/* Executes the collector as a keeper, double-forked, with `socket_end` as its HAK_KEEPER_SOCKET and
 * `name` as its abstract name, NULL = a new one (launch.c). False: `failure` says why. */
HAK_HIDDEN bool hak_collector_execute(int socket_end, const char *name,
                                      struct hak_collector_failure *failure);

/* The same with --profile, and `file` as its HAK_KEEPER_SOCKET (dump.c). For one thread at a time.
 */
HAK_HIDDEN bool hak_collector_execute_profile(int file, struct hak_collector_failure *failure);

/* Whether another may be executed: in a container parents of earlier ones, which end with them,
 * may still be there, and have a bound. */
HAK_HIDDEN bool hak_collector_may_profile(void);

/* In a forked child: it is the parent's. */
HAK_HIDDEN void hak_collector_forget_profile(void);

/* Asks the keeper to be reachable by a path too, before this process enters another network
 * namespace: programs that it executes there must still find it. */
HAK_HIDDEN void hak_collector_ask_for_path(void);

/* Lets the keeper `name` know that this process, or `child` unless it is 0, is not recorded, and
 * why. False: it cannot be reached. */
HAK_HIDDEN bool hak_collector_tell_unrecorded(const char *name, const char *why, int child);

/* Whether a keeper of a user that can be trusted still takes connections under `name`: also one
 * that was killed, until the kernel has closed its socket, some 100 ms later. */
HAK_HIDDEN bool hak_collector_answers(const char *name);

enum hak_keeper_word {
    HAK_KEEPER_SILENT, /* nothing was heard yet */
    HAK_KEEPER_LIVES,  /* it has answered, or this process cannot ask */
    HAK_KEEPER_GONE,   /* nobody listens, or who listened was closed without an answer */
};

/* Asks the keeper `name` for a word. A descriptor or a negative errno: either is for
 * hak_collector_hear, which waits `limit_ms` for the word. (connect.c) */
HAK_HIDDEN long hak_collector_ask(const char *name);

/* Waits up to `limit_ms` for the keeper's first word on the connection `asked`: it lives, is gone,
 * or says nothing in time. A negative `asked` is the error of connecting. */
HAK_HIDDEN enum hak_keeper_word hak_collector_hear(long asked, uint32_t limit_ms);

/* Whether a keeper in this process's pid namespace, which ends with its PID 1, takes connections
 * under `name`. */
HAK_HIDDEN bool hak_collector_answers_inside(const char *name);

/* Looks whether the collector is dead, without a heartbeat for `ms` and with nobody listening, and
 * if so goes on with a new one (takeover.c). Costs little while its heart beats. Not for use
 * between enter_claim and leave_claim. */
HAK_HIDDEN void hak_collector_replace_dead(uint64_t ms);
/* True when the keeper belongs to another network namespace, so that nobody here can follow it, and
 * its heart was silent for seconds when this process looked last. */
HAK_HIDDEN bool hak_collector_is_given_up(void);

/* The `ms` of hak_collector_replace_dead before this process makes a child: the programs that the
 * child executes look for a keeper. */
#define HAK_COLLECTOR_DEAD_MS 1000

/* Makes sure, at the end of a process with records that are not committed, that a collector lives:
 * a worker that hears the bell costs one system call. Waits 60 ms for one that does not, and 600 ms
 * when the keeper, too, is silent. */
HAK_HIDDEN void hak_collector_make_sure(void);

/* Forgets, in a forked child, the unfinished work of the parent's threads. */
HAK_HIDDEN void hak_collector_forget(void);

#endif
