/* The process that answers a call: its start, what it writes, its end, and the result that comes of
 * it.
 *
 *   waiting --start--> running --(out, err, said)--> ended --> result
 *                         | time is up, cancelled, client gone
 *                         +--> asked to end --> made to
 *
 * A question is killed. A program is asked to end first, then killed, with all that it has started;
 * `run` and `hunt` close the capture then. */
#include "viewer/mcp/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "report/words/words.h"

enum {
    DOCUMENT_BYTES = 16 << 20,  /* a longer one is not read */
    CAPTURE_CLOSING_MS = 25000, /* that a capture may take to be closed */
};

/* ---- pipes -------------------------------------------------------------------------------------
 */

/* Opens a pipe from a process, which writes to the end `*to`. The server keeps `most` bytes of it,
 * the last ones if it `keeps_end`. False: it cannot. */
static bool open_pipe(struct mcp_pipe *pipe, size_t most, bool keeps_end, int *to) {
    int ends[2];
    *pipe = (struct mcp_pipe){.fd = -1, .most = most, .keeps_end = keeps_end};
    *to = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pipe->fd = ends[0];
    *to = ends[1];
    return true;
}

static void close_pipe(struct mcp_pipe *pipe) {
    if (pipe->fd >= 0)
        close(pipe->fd);
    pipe->fd = -1;
}

/* Adds bytes to the pipe's text: the first `most` of all that come, or, where it keeps the end, the
 * last. */
static void keep(struct mcp_pipe *pipe, const char *bytes, size_t count) {
    struct hak_buffer *text = &pipe->text;
    pipe->bytes += count;
    if (pipe->keeps_end && count > pipe->most) {
        bytes += count - pipe->most;
        count = pipe->most;
    }
    if (pipe->keeps_end && text->size + count > pipe->most) {
        size_t gone = text->size + count - pipe->most;
        memmove(text->data, text->data + gone, text->size - gone);
        text->size -= gone;
    }
    if (count > pipe->most - text->size)
        count = pipe->most - text->size;
    if (count == 0 || !hak_buffer_reserve(text, count + 1))
        return;
    memcpy(text->data + text->size, bytes, count);
    text->size += count;
    text->data[text->size] = '\0';
}

