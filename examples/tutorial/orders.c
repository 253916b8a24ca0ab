/* Adds up the orders of a file, one line each: CUSTOMER AMOUNT NOTE. Prints each customer's sum,
 * the most first, and what the best one ordered last.
 *
 *   ./orders orders.txt
 *
 * The program of docs/tutorial.md. It has one mistake, which the tutorial finds. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct order {
    long amount;
    char *note;
    struct order *before; /* the same customer's, older */
};

struct customer {
    char *name;
    long total;
    int count;
    int was_best; /* once, on the way */
    struct order *last;
};

struct book {
    struct customer *list;
    size_t count, room;
    struct customer *best; /* the greatest total so far */
    unsigned long lines, skipped;
};

static void *must(void *memory) {
    if (!memory) {
        fputs("orders: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

static char *copy_text(const char *text) {
    size_t bytes = strlen(text) + 1;
    return memcpy(must(malloc(bytes)), text, bytes);
}

/* ---- the book ------------------------------------------------------------------------------- */

static struct customer *add_customer(struct book *book, const char *name) {
    if (book->count == book->room) {
        book->room = book->room ? 2 * book->room : 4;
        book->list = must(realloc(book->list, book->room * sizeof *book->list));
    }
    struct customer *one = &book->list[book->count++];
    memset(one, 0, sizeof *one);
    one->name = copy_text(name);
    return one;
}

static struct customer *find_customer(struct book *book, const char *name) {
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->list[i].name, name) == 0)
            return &book->list[i];
    return add_customer(book, name);
}

static void add_order(struct customer *customer, long amount, const char *note) {
    struct order *order = must(malloc(sizeof *order));
    order->amount = amount;
    order->note = copy_text(note);
    order->before = customer->last;
    customer->last = order;
    customer->total += amount;
    customer->count++;
}

static void note_best(struct book *book, struct customer *customer) {
    if (!book->best || customer->total > book->best->total) {
        book->best = customer;
        customer->was_best = 1;
    }
}

static void forget_customer(struct customer *customer) {
    while (customer->last) {
        struct order *order = customer->last;
        customer->last = order->before;
        free(order->note);
        free(order);
    }
    free(customer->name);
}

static void close_book(struct book *book) {
    for (size_t i = 0; i < book->count; i++)
        forget_customer(&book->list[i]);
    free(book->list);
}

/* ---- reading -------------------------------------------------------------------------------- */

/* One line, without its end. Empty lines and those that begin with # are passed over. */
static void read_line(struct book *book, char *line) {
    char *end, *name = strtok(line, " \t"), *amount = strtok(NULL, " \t"), *note = strtok(NULL, "");
    book->lines++;
    if (!name || name[0] == '#')
        return;
    errno = 0;
    long value = amount ? strtol(amount, &end, 10) : 0;
    if (!amount || *end || errno) {
        book->skipped++;
        return;
    }
    struct customer *customer = find_customer(book, name);
    add_order(customer, value, note ? note : "");
    note_best(book, customer);
}

static int read_file(struct book *book, const char *path) {
    char line[256];
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return 0;
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        read_line(book, line);
    }
    fclose(file);
    return 1;
}

/* ---- what is printed ------------------------------------------------------------------------ */

static int by_total(const void *a, const void *b) {
    const struct customer *const *x = a, *const *y = b;
    if ((*x)->total != (*y)->total)
        return (*x)->total < (*y)->total ? 1 : -1;
    return strcmp((*x)->name, (*y)->name);
}

static void print_book(const struct book *book) {
    const struct customer **sorted =
        must(malloc((book->count + 1) * sizeof(const struct customer *)));
    for (size_t i = 0; i < book->count; i++)
        sorted[i] = &book->list[i];
    qsort(sorted, book->count, sizeof *sorted, by_total);
    for (size_t i = 0; i < book->count; i++)
        printf("%-8s %6ld in %d orders%s\n", sorted[i]->name, sorted[i]->total, sorted[i]->count,
               sorted[i]->was_best ? ", was the best once" : "");
    if (book->best)
        printf("best: %s, last for %s\n", book->best->name, book->best->last->note);
    if (book->skipped)
        printf("%lu of %lu lines were not understood\n", book->skipped, book->lines);
    free(sorted);
}

int main(int argc, char **argv) {
    struct book book = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    if (!read_file(&book, argv[1]))
        return 1;
    print_book(&book);
    close_book(&book);
    return 0;
}
