/* Opens a module's file and finds its debug information on this machine. */
#include "symbols/debug_file.h"

#include <elfutils/libdwelf.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INFLATED_SPARE ((uint64_t)64 << 20)
#define INFLATED_TIMES 40 /* real debug information has up to 20 */

static const char debug_root[] = "/usr/lib/debug";

/* True when the file is the one the program loaded: by build-id, else by not being changed since.
 */
static bool is_loaded_one(const struct stat *about, const char *has, const char *wants,
                          uint64_t loaded_ns) {
    if (wants[0])
        return strcmp(has, wants) == 0;
    uint64_t changed =
        (uint64_t)about->st_ctim.tv_sec * 1000000000u + (uint64_t)about->st_ctim.tv_nsec;
    return loaded_ns == 0 || changed <= loaded_ns;
}

void hak_debug_file_open(struct hak_debug_file *file, const char *path, const char *build_id,
                         int pid, uint64_t loaded_ns) {
    *file = (struct hak_debug_file){.own.fd = -1, .separate.fd = -1, .dwp.file.fd = -1};
    for (int attempt = 0; attempt < 2 && path[0] == '/'; attempt++) {
        if (attempt == 0)
            snprintf(file->path, sizeof file->path, "%s", path);
        else if (pid > 0)
            snprintf(file->path, sizeof file->path, "/proc/%d/root%s", pid, path);
        else
            return;
        if (!hak_elf_open(&file->own, file->path, ELF_C_READ_MMAP_PRIVATE))
            continue;
        hak_elf_build_id(file->own.elf, file->build_id);
        if (is_loaded_one(&file->own.about, file->build_id, build_id, loaded_ns))
            return;
        hak_debug_file_close(file);
    }
}

static bool has_lines(Elf *elf) {
    GElf_Shdr header;
    return hak_elf_find_section(elf, ".debug_info", &header) ||
           hak_elf_find_section(elf, ".zdebug_info", &header);
}

/* Whether a section of a few bytes says that it is gigabytes when inflated: it is made to use up
 * the memory. */
static bool is_bomb(Elf_Scn *section, const GElf_Shdr *header) {
    GElf_Chdr inflated;
    return gelf_getchdr(section, &inflated) &&
           inflated.ch_size > INFLATED_SPARE + INFLATED_TIMES * header->sh_size;
}

/* Hides the compressed sections of debug information that tell nothing of functions and lines, and
 * those that would inflate to gigabytes: libdw inflates all that are compressed as soon as a file
 * is opened, and shall not see these. */
static void hide_needless(Elf *elf) {
    static const char *const needless[] = {".debug_loclists", ".debug_loc",     ".debug_frame",
                                           ".debug_macro",    ".debug_macinfo", ".debug_aranges"};
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    for (const char *name; (name = hak_elf_next_section(elf, &section, &header));) {
        if (!name[0] || !(header.sh_flags & SHF_COMPRESSED))
            continue;
        bool is_hidden = is_bomb(section, &header);
        for (size_t i = 0; i < sizeof needless / sizeof *needless; i++)
            is_hidden |= strcmp(name, needless[i]) == 0;
        if (is_hidden) {
            header.sh_type = SHT_NOBITS;
            (void)gelf_update_shdr(section, &header);
        }
    }
}

/* Opens the file's debug information; false when `elf` has none that can be read. Sections that are
 * compressed may be inflated later. */
static bool open_dwarf(struct hak_debug_file *file, Elf *elf) {
    if (!has_lines(elf))
        return false;
    hide_needless(elf);
    file->is_inflated_later = hak_inflated_open(&file->inflated, elf);
    file->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
    if (!file->dwarf)
        hak_inflated_close(&file->inflated);
    return file->dwarf != NULL;
}

/* Whether the file's CRC-32, as .gnu_debuglink has it and xz computes it, is the due one. */
static bool checksum_is(int fd, uint32_t due) {
    static uint8_t buffer[1 << 16]; /* one worker thread */
    uint32_t sum = 0;
    off_t at = 0;
    for (ssize_t got; (got = pread(fd, buffer, sizeof buffer, at)) > 0; at += got)
        sum = lzma_crc32(buffer, (size_t)got, sum);
    return sum == due;
}

/* Opens `path` as the separate file if it is the module's, by build-id, else by `checksum` (NULL:
 * there is none), and its debug information. False: it is another, or has none. */
static bool try_separate(struct hak_debug_file *f, const char *path, const uint32_t *checksum) {
    char id[HAK_BUILD_ID_TEXT];
    if (!hak_elf_open(&f->separate, path, ELF_C_READ_MMAP_PRIVATE))
        return false;
    hak_elf_build_id(f->separate.elf, id);
    bool right = f->build_id[0] && id[0] ? strcmp(id, f->build_id) == 0
                                         : checksum && checksum_is(f->separate.fd, *checksum);
    if (right && open_dwarf(f, f->separate.elf))
        snprintf(f->source, sizeof f->source, "%s", path);
    else
        hak_elf_close(&f->separate);
    return f->dwarf != NULL;
}

/* Opens the file that .gnu_debuglink names, beside the module, in .debug or below the debug root.
 * False: none fits. */
static bool try_link(struct hak_debug_file *f) {
    static const char *const around[][2] = {{"", ""}, {"", ".debug/"}, {debug_root, ""}};
    GElf_Word checksum;
    const char *name = dwelf_elf_gnu_debuglink(f->own.elf, &checksum);
    int folder = (int)(strrchr(f->path, '/') + 1 - f->path);
    char path[3 * 4096];
    if (!name || !name[0] || strchr(name, '/'))
        return false;
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        snprintf(path, sizeof path, "%s%.*s%s%s", around[i][0], folder, f->path, around[i][1],
                 name);
        if (strcmp(path, f->path) != 0 && try_separate(f, path, &checksum))
            return true;
    }
    return false;
}

/* Finds DWARF in the module, else in a separate file by build-id or link. None may be found. */
static void find_debug_information(struct hak_debug_file *file) {
    char path[4096];
    if (open_dwarf(file, file->own.elf)) {
        snprintf(file->source, sizeof file->source, "%s", file->path);
        return;
    }
    if (strlen(file->build_id) > 2) {
        snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", debug_root, file->build_id,
                 file->build_id + 2);
        if (try_separate(file, path, NULL))
            return;
    }
    try_link(file);
}

void hak_debug_file_load(struct hak_debug_file *file) {
    if (!file->own.elf)
        return;
    find_debug_information(file);
    if (file->dwarf)
        hak_dwp_open(&file->dwp, file->source);
    if (file->dwarf && file->dwp.file.fd < 0)
        hak_dwp_open(&file->dwp, file->path);
}

void hak_debug_file_close(struct hak_debug_file *file) {
    hak_dwp_close(&file->dwp);
    dwarf_end(file->dwarf);
    hak_inflated_close(&file->inflated);
    hak_elf_close(&file->separate);
    hak_elf_close(&file->own);
    file->dwarf = NULL;
}
