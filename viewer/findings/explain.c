/* `explain`: a fault's code in full, from its page in docs/specs/faults. */
#include "viewer/findings/findings.h"
#include "viewer/capture/capture.h"

#include <jansson.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/findings/fault_pages.h"

enum { WORD_MIN = 3, ALIKE_MAX = 4 };

/* The fault's page; NULL: none. */
static const struct hak_fault_page *page_of(unsigned code) {
    for (const struct hak_fault_page *page = hak_fault_pages; page->code; page++)
        if (page->code == code)
            return page;
    return NULL;
}

/* A kind of fault as JSON, with its page's text where that is asked for. */
static json_t *fault_json(const struct hak_fault_words *words, bool with_page) {
    const struct hak_fault_page *page = page_of(words->code);
    json_t *object = hak_json_object(
        JSON("code", json_sprintf("HKM-%u", words->code)), WORD("name", words->name),
        JSON("tag", hak_json_word(words->tag)), JSON("injection", hak_json_word(words->injection)),
        WORD("meaning", words->meaning), WORD("advice", words->advice));
    if (with_page)
        hak_json_set(object, JSON("page", hak_json_word(page ? page->markdown : NULL)));
    return object;
}

/* The fault, or all, as JSON. */
static bool print_json(struct view *view, const struct hak_fault_words *only) {
    json_t *document = view_json_document(view), *list = json_array();
    for (unsigned i = 0; hak_words_fault_at(i); i++)
        if (!only || only == hak_words_fault_at(i))
            json_array_append_new(list, fault_json(hak_words_fault_at(i), only != NULL));
    return view_print_json(hak_json_print(hak_json_set(document, JSON("faults", list))));
}

/* A line for each fault. */
static void list_all(struct view *view) {
    for (unsigned i = 0; hak_words_fault_at(i); i++) {
        const struct hak_fault_words *words = hak_words_fault_at(i);
        view_write(stdout, "%sHKM-%u %-22s%s %s\n", view_style(view, VIEW_BOLD), words->code,
                   words->name, view_style(view, VIEW_PLAIN), words->meaning);
    }
}

/* The fault's page with headings in bold; without a page its sentence and advice. */
static void print_page(struct view *view, const struct hak_fault_words *words) {
    const struct hak_fault_page *page = page_of(words->code);
    struct hak_text text = {0};
    view_write(stdout, "%sHKM-%u %s%s\n", view_style(view, VIEW_BOLD), words->code, words->name,
               view_style(view, VIEW_PLAIN));
    if (!page) {
        view_write(stdout, "\n%s\n\n%s\n", words->meaning, words->advice);
        return;
    }
    for (const char *at = page->text; *at; at++)
        if (*at == HAK_PAGE_BOLD || *at == HAK_PAGE_PLAIN)
            hak_text_add(&text, "%s",
                         view_style(view, *at == HAK_PAGE_BOLD ? VIEW_BOLD : VIEW_PLAIN));
        else
            hak_text_add_bytes(&text, at, 1);
    view_print(&text);
}

/* How many of the words of `typed` stand in `name`: "heap-overflow" has two of
 * heap-buffer-overflow. */
static unsigned words_in(const char *typed, const char *name) {
    static const char between[] = "-_. ";
    char word[32];
    unsigned found = 0;
    for (const char *at = typed; *at; at += strspn(at, between)) {
        size_t length = strcspn(at, between);
        if (length >= WORD_MIN && length < sizeof word) {
            memcpy(word, at, length);
            word[length] = '\0';
            found += strcasestr(name, word) != NULL;
        }
        at += length;
    }
    return found;
}

/* "; did you mean 'double-free' or 'bad-free'?": the names with the most words of `typed`; nothing
 * where none has any, or more than a few have as many. */
static void add_alike(struct hak_text *text, const char *typed) {
    unsigned most = 1, alike = 0;
    for (unsigned i = 0; hak_words_fault_at(i); i++) {
        unsigned words = words_in(typed, hak_words_fault_at(i)->name);
        alike = words > most ? 1 : alike + (words == most);
        most = words > most ? words : most;
    }
    if (alike > ALIKE_MAX)
        return;
    for (unsigned i = 0, said = 0; hak_words_fault_at(i); i++)
        if (words_in(typed, hak_words_fault_at(i)->name) == most) {
            said++;
            hak_text_add(text, "%s'%s'",
                         said == 1      ? "; did you mean "
                         : said < alike ? ", "
                                        : " or ",
                         hak_words_fault_at(i)->name);
        }
    hak_text_add(text, alike ? "?" : "");
}

/* Says that there is no such fault, and the nearest ones. Returns the status. */
static int say_unknown(const char *typed) {
    enum { CODES_MAX = 64 };
    struct hak_text alike = {0};
    static char code[CODES_MAX][16];
    struct nearest nearest = {.typed = typed};
    for (unsigned i = 0; hak_words_fault_at(i) && i < CODES_MAX; i++) {
        snprintf(code[i], sizeof code[i], "HKM-%u", hak_words_fault_at(i)->code);
        nearest_offer(&nearest, hak_words_fault_at(i)->name);
        nearest_offer(&nearest, hak_words_fault_at(i)->tag);
        nearest_offer(&nearest, code[i]);
        nearest_offer(&nearest, strchr(code[i], '-') + 1);
    }
    if (!nearest.best)
        add_alike(&alike, typed);
    view_error("explain %s: no such fault%s", typed,
               nearest.best   ? nearest_words(&nearest, "")
               : alike.length ? hak_text_string(&alike)
                              : "; a code (HKM-104 or 104), a name (tls-sll-hdr-reset) or a tag "
                                "(TLS_SLL_HDR_RESET) was expected");
    hak_text_free(&alike);
    view_write(stderr, "hakmem-trace explain lists them all.\n");
    return VIEW_USAGE;
}

int command_explain(struct view *view) {
    const struct hak_fault_words *words = NULL;
    if (view->argument_count > 0) {
        words = hak_words_find_fault(view->argument[0]);
        if (!words)
            return say_unknown(view->argument[0]);
    }
    view_start_pager(view);
    if (view->json)
        return print_json(view, words) ? VIEW_OK : VIEW_USAGE;
    if (words)
        print_page(view, words);
    else
        list_all(view);
    return VIEW_OK;
}
