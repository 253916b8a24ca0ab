/* Indexes compile units by address and walks down to the inlined call that an address belongs to.
 */
#include "store/frame.h"
#include "symbols/units.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "base/sorted.h"

#define LEVELS_MAX 64
#define DEPTH_MAX  128 /* of lexical blocks and calls in one function, and of namespaces */

/* ---- units ----------------------------------------------------------------------------------- */

/* Enters a unit with its ranges of addresses; one without any is skipped. */
static void add_ranges(struct hak_units *u, Dwarf_Die *die, Dwarf_Die *split, bool wants_package) {
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;
    bool any = false;
    if (!hak_growing_make_room(&u->units, u->unit_count, &u->unit_capacity, sizeof *u->units))
        return;
    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        if (low >= high || !hak_growing_make_room(&u->ranges, u->range_count, &u->range_capacity,
                                                  sizeof *u->ranges))
            continue;
        u->ranges[u->range_count++] = (struct hak_unit_range){low, high, u->unit_count};
        any = true;
    }
    if (any)
        u->units[u->unit_count++] = (struct hak_unit){.die = *die,
                                                      .inner = *split,
                                                      .wants_package = wants_package,
                                                      .wants_lines = u->inflated != NULL};
}

/* Adds the next unit of the debug information, if it has code. */
static void add_unit(struct hak_units *units) {
    Dwarf_Half version;
    uint8_t type;
    Dwarf_Die die, split;
    units->has_all = (units->inflated && !hak_inflated_next_unit(units->inflated)) ||
                     dwarf_get_units(units->dwarf, units->last, &units->last, &version, &type, &die,
                                     &split) != 0;
    if (units->has_all)
        return;
    bool has_split = type == DW_UT_skeleton && dwarf_tag(&split) != DW_TAG_invalid;
    if (type == DW_UT_compile || type == DW_UT_skeleton)
        add_ranges(units, &die, has_split ? &split : &die, type == DW_UT_skeleton && !has_split);
}

void hak_units_load(struct hak_units *units, Dwarf *dwarf, struct hak_dwp *dwp,
                    struct hak_inflated *inflated) {
    units->dwarf = dwarf;
    units->dwp = dwp;
    units->inflated = inflated;
    while (!inflated && !units->has_all)
        add_unit(units);
    hak_sort_by_first(units->ranges, units->range_count, sizeof *units->ranges);
}

void hak_units_free(struct hak_units *units) {
    for (size_t i = 0; i < units->unit_count; i++)
        free(units->units[i].functions);
    free(units->units);
    free(units->ranges);
    *units = (struct hak_units){0};
}

/* The unit that holds the address, of those entered; NULL: none. */
static struct hak_unit *known_unit_of(struct hak_units *u, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(u->ranges, u->range_count, low, address);
    for (size_t looked = 0; low > 0 && looked < 16; looked++, low--)
        if (address < u->ranges[low - 1].high)
            return &u->units[u->ranges[low - 1].unit];
    return NULL;
}

/* Adds units up to the first one that holds the address. Code that the linker left out lies at 0,
 * where its range may reach into code that is there: all units are needed then. */
static void add_unit_of(struct hak_units *u, uint64_t address) {
    for (bool found = false; !found && !u->has_all;) {
        uint32_t before = u->range_count;
        add_unit(u);
        for (uint32_t i = before; i < u->range_count; i++)
            found |=
                u->ranges[i].low > 0 && address >= u->ranges[i].low && address < u->ranges[i].high;
    }
    hak_sort_by_first(u->ranges, u->range_count, sizeof *u->ranges);
}

static bool is_left_out(const struct hak_units *u, uint64_t address) {
    return u->range_count && u->ranges[0].low == 0 && address < u->ranges[0].high;
}

/* The unit that holds the address, entered now if it was not yet; NULL: none. */
static struct hak_unit *unit_of(struct hak_units *u, uint64_t address) {
    struct hak_unit *unit = known_unit_of(u, address);
    if ((!unit || is_left_out(u, address)) && !u->has_all) {
        add_unit_of(u, address);
        unit = known_unit_of(u, address);
    }
    return unit;
}

/* ---- functions ------------------------------------------------------------------------------- */

