/* The capture that is asked: opening it, what is missing from it, and how its addresses, processes,
 * threads and stacks are typed and shown.
 *
 *   -s FILE --> open.c --> view->reader, view->summary      interrupt.c: Ctrl-C ends a read
 *   ADDR, WHEN --> address.c, symbol.c (SYMBOL+OFFSET)      process.c: --process
 *   a moment (peak, mark:NAME, ...) --> moment.c
 *   stack, thread, process --> labels.c: the columns THREAD and WHERE
 *   json.c: the frame of every document                     pools.c: inner pools that hide blocks
 *   unreported.c: faults without a report
 *
 * Owns the reader from view_open to view_close. Calls cli. One thread. */
#ifndef HAK_VIEWER_CAPTURE_CAPTURE_H
#define HAK_VIEWER_CAPTURE_CAPTURE_H

#include <signal.h>
#include <time.h>
#include "base/json.h"
#include "report/words/words.h"
#include "viewer/cli/cli.h"

#define VIEW_BLOCKS_MAX 1024 /* of the blocks that one address was in, these are looked at */

/* Opens the capture that was named, or the newest one here. 0, or an exit status; the error is
 * printed. Notes on a capture that is still written or ended early go to stderr. */
int view_open(struct view *view);
void view_close(struct view *view);
/* Appends " -s FILE" for a command to type, where the store was named; without it the newest one
 * answers again. */
void view_add_store_option(struct hak_text *text, const struct view *view);
/* Why no debug register of HAKMEM_WATCH watched there; NULL: one did, or none was asked for. */
char *view_read_unwatched(struct view *view);
/* The sentence of a process that another malloc than hakmem's served; NULL: there is none. To be
 * freed. */
char *view_read_unserved(struct view *view);
/* The mean bytes between two samples of a heap profile that was read out of a running program; 0:
 * the open capture is another one, which counts every block. */
uint64_t view_sampled_rate(const struct view *view);
/* Appends a rate of sampling, "512 KiB"; and "sampled, one in 512 KiB" of the open capture. */
void view_add_rate(struct hak_text *text, uint64_t rate);
void view_add_sampled(struct hak_text *text, const struct view *view);
/* VIEW_UNREADABLE when the answer ends before a damage, VIEW_INCOMPLETE when events were lost,
 * trimmed or not recorded while recording was stopped, events of pools are missing, or the capture
 * or a process ended unseen, else VIEW_OK. */
int view_completeness(const struct view *view);
/* Looks again after an answer made of the log: a capture that was being written has gone on, and
 * may have lost more since. 0, or the exit status of an error that was printed. */
int view_look_again(struct view *view);
/* Finds the last event, and its time, that can be read before a part of the log that is damaged; 0
 * = none can. True: there is such a part, and hak_store_message says which. False: `*error` is 0,
 * or that of the store. */
bool view_find_damage(const struct view *view, uint64_t *event, uint64_t *ns, int *error);
/* After VIEW_UNREADABLE, which was said: true where a part of the log is damaged and events lie
 * before it. Ask again then: moments behind the end are the end, and the answer has that status. */
bool view_end_before_damage(struct view *view);
/* Says of an answer that ends before a damage where it ends, and how much it leaves out. */
void view_say_end(const struct view *view);
/* Says what was lost or dropped, for an answer that has no place for it: in a line on stderr, or at
 * the end of the pager's text. Returns view_completeness(). */
int view_say_completeness(struct view *view);
/* When the capture began, in seconds since 1970; 0 = it does not say. */
time_t view_start_time(const struct view *view);
/* "app.db (1,234 events of 2 processes)": where an answer was looked for. */
void view_add_extent(struct hak_text *text, const struct view *view);
/* Appends the extent of one process, "process 4711 (server) of app.db (...)"; 0 = of all. */
void view_add_extent_of(struct hak_text *text, struct view *view, uint32_t process);
/* Says on stderr that there is no such thing in it: "no thread in app.db (...)". */
void view_say_none(struct view *view, const char *thing, uint32_t process);
/* Adds whether all was recorded: what was lost, dropped, stopped or cut off, or "Nothing was lost
 * in this capture.", and what level light or a kept allocator leaves out. */
void view_add_completeness(struct hak_text *text, const struct view *view);
/* Of the table leak as `l`: a leak is a finding by the newest scan of its process that saw it,
 * where leaks count as faults, else by the newest scan of all, as one that is reported only. */
#define VIEW_LEAK_COUNTS                                                                           \
    "(l.is_finding AND l.suppressed_by IS NULL AND l.id = (SELECT max(n.id) FROM leak n"           \
    " WHERE n.is_finding AND n.process = l.process AND n.stack = l.stack))"
