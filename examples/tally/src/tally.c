/* tally: counts the words of a text, and prints them by how often they come. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    char *text;
    unsigned count;
};

struct table {
    struct word *list;
    size_t count, capacity;
};

/* The seeded fault: strlen() does not count the zero byte that strcpy() writes. */
static char *copy_word(const char *text) {
    char *copy = malloc(strlen(text));
    if (!copy)
        exit(2);
    return strcpy(copy, text);
}

static void add_word(struct table *table, const char *text) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->list[i].text, text) == 0) {
            table->list[i].count++;
            return;
        }
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? 2 * table->capacity : 8;
        table->list = realloc(table->list, table->capacity * sizeof *table->list);
        if (!table->list)
            exit(2);
    }
    table->list[table->count++] = (struct word){copy_word(text), 1};
}

static void read_words(struct table *table, FILE *from) {
    char word[64];
    size_t length = 0;
    for (int c; (c = getc(from)) != EOF;) {
        if (isalpha(c) && length + 1 < sizeof word) {
            word[length++] = (char)tolower(c);
            continue;
        }
        word[length] = '\0';
        if (length > 0)
            add_word(table, word);
        length = 0;
    }
}

static int by_count(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : strcmp(x->text, y->text);
}

int main(void) {
    struct table table = {0};
    read_words(&table, stdin);
    if (table.count > 0)
        qsort(table.list, table.count, sizeof *table.list, by_count);
    for (size_t i = 0; i < table.count; i++)
        printf("%u %s\n", table.list[i].count, table.list[i].text);
    for (size_t i = 0; i < table.count; i++)
        free(table.list[i].text);
    free(table.list);
    return 0;
}
