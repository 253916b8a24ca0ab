/* Printing: the pager on a terminal, colours, and a quiet end when nobody reads any more. */
#include "viewer/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/bytes.h"

#define COLUMNS 80 /* of a terminal that does not say */

int view_columns(const struct view *view) {
    struct winsize window;
    if (!view->terminal)
        return 0;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    return is_known ? window.ws_col : COLUMNS;
}

/* The pager is started by the first line of the answer: a question that is interrupted before, or
 * that has no answer, leaves none behind. */
static struct {
    bool is_wanted;
    pid_t pid; /* 0 = not started */
    const char *program;
} pager;

static int first_error; /* errno of what could not be written to stdout */

const char *view_style(const struct view *view, enum view_style style) {
    static const char *const codes[] = {HAK_COLOR_PLAIN, HAK_COLOR_BOLD, HAK_COLOR_RED,
                                        HAK_COLOR_DIM, HAK_COLOR_PLACE};
    return view->color ? codes[style] : "";
}

void view_add_heading(struct hak_text *text, const struct view *view, const char *heading,
                      int column) {
    hak_text_add(text, "%s%s%s", view_style(view, VIEW_BOLD), heading,
                 view_style(view, VIEW_PLAIN));
    hak_text_tab(text, column);
}

/* Starts the pager and has stdout go into it; if that fails, stdout stays. */
static void start_now(void) {
    int ends[2];
    view_progress_end();
    pager.is_wanted = false;
    if (pipe(ends) != 0)
        return;
    pager.pid = fork();
    if (pager.pid == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("LESS", "FRX", 0);
        execl("/bin/sh", "sh", "-c", pager.program, (char *)NULL);
        _exit(127);
    }
    if (pager.pid > 0)
        dup2(ends[1], STDOUT_FILENO);
    else
        pager.pid = 0;
    close(ends[0]);
    close(ends[1]);
}

/* Writes for stdout, and starts the pager first where one is wanted; 0 = an error. */
static ssize_t write_through_pager(void *cookie, const char *bytes, size_t count) {
    (void)cookie;
    if (pager.is_wanted)
        start_now();
    return hak_write_fully(STDOUT_FILENO, bytes, count) ? (ssize_t)count : 0;
}

void view_start_pager(struct view *view) {
    const char *program = getenv("PAGER");
    if (pager.is_wanted || pager.pid > 0)
        return;
    if (!program)
        program = "less";
    bool has_pager =
        view->terminal && view->wants_pager && program[0] && strcmp(program, "cat") != 0;
    if (!has_pager) {
        if (view->terminal)
            view_progress_end();
        return;
    }
    fflush(stdout);
    FILE *out = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_through_pager});
    if (!out)
        return;
    setvbuf(out, NULL, _IOLBF, 0); /* the first line ends the progress */
    stdout = out;
    pager.is_wanted = true;
    pager.program = program;
}

bool view_has_pager(void) {
    return pager.is_wanted || pager.pid > 0;
}

bool view_is_paging(void) {
    return pager.pid > 0;
}

bool view_end_output(void) {
    view_progress_end();
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (first_error)
        errno = first_error;
    if (pager.pid > 0) {
        close(STDOUT_FILENO);
        while (waitpid(pager.pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        return true;
    }
    if (!written && errno != EPIPE)
        view_error("cannot write the answer: %s", strerror(errno));
    return written;
}

/* Writes bytes to a file and keeps stdout's first error: the one place where anything is written to
 * a terminal or a pipe. */
static bool write_bytes(FILE *to, const void *bytes, size_t count) {
    bool good = count == 0 || fwrite(bytes, 1, count, to) == count;
    if (!good && to == stdout && !first_error)
        first_error = errno;
    return good;
}

bool view_write_bytes(const void *bytes, size_t count) {
    if (isatty(STDOUT_FILENO))
        view_progress_end(); /* its line would stand between those of the answer */
    return write_bytes(stdout, bytes, count);
}

/* Writes the text and frees it. False: there was no memory for all of it, and nothing was
 * written. */
static bool write_text(FILE *to, struct hak_text *text) {
    bool is_whole = !text->failed;
    if (is_whole)
        write_bytes(to, text->bytes, text->length);
    hak_text_free(text);
    return is_whole;
}

void view_write(FILE *to, const char *format, ...) {
    struct hak_text text = {0};
    va_list list;
    va_start(list, format);
    hak_text_vadd(&text, format, list);
    va_end(list);
    write_text(to, &text);
}

static struct {
    void (*take)(void *context, const char *line);
    void *context;
} errors;

void view_redirect_errors(void (*take)(void *context, const char *line), void *context) {
    errors.take = take;
    errors.context = context;
}

void view_error(const char *format, ...) {
    struct hak_text text = {0};
    va_list list;
    if (errors.take) {
        va_start(list, format);
        hak_text_vadd(&text, format, list);
        va_end(list);
        errors.take(errors.context, hak_text_string(&text));
        hak_text_free(&text);
        return;
    }
    fflush(stdout);
    view_progress_clear();
    hak_text_add(&text, "hakmem-trace: ");
    va_start(list, format);
    hak_text_vadd(&text, format, list);
    va_end(list);
    hak_text_add(&text, "\n");
    write_text(stderr, &text);
}

void view_error_text(struct hak_text *text) {
    view_error("%s", hak_text_string(text));
    hak_text_free(text);
}

bool view_print_to(FILE *to, struct hak_text *text) {
    if (write_text(to, text))
        return true;
    view_error("out of memory");
    return false;
}

bool view_print(struct hak_text *text) {
    return view_print_to(stdout, text);
}

void view_add_report(struct hak_text *to, const struct view *view, struct hak_text *lines) {
    to->failed |= lines->failed;
    if (view->color && lines->bytes)
        hak_color_report(to, lines->bytes);
    else
        hak_text_add_text(to, lines);
    hak_text_free(lines);
}

bool view_print_report(const struct view *view, struct hak_text *text) {
    struct hak_text shown = {0};
    view_add_report(&shown, view, text);
    return view_print(&shown);
}

bool view_print_json(char *json) {
    struct hak_text text = {.failed = !json};
    if (json)
        hak_text_add_bytes(&text, json, strlen(json)); /* made by hak_json_dump: ASCII */
    free(json);
    return view_print(&text);
}

const char *view_path_from_here(const char *path) {
    char *here = getcwd(NULL, 0);
    size_t length = here ? strlen(here) : 0;
    bool is_here = here && strncmp(path, here, length) == 0 && path[length] == '/';
    free(here);
    return is_here ? path + length + 1 : path;
}
