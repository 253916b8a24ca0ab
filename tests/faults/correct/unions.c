/* Variants, flexible arrays and embedded objects: the pointer that is freed is the one that was
 * given. */
#include <stddef.h>
#include "../corpus/shapes.h"

struct value {
    enum { NUMBER, TEXT, LIST } kind;
    union {
        long number;
        char *text;
        struct {
            size_t count;
            struct value *item;
        } list;
    };
};

static void release(struct value *value) {
    if (value->kind == TEXT)
        free(value->text);
    if (value->kind == LIST) {
        for (size_t i = 0; i < value->list.count; i++)
            release(&value->list.item[i]);
        free(value->list.item);
    }
}

SHAPE(variants) {
    struct value list = {LIST, .list = {30, opaque(calloc(30, sizeof(struct value)))}};
    for (size_t i = 0; i < 30; i++) {
        struct value *item = &list.list.item[i];
        if (i % 3 == 0)
            *item = (struct value){TEXT, .text = strdup("a text of a list")};
        else
            *item = (struct value){NUMBER, .number = (long)i};
    }
    release(&list);
}

struct message {
    size_t length;
    char text[];
};

SHAPE(flexible) {
    for (size_t length = 0; length < 300; length += 7) {
        struct message *message = opaque(malloc(sizeof *message + length));
        message->length = length;
        memset(message->text, 'f', length);
        struct message *copy = opaque(malloc(sizeof *copy + message->length));
        memcpy(copy, message, sizeof *copy + message->length);
        free(message);
        free(copy);
    }
}

/* malloc(offsetof) for a struct whose first members alone are ever touched. */
SHAPE(shortened) {
    struct long_one {
        int kind;
        char name[12];
        double rest[50];
    } *object = opaque(malloc(offsetof(struct long_one, rest)));
    object->kind = 1;
    strcpy(object->name, "eleven char");
    free(object);
}

RUN_ALL()
