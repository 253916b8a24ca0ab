/* A pointer outlives its block: returned, cached, counted wrongly, or written by the system. */
#include <sys/wait.h>
#include <unistd.h>
#include "shapes.h"

struct object {
    int references;
    char text[28];
};

static struct object *make(void) {
    struct object *object = opaque(calloc(1, sizeof *object));
    object->references = 1;
    return object;
}

static void drop(struct object *object) {
    if (--object->references == 0)
        free(object);
}

static char *returned_freed(void) {
    char *text = opaque(strdup("reversed"));
    for (size_t i = 0, j = strlen(text) - 1; i < j; i++, j--) {
        char letter = text[i];
        text[i] = text[j];
        text[j] = letter;
    }
    free(text);
    return opaque(text);
}

SHAPE(returned) {
    printf("%s\n", returned_freed());
}

SHAPE(one_reference_too_few) {
    struct object *first = make(), *second = first;
    drop(first);
    drop(opaque(second));
}

static struct object *cached;

SHAPE(cached_pointer) {
    cached = make();
    drop(cached);
    strcpy(((struct object *)opaque(cached))->text, "still cached");
}

SHAPE(freed_on_one_path) {
    struct object *object = make();
    for (int step = 0; step < 3; step++) {
        ((struct object *)opaque(object))->text[step] = 's';
        if (step == 1)
            free(object);
    }
}

SHAPE(input_into_freed) {
    int ends[2];
    char *buffer = opaque(malloc(64));
    free(buffer);
    if (pipe(ends) != 0 || write(ends[1], "late input", 10) != 10)
        exit(2);
    if (read(ends[0], opaque(buffer), 10) != 10)
        puts("the system refused");
}

SHAPE(stream_with_freed_buffer) {
    FILE *stream = fopen("/dev/null", "w");
    char *buffer = opaque(malloc(4096));
    setvbuf(stream, buffer, _IOFBF, 4096);
    free(buffer);
    fputs("into a buffer that is gone", stream);
    fclose(stream);
}

SHAPE(in_a_child) {
    char *block = opaque(malloc(65));
    free(block);
    pid_t child = fork();
    if (child == 0) {
        *(char *)opaque(block + 9) = 'c';
        exit(0);
    }
    waitpid(child, NULL, 0);
}

/* The memory belongs to another by then, and nothing forbids the write. */
SHAPE(owner_of_another) {
    char *block = opaque(malloc(66)), *again = NULL;
    free(block);
    for (int i = 0; i < 20000 && again != block; i++)
        again = opaque(malloc(66));
    strcpy(opaque(block), "mine?");
    printf("%s\n", again == block ? "handed out again" : "not handed out again");
    _exit(0);
}

RUN_ONE()
