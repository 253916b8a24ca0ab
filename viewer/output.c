/* Printing: the pager on a terminal, colours, and a quiet end when nobody reads any more. */
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager;

const char *view_style(const struct view *view, enum view_style style) {
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[2m"};
    return view->color ? codes[style] : "";
}

void view_start_pager(struct view *view) {
    const char *program = getenv("PAGER");
    int ends[2];
    if (view->terminal)
        view_progress_end();
    if (!view->terminal || view_given(view, "no-pager") || pager != 0)
        return;
    if (!program)
        program = "less";
    if (!program[0] || strcmp(program, "cat") == 0 || pipe(ends) != 0)
        return;
    fflush(stdout);
    pager = fork();
    if (pager == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("LESS", "FRX", 0);
        execl("/bin/sh", "sh", "-c", program, (char *)NULL);
        _exit(127);
    }
    if (pager > 0)
        dup2(ends[1], STDOUT_FILENO);
    else
        pager = 0;
    close(ends[0]);
    close(ends[1]);
}

bool view_has_pager(void) {
    return pager > 0;
}

bool view_end_output(void) {
    view_progress_end();
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (pager > 0) {
        close(STDOUT_FILENO);
        while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
            continue;
        return true;
    }
    if (!written && errno != EPIPE)
        view_error("cannot write the answer: %s", strerror(errno));
    return written;
}

static bool print_bytes(char *bytes) {
    if (!bytes) {
        view_error("memory ran out");
        return false;
    }
    fputs(bytes, stdout);
    free(bytes);
    return true;
}

bool view_print(struct hak_text *text) {
    return print_bytes(hak_text_take(text));
}

bool view_print_json(char *text) {
    return print_bytes(text);
}
