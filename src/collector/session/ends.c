/* Finds out how processes ended and what they executed. */
#include "collector/session/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/bytes.h"
#include "collector/kernel/kernel.h"
#include "collector/target/target.h"
#include "report/words/words.h"
#include "symbols/reading.h"
#include "trace/stat_line.h"

#define NOT_RECORDED "which was not recorded: "
#define UNSEEN_END                                                                                 \
    "its end was not seen: the collector was killed, and its unstored events of this process are " \
    "missing"
#define LOST_EXEC                                                                                  \
    "executed a program, " NOT_RECORDED                                                            \
    "the collector was killed before it had stored anything of it"
#define ATTACHED_EXEC                                                                              \
    "executed a program, " NOT_RECORDED "`record -p` ends with the program that it began with"
#define CUT        "still running when recording stopped"
#define WENT_ON    "still running when recording stopped: no collector was left"
#define STAT_BYTES 2048
#define TELL_NS    500000000u
#define CLOCK_NS   1000000u    /* two sessions' clocks agree to that */
#define HELLO_NS   5000000000u /* from exec to hello, at most */

/* /proc/PID/stat. Of a process that has ended by its pidfd, and was not reaped, it is read here:
 * nothing can hold that look up, and on a busy machine the other one would come too late. */
static char *read_stat(const struct hak_process_watch *watch) {
    struct pollfd end = {.fd = watch->pidfd, .events = POLLIN};
    char path[64];
    if (poll(&end, 1, 0) <= 0 || !(end.revents & POLLIN))
        return hak_proc_read(watch->pid, "stat", NULL);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)watch->pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    /* While there is someone to send signals to, the number was not another process's. */
    bool is_its = file >= 0 &&
                  (syscall(SYS_pidfd_send_signal, watch->pidfd, 0, NULL, 0) == 0 || errno == EPERM);
    char *text = is_its ? calloc(1, STAT_BYTES) : NULL;
    if (text)
        hak_read_fully(file, text, STAT_BYTES - 1);
    if (file >= 0)
        close(file);
    return text;
}

/* Whether the kernel shows this process what it shows those who may trace the other one. To others
 * each exit status in /proc/PID/stat is 0. */
static bool is_shown(pid_t pid) {
    char path[64], target[64];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    return readlink(path, target, sizeof target) > 0;
}

/* The exit status from /proc/PID/stat, when it is the zombie of the process that was watched; -1:
 * it is not, or is not shown. */
static int zombie_status(const struct hak_process_watch *watch) {
    char *text = read_stat(watch);
    struct hak_peer peer;
    uint64_t status = 0;
    bool is_known = text && hak_peer_parse(text, &peer) && peer.has_ended &&
                    (peer.start_time == watch->start_time || watch->start_time == 0) &&
                    hak_stat_number(text, HAK_STAT_EXIT_CODE, &status) &&
                    (status != 0 || is_shown(watch->pid));
    free(text);
    return is_known ? (int)status : -1;
}

/* Asks how a process ended, unless that is known: by its pidfd, its zombie, and the pidfd again, as
 * a parent may reap the process between the two looks. */
void hak_ends_ask(struct hak_process_watch *watch) {
    if (watch->wait_status >= 0 || watch->pidfd < 0)
        return;
    watch->wait_status = hak_ended_status(watch->pidfd);
    if (watch->wait_status < 0 && watch->pid > 0)
        watch->wait_status = zombie_status(watch);
    if (watch->wait_status < 0)
        watch->wait_status = hak_ended_status(watch->pidfd);
}

/* Checks a file as hak_target_check, as one that may be made to kill its reader; a file that is
 * barred counts as right. */
static bool check_target(const char *path, struct hak_target_trouble *trouble) {
    if (hak_reading_is_barred(path, ""))
        return true;
    hak_reading_begin(path, "");
    bool is_right = hak_target_check(path, trouble);
    hak_reading_end();
    return is_right;
}

/* Looks at the program file that a process executed: by its own name where that says it, else by
 * the process's exe in /proc. True when something in the file is in the way. */
