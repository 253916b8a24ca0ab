/* Packages of split debug information: PROGRAM.dwp, all .dwo files of a program in one (DWARF 5,
 * section 7.3.5, and GNU's form of it for DWARF 4). libdw 0.188 does not read them.
 *
 *   skeleton's dwo_id --.debug_cu_index--> which part of each section is the unit's
 *                                      --> an ELF file in memory of just these, with the program's
 *                                          addresses --> libdw
 *
 * The strings, which all units share, are mapped and not copied. For one thread. */
#ifndef HAK_SYMBOLS_DWP_H
#define HAK_SYMBOLS_DWP_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "symbols/elf_file.h"

struct hak_dwp_unit {
    struct hak_dwp_unit *next;
    uint8_t *image; /* mapped */
    size_t image_bytes;
    Elf *elf;
    Dwarf *dwarf;
};

struct hak_dwp {
    struct hak_elf_file file;   /* not open where there is none */
    struct hak_dwp_unit *units; /* those that were asked for */
};

/* Opens PATH.dwp if it is there; dwp->file is not open otherwise. */
void hak_dwp_open(struct hak_dwp *dwp, const char *path);
void hak_dwp_close(struct hak_dwp *dwp);

/* Finds the unit of `skeleton`, a unit of the program's `main`, in the package, with its functions,
 * into `die`. False when the package does not hold it or cannot be understood. */
bool hak_dwp_find(struct hak_dwp *dwp, Dwarf *main, Dwarf_Die *skeleton, Dwarf_Die *die);

#endif
