/* Compressed sections of debug information, inflated no further than they are asked for.
 *
 *   .debug_info    |=== units asked for ===|- - - zeros, pages that nobody touched - - -|
 *   .debug_abbrev  |=== their tables ===|- - - - - - - - - - - - - - - - - - - - - - - -|
 *   .debug_line    |=== up to the last table asked for ===|- - - - - - - - - - - - - - -|
 *
 * libdw inflates every section as soon as it opens a file. Here it gets memory of the full size
 * instead, which is filled from the front: a few units near the front of the C library's cost 1 %
 * of all. A caller that follows a reference into another unit asks for everything first. Small
 * sections of names and ranges are left to libdw. For one thread at a time. */
#ifndef HAK_SYMBOLS_INFLATED_H
#define HAK_SYMBOLS_INFLATED_H

#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

/* A section that grows from its front. */
struct hak_inflating {
    uint8_t *bytes; /* mapped, `size`; NULL = the section is not compressed */
    size_t size, filled;
    bool is_broken; /* no more can be inflated */
    z_stream stream;
};

struct hak_inflated {
    struct hak_inflating info, abbrev, line;
    uint64_t next_unit; /* offset of the first unit that was not asked for */
};

/* Takes over .debug_info, .debug_abbrev and .debug_line of `elf`, before libdw opens it. False,
 * with `elf` as it was: it does not have all of them compressed by zlib, or .debug_info is so big
 * that a thread must inflate it. `elf` must stay open until hak_inflated_close. */
bool hak_inflated_open(struct hak_inflated *inflated, Elf *elf);
void hak_inflated_close(struct hak_inflated *inflated);

/* Inflates the next unit and its table of abbreviations; all of it when that unit refers to others,
 * and behind the last one. False when there is none that is whole. */
bool hak_inflated_next_unit(struct hak_inflated *inflated);

/* Inflates the line table that the unit `die` names. */
void hak_inflated_lines(struct hak_inflated *inflated, Dwarf_Die *die);

#endif
