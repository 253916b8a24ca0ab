/* One line for each disagreement: what, where, what was found, what was expected. */
#include "verify/verify.h"

#include "platform/platform.h"
#include "size_class.h"

static const char start[] = "hakmem: verify: ";

struct text {
    char *at, *end;
};

static void add(struct text *text, const char *words) {
    while (*words && text->at < text->end)
        *text->at++ = *words++;
}

static void add_number(struct text *text, uint64_t number, unsigned base) {
    char digits[21];
    unsigned count = 0;
    do
        digits[count++] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    while (count > 0 && text->at < text->end)
        *text->at++ = digits[--count];
}

static void add_address(struct text *text, const void *address) {
    add(text, "0x");
    add_number(text, (uintptr_t)address, 16);
}

/* "block 0x7f.. (64 B) in the array of heap 2: " */
static void add_where(struct text *text, const struct hak_verify_where *where) {
    const struct hak_superslab *superslab = where->superslab;
    add(text, start);
    if (where->block.p) {
        add(text, "block ");
        add_address(text, where->block.p);
        add(text, superslab || where->cache ? ", " : "");
    }
    if (superslab && where->slab) {
        unsigned class_index = superslab->class_of_slab[where->slab];
        add(text, "slab ");
        add_number(text, where->slab, 10);
        if (class_index < HAK_CLASSES) {
            add(text, " (");
            add_number(text, hak_class_bytes(class_index), 10);
            add(text, " B)");
        }
        add(text, " of ");
    }
    if (superslab) {
        add(text, "SuperSlab ");
        add_address(text, superslab);
        add(text, where->cache || where->heap != HAK_OWNER_NOBODY ? ", " : "");
    }
    if (where->cache) {
        add(text, where->cache);
        add(text, where->heap != HAK_OWNER_NOBODY ? " of " : "");
    }
    if (where->heap != HAK_OWNER_NOBODY) {
        add(text, "heap ");
        add_number(text, where->heap, 10);
    }
    add(text, ": ");
}

/* The next line, its beginning written; NULL when there are too many. */
static struct hak_verify_line *begin(struct hak_verify *v, struct text *text,
                                     const struct hak_verify_where *where) {
    if (v->disagreements == HAK_VERIFY_LINES) {
        v->not_shown++;
        return NULL;
    }
    struct hak_verify_line *line = &v->lines[v->disagreements++];
    line->heap = where->heap;
    *text = (struct text){line->text, line->text + HAK_VERIFY_LINE_BYTES - 2};
    add_where(text, where);
    return line;
}

static void end(struct text *text) {
    text->at[0] = '\n';
    text->at[1] = 0;
}

void hak_verify_differs(struct hak_verify *v, const struct hak_verify_where *where,
                        const char *what, uint64_t found, uint64_t expected) {
    struct text text;
    if (!begin(v, &text, where))
        return;
    add(&text, what);
    add(&text, ": found ");
    add_number(&text, found, 10);
    add(&text, ", expected ");
    add_number(&text, expected, 10);
    end(&text);
}

void hak_verify_words(struct hak_verify *v, const struct hak_verify_where *where, const char *what,
                      const char *found, const char *expected) {
    struct text text;
    if (!begin(v, &text, where))
        return;
    add(&text, what);
    add(&text, ": found ");
    add(&text, found);
    add(&text, ", expected ");
    add(&text, expected);
    end(&text);
}

void hak_verify_wrong(struct hak_verify *v, const struct hak_verify_where *where,
                      const char *what) {
    struct text text;
    if (!begin(v, &text, where))
        return;
    add(&text, what);
    end(&text);
}

size_t hak_verify_print(struct hak_verify *v) {
    size_t count = v->not_shown;
    for (size_t i = 0; i < v->disagreements; i++) {
        const struct hak_verify_line *line = &v->lines[i];
        if (v->is_at_work[line->heap])
            continue;
        hak_write_error(line->text, __builtin_strlen(line->text));
        count++;
    }
    return count;
}

void hak_verify_tell(const char *before, hak_owner_t heap, const char *after) {
    char line[HAK_VERIFY_LINE_BYTES];
    struct text text = {line, line + sizeof line - 2};
    add(&text, start);
    add(&text, before);
    if (heap != HAK_OWNER_NOBODY)
        add_number(&text, heap, 10);
    add(&text, after);
    end(&text);
    hak_write_error(line, (size_t)(text.at - line) + 1);
}
