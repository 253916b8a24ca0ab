/* Reads HAKMEM_* at the program's start: the standards, the given values, those that a profile or
 * preset sets beside them, and the value of "auto". */
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "hop.h"
#include "memory_tags.h"
#include "options_table.h"
#include "visible.h"

struct hak_options hak_options;

/* The values that a profile or preset sets, in the table's order. */
static const struct group {
    const char *choice, *value;
    uint16_t option, other; /* enum hak_option_index */
} groups[] = {
#define SETS(name, choice, other, value) {choice, value, HAK_INDEX_##name, HAK_INDEX_##other},
#include "options.def"
};

/* Options that libhakmem does not have and somebody may wait for; and those of them that
 * hakmem-record.so has. */
static const bool is_missed[HAK_OPTIONS] = {
#define DEBUG_ONLY(name, asks) [HAK_INDEX_##name] = asks,
#include "options.def"
};
static const bool is_of_recorder[HAK_OPTIONS] = {
#define RECORDER(name) [HAK_INDEX_##name] = true,
#include "options.def"
};

/* That libhakmem.so has; start.c says so of libhakmem.a. */
static const bool is_of_shared[HAK_OPTIONS] = {
#define SHARED(name) [HAK_INDEX_##name] = true,
#include "options.def"
};

static const char *given[HAK_OPTIONS];   /* the value in the environment, NULL = none to be read */
static const char *refused[HAK_OPTIONS]; /* the value that could not be read, NULL = none */
static const char *set[HAK_OPTIONS];     /* what a profile or preset put there, NULL = nothing */

enum { BLOCKS_OF_SITE = 4 };

static const char prefix[] = "HAKMEM_";

const char *hak_option_text(enum hak_option_index index) {
    const struct hak_option *option = &hak_option_table[index];
    const char *field = (const char *)&hak_options + option->offset;
    return *field || hak_options.has_text[index] ? field : option->standard;
}

/* HAKMEM_GUARD=auto: sites at level normal, samples at light, off at trace. */
static struct hak_variant guard_of_level(void) {
    if (hak_options.check == HAK_CHECK_NORMAL)
        return (struct hak_variant){.index = HAK_GUARD_SITES, .number = BLOCKS_OF_SITE};
    if (hak_options.check == HAK_CHECK_LIGHT)
        return (struct hak_variant){.index = HAK_GUARD_SAMPLE};
    return (struct hak_variant){.index = HAK_GUARD_OFF};
}

/* The value that holds for HAKMEM_GUARD; `auto` is replaced by what the level of checks asks
 * for. */
struct hak_variant hak_option_guard(void) {
    struct hak_variant variant;
    (void)hak_option_read_variant(hak_option_table[HAK_INDEX_GUARD].range,
                                  hak_option_text(HAK_INDEX_GUARD), &variant);
    if (variant.index == HAK_GUARD_AUTO)
        variant = guard_of_level();
    return variant;
}

static uint64_t *number_of(unsigned index) {
    return (uint64_t *)(void *)((char *)&hak_options + hak_option_table[index].offset);
}

/* ---- what is said ---------------------------------------------------------------------------- */

/* Appends the first 200 bytes of `part`, or as much of them as `room` takes, in their visible form;
 * returns how many bytes it appended. */
static size_t add_visible(char *to, size_t room, const char *part) {
    const unsigned char *s = (const unsigned char *)part;
    size_t left = strnlen(part, 200), used = 0;
    while (left > 0 && used + HAK_VISIBLE_ESCAPE_MAX <= room) {
        int bytes = hak_visible_bytes(s, left);
        if (bytes > 0)
            memcpy(to + used, s, (size_t)bytes);
        used += bytes > 0 ? (size_t)bytes : hak_visible_escape(to + used, *s);
        s += bytes > 0 ? bytes : 1;
        left -= bytes > 0 ? (size_t)bytes : 1;
    }
    return used;
}

/* Writes the parts as one line of at most 1,024 bytes to fd 2, in their visible form and at most
 * 200 bytes of each, so that a value cannot forge a line. Keeps errno. */
void hak_options_say(const char *const *parts, size_t count) {
    char line[1024];
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += add_visible(line + length, sizeof line - 1 - length, parts[i]);
    line[length++] = '\n';
    int saved_errno = errno;
    if (write(2, line, length) < 0)
        errno = saved_errno; /* nobody listens: the default holds all the same */
}

/* Whether the option asks for something that is 0 or 1, and whoever gives it a value waits for 1.
 */
static bool asks_for_one(unsigned index) {
    const struct hak_option *option = &hak_option_table[index];
    return is_missed[index] && option->type == HAK_TYPE_CHOICE &&
           strncmp(option->range, "0|1", 3) == 0;
}

