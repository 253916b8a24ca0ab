/* Finds the functions, files and lines of an address in a module's file.
 *
 *   path, build-id --> ELF file --> debug information: in it, by build-id under /usr/lib/debug, by
 *                                   .gnu_debuglink, split (.dwo where libdw finds it, else .dwp)
 *                               --> unit by .debug_aranges, else by an index over all units
 *                               --> function and the calls that were inlined into it, lines
 *                               --> else the symbol tables: the function alone; also the one that
 *                                   is compressed in .gnu_debugdata
 *
 * Only local files are read, never the network. A file whose build-id is not the one that was
 * loaded is not used. For one thread; another one, inside, loads files. */
#ifndef HAK_SYMBOLS_SYMBOLS_H
#define HAK_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

struct hak_symbols;
struct hak_symbol_file;

/* One level of a frame: level 0 is the innermost inlined function. Strings live as long as the
 * hak_symbols. */
struct hak_symbol {
    const char *function; /* demangled; "" = not known */
    const char *file;     /* "" = not known */
    uint32_t line;        /* 0 = not known */
};

/* Makes a store of symbols without files; NULL without memory. Debug files come from this machine
 * alone. */
struct hak_symbols *hak_symbols_make(void);
void hak_symbols_free(struct hak_symbols *symbols);

/* The file of a module; the same one for the same path and build-id (hex, "" = not known). `pid`: a
 * process that has it loaded, for files that are only there in its root folder (0 = none).
 * `loaded_ns`: when it was seen, CLOCK_REALTIME; without a build-id a file changed later is not
 * used (0 = any). Never NULL but when memory ran out; a file that cannot be used gives no symbols.
 */
struct hak_symbol_file *hak_symbols_open(struct hak_symbols *symbols, const char *path,
                                         const char *build_id, int pid, uint64_t loaded_ns);

/* Lets a thread of hak_symbols load a file's debug information when this is first called. True when
 * that is done; waits for it at most `*left_ms`, from which the time waited is taken (NULL = asks
 * only). All waits for one file take 3 s together: one that is later than that is not waited for
 * any more, by any caller. */
bool hak_symbols_wait(struct hak_symbol_file *file, uint32_t *left_ms);

/* Whether no file is being loaded, or waits for it. */
bool hak_symbols_are_read(struct hak_symbols *symbols);

/* Finds the functions and lines at `address` (of the file: pc - load bias; for return addresses
 * give the address - 1). Fills levels, innermost first; returns how many (0 = nothing known, at
 * most max). Does not wait: nothing is known of a file that is not loaded. */
int hak_symbols_find(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                     int max);

#endif
