/* Lists the modules of a program that runs: where they lie, and which files they are. */
#include "collector/sampled/pull.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/maps.h"

#define NOTES_MAX (1u << 16)
enum { PARTS_MAX = 64, ID_BYTES_MAX = (HAK_BUILD_ID_TEXT - 1) / 2, PAGE = 4096 };
#define MODULES_MAX (1u << 16)

/* ---- the build id ------------------------------------------------------------------------------
 */

/* Writes the build id that the notes have, in hexadecimal; leaves it where they have none. */
static void find_build_id(const uint8_t *notes, size_t bytes, char id[HAK_BUILD_ID_TEXT]) {
    Elf64_Nhdr note;
    for (size_t at = 0; at + sizeof note <= bytes;) {
        memcpy(&note, notes + at, sizeof note);
        size_t start = at + sizeof note + ((size_t)note.n_namesz + 3) / 4 * 4;
        size_t end = start + note.n_descsz;
        if (end > bytes)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
            memcmp(notes + at + sizeof note, "GNU", sizeof "GNU") == 0 &&
            note.n_descsz <= ID_BYTES_MAX) {
            for (size_t i = 0; i < note.n_descsz; i++)
                snprintf(id + 2 * i, 3, "%02x", notes[start + i]);
            return;
        }
        at = (end + 3) / 4 * 4;
    }
}

/* Reads a module's bias and build id by the headers that lie at its start. False: there are
 * none. */
static bool read_module_headers(const struct hak_pull_memory *memory,
                                struct hak_sampled_module *m) {
    Elf64_Ehdr header;
    Elf64_Phdr part[PARTS_MAX];
    uint64_t first = UINT64_MAX;
    if (!memory->read(memory->context, m->start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_phentsize != sizeof *part || header.e_phnum > PARTS_MAX ||
        !memory->read(memory->context, m->start + header.e_phoff, part,
                      header.e_phnum * sizeof *part))
        return false;
    for (size_t i = 0; i < header.e_phnum; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_vaddr < first)
            first = part[i].p_vaddr;
    if (first == UINT64_MAX)
        return false;
    m->bias = m->start - first / PAGE * PAGE;
    for (size_t i = 0; i < header.e_phnum && !m->build_id[0]; i++) {
        size_t bytes = part[i].p_memsz;
        uint8_t *notes = part[i].p_type == PT_NOTE && bytes < NOTES_MAX ? malloc(bytes + 1) : NULL;
        if (notes && memory->read(memory->context, m->bias + part[i].p_vaddr, notes, bytes))
            find_build_id(notes, bytes, m->build_id);
        free(notes);
    }
    return true;
}

/* ---- the list ----------------------------------------------------------------------------------
 */

struct listing {
    const struct hak_pull_memory *memory;
    struct hak_pull_modules *out;
};

/* Adds the mapping to the module that it is a part of, or begins one where it is the begin of a
 * file. False: no memory. */
static bool add_mapping(void *context, struct hak_map_line *line) {
    struct listing *l = context;
    struct hak_pull_modules *out = l->out;
    if (line->path[0] != '/' || out->modules == MODULES_MAX)
        return true;
    struct hak_sampled_module *last = out->modules ? &out->module[out->modules - 1] : NULL;
    if (line->offset != 0) {
        if (last && strcmp(last->path, line->path) == 0)
            last->end = line->end;
        return true;
    }
    struct hak_sampled_module module = {.start = line->start, .end = line->end};
    if (!read_module_headers(l->memory, &module))
        return true;
    if (!hak_growing_make_room(&out->module, out->modules, &out->room, sizeof *out->module))
        return false;
    module.path = strdup(line->path);
    if (module.path)
        out->module[out->modules++] = module;
    return module.path != NULL;
}

bool hak_pull_list_modules(const struct hak_pull_memory *memory, pid_t pid,
                           struct hak_pull_modules *out) {
    struct listing listing = {.memory = memory, .out = out};
    *out = (struct hak_pull_modules){0};
    return hak_maps_each(pid, add_mapping, &listing) && out->modules;
}

bool hak_pull_find_modules(const struct hak_pull_memory *memory, struct hak_map_line *line,
                           uint32_t lines, struct hak_pull_modules *out) {
    struct listing listing = {.memory = memory, .out = out};
    *out = (struct hak_pull_modules){0};
    for (uint32_t i = 0; i < lines; i++)
        if (!add_mapping(&listing, &line[i]))
            return false;
    return true;
}

void hak_pull_free_modules(struct hak_pull_modules *modules) {
    for (uint32_t i = 0; i < modules->modules; i++)
        free(modules->module[i].path);
    free(modules->module);
    *modules = (struct hak_pull_modules){0};
}
