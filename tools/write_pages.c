/* Writes the pages made from the four .def tables: specs/options.md, specs/hops.md,
 * specs/classes.md, specs/faults/INDEX.md and profiles/NAME.env, and from the statements of stores
 * and servers specs/schema.md and specs/fleet-tables.md. `write_pages DIRECTORY` (docs); `make
 * pages` calls it and `make lint` compares what it writes with what is there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "hop.h"
#include "remote/migrations.h"
#include "tools/schema/schema.h"

static const char *directory;
static int status = 0;

/* Opens DIRECTORY/name; NULL (and a failed status) where that fails. */
static FILE *open_file(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *page = fopen(path, "w");
    if (!page) {
        fprintf(stderr, "write_pages: %s cannot be written: %s\n", path, strerror(errno));
        status = 1;
    }
    return page;
}

/* The same, with a page's first lines. */
static FILE *open_page(const char *name, const char *title, const char *table) {
    FILE *page = open_file(name);
    if (!page)
        return NULL;
    fprintf(page, "# %s\n\n", title);
    fprintf(page, "Made from src/%s by `make pages`; edit the table, not this page.\n\n", table);
    return page;
}

static void close_page(FILE *page) {
    if (ferror(page) | fclose(page))
        status = 1;
}

/* A cell of a table: `|` would end it. */
static void put_cell(FILE *page, const char *text) {
    for (; *text; text++)
        fprintf(page, *text == '|' ? "\\|" : "%c", *text);
    fputs(" | ", page);
}

