/* Debug information by address: the compile unit, the function, the calls inlined there.
 *
 *   address --binary search--> unit --binary search--> function --walk down--> inlined calls, line
 *
 * The ranges of units are indexed here instead of asking .debug_aranges, which clang does not
 * write (libdw alone finds nothing in its programs). A unit's functions are listed when an address
 * of it is first asked for. */
#ifndef HAK_SYMBOLS_UNITS_H
#define HAK_SYMBOLS_UNITS_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include "symbols/dwp.h"
#include "symbols/inflated.h"
#include "symbols/strings.h"
#include "symbols/symbols.h"

struct hak_unit_function {
    uint64_t low, high;
    Dwarf_Die die;
};

struct hak_unit {
    Dwarf_Die die;                       /* has the line table */
    Dwarf_Die inner;                     /* has the functions: the same, or the split unit's */
    struct hak_unit_function *functions; /* by low, then the outer before the inner */
    uint32_t function_count, function_capacity;
    bool listed, listed_deep;
    bool wants_package; /* its split half is in no .dwo file */
    bool wants_lines;   /* its line table may not be inflated */
};

struct hak_unit_range {
    uint64_t low, high;
    size_t unit;
};

struct hak_units {
    struct hak_unit *units;
    uint32_t unit_count, unit_capacity;
    Dwarf *dwarf;
    Dwarf_CU *last;                /* that was added; NULL = none */
    bool has_all;                  /* no unit is left to be added */
    struct hak_inflated *inflated; /* of `dwarf`; NULL = all of it is there */
    struct hak_dwp *dwp;           /* where split halves may lie; NULL = nowhere */
    struct hak_unit_range *ranges; /* by low */
    uint32_t range_count, range_capacity;
};

/* Adds all units of the debug information, which must stay open like `dwp`, which may be NULL. With
 * `inflated`, which may be NULL, units are added later: as far as to the one that an address is
 * found in. */
void hak_units_load(struct hak_units *units, Dwarf *dwarf, struct hak_dwp *dwp,
                    struct hak_inflated *inflated);
/* Frees the units; the debug information stays open. */
void hak_units_free(struct hak_units *units);

/* Finds the function at an address with the calls inlined there, as hak_symbols_find. */
int hak_units_find(struct hak_units *units, struct hak_strings *strings, uint64_t address,
                   struct hak_symbol *out, int max);

#endif
