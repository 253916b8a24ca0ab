/* Adds books to a shelf, drops them all, and frees one twice: recorded as shelf.db on aarch64. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct book {
    char *title;
    struct book *next;
};

static struct book *add(struct book *first, const char *title) {
    struct book *book = malloc(sizeof *book);
    book->title = strdup(title);
    book->next = first;
    return book;
}

static void drop(struct book *book) {
    free(book->title);
    free(book);
}

int main(void) {
    struct book *first = NULL;
    for (int i = 0; i < 300; i++) {
        char title[40];
        snprintf(title, sizeof title, "book %d", i);
        first = add(first, title);
    }
    char *large = malloc(3 << 20);
    large = realloc(large, 5 << 20);
    free(large);
    while (first->next) {
        struct book *next = first->next;
        drop(first);
        first = next;
    }
    drop(first);
    free(first); /* twice */
    puts("done");
    return 0;
}
