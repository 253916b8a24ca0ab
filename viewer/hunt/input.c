/* The same standard input for every run: a file is read from where it stood; input from a pipe is
 * kept in a file of its own as far as any run has come.
 *
 *   our standard input --> feeder, one for each run --> pipe --> PROGRAM
 *                            |  ^ first what is kept, then what is new
 *                            v  |
 *                          kept, a file without a name
 *
 * A terminal or a device is left alone: each run reads on where the last one ended. */
#include "viewer/hunt/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/bytes.h"

static off_t start = -1; /* of a file */
static int kept = -1;    /* of a pipe */
static pid_t feeder;
static int reading = -1; /* the end of the pipe that the next run gets */

bool hunt_input_start(void) {
    struct stat about;
    if (fstat(STDIN_FILENO, &about) != 0)
        return true;
    if (S_ISREG(about.st_mode))
        start = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (!S_ISFIFO(about.st_mode) && !S_ISSOCK(about.st_mode))
        return true;
    FILE *file = tmpfile();
    kept = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;
    int error = errno;
    if (file)
        fclose(file);
    if (kept < 0)
        view_error("hunt: standard input is a pipe, and no file can be made to keep what comes "
                   "through it: %s; set TMPDIR, or give the input as a file",
                   strerror(error));
    return kept >= 0;
}

/* Copies what is kept. */
static bool feed_kept(int to) {
    static char bytes[1 << 16];
    ssize_t got;
    for (off_t at = 0; (got = pread(kept, bytes, sizeof bytes, at)) > 0; at += got)
        if (!hak_write_fully(to, bytes, (size_t)got))
            return false;
    return got == 0 && lseek(kept, 0, SEEK_END) >= 0;
}

/* Feeds one run: writes into the pipe `to` what is kept, then what comes new from our standard
 * input, each piece after it is kept. Ends with the input, or if nobody reads the pipe.
 * SIGTERM ends it only where nothing is on its way into the kept file. */
static _Noreturn void feed(int to) {
    static char bytes[1 << 16];
    sigset_t held, none;
    struct pollfd source = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t got = 0;
    sigemptyset(&none);
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    if (!feed_kept(to))
        _exit(0);
    for (;;) {
        sigprocmask(SIG_BLOCK, &held, NULL);
        if (ppoll(&source, 1, NULL, &none) < 0 && errno != EINTR)
            break;
        do
            got = read(STDIN_FILENO, bytes, sizeof bytes);
        while (got < 0 && errno == EINTR);
        if (got <= 0 || !hak_write_fully(kept, bytes, (size_t)got))
            break;
        sigprocmask(SIG_UNBLOCK, &held, NULL);
        if (!hak_write_fully(to, bytes, (size_t)got))
            break;
    }
    _exit(0);
}

static pid_t start_feeder(int to, int other_end) {
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* the terminal's: the program has to end first */
    signal(SIGQUIT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(other_end);
    if (getppid() != parent)
        _exit(0);
    feed(to);
}

int hunt_input_begin(void) {
    int ends[2];
    if (start >= 0)
        lseek(STDIN_FILENO, start, SEEK_SET);
    if (kept < 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    feeder = start_feeder(ends[1], ends[0]);
    close(ends[1]);
    reading = ends[0];
    return reading;
}

void hunt_input_end(void) {
    if (reading < 0)
        return;
    close(reading);
    reading = -1;
    if (feeder <= 0)
        return;
    kill(feeder, SIGTERM);
    while (waitpid(feeder, NULL, 0) < 0 && errno == EINTR)
        continue;
    feeder = 0;
}
