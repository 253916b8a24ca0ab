/* Opens ELF files of others and finds their sections, symbols and build-ids. */
#include "symbols/elf_file.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool hak_elf_open(struct hak_elf_file *file, const char *path, Elf_Cmd how) {
    *file = (struct hak_elf_file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file->fd >= 0 && fstat(file->fd, &file->about) == 0 && S_ISREG(file->about.st_mode)) {
        elf_version(EV_CURRENT);
        file->elf = elf_begin(file->fd, how, NULL);
        if (file->elf && elf_kind(file->elf) == ELF_K_ELF)
            return true;
    }
    hak_elf_close(file);
    return false;
}

void hak_elf_close(struct hak_elf_file *file) {
    elf_end(file->elf);
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct hak_elf_file){.fd = -1};
}

const char *hak_elf_next_section(Elf *elf, Elf_Scn **section, GElf_Shdr *header) {
    size_t names;
    *section = elf_nextscn(elf, *section);
    if (!*section)
        return NULL;
    if (elf_getshdrstrndx(elf, &names) != 0 || !gelf_getshdr(*section, header))
        return "";
    const char *name = elf_strptr(elf, names, header->sh_name);
    return name ? name : "";
}

Elf_Scn *hak_elf_find_section(Elf *elf, const char *wanted, GElf_Shdr *header) {
    Elf_Scn *section = NULL;
    for (const char *name; elf && (name = hak_elf_next_section(elf, &section, header));)
        if (strcmp(name, wanted) == 0 && header->sh_type != SHT_NOBITS)
            return section;
    return NULL;
}

void hak_elf_each_symbol(Elf *elf, unsigned tables,
                         bool (*visit)(void *context, const char *name, const GElf_Sym *symbol),
                         void *context) {
    GElf_Shdr header;
    GElf_Sym symbol;
    for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
        if (!gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
            (header.sh_type != SHT_DYNSYM && header.sh_type != tables))
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        size_t count = data ? data->d_size / header.sh_entsize : 0;
        for (size_t i = 0; i < count && i < INT32_MAX; i++) {
            const char *name = gelf_getsym(data, (int)i, &symbol)
                                   ? elf_strptr(elf, header.sh_link, symbol.st_name)
                                   : NULL;
            if (name && !visit(context, name, &symbol))
                return;
        }
    }
}

void hak_elf_build_id(Elf *elf, char id[HAK_BUILD_ID_TEXT]) {
    const void *bytes;
    ssize_t count = dwelf_elf_gnu_build_id(elf, &bytes);
    id[0] = 0;
    for (ssize_t i = 0; i < count && 2 * i + 2 < HAK_BUILD_ID_TEXT; i++)
        snprintf(id + 2 * i, 3, "%02x", ((const unsigned char *)bytes)[i]);
}

bool hak_elf_open_built(struct hak_elf_file *file, const char *path, const char *build_id) {
    char id[HAK_BUILD_ID_TEXT];
    if (!hak_elf_open(file, path, ELF_C_READ_MMAP_PRIVATE))
        return false;
    hak_elf_build_id(file->elf, id);
    if (build_id[0] == '\0' || strcmp(id, build_id) == 0)
        return true;
    hak_elf_close(file);
    return false;
}
