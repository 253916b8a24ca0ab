/* The table of known inner pools, and which of them a capture has seen. */
#include "viewer/capture/capture.h"

#include <stdlib.h>
#include <string.h>

/* G_SLICE is looked at by glib before 2.76; GLIBCXX_FORCE_NEW by the C++ library's extension pools,
 * which hardly any program uses: std::allocator calls operator new for every block. */
static const struct inner_pool pools[] = {
    {"python3", "PYTHONMALLOC", "malloc malloc_debug", "CPython's own pool hides small blocks"},
    {"libpython3", "PYTHONMALLOC", "malloc malloc_debug", "CPython's own pool hides small blocks"},
    {"libglib-2.0.so", "G_SLICE", "always-malloc",
     "GLib's slices hide blocks of g_slice_new (before GLib 2.76)"},
    {"libapr-1.so", NULL, NULL, "APR's pools hide what is taken from them"},
    {"libtalloc.so", NULL, NULL, "talloc's pools hide what is taken from them"},
    {"libnode.so", NULL, NULL, "V8's heap holds JavaScript's objects"},
    {"node", NULL, NULL, "V8's heap holds JavaScript's objects"},
    {"libruby", NULL, NULL, "Ruby's heap holds its objects"},
    {"libjvm.so", NULL, NULL, "the JVM's heap holds Java's objects"},
    {"postgres", NULL, NULL, "PostgreSQL's memory contexts hide what palloc gives"},
    {"nginx", NULL, NULL, "nginx's pools hide what ngx_palloc gives"},
    {"memcached", NULL, NULL, "memcached's slabs hold its items"},
};

/* Whether one of the words of `list` is among those of `value` (G_SLICE takes several, by , : or
 * blank). */
static bool has_word(const char *value, const char *list) {
    for (const char *at = value; *at; at += strcspn(at, ",:; "), at += strspn(at, ",:; ")) {
        size_t length = strcspn(at, ",:; ");
        for (const char *word = list; *word; word += strcspn(word, " "), word += *word == ' ')
            if (length > 0 && length == strcspn(word, " ") && strncmp(at, word, length) == 0)
                return true;
    }
    return false;
}

/* Whether the store says that the pool's variable was set so that it gives every block to malloc.
 */
static bool was_off(struct view *view, const struct inner_pool *pool) {
    char key[64];
    if (!pool->variable)
        return false;
    snprintf(key, sizeof key, "environment.%s", pool->variable);
    char *value = hak_database_meta(hak_store_database(view->reader), key);
    bool off = value && has_word(value, pool->off);
    free(value);
    return off;
}

const struct inner_pool *pools_next(struct view *view, int *at) {
    const struct inner_pool *found = NULL;
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT 1 FROM module WHERE path LIKE '%/' || ?1 || '%'"
                " AND instr(substr(path, instr(path, '/' || ?1) + 1), '/') = 0 LIMIT 1",
                "reading modules");
    while (!found && *at < (int)(sizeof pools / sizeof pools[0])) {
        hak_query_again(&q);
        hak_query_bind_text(&q, 1, pools[*at].module);
        if (hak_query_next(&q) && !was_off(view, &pools[*at]))
            found = &pools[*at];
        (*at)++;
    }
    hak_query_end(&q);
    return found;
}
