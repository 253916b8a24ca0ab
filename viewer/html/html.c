/* `html`: writes the page. */
#include "viewer/html/html.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
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
    struct timeline timeline;
    struct html_stacks stacks;
    struct html_texts texts;
    json_t *data;
};

/* ---- the data ----------------------------------------------------------------------------------
 */

static int read_all(struct html *h) {
    struct view *view = h->view;
    struct timeline_query query = {.process = h->process, .steps = (uint32_t)h->steps};
    int error = timeline_read(view->reader, &query, &h->timeline);
    if (error)
        return view_store_error(view, error);
    int status = html_read_stacks(view, &h->timeline, &h->stacks);
    if (status == 0)
        status = view_look_again(view);
    if (status)
        return status;
    h->data = json_object();
    json_object_set_new(h->data, "hakmem_html", json_integer(1));
    status = html_set_facts(view, h->data, &h->timeline, h->process);
    if (status)
        return status;
    html_set_stacks(h->data, &h->stacks, &h->texts);
    if (!html_set_steps(h->data, &h->timeline, &h->stacks, MOST)) {
        view_error("%s: out of memory", view->store_path);
        return VIEW_UNREADABLE;
    }
    json_object_set(h->data, "texts", h->texts.list);
    return 0;
}

static void free_all(struct html *h) {
    timeline_free(&h->timeline);
    html_free_stacks(&h->stacks);
    hak_index_free(&h->texts.by_text);
    json_decref(h->texts.list);
    json_decref(h->data);
}

/* ---- the page ----------------------------------------------------------------------------------
 */

/* JSON inside of a script element: '<' ends none of it, and all beyond ASCII is escaped by
 * hak_json_dump already. */
static void add_data(struct hak_text *page, const char *json) {
    for (;;) {
        size_t bytes = strcspn(json, "<>&");
        hak_text_add_bytes(page, json, bytes);
        json += bytes;
        if (!*json)
            return;
        hak_text_add(page, "\\u%04x", (unsigned)*json++);
    }
}

/* A word that nobody who wrote into the capture could know: only what has it is run. */
static void add_nonce(struct hak_text *page, const uint8_t *word, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        hak_text_add(page, "%02x", word[i]);
}

static bool fill_in(struct hak_text *page, const char *name, size_t length, const char *data,
                    const uint8_t *word, size_t word_bytes) {
    if (strncmp(name, "nonce", length) == 0)
        add_nonce(page, word, word_bytes);
    else if (strncmp(name, "style", length) == 0)
        hak_text_add_bytes(page, html_style, strlen(html_style));
    else if (strncmp(name, "script", length) == 0)
        hak_text_add_bytes(page, html_script, strlen(html_script));
    else if (strncmp(name, "data", length) == 0)
        add_data(page, data);
    else
        return false;
    return true;
}

/* page.html with what belongs between its @@: @@style@@. NULL without memory. */
static char *make_page(const char *data) {
    struct hak_text page = {0};
    uint8_t word[16];
    if (getrandom(word, sizeof word, 0) != sizeof word)
        return NULL;
    for (const char *at = html_page; *at;) {
        const char *next = strstr(at, "@@"), *end = next ? strstr(next + 2, "@@") : NULL;
        hak_text_add_bytes(&page, at, end ? (size_t)(next - at) : strlen(at));
        if (!end)
            break;
        fill_in(&page, next + 2, (size_t)(end - next - 2), data, word, sizeof word);
        at = end + 2;
    }
    return hak_text_take(&page);
}

/* Without --output and FILE: app.db's is app.html, here. */
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

static int write_page(struct html *h) {
    static struct view_sink sink; /* too large for a stack frame */
    char *data = hak_json_dump(h->data, JSON_COMPACT), *page = data ? make_page(data) : NULL;
    char *file = name_file(h);
    int status = VIEW_UNREADABLE;
    free(data);
    if (!page || !file)
        view_error("out of memory");
    else if (strcmp(file, "-") == 0) {
        status = view_print_json(page) ? 0 : VIEW_UNREADABLE; /* as it is; frees it */
        page = NULL;
    } else if (view_sink_open(&sink, file, false)) {
        view_sink_add_bytes(&sink, page, strlen(page));
        status = view_sink_close(&sink, true) ? 0 : VIEW_UNREADABLE;
        if (status == 0)
            view_sink_say(&sink, h->view->store_path);
    }
    free(page);
    free(file);
    return status;
}

/* ---- the command -------------------------------------------------------------------------------
 */

static bool read_options(struct html *h) {
    if (!view_number(h->view, "steps", &h->steps) || !view_process(h->view, &h->process))
        return false;
    if (h->steps == 0 || h->steps > STEPS_MAX) {
        view_error("--steps %s: 1 to %s was expected", view_value(h->view, "steps"),
                   hak_words_number(STEPS_MAX));
        return false;
    }
    return true;
}

/* `html app.db` means the capture, not a page of another one in its place. */
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
    if (status == 0)
        status = write_page(&h);
    if (status == 0)
        status = view_say_completeness(view);
    free_all(&h);
    return status;
}
