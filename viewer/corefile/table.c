/* Finds the notes of layout.h in the mapped files of a core, and looks their names up once. */
#include "viewer/corefile/table.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "version.h"

#define LAYOUT_NOTES_MAX (1u << 20) /* bytes of notes of one module that are looked at */
enum { ENTRIES_MAX = 4096 };

static const char *const names[HAK_LAYOUT_IDS] = {
#define FIELD(name, type, field) [HAK_AT_##name##_##field] = #name "." #field,
#define WHOLE(name, type)        [HAK_AT_##name##_bytes] = #name ".bytes",
#define VALUE(name, value)       [HAK_AT_##name] = #name,
#include "layout.def"
};
static const char *const root_names[HAK_LAYOUT_ROOT_COUNT] = {
#define ROOT(name, symbol) [HAK_ROOT_##name] = #name,
#include "layout.def"
};
/* Those that a library may do without. */
static const bool is_optional[HAK_LAYOUT_ROOT_COUNT] = {
#define DEBUG_ROOT(name, symbol) [HAK_ROOT_##name] = true,
#include "layout.def"
};

/* The state of reading one module. */
struct reading {
    struct core_memory *core;
    struct core_tables *tables;
    const struct core_file *file;
    struct hak_text *error;
    uint64_t bias;   /* of the module: what its addresses are counted from */
    bool is_missing; /* what a note of ours leads to */
};

/* Says, if nothing was said before, that the table does not fit. Returns false. */
static bool refuse(const struct reading *reading, const char *what, const char *name) {
    if (reading->error->length == 0)
        hak_text_add(reading->error, "%s of this core does not fit: its table %s%s",
                     core_file_name(reading->file), what, name);
    return false;
}

/* ---- one note -------------------------------------------------------------------------------- */

/* Whether the numbers that lengths and counts are made of are in their ranges: a walk by wilder
 * ones would not end. */
static bool is_sane(const struct core_table *t) {
    uint64_t slab = core_value(t, HAK_AT_slab_size), slabs = core_value(t, HAK_AT_slabs);
    return core_value(t, HAK_AT_registry_shift) == 21 &&
           core_value(t, HAK_AT_superslab_size) == (uint64_t)1 << 21 && slab >= 4096 && slabs > 0 &&
           slabs <= 64 && slab * slabs == core_value(t, HAK_AT_superslab_size) &&
           core_value(t, HAK_AT_classes) <= 128 && core_value(t, HAK_AT_address_bits) <= 48 &&
           core_value(t, HAK_AT_address_bits) >= core_value(t, HAK_AT_registry_shift) &&
           core_value(t, HAK_AT_own_leaf_page_bits) >= 6 &&
           core_value(t, HAK_AT_own_leaf_page_bits) <= 30 &&
           core_value(t, HAK_AT_heap_id_max) < 65536 &&
           core_value(t, HAK_AT_remote_places) <= 65536 &&
           core_value(t, HAK_AT_blocks_of_chunk) <= 4096 &&
           core_value(t, HAK_AT_mid_segment_places) <= 4096 &&
           core_value(t, HAK_AT_registry_part_entries) >= 1024 &&
           core_value(t, HAK_AT_registry_part_entries) <= 1 << 20 &&
           core_value(t, HAK_AT_registry_leaf_bits) >= 8 &&
           core_value(t, HAK_AT_registry_leaf_bits) <= 20 &&
           core_value(t, HAK_AT_kept_chunks) <= 64 && core_value(t, HAK_AT_run_bins) <= 1024 &&
           core_value(t, HAK_AT_pages_of_chunk) <= 1 << 20 &&
           core_value(t, HAK_AT_map_roots) <= 1 << 17 &&
           core_value(t, HAK_AT_map_middle_places) <= 1 << 17 &&
           core_value(t, HAK_AT_map_leaf_places) <= 64 &&
           core_value(t, HAK_AT_map_granule_roots) <= 1 << 17 &&
           core_value(t, HAK_AT_map_granules) <= 1 << 17 &&
           core_value(t, HAK_AT_node_bytes) <= 256 && core_value(t, HAK_AT_node_lap_shift) == 48;
}

