/* Finds [FILE:]SYMBOL[+OFFSET] as an address, and the symbol and section of a module's address, in
 * the ELF files of the modules that the capture names.
 *
 * The program's symbols come first; another module's count where the program has none of the name.
 * hakmem's own libraries are left out: their variables are none that a person asks about. */
#include "viewer/capture/address.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/frame.h"
#include "symbols/elf_file.h"
#include "symbols/static_place.h"
#include "symbols/strings.h"

enum { MATCHES_MAX = 16 }; /* that are told apart */

/* An address as it was typed. */
struct wanted {
    char file[512]; /* "" = any */
    char name[512];
    char part[512]; /* of the name: what each mangled form of it holds */
    uint64_t offset;
};

/* How well a symbol is the one of FILE; an exact name is better by one. */
enum { FITS_NOT = 0, FITS_MODULE = 2, FITS_GLOBAL = 4, FITS_SOURCE = 6, FITS_ANY = 8 };

struct match {
    uint64_t address;
    int fit;
    const char *file, *name, *module; /* FILE and SYMBOL that choose it; the file of its module */
};

struct symbol_search {
    const struct wanted *wanted;
    struct hak_strings strings;
    struct match match[MATCHES_MAX];
    int count;
    /* Of the module that is looked at: */
    const char *module;
    uint64_t load_bias;
    bool is_file;       /* FILE is its name */
    bool has_source;    /* FILE is one of its sources */
    const char *source; /* of the statics that come now, "" = not known */
};

static const char *name_of_file(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- names ------------------------------------------------------------------------------------
 */

/* The end of a demangled name, in front of a function's parameters. */
static const char *end_of_name(const char *plain) {
    const char *end = plain + strlen(plain), *at = strrchr(plain, ')');
    if (!at || (at[1] && strcmp(at + 1, " const") != 0))
        return end;
    for (int depth = 0; at > plain; at--) {
        depth += (*at == ')') - (*at == '(');
        if (depth == 0)
            return at;
    }
    return end;
}

/* Whether a demangled name is `name`, or that in namespaces or classes. */
static bool is_name_in(const char *plain, const char *name, bool *is_exact) {
    const char *end = end_of_name(plain);
    size_t bytes = strlen(name);
    if ((size_t)(end - plain) < bytes || strncmp(end - bytes, name, bytes) != 0)
        return false;
    const char *start = end - bytes;
    *is_exact = start == plain;
    return *is_exact || start[-1] == ' ' ||
           (start - plain > 2 && start[-1] == ':' && start[-2] == ':');
}

/* Whether the file's `name` is `wanted` with a mark of the compiler's, which it gives a static of a
 * function: "hits.0" of gcc, "main.hits" of clang. */
static bool is_static_of_function(const char *name, const char *wanted) {
    size_t bytes = strlen(wanted);
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot + 1, wanted) == 0 ||
                   ((size_t)(dot - name) == bytes && strncmp(name, wanted, bytes) == 0 && dot[1] &&
                    dot[1 + strspn(dot + 1, "0123456789")] == '\0'));
}

/* The name as a person writes it where it is the wanted one, else NULL. Mangled names of tables and
 * guards, which nobody wrote, are none. */
static const char *match_name(struct symbol_search *search, const char *name, bool is_object,
                              bool *is_exact) {
    const char *wanted = search->wanted->name;
    *is_exact = strcmp(name, wanted) == 0;
    if (*is_exact || (is_object && is_static_of_function(name, wanted)))
        return hak_strings_mark(&search->strings, name, "");
    if (name[0] != '_' || !strstr(name, search->wanted->part) || strncmp(name, "_ZT", 3) == 0 ||
        strncmp(name, "_ZG", 3) == 0)
        return NULL;
    const char *plain = hak_strings_demangle(&search->strings, name);
    return is_name_in(plain, wanted, is_exact) ? plain : NULL;
}

/* ---- one module -------------------------------------------------------------------------------
 */

