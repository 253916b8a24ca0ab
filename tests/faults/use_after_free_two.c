/* Two blocks are freed one after the other, and a pointer is read from the first and followed, with
 * the second still at hand: the word that was read names the first. */
#include <stdlib.h>

struct node {
    struct node *next;
    long value;
};

static struct node *nodes[200]; /* so that the page of the freed ones stays open */

static void drop_first(struct node *node) {
    free(node);
}

static void drop_second(struct node *node) {
    free(node);
}

static long sum(struct node *first, struct node *second) {
    struct node *volatile kept = second;
    long value = first->next->value;
    return value + (kept != NULL);
}

int main(void) {
    for (int i = 0; i < 200; i++)
        (nodes[i] = calloc(1, sizeof *nodes[i]))->next = nodes[0];
    drop_first(nodes[100]);
    drop_second(nodes[102]);
    return sum(nodes[100], nodes[102]) == 12345;
}
