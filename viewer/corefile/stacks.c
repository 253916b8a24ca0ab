/* Follows stack nodes, and names return addresses by the modules of the core. */
#include "viewer/corefile/stacks.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "symbols/symbols.h"
#include "trace/frame_node.h"

#define BUILD_ID_NOTES_MAX (1u << 16)
enum { BUILD_ID_BYTES = 64, LEVELS_MAX = 32, WAIT_MS = 10000 };

/* ---- nodes ----------------------------------------------------------------------------------- */

/* The half that has stacks; NULL: none has. */
static const struct core_table *table_of(const struct core_blocks *blocks) {
    for (int i = 0; i < blocks->tables.count; i++)
        if (blocks->tables.table[i].half == HAK_LAYOUT_CHECKS &&
            blocks->tables.table[i].root[HAK_ROOT_stacks])
            return &blocks->tables.table[i];
    return NULL;
}

/* The same as hak_node_read (trace/node.h), by the table. */
struct nodes {
    const struct core_table *table;
    uint64_t at, capacity, bytes;
    unsigned bits, shift;
};

/* Finds the program's table of stack nodes. False: the core has none. */
static bool find_nodes(const struct core_blocks *blocks, struct nodes *nodes) {
    const struct core_table *t = table_of(blocks);
    uint64_t stacks = t ? t->root[HAK_ROOT_stacks] : 0;
    if (!t)
        return false;
    *nodes = (struct nodes){.table = t,
                            .at = core_at(t, stacks, HAK_AT_stacks_nodes),
                            .capacity = core_at(t, stacks, HAK_AT_stacks_node_capacity),
                            .bytes = core_value(t, HAK_AT_node_bytes),
                            .bits = 32,
                            .shift = (unsigned)core_value(t, HAK_AT_node_lap_shift)};
    if (nodes->capacity == 0 || nodes->capacity > UINT32_MAX)
        return false;
    if (core_at(t, stacks, HAK_AT_stacks_nodes_mapped))
        nodes->bits = (unsigned)__builtin_ctzll(nodes->capacity);
    return nodes->at != 0;
}

/* Reads a stack node. False: its place does not hold it, or is not in the core. */
static bool read_node(const struct nodes *nodes, uint32_t id, uint64_t *ip, uint32_t *parent) {
    uint64_t place = id & (((uint64_t)1 << nodes->bits) - 1), word = 0;
    uint64_t at = nodes->at + place * nodes->bytes, missing = nodes->table->core->missing;
    if (place >= nodes->capacity)
        return false;
    word = core_at(nodes->table, at, HAK_AT_node_ip);
    *parent = (uint32_t)core_at(nodes->table, at, HAK_AT_node_parent);
    *ip = word & (((uint64_t)1 << nodes->shift) - 1);
    bool is_there = nodes->table->core->missing == missing;
    nodes->table->core->missing = missing; /* a core may leave stacks out: they are no blocks */
    return is_there && *ip != 0 && word >> nodes->shift == (uint64_t)id >> nodes->bits;
}

size_t core_stack(struct core_blocks *blocks, uint32_t id, uint64_t ips[CORE_STACK_MAX]) {
    struct nodes nodes;
    size_t count = 0;
    uint64_t ip;
    uint32_t parent;
    if (id == 0 || !find_nodes(blocks, &nodes))
        return 0;
    /* Parents are older than their children. */
    for (uint32_t left = UINT32_MAX; id != 0 && id < left && count < CORE_STACK_MAX;) {
        left = id;
        if (!read_node(&nodes, id, &ip, &parent))
            break;
        if (hak_frame_node_kind(ip) == HAK_FRAME_NODE_NONE)
            ips[count++] = ip;
        id = parent;
    }
    return count;
}

/* ---- modules --------------------------------------------------------------------------------- */

/* Reads the build-id of a note as hexadecimal, if there is one. */
static void read_build_id(const uint8_t *bytes, size_t length, char *hex) {
    Elf64_Nhdr note;
    for (size_t at = 0; at + sizeof note <= length;) {
        memcpy(&note, bytes + at, sizeof note);
        size_t start = at + sizeof note + ((size_t)note.n_namesz + 3) / 4 * 4;
        size_t end = start + note.n_descsz;
        if (end > length)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
            memcmp(bytes + at + sizeof note, "GNU", sizeof "GNU") == 0 &&
            note.n_descsz <= BUILD_ID_BYTES) {
            for (size_t i = 0; i < note.n_descsz; i++)
                snprintf(hex + 2 * i, 3, "%02x", bytes[start + i]);
            return;
        }
        at = (end + 3) / 4 * 4;
    }
}

/* Reads the start of the file's addresses, and its build-id in hex ("" = none). False: its headers
 * are missing. */
