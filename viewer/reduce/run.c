/* One process with a limit of time: the player, the user's test, the compiler, the C program. */
#include "viewer/reduce/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "viewer/cli/cli.h"
#include "viewer/record/record.h"

enum { PAUSE_MS = 1, NOT_STARTED = 127, PART_BYTES = 65536 };

bool run_is_over(struct reduction *r) {
    if (view_is_interrupted())
        r->stopped = STOP_INTERRUPT;
    else if (!r->stopped && view_now_ns() / 1000000 > r->end_ms)
        r->stopped = STOP_TIME;
    return r->stopped != STOP_NOT;
}

static void set_variables(const struct run *run) {
    for (char **e = environ; run->is_clean && *e;) {
        char name[128];
        size_t bytes = strcspn(*e, "=");
        bool goes = hak_words_starts_with(*e, "HAKMEM_") || hak_words_starts_with(*e, "LD_PRELOAD");
        if (!goes || bytes >= sizeof name) {
            e++;
            continue;
        }
        memcpy(name, *e, bytes);
        name[bytes] = '\0';
        unsetenv(name);
    }
    for (int i = 0; run->variable[i]; i++) {
        const char *equals = strchr(run->variable[i], '=');
        if (equals)
            putenv((char *)(uintptr_t)run->variable[i]);
        else
            unsetenv(run->variable[i]);
    }
}

/* Becomes the program, in a child. */
static void become(const struct run *run, int in, int said) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    set_variables(run);
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(run->input ? in : nowhere, STDIN_FILENO);
    dup2(said, STDERR_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    char *argument[sizeof run->argument / sizeof *run->argument];
    memcpy(argument, run->argument, sizeof argument);
    execvp(argument[0], argument);
    _exit(NOT_STARTED);
}

/* Reads what there is: keeps its begin and drops the rest, of which there may be any amount. False:
 * there is no more for now. */
static bool read_said(struct run *run, int said, size_t *used) {
    static char dropped[PART_BYTES];
    size_t room = sizeof run->said - 1 - *used;
    ssize_t got = read(said, room ? run->said + *used : dropped, room ? room : sizeof dropped);
    if (got > 0 && room)
        *used += (size_t)got;
    run->said[*used] = '\0';
    return got > 0;
}

/* Ends what is left of it: processes that lost their parent, with a group of their own or without,
 * become children of this one, which has no others. One that is another user's now goes on. */
static void end_left(void) {
    enum { PASSES = 1000 };
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    bool is_left = true;
    for (int i = 0; i < PASSES && is_left; i++) {
        FILE *children = fopen(path, "re");
        int pid;
        is_left = false;
        while (children && fscanf(children, "%d", &pid) == 1) {
            if (kill(pid, SIGKILL) != 0)
                continue;
            waitpid(pid, NULL, 0);
            is_left = true;
        }
        if (children)
            fclose(children);
    }
}

/* Waits until it ends, its time is up, or Ctrl-C was typed; then ends all that it started. */
static void wait_for_end(struct run *run, pid_t pid, int said, uint64_t limit_ms) {
    uint64_t end = view_now_ns() + limit_ms * 1000000;
    siginfo_t about = {0};
    size_t used = 0;
    for (;;) {
        about.si_pid = 0;
        if (waitid(P_PID, (id_t)pid, &about, WEXITED | WNOHANG | WNOWAIT) != 0 || about.si_pid)
            break;
        if (view_is_interrupted() || view_now_ns() > end) {
            run->was_ended = true;
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
        }
        struct pollfd one = {.fd = said, .events = POLLIN};
        if (poll(&one, 1, PAUSE_MS) > 0 && !read_said(run, said, &used))
            poll(NULL, 0, PAUSE_MS); /* it has closed it */
    }
    kill(-pid, SIGKILL); /* not waited for yet: nobody else has its number */
    for (int parts = 0; parts < 2 && read_said(run, said, &used);)
        parts++; /* a pipe is full at 64 KiB; one that is left may write for ever */
    waitpid(pid, &run->status, 0);
    end_left();
}

bool run_make(struct run *run, uint64_t limit_ms) {
    const struct hak_text *input = run->input;
    int in = memfd_create("hakmem-input", MFD_CLOEXEC);
    int out[2] = {-1, -1};
    pid_t pid = -1;
    record_adopt_left();
    run->status = 0;
    run->said[0] = '\0';
    run->was_ended = false;
    if (in >= 0 && pipe2(out, O_CLOEXEC) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0 &&
        (!input ||
         write(in, input->bytes ? input->bytes : "", input->length) == (ssize_t)input->length)) {
        lseek(in, 0, SEEK_SET);
        pid = fork();
        if (pid == 0)
            become(run, in, out[1]);
    }
    if (pid < 0)
        view_error("reduce: %s cannot be started: %s", run->argument[0], strerror(errno));
    else {
        close(out[1]);
        out[1] = -1;
        wait_for_end(run, pid, out[0], limit_ms);
    }
    const int used[] = {in, out[0], out[1]};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++)
        if (used[i] >= 0)
            close(used[i]);
    return pid >= 0;
}

bool run_has_failed(const struct run *run) {
    return WIFEXITED(run->status) && WEXITSTATUS(run->status) == NOT_STARTED;
}

const char *run_last_line(struct run *run) {
    size_t end = strlen(run->said);
    while (end > 0 && run->said[end - 1] == '\n')
        run->said[--end] = '\0';
    const char *line = strrchr(run->said, '\n');
    return !end ? NULL : line ? line + 1 : run->said;
}
