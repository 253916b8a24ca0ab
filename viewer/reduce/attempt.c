/* One run of a sequence: hakmem-player under hakmem-debug.so, level normal, without a store. The
 * first report on its standard error counts. */
#include "viewer/reduce/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "report/words/words.h"

enum { PAUSE_NS = 1000000, SAID_BYTES = 1 << 16 };

void setting_add(struct hak_text *text, const struct setting *setting) {
    if (setting->guard)
        hak_text_add(text, "HAKMEM_GUARD=%s ", setting->guard);
    if (setting->checks_strings)
        hak_text_add(text, "HAKMEM_CHECK_STRING=1 ");
    if (setting->inject)
        hak_text_add(text, "HAKMEM_INJECT=%s ", setting->inject);
}

/* Becomes the player, in a child. */
static void become_player(const struct reduction *r, const struct setting *setting, int in,
                          int said) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    for (char **e = environ; *e;) {
        char name[128];
        size_t bytes = strcspn(*e, "=");
        if (!hak_words_starts_with(*e, "HAKMEM_") || bytes >= sizeof name) {
            e++;
            continue;
        }
        memcpy(name, *e, bytes);
        name[bytes] = '\0';
        unsetenv(name);
    }
    setenv("HAKMEM_CHECK", "normal", 1);
    setenv("HAKMEM_TRACE", "off", 1);
    setenv("HAKMEM_GUARD_WATCH", "off", 1);
    if (setting->guard)
        setenv("HAKMEM_GUARD", setting->guard, 1);
    if (setting->checks_strings)
        setenv("HAKMEM_CHECK_STRING", "1", 1);
    if (setting->inject)
        setenv("HAKMEM_INJECT", setting->inject, 1);
    setenv("LD_PRELOAD", r->library, 1);
    dup2(in, STDIN_FILENO);
    dup2(said, STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    execl(r->player, r->player, "sequence", (char *)NULL);
    _exit(127);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Waits until it ends, its time is up, or Ctrl-C was pressed. */
static int wait_for_end(const struct reduction *r, pid_t pid) {
    uint64_t end = now_ms() + r->timeout_ms;
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (view_is_interrupted() || now_ms() > end)
            kill(pid, SIGKILL);
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return status;
}

/* Compares the first report with the fault. */
static int judge(const struct reduction *r, const char *said) {
    char code[32], hop[48];
    snprintf(code, sizeof code, "hakmem: HKM-%u ", r->wanted.code);
    snprintf(hop, sizeof hop, " hop=%s ", r->wanted.hop);
    const char *report = strstr(said, "hakmem: HKM-");
    if (!report || !hak_words_starts_with(report, code))
        return 0;
    const char *summary = strstr(report, "SUMMARY: ");
    if (summary && r->wanted.code < BAD_FREE &&
        (strstr(summary, " offset=+16 ") != NULL) != r->wanted.is_user)
        return 1;
    return summary && (!r->wanted.hop[0] || strstr(summary, hop)) ? 2 : 1;
}

int attempt(struct reduction *r, const struct sequence *sequence, const struct setting *setting) {
    static char said[SAID_BYTES];
    struct hak_text text = {0};
    int result = -1;
    sequence_add_text(&text, sequence);
    int in = memfd_create("hakmem-sequence", MFD_CLOEXEC);
    int out = memfd_create("hakmem-said", MFD_CLOEXEC);
    pid_t pid = -1;
    if (in >= 0 && out >= 0 && !text.failed &&
        write(in, text.bytes ? text.bytes : "", text.length) == (ssize_t)text.length) {
        lseek(in, 0, SEEK_SET);
        pid = fork();
        if (pid == 0)
            become_player(r, setting, in, out);
    }
    if (pid < 0)
        view_error("reduce: the player cannot be started: %s", strerror(errno));
    else {
        int status = wait_for_end(r, pid);
        ssize_t got = pread(out, said, sizeof said - 1, 0);
        said[got > 0 ? got : 0] = '\0';
        r->attempts++;
        result = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -1 : judge(r, said);
        if (result < 0)
            view_error("reduce: %s cannot be started", r->player);
    }
    close(in);
    close(out);
    hak_text_free(&text);
    return result;
}
