/* The worker's loop: sleep, hear, cut and commit, report, close sessions, resolve symbols. */
#include "collector/worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/kernel/kernel.h"
#include "collector/worker/opening.h"
#include "options.h"
#include "report/words/words.h"
#include "symbols/reading.h"

#define LOOK_MS         50
#define FINISH_MS       1 /* between two looks whether the rest can be resolved */
#define LARGE_BYTES     (1 << 20)
#define RESOLVE_NS      4000000u
#define BUSY_RESOLVE_NS 1000000u /* also while events wait: for readers of a growing store */
#define BUSY_EVERY_NS   100000000u
#define KEEPER_AGAIN_NS 1000000000u
#define READ_NS         8000000000u /* longer for a file that may turn out to be unreadable */
#define LAST_ROUNDS     4096 /* chunks, more than rings hold: a program may forge its times */
#define UNSEEN_SLICES   60   /* 300 ms */
#define UNSEEN_SLICE_US 5000
#define REFUSALS_SAID   8
#define LATE_NS         5000000000u /* a hello is heard at most that much after its process' end */

bool hak_worker_make(struct hak_worker *worker) {
    *worker = (struct hak_worker){.link = -1,
                                  .keeper = -1,
                                  .listening = -1,
                                  .reading_page = -1,
                                  .capture.next_fault = 1,
                                  .next_session = 1};
    worker->bell.epoll = -1;
    worker->drain.rows = &worker->capture.rows;
    worker->drain.batch = &worker->batch;
    worker->drain.leaks = &worker->findings.leaks;
    worker->findings.log_path = worker->config.log_path;
    return hak_batch_make(&worker->batch) && hak_resolve_make(&worker->capture.resolve);
}

void hak_worker_free(struct hak_worker *worker) {
    for (uint32_t i = 0; i < worker->client_count; i++)
        hak_client_close(worker->clients[i]);
    free((void *)worker->clients);
    free(worker->seen);
    free(worker->unreadable);
    free(worker->cursors);
    hak_cut_free(&worker->cut);
    hak_drain_free(&worker->drain);
    hak_batch_free(&worker->batch);
    hak_snapshots_free(&worker->snapshots);
    hak_rows_free(&worker->capture.rows);
    hak_resolve_free(&worker->capture.resolve);
    hak_judge_free(&worker->findings.judge);
    hak_fault_free_late(&worker->findings);
    hak_leaks_free(&worker->findings.leaks);
}

/* Corrects the row of a process that says that it vanished, as a hello came of it: it had executed
 * another program, which was seen later than its end. */
static void correct_vanished(struct hak_worker *w, const struct hak_who *who, uint64_t ns) {
    for (uint32_t id = UINT32_MAX; (id = hak_rows_find_process(&w->capture.rows, who, id)) > 0;) {
        struct hak_process_row *row = &w->capture.rows.processes[id - 1].row;
        if ((row->end_kind != 2 && row->end_kind != 4) || row->end_ns + LATE_NS < ns)
            continue;
        row->end_kind = 3;
        row->end_ns = ns;
        row->signal = 0;
        row->exit_status = -1;
        hak_rows_note(&w->capture.rows, id, "");
        hak_rows_touch_process(&w->capture.rows, id);
        return;
    }
}

