/* Inflates debug information from the front, unit by unit. */
#include "symbols/inflated.h"

#include <dwarf.h>
#include <string.h>
#include <sys/mman.h>
#include "symbols/elf_file.h"

#define INFO_MAX ((size_t)16 << 20) /* 0.1 s: more is for the thread that loads files */
#define STEP     ((size_t)64 << 10)

/* ---- a section ------------------------------------------------------------------------------- */

/* Fills the section up to `end`. False when it does not reach as far. */
static bool fill(struct hak_inflating *s, size_t end) {
    if (end <= s->filled)
        return true;
    if (end > s->size || s->is_broken)
        return false;
    size_t goal = end > s->size - (s->size < STEP ? s->size : STEP) ? s->size : end + STEP;
    s->stream.next_out = s->bytes + s->filled;
    s->stream.avail_out = (uInt)(goal - s->filled);
    int result = inflate(&s->stream, Z_SYNC_FLUSH);
    s->filled = goal - s->stream.avail_out;
    s->is_broken = (result != Z_OK && result != Z_STREAM_END) || s->filled < goal;
    return end <= s->filled;
}

static void fill_whole(struct hak_inflating *s) {
    (void)fill(s, s->size);
}

/* Begins to inflate a section into memory of its size. False without memory. */
static bool begin_stream(struct hak_inflating *s, const Elf_Data *compressed, size_t header_bytes) {
    s->stream = (z_stream){.next_in = (Bytef *)compressed->d_buf + header_bytes,
                           .avail_in = (uInt)(compressed->d_size - header_bytes)};
    if (inflateInit(&s->stream) != Z_OK)
        return false;
    (void)inflateValidate(&s->stream, 0); /* the checksum is behind the bytes read, mostly */
    void *memory = mmap(NULL, s->size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    s->bytes = memory == MAP_FAILED ? NULL : memory;
    if (!s->bytes)
        inflateEnd(&s->stream);
    return s->bytes != NULL;
}

/* Frees the stream and its bytes, if there is one. */
static void end_stream(struct hak_inflating *s) {
    if (!s->bytes)
        return;
    inflateEnd(&s->stream);
    munmap(s->bytes, s->size);
    *s = (struct hak_inflating){0};
}

/* Begins to inflate a section, nothing read yet. False: it is not there, not compressed by zlib, or
 * too large. */
static bool open_section(struct hak_inflating *s, Elf *elf, const char *name) {
    GElf_Shdr header;
    GElf_Chdr inflated;
    Elf_Scn *section = hak_elf_find_section(elf, name, &header);
    if (!section || !(header.sh_flags & SHF_COMPRESSED) || !gelf_getchdr(section, &inflated) ||
        inflated.ch_type != ELFCOMPRESS_ZLIB || inflated.ch_size == 0 ||
        inflated.ch_size > INFO_MAX)
        return false;
    Elf_Data *data = elf_rawdata(section, NULL);
    if (!data || data->d_size <= sizeof(Elf64_Chdr))
        return false;
    s->size = inflated.ch_size;
    return begin_stream(s, data, sizeof(Elf64_Chdr));
}

/* Makes the inflated bytes the section's data, in both forms, which are one for bytes. */
static void hand_over(struct hak_inflating *s, Elf *elf, const char *name) {
    GElf_Shdr header;
    Elf_Scn *section = hak_elf_find_section(elf, name, &header);
    Elf_Data *const forms[] = {elf_rawdata(section, NULL), elf_getdata(section, NULL)};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!forms[i])
            continue;
        forms[i]->d_buf = s->bytes;
        forms[i]->d_size = s->size;
        forms[i]->d_type = ELF_T_BYTE;
    }
    header.sh_flags &= ~(GElf_Xword)SHF_COMPRESSED;
    header.sh_size = s->size;
    (void)gelf_update_shdr(section, &header);
}

