/* SYMBOL+OFFSET: looked up in the ELF symbol tables of the modules that the capture names. */
#include "viewer/capture/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "symbols/elf_file.h"

struct symbol_search {
    const char *name;
    uint64_t value;
    bool is_found;
};

/* Looks for a function or object of this name; false ends the search: found. */
static bool match_symbol(void *context, const char *name, const GElf_Sym *symbol) {
    struct symbol_search *search = context;
    int type = GELF_ST_TYPE(symbol->st_info);
    search->value = symbol->st_value;
    search->is_found = symbol->st_shndx != SHN_UNDEF && strcmp(name, search->name) == 0 &&
                       (type == STT_OBJECT || type == STT_FUNC);
    return !search->is_found;
}

/* The symbol's value in the file's symbol table. False: it is not there. */
static bool symbol_in_file(const char *path, const char *name, uint64_t *value) {
    struct symbol_search search = {.name = name};
    struct hak_elf_file file;
    if (!hak_elf_open(&file, path, ELF_C_READ_MMAP_PRIVATE))
        return false;
    hak_elf_each_symbol(file.elf, SHT_SYMTAB, match_symbol, &search);
    hak_elf_close(&file);
    *value = search.value;
    return search.is_found;
}

/* Splits "name+offset". False: it is none. */
static bool split(const char *text, char *name, size_t name_bytes, uint64_t *offset) {
    const char *plus = strrchr(text, '+');
    size_t length = plus ? (size_t)(plus - text) : strlen(text);
    char *end;
    *offset = 0;
    errno = 0;
    if (plus)
        *offset = strtoull(plus + 1, &end, 0);
    if (length == 0 || length >= name_bytes || (text[0] >= '0' && text[0] <= '9') ||
        (plus && (end == plus + 1 || *end != '\0' || errno)))
        return false;
    memcpy(name, text, length);
    name[length] = '\0';
    return true;
}

bool view_find_symbol_address(struct view *view, const char *text, uint64_t *address) {
    char name[512];
    uint64_t offset, value;
    if (!split(text, name, sizeof name, &offset)) {
        view_error("%s: no address; 0x7f.., 7f.., SYMBOL+OFFSET, p:N or @fault was expected", text);
        return false;
    }
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        "SELECT path, load_bias FROM module GROUP BY path ORDER BY min(id)", "reading modules");
    bool found = false;
    int looked_at = 0;
    while (!found && hak_query_next(&q)) {
        looked_at++;
        found = symbol_in_file(hak_query_text(&q, 0), name, &value);
        if (found)
            *address = value + hak_query_number(&q, 1) + offset;
    }
    hak_query_end(&q);
    if (!found)
        view_error("%s: no symbol '%s' in the %d modules of %s as they are on this machine; "
                   "0x7f.., 7f.., p:N and @fault work as well",
                   text, name, looked_at, view->store_path);
    return found;
}