const char *hak_worker_add(struct hak_worker *worker, uint32_t number,
                           const struct hak_hello *hello, pid_t peer_pid, int memfd) {
    const char *why = "no memory is left";
    if (!hak_growing_make_room(&worker->clients, worker->client_count, &worker->client_capacity,
                               sizeof(struct hak_client *)) ||
        !hak_growing_make_room(&worker->seen, worker->client_count + 1, &worker->seen_capacity,
                               sizeof *worker->seen)) {
        close(memfd);
        return why;
    }
    struct hak_client *client = hak_client_open(number, hello, peer_pid, memfd, &why);
    if (!client)
        return why;
    client->is_file = worker->imports;
    if (worker->taken_log_path)
        snprintf(client->map.head.log_path, sizeof client->map.head.log_path, "%s",
                 worker->taken_log_path);
    hak_opening_open(worker, client);
    hak_opening_join(worker, client);
    hak_judge_read(&worker->findings.judge, &worker->capture, client);
    if (client->map.is_own_user && client->map.head.log_path[0])
        memcpy(worker->findings.own_log_path, client->map.head.log_path,
               sizeof worker->findings.own_log_path);
    if (client->is_file)
        hak_rings_file_start_clock(client, worker->capture.start_ns);
    else
        hak_client_start_clock(client, worker->capture.start_ns);
    uint64_t start_ns = hak_clock_ns(&client->clock, 0);
    struct hak_who who = {peer_pid, hello->pid, hello->pid_space, hello->start_time};
    for (uint32_t i = 0; i < worker->client_count && client->map.head.previous_id == 0; i++) {
        hak_client_look_at_processes(worker->clients[i], &worker->capture.rows, worker->bell.epoll);
        hak_client_note_exec(worker->clients[i], hello, peer_pid, start_ns);
    }
    if (client->map.head.previous_id == 0 && !client->is_file && !client->knows_nodes)
        correct_vanished(worker, &who, start_ns);
    worker->clients[worker->client_count++] = client;
    if (client->is_file)
        hak_rings_file_begin(client, &worker->capture.rows);
    return NULL;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void report_to_keeper(const struct hak_worker *w, enum hak_link_type type, uint32_t number,
                             uint32_t live) {
    hak_link_report(w->link, &(struct hak_link_report){type, number, live, w->capture.path, NULL});
}

/* Takes a session that the keeper sends, and tells the keeper when it is refused (said,
 * REFUSALS_SAID times at most) or where the first one's store is. */
static void accept_session(struct hak_worker *w, const struct hak_link_message *m, int memfd) {
    bool first = w->capture.path[0] == 0;
    w->taken_log_path = m->log_path;
    const char *why = hak_worker_add(w, m->number, &m->hello, m->peer_pid, memfd);
    w->taken_log_path = NULL;
    if (why) {
        if (w->refusals_said < REFUSALS_SAID)
            hak_say("the session memory of process %d is refused: %s%s", (int)m->hello.pid, why,
                    w->refusals_said + 1 == REFUSALS_SAID ? "; no more of these are said" : "");
        w->refusals_said += w->refusals_said < REFUSALS_SAID;
        report_to_keeper(w, HAK_LINK_DONE, m->number, 0);
    } else if (first && w->capture.path[0]) {
        report_to_keeper(w, HAK_LINK_STORE, 0, 0);
        snprintf(w->config.store_path, sizeof w->config.store_path, "%s", w->capture.path);
        w->config.making_path[0] = 0;
        w->config.resume_store = 1;
    }
    if (m->number >= w->config.next_number)
        w->config.next_number = m->number + 1;
}

/* Closes the link to a keeper that has died. */
static void lose_keeper(struct hak_worker *w) {
    epoll_ctl(w->bell.epoll, EPOLL_CTL_DEL, w->link, NULL);
    close(w->link);
    if (w->keeper >= 0)
        close(w->keeper);
    w->link = w->keeper = -1;
}

/* Bars a file of which a worker before died, and notes it with the reason for the store. */
static void bar_file(struct hak_worker *w, struct hak_link_message *m) {
    char *longer = NULL;
    m->store_path[sizeof m->store_path - 1] = m->log_path[sizeof m->log_path - 1] = 0;
    m->hello.text[sizeof m->hello.text - 1] = 0;
    if (!hak_reading_bar(m->store_path, m->log_path))
        return;
    for (char *end = m->store_path; (end = strchr(end, '\n')) != NULL;)
        *end = '?'; /* each has one line */
    if (asprintf(&longer, "%s%s%s%s%s", w->unreadable ? w->unreadable : "",
                 w->unreadable ? "\n" : "", m->store_path, m->store_path[0] ? ": " : "",
                 m->hello.text) < 0)
        return;
    free(w->unreadable);
    w->unreadable = longer;
    w->unreadable_new = true;
}

/* Stores which files are not read, when there are new ones. */
static void store_unreadable(struct hak_worker *w) {
    if (w->unreadable_new && hak_capture_begin(&w->capture))
        w->unreadable_new = !hak_capture_end(
            &w->capture, hak_store_put_meta(w->capture.writer, "unreadable", w->unreadable));
}

/* Stores why this machine gives no debug registers, when that has changed. */
static void store_unwatched(struct hak_worker *w) {
    uint32_t why = w->capture.rows.unwatched;
    if (why != w->unwatched && hak_capture_begin(&w->capture) &&
        hak_capture_end(&w->capture, hak_store_put_meta(w->capture.writer, "unwatched",
                                                        hak_words_unwatched(why))))
        w->unwatched = why;
}

/* Shares the page that tells the keeper which files are being read. */
static void share_page(struct hak_worker *w) {
    static struct hak_link_message m;
    m = (struct hak_link_message){.type = HAK_LINK_READING, .peer_pid = getpid()};
    if (w->reading_page >= 0)
        (void)hak_link_send_wait(w->link, &m, w->reading_page); /* its end is seen soon */
}

/* Hears what the keeper says: settings, sessions, notes, syncs, files to bar, the end; notices when
 * it has died. */
static void hear_keeper(struct hak_worker *w) {
    static struct hak_link_message m;
    bool is_over = hak_link_process_is_over(w->keeper); /* before what it said last is read */
    int descriptor, got = 0;
    while (w->link >= 0 && (got = hak_link_receive(w->link, &m, &descriptor)) > 0) {
        if (m.type == HAK_LINK_CONFIG && descriptor >= 0) {
            if (w->listening >= 0)
                close(w->listening);
            w->config = m;
            w->findings.color = (enum hak_color)m.color;
            w->listening = descriptor;
            descriptor = -1;
        } else if (m.type == HAK_LINK_SESSION && descriptor >= 0) {
            accept_session(w, &m, descriptor);
            descriptor = -1;
        } else if (m.type == HAK_LINK_UNRECORDED) {
            m.hello.text[sizeof m.hello.text - 1] = 0;
            struct hak_who who = {m.peer_pid, m.hello.child ? m.hello.child : m.hello.pid,
                                  m.hello.pid_space, m.hello.start_time};
            hak_opening_reopen(w, true);
            for (uint32_t i = 0; i < w->client_count; i++)
                hak_client_look_at_processes(w->clients[i], &w->capture.rows, w->bell.epoll);
            uint64_t start = w->capture.start_ns;
            hak_ends_unrecorded(w->clients, w->client_count, &w->capture.rows, &who,
                                (pid_t)m.number, m.hello.text,
                                m.heard_ns > start ? m.heard_ns - start : 0);
        } else if (m.type == HAK_LINK_UNREADABLE) {
            bar_file(w, &m);
        } else if (m.type == HAK_LINK_SYNC) {
            w->sync_wanted = m.number;
        } else if (m.type == HAK_LINK_FINISH) {
            w->finish_wanted = true;
            w->cut_wanted |= m.number != 0;
        }
        if (descriptor >= 0)
            close(descriptor);
    }
    if (got < 0 || is_over)
        lose_keeper(w);
}

/* Watches the keeper's link and process; `keeper` = 0: the maker of the link. False: the link
 * cannot be watched. */
static bool watch_keeper(struct hak_worker *w, pid_t keeper) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = w->link};
    fcntl(w->link, F_SETFD, FD_CLOEXEC);
    w->keeper = hak_link_open_process(w->link, keeper);
    if (w->keeper >= 0)
        (void)epoll_ctl(w->bell.epoll, EPOLL_CTL_ADD, w->keeper, &event);
    return epoll_ctl(w->bell.epoll, EPOLL_CTL_ADD, w->link, &event) == 0;
}

