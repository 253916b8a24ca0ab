/* Starts hakmem-player for each allocator, one after the other, and waits for it. */
#include "viewer/replay/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/record/record.h"

#define WAIT_NS 20000000

enum { HANGS_AFTER_S = 60 }; /* without the end of a call; no call of an allocator takes as long */

/* The environment with LD_PRELOAD as the allocator has it. NULL: no memory. */
static char **make_environment(const struct allocator *a) {
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **out = calloc(count + 2, sizeof *out);
    char *preload = NULL;
    if (!out || asprintf(&preload, "LD_PRELOAD=%s", a->preload) < 0) {
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!hak_words_starts_with(environ[i], "LD_PRELOAD="))
            out[kept++] = environ[i];
    out[kept] = preload;
    return out;
}

static void free_environment(char **environment) {
    for (size_t i = 0; environment && environment[i]; i++)
        if (hak_words_starts_with(environment[i], "LD_PRELOAD="))
            free(environment[i]);
    free(environment);
}

/* The player's program, its files and its environment. */
struct start {
    char program[PATH_MAX];
    int play, results, said; /* said: what it writes to stderr */
    char **environment;
};

/* Where memory runs out, the kernel is to end the player, and no other program. */
static void offer_to_kernel(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t wrote = file >= 0 ? write(file, "1000", 4) : 0;
    (void)wrote; /* without /proc it goes on */
    if (file >= 0)
        close(file);
}

/* Becomes the player, in a child. Duplicates of the files have no close-on-exec. */
static void become_player(const struct runs *runs, const struct start *s, enum play_touch touch,
                          pid_t parent) {
    char word[4][16];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    offer_to_kernel();
    signal(SIGXFSZ, SIG_DFL); /* as a program has it: ignored is for replay's own files */
    snprintf(word[0], sizeof word[0], "%d", dup(s->play));
    snprintf(word[1], sizeof word[1], "%d", dup(s->results));
    snprintf(word[2], sizeof word[2], "%d", touch);
    snprintf(word[3], sizeof word[3], "%d", runs->is_paced);
    dup2(s->said, STDOUT_FILENO);
    dup2(s->said, STDERR_FILENO);
    char *argument[] = {(char *)s->program, word[0], word[1], word[2], word[3], NULL};
    execve(s->program, argument, s->environment);
    _exit(127);
}

/* How many looks in a row may find no call more, at the recorded times with the longest pause. */
static uint64_t looks_until_hung(const struct runs *runs) {
    uint64_t pause = runs->is_paced ? runs->plan->pause_ns : 0;
    return (HANGS_AFTER_S * 1000000000ull + pause) / WAIT_NS;
}

/* Waits for its end, with progress; Ctrl-C ends it, and so does a time without a call. Looks are
 * counted, no clock: while this process is stopped or the machine sleeps, so is the player. Returns
 * its wait status. */
static int wait_for_end(const struct runs *runs, struct run *run, pid_t pid) {
    struct timespec pause = {.tv_nsec = WAIT_NS};
    char doing[96];
    uint64_t calls = 0, looks = 0, looks_max = looks_until_hung(runs);
    int status = 0;
    snprintf(doing, sizeof doing, "playing %s", run->allocator.name);
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return status;
        uint64_t done = __atomic_load_n(&run->result->calls, __ATOMIC_RELAXED);
        looks = done == calls ? looks + 1 : 0;
        calls = done;
        run->has_hung |= looks > looks_max;
        if (view_is_interrupted() || run->has_hung)
            kill(pid, SIGKILL);
        struct hak_progress progress = {
            .doing = doing, .unit = "calls", .done = done, .total = runs->plan->head.calls};
        view_progress(&progress);
        nanosleep(&pause, NULL);
    }
}

