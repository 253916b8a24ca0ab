/* SYMBOL+OFFSET: looked up in the ELF symbol tables of the modules that the capture names. */
#include "viewer/capture/address.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool symbol_in_section(Elf *elf, Elf_Scn *section, const char *name, uint64_t *value) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
        (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
        return false;
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = data ? (size_t)(header.sh_size / header.sh_entsize) : 0;
    for (size_t i = 0; i < count; i++) {
        GElf_Sym symbol;
        if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF)
            continue;
        const char *found = elf_strptr(elf, header.sh_link, symbol.st_name);
        int type = GELF_ST_TYPE(symbol.st_info);
        if (found && strcmp(found, name) == 0 && (type == STT_OBJECT || type == STT_FUNC)) {
            *value = symbol.st_value;
            return true;
        }
    }
    return false;
}

static bool symbol_in_file(const char *path, const char *name, uint64_t *value) {
    bool found = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    Elf_Scn *section = NULL;
    while (elf && !found && (section = elf_nextscn(elf, section)))
        found = symbol_in_section(elf, section, name, value);
    elf_end(elf);
    close(fd);
    return found;
}

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
