/* Finds the symbol and the section in which an address of a module's file lies: a variable, a
 * literal, a function. */
#ifndef HAK_SYMBOLS_STATIC_PLACE_H
#define HAK_SYMBOLS_STATIC_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct hak_static_place {
    char symbol[200]; /* demangled; "" = in none */
    uint64_t offset;  /* into the symbol */
    char section[64]; /* ".bss" */
    const char *kind; /* "code", "static data" or "constants" */
};

/* Looks `value` (pc - load bias) up in the file at `path`, if that is the one of `build_id` (hex,
 * "" = not known). False: it is not, or no section has the address. For one thread. */
bool hak_static_place_find(struct hak_static_place *place, const char *path, const char *build_id,
                           uint64_t value);

#endif