/* Says a line for each value that could not be read: what was expected, what holds instead. */
static void complain_of_values(void) {
    for (unsigned i = 0; i < HAK_OPTIONS; i++) {
        const struct hak_option *option = &hak_option_table[i];
        const char *expected = "", *holds = set[i] ? set[i] : option->standard, *unused;
        if (!refused[i] || hak_option_take(&hak_options, option, refused[i], &expected))
            continue;
        if (asks_for_one(i) && hak_option_take(&hak_options, option, "1", &unused))
            holds = "1";
        const char *parts[] = {"hakmem: ", prefix,      option->name,
                               "=",        refused[i],  ": expected ",
                               expected,   "; taking ", *holds ? holds : "none"};
        hak_options_say(parts, sizeof parts / sizeof *parts);
    }
}

/* Says a line for an option that this build does without, so that its user does not wait in vain:
 * the plain build records and counts nothing, and a recorder alone checks nothing. */
static void complain_of_build(const struct hak_option *option, const char *value) {
    const char *parts[] = {"hakmem: ",
                           prefix,
                           option->name,
                           "=",
                           value,
                           " is for hakmem-debug.so; ",
                           hak_is_keep_build ? "hakmem-record.so" : "libhakmem",
                           " does without"};
    hak_options_say(parts, sizeof parts / sizeof *parts);
}

/* Says a line for each variable that is given or set by a profile or preset. Called only with
 * HAKMEM_DEBUG_LEVEL from 1 on. */
static void tell_settings(void) {
    for (unsigned i = 0; i < HAK_OPTIONS; i++) {
        const char *value = given[i] ? given[i] : set[i];
        const char *parts[] = {"hakmem: ", prefix, hak_option_table[i].name,
                               "=",        value,  given[i] ? "" : " (profile or preset)"};
        if (value)
            hak_options_say(parts, sizeof parts / sizeof *parts);
    }
}

/* ---- what is given --------------------------------------------------------------------------- */

/* Takes one HAKMEM_ variable, if there is such an option. A wrong value is kept for
 * complain_of_values; the first that this build does not heed, unless 0 or off, is noted. */
static void take_variable(const char *variable, const struct hak_option **unheeded,
                          const char **unheeded_value) {
    const char *name = variable + sizeof prefix - 1;
    const char *equals = strchr(name, '=');
    const struct hak_option *option =
        equals ? hak_option_find(name, (size_t)(equals - name)) : NULL;
    if (!option)
        return;
    const char *value = equals + 1, *expected = "";
    size_t index = (size_t)(option - hak_option_table);
    bool is_read = hak_option_take(&hak_options, option, value, &expected);
    given[index] = is_read ? value : NULL;
    refused[index] = is_read ? NULL : value;
    bool asks = strcmp(value, "0") != 0 && strcmp(value, "off") != 0;
    bool is_heeded =
        !is_missed[index] || (hak_is_keep_build ? is_of_recorder[index] : is_of_shared[index]);
    if (is_read && !is_heeded && asks && !*unheeded) {
        *unheeded = option;
        *unheeded_value = value;
    }
}

static bool has_prefix(const char *variable) {
    for (size_t i = 0; i < sizeof prefix - 1; i++)
        if (variable[i] != prefix[i])
            return false;
    return true;
}

/* Takes all HAKMEM_ variables. The plain and the keep build complain of the first that they do not
 * heed, unless a recording is going on. */
static void take_environment(char **environment) {
    const struct hak_option *unheeded = NULL;
    const char *value = "";
    for (char **variable = environment; *variable; variable++)
        if (has_prefix(*variable))
            take_variable(*variable, &unheeded, &value);
    /* Below a recorded program another library is in front and does heed it, or `run` said so. */
    if ((!hak_is_debug_build || hak_is_keep_build) && unheeded && !hak_options.session[0])
        complain_of_build(unheeded, value);
}

/* Sets all options to their standard values. Each text has a page of its own, which is not touched
 * before one is given. */
static void take_standards(void) {
    static bool is_again;
    const char *expected;
    memset(given, 0, sizeof given);
    memset(refused, 0, sizeof refused);
    memset(set, 0, sizeof set);
    for (unsigned i = 0; i < HAK_OPTIONS; i++) {
        const struct hak_option *option = &hak_option_table[i];
        if (!hak_option_is_text(option))
            *number_of(i) = hak_option_standard(option);
        else if (is_again)
            (void)hak_option_take(&hak_options, option, option->standard, &expected);
    }
    is_again = true;
}

