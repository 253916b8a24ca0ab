/* Prints columns that fit their widest cell. */
#include "viewer/cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"

void table_add_cell(struct table *t, const char *text) {
    if (!hak_growing_make_room(&t->cell, t->count, &t->capacity, sizeof(char *))) {
        t->failed = true;
        return;
    }
    struct hak_text cell = {0};
    hak_text_add(&cell, "%s", text);
    t->cell[t->count] = hak_text_take(&cell);
    t->failed |= !t->cell[t->count++];
}

void table_add_text(struct table *t, struct hak_text *text) {
    table_add_cell(t, hak_text_string(text));
    t->failed |= text->failed;
    hak_text_free(text);
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
    int width = 0;
    for (; *cell; cell++)
        width += ((unsigned char)*cell & 0xc0) != 0x80;
    return width;
}

/* Blanks at the end of a line are kept until something follows. */
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

void table_print(struct hak_text *text, struct table *t, const struct view *view) {
    int width[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < t->count && !t->failed; i++) {
        int *w = &width[i % (size_t)t->columns], length = table_width(t->cell[i]);
        *w = length > *w ? length : *w;
    }
    t->is_text[0] = true;
    uint32_t below = 0;
    for (size_t i = 0; i < t->count && !t->failed; i += (size_t)t->columns) {
        hak_text_add(text, "%s", i == 0 ? view_style(view, VIEW_BOLD) : "");
        add_line(text, t, i, width);
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
