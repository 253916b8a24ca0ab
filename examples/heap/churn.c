/* Adds up the columns of a table. It needs little memory, and half of its time is in malloc and
 * free. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 60000, COLUMNS = 12, LINE_BYTES = 256 };

static double sums[COLUMNS];

struct row {
    double value[COLUMNS];
};

static struct row *rows[ROWS];

static void make_line(char *line, int row) {
    size_t at = 0;
    for (int column = 0; column < COLUMNS; column++)
        at += (size_t)snprintf(line + at, LINE_BYTES - at, " %d.%02d  ;", row % 9973 + column,
                               (row * 7 + column) % 100);
}

/* The field without the spaces around it. */
static char *trimmed(const char *start, const char *end) {
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    char *text = malloc((size_t)(end - start) + 1);
    if (!text)
        abort();
    memcpy(text, start, (size_t)(end - start));
    text[end - start] = 0;
    return text;
}

static double parse_field(const char *start, const char *end) {
    char *text = trimmed(start, end);
    double value = strtod(text, NULL);
    free(text);
    return value;
}

static struct row *parse_row(const char *line) {
    struct row *row = malloc(sizeof *row);
    if (!row)
        abort();
    for (int column = 0; column < COLUMNS; column++) {
        const char *end = strchr(line, ';');
        row->value[column] = parse_field(line, end);
        line = end + 1;
    }
    return row;
}

int main(void) {
    char line[LINE_BYTES];
    for (int i = 0; i < ROWS; i++) {
        make_line(line, i);
        rows[i] = parse_row(line);
    }
    for (int i = 0; i < ROWS; i++)
        for (int column = 0; column < COLUMNS; column++)
            sums[column] += rows[i]->value[column];
    for (int column = 0; column < COLUMNS; column++)
        printf("%.2f%c", sums[column], column + 1 < COLUMNS ? ' ' : '\n');
    for (int i = 0; i < ROWS; i++)
        free(rows[i]);
    return 0;
}
