/* Numbers of lines. */
#include "viewer/view/columns.h"

#include <stdio.h>
#include <string.h>
#include "report/words/words.h"

#define WIDE 96 /* columns of a screen that has room for allocated and freed bytes */

static const struct {
    const char *name;
    int width;
} column_of[COLUMNS] = {
    [COLUMN_LIVE] = {"live", 7},   [COLUMN_BLOCKS] = {"blocks", 6}, [COLUMN_CALLS] = {"calls", 6},
    [COLUMN_SHORT] = {"short", 6}, [COLUMN_CAME] = {"alloc", 7},    [COLUMN_WENT] = {"freed", 7},
    [COLUMN_GROWN] = {"grown", 8},
};
#define SHARE_WIDTH 6 /* "100.0%" */

const char *column_name(enum column column) {
    return column_of[column].name;
}

/* The value of the sums that a column shows. */
int64_t column_value(enum column column, const struct profile_sums *s) {
    switch (column) {
    case COLUMN_LIVE:
        return (int64_t)s->live.bytes;
    case COLUMN_BLOCKS:
        return (int64_t)s->live.blocks;
    case COLUMN_CALLS:
        return (int64_t)s->came.blocks;
    case COLUMN_SHORT:
        return (int64_t)s->brief.blocks;
    case COLUMN_CAME:
        return (int64_t)s->came.bytes;
    case COLUMN_WENT:
        return (int64_t)s->went.bytes;
    default:
        return profile_growth_bytes(s);
    }
}

/* Chooses the columns that are shown: the sorted one always, some only on a wide screen or for a
 * span. */
void columns_choose(struct columns *c, int width, bool is_span, enum column sort) {
    bool is_shown[COLUMNS] = {
        [COLUMN_LIVE] = true,    [COLUMN_BLOCKS] = true,        [COLUMN_CALLS] = true,
        [COLUMN_SHORT] = true,   [COLUMN_CAME] = width >= WIDE, [COLUMN_WENT] = width >= WIDE,
        [COLUMN_GROWN] = is_span};
    is_shown[sort] = true;
    *c = (struct columns){.sort = sort};
    for (int i = 0; i < COLUMNS; i++)
        if (is_shown[i])
            c->shown[c->count++] = (enum column)i;
}

enum column columns_next(enum column sort, int direction) {
    return (enum column)(((int)sort + direction + COLUMNS) % COLUMNS);
}

/* ---- short numbers -----------------------------------------------------------------------------
 */

/* A buffer of a ring, since several stand in one line. */
static char *next_buffer(void) {
    static char buffers[16][24];
    static unsigned next;
    return buffers[next++ % 16];
}

/* A value with one decimal and the letter of its unit; one of a few buffers in turn. */
static const char *shorten(double value, const char *sign, double unit, const char *letters) {
    char *out = next_buffer();
    size_t letter = 0;
    for (value /= unit; value >= unit - 0.05 && letters[letter + 1]; letter++)
        value /= unit;
    snprintf(out, sizeof(char[24]), "%s%.1f%c", sign, value, letters[letter]);
    return out;
}

const char *columns_size(int64_t bytes, bool is_change) {
    const char *sign = bytes < 0 ? "-" : is_change && bytes ? "+" : "";
    uint64_t size = bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes;
    if (size >= 10000)
        return shorten((double)size, sign, 1024, "KMGTPE");
    char *out = next_buffer();
    snprintf(out, sizeof(char[24]), "%s%u", sign, (unsigned)size);
    return out;
}

/* A count in at most six characters, large ones with k, M, ...; one of a few buffers in turn. */
const char *columns_count(uint64_t count) {
    if (count >= 100000)
        return shorten((double)count, "", 1000, "kMGTPE");
    char *out = next_buffer();
    snprintf(out, sizeof(char[24]), "%u", (unsigned)count);
    return out;
}

/* A share in percent, or "" where it says nothing; one of a few buffers in turn. */
static const char *percent(int64_t part, int64_t whole) {
    char *out = next_buffer();
    out[0] = '\0';
    double value = whole ? 100.0 * (double)part / (double)whole : 0;
    if (whole && value < 1000 && value > -100)
        snprintf(out, sizeof(char[24]), "%.1f%%", value);
    return out;
}

/* The text of a cell. */
static const char *cell_words(enum column column, const struct profile_sums *s) {
    switch (column) {
    case COLUMN_BLOCKS:
    case COLUMN_CALLS:
        return columns_count((uint64_t)column_value(column, s));
    case COLUMN_SHORT:
        return s->came.blocks ? percent((int64_t)s->brief.blocks, (int64_t)s->came.blocks) : "";
    default:
        return columns_size(column_value(column, s), column == COLUMN_GROWN);
    }
}

/* ---- lines -------------------------------------------------------------------------------------
 */

int columns_draw(struct canvas *canvas, int row, const struct columns *c,
                 const struct profile_sums *sums, const struct profile_sums *all,
                 enum canvas_style style) {
    int at = 1;
    const char *share = "share";
    if (sums)
        share = percent(column_value(c->sort, sums), column_value(c->sort, all));
    canvas_put_right(canvas, row, at, at + SHARE_WIDTH, style, share);
    at += SHARE_WIDTH + 1;
    for (int i = 0; i < c->count; i++) {
        enum column column = c->shown[i];
        int end = at + column_of[column].width;
        bool is_sort = !sums && column == c->sort;
        canvas_put_right(canvas, row, at, end, is_sort ? CANVAS_SELECTED : style,
                         sums ? cell_words(column, sums) : column_of[column].name);
        at = end + 1;
    }
    return at + 1;
}

enum column columns_at(const struct columns *c, int place) {
    int at = 1 + SHARE_WIDTH + 1;
    for (int i = 0; i < c->count; i++) {
        int end = at + column_of[c->shown[i]].width;
        if (place >= at && place < end)
            return c->shown[i];
        at = end + 1;
    }
    return COLUMNS;
}

static void add_sum(struct hak_text *text, const char *name, const struct hak_amount *sum) {
    hak_text_add(text, "%s %s (%s)  ", name, hak_words_number(sum->bytes),
                 hak_words_number(sum->blocks));
}

void columns_add_exact(struct hak_text *text, const struct profile_sums *s, bool is_span) {
    if (is_span) {
        int64_t grown = profile_growth_bytes(s);
        hak_text_add(text, "grown %s%s  ",
                     grown < 0 ? "-"
                     : grown   ? "+"
                               : "",
                     hak_words_number(grown < 0 ? -(uint64_t)grown : (uint64_t)grown));
    }
    add_sum(text, "live", &s->live);
    add_sum(text, "allocated", &s->came);
    add_sum(text, "freed", &s->went);
    if (s->brief.blocks)
        hak_text_add(text, "short %s", hak_words_number(s->brief.blocks));
}
