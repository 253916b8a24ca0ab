/* Writes what chunks say of SuperSlabs into a table of its own: few events among very many, which
 * every picture of memory over time asks for. */
#include "store/writer/inner.h"

#include "hop.h"

static bool is_superslab(uint8_t kind) {
    return kind == HAK_SUPERSLAB_MAP || kind == HAK_SUPERSLAB_UNMAP;
}

int hak_store_put_superslabs(struct hak_store_writer *w, const struct hak_columns *c,
                             uint64_t first_id) {
    struct hak_event e;
    int error = 0;
    if (!hak_database_has_table(&w->db, "superslab"))
        return 0;
    for (uint32_t i = 0; i < c->events && !error; i++) {
        if (!is_superslab((uint8_t)hak_columns_value(c, HAK_COLUMN_SHAPE, i)))
            continue;
        hak_columns_get(c, i, first_id + i, &e);
        error = hak_do(&w->db, "INSERT INTO superslab VALUES(?, ?, ?, ?)", "storing a chunk",
                       HAK_NUMBER(e.id), HAK_NUMBER(e.ns), HAK_NUMBER(e.process),
                       HAK_NUMBER(e.kind == HAK_SUPERSLAB_MAP ? e.size : -e.size));
    }
    return error;
}
