/* Uses as a pointer what it reads from freed memory, from behind a block, from a new block. Run by
 * words.sh, compiled at several levels of optimisation. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    char *name;
    long values[4];
    unsigned index;
};

enum { NODES = 200 };
static struct node *nodes[NODES];
static volatile long table[16];

static __attribute__((noinline)) void drop_right(struct node *node) {
    free(node);
}

static __attribute__((noinline)) void drop_other(struct node *node) {
    free(node);
}

/* Both are at hand until the end. */
static __attribute__((noinline)) long member(struct node *volatile *right,
                                             struct node *volatile *other) {
    struct node *first = *other, *second = *right;
    return second->next->values[3] + (first != second);
}

static __attribute__((noinline)) long element(struct node *volatile *right,
                                              struct node *volatile *other, long at) {
    struct node *first = *other, *second = *right;
    return second->next[at].values[1] + (first != second);
}

static __attribute__((noinline)) long length(struct node *volatile *right,
                                             struct node *volatile *other) {
    struct node *first = *other, *second = *right;
    return (long)strlen(second->name) + (first != second);
}

static __attribute__((noinline)) long narrow(struct node *volatile *right,
                                             struct node *volatile *other) {
    struct node *first = *other, *second = *right;
    return table[second->index] + (first != second);
}

static __attribute__((noinline)) long call(struct node *volatile *right) {
    long (*function)(void) = (long (*)(void))(*right)->next;
    return function() + 1;
}

static __attribute__((noinline)) long behind(struct node *volatile *right) {
    char **names = (char **)*right;
    return *names[sizeof(struct node) / sizeof *names] + 1; /* the first word behind it */
}

static __attribute__((noinline)) long front(struct node *volatile *right) {
    struct node **names = (struct node **)*right;
    return names[-1]->values[1] + 1;
}

static __attribute__((noinline)) long front_first(struct node *volatile *right, long at) {
    struct node **names = (struct node **)*right;
    return names[at]->values[1] + 1;
}

static __attribute__((noinline)) long front_call(struct node *volatile *right) {
    void *block = *right;
    long (**functions)(void) = block;
    return functions[-1]() + 1;
}

/* The header of the block behind it. */
static __attribute__((noinline)) long next_header(struct node *volatile *right) {
    struct node **names = (struct node **)*right;
    return names[sizeof(struct node) / sizeof *names + 2]->values[1] + 1;
}

static __attribute__((noinline)) long next_header_first(struct node *volatile *right, long at) {
    struct node **names = (struct node **)*right;
    return names[at]->index + 1;
}

static __attribute__((noinline)) struct node *load(struct node **names) {
    return *names;
}

/* Nothing at hand tells with which pointer it was read. */
static __attribute__((noinline)) long either(struct node *volatile *right) {
    struct node **names = (struct node **)*right, *found = load(names - 1);
    return found->values[1] + 1;
}

static __attribute__((noinline)) long use(struct node *volatile *right) {
    return (*right)->next->values[2] + 1;
}

/* Nothing was written into the new block, which lies where one was freed. */
static __attribute__((noinline)) long reused(void) {
    for (;;) {
        struct node *old = nodes[7], *volatile fresh;
        uintptr_t was = (uintptr_t)old;
        free(old);
        for (int i = 0; i < 100000; i++)
            if ((uintptr_t)(fresh = malloc(sizeof *fresh)) == was)
                return use(&fresh);
            else
                free(fresh);
    }
}

/* Nothing was written into it since malloc. */
static __attribute__((noinline)) long unwritten(void) {
    struct node *volatile fresh = malloc(sizeof *fresh);
    fresh->name = "written";
    return use(&fresh);
}

/* The block grows where it lies, over what was its canary. */
static __attribute__((noinline)) long grown(void) {
    void **volatile block = malloc(64);
    block = realloc(block, 72);
    struct node *volatile fresh = (struct node *)&block[8];
    return use(&fresh);
}

/* Base and index are both read from freed memory. */
static __attribute__((noinline)) long both(struct node *volatile *right,
                                           struct node *volatile *other) {
    const char *base = (*right)->name;
    long index = (long)(*other)->next;
    return base[index] + 1;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    for (int i = 0; i < NODES; i++)
        nodes[i] = calloc(1, sizeof *nodes[i]);
    struct node *volatile right = nodes[100], *volatile other = nodes[102];
    if (!strcmp(what, "behind"))
        return (int)behind(&right);
    if (!strcmp(what, "front"))
        return (int)front(&right);
    if (!strcmp(what, "front_first"))
        return (int)front_first(&right, argc - 4);
    if (!strcmp(what, "front_call"))
        return (int)front_call(&right);
    if (!strcmp(what, "next_header"))
        return (int)next_header(&right);
    if (!strcmp(what, "next_header_first"))
        return (int)next_header_first(&right, argc + 6);
    if (!strcmp(what, "either"))
        return (int)either(&right);
    if (!strcmp(what, "front_alone")) { /* nothing lives in front of it */
        free(nodes[99]);
        return (int)either(&right);
    }
    if (!strcmp(what, "unwritten"))
        return (int)unwritten();
    if (!strcmp(what, "grown"))
        return (int)grown();
    if (!strcmp(what, "reused"))
        return (int)reused();
    drop_right(right);
    drop_other(other);
    long (*volatile sum)(struct node *volatile *, struct node *volatile *) = member;
    if (!strcmp(what, "element"))
        return (int)element(&right, &other, argc + 3);
    if (!strcmp(what, "call"))
        return (int)call(&right);
    if (!strcmp(what, "two"))
        return (int)both(&right, &other);
    if (!strcmp(what, "length"))
        sum = length;
    if (!strcmp(what, "narrow"))
        sum = narrow;
    return (int)sum(&right, &other);
}