static bool find_trouble(const char *path, pid_t pid, struct hak_target_trouble *trouble) {
    char link[64];
    if (path[0] == '/' && access(path, X_OK) == 0)
        return !check_target(path, trouble);
    int file = pid > 0 ? hak_proc_open(pid, "exe") : -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    bool is_found = file >= 0 && access(link, X_OK) == 0 && !check_target(link, trouble);
    if (file >= 0)
        close(file);
    return is_found;
}

/* Describes the program that the process executed, by its own note. */
static void describe_exec(struct hak_rows *rows, uint32_t row, const struct hak_process_entry *e,
                          uint32_t exec_state, bool is_file) {
    static struct hak_target_trouble trouble; /* the worker's thread alone */
    char path[HAK_EXEC_PATH], note[2 * HAK_EXEC_PATH + 512], reason[400];
    const struct hak_process_info *p = hak_rows_process_info(rows, row);
    memcpy(path, e->exec_path, sizeof path);
    path[sizeof path - 1] = 0;
    const char *why = "it did not load hakmem-debug.so, ended before that, or could not reach this "
                      "recording";
    bool is_dropped = exec_state == HAK_EXEC_DROPPED || exec_state == HAK_EXEC_BARRED;
    const char *known = path + strlen(path) + 1; /* why hakmem was taken out, or is not loaded */
    bool is_known = known < path + sizeof path && known[0];
    if (p && p->row.note[0]) {
        why = p->row.note; /* it said so itself */
        is_dropped = false;
    } else if (exec_state == HAK_EXEC_DROPPED && is_known) {
        why = known;
    } else if (exec_state == HAK_EXEC_BARRED) {
        why = "the seccomp sandbox that it was started in does not let it reach this recording";
    } else if (p && find_trouble(path, is_file ? 0 : p->outer_pid, &trouble)) {
        bool is_own = strcmp(trouble.file, path) == 0 || strncmp(trouble.file, "/proc/", 6) == 0;
        snprintf(reason, sizeof reason, "%.180s%.180s", is_own ? "it" : trouble.file,
                 trouble.reason);
        why = reason;
        is_dropped = is_dropped || trouble.gives_rights;
    } else if (exec_state == HAK_EXEC_DROPPED) {
        why = "LD_PRELOAD was taken out of its environment";
    } else if (is_known) { /* no file is left to look at */
        why = known;
    }
    snprintf(note, sizeof note, "executed %s, which was not recorded: %s%s", path, why,
             is_dropped ? HAK_NOTE_NOT_BELOW : "");
    hak_rows_note(rows, row, note);
}

/* Notes that a process's program has a malloc of its own inside, if no note is there yet: it runs
 * under hakmem-debug.so and hardly ever comes to it. Only the files that it executes are looked at,
 * each once in a while. */
static void describe_own_malloc(struct hak_rows *rows, uint32_t row) {
    static struct hak_target_trouble trouble;
    static char looked_at[HAK_PATH_BYTES]; /* the last program: a build runs many of one */
    static bool has_malloc, hides_malloc;
    char note[256];
    const struct hak_process_info *p = hak_rows_process_info(rows, row);
    if (!p || p->row.note[0] || p->row.program[0] != '/')
        return;
    if (strcmp(looked_at, p->row.program) != 0) {
        snprintf(looked_at, sizeof looked_at, "%s", p->row.program);
        has_malloc = !check_target(looked_at, &trouble) && trouble.has_malloc;
        hides_malloc = !has_malloc && hak_target_hides_malloc(looked_at);
    }
    if (!has_malloc && !hides_malloc)
        return;
    snprintf(note, sizeof note, "it%.64s: what comes from there is not recorded",
             has_malloc ? trouble.reason : " has a hidden malloc of its own inside");
    hak_rows_note(rows, row, note);
}

/* Notes that the malloc of another module serves a process, if no note is there yet. */
static void describe_other_malloc(struct hak_rows *rows, uint32_t row, const char *name) {
    char note[256];
    const struct hak_process_info *p = hak_rows_process_info(rows, row);
    if (!p || p->row.note[0])
        return;
    snprintf(note, sizeof note,
             "not recorded: the malloc of %.*s serves it, before hakmem-debug.so's; take that out "
             "of LD_PRELOAD, or name hakmem-debug.so first",
             HAK_MALLOC_BY - 1, name);
    hak_rows_note(rows, row, note);
}

