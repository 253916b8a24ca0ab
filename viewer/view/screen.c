/* ncurses on one side, canvas and keys on the other. */
#define NCURSES_WIDECHAR 1
#include "viewer/view/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <string.h>
#include "viewer/view/terminal.h"

#define KEPT_KEYS    64
#define ESCAPE_DELAY 25 /* ms that the rest of a key's sequence may take */

static struct {
    SCREEN *screen;
    bool has_color;
    struct key kept[KEPT_KEYS]; /* typed while a question was answered */
    int kept_count;
    attr_t attributes[CANVAS_STYLES];
    short pairs[CANVAS_STYLES];
    struct sigaction before[3];
} own;

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define END_SIGNALS (int)(sizeof end_signals / sizeof *end_signals)

static volatile sig_atomic_t ending;

static void on_end(int number) {
    ending = number;
}

int screen_signal(void) {
    return ending;
}

/* ---- begin and end -----------------------------------------------------------------------------
 */

/* Handles the signals that end the screen; one that was ignored (nohup) stays so. */
static void take_signals(void) {
    struct sigaction action = {.sa_handler = on_end};
    for (int i = 0; i < END_SIGNALS; i++) {
        sigaction(end_signals[i], NULL, &own.before[i]);
        if (own.before[i].sa_handler != SIG_IGN)
            sigaction(end_signals[i], &action, NULL);
    }
}

static void give_signals_back(void) {
    for (int i = 0; i < END_SIGNALS; i++)
        sigaction(end_signals[i], &own.before[i], NULL);
}

/* Sets the attributes of a style and, on a terminal with colors, its color. */
static void set_style(enum canvas_style style, attr_t attributes, short color) {
    own.attributes[style] = attributes;
    own.pairs[style] = 0;
    if (own.has_color && color >= 0) {
        init_pair((short)(style + 1), color, -1);
        own.pairs[style] = (short)(style + 1);
    }
}

/* Sets all styles; without color some are underlined or bold instead. */
static void set_styles(void) {
    bool c = own.has_color;
    set_style(CANVAS_PLAIN, A_NORMAL, -1);
    set_style(CANVAS_BOLD, A_BOLD, -1);
    set_style(CANVAS_RED, A_BOLD, COLOR_RED);
    set_style(CANVAS_DIM, c ? A_DIM : A_NORMAL, -1);
    set_style(CANVAS_PLACE, A_NORMAL, COLOR_CYAN);
    set_style(CANVAS_HEADING, c ? A_BOLD : A_UNDERLINE, COLOR_GREEN);
    set_style(CANVAS_BAR, A_REVERSE, COLOR_CYAN);
    set_style(CANVAS_SELECTED, A_REVERSE, -1);
    set_style(CANVAS_MARKED, c ? A_REVERSE | A_DIM : A_BOLD | A_UNDERLINE, -1);
    set_style(CANVAS_CHART, A_NORMAL, COLOR_GREEN);
    set_style(CANVAS_SPAN, A_BOLD, COLOR_YELLOW);
    set_style(CANVAS_NEW, A_BOLD, COLOR_YELLOW);
}

bool screen_begin(bool has_color, struct hak_text *why) {
    setlocale(LC_CTYPE, "");
    if (!terminal_is_known(why))
        return false;
    take_signals();
    own.screen = newterm(NULL, stdout, stdin);
    if (!own.screen) {
        give_signals_back();
        hak_text_add(why, "this terminal cannot be used");
        return false;
    }
    set_term(own.screen);
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    set_escdelay(ESCAPE_DELAY);
    curs_set(0);
    mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
                  BUTTON5_PRESSED,
              NULL);
    mouseinterval(200);
    own.has_color = has_color && has_colors() && start_color() == OK;
    if (own.has_color)
        use_default_colors();
    set_styles();
    return true;
}

void screen_end(void) {
    if (!own.screen)
        return;
    if (ending != SIGHUP) { /* where the screen stays, its last line is the shell's */
        move(LINES - 1, 0);
        clrtoeol();
        refresh();
    }
    endwin();
    delscreen(own.screen);
    own.screen = NULL;
    give_signals_back();
}

bool screen_is_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void screen_size(int *rows, int *columns) {
    getmaxyx(stdscr, *rows, *columns);
}

/* ---- out ---------------------------------------------------------------------------------------
 */

