/* Writes one line for each disagreement: its name, place, found and expected value. */
#include "verify/verify.h"

#include "size_class.h"

static const char start[] = "hakmem: verify: ";

/* Adds where a disagreement is: "block 0x7f.. (64 B) in the array of heap 2: ". */
static void add_where(struct hak_line *line, const struct hak_verify_where *where) {
    const struct hak_superslab *superslab = where->superslab;
    hak_line_add(line, start);
    if (where->block.p) {
        hak_line_add(line, "block ");
        hak_line_hex(line, base_address(where->block));
        hak_line_add(line, superslab || where->cache ? ", " : "");
    }
    if (superslab && where->slab) {
        unsigned class_index = superslab->class_of_slab[where->slab];
        hak_line_add(line, "slab ");
        hak_line_number(line, where->slab);
        if (class_index < HAK_CLASSES) {
            hak_line_add(line, " (");
            hak_line_number(line, hak_class_bytes(class_index));
            hak_line_add(line, " B)");
        }
        hak_line_add(line, " of ");
    }
    if (superslab) {
        hak_line_add(line, "SuperSlab ");
        hak_line_hex(line, (uintptr_t)superslab);
        hak_line_add(line, where->cache || where->heap != HAK_OWNER_NOBODY ? ", " : "");
    }
    if (where->cache) {
        hak_line_add(line, where->cache);
        hak_line_add(line, where->heap != HAK_OWNER_NOBODY ? " of " : "");
    }
    if (where->heap != HAK_OWNER_NOBODY) {
        hak_line_add(line, "heap ");
        hak_line_number(line, where->heap);
    }
    hak_line_add(line, ": ");
}

/* Begins the line in which a disagreement is noted; NULL when there are too many, and it is only
 * counted. */
static struct hak_line *begin(struct hak_verify *v, const struct hak_verify_where *where) {
    if (v->disagreements == HAK_VERIFY_LINES) {
        v->not_shown++;
        return NULL;
    }
    struct hak_verify_line *noted = &v->lines[v->disagreements++];
    noted->heap = where->heap;
    noted->line.length = 0;
    add_where(&noted->line, where);
    return &noted->line;
}

void hak_verify_differs(struct hak_verify *v, const struct hak_verify_where *where,
                        const char *what, uint64_t found, uint64_t expected) {
    struct hak_line *line = begin(v, where);
    if (!line)
        return;
    hak_line_add(line, what);
    hak_line_say(line, ": found ", found, "");
    hak_line_say(line, ", expected ", expected, "");
}

void hak_verify_words(struct hak_verify *v, const struct hak_verify_where *where, const char *what,
                      const char *found, const char *expected) {
    struct hak_line *line = begin(v, where);
    if (!line)
        return;
    const char *parts[] = {what, ": found ", found, ", expected ", expected};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        hak_line_add(line, parts[i]);
}

void hak_verify_wrong(struct hak_verify *v, const struct hak_verify_where *where,
                      const char *what) {
    struct hak_line *line = begin(v, where);
    if (line)
        hak_line_add(line, what);
}

size_t hak_verify_print(struct hak_verify *v) {
    size_t count = v->not_shown;
    for (size_t i = 0; i < v->disagreements; i++) {
        if (v->is_at_work[v->lines[i].heap])
            continue;
        hak_line_end(&v->lines[i].line);
        count++;
    }
    return count;
}

void hak_verify_note(const char *before, hak_owner_t heap, const char *after) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, start);
    hak_line_add(&line, before);
    if (heap != HAK_OWNER_NOBODY)
        hak_line_number(&line, heap);
    hak_line_add(&line, after);
    hak_line_end(&line);
}