/* Starts another keeper where this one's is gone (killed, or `run` has ended before its
 * descendants): it gets all that this worker holds, the listening socket first. */
static void start_keeper(struct hak_worker *w, uint64_t now) {
    static struct hak_link_message m; /* one worker thread */
    int pair[2];
    if (w->link >= 0 || now < w->keeper_due_ns || w->listening < 0)
        return;
    w->keeper_due_ns = now + KEEPER_AGAIN_NS;
    if (hak_link_pair(pair) != 0)
        return;
    char *arguments[] = {(char *)"hakmem-collect", (char *)"--keeper", (char *)"--revived", NULL};
    pid_t pid = hak_link_spawn(w->collect_path, arguments, pair[1]);
    close(pair[1]);
    w->link = pair[0];
    bool sent = pid > 0;
    if (sent)
        share_page(w);
    for (uint32_t i = 0; sent && i < w->client_count; i++) {
        const struct hak_client *c = w->clients[i];
        hak_link_describe_session(&m, c->link_number, c->peer_pid, &c->hello, c->map.head.log_path);
        sent = hak_link_send_wait(w->link, &m, c->map.memfd) == 0;
    }
    w->config.type = HAK_LINK_CONFIG;
    w->config.hold = 0;
    sent = sent && hak_link_send_wait(w->link, &w->config, w->listening) == 0;
    if (!sent || !watch_keeper(w, pid))
        lose_keeper(w);
}