#define VIEW_LEAK_IS_REPORTED_ONLY                                                                 \
    "(NOT l.is_finding AND l.suppressed_by IS NULL AND l.kind = 'direct' AND l.scan ="             \
    " (SELECT max(s.id) FROM leak_scan s WHERE s.process = l.process))"
/* Counts the leaks that are findings, of `process` (row id, 0 = every one), whether they count as
 * faults or are reported only. 1; 0: no scan looked for leaks; -1: it cannot be read, and the error
 * is printed. */
int view_count_leaks(struct view *view, uint32_t process, uint64_t *count);
/* Counts the faults and crashes that have an event and no report: the collector got no facts for
 * one, or died over it. Of `process` (row id, 0 = every one), without those that a suppression kept
 * back. 0, or the exit status of an error that was printed; `*count` is 0 then. */
int view_count_unreported(const struct view *view, uint32_t process, uint64_t *count);
/* Appends "2 faults are recorded without a report: ..." with the command that lists them; of a
 * capture that is being written, that the reports are not stored yet. */
void view_add_unreported(struct hak_text *text, const struct view *view, uint64_t count);
/* Whether the capture is of level light, which has none but the watched blocks. */
bool view_is_light(const struct view *view);
/* Says on stderr why the answer ends before it is whole, and keeps that for its JSON document. */
void view_fail(const char *message);
/* The last message of view_fail; NULL = none. */
const char *view_failure(void);
/* The status of a question that could not be read: VIEW_UNREADABLE where the store failed to answer
 * for a name in it, else VIEW_USAGE. */
int view_question_status(void);
/* Prints the reader's last error with what to do; returns the exit status for it. */
int view_store_error(const struct view *view, int error);
/* Ends a query of the capture; `has_memory` false: what it gave found no room. 0, or the exit
 * status of the error that was printed. */
int view_end_query(const struct view *view, struct hak_query *query, bool has_memory);

/* Lets reads of the open capture show their progress and be ended by Ctrl-C; view_open calls it. */
void view_watch_reading(struct view *view);
/* From now on Ctrl-C is noted, and a second one ends the command. */
void view_heed_interrupt(void);
/* From now on SIGTERM and SIGHUP are noted as Ctrl-C is: for a command with something to take away
 * at its end. */
void view_heed_end(void);
/* From now on the end of children calls `handler`, and so do SIGTERM, SIGINT and SIGHUP unless they
 * are ignored. All four are blocked: they come in ppoll alone, with the mask `within`. */
void view_heed_signals(void (*handler)(int), sigset_t *within);
/* Ctrl-C was typed: go on no longer than it takes to end the answer well. */
bool view_is_interrupted(void);
/* A shell goes on with the next question. */
void view_forget_interrupt(void);
/* The answer was ended by Ctrl-C before it was whole. */
bool view_answer_is_cut(void);

/* ---- what a person types ----------------------------------------------------------------------
 */

/* An address as it was typed. `process` and `event` are set for p:N and @fault, else 0. */
struct view_place {
    uint64_t address, event;
    uint32_t process;
};
/* Reads an address as a person types it: 0x7f.., 7f.., [file:]sym+off, p:N, @fault, @fault:N; p:N
 * counts the allocations of `process` (row id, 0 = of all). False: the error is printed. */
bool view_read_address(struct view *view, const char *text, uint32_t process,
                       struct view_place *out);
/* A moment of the open capture: "1.5", "1.5s", "200ms", "30us" into `ns`, and "50%", the half of
 * the time from its first event to the last one; "#4711" into `id`; so
 * does "mark:NAME", the event of the last mark of that name, "mark:NAME#2" of the second. False:
 * the error, which names --`option`, is printed. */
bool view_read_when(struct view *view, const char *option, const char *text, uint64_t *ns,
                    uint64_t *id);
/* Reads a span of time, "1.5", "200ms" or "30us", into `ns`. False: the error, which names
 * --`option`, is printed. */
bool view_read_duration(const char *option, const char *text, uint64_t *ns);

/* A moment of the capture as an event: the log up to it has happened. */
struct view_moment {
    enum view_moment_kind {
        VIEW_AT_EVENT,
        VIEW_AT_START, /* before the first event */
        VIEW_AT_END,   /* behind the last one: each process as it was at its own end */
        VIEW_AT_PEAK,  /* the most bytes: the caller has to find it */
    } kind;
    uint64_t event; /* of VIEW_AT_EVENT; else 0 */
    uint64_t ns;    /* of VIEW_AT_EVENT: its time */
    bool is_beyond; /* what was typed lies behind the end */
    /* Of a capture that keeps only the profile: this is the moment nearest to what was typed. */
    bool is_nearest;
    char name[80]; /* of a mark, as it was typed; "" = none */
};
/* Reads the moment that --`option` takes: start, end, peak, or as view_read_when takes it. False:
 * the error is printed. */
