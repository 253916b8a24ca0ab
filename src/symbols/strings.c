/* The pool of names: demangled, shortened, each once. */
#include "symbols/strings.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
/* libiberty's header declares names that only its own build has; this is all that is used of it. */
extern char *cplus_demangle_v3(const char *mangled, int options);
extern int rust_demangle_callback(const char *mangled, int options,
                                  void (*add)(const char *piece, size_t bytes, void *text),
                                  void *text);

enum { WITH_PARAMETERS = 1 << 0, WITH_QUALIFIERS = 1 << 1 };

/* A text's key in the index, by FNV-1a. */
static uint64_t hash(const char *text) {
    uint64_t h = 14695981039346656037ull;
    for (; *text; text++)
        h = (h ^ (uint8_t)*text) * 1099511628211ull;
    return h;
}

/* The pool's copy of `text` ("" for NULL, and when memory ran out). */
static const char *keep(struct hak_strings *strings, const char *text) {
    if (!text || !text[0])
        return "";
    uint64_t key = hash(text), place = 0;
    for (uint32_t row; (row = hak_index_find(&strings->index, key, &place)) != 0;)
        if (strcmp(strings->texts[row - 1], text) == 0)
            return strings->texts[row - 1];
    if (!hak_growing_make_room(&strings->texts, strings->count, &strings->capacity, sizeof(char *)))
        return "";
    char *copy = strdup(text);
    if (!copy || !hak_index_add(&strings->index, key, strings->count + 1)) {
        free(copy);
        return "";
    }
    return strings->texts[strings->count++] = copy;
}

/* Keeps a copy of the text, once for all alike, cut to HAK_NAME_BYTES with "...". */
static const char *keep_shortened(struct hak_strings *strings, const char *text) {
    char shortened[HAK_NAME_BYTES];
    if (strlen(text) < sizeof shortened)
        return keep(strings, text);
    memcpy(shortened, text, sizeof shortened - 4);
    memcpy(shortened + sizeof shortened - 4, "...", 4);
    return keep(strings, shortened);
}

/* A name on its way out of libiberty, one byte longer than the part kept. */
struct rust_name {
    jmp_buf is_full;
    size_t bytes;
    char text[HAK_NAME_BYTES + 1];
};

/* Appends a piece of a Rust name; when it is full, leaves the demangler by longjmp. */
static void add_piece(const char *piece, size_t bytes, void *text) {
    struct rust_name *name = text;
    size_t room = HAK_NAME_BYTES - name->bytes;
    memcpy(name->text + name->bytes, piece, bytes < room ? bytes : room);
    name->bytes += bytes < room ? bytes : room;
    if (bytes >= room)
        longjmp(name->is_full, 1);
}

/* Keeps the demangled form of one of Rust's own names, v0: `_R`. A short one can stand for one of
 * gigabytes, since its parts refer to each other: no more is asked for than is kept. */
static const char *keep_rust(struct hak_strings *strings, const char *mangled) {
    struct rust_name name;
    name.bytes = 0;
    if (setjmp(name.is_full) == 0 &&
        !rust_demangle_callback(mangled, WITH_PARAMETERS | WITH_QUALIFIERS, add_piece, &name))
        return keep_shortened(strings, mangled);
    name.text[name.bytes] = 0;
    return keep_shortened(strings, name.text);
}

const char *hak_strings_demangle(struct hak_strings *strings, const char *mangled) {
    if (!mangled)
        return "";
    if (mangled[0] != '_' || strlen(mangled) > 16 * (size_t)HAK_NAME_BYTES)
        return keep_shortened(strings, mangled);
    if (mangled[1] == 'R')
        return keep_rust(strings, mangled);
    char *name = cplus_demangle_v3(mangled, WITH_PARAMETERS | WITH_QUALIFIERS);
    const char *kept = keep_shortened(strings, name ? name : mangled);
    free(name);
    return kept;
}

const char *hak_strings_mark(struct hak_strings *strings, const char *name, const char *mark) {
    char marked[HAK_NAME_BYTES];
    int room = (int)(sizeof marked - 1 - strlen(mark));
    snprintf(marked, sizeof marked, "%.*s%s", room, name, mark);
    return keep(strings, marked);
}

const char *hak_strings_join(struct hak_strings *strings, const char *folder, const char *name) {
    char path[4096];
    if (!name || !name[0])
        return "";
    if (name[0] == '/' || !folder || !folder[0])
        return keep_shortened(strings, name);
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return keep_shortened(strings, path);
}

void hak_strings_free(struct hak_strings *strings) {
    for (uint32_t i = 0; i < strings->count; i++)
        free(strings->texts[i]);
    free(strings->texts);
    hak_index_free(&strings->index);
    *strings = (struct hak_strings){0};
}
