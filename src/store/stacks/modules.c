/* Reads the modules of processes, and keeps them. */
#include "store/stacks/modules.h"

#include <stdlib.h>
#include "base/growing.h"
#include "store/error.h"
#include "store/stacks/module_map.h"

#define ANCESTORS_MAX 64

struct hak_process_modules {
    struct hak_module_map map;
    uint32_t parent; /* row id; 0 = none */
};

/* A number that changes with each commit of others and each change by this connection. */
static uint64_t state_of(const struct hak_database *db) {
    unsigned version = 0;
    sqlite3_file_control(db->connection, "main", SQLITE_FCNTL_DATA_VERSION, &version);
    return (uint64_t)version << 32 | (uint32_t)sqlite3_total_changes(db->connection);
}

/* Reads what a process mapped. 0, or an error. */
static int read_process(struct hak_process_modules *p, const struct hak_database *db,
                        uint32_t process) {
    struct hak_query q = hak_ask(db,
                                 "SELECT start, \"end\", generation, id FROM module"
                                 " WHERE process = ?1 ORDER BY generation, id",
                                 "reading a stack", process);
    struct hak_module_map *m = &p->map;
    bool has_memory = true;
    while (has_memory && hak_query_next(&q)) {
        has_memory = hak_growing_make_room(&m->module, m->modules, &m->room, sizeof *m->module);
        if (has_memory)
            m->module[m->modules++] =
                (struct hak_known_module){hak_query_number(&q, 0), hak_query_number(&q, 1),
                                          hak_query_id(&q, 2), hak_query_id(&q, 3)};
    }
    int error = hak_query_end(&q);
    if (!error && !(has_memory && hak_module_map_make(m)))
        error = hak_store_no_memory(db->path);
    p->parent =
        (uint32_t)hak_database_number(db, "SELECT parent FROM process WHERE id = ?1", process);
    return error;
}

/* The modules of a process; NULL: an error, which is set. */
static const struct hak_process_modules *
find_process(struct hak_modules *all, const struct hak_database *db, uint32_t process, int *error) {
    uint64_t place = 0;
    uint32_t number = hak_index_find(&all->by_process, process, &place);
    if (number)
        return &all->process[number - 1];
    if (all->modules > HAK_MODULES_KEPT || all->processes > HAK_MODULES_KEPT) {
        uint64_t state = all->state;
        hak_modules_free(all);
        all->state = state;
    }
    struct hak_process_modules new = {0};
    *error = read_process(&new, db, process);
    if (!*error &&
        (!hak_growing_make_room(&all->process, all->processes, &all->room, sizeof *all->process) ||
         !hak_index_add(&all->by_process, process, all->processes + 1)))
        *error = hak_store_no_memory(db->path);
    if (*error) {
        hak_module_map_free(&new.map);
        return NULL;
    }
    all->modules += new.map.modules;
    all->process[all->processes] = new;
    return &all->process[all->processes++];
}

int hak_modules_find(struct hak_modules *all, const struct hak_database *db,
                     const struct hak_node_row *n, uint32_t *row) {
    uint32_t process = n->process;
    uint64_t steps = 0, state = state_of(db);
    int error = 0;
    if (all->state != state)
        hak_modules_free(all);
    all->state = state;
    for (int i = 0; process && i < ANCESTORS_MAX; i++) {
        const struct hak_process_modules *p = find_process(all, db, process, &error);
        if (!p)
            return error;
        const struct hak_known_module *found =
            hak_module_map_find(&p->map, n->ip, n->generation, &steps);
        if (found) {
            *row = found->row;
            return 1;
        }
        process = p->parent;
    }
    return 0;
}

void hak_modules_free(struct hak_modules *all) {
    for (uint32_t i = 0; i < all->processes; i++)
        hak_module_map_free(&all->process[i].map);
    free(all->process);
    hak_index_free(&all->by_process);
    *all = (struct hak_modules){0};
}
