/* Runs a command and says what its whole tree of processes cost:
 * `measure [-l SECONDS] [-q] FILE COMMAND [ARG...]`.
 *
 * Into FILE go one line of numbers: seconds elapsed, seconds of CPU (user + system, all processes),
 * peak memory in KiB, page faults without I/O. Descendants that became daemons are waited for.
 * Memory is the larger of two: the peak RSS of the largest process (exact), and the largest sum of
 * the PSS of all processes at one time (seen every 20 ms, so short peaks of many processes at once
 * may be missed; not looked at with -q, which leaves the machine to the command).
 *
 * After SECONDS everything that runs below is killed; the line says "hung", and the status is 124.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_NS = 20000000, HUNG = 124 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long kill_one(long pid) {
    return kill((pid_t)pid, SIGKILL) == 0;
}

/* Proportional set size of one process in KiB; 0 when it has ended. */
static long pss_of(long pid) {
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

/* The sum of what `visit` gives for all descendants of `pid`, without itself. */
static long sum_below(long pid, long (*visit)(long pid)) {
    char path[300];
    long sum = 0, child;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (!isdigit((unsigned char)task->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%s/children", pid, task->d_name);
        FILE *children = fopen(path, "r");
        while (children && fscanf(children, "%ld", &child) == 1) {
            long below = sum_below(child, visit); /* while it still is their parent */
            sum += below + visit(child);
        }
        if (children)
            fclose(children);
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static const char *usage = "usage: measure [-l SECONDS] [-q] FILE COMMAND [ARG...]\n";

int main(int argc, char **argv) {
    double limit = 0;
    int is_quiet = 0;
    for (int letter; (letter = getopt(argc, argv, "+l:q")) != -1;) {
        limit = letter == 'l' ? atof(optarg) : limit;
        is_quiet |= letter == 'q';
        if (letter == '?')
            return fputs(usage, stderr), 2;
    }
    argv += optind;
    if (argc - optind < 2)
        return fputs(usage, stderr), 2;
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    FILE *out = fopen(argv[0], "we");
    if (!out || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[0], strerror(errno));
        return 2;
    }
    double started = now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        _exit(127);
    }
    /* A signal to the whole group is the command's business. */
    for (int i = 0; i < 3; i++)
        signal((int[]){SIGTERM, SIGINT, SIGHUP}[i], SIG_IGN);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    long peak_sum = 0;
    int status = 0, is_hung = 0;
    for (;;) {
        int one;
        pid_t ended = waitpid(-1, &one, WNOHANG);
        if (ended == child)
            status = one;
        if (ended < 0 && errno == ECHILD)
            break;
        if (ended > 0)
            continue;
        long sum = is_quiet ? 0 : sum_below(getpid(), pss_of);
        peak_sum = sum > peak_sum ? sum : peak_sum;
        is_hung |= limit > 0 && now() - started > limit;
        if (is_hung)
            (void)sum_below(getpid(), kill_one);
        sigtimedwait(&child_signal, NULL, &(struct timespec){.tv_nsec = LOOK_NS});
    }
    if (is_hung) {
        fputs("hung\n", out);
        fclose(out);
        return HUNG;
    }
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    fprintf(out, "%.4f %.6f %ld %ld\n", now() - started, cpu,
            used.ru_maxrss > peak_sum ? used.ru_maxrss : peak_sum, used.ru_minflt);
    fclose(out);
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}
