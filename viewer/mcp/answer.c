/* Fits an answer to the length that its caller takes: a document is made smaller by whole elements
 * of its lists, never in the middle of one.
 *
 * One list of each document is paged: the rest is left out at its end, or at the start of a
 * history. Other lists and long texts are cut in steps, so far as it takes to show some elements of
 * the paged one. */
#include "viewer/mcp/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"

enum {
    CUT_BYTES = 1000, /* that the member `cut` may take */
    ENOUGH = 8,       /* elements of the paged list, for which others are cut no further */
    NAMES = 8,        /* of lists and texts that `cut` names */
};

/* How much of a list that is not paged is kept, and of a text. */
static const struct limits {
    size_t elements, bytes;
} steps[] = {{SIZE_MAX, SIZE_MAX},
             {24, SIZE_MAX},
             {12, 4000},
             {8, 2000},
             {5, 1000},
             {3, 500},
             {2, 200},
             {1, 120}};

/* The parts that were cut. */
struct cuts {
    struct one {
        const char *name; /* of the member, as the document has it */
        bool is_text;
        size_t shown, most; /* of each, and in the longest one */
    } one[NAMES];
    int count;
};

/* Notes that a list or a text of this name was cut, and how long the longest was. */
static void note_cut(struct cuts *cuts, const char *name, bool is_text, size_t shown, size_t had) {
    for (int i = 0; i < cuts->count; i++) {
        struct one *one = &cuts->one[i];
        if (one->is_text != is_text || strcmp(one->name, name) != 0)
            continue;
        if (one->most < had)
            one->most = had;
        return;
    }
    if (cuts->count < NAMES)
        cuts->one[cuts->count++] = (struct one){name, is_text, shown, had};
}

/* The text, cut to at most `most` bytes between two characters; a cut is noted under `name`. */
static json_t *shrink_text(const json_t *text, const char *name, size_t most, struct cuts *cuts) {
    const char *bytes = json_string_value(text);
    size_t had = json_string_length(text);
    if (had <= most)
        return json_incref((json_t *)text);
    while (most > 0 && ((unsigned char)bytes[most] & 0xc0) == 0x80)
        most--;
    note_cut(cuts, name, true, most, had);
    return json_stringn(bytes, most);
}

/* A copy of the value with lists and texts cut to the limits, which notes what it cut. The member
 * `paged`, of the document itself, is an empty list in it. */
static json_t *shrink(const json_t *value, const char *name, const char *paged,
                      const struct limits *limits, struct cuts *cuts) {
    if (json_is_string(value))
        return shrink_text(value, name, limits->bytes, cuts);
    if (json_is_array(value)) {
        json_t *list = json_array();
        size_t count = json_array_size(value);
        for (size_t i = 0; i < count && i < limits->elements; i++)
            json_array_append_new(list, shrink(json_array_get(value, i), name, NULL, limits, cuts));
        if (count > limits->elements)
            note_cut(cuts, name, false, limits->elements, count);
        return list;
    }
    if (!json_is_object(value))
        return json_incref((json_t *)value);
    json_t *object = json_object(), *member;
    const char *key;
    json_object_foreach((json_t *)value, key, member) {
        bool is_paged = paged && strcmp(paged, key) == 0;
        json_object_set_new(object, key,
                            is_paged ? json_array() : shrink(member, key, NULL, limits, cuts));
    }
    return object;
}

static char *dump_compact(const json_t *value) {
    return hak_json_dump(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

/* The bytes of a value as compact JSON; without memory, a huge number. */
static size_t length_of(const json_t *value) {
    char *text = dump_compact(value);
    size_t length = text ? strlen(text) : SIZE_MAX / 2;
    free(text);
    return length;
}

/* ---- the list that is paged --------------------------------------------------------------------
 */

/* The name of the list of `tool` that the document has; NULL = none. It lies in the document. */
static const char *find_list(const json_t *document, const struct mcp_tool *tool) {
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)document, name, member) {
        size_t length = strlen(name);
        for (const char *at = tool->lists; *at; at += strcspn(at, "|"), at += *at == '|')
            if (json_is_array(member) && strcspn(at, "|") == length &&
                strncmp(at, name, length) == 0)
                return name;
    }
    return NULL;
}

struct page {
    const char *name; /* of its list, NULL = the document has none */
    const json_t *list;
    size_t of;            /* elements that there are, in the list or left out by the command */
    size_t before;        /* those that it left out before the list */
    size_t first, wanted; /* the part of the list that is asked for */
    size_t shown;         /* and how much of it there is; of a history its end */
};

/* The length of the history whose newest elements the list has; 0 = it does not say. */
static size_t history_length(const json_t *document) {
    const json_t *totals = json_object_get(document, "totals");
    json_int_t lives = json_integer_value(json_object_get(document, "lives_total"));
    return (size_t)(totals ? json_integer_value(json_object_get(totals, "lives")) : lives);
}

/* Finds the answer's main list and computes which of its rows the window asks for. */
static struct page find_page(const json_t *document, const struct mcp_tool *tool,
                             struct mcp_window window) {
    struct page page = {.name = find_list(document, tool)};
    if (!page.name)
        return page;
    page.list = json_object_get(document, page.name);
    size_t count = json_array_size(page.list);
    size_t skipped = window.offset < count ? window.offset : count;
    size_t history = window.is_part ? 0 : history_length(document);
    if (tool->is_newest_last && history > count)
        page.before = history - count;
    page.of = page.before + count;
    if (tool->has_limit)
        page.of += (size_t)json_integer_value(json_object_get(document, "left_out"));
    page.wanted = count - skipped < window.limit ? count - skipped : window.limit;
    page.first = tool->is_newest_last ? count - skipped - page.wanted : skipped;
    return page;
}