bool view_read_moment(struct view *view, const char *option, const char *text,
                      struct view_moment *out);
/* Makes a moment behind the end of an answer that ends before a damage that end. The peak stays. */
void view_limit_moment(const struct view *view, struct view_moment *moment);
/* Finds the peak of one process (row id), or of all that ran together (0), and makes it an event;
 * VIEW_AT_START where nothing was ever held. Where only the profile is kept it is the nearest
 * moment that can be asked. 0, or an exit status: the error is printed. */
int view_find_peak(struct view *view, uint32_t process, struct view_moment *out);
/* Appends "at the peak", "at 12.406 s", "after event 4,711", "at mark \"loaded\"". */
void view_add_moment(struct hak_text *text, const struct view *view, const struct view_moment *at);

/* The process that `--process` selects.
 *
 *   4711     the process with this pid; where several had it, the last one (it is said)
 *   4711#2   the second of them
 *   #7, 7    row 7 of the capture (7: when no process had the pid 7) */
#define VIEW_PROCESSES_MAX 256

/* The rows that --process may mean, the last one first. */
struct view_processes {
    uint32_t row[VIEW_PROCESSES_MAX];
    int count; /* 0 = --process was not given */
    bool by_pid;
    bool is_row_instead; /* no process had that pid; the row of that number was taken */
};

/* Reads --process into `out`: the processes with that pid, newest first, the Nth of them, or a row;
 * a pid that none had is taken for a row. None without the option. False: the error is printed. */
bool view_read_process(struct view *view, struct view_processes *out);
/* Chooses the process of --process, the newest where several had the pid, and says on stderr that
 * there was a choice; 0: the option was not given. False: the error is printed. */
bool view_choose_process(struct view *view, uint32_t *row);
/* Where `row` is 0, chooses the process with most events, and says on stderr that it is the one
 * that `does` says ("is played") where there are others. 0, or an exit status (printed). */
int view_choose_busiest(struct view *view, const char *does, uint32_t *row);
/* Says on stderr that `row` was taken of several that had its pid. */
void view_say_which_process(struct view *view, const struct view_processes *all, uint32_t row);
/* Says on stderr which process was taken, where more than one had a block at `address`. */
void view_say_which_process_at(struct view *view, uint64_t address, uint32_t row);

/* The value of --process that selects exactly this row: "4711", or "4711#2" where several had the
 * pid. */
void view_add_process_name(struct hak_text *text, struct view *view, uint32_t row);
/* "4711 (server)", "4711#2 (git)": that name with the program's. */
void view_add_process(struct hak_text *text, struct view *view, uint32_t row);

/* ---- what is shown ----------------------------------------------------------------------------
 */

/* The program's function that a stack stands for, and where it is. */
struct stack_label {
    char function[160]; /* "" = no stack, or not known */
    char location[320];
};
/* Function and location of the frame of a stack that tells most; "" for each that is not known. The
 * result holds until the next call. */
const struct stack_label *view_stack_label(struct view *view, uint32_t stack);
/* Appends function and location of a stack: "parse_row app/parse.c:210", or "no stack". */
void view_add_place(struct hak_text *text, struct view *view, uint32_t stack);
/* Appends "parse_row app/parse.c:210 < main": the frame that tells, and its callers, at most
 * `frames` of them in all; libraries among the callers are left out. */
void view_add_stack_line(struct hak_text *text, struct view *view, uint32_t stack, int frames);
/* "3 io"; "?" when the store has no such thread. Holds until the next call. */
const char *view_thread_label(struct view *view, uint32_t row);
/* "4711", "4712#2": what --process takes to mean this row. Holds until the next call. */
const char *view_process_label(struct view *view, uint32_t row);
/* Appends the stack of an event, one frame a line, each indented by `indent` blanks. */
void view_add_stack(struct hak_text *text, struct view *view, uint32_t stack, int indent);

struct hak_frames;
/* Appends frames that are there already as lines, without colours. */
void view_add_frame_lines(struct hak_text *text, const struct hak_frames *frames, int indent);
/* Appends frames that are there already as lines, in colour where the view has it. */
void view_add_frames(struct hak_text *text, struct view *view, const struct hak_frames *frames,
                     int indent);

/* Whether the event has a name in table mark. */
bool view_has_name(const struct hak_event *event);
/* Appends `mark "name"`: what the program called the mark that is this event. */
void view_add_mark(struct hak_text *text, struct view *view, const struct hak_event *event);

/* "850 ns", "3.2 us", "91.0 ms", "12.4 s": a span of time. In a ring of eight buffers. */
const char *view_span(uint64_t ns);

