/* Runs a command and says what its whole tree of processes cost: `measure FILE COMMAND [ARG...]`.
 *
 * Into FILE go one line of numbers: seconds elapsed, seconds of CPU (user + system, all processes),
 * and peak memory in KiB. Descendants that became daemons are waited for. Memory is the larger of
 * two: the peak RSS of the largest process (exact), and the largest sum of the PSS of all processes
 * at one time (seen every 20 ms, so short peaks of many processes at once may be missed). */
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

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

/* The sum over all descendants of `pid`, without itself. */
static long pss_below(long pid) {
    char path[300];
    long sum = 0, child;
    snprintf(path, sizeof path, "/proc/%ld/task", pid);
    DIR *tasks = opendir(path);
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (!isdigit((unsigned char)task->d_name[0]))
            continue;
        snprintf(path, sizeof path, "/proc/%ld/task/%s/children", pid, task->d_name);
        FILE *children = fopen(path, "r");
        while (children && fscanf(children, "%ld", &child) == 1)
            sum += pss_of(child) + pss_below(child);
        if (children)
            fclose(children);
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: measure FILE COMMAND [ARG...]\n");
        return 2;
    }
    sigset_t child_signal;
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    FILE *out = fopen(argv[1], "we");
    if (!out || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    double started = now();
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    /* A signal to the whole group is the command's business. */
    for (int i = 0; i < 3; i++)
        signal((int[]){SIGTERM, SIGINT, SIGHUP}[i], SIG_IGN);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    long peak_sum = 0;
    int status = 0;
    for (;;) {
        int one;
        pid_t ended = waitpid(-1, &one, WNOHANG);
        if (ended == child)
            status = one;
        if (ended < 0 && errno == ECHILD)
            break;
        if (ended > 0)
            continue;
        long sum = pss_below(getpid());
        peak_sum = sum > peak_sum ? sum : peak_sum;
        sigtimedwait(&child_signal, NULL, &(struct timespec){.tv_nsec = 20000000});
    }
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    fprintf(out, "%.4f %.4f %ld\n", now() - started, cpu,
            usage.ru_maxrss > peak_sum ? usage.ru_maxrss : peak_sum);
    fclose(out);
    if (WIFSIGNALED(status))
        return 128 + WTERMSIG(status);
    return WEXITSTATUS(status);
}
