/* Blocks that live until the process ends and are still held: by globals, statics, threads, libc.
 */
#include <pthread.h>
#include <search.h>
#include "../corpus/shapes.h"

static char *global;
char *exported;
static char *table[100];
static __thread char *of_thread;
static struct {
    char padding[3];
    char *pointer;
} in_struct;
static union {
    char *pointer;
    long number;
} in_union;

SHAPE(global_variables) {
    global = opaque(malloc(100));
    exported = opaque(malloc(200));
    for (int i = 0; i < 100; i++)
        table[i] = opaque(malloc(30));
    in_struct.pointer = opaque(malloc(40));
    in_union.pointer = opaque(malloc(50));
}

SHAPE(static_in_function) {
    static char *once;
    if (once == NULL)
        once = opaque(calloc(10, 10));
}

SHAPE(thread_variable) {
    of_thread = opaque(malloc(60));
}

struct node {
    struct node *next;
    char *text;
};
static struct node *list;

SHAPE(linked_list) {
    for (int i = 0; i < 1000; i++) {
        struct node *node = opaque(malloc(sizeof *node));
        node->next = list;
        node->text = opaque(strdup("held by its node"));
        list = node;
    }
}

static struct node *ring;

SHAPE(held_ring) {
    struct node *first = opaque(calloc(1, sizeof *first)),
                *second = opaque(calloc(1, sizeof *second));
    first->next = second;
    second->next = first;
    ring = second;
}

/* Only the address of a member is kept, as intrusive lists do. */
static struct node **inside;

SHAPE(pointer_inside) {
    struct {
        char name[40];
        struct node node;
    } *object = opaque(calloc(1, sizeof *object));
    inside = &object->node.next;
}

static char *tagged, *untagged;

SHAPE(tagged_pointer) {
    untagged = opaque(malloc(70));
    tagged = untagged + 1;
}

SHAPE(environment) {
    char *variable = opaque(strdup("CORRECT=kept by the environment"));
    putenv(variable);
    setenv("ANOTHER", "copied by setenv", 1);
}

static int compare(const void *left, const void *right) {
    return strcmp(left, right);
}

static void *tree;

SHAPE(search_tree) {
    for (int i = 0; i < 50; i++) {
        char *word;
        if (asprintf(&word, "word %d", i * 7 % 50) > 0)
            tsearch(word, &tree, compare);
    }
}

SHAPE(streams) {
    static FILE *kept;
    kept = fopen("/dev/null", "w");
    fputs("buffered", kept);
    fopen("/dev/null", "r"); /* libc's list of streams holds it */
}

static pthread_key_t key;

SHAPE(under_a_key) {
    pthread_key_create(&key, free);
    pthread_setspecific(key, opaque(malloc(80)));
}

static void exit_handler(void) {
    free(global);
}

SHAPE(freed_at_exit) {
    atexit(exit_handler);
}

RUN_ALL()
