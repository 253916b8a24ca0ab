/* A page for a browser: a template with its style, script and data put in. */
#include "viewer/html/html.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "report/words/words.h"

/* Adds JSON inside of a script element: '<' ends none of it, and all beyond ASCII is escaped by
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

/* Fills in a placeholder. False: the name is not known. */
static bool fill_in(struct hak_text *page, const struct html_page *source, const char *name,
                    size_t length, const char *data, const uint8_t *word, size_t word_bytes) {
    if (strncmp(name, "nonce", length) == 0)
        add_nonce(page, word, word_bytes);
    else if (strncmp(name, "style", length) == 0)
        hak_text_add_bytes(page, source->style, strlen(source->style));
    else if (strncmp(name, "common", length) == 0)
        hak_text_add_bytes(page, html_common_script, strlen(html_common_script));
    else if (strncmp(name, "script", length) == 0)
        hak_text_add_bytes(page, source->script, strlen(source->script));
    else if (strncmp(name, "data", length) == 0)
        add_data(page, data);
    else
        return false;
    return true;
}

/* The template with each @@NAME@@ replaced by what belongs there; unknown names are left out. NULL
 * without memory or random bytes. */
static char *make_page(const struct html_page *source, const char *data) {
    struct hak_text page = {0};
    uint8_t word[16];
    if (getrandom(word, sizeof word, 0) != sizeof word)
        return NULL;
    for (const char *at = source->text; *at;) {
        const char *next = strstr(at, "@@"), *end = next ? strstr(next + 2, "@@") : NULL;
        hak_text_add_bytes(&page, at, end ? (size_t)(next - at) : strlen(at));
        if (!end)
            break;
        fill_in(&page, source, next + 2, (size_t)(end - next - 2), data, word, sizeof word);
        at = end + 2;
    }
    return hak_text_take(&page);
}

int html_write_page(const struct html_page *source, const json_t *content, const char *file,
                    const char *of) {
    static struct view_sink sink; /* too large for a stack frame */
    char *data = hak_json_dump(content, JSON_COMPACT);
    char *page = data ? make_page(source, data) : NULL;
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
        if (status == 0 && of)
            view_sink_say(&sink, of);
    }
    free(page);
    return status;
}