/* Enters a function's ranges; memory missing leaves them out. */
static void add_function(struct hak_unit *unit, Dwarf_Die *die) {
    Dwarf_Addr base, low, high;
    ptrdiff_t offset = 0;
    while ((offset = dwarf_ranges(die, offset, &base, &low, &high)) > 0) {
        if (low < high && hak_growing_make_room(&unit->functions, unit->function_count,
                                                &unit->function_capacity, sizeof *unit->functions))
            unit->functions[unit->function_count++] = (struct hak_unit_function){low, high, *die};
    }
}

/* Lists the functions below `parent`: in the unit, namespaces and classes; `deep`: in functions and
 * blocks, too. No deeper than DEPTH_MAX. */
static void list_functions(struct hak_unit *unit, Dwarf_Die *parent, bool deep, int depth) {
    Dwarf_Die die;
    if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return;
    do {
        switch (dwarf_tag(&die)) {
        case DW_TAG_subprogram:
            add_function(unit, &die);
            if (deep)
                list_functions(unit, &die, deep, depth + 1);
            break;
        case DW_TAG_namespace:
        case DW_TAG_class_type:
        case DW_TAG_structure_type:
        case DW_TAG_union_type:
        case DW_TAG_module:
            list_functions(unit, &die, deep, depth + 1);
            break;
        case DW_TAG_lexical_block:
            if (deep)
                list_functions(unit, &die, deep, depth + 1);
            break;
        default:
            break;
        }
    } while (dwarf_siblingof(&die, &die) == 0);
}

/* By start, the wider range first. */
static int by_place(const void *left, const void *right) {
    const struct hak_unit_function *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    return a->high > b->high ? -1 : a->high < b->high;
}

/* Lists the unit's functions by address, with `deep` also those inside others. */
static void list_unit(struct hak_unit *unit, bool deep) {
    unit->function_count = 0;
    list_functions(unit, &unit->inner, deep, 0);
    unit->listed = true;
    unit->listed_deep = deep;
    if (unit->function_count)
        qsort(unit->functions, unit->function_count, sizeof *unit->functions, by_place);
}

/* The innermost listed function that holds the address, or NULL. */
static struct hak_unit_function *find_listed(struct hak_unit *unit, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(unit->functions, unit->function_count, low, address);
    for (size_t looked = 0; low > 0 && looked < 64; looked++, low--)
        if (address < unit->functions[low - 1].high)
            return &unit->functions[low - 1];
    return NULL;
}

/* The function that holds the address, listed now if need be; NULL: none. */
static struct hak_unit_function *function_of(struct hak_unit *unit, uint64_t address) {
    if (!unit->listed)
        list_unit(unit, false);
    struct hak_unit_function *found = find_listed(unit, address);
    if (!found && !unit->listed_deep) {
        list_unit(unit, true);
        found = find_listed(unit, address);
    }
    return found;
}

/* ---- code at an address ---------------------------------------------------------------------- */

/* True when the entry holds the address, or is a lexical block that names no addresses. */
static bool may_hold(Dwarf_Die *die, uint64_t address) {
    int holds = dwarf_haspc(die, address);
    if (holds > 0)
        return true;
    return dwarf_tag(die) == DW_TAG_lexical_block && !dwarf_hasattr(die, DW_AT_low_pc) &&
           !dwarf_hasattr(die, DW_AT_ranges);
}

/* Adds the inlined calls around `address` below `die` to the `count` entries of `levels`, outermost
 * first. Returns how many entries there are then, at most LEVELS_MAX. */
static int walk_down(Dwarf_Die *die, uint64_t address, Dwarf_Die *levels, int count, int depth) {
    Dwarf_Die child;
    if (depth > DEPTH_MAX || count >= LEVELS_MAX || dwarf_child(die, &child) != 0)
        return count;
    do {
        int tag = dwarf_tag(&child);
        if ((tag != DW_TAG_inlined_subroutine && tag != DW_TAG_lexical_block) ||
            !may_hold(&child, address))
            continue;
        int before = count;
        if (tag == DW_TAG_inlined_subroutine)
            levels[count++] = child;
        count = walk_down(&child, address, levels, count, depth + 1);
        if (count > before)
            return count;
    } while (dwarf_siblingof(&child, &child) == 0);
    return count;
}