/* Appends an event's stack as lines, with what is to be said of it: cut, or found by frame
 * pointers. */
void view_add_event_stack(struct hak_text *text, struct view *view, const struct hak_event *event,
                          int indent);

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* {"hakmem_json": 1, "command": ..., "store": ...}; the store only when one is open. */
json_t *view_json_document(const struct view *view);
/* Tells whether events are missing from the capture, in numbers and a sentence. */
json_t *view_completeness_json(const struct view *view);
/* Prints a document, with that as its last member, and drops the reference. False: no memory. */
bool view_print_document(const struct view *view, json_t *document);
/* Writes the begin of a document that is longer than memory, up to the store. */
void view_write_document(const struct view *view);
/* Writes a member of a JSON document that is printed piece by piece, with a comma unless it is the
 * last; drops the reference. */
void view_write_member(const char *name, json_t *value, bool is_last);
/* Writes a list's element on one line; drops the reference. */
void view_write_json(json_t *value);

/* ---- pools inside of programs -------------------------------------------------------------------
 * Known by the modules that they come with: they take large blocks from malloc and hand out small
 * ones themselves, so hakmem does not see those. */
struct inner_pool {
    const char *module;   /* how the file's name begins */
    const char *variable; /* environment variable that switches it off; NULL = nothing does */
    const char *off;      /* words of its value that do, with blanks between them */
    const char *words;    /* "CPython's own pool hides small blocks" */
};

/* The next known pool that has a module loaded in this capture and was not switched off by the
 * variables of the capture's first program; `at` counts from 0. NULL = no more. */
const struct inner_pool *pools_next(struct view *view, int *at);

/* ---- the allocator's counters -------------------------------------------------------------------
 * A question about those whose name, n.text, `where` chooses: `select` is of their names and
 * values, text and most. The greatest value is the one that a counter reached in a process. */
#define VIEW_REACHED(where, select)                                                                \
    "WITH reached(text, most) AS (SELECT n.text, CAST(max(s.value) AS INTEGER)"                    \
    " FROM name n JOIN sample s ON s.name = n.id WHERE " where                                     \
    " GROUP BY s.process, s.name, s.class) SELECT " select " FROM reached"
/* checked.c: reads the sum of what each of the counters with these `count` names reached into
 * `reached`, 0 where there is none. 0, or an error of the store. */
int view_read_reached(const struct view *view, const char *const *names, uint64_t *reached,
                      int count);

/* ---- how much was checked (checked.c) -----------------------------------------------------------
 * The meaning of "no fault". In level normal writes beside every block are found at its next call,
 * and reads and writes of guarded blocks at the instruction; in level light those of guarded blocks
 * alone; in level trace frees alone. The numbers are the allocator's own counters (sample), which a
 * process writes until its end. */
enum view_check {
    VIEW_CHECK_NONE,
    VIEW_CHECK_TRACE,
    VIEW_CHECK_NORMAL,
    VIEW_CHECK_LIGHT,
    VIEW_CHECK_KEPT
};

struct view_checked {
    enum view_check level;
    uint64_t calls; /* that served a block or took one back; not known in level light */
    uint64_t leak_scans;
    const char *unscanned; /* why no scan was made although it was asked for; NULL = it was not, or
                              the capture does not say */
    bool is_counted; /* false: how many calls and blocks there were, and checked ones, is not known
                      */
    struct hak_coverage coverage;
};

/* Reads from the open capture how much was guarded, in all its processes. 0, or an error of the
 * store. */
int view_read_coverage(const struct view *view, struct hak_coverage *out);
/* Reads how many blocks level light watched, in how many calls that allocate, until each process's
 * last report; 0 of both: it is not known. 0, or an error of the store. */
int view_read_watched(const struct view *view, uint64_t *blocks, uint64_t *calls);
/* Reads from the open capture how much was checked. 0, or an error of the store. */
int view_read_checked(struct view *view, struct view_checked *out);
/* "writes checked in all 703,269 calls, reads in 14 of 4,000 blocks, of 4 of 4 call stacks (padding
 * aside), leaks not looked for (--leaks)"; "nothing checked: the program kept its own allocator".
 */
void view_add_checked(struct hak_text *text, const struct view_checked *checked);

/* The same as JSON numbers: calls, blocks, and in how many of them writes and reads were checked;
 * null: it is not known. */
json_t *view_checked_json(const struct view_checked *checked);

/* Appends ", table+8 in .rodata: constants, not heap memory." for the address `value` of a module's
 * file, as far as it is known. */
void view_add_static_place(struct hak_text *text, const char *path, const char *build_id,
                           uint64_t value);

#endif
