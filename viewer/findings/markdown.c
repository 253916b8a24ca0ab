/* Renders the Markdown of the project's own pages as plain text: headings, paragraphs, lists,
 * tables, code blocks; inside a line code, links and bold. */
#include "viewer/findings/markdown.h"

#include <ctype.h>
#include <string.h>
#include "viewer/capture/capture.h"

/* ---- inside a paragraph, a cell or a heading --------------------------------------------------
 */

struct span {
    const char *from, *to;
};

/* `[text](target)` at `at`: sets both and returns what follows it; NULL = this is no link. */
static const char *find_link(const char *at, const char *end, struct span *words,
                             struct span *target) {
    const char *middle = memmem(at, (size_t)(end - at), "](", 2);
    const char *last = middle ? memchr(middle, ')', (size_t)(end - middle)) : NULL;
    if (!last || memchr(at + 1, '[', (size_t)(middle - at - 1)))
        return NULL;
    *words = (struct span){at + 1, middle};
    *target = (struct span){middle + 2, last};
    return last + 1;
}

static void add_inline(struct hak_text *text, const char *bold, const char *plain, const char *at,
                       const char *end);

/* Appends the code span, bold text or link that begins at `at`, and returns its end; NULL = none
 * begins there. */
static const char *add_span(struct hak_text *text, const char *bold, const char *plain,
                            const char *at, const char *end) {
    struct span words, target;
    const char *last = NULL;
    if (*at == '`' && (last = memchr(at + 1, '`', (size_t)(end - at - 1))) != NULL) {
        hak_text_add(text, "%s%.*s%s", bold, (int)(last - at - 1), at + 1, plain);
        return last + 1;
    }
    if (end - at > 4 && strncmp(at, "**", 2) == 0 &&
        (last = memmem(at + 2, (size_t)(end - at - 2), "**", 2)) != NULL) {
        hak_text_add(text, "%s", bold);
        add_inline(text, "", "", at + 2, last);
        hak_text_add(text, "%s", plain);
        return last + 2;
    }
    if (*at != '[' || !(last = find_link(at, end, &words, &target)))
        return NULL;
    add_inline(text, bold, plain, words.from, words.to);
    if (target.to - target.from > 4 && strncmp(target.from, "http", 4) == 0)
        hak_text_add(text, " (%.*s)", (int)(target.to - target.from), target.from);
    return last;
}

static void add_inline(struct hak_text *text, const char *bold, const char *plain, const char *at,
                       const char *end) {
    while (at < end) {
        const char *behind = add_span(text, bold, plain, at, end);
        if (!behind) {
            at += *at == '\\' && at + 1 < end && ispunct((unsigned char)at[1]);
            hak_text_add_bytes(text, at, 1);
            behind = at + 1;
        }
        at = behind;
    }
}

/* ---- blocks of lines --------------------------------------------------------------------------
 */

static const char *line_end(const char *line) {
    return line + strcspn(line, "\n");
}

static const char *next_line(const char *line) {
    const char *end = line_end(line);
    return *end ? end + 1 : end;
}

static bool is_code(const char *line) {
    return strncmp(line, "    ", 4) == 0;
}

static bool is_paragraph(const char *line) {
    return *line && *line != '\n' && *line != '#' && *line != '|' && strncmp(line, "```", 3) != 0;
}

static const char *add_heading(struct hak_text *text, const struct view *view, const char *line) {
    struct hak_text words = {0};
    const char *at = line + strspn(line, "#");
    add_inline(&words, "", "", at + strspn(at, " "), line_end(line));
    for (size_t i = 0; i < words.length; i++)
        words.bytes[i] = (char)toupper((unsigned char)words.bytes[i]);
    hak_text_add(text, "%s%s%s\n", view_style(view, VIEW_BOLD), hak_text_string(&words),
                 view_style(view, VIEW_PLAIN));
    text->failed |= words.failed;
    hak_text_free(&words);
    return next_line(line);
}

/* The cells of one line of a table, `| a | b |`: as many as its first line has. */
static void add_cells(struct table *table, const char *line, bool is_first) {
    const char *end = line_end(line), *at = line + 1;
    int count = 0;
    for (; at < end && (is_first || count < table->columns); count++) {
        const char *from = at + strspn(at, " "), *to;
        for (; at < end && !(*at == '|' && at[-1] != '\\'); at++)
            continue;
        for (to = at; to > from && to[-1] == ' '; to--)
            continue;
        struct hak_text cell = {0};
        add_inline(&cell, "", "", from, to);
        if (is_first)
            table_add_text_heading(table, hak_text_string(&cell));
        else
            table_add_cell(table, hak_text_string(&cell));
        hak_text_free(&cell);
        at++;
    }
    for (; !is_first && count < table->columns; count++)
        table_add_cell(table, "");
}

static const char *add_table(struct hak_text *text, const struct view *view, const char *line) {
    struct table table = {0};
    for (bool is_first = true; *line == '|'; line = next_line(line), is_first = false)
        if (strspn(line, "|-: ") < (size_t)(line_end(line) - line))
            add_cells(&table, line, is_first);
    table_append(text, &table, view);
    return line;
}

/* Lines as they are, up to `fence` (NULL: as long as they are indented; blank ones may be between).
 */
static const char *add_code(struct hak_text *text, const char *line, const char *fence) {
    while (*line && (fence ? strncmp(line, fence, 3) != 0 : is_code(line) || *line == '\n')) {
        const char *next = next_line(line);
        hak_text_add(text, "%s%.*s\n", fence ? "    " : "", (int)(line_end(line) - line), line);
        line = next;
    }
    return fence && *line ? next_line(line) : line;
}

static const char *add_paragraph(struct hak_text *text, const struct view *view, const char *line) {
    const char *end = line;
    while (is_paragraph(end))
        end = next_line(end);
    add_inline(text, view_style(view, VIEW_BOLD), view_style(view, VIEW_PLAIN), line, end);
    return end;
}

void markdown_add(struct hak_text *text, const struct view *view, const char *page) {
    while (*page) {
        if (*page == '\n') {
            hak_text_add(text, "\n");
            page++;
        } else if (*page == '#') {
            page = add_heading(text, view, page);
        } else if (*page == '|') {
            page = add_table(text, view, page);
        } else if (strncmp(page, "```", 3) == 0) {
            page = add_code(text, next_line(page), "```");
        } else if (is_code(page)) {
            page = add_code(text, page, NULL);
        } else {
            page = add_paragraph(text, view, page);
        }
    }
}