/* Reads hakmem's table of layouts at an address. False: it was refused, or is missing. */
static bool read_table(struct reading *reading, uint64_t address) {
    struct hak_layout head;
    if (!core_read(reading->core, address, &head, sizeof head)) {
        reading->is_missing = true;
        return false;
    }
    if (head.version != HAK_LAYOUT_VERSION) {
        if (reading->error->length == 0)
            hak_text_add(reading->error,
                         "%s of this core is hakmem %.32s, whose table has version %u; this "
                         "hakmem-trace (%s) reads version %u: use the one of that version",
                         core_file_name(reading->file), head.built, head.version, HAK_VERSION,
                         HAK_LAYOUT_VERSION);
        return false;
    }
    if (head.entry_bytes != sizeof(struct hak_layout_entry) || head.count > ENTRIES_MAX)
        return refuse(reading, "has another form", "");
    if (reading->tables->count == CORE_TABLES_MAX)
        return refuse(reading, "is there too often", "");
    struct core_table *table = &reading->tables->table[reading->tables->count];
    *table = (struct core_table){.core = reading->core, .file = reading->file, .half = head.half};
    memcpy(table->built, head.built, sizeof head.built);
    bool has[HAK_LAYOUT_IDS] = {false};
    for (uint32_t i = 0; i < head.count; i++) {
        struct hak_layout_entry entry;
        if (!core_read(reading->core, address + sizeof head + i * sizeof entry, &entry,
                       sizeof entry)) {
            reading->is_missing = true;
            return false;
        }
        for (int id = 0; id < HAK_LAYOUT_IDS; id++)
            if (strncmp(entry.name, names[id], sizeof entry.name) == 0) {
                table->offset[id] = entry.offset;
                table->bytes[id] = entry.bytes;
                has[id] = true;
            }
    }
    for (int id = 0; id < HAK_LAYOUT_IDS; id++) {
        if (!has[id])
            return refuse(reading, "has no ", names[id]);
        if (table->bytes[id] > 1u << 30 || table->offset[id] > 1u << 30)
            return refuse(reading, "makes no sense at ", names[id]);
    }
    if (!is_sane(table))
        return refuse(reading, "has numbers that make no sense", "");
    reading->tables->count++;
    return true;
}

/* Distances are counted from where they stand. A root that the library lacks leads to its start. */
static void read_roots(const struct reading *reading, struct core_table *table, uint64_t address,
                       const uint8_t *bytes, size_t length) {
    int64_t distance;
    for (size_t at = 0; at + sizeof distance < length;) {
        memcpy(&distance, bytes + at, sizeof distance);
        const char *name = (const char *)bytes + at + sizeof distance;
        size_t most = length - at - sizeof distance, name_bytes = strnlen(name, most);
        if (name_bytes == most)
            return;
        for (int root = 0; root < HAK_LAYOUT_ROOT_COUNT; root++)
            if (strcmp(name, root_names[root]) == 0)
                table->root[root] = address + at + (uint64_t)distance;
        for (int root = 0; root < HAK_LAYOUT_ROOT_COUNT; root++)
            if (is_optional[root] && table->root[root] == reading->bias)
                table->root[root] = 0;
        at += sizeof distance + name_bytes + 1;
    }
}

/* Reads the table and the roots that a note leads to. False: it was refused, or is missing. */
static bool follow_note(struct reading *reading, uint64_t address, const uint8_t *bytes,
                        size_t length) {
    struct hak_layout_note note;
    if (length < sizeof note)
        return refuse(reading, "is cut off", "");
    memcpy(&note, bytes, sizeof note);
    if (!read_table(reading, address + (uint64_t)note.table))
        return false;
    struct core_table *table = &reading->tables->table[reading->tables->count - 1];
    uint64_t roots = address + (uint64_t)note.roots;
    uint8_t *names_of_roots = note.root_bytes < LAYOUT_NOTES_MAX ? malloc(note.root_bytes) : NULL;
    if (names_of_roots && core_read(reading->core, roots, names_of_roots, note.root_bytes))
        read_roots(reading, table, roots, names_of_roots, note.root_bytes);
    else
        reading->is_missing = true;
    free(names_of_roots);
    return !reading->is_missing;
}

/* ---- a module -------------------------------------------------------------------------------- */