/* ---- what follows from it -------------------------------------------------------------------- */

/* Sets a profile's or preset's values, where the variable itself was not given. The standard choice
 * of each sets nothing; in libhakmem none sets an option that must be asked for there. */
static void apply_groups(void) {
    for (unsigned i = 0; i < sizeof groups / sizeof *groups; i++) {
        const struct group *group = &groups[i];
        const char *chosen = given[group->option] ? given[group->option] : set[group->option];
        const char *expected;
        if (!chosen || strcmp(chosen, group->choice) != 0 || given[group->other] ||
            (!hak_is_debug_build && is_of_shared[group->other]))
            continue;
        (void)hak_option_take(&hak_options, &hak_option_table[group->other], group->value,
                              &expected);
        set[group->other] = group->value;
    }
}

/* Turns the fronts up to 1,024 B off, in the place of which BenchFast hangs stacks of its own; in
 * the debug build BenchFast is off itself. */
static void make_way_for_bench_fast(struct hak_options *o) {
    if (hak_is_debug_build) {
        const char *parts[] = {"hakmem: ", prefix,
                               "BENCH_FAST_MODE=1 is for libhakmem; hakmem-debug.so does without"};
        hak_options_say(parts, sizeof parts / sizeof *parts);
        o->bench_fast_mode = 0;
        return;
    }
    o->unified_c0 = o->unified_c1 = o->unified_c2 = o->unified_c3 = 0;
    o->unified_c4 = o->unified_c5 = o->unified_c6 = o->unified_c7 = 0;
    o->magazine_enable = o->hot_ring_enable = o->ultrahot_enable = 0;
    o->fc_enable = o->sfc_enable = o->heapv2_only = o->smallmid_enable = 0;
    o->disable_heapv2 = 1;
    o->prewarm_all = o->prewarm_c2 = o->prewarm_c3 = o->prewarm_c4 = o->prewarm_c5 = 0;
    o->alloc_learn = 0;
    o->class_override[0] = 0;
}

/* Turns off what level light does without: nothing is recorded before a fault (trace on means then
 * that faults are stored), and of the checks those of guarded blocks hold alone. */
static void resolve_light(struct hak_options *o) {
    o->stores_faults = o->trace != 0;
    o->trace = 0;
    o->layout = HAK_LAYOUT_HEADER;
    o->leaks = HAK_LEAKS_OFF;
    o->check_string =
        HAK_HAS_TAGS && o->check_string != HAK_STRING_OFF ? HAK_STRING_AUTO : HAK_STRING_OFF;
    o->kinds = o->junk = o->close_pages = 0;
    o->front_dump = 0;
    o->inject[0] = 0;
}

/* Turns off in a recorder all that checks, whatever the options ask for: layout, leaks, faults. */
static void resolve_keep(struct hak_options *o) {
    o->check = HAK_CHECK_TRACE;
    o->layout = HAK_LAYOUT_SAME;
    o->leaks = HAK_LEAKS_OFF;
}

/* Settles options that follow from others and from the build: bench mode, debug level 3, level
 * light and the keep build switch others off; "auto" becomes a layout and a magazine. */
static void settle_dependent_options(struct hak_options *o) {
    if (o->bench_fast_mode)
        make_way_for_bench_fast(o);
    if (o->debug_level >= 3)
        o->acquire_debug = 1;
    if (!hak_is_debug_build) {
        o->layout = HAK_LAYOUT_SAME;
        o->magazine_enable = o->magazine_enable == HAK_MAGAZINE_ON;
        return;
    }
    if (hak_is_keep_build)
        resolve_keep(o);
    if (o->check == HAK_CHECK_LIGHT)
        resolve_light(o);
    if (o->layout == HAK_LAYOUT_AUTO)
        o->layout = o->check == HAK_CHECK_TRACE ? HAK_LAYOUT_SAME : HAK_LAYOUT_HEADER;
    if (o->magazine_enable == HAK_MAGAZINE_AUTO)
        o->magazine_enable = o->inject[0] ? HAK_MAGAZINE_ON : HAK_MAGAZINE_OFF;
}

/* Sets all options: standard values, then the environment, then profiles and presets, then those
 * that follow from others; says wrong values on stderr. Under AT_SECURE the environment is not read
 * and trace is off. */
void hak_options_read(char **environment) {
    bool is_secure = getauxval(AT_SECURE) != 0;
    take_standards();
    if (!is_secure && environment)
        take_environment(environment);
    if (is_secure)
        hak_options.trace = 0; /* off */
    apply_groups();
    complain_of_values();
    if (hak_options.debug_level >= 1)
        tell_settings();
    settle_dependent_options(&hak_options);
}
