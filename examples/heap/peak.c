/* Reads orders and writes a report. What it keeps is small, but where it may have 32 MiB it is
 * killed; nobody has seen it hold that much. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 120000, NAME_BYTES = 48, TOP = 20 };

struct order {
    int number, cents;
    char name[NAME_BYTES];
};

static struct order *orders[ORDERS];

static void read_orders(void) {
    for (int i = 0; i < ORDERS; i++) {
        struct order *order = malloc(sizeof *order);
        if (!order)
            abort();
        order->number = i;
        order->cents = (int)((unsigned)i * 7919u % 1000003u);
        snprintf(order->name, sizeof order->name, "customer %d", i % 977);
        orders[i] = order;
    }
}

/* ---- the report --------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t length, room;
};

static void append(struct text *text, const char *more) {
    size_t length = strlen(more);
    if (text->length + length + 1 > text->room) {
        size_t room = text->room ? text->room * 4 : 4096;
        char *larger = malloc(room);
        if (!larger)
            abort();
        memcpy(larger, text->bytes ? text->bytes : "", text->length);
        free(text->bytes);
        text->bytes = larger;
        text->room = room;
    }
    memcpy(text->bytes + text->length, more, length + 1);
    text->length += length;
}

static int compare_cents(const void *a, const void *b) {
    const struct order *x = a, *y = b;
    return x->cents < y->cents ? 1 : x->cents > y->cents ? -1 : x->number - y->number;
}

/* All orders in order of their sums; the reader wants the first TOP. */
static char *format_sorted(const struct order *sorted) {
    struct text text = {0};
    for (int i = 0; i < ORDERS; i++) {
        char line[160];
        snprintf(line, sizeof line, "%6d  %-*s %9d.%02d\n", sorted[i].number, NAME_BYTES,
                 sorted[i].name, sorted[i].cents / 100, sorted[i].cents % 100);
        append(&text, line);
    }
    return text.bytes;
}

static char *make_report(void) {
    struct order *sorted = malloc(ORDERS * sizeof *sorted);
    if (!sorted)
        abort();
    for (int i = 0; i < ORDERS; i++)
        sorted[i] = *orders[i];
    qsort(sorted, ORDERS, sizeof *sorted, compare_cents);
    char *all = format_sorted(sorted), *end = all;
    for (int i = 0; i < TOP; i++)
        end = strchr(end, '\n') + 1;
    *end = 0;
    char *report = strdup(all);
    free(all);
    free(sorted);
    return report;
}

int main(void) {
    read_orders();
    char *report = make_report();
    printf("%s", report);
    free(report);
    for (int i = 0; i < ORDERS; i++)
        free(orders[i]);
    return 0;
}
