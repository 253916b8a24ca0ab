/* Finds the loaded module that an address lies in: by ld.so's _dl_find_object (glibc 2.35 and
 * later), or, where it has no such function, by a table of our own (objects.c).
 *
 * Thread and signal safety: hak_object_find is async-signal-safe, takes no lock, allocates nothing
 * and keeps errno, also inside a call that comes from ld.so. */
#ifndef HAK_PLATFORM_OBJECTS_H
#define HAK_PLATFORM_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

struct hak_object {
    uintptr_t start, end; /* its mapped range; of a program with holes, the segment */
    uintptr_t bias;       /* is added to the file's addresses */
    const char *name;     /* as ld.so has it; "" = the program; good while the module is loaded */
    const uint8_t *eh_frame; /* .eh_frame_hdr; NULL = none */
    const void *module;      /* the same as long as the module is loaded; NULL: not known */
};

/* Finds the loaded module that has `address`. False: none. */
HAK_HIDDEN bool hak_object_find(uintptr_t address, struct hak_object *object);

/* Begins to watch which modules ld.so loads, where it cannot be asked; before the first lookup that
 * counts, outside malloc. Again does no harm. May take ld.so's lock. */
HAK_HIDDEN void hak_objects_start(void);

/* Looks whether anything was loaded or unloaded, and publishes a new table of the modules then;
 * does nothing where _dl_find_object answers. For a caller that knows that the thread is in no
 * signal handler. May take ld.so's lock. */
HAK_HIDDEN void hak_objects_look(void);

/* In a forked child, whose ld.so may stand in the midst of a change by a thread that is not there.
 */
HAK_HIDDEN void hak_objects_after_fork(void);

#endif
