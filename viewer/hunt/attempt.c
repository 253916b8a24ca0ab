/* One run of `hunt`: a process of its own does what `run` does. */
#include "viewer/hunt/parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/growing.h"

enum {
    END_S = 5,          /* from SIGTERM to SIGKILL, once the time is up */
    PATIENCE_MS = 5000, /* with what PROGRAM leaves behind, where no time is given */
};

/* Shared with the process of the run. */
struct shared {
    struct record_part part;
    struct record_left left;
};

static volatile sig_atomic_t stop_signal;
static volatile pid_t running; /* the process of the run */
static struct record_left *volatile running_left;

/* A terminal's signals come to the run by themselves; others are passed on to it, which passes
 * them on to the program. */
static void on_stop(int signal, siginfo_t *info, void *context) {
    (void)context;
    stop_signal = signal;
    if (running_left)
        running_left->is_over = true;
    if (running > 0 && info->si_code != SI_KERNEL)
        kill(running, signal);
}

int hunt_stop_signal(void) {
    return stop_signal;
}

/* Ignored signals stay ignored. */
static void handle_stops(const struct sigaction *action) {
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction before;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        sigaction(stops[i], NULL, &before);
        if (before.sa_handler != SIG_IGN)
            sigaction(stops[i], action, NULL);
    }
}

void hunt_take_signals(void) {
    handle_stops(&(struct sigaction){.sa_sigaction = on_stop, .sa_flags = SA_SIGINFO});
}

/* ---- the command line of `run` -----------------------------------------------------------------
 */

struct words {
    char **word;
    uint32_t count, capacity;
    bool failed;
};

static void add_word(struct words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_word(struct words *words, const char *format, ...) {
    char *word = NULL;
    va_list list;
    va_start(list, format);
    if (!hak_growing_make_room(&words->word, words->count, &words->capacity, sizeof(char *)) ||
        vasprintf(&word, format, list) < 0)
        words->failed = true;
    else
        words->word[words->count++] = word;
    va_end(list);
}

static void add_given(struct words *words, const struct view *view, const char *name) {
    if (view_given(view, name))
        add_word(words, "--%s=%s", name, view_value(view, name));
}

static void add_guard(struct words *words, const struct hunt *hunt, const struct hunt_plan *plan) {
    if (plan->blocks == HUNT_NONE)
        return;
    if (plan->blocks == HUNT_ALL)
        add_word(words, "--guard=all");
    else
        add_word(words, "--guard=only:%s", hunt->site);
    add_word(words, "--guard-side=%s", plan->is_before ? "before" : "after");
    if (!view_variable_value(hunt->view, "GUARD_MEMORY"))
        add_word(words, "--guard-memory=128M");
    add_given(words, hunt->view, "guard-memory");
    if (plan->is_watched && !view_variable_value(hunt->view, "WATCH"))
        add_word(words, "--watch=4");
}

static bool add_words(struct words *words, const struct hunt *hunt, const struct hunt_plan *plan) {
    static const char *const passed[] = {"pools", "inject", "baseline", "suppressions", "color"};
    const struct view *view = hunt->view;
    add_word(words, "hakmem-trace");
    add_word(words, "run");
    add_word(words, "--force");
    add_word(words, "--store=%s", hunt->store);
    add_word(words, "--log=/dev/null");
    add_word(words, "--check=normal");
    if (!view_variable_value(view, "CHECK_STRING"))
        add_word(words, "--check-string=1");
    add_guard(words, hunt, plan);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
        add_given(words, view, passed[i]);
    add_word(words, "--");
    for (int i = 0; i < view->argument_count; i++)
        add_word(words, "%s", view->argument[i]);
    add_word(words, "%s", ""); /* room for the NULL */
    if (!words->failed)
        words->word[--words->count] = NULL;
    return !words->failed;
}

/* In the process of the run. */
static _Noreturn void be_run(const struct hunt *hunt, const struct hunt_plan *plan,
                             struct record_part *part) {
    struct words words = {0};
    struct view view = {0};
    if (plan->is_byte || plan->blocks != HUNT_NONE) /* else as the user has it */
        setenv("HAKMEM_GUARD_ALIGN", plan->is_byte ? "1" : plan->is_size ? "size" : "16", 1);
    setenv("HAKMEM_TRACE", "on", 1); /* else there are no stacks to compare */
    unsetenv("HAKMEM_LEAKS");
    if (!add_words(&words, hunt, plan)) {
        view_error("hunt: out of memory");
        _exit(VIEW_USAGE);
    }
    int status = view_parse(&view, view_used_commands(), (int)words.count, words.word);
    if (status < 0)
        status = record_run(&view, part);
    fflush(NULL);
    _exit(status);
}

/* ---- its end -----------------------------------------------------------------------------------
 */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Waits for the process of the run. When `seconds` (0 = any time) are over the program is asked to
 * end, and made to, and then what it leaves behind. */
static int wait_for_run(pid_t run, struct shared *shared, uint64_t seconds, bool *timed_out) {
    const struct record_part *part = &shared->part;
    double end = seconds_now() + (double)seconds;
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(getpid() == 1 ? -1 : run, &status, seconds ? WNOHANG : 0);
        if (ended == run)
            return status;
        if (ended < 0 && errno != EINTR)
            return 0;
        if (!seconds)
            continue;
        if (ended == 0)
            usleep(10000);
        if (seconds_now() < end)
            continue;
        if (part->program > 0) {
            kill(part->program, shared->left.is_over ? SIGKILL : SIGTERM);
            kill(part->program, SIGCONT); /* one that is stopped hears it, too */
            *timed_out = true;
        }
        end = seconds_now() + (double)END_S;
        shared->left.is_over = true;
    }
}