/* ---- one round ------------------------------------------------------------------------------- */

static void beat(struct hak_worker *w) {
    uint64_t now = hak_time_ns();
    for (uint32_t i = 0; i < w->client_count; i++)
        atomic_store(&hak_mapping_header(&w->clients[i]->map)->worker_heartbeat_ns, now);
}

/* Whether a program waits for a report. */
static bool any_report(const struct hak_worker *w) {
    for (uint32_t i = 0; i < w->client_count; i++)
        if (hak_fault_is_wanted(w->clients[i]))
            return true;
    return false;
}

/* Makes the report that the session waits for, or has left, if any. */
static void report_fault(struct hak_worker *w, struct hak_client *client) {
    struct hak_fault *fault = hak_fault_is_wanted(client) ? hak_fault_begin(client) : NULL;
    if (!fault)
        return;
    while (hak_fault_awaits_event(fault))
        hak_worker_commit(w);
    hak_fault_prepare(fault, &w->capture);
    hak_worker_commit(w);
    hak_fault_finish(fault, &w->capture, &w->findings);
}

void hak_worker_report_faults(struct hak_worker *w) {
    for (uint32_t i = 0; i < w->client_count; i++)
        report_fault(w, w->clients[i]);
}

/* Looks at all sessions for processes that have ended; true: there are some. */
static bool any_end(const struct hak_worker *w) {
    bool any = false;
    for (uint32_t i = 0; i < w->client_count; i++)
        any |= hak_client_look_for_ends(w->clients[i]);
    return any;
}

void hak_worker_commit_all(struct hak_worker *worker) {
    struct hak_cut_moment until = hak_cut_now();
    for (int round = 0; round < LAST_ROUNDS && hak_worker_commit_until(worker, until); round++)
        beat(worker);
}

/* Stores the counts of watched calls and blocks of a session of level light, which may have had no
 * fault. */
static void store_watched(struct hak_worker *w, const struct hak_client *c) {
    const volatile struct hak_report_request *area = hak_mapping_report(&c->map);
    uint32_t index = area->process < HAK_PROCESSES ? area->process : 0;
    if (c->map.head.level == HAK_CHECK_LIGHT && c->processes[index].row && area->calls)
        hak_fault_store_watched(&w->capture, c->processes[index].row, area->calls,
                                area->guarded_blocks);
}

/* Sessions that nobody maps any more: their last records are stored, then they are closed. */
static void close_sessions(struct hak_worker *w, uint64_t now) {
    for (uint32_t i = 0; i < w->client_count;) {
        struct hak_client *c = w->clients[i];
        if (!hak_client_is_over(c, now)) {
            i++;
            continue;
        }
        hak_worker_commit_all(w);
        report_fault(w, c); /* left since the others were made */
        hak_fault_count_untaken(c, &w->capture);
        hak_client_end_all(c);
        hak_client_copy_counters(c, &w->capture.rows);
        hak_worker_commit(w);
        store_watched(w, c);
        uint32_t number = c->link_number;
        w->clients[i] = w->clients[--w->client_count];
        hak_leaks_forget(&w->findings.leaks, c);
        hak_client_close(c);
        hak_worker_commit(w);
        report_to_keeper(w, HAK_LINK_DONE, number, 0);
    }
}

/* Ends sessions whose processes go on: they are told, and their records until then are stored. */
static void cut_sessions(struct hak_worker *w) {
    for (uint32_t i = 0; i < w->client_count; i++)
        atomic_store(&hak_mapping_header(&w->clients[i]->map)->is_over, 1);
    hak_worker_commit_all(w);
    for (uint32_t i = 0; i < w->client_count; i++)
        hak_client_cut(w->clients[i]);
    close_sessions(w, hak_time_ns());
}

/* How many recorded processes live; a session of which none was seen yet counts `for_unseen`. */
static uint32_t count_live(const struct hak_worker *w, uint32_t for_unseen) {
    uint32_t live = 0;
    for (uint32_t i = 0; i < w->client_count; i++) {
        uint32_t seen = hak_client_live(w->clients[i]);
        live += seen ? seen : for_unseen;
    }
    return live;
}

