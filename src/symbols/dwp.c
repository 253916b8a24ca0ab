/* Takes single units out of packages of split debug information. */
#include "symbols/dwp.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "arch.h"

enum { PAGE_BYTES = HAK_PAGE_BYTES_MOST, COLUMNS_MAX = 16 }; /* a multiple of any page */

/* The sections of a unit's own file. `column` is the section's number in the index: 0 = all of it
 * from the package, -1 = from the program, where the name is without .dwo (libdw takes all names
 * with it or all without it). */
enum { INFO, ABBREV, STR_OFFSETS, RNGLISTS, STR, ADDR, RANGES, SECTIONS };
static const struct {
    const char *name;
    int column;
} section_table[SECTIONS] = {
    [INFO] = {".debug_info.dwo", 1},
    [ABBREV] = {".debug_abbrev.dwo", 3},
    [STR_OFFSETS] = {".debug_str_offsets.dwo", 6},
    [RNGLISTS] = {".debug_rnglists.dwo", 8},
    [STR] = {".debug_str.dwo", 0},
    [ADDR] = {".debug_addr.dwo", -1},
    [RANGES] = {".debug_ranges.dwo", -1},
};

struct piece {
    const uint8_t *bytes;
    size_t size;
};

void hak_dwp_open(struct hak_dwp *dwp, const char *path) {
    char name[4200];
    *dwp = (struct hak_dwp){.file.fd = -1};
    if ((size_t)snprintf(name, sizeof name, "%s.dwp", path) < sizeof name)
        hak_elf_open(&dwp->file, name, ELF_C_READ_MMAP_PRIVATE);
}

void hak_dwp_close(struct hak_dwp *dwp) {
    while (dwp->units) {
        struct hak_dwp_unit *unit = dwp->units;
        dwp->units = unit->next;
        if (unit->dwarf)
            dwarf_end(unit->dwarf);
        if (unit->elf)
            elf_end(unit->elf);
        munmap(unit->image, unit->image_bytes);
        free(unit);
    }
    hak_elf_close(&dwp->file);
}

/* A section by name: its bytes, and where they lie in the file. NULL: there is none, or it is
 * compressed. */
static struct piece find_section(Elf *elf, const char *wanted, uint64_t *offset) {
    GElf_Shdr header;
    Elf_Scn *section = hak_elf_find_section(elf, wanted, &header);
    Elf_Data *data =
        section && !(header.sh_flags & SHF_COMPRESSED) ? elf_rawdata(section, NULL) : NULL;
    if (!data || !data->d_buf)
        return (struct piece){NULL, 0};
    if (offset)
        *offset = header.sh_offset;
    return (struct piece){data->d_buf, data->d_size};
}

/* Reads a number in the processor's byte order, at most 8 bytes. */
static uint64_t read_number(const uint8_t *bytes, size_t size) {
    uint64_t number = 0;
    memcpy(&number, bytes, size);
    return number;
}

/* The row of `id` in the index's hash table, from 1; 0 when it is not there. */
static uint64_t find_row(const uint8_t *slots, uint64_t slot_count, uint64_t id) {
    uint64_t mask = slot_count - 1, at = id & mask, step = (id >> 32 & mask) | 1;
    for (uint64_t tried = 0; tried < slot_count; tried++, at = (at + step) & mask) {
        uint64_t row = read_number(slots + 8 * slot_count + 4 * at, 4);
        if (row == 0)
            return 0;
        if (read_number(slots + 8 * at, 8) == id)
            return row;
    }
    return 0;
}

/* Finds the piece of each section that the unit `id` has. False when the index does not tell. */
static bool find_pieces(struct hak_dwp *dwp, uint64_t id, struct piece *pieces) {
    struct piece index = find_section(dwp->file.elf, ".debug_cu_index", NULL);
    if (index.size < 16)
        return false;
    uint64_t version = read_number(index.bytes, 2), columns = read_number(index.bytes + 4, 4);
    uint64_t units = read_number(index.bytes + 8, 4), slots = read_number(index.bytes + 12, 4);
    const uint8_t *table = index.bytes + 16;
    if ((version != 2 && version != 5) || columns == 0 || columns > COLUMNS_MAX || slots == 0 ||
        (slots & (slots - 1)) != 0 ||
        16 + slots * 12 + 4 * columns + units * columns * 8 > index.size)
        return false;
    uint64_t row = find_row(table, slots, id);
    if (row == 0 || row > units)
        return false;
    const uint8_t *numbers = table + slots * 12, *offsets = numbers + 4 * columns * row;
    const uint8_t *sizes = offsets + 4 * columns * units;
    for (int s = 0; s < SECTIONS; s++) {
        struct piece whole = find_section(dwp->file.elf, section_table[s].name, NULL);
        for (uint64_t c = 0; section_table[s].column > 0 && c < columns; c++) {
            if (read_number(numbers + 4 * c, 4) != (uint64_t)section_table[s].column)
                continue;
            uint64_t from = read_number(offsets + 4 * c, 4), size = read_number(sizes + 4 * c, 4);
            if (from <= whole.size && size <= whole.size - from)
                pieces[s] = (struct piece){whole.bytes + from, size};
        }
    }
    return pieces[INFO].size > 0 && pieces[ABBREV].size > 0;
}

/* The unit's base in a section of addresses or ranges, by the attribute of DWARF 5 or by GNU's
 * before it; 0: it has neither. */