static const struct option {
    const char *name, *standard, *range, *sentence;
} options[] = {
#define OPTION(name, field, type, standard, range, run, sentence)                                  \
    {#name, standard, range, sentence},
#include "options.def"
};

/* The values that profiles and presets set. */
static const struct set {
    const char *name, *choice, *other, *value;
} sets[] = {
#define SETS(name, choice, other, value) {#name, choice, #other, value},
#include "options.def"
};

enum { OPTIONS = sizeof options / sizeof *options, SET_LINES = sizeof sets / sizeof *sets };

/* A cell: "balanced 1, tight 0" for the option called so. */
static void put_sets(FILE *page, const char *other) {
    const char *between = "";
    for (unsigned i = 0; i < SET_LINES; i++)
        if (strcmp(sets[i].other, other) == 0) {
            fprintf(page, "%s%s %s", between, sets[i].choice, sets[i].value);
            between = ", ";
        }
    fputs(" | ", page);
}

static bool is_of_recorder(const char *name) {
    static const char *const names[] = {
#define RECORDER(name) #name,
#include "options.def"
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

enum { MOST_IN_A_LINE = 16 };

/* The variables that libhakmem does not act on, as a list; a long one in lines of some items. */
static void put_debug_only(FILE *page, bool wants_recorder, bool wants_asking) {
    static const struct {
        const char *name;
        bool asks;
    } names[] = {
#define DEBUG_ONLY(name, asks) {#name, asks},
#include "options.def"
    };
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_of_recorder(names[i].name) != wants_recorder || (wants_asking && !names[i].asks))
            continue;
        const char *between = count == 0 ? " " : count % MOST_IN_A_LINE == 0 ? "\n- " : ", ";
        fprintf(page, "%s`HAKMEM_%s`", between, names[i].name);
        count++;
    }
}

/* Those of them that libhakmem.so acts on. */
static void put_shared(FILE *page) {
    static const char *const names[] = {
#define SHARED(name) #name,
#include "options.def"
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(page, " `HAKMEM_%s`", names[i]);
}

static void put_libraries(FILE *page) {
    fputs("\nOnly hakmem-debug.so acts on these:\n\n-", page);
    put_debug_only(page, false, false);
    fputs("\n\nOf these, libhakmem.so, and not libhakmem.a, acts on", page);
    put_shared(page);
    fputs(".\n\nhakmem-debug.so and hakmem-record.so ([keep](keep.md)), and not libhakmem, act on",
          page);
    put_debug_only(page, true, false);
    fputs(".\n\nSomebody waits for the findings of", page);
    put_debug_only(page, false, true);
    fputs(", which `run --allocator keep` refuses, and of", page);
    put_debug_only(page, true, true);
    fputs(
        ": a library that does not act on one of these says so in one line. The others are silent "
        "there, so that one environment serves all.\n",
        page);
}

static void write_options(void) {
    FILE *page = open_page("specs/options.md", "Variables", "options.def");
    if (!page)
        return;
    fputs(
        "All are read once, when the program starts. A value that cannot be read gives one line on "
        "stderr that names the variable, the value and what was expected; the default holds then. "
        "`hakmem-trace run` has an option for most; a variable that is already set holds where no "
        "option is given. `HAKMEM_PROFILE` and `HAKMEM_TINY_PRESET` set others beside them, where "
        "these "
        "are not given ([profiles](profiles.md)).\n\n"
        "| variable | option of run | values | default | profiles and presets | meaning |\n"
        "|---|---|---|---|---|---|\n",
        page);
#define OPTION(name, field, type, standard, range, run, sentence)                                  \
    fputs("| `HAKMEM_" #name "` | ", page);                                                        \
    put_cell(page, run[0] ? "`--" run "`" : "");                                                   \
    put_cell(page, range);                                                                         \
    put_cell(page, standard[0] ? standard : "none");                                               \
    put_sets(page, #name);                                                                         \
    put_cell(page, sentence);                                                                      \
    fputs("\n", page);
#include "options.def"
    put_libraries(page);
    close_page(page);
}

/* ---- profiles -------------------------------------------------------------------------------- */

/* The value of `name` where `setter`=`choice`; NULL where that does not set it. */
static const char *set_by(const char *setter, const char *choice, const char *name) {
    for (unsigned i = 0; i < SET_LINES; i++)
        if (strcmp(sets[i].name, setter) == 0 && strcmp(sets[i].choice, choice) == 0 &&
            strcmp(sets[i].other, name) == 0)
            return sets[i].value;
    return NULL;
}

static bool is_set_by_any(const char *name) {
    for (unsigned i = 0; i < SET_LINES; i++)
        if (strcmp(sets[i].other, name) == 0)
            return true;
    return false;
}

/* Every variable that some profile or preset sets, with the value that it has in this one: the file
 * does what HAKMEM_PROFILE does, whatever was set before it. */
static void write_profile(const char *profile) {
    char name[256];
    snprintf(name, sizeof name, "profiles/%s.env", profile);
    FILE *page = open_file(name);
    if (!page)
        return;
    fprintf(
        page,
        "# HAKMEM_PROFILE=%s, variable by variable, for EnvironmentFile= of systemd and env_file\n"
        "# of compose. Made from src/options.def by `make pages`; edit the table, not this file.\n",
        profile);
    const char *preset = set_by("PROFILE", profile, "TINY_PRESET");
    for (unsigned i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        if (!is_set_by_any(option->name))
            continue;
        const char *value = set_by("PROFILE", profile, option->name);
        if (!value && preset)
            value = set_by("TINY_PRESET", preset, option->name);
        fprintf(page, "\n# %s (%s)\nHAKMEM_%s=%s\n", option->sentence, option->range, option->name,
                value ? value : option->standard);
    }
    close_page(page);
}

static void write_profiles(void) {
    char profile[64];
    for (unsigned i = 0; i < OPTIONS; i++) {
        const char *at = strcmp(options[i].name, "PROFILE") == 0 ? options[i].range : "";
        for (; *at; at += at[strcspn(at, "|")] ? strcspn(at, "|") + 1 : strcspn(at, "|")) {
            snprintf(profile, sizeof profile, "%.*s", (int)strcspn(at, "|"), at);
            write_profile(profile);
        }
    }
}

static const char *const place_text[HAK_PLACE_COUNT] = {
#define PLACE(name, number, text, sentence) [number] = text,
#include "hops.def"
};

static void put_places(FILE *page, unsigned places) {
    const char *between = "";
    for (unsigned i = 0; i < HAK_PLACE_COUNT; i++)
        if (places >> i & 1) {
            fprintf(page, "%s%s", between, place_text[i]);
            between = ", ";
        }
    fputs(" | ", page);
}

/* "SLL_POP" from "HAK_SLL_POP", "RESERVE_TAKE" from "HAK_COUNTED_RESERVE_TAKE". */
static const char *name_of_kind(const char *enumerator) {
    static const char counted[] = "HAK_COUNTED_";
    bool is_counted = strncmp(enumerator, counted, sizeof counted - 1) == 0;
    return enumerator + (is_counted ? sizeof counted - 1 : sizeof "HAK_" - 1);
}

static void write_hops(void) {
    FILE *page = open_page("specs/hops.md", "Records: places, moves and notes", "hops.def");
    if (!page)
        return;
    fputs("Numbers are written into rings and stores and never change their meaning.\n\n"
          "## Where a block can be\n\n| number | place | a block there is |\n|---|---|---|\n",
          page);
#define PLACE(name, number, text, sentence)                                                        \
    fprintf(page, "| %d | %s | %s |\n", number, text, sentence);
#include "hops.def"
    fputs("\n## Moves of one block\n\nA move out of another place than these is illegal: "
          "[wrong-layer-move](faults/HKM-101.md).\n\n"
          "| number | kind | from | to | meaning |\n|---|---|---|---|---|\n",
          page);
#define IN(place) (1u << HAK_PLACE_##place)
#define HOP(name, number, from, to, sentence)                                                      \
    fprintf(page, "| %d | %s | ", number, #name);                                                  \
    put_places(page, from);                                                                        \
    put_places(page, to);                                                                          \
    fprintf(page, "%s |\n", sentence);
#include "hops.def"
    fputs("\n## Records that move no block\n\n| number | kind | meaning |\n|---|---|---|\n", page);
#define NOTE(name, number, sentence) fprintf(page, "| %d | %s | %s |\n", number, #name, sentence);
#include "hops.def"
    fputs("\n## Layers: who served a malloc\n\nOf all that the call had to ask, the one with the "
          "greatest number; what counts as asking stands behind it ([metrics](metrics.md)).\n\n"
          "| number | layer | name | what it is |\n|---|---|---|---|\n",
          page);
#define LAYER(name, number, text, sentence)                                                        \
    fprintf(page, "| %d | %s | %s | %s |\n", number, #name, text, sentence);
#include "hops.def"
    fputs("\n| asked by | layer |\n|---|---|\n", page);
#define SERVES(place, layer) fprintf(page, "| handed out from %s | %s |\n", #place, #layer);
#define REACHES(kind, layer) fprintf(page, "| %s | %s |\n", name_of_kind(#kind), #layer);
#include "hops.def"
    fputs("\n## Counted only\n\n| number | count | meaning |\n|---|---|---|\n", page);
#define COUNT(name, number, sentence) fprintf(page, "| %d | %s | %s |\n", number, #name, sentence);
#include "hops.def"
    fputs("\n## Calls: the subkind of MALLOC, REALLOC and REALLOC_FROM\n\nHow the block "
          "was taken.\n\n| number | call |\n|---|---|\n",
          page);
#define TAKEN(name, number, words) fprintf(page, "| %d | %s |\n", number, words);
#include "hops.def"
    fputs("\n## Calls: the subkind of FREE\n\nHow the block was given back.\n\n"
          "| number | call |\n|---|---|\n",
          page);
#define GIVEN(name, number, words) fprintf(page, "| %d | %s |\n", number, words);
#include "hops.def"
    close_page(page);
}

static void write_classes(void) {
    static const struct {
        unsigned slot_bytes, band;
    } classes[] = {
#define CLASS(slot_bytes, band) {slot_bytes, band},
#include "classes.def"
    };
    FILE *page = open_page("specs/classes.md", "Size classes", "classes.def");
    if (!page)
        return;
    fputs(
        "A band is named by its upper bound. Waste is the part of a slot that was not asked for, "
        "for the plain library (no header): at the smallest size that a class serves, and the mean "
        "over all sizes that it serves.\n\n"
        "| index | band | slot, bytes | serves, bytes | waste at worst | mean |\n"
        "|---|---|---|---|---|---|\n",
        page);
    unsigned below = 0;
    for (unsigned i = 0; i < sizeof classes / sizeof *classes; i++) {
        unsigned slot = classes[i].slot_bytes, low = below + 1;
        double mean = (slot - (low + slot) / 2.0) / slot;
        fprintf(page, "| %u | C%u | %u | %u..%u | %.1f %% | %.1f %% |\n", i, classes[i].band, slot,
                low, slot, 100.0 * (slot - low) / slot, 100.0 * mean);
        below = slot;
    }
    fprintf(page, "\nAbove %u bytes a block has pages of its own (large).\n", below);
    close_page(page);
}

static void write_faults(void) {
    FILE *page = open_page("specs/faults/INDEX.md", "Faults", "faults.def");
    if (!page)
        return;
    fputs(
        "Each has a page here, a program in tests/faults that commits exactly this fault, and the "
        "report that the program must give. `hakmem-trace explain CODE` shows the page.\n\n"
        "| code | fault | tag of the original | injected by | meaning |\n|---|---|---|---|---|\n",
        page);
#define FAULT(name, number, text, tag, injection, meaning, what_to_do)                             \
    fprintf(page, "| HKM-%d | [%s](HKM-%d.md) | ", number, text, number);                          \
    put_cell(page, tag);                                                                           \
    put_cell(page, injection[0] ? "`HAKMEM_INJECT=" injection ":N`" : "");                         \
    fprintf(page, "%s |\n", meaning);
#include "faults.def"
    close_page(page);
}

/* A sentence with links to the pages that it names: those of docs/specs. */
static void put_linked(FILE *page, const char *text) {
    size_t length = 0;
    for (const char *name; (name = schema_find_page(text, &length)); text = name + length + 3)
        fprintf(page, "%.*s[%.*s](%.*s.md)", (int)(name - text), text, (int)length, name,
                (int)length, name);
    fputs(text, page);
}

static void put_schema_item(void *context, const struct schema_item *item) {
    FILE *page = context;
    if (item->kind == SCHEMA_CHAPTER) {
        fprintf(page, "\n## %s\n", item->name);
        return;
    }
    bool is_head = item->kind == SCHEMA_TABLE || item->kind == SCHEMA_VIEW;
    fprintf(page, is_head ? "\n| **%s%s** | " : "| %s%s | ",
            item->kind == SCHEMA_INDEX ? "index " : "", item->name);
    put_linked(page, item->sentence);
    fputs(is_head ? " |\n|---|---|\n" : " |\n", page);
}

static void write_schema(void) {
    FILE *page = open_page("specs/schema.md", "The tables of a store", "store/schema_sql.c");
    if (!page)
        return;
    fputs(
        "Each table and view that lies in the file, with its columns; in `sqlite3 app.db` "
        "`.schema leak` shows the same of one. [store](store.md) describes what is coded in them, "
        "the values of meta, and the tables that hakmem's own connections have beside them. Times "
        "`ns` count from the capture's start. \"Row of\" means: its `id`. Numbers are signed "
        "64-bit integers: "
        "addresses and masks with bit 63 set read as negative.\n",
        page);
    schema_read(put_schema_item, page);
    close_page(page);
}

static void write_fleet_tables(void) {
    FILE *page =
        open_page("specs/fleet-tables.md", "The tables of a server", "remote/schema_sql.c");
    if (!page)
        return;
    fputs("`hakmem-trace fleet setup` lays out these tables beside those of captures "
          "([fleet](fleet.md)). The tables of captures are those of a store ([schema](schema.md)), "
          "named c_TABLE, with `capture` in front of the key. Texts of programs and hosts are "
          "BYTEA, as they may be anything.\n",
          page);
    static char sql[1 << 16];
    for (const struct hak_remote_migration *m = hak_remote_migrations; m->number; m++) {
        size_t used = strlen(sql), length = strlen(m->sql);
        if (used + length >= sizeof sql) {
            fputs("write_pages: the migrations are longer than was thought\n", stderr);
            status = 1;
            break;
        }
        memcpy(sql + used, m->sql, length + 1);
    }
    schema_read_other(sql, "src/remote/schema_sql.c", put_schema_item, page);
    close_page(page);
}

int main(int argc, char **argv) {
    static const char *const folders[] = {"specs", "specs/faults", "profiles"};
    if (argc != 2) {
        fputs("usage: write_pages DIRECTORY\n", stderr);
        return 2;
    }
    directory = argv[1];
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, folders[i]);
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            fprintf(stderr, "write_pages: %s cannot be made: %s\n", path, strerror(errno));
            return 1;
        }
    }
    write_options();
    write_profiles();
    write_hops();
    write_classes();
    write_faults();
    write_schema();
    write_fleet_tables();
    return status;
}