/* Notes what the run's end means for it: why there is nothing to be read from it. */
static void note_end(struct run *run, int status, int said) {
    const struct allocator *a = &run->allocator;
    const char *module = strrchr(run->result->module, '/');
    char line[160] = "";
    ssize_t got = pread(said, line, sizeof line - 1, 0);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    char *to = run->trouble;
    size_t room = sizeof run->trouble;
    module = module ? module + 1 : run->result->module;
    run->result->module[sizeof run->result->module - 1] = '\0';
    run->result->error[sizeof run->result->error - 1] = '\0';
    bool is_other = module[0] && a->module && !hak_words_starts_with(module, a->module);
    bool is_file_unused = a->preload[0] && !a->module && !strstr(a->preload, module);
    bool is_elsewhere = is_other || (module[0] && is_file_unused);
    if (is_other && a->package)
        snprintf(to, room, "it is not installed (Debian: %s)", a->package);
    else if (is_elsewhere)
        snprintf(to, room, "malloc is that of %.100s%s%.160s", module, line[0] ? ": " : "", line);
    else if (run->result->error[0])
        snprintf(to, room, "%s", run->result->error);
    else if (run->has_hung)
        snprintf(to, room, "it hangs: no call ended for %d s, after %s%s%.160s", HANGS_AFTER_S,
                 hak_words_count(run->result->calls, "call", "calls"), line[0] ? ": " : "", line);
    else if (WIFSIGNALED(status))
        snprintf(to, room, "the player was ended by signal %d (%s)%s%.160s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), line[0] ? ": " : "", line);
    else if (!run->result->is_over)
        snprintf(to, room, "the player ended with status %d%s%.160s", WEXITSTATUS(status),
                 line[0] ? ": " : "", line);
    run->has_died = to[0] && !is_elsewhere;
}

/* Plays once. False: printed; nothing can be played. */
static bool make_run(const struct runs *runs, struct run *run, struct start *s,
                     enum play_touch touch) {
    s->results = memfd_create("hakmem-play-results", MFD_CLOEXEC);
    s->said = memfd_create("hakmem-play-said", MFD_CLOEXEC);
    s->environment = make_environment(&run->allocator);
    void *memory = MAP_FAILED;
    if (s->results >= 0 && s->said >= 0 && s->environment &&
        ftruncate(s->results, sizeof *run->result) == 0)
        memory = mmap(NULL, sizeof *run->result, PROT_READ | PROT_WRITE, MAP_SHARED, s->results, 0);
    pid_t parent = getpid(), pid = -1;
    if (memory != MAP_FAILED) {
        run->result = memory;
        pid = fork();
        if (pid == 0)
            become_player(runs, s, touch, parent);
    }
    if (pid < 0)
        view_error("replay: the player cannot be started: %s", strerror(errno));
    else
        note_end(run, wait_for_end(runs, run, pid), s->said);
    free_environment(s->environment);
    close(s->results);
    close(s->said);
    return pid > 0;
}

int runs_make(struct runs *runs) {
    struct start s = {.play = runs->plan->streams.file};
    int good = 0;
    if (!record_find_own("hakmem-player", X_OK, s.program))
        return VIEW_UNREADABLE;
    snprintf(runs->own.allocator.name, sizeof runs->own.allocator.name, "without calls");
    if (!make_run(runs, &runs->own, &s, PLAY_TOUCH_NOTHING))
        return VIEW_UNREADABLE;
    for (int i = 0; i < runs->count && !runs->own.trouble[0] && !view_is_interrupted(); i++) {
        struct run *run = &runs->run[i];
        if (!make_run(runs, run, &s, runs->touch))
            return VIEW_UNREADABLE;
        if (run->trouble[0] && !view_is_interrupted())
            view_error("replay: %s: %s", run->allocator.name, run->trouble);
        good += !run->trouble[0];
    }
    view_progress_clear();
    if (view_is_interrupted())
        return VIEW_INTERRUPTED;
    if (runs->own.trouble[0])
        view_error("replay: %s", runs->own.trouble);
    return good ? 0 : VIEW_UNREADABLE;
}

int runs_completeness(const struct runs *runs) {
    for (int i = 0; i < runs->count; i++)
        if (runs->run[i].has_died)
            return VIEW_INCOMPLETE;
    return VIEW_OK;
}

void runs_free(struct runs *runs) {
    if (runs->own.result)
        munmap(runs->own.result, sizeof *runs->own.result);
    for (int i = 0; i < runs->count; i++)
        if (runs->run[i].result)
            munmap(runs->run[i].result, sizeof *runs->run[i].result);
}