/* The program's output goes where this one's goes in the first run, in later ones nowhere. */
static int silence(const struct hunt *hunt) {
    const char *show = view_value(hunt->view, "show");
    bool is_shown = show && strcmp(show, "all") == 0;
    if (!show || strcmp(show, "first") == 0)
        is_shown = hunt->runs == 0;
    return is_shown ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static void read_result(struct hunt *hunt, const struct record_part *part, struct hunt_run *run) {
    struct view seen = *hunt->view;
    seen.reader = NULL;
    seen.store_path = NULL;
    run->program_status = part->program_status;
    run->program_signal = part->program_signal;
    run->is_recorded =
        part->is_recorded && hunt_read_fault(&seen, hunt->store, 0, &run->fault) == 0;
    if (run->is_recorded)
        hunt_read_counts(&seen, &run->guarded, &run->left);
    if (run->is_recorded && run->plan.is_watched)
        run->unwatched = view_read_unwatched(&seen);
    if (hunt_is_of_damage(&run->fault) && (run->left > 0 || hunt_is_in_slack(&run->fault)))
        hunt_count_blocks(&seen, &run->fault);
    if (run->is_recorded)
        hunt_find_build(hunt, &seen, &run->fault);
    view_close(&seen);
}

bool hunt_attempt(struct hunt *hunt, const struct hunt_plan *plan, struct hunt_run *run) {
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *run = (struct hunt_run){.plan = *plan};
    if (shared == MAP_FAILED) {
        view_error("hunt: out of memory");
        return false;
    }
    struct record_part *part = &shared->part;
    part->command = "hunt";
    part->left = &shared->left;
    shared->left.patience_ms = hunt->timeout_s ? 0 : PATIENCE_MS;
    int out = silence(hunt), in = hunt_input_begin();
    part->stdio[0] = in;
    part->stdio[1] = part->stdio[2] = out;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        handle_stops(&(struct sigaction){.sa_handler = SIG_DFL});
        be_run(hunt, plan, part);
    }
    running = pid;
    running_left = &shared->left;
    int status = pid > 0 ? wait_for_run(pid, shared, hunt->timeout_s, &run->timed_out) : 0;
    running = 0;
    running_left = NULL;
    hunt_input_end();
    if (out >= 0)
        close(out);
    else
        hunt->owes_line = true;
    run->run_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (pid < 0)
        view_error("hunt: no new process: %s", strerror(errno));
    else
        read_result(hunt, part, run);
    bool started = pid > 0 && part->has_started;
    run->left_ended = shared->left.ended;
    run->left_running = shared->left.running;
    memcpy(run->left_names, shared->left.names, sizeof run->left_names);
    munmap(shared, sizeof *shared);
    return started;
}
