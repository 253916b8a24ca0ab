/* Looks an address up in a module's sections and symbols. */
#include "symbols/static_place.h"

#include <stdio.h>
#include <string.h>
#include "symbols/elf_file.h"
#include "symbols/strings.h"

struct search {
    struct hak_static_place *place;
    uint64_t value;
    struct hak_strings strings;
};

/* Takes the first symbol that holds the address. */
static bool visit(void *context, const char *name, const GElf_Sym *symbol) {
    struct search *search = context;
    int type = GELF_ST_TYPE(symbol->st_info);
    if ((type != STT_OBJECT && type != STT_FUNC) || symbol->st_shndx == SHN_UNDEF ||
        search->value - symbol->st_value >= symbol->st_size)
        return true;
    snprintf(search->place->symbol, sizeof search->place->symbol, "%s",
             hak_strings_demangle(&search->strings, name));
    search->place->offset = search->value - symbol->st_value;
    return search->place->symbol[0] == '\0';
}

/* The kind of a section's bytes. */
static const char *kind_of_section(const GElf_Shdr *header) {
    return header->sh_flags & SHF_EXECINSTR ? "code"
           : header->sh_flags & SHF_WRITE   ? "static data"
                                            : "constants";
}

bool hak_static_place_find(struct hak_static_place *place, const char *path, const char *build_id,
                           uint64_t value) {
    struct hak_elf_file file;
    struct search search = {.place = place, .value = value};
    GElf_Shdr header;
    *place = (struct hak_static_place){.kind = "static data or code"};
    if (!hak_elf_open_built(&file, path, build_id))
        return false;
    const char *name;
    for (Elf_Scn *section = NULL; (name = hak_elf_next_section(file.elf, &section, &header));)
        if (header.sh_flags & SHF_ALLOC && value - header.sh_addr < header.sh_size)
            break;
    if (name) {
        snprintf(place->section, sizeof place->section, "%s", name);
        place->kind = kind_of_section(&header);
        hak_elf_each_symbol(file.elf, SHT_SYMTAB, visit, &search);
    }
    hak_strings_free(&search.strings);
    hak_elf_close(&file);
    return name != NULL;
}