static int fit_of(const struct symbol_search *search, bool is_static) {
    const char *file = search->wanted->file;
    if (!file[0])
        return FITS_ANY;
    if (is_static && strcmp(search->source, name_of_file(file)) == 0)
        return FITS_SOURCE;
    if (!is_static && (search->has_source || search->is_file))
        return FITS_GLOBAL;
    return search->is_file ? FITS_MODULE : FITS_NOT;
}

/* Adds a symbol, or finds it once more, by another name or in another table. */
static void add_match(struct symbol_search *search, const struct match *match) {
    for (int i = 0; i < search->count; i++)
        if (search->match[i].address == match->address) {
            if (match->fit > search->match[i].fit)
                search->match[i] = *match;
            return;
        }
    if (search->count < MATCHES_MAX)
        search->match[search->count++] = *match;
}

/* Notes the source of the statics behind it, or a function or object of the wanted name. */
static bool visit_symbol(void *context, const char *name, const GElf_Sym *symbol) {
    struct symbol_search *search = context;
    int type = GELF_ST_TYPE(symbol->st_info);
    bool is_static = GELF_ST_BIND(symbol->st_info) == STB_LOCAL, is_exact;
    if (type == STT_FILE) {
        search->source = hak_strings_mark(&search->strings, name_of_file(name), "");
        search->has_source |= strcmp(search->source, name_of_file(search->wanted->file)) == 0;
    }
    if (symbol->st_shndx == SHN_UNDEF || (type != STT_OBJECT && type != STT_FUNC))
        return true;
    const char *plain = match_name(search, name, type == STT_OBJECT, &is_exact);
    int fit = plain ? fit_of(search, is_static) : FITS_NOT;
    if (fit != FITS_NOT) {
        bool has_file = is_static && search->source[0];
        struct match match = {.address = symbol->st_value + search->load_bias,
                              .fit = fit == FITS_ANY ? fit : fit + is_exact,
                              .file = has_file ? search->source : name_of_file(search->module),
                              .name = plain,
                              .module = search->module};
        add_match(search, &match);
    }
    return true;
}

/* Whether FILE is a module's name: "libshop.so" of libshop.so.1, too. */
static bool is_module_name(const char *path, const char *file) {
    const char *name = name_of_file(path);
    size_t bytes = strlen(name_of_file(file));
    return bytes > 0 && strncmp(name, name_of_file(file), bytes) == 0 &&
           (name[bytes] == '\0' || name[bytes] == '.');
}

static void search_module(struct symbol_search *search, const struct hak_query *module) {
    struct hak_elf_file file;
    if (!hak_elf_open_built(&file, hak_query_text(module, 0), hak_query_text(module, 2)))
        return;
    search->module = hak_strings_mark(&search->strings, hak_query_text(module, 0), "");
    search->load_bias = hak_query_number(module, 1);
    search->is_file = is_module_name(search->module, search->wanted->file);
    search->has_source = false;
    search->source = "";
    hak_elf_each_symbol(file.elf, SHT_SYMTAB, visit_symbol, search);
    hak_elf_close(&file);
}

/* ---- all modules ------------------------------------------------------------------------------
 */

/* Keeps the matches that fit best. */
static void keep_best(struct symbol_search *search) {
    int best = FITS_NOT, kept = 0;
    for (int i = 0; i < search->count; i++)
        best = search->match[i].fit > best ? search->match[i].fit : best;
    for (int i = 0; i < search->count; i++)
        if (search->match[i].fit == best)
            search->match[kept++] = search->match[i];
    search->count = kept;
}

/* Searches the programs, then the other modules. Returns how many were looked at. */
static int search_all(struct symbol_search *search, const struct view *view) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT path, load_bias, build_id, path IN (SELECT program FROM process)"
                " FROM module GROUP BY path ORDER BY 4 DESC, min(id)",
                "reading modules");
    int looked_at = 0;
    bool was_program = true;
    while (hak_query_next(&q)) {
        bool is_program = hak_query_number(&q, 3) != 0;
        if (was_program && !is_program && search->count > 0)
            break;
        was_program = is_program;
        if (!is_program && hak_is_own_module(hak_query_text(&q, 0)))
            continue;
        looked_at++;
        search_module(search, &q);
    }
    hak_query_end(&q);
    keep_best(search);
    return looked_at;
}

