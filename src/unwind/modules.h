/* The modules (program, shared objects, vdso) that stacks were found to run through.
 *
 *   unknown --a pc of it is compiled, or start--> live --ld.so took it away--> gone
 *
 * A listener is told of a module before any stack that holds a pc of it. When one is gone, the
 * generation of unloads grows by one, its rules are forgotten, and the listener is told of it; the
 * same file loaded again is a new module.
 *
 * How unloading is noticed: ld.so gives back the memory of every object that it unloads through the
 * program's free, which is ours, after it was taken out of the table of objects and
 * while ld.so still holds its load lock, so before anything else can be loaded at that place. A
 * stack whose innermost frame of the program lies in ld.so is therefore the moment to look whether
 * all live modules are still there (hak_object_find: about 3 ns for each). This sees dlclose,
 * dlmopen, NSS, gconv and everything else alike; docs/specs/unwind.md says why dlopen is not
 * interposed.
 *
 * Modules lie in blocks that are never given back, in a list that only grows at its head. Lock
 * free; all functions but hak_modules_start are async-signal-safe and keep errno. */
#ifndef HAK_UNWIND_MODULES_H
#define HAK_UNWIND_MODULES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "platform/objects.h"

/* A listener. All functions are called inside malloc: they must be async-signal-safe, allocate
 * nothing and take no lock. */
struct hak_modules_listener {
    /* Returns the value for `unloaded`: how far the listener's own count has come, before any stack
     * can run through the module. */
    uint32_t (*mark)(void);
    /* A module was seen, perhaps not for the first time. build_id may be NULL. Addresses are
     * absolute; `generation` is the number of unloads before it. */
    void (*loaded)(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                   uint64_t load_bias, uint64_t map_start, uint64_t map_end, uint32_t generation);
    /* The module in [map_start, map_end) is gone; `generation` counts this unload. */
    void (*unloaded)(uint64_t map_start, uint64_t map_end, uint32_t mark, uint32_t generation);
};

/* Puts the path of the program's own file into `to`: the one that was executed, where there is no
 * /proc, or where that is a link of another name (redis-server to redis-check-rdb). As it was at
 * the first call. "" = not known. */
HAK_HIDDEN void hak_modules_program(char *to, size_t capacity);

/* Tells `listener` of all modules that are loaded now, and later of what changes. Call once at
 * start, outside malloc and before there are threads: it asks dl_iterate_phdr, which takes ld.so's
 * lock. Without a listener, before or ever, modules are noted and told to nobody. */
HAK_HIDDEN void hak_modules_start(const struct hak_modules_listener *listener);

/* Tells again of all live modules, for a session that began later. Asks ld.so nothing. */
HAK_HIDDEN void hak_modules_announce_all(void);

/* Notes that stacks run through `object`. */
HAK_HIDDEN void hak_module_note(const struct hak_object *object);

/* The live module that `address` lies in; false: none that was noted. Its pointers hold as long as
 * the module is loaded. */
struct hak_module {
    uintptr_t load_bias;
    const char *path;
    const uint8_t *build_id;
    size_t build_id_bytes; /* 0 = it has none */
};

/* Fills in the noted module at the address: bias, path and build ID. False: none is live there. */
HAK_HIDDEN bool hak_module_at(uintptr_t address, struct hak_module *out);

/* Looks whether all live modules are still loaded, and forgets what is not. */
HAK_HIDDEN void hak_modules_check(void);

/* Forgets all of them and what is known of their code: a module that was unloaded while nobody
 * looked may have left its place to another. hak_modules_start must follow. */
HAK_HIDDEN void hak_modules_forget_all(void);

/* Number of unloads noticed so far: moves when cached rules and nodes lost their meaning. */
HAK_HIDDEN extern _Atomic uint32_t hak_modules_unloads;
static inline uint32_t hak_modules_generation(void) {
    return atomic_load_explicit(&hak_modules_unloads, memory_order_acquire);
}

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
