/* Starting PROGRAM, passing signals on to it, and its end. */
#include "viewer/record/cores.h"
#include "viewer/record/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/bytes.h"
#include "collector/kernel/kernel.h"

/* Signals that somebody may send to `run` and mean the program. Those that a terminal sends to the
 * whole foreground group reach the program by themselves. */
static const int forwarded[] = {SIGINT,  SIGQUIT, SIGTERM, SIGHUP,
                                SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH};
#define FORWARDED (sizeof forwarded / sizeof forwarded[0])

#define SAME_MS 1000 /* so long the same signal says nothing new */

static volatile pid_t program_pid;
static volatile sig_atomic_t has_ended, stop_signal;
static volatile sig_atomic_t may_leave; /* a second TERM or INT is for `run` itself */
static volatile sig_atomic_t ends_asked, has_left, is_cut;
static volatile sig_atomic_t heard_last; /* of TERM, INT, HUP and QUIT */
static struct sigaction actions_before[FORWARDED];
static sigset_t mask_before; /* while signals are held */

static bool is_polite(int signal) {
    return signal == SIGTERM || signal == SIGINT;
}

static bool is_stop(int signal) {
    return is_polite(signal) || signal == SIGHUP || signal == SIGQUIT;
}

/* One request may come as two signals: timeout(1) sends one to its child and one to its group, and
 * a service manager one behind that of the service's own command. */
static bool is_said_again(int signal, const siginfo_t *info) {
    static int last;
    static uint64_t last_ms;
    uint64_t now = hak_time_ms();
    if (!is_polite(signal) || info->si_code == SI_KERNEL)
        return false;
    if (signal == last && now - last_ms < SAME_MS)
        return true;
    last = signal;
    last_ms = now;
    return false;
}

/* Handles a signal that comes when the program has ended or `run` has left it: no process is left
 * to pass the signal to, so it is noted. The same once more, which comes when the handler returns,
 * ends `run`. */
static void end_by_signal(int signal) {
    static unsigned heard;
    struct sigaction end = {.sa_handler = SIG_DFL};
    is_cut = has_left && !has_ended;
    stop_signal = signal;
    if (heard >> signal & 1) {
        sigaction(signal, &end, NULL);
        kill(getpid(), signal);
    }
    heard |= 1u << signal;
}

/* Passes a signal on to the program. The first TERM or INT that somebody sends is the program's;
 * where `run` may leave, the second says that it did not end by that, is not passed on and makes
 * `run` leave. */
static void pass_on(int signal) {
    if (may_leave && is_polite(signal) && ends_asked++ > 0) {
        has_left = 1;
        stop_signal = signal;
    } else {
        kill(program_pid, signal);
    }
}

/* Handles a signal to be forwarded: passes it on to the program, unless it is said again or came
 * from the terminal; once the program is gone or left alone, ends `run`. */
static void forward(int signal, siginfo_t *info, void *context) {
    int error = errno;
    bool is_heard = !is_said_again(signal, info) || !(may_leave || has_ended);
    (void)context;
    if (is_stop(signal))
        heard_last = signal;
    /* The kernel sends a terminal's signals to every process of the group. */
    if (is_heard && !has_left && program_pid > 0 && info->si_code != SI_KERNEL)
        pass_on(signal);
    else if (is_heard && (has_ended || has_left) && is_stop(signal))
        end_by_signal(signal);
    errno = error;
}

bool run_child_was_told_to_end(int status) {
    return heard_last && status == 128 + heard_last;
}

const volatile sig_atomic_t *run_child_stop_signal(void) {
    return &stop_signal;
}

/* Whether the child has ended; if so, sets `*status` as waitpid does. It stays a zombie until
 * run_child_reap: the collector, which may see it only after its end, asks that how it ended. */
static bool look_for_end(pid_t pid, int *status) {
    siginfo_t about = {0};
    /* As the first process of a namespace it inherits orphans, and must take them, too. */
    while (waitid(run_child_is_init() ? P_ALL : P_PID, (id_t)pid, &about,
                  WEXITED | WNOHANG | WNOWAIT) == 0) {
        bool is_own = about.si_pid == pid;
        if (about.si_pid == 0)
            return false;
        if (is_own)
            *status = about.si_code == CLD_EXITED ? W_EXITCODE(about.si_status, 0)
                                                  : W_EXITCODE(0, about.si_status);
        if (!is_own)
            waitpid(about.si_pid, NULL, WNOHANG);
        if (is_own)
            return true;
        about.si_pid = 0;
    }
    return true;
}

/* The program may have ended behind the second signal. */
bool run_child_has_left(const struct run_child *child) {
    int status;
    if (has_left && !has_ended && look_for_end(child->pid, &status))
        has_ended = 1;
    return has_left && !has_ended;
}

bool run_child_is_cut(void) {
    return is_cut;
}

/* Sets the handler that forwards signals, but for those that are ignored, and keeps the actions
 * before. */
