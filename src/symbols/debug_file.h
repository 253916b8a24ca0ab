/* Finds the file of a module and the file with its debug information, and opens both.
 *
 * Looked for in this order: in the file itself; /usr/lib/debug/.build-id/XX/YYY.debug; the file
 * that .gnu_debuglink names beside the file, in .debug/ beside it and under /usr/lib/debug (its
 * checksum is verified). Beside it, or beside the module's file, may lie a .dwp, a package of split
 * debug information. Never the network. Not by libdwfl: docs/specs/collector.md says why. */
#ifndef HAK_SYMBOLS_DEBUG_FILE_H
#define HAK_SYMBOLS_DEBUG_FILE_H

#include <elfutils/libdw.h>
#include <stdint.h>
#include "symbols/dwp.h"
#include "symbols/elf_file.h"
#include "symbols/inflated.h"

struct hak_debug_file {
    struct hak_elf_file own, separate;
    Dwarf *dwarf;                 /* NULL = no debug information */
    struct hak_inflated inflated; /* sections of `dwarf` */
    bool is_inflated_later;       /* they have only the parts asked for */
    struct hak_dwp dwp;           /* split units of `dwarf` that are in no .dwo file */
    char path[4096];
    char source[4096]; /* path of the file that `dwarf` is of, "" = none */
    char build_id[HAK_BUILD_ID_TEXT];
};

/* Opens the module's file if it is the one that was loaded: by build-id (hex, "" = not known), else
 * by not having changed since `loaded_ns` (CLOCK_REALTIME; 0 = any). `pid`: looked for in its root
 * folder too (0 = not). `own` is not open when it cannot be used. */
void hak_debug_file_open(struct hak_debug_file *file, const char *path, const char *build_id,
                         int pid, uint64_t loaded_ns);

/* Looks for the debug information, in the module or a separate file, and for its package of split
 * units (.dwp) beside either. */
void hak_debug_file_load(struct hak_debug_file *file);

void hak_debug_file_close(struct hak_debug_file *file);

#endif