/* Reads the pipe without waiting until it is empty; at its end it is closed. */
static void read_pipe(struct mcp_pipe *pipe) {
    static char bytes[1 << 16];
    ssize_t got;
    while (pipe->fd >= 0 && (got = read(pipe->fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return;
        keep(pipe, bytes, (size_t)got);
    }
    close_pipe(pipe);
}

static const char *text_of(const struct mcp_pipe *pipe) {
    return pipe->text.data ? (const char *)pipe->text.data : "";
}

void mcp_job_read(struct mcp_job *job) {
    read_pipe(&job->out);
    read_pipe(&job->err);
    read_pipe(&job->said);
    if (job->out.bytes > DOCUMENT_BYTES && !job->asked_ms)
        mcp_job_end(job, 0);
}

/* ---- the process -------------------------------------------------------------------------------
 */

/* Makes a child process independent: nothing of the server's stays, and it ends with it. */
static void be_alone(pid_t server, int out, int err) {
    sigset_t none;
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    setpgid(0, 0);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != server)
        _exit(VIEW_USAGE);
    dup2(nothing, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
}

/* In the child: runs the tool's command of hakmem-trace, or the program that was asked for; does
 * not return. */
static _Noreturn void become(struct mcp_job *job, pid_t server, int out, int err, int said) {
    be_alone(server, out, err);
    if (job->program)
        mcp_program_run(&job->call, job->program, said);
    execv("/proc/self/exe", job->call.word);
    view_error("%s: /proc/self/exe: %s", job->call.tool->name, strerror(errno));
    _exit(VIEW_USAGE);
}

static bool is_run(const struct mcp_job *job) {
    return strcmp(job->call.tool->name, "run") == 0;
}

bool mcp_job_start(struct mcp_job *job, struct hak_text *error) {
    int out, err, said = -1;
    pid_t server = getpid();
    bool is_open = open_pipe(&job->out, DOCUMENT_BYTES + 1, false, &out);
    is_open &= open_pipe(&job->err, MCP_NOTES_BYTES, false, &err);
    is_open &= !is_run(job) || open_pipe(&job->said, MCP_TAIL_BYTES, true, &said);
    if (is_run(job)) {
        job->program = mmap(NULL, sizeof *job->program, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (job->program == MAP_FAILED)
            job->program = NULL;
        is_open &= job->program != NULL;
    }
    fflush(NULL);
    job->pid = is_open ? fork() : -1;
    if (job->pid == 0)
        become(job, server, out, err, said);
    if (job->pid < 0)
        hak_text_add(error, "%s: no new process: %s", job->call.tool->name, strerror(errno));
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    if (said >= 0)
        close(said);
    job->end_ms = hak_time_ms() + job->call.seconds * 1000;
    return job->pid > 0;
}

/* Signals the program to end, or kills it after the time of grace; one that has not begun yet is
 * asked as soon as it has. */
static void end_program(struct mcp_job *job, uint64_t waited_ms) {
    pid_t program = job->program->part.program;
    bool is_first = !job->program->left.is_over;
    if (program > 0 && (is_first || waited_ms > job->grace_ms)) {
        kill(program, is_first ? SIGTERM : SIGKILL);
        kill(program, SIGCONT); /* one that is stopped hears it, too */
    }
    if (program > 0 || job->program->part.has_started)
        job->program->left.is_over = true;
}

void mcp_job_end(struct mcp_job *job, uint64_t grace_ms) {
    uint64_t now = hak_time_ms();
    bool is_first = job->asked_ms == 0;
    if (is_first) {
        job->asked_ms = now;
        job->end_ms = 0;
    }
    if (is_first || grace_ms < job->grace_ms)
        job->grace_ms = grace_ms;
    if (job->pid <= 0 || job->has_ended)
        return;
    if (job->program)
        end_program(job, now - job->asked_ms);
    else if (is_first && job->call.tool->is_program)
        kill(job->pid, SIGTERM);
    if (!job->call.tool->is_program || now - job->asked_ms > job->grace_ms + CAPTURE_CLOSING_MS)
        kill(-job->pid, SIGKILL);
}

void mcp_job_free(struct mcp_job *job) {
    close_pipe(&job->out);
    close_pipe(&job->err);
    close_pipe(&job->said);
    hak_buffer_free(&job->out.text);
    hak_buffer_free(&job->err.text);
    hak_buffer_free(&job->said.text);
    if (job->program)
        munmap(job->program, sizeof *job->program);
    json_decref(job->id);
    mcp_call_free(&job->call);
    *job = (struct mcp_job){0};
}

/* ---- the result --------------------------------------------------------------------------------
 */

json_t *mcp_result(const char *text, bool is_error) {
    return json_pack("{s:[{s:s, s:o}], s:b}", "content", "type", "text", "text",
                     hak_json_lines(text), "isError", is_error);
}

void mcp_result_add(json_t *result, const char *text) {
    json_array_append_new(json_object_get(result, "content"),
                          json_pack("{s:s, s:o}", "type", "text", "text", hak_json_lines(text)));
}

/* Adds the lines that a process wrote, without their last end. */
static void add_lines(struct hak_text *text, const struct mcp_pipe *pipe) {
    char *lines = strdup(pipe->text.data ? (const char *)pipe->text.data : "");
    size_t length = lines ? strlen(lines) : 0;
    while (length > 0 && lines[length - 1] == '\n')
        lines[--length] = '\0';
    hak_text_add_lines(text, lines ? lines : "");
    free(lines);
}

/* Adds "ended after 30 s", for a job that was ended, or that its answer was too long. */
static void add_end(struct hak_text *text, const struct mcp_job *job) {
    if (job->is_late)
        hak_text_add(text, "%s was ended after %llu s%s", job->call.tool->name,
                     (unsigned long long)job->call.seconds,
                     job->call.tool->is_program    ? " (timeout_seconds)"
                     : job->call.tool->narrower[0] ? ": "
                                                   : "");
    if (job->is_late && !job->call.tool->is_program)
        hak_text_add(text, "%s", job->call.tool->narrower);
    if (job->out.bytes > DOCUMENT_BYTES)
        hak_text_add(text, "the answer has more than %s%s%s", hak_words_size(DOCUMENT_BYTES),
                     job->call.tool->narrower[0] ? ": " : "", job->call.tool->narrower);
}

/* Adds the command's standard error below the text. */
static void add_errors(struct hak_text *text, const struct mcp_job *job) {
    if (text->length && job->err.text.size)
        hak_text_add(text, "\n");
    add_lines(text, &job->err);
}

/* Makes the error answer of a job whose command failed: how it ended and its standard error. */
static json_t *failed(const struct mcp_job *job) {
    struct hak_text text = {0};
    add_end(&text, job);
    add_errors(&text, job);
    if (!text.length)
        hak_text_add(&text, "hakmem-trace %s ended with status %d and no answer",
                     job->call.tool->command, job->status);
    json_t *result = mcp_result(hak_text_string(&text), true);
    hak_text_free(&text);
    return result;
}

/* Adds the program's own output, with a line that says how much of it was left out. */
static void add_said(struct hak_text *text, const struct mcp_job *job) {
    if (job->said.bytes == 0)
        return;
    if (job->said.bytes > job->said.text.size)
        hak_text_add(text, "the last %zu of %llu bytes that the program wrote:\n",
                     job->said.text.size, (unsigned long long)job->said.bytes);
    else
        hak_text_add(text, "the program wrote:\n");
    add_lines(text, &job->said);
}

json_t *mcp_job_result(struct mcp_job *job) {
    json_t *document =
        job->out.bytes > DOCUMENT_BYTES ? NULL : json_loads(text_of(&job->out), 0, NULL);
    struct hak_text notes = {0}, said = {0};
    if (!document)
        return failed(job);
    add_end(&notes, job);
    add_errors(&notes, job);
    add_said(&said, job);
    struct mcp_window window = job->call.window;
    size_t beside = notes.length + said.length;
    window.bytes -= beside < window.bytes ? beside : window.bytes;
    char *text = mcp_answer_cut(document, job->call.tool, window);
    json_t *result = mcp_result(text ? text : "out of memory", !text);
    if (notes.length)
        mcp_result_add(result, hak_text_string(&notes));
    if (said.length)
        mcp_result_add(result, hak_text_string(&said));
    free(text);
    hak_text_free(&notes);
    hak_text_free(&said);
    return result;
}
