/* `view`: the capture in the terminal, until the person leaves. */
#include "viewer/view/view.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include "viewer/view/browser.h"
#include "viewer/view/screen.h"

#define TICK_MS       250
#define STEPS_OF_LOOK 10000 /* of SQLite's machine */

/* Prints the commands to use instead, where there is no suitable screen. Returns VIEW_USAGE. */
static int refuse(struct hak_text *why) {
    hak_text_add(why,
                 "; `hakmem-trace top`, `heap` and `faults` print the same, `html` makes a page "
                 "of it");
    view_error_text(why);
    return VIEW_USAGE;
}

enum { CHART_AUTO = CHART_ASCII + 1 };

/* Reads --chart; false, and an error is printed, for an unknown word. */
static bool read_chart(const struct view *view, int *out) {
    static const char *const kinds[] = {"braille", "blocks", "ascii", "auto"};
    const char *typed = view_value(view, "chart");
    for (*out = 0; *out <= CHART_AUTO; ++*out)
        if (strcmp(typed ? typed : "auto", kinds[*out]) == 0)
            return true;
    view_error("--chart %s: auto, braille, blocks or ascii was expected", typed);
    return false;
}

static void show(void *context) {
    const struct browser *b = context;
    screen_show(&b->canvas);
}

static bool is_escape_typed(void *context) {
    (void)context;
    return screen_is_escape_typed();
}

static int stop_query(void *context) {
    return browser_is_stopped(context);
}

/* Fits the canvas to the screen, whose size may have changed at any time: while it was stopped,
 * too. False without memory. */
static bool fit(struct browser *b) {
    int rows, columns;
    screen_size(&rows, &columns);
    return (rows == b->canvas.rows && columns == b->canvas.columns) ||
           browser_resize(b, rows, columns);
}

/* Draws and handles keys until the user leaves, a signal comes or memory ends. */
static void go_on(struct browser *b) {
    struct key key;
    while (!b->is_done && !screen_signal()) {
        if (!fit(b))
            return;
        browser_draw(b);
        screen_show(&b->canvas);
        if (!screen_read(TICK_MS, &key))
            browser_tick(b);
        else if (key.name != KEY_NAME_RESIZE)
            browser_key(b, &key);
    }
}

/* Whether the terminal is large enough; else `why` says how large it must be. */
static bool is_large_enough(struct hak_text *why) {
    int rows, columns;
    screen_size(&rows, &columns);
    if (rows >= BROWSER_ROWS && columns >= BROWSER_COLUMNS)
        return true;
    hak_text_add(why, "the terminal has %d columns and %d lines; %d and %d are needed", columns,
                 rows, BROWSER_COLUMNS, BROWSER_ROWS);
    return false;
}

/* Lets errors go to the screen's foot from here on, and reads look at the keyboard. */
static void watch(struct browser *b, struct view *view) {
    b->make_main = main_page_make;
    b->make_help = help_page_make;
    b->show = show;
    b->is_escape_typed = is_escape_typed;
    b->context = b;
    view_redirect_errors(browser_take_error, b);
    hak_store_watch(browser_watch, b);
    sqlite3_progress_handler(hak_store_database(view->reader)->connection, STEPS_OF_LOOK,
                             stop_query, b);
}

/* Opens the capture and shows it until the user leaves; errors and progress go to the screen
 * meanwhile. */
static int browse(struct view *view, struct browser *b) {
    bool had_color = view->color;
    watch(b, view);
    view->color = true; /* its codes become styles, which the screen shows as it can */
    b->canvas.is_utf8 = screen_is_utf8();
    int status = fit(b) ? browser_open(b, view) : VIEW_USAGE;
    if (status == 0)
        go_on(b);
    view->color = had_color;
    view_redirect_errors(NULL, NULL);
    hak_store_watch(NULL, NULL);
    sqlite3_progress_handler(hak_store_database(view->reader)->connection, 0, NULL, NULL);
    return status;
}

/* As the signal would have ended it. */
static void end_by_signal(int number) {
    signal(number, SIG_DFL);
    raise(number);
}

/* `view`: shows a capture on the terminal. */
int command_view(struct view *view) {
    struct browser *b = calloc(1, sizeof *b);
    struct hak_text why = {0};
    int chart;
    if (view->json) {
        view_error("view has no --json; `hakmem-trace top --json` and `heap --json` have the same");
        free(b);
        return VIEW_USAGE;
    }
    int status = b && read_chart(view, &chart) ? view_open(view) : VIEW_USAGE;
    if (status != 0) {
        free(b);
        return status;
    }
    view_progress_end();
    bool is_begun = screen_begin(view->color, &why);
    if (is_begun && !is_large_enough(&why)) {
        screen_end();
        is_begun = false;
    }
    if (!is_begun) {
        free(b);
        return refuse(&why);
    }
    b->chart = !screen_is_utf8()     ? CHART_ASCII
               : chart == CHART_AUTO ? CHART_BRAILLE
                                     : (enum chart_kind)chart;
    status = browse(view, b);
    screen_end();
    if (status != 0 && b->message.length) {
        view_error("%s", hak_text_string(&b->message));
    } else if (status == 0 && b->data.damage) {
        data_say_damage(&b->data);
        status = VIEW_UNREADABLE;
    }
    browser_free(b);
    free(b);
    if (screen_signal())
        end_by_signal(screen_signal());
    return status ? status : view_completeness(view);
}
