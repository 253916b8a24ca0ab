/* Finds the ids of texts by a hash; the table `name` has the texts themselves. */
#include "store/stacks/names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/index.h"
#include "store/error.h"

struct hak_names {
    struct hak_database db;
    struct hak_index index;
    uint32_t last;  /* id drawn last */
    bool is_loaded; /* what the database has is in the index */
};

/* Loads the hashes of all stored names. 0, or an error. */
static int load(struct hak_names *n) {
    struct hak_query q =
        hak_ask(&n->db, "SELECT id, text FROM name ORDER BY id", "reading its names");
    bool has_memory = true;
    while (has_memory && hak_query_next(&q)) {
        const char *text = hak_query_text(&q, 1);
        n->last = hak_query_id(&q, 0);
        has_memory = hak_index_add(&n->index, hak_index_hash(text, strlen(text)), n->last);
    }
    int error = hak_query_end(&q);
    if (!has_memory)
        error = hak_store_no_memory(n->db.path);
    n->is_loaded = !error;
    return error;
}

/* True when the name `id` is `text`. */
static bool is_text(struct hak_names *n, uint32_t id, const char *text) {
    struct hak_query q =
        hak_ask(&n->db, "SELECT text FROM name WHERE id = ?1", "reading its names", id);
    bool is = hak_query_next(&q) && strcmp(hak_query_text(&q, 0), text) == 0;
    hak_query_end(&q);
    return is;
}

/* Stores a new name under the next id. 0, or an error. */
static int add(struct hak_names *n, const char *text, uint64_t hash) {
    if (!hak_index_add(&n->index, hash, n->last + 1))
        return hak_store_no_memory(n->db.path);
    n->last++;
    return hak_do(&n->db, "INSERT INTO name VALUES(?, ?)", "storing a name", HAK_NUMBER(n->last),
                  HAK_TEXT(text));
}

int hak_names_make(const struct hak_database *db, struct hak_names **out) {
    *out = calloc(1, sizeof **out);
    if (!*out)
        return hak_store_no_memory(db->path);
    (*out)->db = *db;
    return 0;
}

int hak_names_id(struct hak_names *n, const char *text, uint32_t *out) {
    *out = 0;
    if (!text || !*text)
        return 0;
    int error = n->is_loaded ? 0 : load(n);
    if (error)
        return error;
    uint64_t hash = hak_index_hash(text, strlen(text)), place = 0;
    uint32_t id;
    while ((id = hak_index_find(&n->index, hash, &place)) != 0 && !is_text(n, id, text))
        continue;
    if (!id) {
        error = add(n, text, hash);
        id = n->last;
    }
    *out = id;
    return error;
}

void hak_names_rolled_back(struct hak_names *n) {
    hak_index_free(&n->index);
    n->last = 0;
    n->is_loaded = false;
}

void hak_names_free(struct hak_names *n) {
    if (!n)
        return;
    hak_index_free(&n->index);
    free(n);
}
