/* Files of modules for symbols: opens each once, checks that it is the one that was loaded, asks
 * its debug information, then its symbol table. */
#include "collector/symbols.h"

#include <stdlib.h>
#include <string.h>
#include "collector/debug_file.h"
#include "collector/symbol_table.h"
#include "collector/units.h"

struct hak_symbol_file {
    struct hak_symbol_file *next;
    char *path, *build_id;
    int pid;
    uint64_t loaded_ns;
    bool prepared;
    struct hak_debug_file debug;
    struct hak_units units;
    struct hak_symbol_table table;
    struct hak_symbols *owner;
};

struct hak_symbols {
    struct hak_symbol_file *files;
    struct hak_strings strings;
};

struct hak_symbols *hak_symbols_make(void) {
    unsetenv("DEBUGINFOD_URLS"); /* local files only */
    return calloc(1, sizeof(struct hak_symbols));
}

void hak_symbols_free(struct hak_symbols *symbols) {
    while (symbols && symbols->files) {
        struct hak_symbol_file *f = symbols->files;
        symbols->files = f->next;
        hak_units_free(&f->units);
        hak_symbol_table_free(&f->table);
        hak_debug_file_close(&f->debug);
        free(f->path);
        free(f->build_id);
        free(f);
    }
    if (symbols)
        hak_strings_free(&symbols->strings);
    free(symbols);
}

struct hak_symbol_file *hak_symbols_open(struct hak_symbols *symbols, const char *path,
                                         const char *build_id, int pid, uint64_t loaded_ns) {
    for (struct hak_symbol_file *f = symbols->files; f; f = f->next)
        if (strcmp(f->path, path) == 0 && strcmp(f->build_id, build_id) == 0)
            return f;
    struct hak_symbol_file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->path = strdup(path);
    f->build_id = strdup(build_id);
    if (!f->path || !f->build_id) {
        free(f->path);
        free(f->build_id);
        free(f);
        return NULL;
    }
    f->pid = pid;
    f->loaded_ns = loaded_ns;
    f->owner = symbols;
    f->next = symbols->files;
    symbols->files = f;
    /* Opened at once, read later: the file may be gone by then. */
    hak_debug_file_open(&f->debug, path, build_id, pid, loaded_ns);
    return f;
}

void hak_symbols_prepare(struct hak_symbol_file *file) {
    if (file->prepared)
        return;
    file->prepared = true;
    hak_debug_file_load(&file->debug);
    if (file->debug.dwarf)
        hak_units_load(&file->units, file->debug.dwarf);
    hak_symbol_table_load(&file->table, file->debug.elf, file->debug.separate_elf);
}

/* gcc gives lambdas and the like no linkage name, only "operator()": the symbol table has it. */
static bool is_named(const struct hak_symbol *s) {
    return strchr(s->function, '(') != NULL && strcmp(s->function, "operator()") != 0;
}

/* What debug information left without a name gets the symbol table's. Returns the levels then. */
static int name_outermost(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                          int count) {
    if (count > 0 && is_named(&out[count - 1]))
        return count;
    const char *name = hak_symbol_table_find(&file->table, address);
    if (name[0] == 0 ||
        (count > 0 && out[count - 1].function[0] != 0 && strncmp(name, "_Z", 2) != 0))
        return count;
    if (count == 0)
        out[count++] = (struct hak_symbol){"", "", 0};
    out[count - 1].function = hak_strings_demangle(&file->owner->strings, name);
    return count;
}

int hak_symbols_find(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                     int max) {
    hak_symbols_prepare(file);
    int count = 0;
    if (file->debug.dwarf)
        count = hak_units_find(&file->units, &file->owner->strings, address, out, max);
    return max > 0 ? name_outermost(file, address, out, count) : 0;
}

const char *hak_symbols_source(const struct hak_symbol_file *file) {
    return file->debug.source;
}