/* Notes why no debug register watches in a process, if no note is there yet: HAKMEM_WATCH is never
 * without effect in silence. */
static void describe_unwatched(struct hak_rows *rows, uint32_t row, uint32_t why) {
    char note[256];
    const struct hak_process_info *p = hak_rows_process_info(rows, row);
    if (!p || p->row.note[0])
        return;
    snprintf(note, sizeof note, "no debug register watches (HAKMEM_WATCH): %s",
             hak_words_unwatched(why));
    hak_rows_note(rows, row, note);
}

/* Notes why the machine gives level normal no registers, once for the capture; an act of a single
 * program (a sandbox, SIGTRAP) is no such reason. */
static void note_machine(struct hak_rows *rows, uint32_t why) {
    bool is_machines = why == HAK_UNWATCHED_OLD_KERNEL || why == HAK_UNWATCHED_DEAF ||
                       why == HAK_UNWATCHED_PROCESSOR ||
                       (why != 0 && why < HAK_UNWATCHED_OLD_KERNEL);
    if (is_machines && !rows->unwatched)
        rows->unwatched = why;
}

/* True when the program that the process executed at `ns` is known: its hello came to another
 * keeper, before this session's did. */
static bool is_known_exec(const struct hak_rows *rows, const struct hak_process_info *process,
                          uint64_t ns) {
    struct hak_who who = hak_rows_who(process);
    for (uint32_t id = UINT32_MAX; (id = hak_rows_find_process(rows, &who, id)) > 0;) {
        const struct hak_process_row *row = &rows->processes[id - 1].row;
        if (row->session != process->row.session && row->start_ns + CLOCK_NS >= ns &&
            row->start_ns < ns + HELLO_NS)
            return true;
    }
    return false;
}

void hak_ends_describe(struct hak_client *client, struct hak_rows *rows, uint32_t index,
                       uint32_t state) {
    struct hak_process_watch *w = &client->processes[index];
    struct hak_process_entry *e = hak_mapping_process(&client->map, index);
    struct hak_process_info *p = hak_rows_process_info(rows, w->row);
    uint32_t exec_state = atomic_load_explicit(&e->exec_state, memory_order_acquire);
    uint32_t own = atomic_load(&e->end_status);
    uint64_t end = state == HAK_PROCESS_ENDED ? atomic_load(&e->tsc_end) : 0;
    if (!p)
        return;
    if (strcmp(p->row.note, UNSEEN_END) == 0 || strcmp(p->row.note, WENT_ON) == 0)
        hak_rows_note(rows, w->row, "");
    hak_ends_ask(w);
    int status = w->wait_status;
    if (status < 0 && (own & HAK_END_KNOWN))
        status = (int)(own & 0xffff);
    p->row.exit_status = -1;
    p->row.signal = 0;
    if (w->replaced_ns) {
        p->row.end_kind = 3;
    } else if (w->is_cut && status < 0 && state != HAK_PROCESS_ENDED) {
        p->row.end_kind = 0;
        hak_rows_note(rows, w->row, CUT);
    } else if (w->has_executed && state != HAK_PROCESS_ENDED) {
        p->row.end_kind = 4;
        hak_rows_note(rows, w->row, ATTACHED_EXEC);
    } else if (exec_state != HAK_EXEC_NONE && state != HAK_PROCESS_ENDED) {
        end = *(volatile uint64_t *)&e->tsc_exec;
        bool is_known = is_known_exec(rows, p, hak_clock_ns(&client->clock, end));
        p->row.end_kind = is_known ? 3 : 4;
        if (!is_known)
            describe_exec(rows, w->row, e, exec_state, client->is_file);
    } else if (status < 0 && (atomic_load(&e->flags) & HAK_PROCESS_WENT_ON)) {
        p->row.end_kind = 0;
        hak_rows_note(rows, w->row, WENT_ON);
    } else if (status >= 0 ? WIFSIGNALED(status) : state != HAK_PROCESS_ENDED) {
        p->row.end_kind = 2;
        p->row.signal = status >= 0 ? WTERMSIG(status) : 0;
    } else {
        p->row.end_kind = 1;
        p->row.exit_status = status >= 0 ? WEXITSTATUS(status) : -1;
    }
    if (index == 0 && p->row.end_kind <= 2)
        describe_own_malloc(rows, w->row);
    if (e->malloc_by[0])
        describe_other_malloc(rows, w->row, e->malloc_by);
    if (atomic_load(&e->flags) & HAK_PROCESS_STRICT)
        hak_rows_note(rows, w->row, "entered strict seccomp, in which nothing can be recorded");
    else if (atomic_load(&e->flags) & HAK_PROCESS_UNWATCHED)
        describe_unwatched(rows, w->row, atomic_load(&e->flags) >> HAK_PROCESS_WHY_SHIFT & 0xff);
    if (atomic_load(&e->flags) & HAK_PROCESS_NEWEST_UNWATCHED)
        note_machine(rows, atomic_load(&e->flags) >> HAK_PROCESS_WHY_SHIFT & 0xff);
    if (end == 0) /* the moment when it was seen; up to the latest anchor's precision */
        end = client->is_file ? client->file_end_ticks : client->clock.latest_ticks;
    p->row.end_ns = w->replaced_ns        ? w->replaced_ns
                    : p->row.end_kind > 0 ? hak_clock_ns(&client->clock, end)
                                          : 0;
    hak_rows_touch_process(rows, w->row);
}

