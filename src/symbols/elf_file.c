/* Opens ELF files of others and finds their sections. */
#include "symbols/elf_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool hak_elf_open(struct hak_elf_file *file, const char *path, struct stat *about) {
    *file = (struct hak_elf_file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file->fd >= 0 && fstat(file->fd, about) == 0 && S_ISREG(about->st_mode)) {
        elf_version(EV_CURRENT);
        file->elf = elf_begin(file->fd, ELF_C_READ_MMAP_PRIVATE, NULL);
        if (file->elf && elf_kind(file->elf) == ELF_K_ELF)
            return true;
    }
    hak_elf_close(file);
    return false;
}

void hak_elf_close(struct hak_elf_file *file) {
    if (file->elf)
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
