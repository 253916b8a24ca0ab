/* Looks at stdin, stdout and TERM before a screen is begun on them. */
#include "viewer/view/terminal.h"

#include <curses.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

/* Whether terminfo knows the terminal and can move its cursor; else `why` says what is wrong. */
static bool is_described(struct hak_text *why) {
    const char *term = getenv("TERM");
    int error = 0;
    if (!term || !term[0]) {
        hak_text_add(why, "TERM is not set, so nothing is known of this terminal");
        return false;
    }
    if (setupterm(term, STDOUT_FILENO, &error) != OK) {
        hak_text_add(why, "TERM=%s: terminfo knows no such terminal", term);
        return false;
    }
    if (!tigetstr("cup") || tigetstr("cup") == (char *)-1) {
        hak_text_add(why, "TERM=%s: this terminal cannot move its cursor", term);
        return false;
    }
    return true;
}

/* Whether standard input and output are a terminal; else `why` says which are not. */
static bool is_terminal(struct hak_text *why) {
    int in = isatty(STDIN_FILENO), out = isatty(STDOUT_FILENO);
    if (!in || !out)
        hak_text_add(why, "%s no terminal",
                     !in && !out ? "stdin and stdout are"
                     : in        ? "stdout is"
                                 : "stdin is");
    return in && out;
}

bool terminal_is_known(struct hak_text *why) {
    return is_terminal(why) && is_described(why);
}
