/* The table of known inner pools, and which of them a capture has seen. */
#include "pools.h"

#include <sqlite3.h>

/* G_SLICE is looked at by glib before 2.76; GLIBCXX_FORCE_NEW by the C++ library's extension pools,
 * which hardly any program uses: std::allocator calls operator new for every block. */
static const struct inner_pool pools[] = {
    {"python3", "PYTHONMALLOC", "CPython's own pool hides small blocks"},
    {"libpython3", "PYTHONMALLOC", "CPython's own pool hides small blocks"},
    {"libglib-2.0.so", "G_SLICE", "GLib's slices hide blocks of g_slice_new (before GLib 2.76)"},
    {"libapr-1.so", NULL, "APR's pools hide what is taken from them"},
    {"libtalloc.so", NULL, "talloc's pools hide what is taken from them"},
    {"libnode.so", NULL, "V8's heap holds JavaScript's objects"},
    {"node", NULL, "V8's heap holds JavaScript's objects"},
    {"libruby", NULL, "Ruby's heap holds its objects"},
    {"libjvm.so", NULL, "the JVM's heap holds Java's objects"},
    {"postgres", NULL, "PostgreSQL's memory contexts hide what palloc gives"},
    {"nginx", NULL, "nginx's pools hide what ngx_palloc gives"},
    {"memcached", NULL, "memcached's slabs hold its items"},
};

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
        if (sqlite3_step(query) == SQLITE_ROW)
            found = &pools[*at];
        (*at)++;
    }
    sqlite3_finalize(query);
    return found;
}
