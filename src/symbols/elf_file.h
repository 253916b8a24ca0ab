/* ELF files of others: opened only where they are plain files, since a name may lead anywhere, and
 * searched by the names of their sections. For one thread. */
#ifndef HAK_SYMBOLS_ELF_FILE_H
#define HAK_SYMBOLS_ELF_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <sys/stat.h>

#define HAK_BUILD_ID_TEXT 129

struct hak_elf_file {
    int fd; /* -1 = not open */
    Elf *elf;
    struct stat about;
};

/* Opens `path` without waiting for a pipe's other end. False: it cannot be read, is no plain file
 * or no ELF file, and nothing is open. `how` is ELF_C_READ_MMAP_PRIVATE, where changes made to it
 * through libelf stay in memory, or ELF_C_READ for a file that its owner may cut meanwhile. */
bool hak_elf_open(struct hak_elf_file *file, const char *path, Elf_Cmd how);
void hak_elf_close(struct hak_elf_file *file);

/* The name of the section behind `*section` (NULL: the first), which it becomes, "" where it cannot
 * be read; NULL at the end. */
const char *hak_elf_next_section(Elf *elf, Elf_Scn **section, GElf_Shdr *header);
/* The first section called `name` that has bytes in the file; NULL where `elf` (may be NULL) has
 * none. */
Elf_Scn *hak_elf_find_section(Elf *elf, const char *name, GElf_Shdr *header);

/* Calls `visit` for the named symbols of .dynsym (SHT_DYNSYM) or of .symtab and .dynsym
 * (SHT_SYMTAB), until it is false. `elf` may be NULL. */
void hak_elf_each_symbol(Elf *elf, unsigned tables,
                         bool (*visit)(void *context, const char *name, const GElf_Sym *symbol),
                         void *context);

/* Writes the file's GNU build-id in hexadecimal, "" = none. */
void hak_elf_build_id(Elf *elf, char id[HAK_BUILD_ID_TEXT]);

/* Opens a module's file as it lies here, if it is the one that was loaded: by build-id (hex, "" =
 * not known). False: it is not open. */
bool hak_elf_open_built(struct hak_elf_file *file, const char *path, const char *build_id);

#endif
