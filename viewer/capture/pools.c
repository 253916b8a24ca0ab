/* The table of known inner pools, and which of them a capture has seen. */
#include "viewer/capture/capture.h"

#include <sqlite3.h>
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

/* One of the words of `list` is among those of `value` (G_SLICE takes several, by , : or blank). */
static bool has_word(const char *value, const char *list) {
    for (const char *at = value; *at; at += strcspn(at, ",:; "), at += strspn(at, ",:; ")) {
        size_t length = strcspn(at, ",:; ");
        for (const char *word = list; *word; word += strcspn(word, " "), word += *word == ' ')
            if (length > 0 && length == strcspn(word, " ") && strncmp(at, word, length) == 0)
                return true;
    }
    return false;
}

/* The store says that the pool's variable was set so that it gives every block to malloc. */
static bool was_off(struct view *view, const struct inner_pool *pool) {
    sqlite3_stmt *query = NULL;
    bool off = false;
    if (pool->variable &&
        sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT value FROM meta WHERE key = 'environment.' || ?1", -1, &query,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(query, 1, pool->variable, -1, SQLITE_STATIC);
        const unsigned char *value =
            sqlite3_step(query) == SQLITE_ROW ? sqlite3_column_text(query, 0) : NULL;
        off = value && has_word((const char *)value, pool->off);
    }
    sqlite3_finalize(query);
    return off;
}

const struct inner_pool *pools_next(struct view *view, int *at) {
    const struct inner_pool *found = NULL;
    sqlite3_stmt *query = NULL;
    if (sqlite3_prepare_v2(hak_store_database(view->reader),
                           "SELECT 1 FROM module WHERE path LIKE '%/' || ?1 || '%'"
                           " AND instr(substr(path, instr(path, '/' || ?1) + 1), '/') = 0 LIMIT 1",
                           -1, &query, NULL) != SQLITE_OK)
        return NULL;
    while (!found && *at < (int)(sizeof pools / sizeof pools[0])) {
        sqlite3_reset(query);
        sqlite3_bind_text(query, 1, pools[*at].module, -1, SQLITE_STATIC);
        if (sqlite3_step(query) == SQLITE_ROW && !was_off(view, &pools[*at]))
            found = &pools[*at];
        (*at)++;
    }
    sqlite3_finalize(query);
    return found;
}