/* Waits a moment for a session that somebody maps and in which no process is known to live: a
 * forked child says who it is when it first runs, which on a busy machine is later than its
 * parent's end. */
static void await_unseen(struct hak_worker *w) {
    for (int slice = 0; slice < UNSEEN_SLICES; slice++) {
        uint32_t known = count_live(w, 0);
        if (known > 0 || count_live(w, 1) == known)
            return;
        usleep(UNSEEN_SLICE_US);
        beat(w);
        hak_worker_commit_all(w);
        close_sessions(w, hak_time_ns());
    }
}

/* Answers a sync that the keeper waits for, after all that was recorded before is committed. */
static void answer_sync(struct hak_worker *w) {
    if (!w->sync_wanted)
        return;
    any_end(w);
    hak_worker_commit_all(w);
    close_sessions(w, hak_time_ns());
    await_unseen(w);
    hak_worker_commit_all(w); /* rows that the end of processes changed */
    report_to_keeper(w, HAK_LINK_SYNCED, w->sync_wanted, count_live(w, 1));
    w->sync_wanted = 0;
}

static bool has_late(const struct hak_worker *w) {
    return w->findings.late || w->findings.leaks.late_count;
}

/* Findings that were stored without names get them. */
static void settle_late(struct hak_worker *w) {
    hak_fault_settle_late(&w->findings, &w->capture);
    hak_leaks_settle_late(&w->findings, &w->capture);
}

/* Resolves for a moment. False: the rest gets more time. */
static bool resolve_rest(struct hak_worker *w, enum hak_resolve_state *state) {
    *state = hak_resolve_some(&w->capture.resolve, &w->capture.rows, RESOLVE_NS * 25);
    if (*state == HAK_RESOLVE_DONE && has_late(w) &&
        !hak_symbols_are_read(w->capture.resolve.symbols))
        *state = HAK_RESOLVE_WAIT;
    hak_worker_commit(w);
    uint64_t until = w->finish_until_ns + (*state == HAK_RESOLVE_WAIT ? READ_NS : 0);
    return *state == HAK_RESOLVE_DONE || hak_time_ns() >= until;
}

/* Settles late reports, names made code, stores what is not complete, and finishes the store. */
static void close_store(struct hak_worker *w, enum hak_resolve_state state) {
    settle_late(w);
    hak_resolve_made_code(&w->capture.resolve, &w->capture.rows);
    hak_worker_commit(w);
    if (w->capture.resolve.made.report && hak_capture_begin(&w->capture))
        hak_capture_end(&w->capture, hak_store_put_meta(w->capture.writer, "made_code",
                                                        w->capture.resolve.made.report));
    if (state != HAK_RESOLVE_DONE && hak_capture_begin(&w->capture))
        hak_capture_end(&w->capture,
                        hak_store_put_meta(w->capture.writer, "symbols",
                                           "partial: the time to resolve them was over"));
    hak_rows_leave_store(&w->capture.rows);
    if (hak_store_finish(w->capture.writer) != 0 && !w->trouble_said)
        hak_say("%s", hak_store_message());
    w->capture.writer = NULL;
}

/* Ends the store when no client is left: everything is resolved, a moment at a time, then the store
 * becomes one closed file. A session that comes between two calls is taken in, and the store stays
 * open for it. */
static void finish(struct hak_worker *w) {
    enum hak_resolve_state state = HAK_RESOLVE_DONE;
    if (!w->finish_until_ns) {
        hak_opening_reopen(w, false);
        hak_worker_commit_all(w);
        w->finish_until_ns = hak_time_ns() + (uint64_t)HAK_FINISH_SECONDS * 1000000000u;
    }
    if (w->capture.writer && !resolve_rest(w, &state))
        return;
    hak_ends_note_unseen(&w->capture.rows);
    hak_worker_commit_all(w);
    store_unreadable(w);
    store_unwatched(w);
    if (w->capture.writer)
        close_store(w, state);
    if (w->moved_line[0])
        hak_say("%s", w->moved_line);
    w->finished = true;
    report_to_keeper(w, HAK_LINK_FINISHED, 1, 0);
}