/* The function's name, demangled. One that the compiler made itself (a destructor that nobody
 * wrote) is marked so: its line is the class's. */
static const char *name_of(struct hak_strings *strings, Dwarf_Die *die) {
    Dwarf_Attribute attribute;
    const char *name = NULL;
    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
        name = dwarf_formstring(&attribute);
    if (!name && dwarf_attr_integrate(die, DW_AT_name, &attribute))
        name = dwarf_formstring(&attribute);
    name = hak_strings_demangle(strings, name);
    bool is_implicit = false;
    if (dwarf_attr_integrate(die, DW_AT_artificial, &attribute))
        dwarf_formflag(&attribute, &is_implicit);
    /* A lambda's body is called artificial, too, and somebody wrote it. */
    is_implicit = is_implicit && name[0] && !strstr(name, "operator()");
    return is_implicit ? hak_strings_mark(strings, name, HAK_IMPLICIT_MARK) : name;
}

/* The folder in which the unit was compiled; "" = not known. */
static const char *folder_of(struct hak_unit *unit) {
    Dwarf_Attribute attribute;
    const char *folder =
        dwarf_attr(&unit->die, DW_AT_comp_dir, &attribute) ? dwarf_formstring(&attribute) : NULL;
    return folder ? folder : "";
}

/* Inflates the unit's line table, if that has not been done. */
static void await_lines(struct hak_units *units, struct hak_unit *unit) {
    if (unit->wants_lines)
        hak_inflated_lines(units->inflated, &unit->die);
    unit->wants_lines = false;
}

/* Reads the file and line where an inlined function is called. */
static void find_call(struct hak_unit *unit, struct hak_strings *strings, Dwarf_Die *inlined,
                      struct hak_symbol *out) {
    Dwarf_Attribute attribute;
    Dwarf_Word number;
    Dwarf_Files *files;
    size_t count;
    if (dwarf_attr(inlined, DW_AT_call_line, &attribute) &&
        dwarf_formudata(&attribute, &number) == 0)
        out->line = (uint32_t)number;
    if (dwarf_attr(inlined, DW_AT_call_file, &attribute) &&
        dwarf_formudata(&attribute, &number) == 0 &&
        dwarf_getsrcfiles(&unit->die, &files, &count) == 0 && number < count)
        out->file =
            hak_strings_join(strings, folder_of(unit), dwarf_filesrc(files, number, NULL, NULL));
}

/* Fills in file and line of the address; without a line nothing changes. */
static void find_source_line(struct hak_unit *unit, struct hak_strings *strings, uint64_t address,
                             struct hak_symbol *out) {
    Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address);
    int number;
    if (!line)
        return;
    if (dwarf_lineno(line, &number) == 0 && number > 0)
        out->line = (uint32_t)number;
    out->file = hak_strings_join(strings, folder_of(unit), dwarf_linesrc(line, NULL, NULL));
}

/* Takes the unit's split half out of the package, once, if it is there. */
static void look_into_package(struct hak_units *units, struct hak_unit *unit) {
    Dwarf_Die split;
    unit->wants_package = false;
    if (units->dwp && hak_dwp_find(units->dwp, units->dwarf, &unit->die, &split))
        unit->inner = split;
}

int hak_units_find(struct hak_units *units, struct hak_strings *strings, uint64_t address,
                   struct hak_symbol *out, int max) {
    Dwarf_Die levels[LEVELS_MAX];
    int count = 0, filled = 0;
    struct hak_unit *unit = unit_of(units, address);
    if (!unit || max <= 0)
        return 0;
    if (unit->wants_package)
        look_into_package(units, unit);
    await_lines(units, unit);
    struct hak_unit_function *function = function_of(unit, address);
    struct hak_symbol here = {"", "", 0};
    find_source_line(unit, strings, address, &here);
    if (function) {
        levels[count++] = function->die;
        count = walk_down(&function->die, address, levels, count, 0);
    } else if (here.file[0]) {
        out[filled++] = here; /* the caller knows the symbol table */
    }
    for (int i = count; i > 0 && filled < max; i--) {
        here.function = name_of(strings, &levels[i - 1]);
        out[filled++] = here;
        here = (struct hak_symbol){"", "", 0};
        if (i > 1)
            find_call(unit, strings, &levels[i - 1], &here);
    }
    return filled;
}