static Dwarf_Word base_of(Dwarf_Die *die, unsigned name, unsigned gnu_name) {
    Dwarf_Attribute attribute;
    Dwarf_Word base = 0;
    if (dwarf_attr(die, name, &attribute) || dwarf_attr(die, gnu_name, &attribute))
        (void)dwarf_formudata(&attribute, &base);
    return base;
}

/* The rest of a section of the program from where the unit's part begins. */
static struct piece part_of_program(Dwarf *main, const char *name, uint64_t from) {
    struct piece whole = find_section(dwarf_getelf(main), name, NULL);
    if (from >= whole.size)
        return (struct piece){NULL, 0};
    return (struct piece){whole.bytes + from, whole.size - from};
}

static size_t round_up(size_t bytes, size_t to) {
    return (bytes + to - 1) / to * to;
}

/* Lays the pieces out as an ELF file: header, pieces, names, section headers; then, from a page
 * boundary on, the package's pages with the strings. */
static bool make_image(struct hak_dwp *dwp, Dwarf *main, const struct piece *pieces,
                       struct hak_dwp_unit *unit) {
    GElf_Ehdr of_main = {.e_machine = EM_NONE};
    (void)gelf_getehdr(dwarf_getelf(main), &of_main);
    uint64_t strings_at = 0;
    struct piece strings = find_section(dwp->file.elf, section_table[STR].name, &strings_at);
    size_t into_page = strings_at % PAGE_BYTES, bytes = sizeof(Elf64_Ehdr), names_at, headers_at;
    size_t at[SECTIONS] = {0};
    for (int s = 0; s < SECTIONS; s++) {
        at[s] = bytes;
        bytes += s == STR ? 0 : round_up(pieces[s].size, 16);
    }
    names_at = bytes;
    bytes += 512;
    headers_at = bytes;
    bytes = round_up(bytes + (SECTIONS + 2) * sizeof(Elf64_Shdr), PAGE_BYTES);
    at[STR] = bytes + into_page;
    unit->image_bytes = bytes + round_up(into_page + strings.size, PAGE_BYTES);
    unit->image =
        mmap(NULL, unit->image_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (unit->image == MAP_FAILED)
        return false;
    if (strings.size > 0 &&
        mmap(unit->image + bytes, into_page + strings.size, PROT_READ, MAP_PRIVATE | MAP_FIXED,
             dwp->file.fd, (off_t)(strings_at - into_page)) == MAP_FAILED)
        return false;
    Elf64_Shdr *headers = (Elf64_Shdr *)(unit->image + headers_at);
    char *names = (char *)unit->image + names_at;
    size_t name_at = 1;
    for (int s = 0; s <= SECTIONS; s++) {
        const char *name = s < SECTIONS ? section_table[s].name : ".shstrtab";
        size_t size = s == SECTIONS ? 512 : s == STR ? strings.size : pieces[s].size;
        headers[s + 1] = (Elf64_Shdr){.sh_name = (Elf64_Word)name_at,
                                      .sh_type = s < SECTIONS ? SHT_PROGBITS : SHT_STRTAB,
                                      .sh_offset = s < SECTIONS ? at[s] : names_at,
                                      .sh_size = size,
                                      .sh_addralign = 1};
        strcpy(names + name_at, name);
        name_at += strlen(name) + 1;
        if (s < SECTIONS && s != STR && size > 0)
            memcpy(unit->image + at[s], pieces[s].bytes, size);
    }
    *(Elf64_Ehdr *)unit->image = (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = of_main.e_machine,
        .e_version = EV_CURRENT,
        .e_shoff = headers_at,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS + 2,
        .e_shstrndx = SECTIONS + 1};
    return true;
}

bool hak_dwp_find(struct hak_dwp *dwp, Dwarf *main, Dwarf_Die *skeleton, Dwarf_Die *die) {
    struct piece pieces[SECTIONS] = {{NULL, 0}};
    Dwarf_Half version;
    uint8_t type;
    uint64_t id = 0;
    Dwarf_CU *cu = NULL;
    if (dwp->file.fd < 0 ||
        dwarf_cu_info(skeleton->cu, &version, &type, NULL, NULL, &id, NULL, NULL) != 0 ||
        !find_pieces(dwp, id, pieces))
        return false;
    pieces[ADDR] = part_of_program(main, ".debug_addr",
                                   base_of(skeleton, DW_AT_addr_base, DW_AT_GNU_addr_base));
    if (version < 5)
        pieces[RANGES] = part_of_program(
            main, ".debug_ranges", base_of(skeleton, DW_AT_GNU_ranges_base, DW_AT_GNU_ranges_base));
    struct hak_dwp_unit *unit = calloc(1, sizeof *unit);
    if (!unit)
        return false;
    if (!make_image(dwp, main, pieces, unit)) {
        if (unit->image && unit->image != MAP_FAILED)
            munmap(unit->image, unit->image_bytes);
        free(unit);
        return false;
    }
    unit->next = dwp->units;
    dwp->units = unit;
    unit->elf = elf_memory((char *)unit->image, unit->image_bytes);
    unit->dwarf = unit->elf ? dwarf_begin_elf(unit->elf, DWARF_C_READ, NULL) : NULL;
    return unit->dwarf &&
           dwarf_get_units(unit->dwarf, NULL, &cu, &version, &type, die, NULL) == 0 &&
           dwarf_tag(die) == DW_TAG_compile_unit;
}
