/* Keeps the function of each stack node under the node's id, and each name once. */
#include "store/stacks/functions.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

enum { HAS_NONE = UINT32_MAX }; /* in by_node: the node was asked and has no name */

bool hak_functions_find(const struct hak_functions *f, uint32_t node, const char **name) {
    uint64_t place = 0;
    uint32_t number = hak_index_find(&f->by_node, node, &place);
    *name = number && number != (uint32_t)HAS_NONE ? f->name[number - 1] : NULL;
    return number != 0;
}

/* The number of a name that is kept, or of a new one; 0 without memory. */
static uint32_t number_of(struct hak_functions *f, const char *name) {
    uint64_t hash = hak_index_hash(name, strlen(name)), place = 0;
    uint32_t number;
    while ((number = hak_index_find(&f->by_text, hash, &place)) != 0)
        if (strcmp(f->name[number - 1], name) == 0)
            return number;
    char *copy = strdup(name);
    if (!copy || !hak_growing_make_room(&f->name, f->names, &f->capacity, sizeof *f->name) ||
        !hak_index_add(&f->by_text, hash, f->names + 1)) {
        free(copy);
        return 0;
    }
    f->name[f->names++] = copy;
    return f->names;
}

void hak_functions_add(struct hak_functions *f, uint32_t node, const char *name) {
    uint32_t number = name && name[0] ? number_of(f, name) : (uint32_t)HAS_NONE;
    if (f->by_node.count >= HAK_FUNCTIONS_NODES)
        hak_index_free(&f->by_node);
    if (number)
        hak_index_add(&f->by_node, node, number);
}

void hak_functions_free(struct hak_functions *f) {
    for (uint32_t i = 0; i < f->names; i++)
        free(f->name[i]);
    free(f->name);
    hak_index_free(&f->by_node);
    hak_index_free(&f->by_text);
    *f = (struct hak_functions){0};
}