/* Follows the notes of ours among `length` bytes that lie at `address`. */
static void read_layout_notes(struct reading *reading, uint64_t address, const uint8_t *bytes,
                              size_t length) {
    Elf64_Nhdr note;
    for (size_t at = 0; at + sizeof note <= length;) {
        memcpy(&note, bytes + at, sizeof note);
        size_t owner = at + sizeof note, start = owner + ((size_t)note.n_namesz + 3) / 4 * 4;
        size_t end = start + note.n_descsz;
        if (end > length)
            break;
        if (note.n_type == HAK_LAYOUT_NOTE && note.n_namesz == sizeof HAK_LAYOUT_OWNER &&
            memcmp(bytes + owner, HAK_LAYOUT_OWNER, sizeof HAK_LAYOUT_OWNER) == 0 &&
            !follow_note(reading, address + start, bytes + start, note.n_descsz))
            break;
        at = (end + 3) / 4 * 4;
    }
}

/* Reads the notes of a part of a module. False: its notes, or what they lead to, cannot be read. */
static bool read_note_part(struct reading *reading, uint64_t address, uint64_t length) {
    if (length == 0 || length > LAYOUT_NOTES_MAX)
        return true;
    uint8_t *bytes = malloc(length);
    bool is_read = bytes && core_read(reading->core, address, bytes, length);
    if (is_read)
        read_layout_notes(reading, address, bytes, length);
    free(bytes);
    return is_read && !reading->is_missing;
}

/* Reads the tables of a module. False: some of it is missing, so that nothing is known of it. */
static bool read_module_tables(struct reading *reading) {
    uint64_t base = reading->file->start;
    Elf64_Ehdr header;
    Elf64_Phdr part[CORE_PARTS_MAX];
    if (!core_read(reading->core, base, &header, sizeof header))
        return false;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        return true; /* data */
    size_t count = header.e_phnum < CORE_PARTS_MAX ? header.e_phnum : CORE_PARTS_MAX;
    if (header.e_phentsize != sizeof *part ||
        !core_read(reading->core, base + header.e_phoff, part, count * sizeof *part))
        return false;
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_vaddr < first)
            first = part[i].p_vaddr;
    uint64_t bias = base - first / CORE_PAGE_BYTES * CORE_PAGE_BYTES;
    reading->bias = bias;
    bool is_read = true;
    for (size_t i = 0; i < count && first != UINT64_MAX; i++)
        if (part[i].p_type == PT_NOTE)
            is_read &= read_note_part(reading, bias + part[i].p_vaddr, part[i].p_memsz);
    return is_read;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Whether all roots that are not optional are there. */
static bool has_all_roots(const struct core_table *table) {
    for (int root = 0; root < HAK_LAYOUT_ROOT_COUNT; root++)
        if (!table->root[root] && !is_optional[root])
            return false;
    return true;
}

static bool is_named_hakmem(const struct core_file *file) {
    const char *name = core_file_name(file);
    return strstr(name, "hakmem-debug") || strstr(name, "libhakmem");
}

bool core_tables_find(struct core_memory *core, struct core_tables *tables,
                      struct hak_text *error) {
    const struct core_file *unread = NULL;
    size_t unread_count = 0;
    *tables = (struct core_tables){.count = 0};
    for (size_t i = 0; i < core->file_count; i++) {
        struct reading reading = {
            .core = core, .tables = tables, .file = &core->file[i], .error = error};
        if (reading.file->start == 0 || read_module_tables(&reading))
            continue;
        unread_count++;
        if (!unread || is_named_hakmem(reading.file))
            unread = reading.file;
    }
    core->missing = 0;
    if (unread && tables->count > 0 && is_named_hakmem(unread))
        tables->count = 0; /* a half of it is not enough */
    if (error->length > 0)
        return false;
    for (int i = 0; i < tables->count; i++)
        if (!has_all_roots(&tables->table[i])) {
            hak_text_add(error, "%s of this core does not fit: its table lacks a variable",
                         core_file_name(tables->table[i].file));
            return false;
        }
    if (tables->count > 0)
        return true;
    hak_text_add(error, "no allocator of hakmem is in %s", core->path);
    if (unread)
        hak_text_add(error, ", or its library cannot be read: of %s, %s",
                     unread_count == 1 ? "one module nothing is known"
                                       : "some modules nothing is "
                                         "known",
                     unread->path);
    if (unread && unread->why)
        hak_text_add(error, " (%s)", unread->why);
    return false;
}