static void take_signals(void) {
    struct sigaction action = {.sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < FORWARDED; i++) {
        sigaction(forwarded[i], NULL, &actions_before[i]);
        if (actions_before[i].sa_handler != SIG_IGN)
            sigaction(forwarded[i], &action, NULL);
    }
}

static void give_signals_back(void) {
    for (size_t i = 0; i < FORWARDED; i++)
        sigaction(forwarded[i], &actions_before[i], NULL);
}

/* Blocks the signals that are passed on: one that comes before the program is executed waits until
 * it is, as in the child it would find the handler that passes signals on, and nobody to pass them
 * to. */
static void hold_signals(void) {
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < FORWARDED; i++)
        sigaddset(&held, forwarded[i]);
    sigprocmask(SIG_BLOCK, &held, &mask_before);
}

static void let_signals_come(void) {
    sigprocmask(SIG_SETMASK, &mask_before, NULL);
}

struct go_word {
    char session[128];
    char store_path[PATH_MAX];
};

/* In the child: waits for the word, then becomes the program. Answers with errno when it cannot. */
static void become_program(const struct view *view, const struct run_files *files, const int *stdio,
                           int go, int answer) {
    static struct go_word word;
    char **argv = view->argument;
    int error = ENOMEM;
    if (hak_read_fully(go, &word, sizeof word) < sizeof word)
        _exit(127);
    close(go);
    for (int i = 0; stdio && i < 3; i++)
        if (stdio[i] >= 0)
            dup2(stdio[i], i);
    give_signals_back();
    run_core_allow(view);
    if (!run_set_environment(view, files)) {
        hak_write_fully(answer, &error, sizeof error);
        _exit(127);
    }
    setenv("HAKMEM_SESSION", word.session, 1);
    if (word.store_path[0])
        setenv("HAKMEM_TRACE_FILE", word.store_path, 1);
    if (word.store_path[0] && view_given(view, "ci") && !view_variable_value(view, "LOG")) {
        static char log[RUN_CI_PATH]; /* for what the program has to say without a collector */
        run_ci_beside(word.store_path, ".log", log, sizeof log);
        setenv("HAKMEM_LOG", log, 1);
    }
    let_signals_come();
    execvp(argv[0], argv);
    error = errno;
    hak_write_fully(answer, &error, sizeof error);
    _exit(127);
}

static int answers; /* the child's errno, when it could not be executed */

bool run_child_fork(struct run_child *child, const struct view *view, const struct run_files *files,
                    const int *stdio) {
    int go[2], answer[2];
    if (pipe2(go, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) {
        view_error("%s: no pipe: %s", run_name(), strerror(errno));
        return false;
    }
    fflush(NULL);
    hold_signals();
    take_signals();
    child->pid = fork();
    if (child->pid == 0) {
        close(go[1]);
        close(answer[0]);
        become_program(view, files, stdio, go[0], answer[1]);
    }
    close(go[0]);
    close(answer[1]);
    child->go = go[1];
    answers = answer[0];
    if (child->pid < 0) {
        let_signals_come();
        view_error("%s: no new process: %s", run_name(), strerror(errno));
        return false;
    }
    program_pid = child->pid;
    return true;
}

bool run_child_start(struct run_child *child, const char *session, const char *store_path) {
    struct go_word word = {0};
    int error = 0;
    snprintf(word.session, sizeof word.session, "%s", session);
    snprintf(word.store_path, sizeof word.store_path, "%s", store_path);
    bool sent = hak_write_fully(child->go, &word, sizeof word);
    close(child->go);
    if (sent && hak_read_fully(answers, &error, sizeof error) < sizeof error) {
        close(answers);
        return true; /* the pipe closed itself at a successful exec */
    }
    close(answers);
    waitpid(child->pid, NULL, 0);
    program_pid = 0;
    let_signals_come();
    view_error("%s: PROGRAM cannot be started: %s", run_name(), strerror(error ? error : EPIPE));
    return false;
}

void run_child_cancel(struct run_child *child) {
    close(child->go);
    waitpid(child->pid, NULL, 0);
    program_pid = 0;
    let_signals_come();
}

bool run_child_is_init(void) {
    return getpid() == 1;
}

static void note_child(int signal) {
    (void)signal;
}

int run_child_wait(struct run_child *child, bool leaves) {
    struct sigaction action = {.sa_handler = note_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigset_t all;
    int status = 0;
    sigaction(SIGCHLD, &action, NULL);
    may_leave = leaves;
    /* Signals come in sigsuspend alone: none falls between a look and the sleep after it. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    while (!(has_ended = look_for_end(child->pid, &status)) && !has_left)
        sigsuspend(&mask_before);
    program_pid = 0;
    let_signals_come();
    return has_ended ? status : stop_signal;
}

void run_child_reap(const struct run_child *child) {
    waitpid(child->pid, NULL, WNOHANG);
}

void run_child_end_all(void) {
    if (kill(-1, SIGKILL) != 0)
        return;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}
