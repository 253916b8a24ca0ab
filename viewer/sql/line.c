/* Reads lines with libedit, which takes Emacs' or vi's keys by the user's ~/.editrc; the history
 * lies in $XDG_STATE_HOME/hakmem_sql_history, else in ~/.hakmem_sql_history. SIGINT comes only
 * while it waits for input, so that a Ctrl-C at the prompt always ends the line. */
#include "viewer/sql/line.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_LINES 1000

struct lines {
    EditLine *editor; /* NULL: lines come as they are */
    History *history;
    char *file; /* of the history; NULL = none */
    const char *prompt;
    char *line; /* of getline */
    size_t room;
    sigset_t outside; /* the signals that are blocked outside lines_next */
};

/* Waits for input. False: Ctrl-C. */
static bool wait_for_input(const struct lines *lines) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!view_is_interrupted())
        if (ppoll(&input, 1, NULL, &lines->outside) >= 0 || errno != EINTR)
            return true;
    errno = EINTR; /* libedit drops the line then */
    return false;
}

/* 1 = a character, 0 = the end, -1 = Ctrl-C or an error. Bytes that are no character are left
 * out. */
static int read_character(EditLine *editor, wchar_t *character) {
    struct lines *lines = NULL;
    mbstate_t state = {0};
    el_get(editor, EL_CLIENTDATA, &lines);
    for (;;) {
        char byte;
        if (!wait_for_input(lines))
            return -1;
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0)
            return (int)got;
        size_t used = mbrtowc(character, &byte, 1, &state);
        if (used == (size_t)-1) { /* it may begin another one */
            state = (mbstate_t){0};
            used = mbrtowc(character, &byte, 1, &state);
        }
        if (used == (size_t)-1)
            state = (mbstate_t){0};
        else if (used != (size_t)-2)
            return 1;
    }
}

/* The prompt, which libedit asks for. */
static char *prompt_of(EditLine *editor) {
    struct lines *lines = NULL;
    el_get(editor, EL_CLIENTDATA, &lines);
    return (char *)lines->prompt;
}

/* The path of the file with earlier queries, below XDG_STATE_HOME or else HOME, to be freed. NULL:
 * neither is an absolute path. */
static char *history_file(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct hak_text path = {0};
    if (state && state[0] == '/')
        hak_text_add_bytes(&path, state, strlen(state)), hak_text_add(&path, "/hakmem_sql_history");
    else if (home && home[0] == '/')
        hak_text_add_bytes(&path, home, strlen(home)), hak_text_add(&path, "/.hakmem_sql_history");
    return hak_text_take(&path);
}

/* Makes a history of lines and reads the earlier ones from the file. */
static void keep_history(struct lines *lines) {
    HistEvent event;
    lines->history = history_init();
    if (!lines->history)
        return;
    history(lines->history, &event, H_SETSIZE, HISTORY_LINES);
    history(lines->history, &event, H_SETUNIQUE, 1);
    lines->file = history_file();
    if (lines->file && access(lines->file, R_OK) == 0)
        history(lines->history, &event, H_LOAD, lines->file);
    el_set(lines->editor, EL_HIST, history, lines->history);
}

struct lines *lines_open(const struct view *view) {
    const char *terminal = getenv("TERM");
    struct lines *lines = calloc(1, sizeof *lines);
    if (!lines || !view->terminal || !isatty(STDIN_FILENO) || !terminal ||
        strcmp(terminal, "dumb") == 0)
        return lines;
    setlocale(LC_CTYPE, ""); /* what is one character */
    lines->editor = el_init("hakmem-trace", stdin, stdout, stderr);
    if (!lines->editor)
        return lines;
    el_set(lines->editor, EL_CLIENTDATA, lines);
    el_set(lines->editor, EL_PROMPT, prompt_of);
    el_set(lines->editor, EL_EDITOR, "emacs");
    el_set(lines->editor, EL_GETCFN, read_character);
    keep_history(lines);
    el_source(lines->editor, NULL);
    return lines;
}

/* The next line from the editor, which is added to the history; NULL at the end. */
static const char *next_edited(struct lines *lines) {
    HistEvent event;
    int length = 0;
    el_resize(lines->editor);               /* the window may be another since */
    el_set(lines->editor, EL_PREP_TERM, 1); /* libedit does after the prompt: Ctrl-D was lost */
    const char *line = el_gets(lines->editor, &length);
    if (!line || length <= 0)
        return NULL;
    if (lines->history && line[strspn(line, " \t\n")])
        history(lines->history, &event, H_ENTER, line);
    return line;
}

/* Prints the prompt and reads the next line without an editor; NULL at the end or an interrupt. */
static const char *next_plain(struct lines *lines) {
    view_write(stdout, "%s", lines->prompt);
    fflush(stdout);
    if (!wait_for_input(lines)) /* a terminal gives whole lines */
        return NULL;
    return getline(&lines->line, &lines->room, stdin) < 0 ? NULL : lines->line;
}

const char *lines_next(struct lines *lines, const char *prompt) {
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    lines->prompt = prompt;
    sigprocmask(SIG_BLOCK, &interrupt, &lines->outside);
    const char *line = lines->editor ? next_edited(lines) : next_plain(lines);
    sigprocmask(SIG_SETMASK, &lines->outside, NULL);
    return line;
}

void lines_close(struct lines *lines) {
    HistEvent event;
    if (!lines)
        return;
    if (lines->history && lines->file)
        history(lines->history, &event, H_SAVE, lines->file);
    if (lines->editor)
        el_end(lines->editor);
    if (lines->history)
        history_end(lines->history);
    free(lines->file);
    free(lines->line);
    free(lines);
}
