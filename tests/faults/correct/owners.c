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

static void global_variables(void) {
    global = opaque(malloc(100));
    exported = opaque(malloc(200));
    for (int i = 0; i < 100; i++)
        table[i] = opaque(malloc(30));
    in_struct.pointer = opaque(malloc(40));
    in_union.pointer = opaque(malloc(50));
}

static void static_in_function(void) {
    static char *once;
    if (once == NULL)
        once = opaque(calloc(10, 10));
}

static void thread_variable(void) {
    of_thread = opaque(malloc(60));
}

struct node {
    struct node *next;
    char *text;
};
static struct node *list;

static void linked_list(void) {
    for (int i = 0; i < 1000; i++) {
        struct node *node = opaque(malloc(sizeof *node));
        node->next = list;
        node->text = opaque(strdup("held by its node"));
        list = node;
    }
}

static struct node *ring;

static void held_ring(void) {
    struct node *first = opaque(calloc(1, sizeof *first)),
                *second = opaque(calloc(1, sizeof *second));
    first->next = second;
    second->next = first;
    ring = second;
}

/* Only the address of a member is kept, as intrusive lists do. */
static struct node **inside;

static void pointer_inside(void) {
    struct {
        char name[40];
        struct node node;
    } *object = opaque(calloc(1, sizeof *object));
    inside = &object->node.next;
}

static char *tagged, *untagged;

static void tagged_pointer(void) {
    untagged = opaque(malloc(70));
    tagged = untagged + 1;
}

static void environment(void) {
    char *variable = opaque(strdup("CORRECT=kept by the environment"));
    putenv(variable);
    setenv("ANOTHER", "copied by setenv", 1);
}

static int compare(const void *left, const void *right) {
    return strcmp(left, right);
}

static void *tree;

static void search_tree(void) {
    for (int i = 0; i < 50; i++) {
        char *word;
        if (asprintf(&word, "word %d", i * 7 % 50) > 0)
            tsearch(word, &tree, compare);
    }
}

static void streams(void) {
    static FILE *kept;
    kept = fopen("/dev/null", "w");
    fputs("buffered", kept);
    fopen("/dev/null", "r"); /* libc's list of streams holds it */
}

static pthread_key_t key;

static void under_a_key(void) {
    pthread_key_create(&key, free);
    pthread_setspecific(key, opaque(malloc(80)));
}

static void exit_handler(void) {
    free(global);
}

static void freed_at_exit(void) {
    atexit(exit_handler);
}

static const struct shape shapes[] = {
    {"global_variables", global_variables},
    {"static_in_function", static_in_function},
    {"thread_variable", thread_variable},
    {"linked_list", linked_list},
    {"held_ring", held_ring},
    {"pointer_inside", pointer_inside},
    {"tagged_pointer", tagged_pointer},
    {"environment", environment},
    {"search_tree", search_tree},
    {"streams", streams},
    {"under_a_key", under_a_key},
    {"freed_at_exit", freed_at_exit},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_all(shapes, argc, argv);
}