/* The document within the limits, of at most `most` bytes, with as much of the page's rows as fit;
 * `page->shown` gets how many. NULL: it does not fit even without them. */
static json_t *fill(const json_t *document, const struct mcp_tool *tool, struct page *page,
                    size_t most, const struct limits *limits, struct cuts *cuts) {
    json_t *answer = shrink(document, "", page->name, limits, cuts);
    size_t used = length_of(answer);
    page->shown = 0;
    if (used > most) {
        json_decref(answer);
        return NULL;
    }
    json_t *list = page->name ? json_object_get(answer, page->name) : NULL;
    for (; page->shown < page->wanted; page->shown++) {
        size_t at = tool->is_newest_last ? page->first + page->wanted - 1 - page->shown
                                         : page->first + page->shown;
        json_t *element = shrink(json_array_get(page->list, at), page->name, NULL, limits, cuts);
        used += length_of(element) + 1;
        if (used > most) {
            json_decref(element);
            break;
        }
        if (tool->is_newest_last)
            json_array_insert_new(list, 0, element);
        else
            json_array_append_new(list, element);
    }
    return answer;
}

/* ---- what is said of it ------------------------------------------------------------------------
 */

static void set_text(json_t *object, const char *name, struct hak_text *text) {
    json_object_set_new(object, name, json_string(hak_text_string(text)));
    hak_text_free(text);
}

/* Sets the sentence that says which rows of the main list are shown, unless all are. */
static void say_page(json_t *shown, const struct mcp_tool *tool, const struct page *page) {
    struct hak_text text = {0};
    size_t first =
        page->before + page->first + (tool->is_newest_last ? page->wanted - page->shown : 0);
    if (!page->name || page->shown == page->of)
        return;
    if (page->shown == 0)
        hak_text_add(&text, "none of %zu", page->of);
    else
        hak_text_add(&text, "%zu to %zu of %zu", first, first + page->shown - 1, page->of);
    set_text(shown, page->name, &text);
}

/* Sets a sentence for each list or text that was cut. */
static void say_cuts(json_t *shown, const struct cuts *cuts) {
    for (int i = 0; i < cuts->count; i++) {
        const struct one *one = &cuts->one[i];
        struct hak_text text = {0};
        hak_text_add(&text, "at most %zu %s; the longest has %zu", one->shown,
                     one->is_text ? "bytes of each" : "in each list", one->most);
        set_text(shown, one->name, &text);
    }
}

/* Makes the sentence that says how the caller gets more: offset, a narrower question, max_tokens.
 */
static json_t *say_rest(const struct mcp_tool *tool, const struct page *page,
                        struct mcp_window window) {
    struct hak_text text = {0};
    bool goes_on = page->name && page->shown > 0 && page->shown + window.offset < page->of;
    if (goes_on)
        hak_text_add(&text, "offset %zu goes on%s; ", window.offset + page->shown,
                     tool->is_newest_last ? " to older ones" : "");
    if (tool->narrower[0])
        hak_text_add(&text, "%s; ", tool->narrower);
    if (window.bytes < MCP_TOKENS_MAX * MCP_TOKEN_BYTES)
        hak_text_add(&text, "max_tokens, now %zu and at most %d, shows more",
                     window.bytes / MCP_TOKEN_BYTES, MCP_TOKENS_MAX);
    json_t *rest = json_string(hak_text_string(&text));
    hak_text_free(&text);
    return rest;
}

/* Prints the answer with `cut` before all else; takes over all three. */
static char *print_cut(json_t *answer, json_t *shown, json_t *rest) {
    json_t *whole = json_pack("{s:{s:o, s:o}}", "cut", "shown", shown, "rest", rest);
    if (answer)
        json_object_update(whole, answer);
    char *text = dump_compact(whole);
    json_decref(answer);
    json_decref(whole);
    return text;
}

char *mcp_answer_cut(json_t *document, const struct mcp_tool *tool, struct mcp_window window) {
    struct page page = find_page(document, tool, window), best_page = {0};
    size_t most = window.bytes > CUT_BYTES ? window.bytes - CUT_BYTES : 0;
    json_t *best = NULL;
    struct cuts best_cuts = {0};
    char *text = page.wanted == page.of ? dump_compact(document) : NULL;
    if (text && strlen(text) <= window.bytes) {
        json_decref(document);
        return text;
    }
    free(text);
    size_t enough = page.wanted < ENOUGH ? page.wanted : ENOUGH;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct cuts cuts = {0};
        json_t *answer = fill(document, tool, &page, most, &steps[i], &cuts);
        if (!answer)
            continue;
        if (!best || page.shown > best_page.shown) {
            json_decref(best);
            best = json_incref(answer);
            best_page = page;
            best_cuts = cuts;
        }
        json_decref(answer);
        if (page.shown >= enough)
            break;
    }
    json_t *shown = json_object();
    if (best)
        say_page(shown, tool, &best_page);
    else
        json_object_set_new(shown, "document",
                            json_sprintf("none of %d bytes", (int)length_of(document)));
    say_cuts(shown, &best_cuts);
    text = print_cut(best, shown, say_rest(tool, best ? &best_page : &page, window));
    json_decref(document);
    return text;
}
