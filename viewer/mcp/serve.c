/* The server's loop: lines of stdin, the processes of calls, time limits, signals. */
#include "viewer/mcp/parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "viewer/capture/capture.h"

enum {
    LINE_BYTES = 1 << 20,     /* of a message */
    RUNNING = 4,              /* processes at a time */
    PROGRAMS = 2,             /* of them those that run a program, so that questions find a place */
    GRACE_MS = 5000,          /* from SIGTERM to SIGKILL for a program whose time is up */
    CLIENT_CLOSING_MS = 1000, /* and where the client goes */
    LOOK_MS = 50,             /* while a job is ended */
};

static volatile sig_atomic_t stop_signal, child_ended;

/* Notes that a child has ended, or the signal that is to end the server. */
static void on_signal(int signal) {
    if (signal == SIGCHLD)
        child_ended = 1;
    else
        stop_signal = signal;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static struct {
    char bytes[LINE_BYTES];
    size_t used;
    bool is_too_long; /* what comes before its end is dropped */
    bool has_ended;
} line;

/* Handles the line that was read, unless it is blank, and begins the next; refuses one that was too
 * long. */
static void end_line(struct mcp_server *server) {
    bool is_blank = strspn(line.bytes, " \t\r") >= line.used;
    if (line.is_too_long)
        mcp_protocol_refuse_line();
    else if (!is_blank)
        mcp_protocol_handle(server, line.bytes, line.used);
    line.used = 0;
    line.is_too_long = false;
}

/* Reads what standard input has, and handles each line that is whole, at its end also the last
 * one. */
static void read_lines(struct mcp_server *server) {
    static char bytes[1 << 16];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        line.has_ended = true;
        line.bytes[line.used] = '\0';
        if (line.used > 0 || line.is_too_long)
            end_line(server);
        return;
    }
    for (const char *at = bytes; got > 0;) {
        const char *end = memchr(at, '\n', (size_t)got);
        size_t count = end ? (size_t)(end - at) : (size_t)got;
        line.is_too_long |= count >= sizeof line.bytes - line.used;
        if (!line.is_too_long) {
            memcpy(line.bytes + line.used, at, count);
            line.used += count;
        }
        line.bytes[line.used] = '\0';
        if (end)
            end_line(server);
        count += end != NULL;
        at += count;
        got -= (ssize_t)count;
    }
}

/* ---- jobs --------------------------------------------------------------------------------------
 */

/* Notes in their jobs how the processes that have ended did so; 128 and the number for a signal. */
static void reap(struct mcp_server *server) {
    int status;
    pid_t pid;
    child_ended = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < MCP_JOBS; i++) {
            struct mcp_job *job = &server->job[i];
            if (!job->id || job->pid != pid || job->has_ended)
                continue;
            job->has_ended = true;
            job->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        }
}

/* Starts the job's process; where that fails, answers with the error and frees the job. */
static void start(struct mcp_job *job) {
    struct hak_text error = {0};
    if (mcp_job_start(job, &error))
        return;
    mcp_protocol_answer(job, mcp_result(hak_text_string(&error), true));
    hak_text_free(&error);
    mcp_job_free(job);
}

/* Does what is due for a job that has a process: reads its output, answers when it has ended, ends
 * it when its time is up. */
static void look_after(struct mcp_job *job, bool is_closing) {
    mcp_job_read(job);
    if (job->has_ended) {
        if (!job->is_cancelled)
            mcp_protocol_answer(job, mcp_job_result(job));
        mcp_job_free(job);
        return;
    }
    bool is_up = job->asked_ms == 0 && hak_time_ms() >= job->end_ms;
    bool is_left = is_closing && job->call.tool->is_program;
    job->is_late |= is_up;
    if (is_up || is_left || job->is_cancelled || job->asked_ms > 0)
        mcp_job_end(job, is_closing ? CLIENT_CLOSING_MS : GRACE_MS);
}

/* Jobs that have a process, of programs alone where `is_program`. */
static int count_running(const struct mcp_server *server, bool is_program) {
    int count = 0;
    for (int i = 0; i < MCP_JOBS; i++) {
        const struct mcp_job *job = &server->job[i];
        count += job->id && job->pid > 0 && (!is_program || job->call.tool->is_program);
    }
    return count;
}

/* The job that waits longest of those that may start; NULL = none may. */
static struct mcp_job *next_job(struct mcp_server *server) {
    bool may_run = count_running(server, true) < PROGRAMS;
    struct mcp_job *next = NULL;
    for (int i = 0; i < MCP_JOBS; i++) {
        struct mcp_job *job = &server->job[i];
        bool may_start = job->id && job->pid == 0 && (may_run || !job->call.tool->is_program);
        if (may_start && (!next || job->number < next->number))
            next = job;
    }
    return count_running(server, false) < RUNNING ? next : NULL;
}

/* Looks after all jobs: frees those whose call was cancelled before they began, and starts as many
 * waiting ones as may run. Returns whether any job is left. */
static bool look_after_all(struct mcp_server *server) {
    bool is_gone = stop_signal || ferror(stdout), is_closing = line.has_ended || is_gone;
    bool has_jobs = false;
    if (child_ended)
        reap(server);
    for (int i = 0; i < MCP_JOBS; i++) {
        struct mcp_job *job = &server->job[i];
        if (!job->id)
            continue;
        job->is_cancelled |= is_gone || (is_closing && job->pid == 0 && job->call.tool->is_program);
        if (job->pid > 0)
            look_after(job, is_closing);
        else if (job->is_cancelled)
            mcp_job_free(job);
    }
    for (struct mcp_job *job; (job = next_job(server)) != NULL;)
        start(job);
    for (int i = 0; i < MCP_JOBS; i++)
        has_jobs |= server->job[i].id != NULL;
    return has_jobs;
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static void add_fd(struct pollfd *list, nfds_t *count, int fd) {
    if (fd >= 0)
        list[(*count)++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

/* Waits for a line, for what a process writes, its end, the end of its time, or a signal. */
static void wait_for_more(const struct mcp_server *server, const sigset_t *within,
                          bool *has_input) {
    struct pollfd list[1 + 3 * RUNNING];
    nfds_t count = 0;
    uint64_t now = hak_time_ms(), wait = UINT64_MAX;
    if (!line.has_ended && !stop_signal)
        add_fd(list, &count, STDIN_FILENO);
    nfds_t inputs = count;
    for (int i = 0; i < MCP_JOBS; i++) {
        const struct mcp_job *job = &server->job[i];
        if (!job->id || job->pid <= 0)
            continue;
        add_fd(list, &count, job->out.fd);
        add_fd(list, &count, job->err.fd);
        add_fd(list, &count, job->said.fd);
        uint64_t left = job->asked_ms ? LOOK_MS : job->end_ms > now ? job->end_ms - now : 0;
        if (left < wait)
            wait = left;
    }
    struct timespec time = {.tv_sec = (time_t)(wait / 1000),
                            .tv_nsec = (long)(wait % 1000) * 1000000};
    int ready = ppoll(list, count, wait == UINT64_MAX ? NULL : &time, within);
    *has_input = ready > 0 && inputs > 0 && list[0].revents != 0;
}

int mcp_serve(struct mcp_server *server) {
    sigset_t within;
    signal(SIGPIPE, SIG_IGN);
    view_heed_signals(on_signal, &within);
    while (look_after_all(server) || (!line.has_ended && !stop_signal && !ferror(stdout))) {
        bool has_input = false;
        wait_for_more(server, &within, &has_input);
        if (has_input)
            read_lines(server);
    }
    return stop_signal ? 128 + stop_signal : VIEW_OK;
}
