/* Takes single units out of packages of split debug information. */
#include "symbols/dwp.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };

/* The sections of a unit's own file, and the table of their names there. `column` is the section's
 * number in the index: 0 = all of it from the package, -1 = from the program, where the name is
 * without .dwo (libdw takes all names with it or all without it), or the table itself. */
enum { NAMES, INFO, ABBREV, STR_OFFSETS, RNGLISTS, STR, ADDR, RANGES, SECTIONS };
static const struct {
    char name[24];
    int column;
} section_table[SECTIONS] = {
    [NAMES] = {".shstrtab", -1},
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
        dwarf_end(unit->dwarf);
        elf_end(unit->elf);
        free(unit);
    }
    hak_elf_close(&dwp->file);
}

static struct piece find_section(Elf *elf, const char *wanted) {
    GElf_Shdr header;
    Elf_Scn *section = hak_elf_find_section(elf, wanted, &header);
    Elf_Data *data =
        section && !(header.sh_flags & SHF_COMPRESSED) ? elf_rawdata(section, NULL) : NULL;
    if (!data || !data->d_buf)
        return (struct piece){NULL, 0};
    return (struct piece){data->d_buf, data->d_size};
}

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
    struct piece index = find_section(dwp->file.elf, ".debug_cu_index");
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
        struct piece whole = find_section(dwp->file.elf, section_table[s].name);
        if (section_table[s].column == 0)
            pieces[s] = whole;
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

static Dwarf_Word base_of(Dwarf_Die *die, unsigned name, unsigned gnu_name) {
    Dwarf_Attribute attribute;
    Dwarf_Word base = 0;
    if (dwarf_attr(die, name, &attribute) || dwarf_attr(die, gnu_name, &attribute))
        (void)dwarf_formudata(&attribute, &base);
    return base;
}

/* The rest of a section of the program from where the unit's part begins. */
static struct piece part_of_program(Dwarf *main, const char *name, uint64_t from) {
    struct piece whole = find_section(dwarf_getelf(main), name);
    if (from >= whole.size)
        return (struct piece){NULL, 0};
    return (struct piece){whole.bytes + from, whole.size - from};
}

/* The bytes are not copied. */
static bool add_section(Elf *elf, int s, struct piece piece) {
    GElf_Shdr header = {.sh_name = (GElf_Word)((size_t)s * sizeof section_table[0]),
                        .sh_type = s == NAMES ? SHT_STRTAB : SHT_PROGBITS,
                        .sh_size = piece.size};
    Elf_Scn *section = elf_newscn(elf);
    Elf_Data *data = section ? elf_newdata(section) : NULL;
    if (!data)
        return false;
    data->d_buf = (void *)piece.bytes;
    data->d_size = piece.size;
    return gelf_update_shdr(section, &header) != 0;
}

/* Makes an ELF file of the pieces that nobody writes anywhere. */
static Elf *make_file(const struct hak_dwp *dwp, const struct piece *pieces) {
    GElf_Ehdr header = {.e_ident = {[EI_CLASS] = ELFCLASS64, ELFDATA2LSB}, .e_shstrndx = 1};
    Elf *elf = elf_begin(dwp->file.fd, ELF_C_WRITE, NULL);
    bool is_made = elf && gelf_newehdr(elf, ELFCLASS64) && gelf_update_ehdr(elf, &header);
    for (int s = 0; is_made && s < SECTIONS; s++)
        is_made = pieces[s].size == 0 || add_section(elf, s, pieces[s]);
    if (is_made)
        return elf;
    elf_end(elf);
    return NULL;
}

bool hak_dwp_find(struct hak_dwp *dwp, Dwarf *main, Dwarf_Die *skeleton, Dwarf_Die *die) {
    struct piece pieces[SECTIONS] = {
        [NAMES] = {(const uint8_t *)section_table, sizeof section_table}};
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
    unit->next = dwp->units;
    dwp->units = unit;
    unit->elf = make_file(dwp, pieces);
    unit->dwarf = unit->elf ? dwarf_begin_elf(unit->elf, DWARF_C_READ, NULL) : NULL;
    return unit->dwarf &&
           dwarf_get_units(unit->dwarf, NULL, &cu, &version, &type, die, NULL) == 0 &&
           dwarf_tag(die) == DW_TAG_compile_unit;
}
