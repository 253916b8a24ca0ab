/* Finds the libraries that the names of --against mean. */
#include "viewer/replay/runs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "viewer/record/record.h"

#define DEFAULT_AGAINST "glibc,jemalloc,tcmalloc,mimalloc,hakmem"

/* The dynamic loader finds the first of them that is installed. */
static const struct known {
    const char *name, *preload, *module, *package;
} known[] = {
    {"glibc", "", "libc", NULL},
    {"jemalloc", "libjemalloc.so.2", "libjemalloc", "libjemalloc2"},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc", "libtcmalloc-minimal4"},
    {"mimalloc", "libmimalloc.so.3:libmimalloc.so.2", "libmimalloc", "libmimalloc2.0"},
    {"hakmem", NULL, "libhakmem", NULL},
};

/* Takes a file as an allocator. False: printed. */
static bool take_file(struct allocator *a, const char *path) {
    if (!realpath(path, a->preload) || access(a->preload, R_OK) != 0) {
        view_error("replay --against %s: %s", path, strerror(errno));
        return false;
    }
    if (strpbrk(a->preload, " :")) {
        view_error("replay --against %s: LD_PRELOAD cannot name a file with a space or a colon in "
                   "its path",
                   path);
        return false;
    }
    const char *name = strrchr(a->preload, '/') + 1;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->module = NULL;
    return true;
}

/* Takes a name as an allocator. False: printed. */
static bool take_name(struct allocator *a, const char *name) {
    struct nearest nearest = {.typed = name};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        nearest_offer(&nearest, k->name);
        if (strcmp(k->name, name) != 0)
            continue;
        snprintf(a->name, sizeof a->name, "%s", k->name);
        a->module = k->module;
        a->package = k->package;
        if (k->preload)
            snprintf(a->preload, sizeof a->preload, "%s", k->preload);
        return k->preload || record_find_own("libhakmem.so", R_OK, a->preload);
    }
    view_error("replay --against %s: glibc, jemalloc, tcmalloc, mimalloc, hakmem or a library's "
               "path was expected%s",
               name, nearest_words(&nearest, ""));
    return false;
}

bool allocators_read(struct runs *runs) {
    const char *value = view_value(runs->view, "against");
    char *list = strdup(value ? value : DEFAULT_AGAINST), *rest = list;
    bool is_good = list != NULL;
    for (char *word; is_good && (word = strsep(&rest, ",")) != NULL;) {
        if (runs->count == ALLOCATORS_MAX) {
            view_error("replay --against: at most %d allocators", ALLOCATORS_MAX);
            is_good = false;
            break;
        }
        struct allocator *a = &runs->run[runs->count++].allocator;
        is_good = strchr(word, '/') ? take_file(a, word) : take_name(a, word);
    }
    free(list);
    return is_good;
}