/* Whether there is the row that was made of the report heard at `ns`, now or by a worker before. */
static bool has_row_of_note(const struct hak_rows *rows, const struct hak_who *who, uint64_t ns) {
    for (uint32_t id = UINT32_MAX; (id = hak_rows_find_process(rows, who, id)) > 0;) {
        const struct hak_process_row *row = &rows->processes[id - 1].row;
        if (row->session == 0 && row->start_ns == ns)
            return true;
    }
    return false;
}

/* A row that begins later is of a program that the process has executed since. */
static bool had_begun(const struct hak_process_info *process, uint64_t ns) {
    return process && process->row.start_ns <= ns + CLOCK_NS;
}

/* Notes the reason in the row of a process that is watched. False: none is this one. */
static bool note_watched(struct hak_client **clients, uint32_t count, struct hak_rows *rows,
                         pid_t pid, const char *why, uint64_t ns) {
    for (uint32_t c = 0; c < count; c++) {
        for (uint32_t i = 0; i < clients[c]->processes_high; i++) {
            const struct hak_process_watch *w = &clients[c]->processes[i];
            if ((w->phase == HAK_PHASE_LIVE || w->phase == HAK_PHASE_GONE) && w->pid > 0 &&
                w->pid == pid && had_begun(hak_rows_process_info(rows, w->row), ns)) {
                hak_rows_note(rows, w->row, why);
                return true;
            }
        }
    }
    return false;
}

/* Puts the reason into the process's row that is closed already, in the place of a guess. True: it
 * is in a row now, or was before. */
static bool note_closed(struct hak_rows *rows, const struct hak_who *who, const char *why,
                        uint64_t ns) {
    for (uint32_t id = UINT32_MAX; (id = hak_rows_find_process(rows, who, id)) > 0;) {
        const struct hak_process_row *before = &rows->processes[id - 1].row;
        if (!had_begun(&rows->processes[id - 1], ns))
            continue;
        if (before->session != 0 && strcmp(before->note, why) == 0)
            return true;
        const char *guess = before->end_kind == 4 ? strstr(before->note, NOT_RECORDED) : NULL;
        if (!guess)
            continue;
        char longer[HAK_EXEC_PATH + 512];
        snprintf(longer, sizeof longer, "%.*s" NOT_RECORDED "%s", (int)(guess - before->note),
                 before->note, why);
        hak_rows_note(rows, id, longer);
        return true;
    }
    return false;
}

/* Reads the path of the program that the process is now; "" = not known. */
static void read_program(const struct hak_who *who, char program[HAK_PATH_BYTES]) {
    char path[64];
    int file = hak_proc_open(who->outer, "exe");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    ssize_t length = file >= 0 ? readlink(path, program, HAK_PATH_BYTES - 1) : 0;
    bool is_same = hak_peer_is_same(&(struct hak_known_process){who->outer, who->start_time});
    program[length > 0 && is_same ? length : 0] = 0;
    if (file >= 0)
        close(file);
}