/* Goes on with it where FINISH came, and nobody since. */
static void finish_if_wanted(struct hak_worker *w) {
    w->finish_wanted = w->finish_wanted && w->client_count == 0;
    if (w->finish_wanted)
        finish(w);
    else
        w->finish_until_ns = 0;
}

/* Does what is due: commits, reports, ended sessions, the keeper's SYNC. True: something is to be
 * done now; false: the worker may sleep. */
static bool work(struct hak_worker *w) {
    uint64_t now = hak_time_ns();
    store_unreadable(w);
    store_unwatched(w);
    bool ended = any_end(w);
    struct hak_waiting waiting = hak_cut_waiting(w->clients, w->client_count);
    bool reports = any_report(w), more = false;
    if (ended || reports || hak_cut_is_due(&waiting, now - w->last_cut_ns))
        more = hak_worker_commit(w);
    if (reports)
        hak_worker_report_faults(w);
    close_sessions(w, now);
    answer_sync(w);
    if (w->finish_wanted && w->cut_wanted)
        cut_sessions(w);
    if (w->link < 0) {
        start_keeper(w, now);
        if (w->link < 0 && w->client_count == 0)
            w->finish_wanted = true;
    }
    finish_if_wanted(w);
    if (w->finished)
        return true;
    if (w->finish_wanted)
        return false;
    bool is_busy = more || waiting.records;
    if (is_busy && now - w->last_resolve_ns < BUSY_EVERY_NS)
        return more;
    enum hak_resolve_state state = hak_resolve_some(&w->capture.resolve, &w->capture.rows,
                                                    is_busy ? BUSY_RESOLVE_NS : RESOLVE_NS);
    w->last_resolve_ns = now;
    if (has_late(w) && hak_symbols_are_read(w->capture.resolve.symbols))
        settle_late(w);
    return more || (!is_busy && state == HAK_RESOLVE_MORE);
}

void hak_worker_store_files(struct hak_worker *worker) {
    hak_worker_commit_all(worker);
    hak_worker_report_faults(worker);
    for (int round = 0; worker->client_count > 0; round++) {
        for (uint32_t i = 0; i < worker->client_count && round > 0; i++)
            worker->clients[i]->over = true; /* nobody else has a copy */
        hak_worker_commit_all(worker);
        close_sessions(worker, hak_time_ns());
    }
    while (!worker->finished) {
        finish(worker);
        if (!worker->finished)
            usleep(1000);
    }
}

/* Keeps the worker's memory small: one heap for all threads. Debug information is tens of megabytes
 * for a moment, in threads of its own; its freed memory is used again by the others, or goes back
 * to the system where it is a megabyte or more (a tenth of the worker's time on CPython's JSON, and
 * a fifth of its memory). */
static void keep_memory_small(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

/* Sets the process up: small heap, signals ignored, no preload or debuginfod, as many descriptors
 * as may be had. */
static void set_up_process(void) {
    keep_memory_small();
    int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGXFSZ};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    unsetenv("DEBUGINFOD_URLS");
    unsetenv("LD_PRELOAD");
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (chdir("/") != 0)
        return;
}

int hak_worker_main(const char *collect_path, int link) {
    static struct hak_worker w;
    set_up_process();
    if (!hak_worker_make(&w))
        return 1;
    snprintf(w.collect_path, sizeof w.collect_path, "%s", collect_path);
    w.link = link;
    w.reading_page = hak_reading_share();
    share_page(&w);
    if (hak_bell_start(&w.bell) != 0 || !watch_keeper(&w, 0)) {
        hak_say("the worker cannot start: no descriptors or threads are left");
        return 1;
    }
    while (!w.finished) {
        uint32_t none;
        uint32_t *seen = w.seen ? w.seen : &none;
        uint32_t count = w.client_count;
        hak_bell_prepare(&w.bell, w.clients, count, seen);
        hear_keeper(&w);
        struct epoll_event events[16];
        while (epoll_wait(w.bell.epoll, events, 16, 0) == 16)
            continue;
        beat(&w);
        bool busy = work(&w);
        hak_bell_heard(&w.bell);
        if (!busy && count == w.client_count)
            hak_bell_wait(&w.bell, w.clients, count, seen, w.finish_wanted ? FINISH_MS : LOOK_MS);
    }
    if (hak_reading_is_busy()) /* in a file that it may never come back from */
        _exit(0);
    hak_worker_free(&w);
    return 0;
}
