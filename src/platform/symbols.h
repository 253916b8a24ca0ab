/* Functions and data of other modules by name, without dlsym: a program that links neither libdl
 * nor libpthread has no dlsym before glibc 2.34, and a dlsym that fails allocates its words. A
 * version that is not the default one of its name is not found, as by dlsym.
 *
 * Thread and signal safety: they ask dl_iterate_phdr or dlsym, which take ld.so's locks. errno is
 * kept. */
#ifndef HAK_PLATFORM_SYMBOLS_H
#define HAK_PLATFORM_SYMBOLS_H

#include "block.h"

/* The first of that name in the order in which modules were loaded, which is that of the program's
 * scope for what was there at its start; NULL: there is none. */
HAK_HIDDEN void *hak_symbol_first(const char *name);

/* The same, but libc's own before all others. */
HAK_HIDDEN void *hak_symbol_of_libc(const char *name);

/* The same in one module, by its path or the last part of that, and where there is dlsym in what it
 * needs. A name that is not found may leave its words for dlerror. */
HAK_HIDDEN void *hak_symbol_of(const char *module, const char *name);

/* As dlsym with RTLD_DEFAULT and RTLD_NEXT, and by dlsym where libc has it: then a name that is not
 * found leaves its words for dlerror, and one that is found takes those of the thread away. */
HAK_HIDDEN void *hak_symbol_default(const char *name);
HAK_HIDDEN void *hak_symbol_next(const char *name);

/* hak_symbol_next in the midst of the program: its dlerror stays. */
HAK_HIDDEN void *hak_symbol_next_quietly(const char *name);

/* hak_symbol_next of a name that libc has since glibc `version`; an older one may have it in
 * another library. NULL where nobody has it, without a message of dlsym's, which would be
 * allocated. */
HAK_HIDDEN void *hak_symbol_next_since(const char *version, const char *name);

#endif
