/* `html`: writes the page. */
#include "viewer/html/html.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/file.h"
#include "viewer/html/parts.h"

#define STEPS     300
#define STEPS_MAX 5000
#define MOST      2500000 /* bytes of steps; packed they take a third more */

struct html {
    struct view *view;
    uint64_t steps;
    uint32_t process;
    struct growth growth; /* and the timeline */
    struct html_stacks stacks;
    struct html_texts texts;
    json_t *data;
};

/* ---- the data ----------------------------------------------------------------------------------
 */

/* Reads all of the page's data. Returns a status, said if not 0. */
static int read_all(struct html *h) {
    struct view *view = h->view;
    struct timeline_query query = {
        .to = view->end_event, .process = h->process, .steps = (uint32_t)h->steps};
    int error = timeline_read(view->reader, &query, &h->growth.timeline);
    if (error)
        return view_store_error(view, error);
    int status = html_read_stacks(view, &h->growth.timeline, &h->stacks);
    if (status == 0)
        status = view_look_again(view);
    if (status)
        return status;
    h->data = json_object();
    hak_json_set(h->data, NUMBER("hakmem_html", 2));
    status = html_set_facts(view, h->data, &h->growth.timeline, h->process);
    if (status)
        return status;
    growth_find(&h->growth);
    html_set_stacks(h->data, &h->stacks, &h->texts, &h->growth);
    if (!html_set_steps(h->data, &h->growth.timeline, &h->stacks, MOST)) {
        view_error("%s: out of memory", view->store_path);
        return VIEW_UNREADABLE;
    }
    json_object_set(h->data, "texts", h->texts.list);
    return 0;
}

static void free_all(struct html *h) {
    growth_free(&h->growth);
    html_free_stacks(&h->stacks);
    hak_index_free(&h->texts.by_text);
    json_decref(h->texts.list);
    json_decref(h->data);
    *h = (struct html){.view = h->view, .steps = h->steps, .process = h->process};
}

/* ---- the page ----------------------------------------------------------------------------------
 */

/* The file to write: the argument, or for app.db app.html in this folder. */
static char *name_file(const struct html *h) {
    const char *named = h->view->argument_count ? h->view->argument[0] : NULL;
    if (named)
        return strdup(named);
    const char *base = strrchr(h->view->store_path, '/');
    base = base ? base + 1 : h->view->store_path;
    size_t length = strlen(base);
    if (length > 3 && strcmp(base + length - 3, ".db") == 0)
        length -= 3;
    char *name = NULL;
    if (asprintf(&name, "%.*s.html", (int)length, base) < 0)
        return NULL;
    return name;
}

/* Writes the page into its file. Returns the exit status. */
static int write_page(const struct html *h) {
    char *file = name_file(h);
    int status = html_write_page(&(struct html_page){html_page, html_style, html_script}, h->data,
                                 file, h->view->store_path);
    free(file);
    return status;
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* Reads --steps and --process. False, and said. */
static bool read_options(struct html *h) {
    if (!view_read_number(h->view, "steps", &h->steps) ||
        !view_choose_process(h->view, &h->process))
        return false;
    if (h->steps == 0 || h->steps > STEPS_MAX) {
        view_error("--steps %s: 1 to %s was expected", view_value(h->view, "steps"),
                   hak_words_number(STEPS_MAX));
        return false;
    }
    return true;
}

/* Checks that the page may be written: `html app.db` means the capture, not a page of another one
 * in its place. False: printed. */
static bool check_page(const struct view *view) {
    const char *page = view->argument_count ? view->argument[0] : "-";
    if (!view_given(view, "store") && hak_store_file_kind(page) == HAK_FILE_STORE) {
        view_error("%s is a capture; to make its page: hakmem-trace html -s %s PAGE.html", page,
                   page);
        return false;
    }
    return view_sink_check(page);
}

int command_html(struct view *view) {
    struct html h = {.view = view, .steps = STEPS};
    if (!check_page(view))
        return VIEW_USAGE;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!read_options(&h))
        return view_question_status();
    status = read_all(&h);
    if (status == VIEW_UNREADABLE && view_end_before_damage(view)) {
        free_all(&h);
        status = read_all(&h);
    }
    if (status == 0) {
        view_say_end(view);
        status = write_page(&h);
    }
    if (status == 0)
        status = view_say_completeness(view);
    free_all(&h);
    return status;
}