bool hak_inflated_open(struct hak_inflated *inflated, Elf *elf) {
    const char *identity = elf_getident(elf, NULL);
    *inflated = (struct hak_inflated){.next_unit = 0};
    if (!identity || identity[EI_CLASS] != ELFCLASS64 || identity[EI_DATA] != ELFDATA2LSB ||
        !open_section(&inflated->info, elf, ".debug_info") ||
        !open_section(&inflated->abbrev, elf, ".debug_abbrev") ||
        !open_section(&inflated->line, elf, ".debug_line")) {
        hak_inflated_close(inflated);
        return false;
    }
    hand_over(&inflated->info, elf, ".debug_info");
    hand_over(&inflated->abbrev, elf, ".debug_abbrev");
    hand_over(&inflated->line, elf, ".debug_line");
    return true;
}

void hak_inflated_close(struct hak_inflated *inflated) {
    end_stream(&inflated->info);
    end_stream(&inflated->abbrev);
    end_stream(&inflated->line);
}

/* ---- bytes that libdw will read -------------------------------------------------------------- */

/* A number of `bytes` at `*at`, which moves behind it; 0 behind the end. */
static uint64_t take(struct hak_inflating *s, uint64_t *at, size_t bytes) {
    uint64_t number = 0;
    if (*at < s->size && fill(s, (size_t)*at + bytes))
        memcpy(&number, s->bytes + *at, bytes); /* of one byte order */
    *at += bytes;
    return number;
}

static uint64_t take_byte(struct hak_inflating *s, uint64_t *at) {
    return *at < s->filled ? s->bytes[(*at)++] : take(s, at, 1);
}

/* Reads a ULEB128, inflating as far as needed. */
static uint64_t take_leb(struct hak_inflating *s, uint64_t *at) {
    uint64_t number = 0, byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) && shift < 64; shift += 7) {
        byte = take_byte(s, at);
        number |= (byte & 0x7f) << shift;
    }
    return number;
}

/* The length that a unit or a line table begins with: where that ends, and how wide offsets are. */
static uint64_t take_end(struct hak_inflating *s, uint64_t *at, size_t *offset_bytes) {
    uint64_t length = take(s, at, 4);
    *offset_bytes = length == UINT32_MAX ? 8 : 4;
    if (length == UINT32_MAX)
        length = take(s, at, 8);
    return length <= s->size ? *at + length : UINT64_MAX;
}

/* Inflates the table of abbreviations at `at`. True when its units may refer to others. */
static bool take_abbreviations(struct hak_inflating *s, uint64_t at) {
    bool refers = false;
    while (at < s->size && !s->is_broken && take_leb(s, &at) != 0) {
        (void)take_leb(s, &at);  /* the tag */
        (void)take_byte(s, &at); /* whether it has children */
        for (uint64_t name = 1, form = 1; (name != 0 || form != 0) && at < s->size;) {
            name = take_leb(s, &at);
            form = take_leb(s, &at);
            if (form == DW_FORM_implicit_const)
                (void)take_leb(s, &at);
            refers |=
                form == DW_FORM_ref_addr || form == DW_FORM_ref_sig8 || form == DW_FORM_indirect;
        }
    }
    return refers;
}

bool hak_inflated_next_unit(struct hak_inflated *inflated) {
    struct hak_inflating *info = &inflated->info;
    uint64_t at = inflated->next_unit;
    size_t offset_bytes;
    if (at >= info->size) { /* units of types, in a section of their own, have tables too */
        fill_whole(&inflated->abbrev);
        return false;
    }
    uint64_t end = take_end(info, &at, &offset_bytes);
    if (end > info->size || !fill(info, end))
        return false;
    inflated->next_unit = end;
    if (take(info, &at, 2) >= 5)
        at += 2; /* the kind of unit and the size of addresses come first */
    if (take_abbreviations(&inflated->abbrev, take(info, &at, offset_bytes))) {
        fill_whole(info);
        fill_whole(&inflated->abbrev);
    }
    return true;
}

void hak_inflated_lines(struct hak_inflated *inflated, Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    Dwarf_Word offset;
    size_t offset_bytes;
    if (!dwarf_attr(die, DW_AT_stmt_list, &attribute) || dwarf_formudata(&attribute, &offset) != 0)
        return;
    uint64_t end = take_end(&inflated->line, &offset, &offset_bytes);
    if (end <= inflated->line.size)
        (void)fill(&inflated->line, (size_t)end);
}