static bool read_bias_and_build_id(struct core_memory *core, const struct core_file *file,
                                   uint64_t *bias, char *build_id) {
    Elf64_Ehdr header;
    Elf64_Phdr part[CORE_PARTS_MAX];
    if (!file->start || !core_read(core, file->start, &header, sizeof header) ||
        memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_phentsize != sizeof *part ||
        header.e_phnum > CORE_PARTS_MAX ||
        !core_read(core, file->start + header.e_phoff, part, header.e_phnum * sizeof *part))
        return false;
    uint64_t first = UINT64_MAX;
    for (size_t i = 0; i < header.e_phnum; i++)
        if (part[i].p_type == PT_LOAD && part[i].p_vaddr < first)
            first = part[i].p_vaddr;
    if (first == UINT64_MAX)
        return false;
    *bias = file->start - first / CORE_PAGE_BYTES * CORE_PAGE_BYTES;
    *build_id = 0;
    for (size_t i = 0; i < header.e_phnum && !*build_id; i++) {
        uint8_t *notes = part[i].p_type == PT_NOTE && part[i].p_memsz < BUILD_ID_NOTES_MAX
                             ? malloc(part[i].p_memsz)
                             : NULL;
        if (notes && core_read(core, *bias + part[i].p_vaddr, notes, part[i].p_memsz))
            read_build_id(notes, part[i].p_memsz, build_id);
        free(notes);
    }
    return true;
}

/* The file's functions at `offset`: how many levels. PROGRAM stands in for a file that lies
 * elsewhere now. */
static int find_names(struct core_blocks *blocks, const char *path, const char *build_id,
                      uint64_t offset, struct hak_symbol *levels) {
    const char *paths[] = {path, blocks->memory.program};
    int count = 0;
    for (size_t i = 0; i < 2 && count == 0; i++) {
        uint32_t left = WAIT_MS;
        struct hak_symbol_file *file =
            paths[i] && access(paths[i], R_OK) == 0
                ? hak_symbols_open(blocks->symbols, paths[i], build_id, 0, 0)
                : NULL;
        if (file && hak_symbols_wait(file, &left))
            count = hak_symbols_find(file, offset, levels, LEVELS_MAX);
    }
    return count;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Adds the frames of one return address, the innermost inlined function first, or one without a
 * name. Returns how many. */
static int name_frame(struct core_blocks *blocks, uint64_t ip, struct hak_frame *out) {
    struct core_memory *core = &blocks->memory;
    const struct core_mapping *mapping = core_mapping_at(core, ip - 1);
    const struct core_file *file = mapping ? &core->file[mapping->file] : NULL;
    struct hak_symbol level[LEVELS_MAX];
    char build_id[2 * BUILD_ID_BYTES + 1] = "";
    uint64_t bias = 0, missing = core->missing;
    bool is_known = file && read_bias_and_build_id(core, file, &bias, build_id);
    core->missing = missing;
    out[0] = (struct hak_frame){
        .ip = ip, .module = file ? file->path : "", .module_offset = is_known ? ip - bias : 0};
    int count = is_known && blocks->symbols
                    ? find_names(blocks, file->path, build_id, ip - bias - 1, level)
                    : 0;
    for (int i = 0; i < count; i++) {
        out[i] = out[0];
        out[i].function = level[i].function;
        out[i].file = level[i].file;
        out[i].line = level[i].line;
        out[i].inlined = i + 1 < count;
    }
    return count > 0 ? count : 1;
}

void core_stack_frames(struct core_blocks *blocks, uint32_t id, struct hak_frames *frames) {
    uint64_t ips[CORE_STACK_MAX];
    size_t depth = core_stack(blocks, id, ips);
    int count = 0;
    *frames = (struct hak_frames){.count = 0};
    struct hak_frame *made = depth ? calloc(depth * LEVELS_MAX, sizeof *made) : NULL;
    if (!blocks->symbols)
        blocks->symbols = hak_symbols_make();
    for (size_t i = 0; made && i < depth; i++)
        count += name_frame(blocks, ips[i], made + count);
    if (made && hak_frames_copy(frames, made, count) != 0)
        *frames = (struct hak_frames){.count = 0};
    free(made);
}

void core_stacks_close(struct core_blocks *blocks) {
    if (blocks->symbols)
        hak_symbols_free(blocks->symbols);
    blocks->symbols = NULL;
}

/* ---- the recording --------------------------------------------------------------------------- */

uint64_t core_session(struct core_blocks *blocks, char *store_path, size_t room) {
    const struct core_table *t = table_of(blocks);
    uint64_t current = t ? t->root[HAK_ROOT_current] : 0, missing = blocks->memory.missing;
    uint64_t session = current ? core_at(t, current, HAK_AT_current_session) : 0, id = 0;
    *store_path = 0;
    if (session) {
        id = core_at(t, session, HAK_AT_session_session_id);
        size_t bytes = t->bytes[HAK_AT_session_store_path];
        bool is_read = bytes < room &&
                       core_read(&blocks->memory, core_place(t, session, HAK_AT_session_store_path),
                                 store_path, bytes);
        store_path[is_read ? bytes : 0] = 0;
    }
    blocks->memory.missing = missing;
    return id;
}