void hak_ends_unrecorded(struct hak_client **clients, uint32_t count, struct hak_rows *rows,
                         const struct hak_who *who, pid_t parent, const char *why, uint64_t ns) {
    char program[HAK_PATH_BYTES], note[512];
    if (has_row_of_note(rows, who, ns) || note_watched(clients, count, rows, who->outer, why, ns) ||
        note_closed(rows, who, why, ns))
        return;
    read_program(who, program);
    /* A process's note on the program that it is about to become says so itself. */
    bool is_whole = strncmp(why, "executed ", 9) == 0;
    if (is_whole)
        snprintf(program, sizeof program, "%.*s",
                 (int)(strstr(why, ", which") ? strstr(why, ", which") - why - 9 : 0), why + 9);
    snprintf(note, sizeof note, "%s%s", is_whole ? "" : "not recorded: ", why);
    struct hak_who above = {.outer = parent};
    struct hak_process_row row = {.parent = hak_rows_find_process(rows, &above, UINT32_MAX),
                                  .pid = who->inner,
                                  .parent_pid = parent,
                                  .start_time = who->start_time,
                                  .start_ns = ns,
                                  .program = program,
                                  .command_line = "",
                                  .exit_status = -1,
                                  .end_kind = is_whole ? 4 : 0,
                                  .end_ns = is_whole ? ns : 0,
                                  .note = note};
    uint32_t id = hak_rows_add_process(rows, &row);
    struct hak_process_info *made = hak_rows_process_info(rows, id);
    if (made) {
        made->outer_pid = who->outer;
        made->pid_space = who->space;
    }
}

/* Whether there is a row of the program that process `id` executed: mostly one of the next, or
 * before it where its hello came to another keeper first. */
static bool has_successor(const struct hak_rows *rows, uint32_t id) {
    const struct hak_process_info *process = &rows->processes[id - 1];
    struct hak_who who = hak_rows_who(process);
    for (uint32_t step = 1; step < rows->process_count; step++) {
        const struct hak_process_info *other =
            &rows->processes[(id - 1 + step) % rows->process_count];
        if (other->row.session != process->row.session && hak_rows_is_process(other, &who) &&
            other->row.start_ns + CLOCK_NS >= process->row.start_ns)
            return true;
    }
    return false;
}

void hak_ends_note_unseen(struct hak_rows *rows) {
    for (uint32_t id = 1; id <= rows->process_count; id++) {
        struct hak_process_row *row = &rows->processes[id - 1].row;
        if (row->end_kind == 0 && !row->note[0]) {
            hak_rows_note(rows, id, UNSEEN_END);
        } else if (row->end_kind == 3 && !has_successor(rows, id)) {
            row->end_kind = 4;
            hak_rows_note(rows, id, LOST_EXEC);
        }
    }
}

void hak_ends_tell_unentered(struct hak_client *client, struct hak_rows *rows) {
    const struct hak_session *session = hak_mapping_header(&client->map);
    uint64_t events = atomic_load(&session->unentered_events);
    uint32_t processes = atomic_load(&session->unentered), row = client->processes[0].row;
    uint64_t now = hak_time_ns();
    char note[128];
    if (processes == 0 || row == 0 || events - client->unentered_told >= (uint64_t)1 << 48 ||
        (now - client->unentered_ns < TELL_NS && !client->over))
        return;
    client->unentered_ns = now;
    snprintf(note, sizeof note, "%u processes forked from here were not recorded: %d lived already",
             processes, HAK_PROCESSES);
    const struct hak_process_info *p = hak_rows_process_info(rows, row);
    if (p && strcmp(p->row.note, note) != 0)
        hak_rows_note(rows, row, note);
    uint64_t to = hak_clock_ns(&client->clock, client->clock.latest_ticks);
    if (p && events > client->unentered_told)
        hak_rows_add_loss(rows, row, 0, p->row.start_ns, to, events - client->unentered_told,
                          "no process entry");
    client->unentered_told = events;
}