/* Gives a cell's character, marks and style to curses. */
static void show_cell(int row, int column, const struct canvas_cell *cell) {
    wchar_t text[2 + CANVAS_MARKS] = {0};
    cchar_t shown;
    for (int i = 0; i <= CANVAS_MARKS; i++)
        text[i] = (wchar_t)cell->ch[i];
    if (setcchar(&shown, text, own.attributes[cell->style], own.pairs[cell->style], NULL) == OK)
        mvadd_wch(row, column, &shown);
}

void screen_show(const struct canvas *canvas) {
    int rows, columns;
    screen_size(&rows, &columns);
    erase();
    for (int row = 0; row < rows && row < canvas->rows; row++)
        for (int column = 0; column < columns && column < canvas->columns; column++) {
            const struct canvas_cell *cell = &canvas->cell[row * canvas->columns + column];
            if (cell->ch[0])
                show_cell(row, column, cell);
        }
    refresh();
}

/* ---- in ----------------------------------------------------------------------------------------
 */

/* Reads a click or a turn of the wheel; false for another event. */
static bool read_mouse(struct key *out) {
    MEVENT event;
    if (getmouse(&event) != OK)
        return false;
    out->row = event.y;
    out->column = event.x;
    if (event.bstate & BUTTON1_DOUBLE_CLICKED)
        out->name = KEY_NAME_DOUBLE_CLICK;
    else if (event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
        out->name = KEY_NAME_CLICK;
    else if (event.bstate & BUTTON4_PRESSED)
        out->name = KEY_NAME_WHEEL_UP;
    else if (event.bstate & BUTTON5_PRESSED)
        out->name = KEY_NAME_WHEEL_DOWN;
    return out->name != KEY_NAME_NONE;
}

/* Translates a key code of curses, a mouse's too; false for one that is not known. */
static bool read_function_key(wint_t code, struct key *out) {
    static const struct {
        wint_t code;
        enum key_name name;
    } names[] = {{KEY_UP, KEY_NAME_UP},         {KEY_DOWN, KEY_NAME_DOWN},
                 {KEY_LEFT, KEY_NAME_LEFT},     {KEY_RIGHT, KEY_NAME_RIGHT},
                 {KEY_PPAGE, KEY_NAME_PAGE_UP}, {KEY_NPAGE, KEY_NAME_PAGE_DOWN},
                 {KEY_HOME, KEY_NAME_HOME},     {KEY_END, KEY_NAME_END},
                 {KEY_ENTER, KEY_NAME_ENTER},   {KEY_BACKSPACE, KEY_NAME_BACKSPACE},
                 {KEY_BTAB, KEY_NAME_BACK_TAB}, {KEY_RESIZE, KEY_NAME_RESIZE}};
    if (code == KEY_MOUSE)
        return read_mouse(out);
    if (code >= (wint_t)KEY_F(1) && code <= (wint_t)KEY_F(10))
        out->name = (enum key_name)(KEY_NAME_F1 + (int)(code - (wint_t)KEY_F(1)));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            out->name = names[i].name;
    return out->name != KEY_NAME_NONE;
}

/* Translates a character; the control characters of Enter, Tab, Esc and Backspace are keys. */
static void read_character(wint_t code, struct key *out) {
    switch (code) {
    case '\r':
    case '\n':
        out->name = KEY_NAME_ENTER;
        return;
    case '\t':
        out->name = KEY_NAME_TAB;
        return;
    case 0x1b:
        out->name = KEY_NAME_ESCAPE;
        return;
    case 0x08:
    case 0x7f:
        out->name = KEY_NAME_BACKSPACE;
        return;
    default:
        out->name = KEY_NAME_CHARACTER;
        out->character = code;
    }
}

/* Waits so long for a key; false where none came. */
static bool read_key(int milliseconds, struct key *out) {
    wint_t code;
    *out = (struct key){0};
    timeout(milliseconds);
    int kind = get_wch(&code);
    if (kind == ERR)
        return false;
    if (kind == KEY_CODE_YES)
        return read_function_key(code, out);
    read_character(code, out);
    return true;
}

bool screen_read(int milliseconds, struct key *out) {
    if (own.kept_count) {
        *out = own.kept[0];
        memmove(own.kept, own.kept + 1, (size_t)--own.kept_count * sizeof *own.kept);
        return true;
    }
    return !ending && read_key(milliseconds, out);
}

bool screen_is_escape_typed(void) {
    struct key key;
    while (!ending && read_key(0, &key)) {
        if (key.name == KEY_NAME_ESCAPE) {
            own.kept_count = 0;
            return true;
        }
        if (own.kept_count < KEPT_KEYS)
            own.kept[own.kept_count++] = key;
    }
    return ending;
}
