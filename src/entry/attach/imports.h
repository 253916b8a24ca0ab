/* The imports of all loaded modules: the words through which they call functions of other modules.
 *
 *   module's code --call--> word of its GOT, or a pointer in its data --> malloc of libc, or ours
 *
 * A word is changed where it is known to lead to the function that is stood in for: it holds that
 * function's address, or that of the module's own PLT entry, which looks the function up at the
 * first call, and no other module defines a function of that name. Each is one store of 8 bytes, so
 * that other threads may call through it meanwhile. Pages that ld.so has made read-only are
 * writable for that moment.
 *
 * Not seen: words of a module that ld.so still prepares; what a module looks up by dlsym, or keeps
 * in variables that it fills itself.
 *
 * Threads: one at a time. Asks dl_iterate_phdr, which takes a lock of ld.so's; allocates nothing.
 */
#ifndef HAK_ENTRY_IMPORTS_H
#define HAK_ENTRY_IMPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

struct hak_import {
    const char *name;
    uintptr_t ours; /* function that stands in for it */
    uintptr_t next; /* function that the program's calls come to without us; 0 = leave it alone */
    bool is_sole;   /* no module defines another function of that name */
};

struct hak_imports_found {
    uint32_t modules;
    uint32_t changed; /* words that lead elsewhere now */
    uint32_t closed;  /* words whose pages could not be made writable: left as they are */
};

/* The function that the first module of ld.so's list with one of that name defines; 0 = none does.
 * (dlsym gives a PLT entry of the program itself where that is not position independent and takes
 * the function's address.) */
HAK_HIDDEN uintptr_t hak_imports_find(const char *name);

/* Settles which imports are sole. */
HAK_HIDDEN void hak_imports_look(struct hak_import *imports, unsigned count);

/* Makes words that lead to `next` lead to `ours`, or with `back` those that lead to `ours` lead to
 * `next`; but for those of ld.so. A word that is changed already
 * is left: so this may be called again when modules were loaded. */
HAK_HIDDEN struct hak_imports_found hak_imports_change(const struct hak_import *imports,
                                                       unsigned count, bool back);

#endif
