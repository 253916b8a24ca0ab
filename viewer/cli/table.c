/* Prints columns that fit their widest cell. */
#include "viewer/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"

void table_add_text(struct table *t, struct hak_text *text) {
    if (!hak_growing_make_room(&t->cell, t->count, &t->capacity, sizeof(char *))) {
        t->failed = true;
        hak_text_free(text);
        return;
    }
    t->cell[t->count] = hak_text_take(text);
    t->failed |= !t->cell[t->count++];
}

void table_add_cell(struct table *t, const char *text) {
    struct hak_text cell = {0};
    hak_text_add(&cell, "%s", text);
    table_add_text(t, &cell);
}

struct table_lines {
    uint32_t end; /* cells up to the row that they stand below */
    struct hak_text text;
};

void table_add_below(struct table *t, struct hak_text *lines) {
    if (hak_growing_make_room(&t->below, t->below_count, &t->below_capacity, sizeof *t->below))
        t->below[t->below_count++] = (struct table_lines){t->count, *lines};
    else
        t->failed = true;
}

void table_add_count(struct table *t, uint64_t value) {
    table_add_cell(t, value ? hak_words_number(value) : "");
}

void table_add_heading(struct table *t, const char *text) {
    if (t->columns == TABLE_COLUMNS_MAX) {
        t->failed = true;
        return;
    }
    table_add_cell(t, text);
    t->columns++;
}

void table_add_text_heading(struct table *t, const char *text) {
    if (t->columns < TABLE_COLUMNS_MAX)
        t->is_text[t->columns] = true;
    table_add_heading(t, text);
}

void table_add_headings(struct table *t, const char *headings) {
    while (*headings) {
        struct hak_text name = {0};
        bool is_text = *headings == '<';
        size_t length = strcspn(headings += is_text, "|");
        hak_text_add_bytes(&name, headings, length);
        (is_text ? table_add_text_heading : table_add_heading)(t, hak_text_string(&name));
        hak_text_free(&name);
        headings += length + (headings[length] == '|');
    }
}

int table_width(const char *cell) {
    return hak_text_column(
        &(struct hak_text){.bytes = (char *)(uintptr_t)cell, .length = strlen(cell)});
}

/* Adds the line of the row whose first cell is `first`, numbers at the right of their column.
 * Blanks at the end of a line are kept until something follows. */
static void add_line(struct hak_text *text, const struct table *t, size_t first, const int *width) {
    int start = 0;
    for (size_t i = 0; i < (size_t)t->columns; i++) {
        const char *cell = t->cell[first + i];
        int room = width[i] - table_width(cell);
        if (cell[0] && i > 0)
            hak_text_tab(text, start + (t->is_text[i] ? 0 : room));
        hak_text_add_bytes(text, cell, strlen(cell));
        start += width[i] + 2;
    }
}

/* ---- lines that are too long -------------------------------------------------------------------
 */

#define TEXT_MIN    24 /* columns that texts have beside the numbers; else they stand below */
#define TEXT_BELOW  10 /* where they begin there */
#define FURTHER_IN  2  /* second and later lines of a text */
#define WORD_INDENT 4  /* of a word that is as long as a line */

void table_add_words(struct hak_text *text, const char *from, int column, int width) {
    int at = column, further = column ? FURTHER_IN : 0; /* at: where the word before ends */
    for (bool is_first = true; *from; is_first = false) {
        size_t blanks = strspn(from, " "), bytes = strcspn(from + blanks, " ");
        struct hak_text word = {0};
        hak_text_add_bytes(&word, from + blanks, bytes);
        int length = table_width(hak_text_string(&word));
        from += blanks + bytes;
        at += (int)blanks;
        column = is_first ? at : column; /* of a tree: behind the blanks that it begins with */
        if (width && at + length > width && at > WORD_INDENT) {
            hak_text_add(text, "\n");
            at = column + further + length <= width ? column + further
                 : WORD_INDENT + length <= width    ? width - length
                                                    : WORD_INDENT;
        }
        hak_text_tab(text, at);
        hak_text_add_text(text, &word);
        hak_text_free(&word);
        at += length;
    }
}

/* Finds the first of the columns that are nothing but texts, up to the last. */
static int first_text(const struct table *t) {
    int first = t->columns;
    while (first > 0 && t->is_text[first - 1])
        first--;
    return first;
}

/* Adds a row that is too wide: its numbers, then its texts as words. */
static void add_folded(struct hak_text *text, const struct table *t, size_t first,
                       const int *width) {
    struct table numbers = *t;
    struct hak_text words = {0};
    int column = 0;
    numbers.columns = first_text(t);
    for (int i = 0; i < numbers.columns; i++)
        column += width[i] + 2;
    add_line(text, &numbers, first, width);
    for (int i = numbers.columns; i < t->columns; i++)
        if (t->cell[first + (size_t)i][0])
            hak_text_add(&words, "%s%s", words.length ? "  " : "", t->cell[first + (size_t)i]);
    if (words.length && t->fit - column < TEXT_MIN) {
        hak_text_add(text, "\n");
        column = TEXT_BELOW;
    }
    table_add_words(text, hak_text_string(&words), column, t->fit);
    hak_text_free(&words);
}

/* True when the table is wider than the terminal and has a column of text to cut. */
static bool is_too_wide(const struct table *t, const int *width) {
    int all = -2;
    for (int i = 0; i < t->columns; i++)
        all += width[i] + 2;
    return t->fit && all > t->fit && first_text(t) > 0;
}

void table_append(struct hak_text *text, struct table *t, const struct view *view) {
    int width[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < (t->is_fixed ? (size_t)t->columns : t->count) && !t->failed; i++) {
        int *w = &width[i % (size_t)t->columns], length = table_width(t->cell[i]);
        *w = length > *w ? length : *w;
    }
    bool is_folded = is_too_wide(t, width);
    t->is_text[0] = true;
    uint32_t below = 0;
    for (size_t i = 0; i < t->count && !t->failed; i += (size_t)t->columns) {
        hak_text_add(text, "%s", i == 0 ? view_style(view, VIEW_BOLD) : "");
        (is_folded ? add_folded : add_line)(text, t, i, width);
        hak_text_add(text, "%s\n", i == 0 ? view_style(view, VIEW_PLAIN) : "");
        for (; below < t->below_count && t->below[below].end == i + (size_t)t->columns; below++)
            hak_text_add_text(text, &t->below[below].text);
    }
    text->failed |= t->failed;
    for (size_t i = 0; i < t->count; i++)
        free(t->cell[i]);
    free((void *)t->cell);
    for (uint32_t i = 0; i < t->below_count; i++)
        hak_text_free(&t->below[i].text);
    free(t->below);
    *t = (struct table){0};
}
