/* ELF files of others: opened only where they are plain files, since a name may lead anywhere, and
 * searched by the names of their sections. For one thread. */
#ifndef HAK_SYMBOLS_ELF_FILE_H
#define HAK_SYMBOLS_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <sys/stat.h>

struct hak_elf_file {
    int fd; /* -1 = not open */
    Elf *elf;
};

/* Opens `path` without waiting for a pipe's other end; `about` is its state. False: it cannot be
 * read, is no plain file or no ELF file, and nothing is open. Changes made to it through libelf
 * stay in memory. */
bool hak_elf_open(struct hak_elf_file *file, const char *path, struct stat *about);
void hak_elf_close(struct hak_elf_file *file);

/* The name of the section behind `*section` (NULL: the first), which it becomes, "" where it cannot
 * be read; NULL at the end. */
const char *hak_elf_next_section(Elf *elf, Elf_Scn **section, GElf_Shdr *header);
/* The first section called `name` that has bytes in the file; NULL where `elf` (may be NULL) has
 * none. */
Elf_Scn *hak_elf_find_section(Elf *elf, const char *name, GElf_Shdr *header);

#endif
