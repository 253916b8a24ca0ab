/* The modules (program, shared objects, vdso) that stacks were found to run through.
 *
 *   unknown --a pc of it is compiled, or start--> live --ld.so took it away--> gone
 *
 * A module is told of (hak_trace_module_load) before any stack that holds a pc of it. When one is
 * gone, the generation of unloads grows by one, its rules and stack nodes are forgotten, and
 * hak_trace_module_unload tells of it; the same file loaded again is a new module.
 *
 * How unloading is noticed: ld.so gives back the memory of every object that it unloads through the
 * program's free, which is ours, after the object was taken out of _dl_find_object's table and
 * while ld.so still holds its load lock, so before anything else can be loaded at that place. A
 * stack whose innermost frame of the program lies in ld.so is therefore the moment to look whether
 * all live modules are still there (_dl_find_object: about 3 ns for each). This sees dlclose,
 * dlmopen, NSS, gconv and everything else alike; docs/specs/unwind.md says why dlopen is not
 * interposed.
 *
 * Modules lie in blocks that are never given back, in a list that only grows at its head. Lock
 * free; all functions but hak_modules_start are async-signal-safe and keep errno. */
#ifndef HAK_TRACE_MODULES_H
#define HAK_TRACE_MODULES_H

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

/* Tells of all modules that are loaded now. Call once at start, outside malloc and before there are
 * threads: it asks dl_iterate_phdr, which takes ld.so's lock. */
HAK_HIDDEN void hak_modules_start(void);

/* Tells again of all live modules, for a session that began later. Asks ld.so nothing. */
HAK_HIDDEN void hak_modules_tell_all(void);

/* Notes that stacks run through `object`. */
HAK_HIDDEN void hak_module_note(const struct dl_find_object *object);

/* Looks whether all live modules are still loaded, and forgets what is not. */
HAK_HIDDEN void hak_modules_check(void);

/* Number of unloads noticed so far: moves when cached rules and nodes lost their meaning. */
HAK_HIDDEN uint32_t hak_modules_generation(void);

/* ld.so's own text lies in [low, low + span). 0, 0 before start. */
struct hak_loader_range {
    uintptr_t low, span;
};
HAK_HIDDEN extern struct hak_loader_range hak_loader_range;

/* True when a call that returns to `ip` was made by ld.so. */
static inline bool hak_called_by_loader(uintptr_t ip) {
    return ip - hak_loader_range.low < hak_loader_range.span;
}

#endif