/* Splits "file:name+offset". False: it is none. */
static bool split(const char *text, struct wanted *wanted) {
    const char *name = text, *end;
    for (const char *at = text; *at && name == text; at++)
        if (*at == ':' && at > text && at[-1] != ':' && at[1] != ':')
            name = at + 1;
    const char *plus = strrchr(name, '+');
    size_t bytes = plus ? (size_t)(plus - name) : strlen(name);
    size_t file_bytes = name > text ? (size_t)(name - text) - 1 : 0;
    *wanted = (struct wanted){.offset = 0};
    errno = 0;
    if (plus)
        wanted->offset = strtoull(plus + 1, (char **)&end, 0);
    if (bytes == 0 || bytes >= sizeof wanted->name || file_bytes >= sizeof wanted->file ||
        isdigit((unsigned char)name[0]) || (plus && (end == plus + 1 || *end != '\0' || errno)))
        return false;
    memcpy(wanted->file, text, file_bytes);
    memcpy(wanted->name, name, bytes);
    const char *colon = strrchr(wanted->name, ':');
    const char *part = colon ? colon + 1 : wanted->name;
    for (bytes = 0; isalnum((unsigned char)part[bytes]) || part[bytes] == '_'; bytes++)
        wanted->part[bytes] = part[bytes];
    return true;
}

/* Says which symbols have the name, as they are to be typed. */
static void say_matches(const struct symbol_search *search, const char *text) {
    struct hak_text all = {0};
    for (int i = 0; i < search->count; i++) {
        const struct match *match = &search->match[i];
        hak_text_add(&all, i ? ", " : "");
        hak_text_add_name(&all, match->file);
        hak_text_add(&all, ":");
        hak_text_add_name(&all, match->name);
        if (strcmp(match->file, name_of_file(match->module)) != 0) {
            hak_text_add(&all, " in ");
            hak_text_add_name(&all, name_of_file(match->module));
        }
    }
    view_error("%s: %d symbols have this name: %s%s; FILE:SYMBOL chooses one", text, search->count,
               hak_text_string(&all), search->count == MATCHES_MAX ? ", ..." : "");
    hak_text_free(&all);
}

bool view_find_symbol_address(struct view *view, const char *text, uint64_t *address) {
    struct wanted wanted;
    if (!split(text, &wanted)) {
        view_error("%s: no address; 0x7f.., 7f.., SYMBOL+OFFSET, FILE:SYMBOL, p:N or @fault was "
                   "expected",
                   text);
        return false;
    }
    struct symbol_search search = {.wanted = &wanted};
    int looked_at = search_all(&search, view);
    bool found = search.count == 1;
    if (found)
        *address = search.match[0].address + wanted.offset;
    else if (search.count > 1)
        say_matches(&search, text);
    else
        view_error("%s: no symbol '%s'%s%s in the %s of %s as they are on this machine; "
                   "0x7f.., 7f.., p:N and @fault work as well",
                   text, wanted.name, wanted.file[0] ? " of " : "", wanted.file,
                   hak_words_count((uint64_t)looked_at, "module", "modules"), view->store_path);
    hak_strings_free(&search.strings);
    return found;
}

/* ---- from an address --------------------------------------------------------------------------
 */

void view_add_static_place(struct hak_text *text, const char *path, const char *build_id,
                           uint64_t value) {
    struct hak_static_place place;
    if (hak_static_place_find(&place, path, build_id, value)) {
        hak_text_add(text, ", ");
        if (place.symbol[0])
            hak_text_add_name(text, place.symbol);
        if (place.symbol[0] && place.offset)
            hak_text_add(text, "+0x%" PRIx64, place.offset);
        hak_text_add(text, place.symbol[0] ? " in " : "in ");
        hak_text_add_name(text, place.section);
    }
    hak_text_add(text, ": %s, not heap memory.\n", place.kind);
}
