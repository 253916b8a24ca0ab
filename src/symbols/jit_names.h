/* Names of code that a program made at run time, from the two files that JIT compilers write for
 * perf:
 *
 *   perf-PID.map   lines of "START BYTES NAME" in hex, without times: the last line counts
 *                  (node --perf-basic-prof, CPython's trampoline, java's perf-map-agent, LuaJIT)
 *   jit-PID.dump   records with times, moves and source lines
 *                  (node --perf-prof, LLVM, java with perf's agent; the format:
 *                  linux/tools/perf/Documentation/jitdump-specification.txt)
 *
 *   places, by address --map, dump--> name, line, whether it may have been other code
 *
 * Both are read as a stream, and anything may stand in them. The opener decides whether to trust
 * them. For one thread; neither keeps the descriptor. */
#ifndef HAK_SYMBOLS_JIT_NAMES_H
#define HAK_SYMBOLS_JIT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "symbols/strings.h"
#include "symbols/symbols.h"

/* Stands behind a name that is not certain: other code lay at the address, too. */
#define HAK_REUSED_MARK " [reused]"

#define HAK_JIT_MAP_BYTES_MAX ((uint64_t)256 << 20)
#define HAK_JIT_DUMP_RECORDS  20000000u

/* An address that lies in no module, and the facts found about it. */
struct hak_jit_place {
    uint64_t address;           /* within the call's instruction */
    uint64_t from_ns, until_ns; /* CLOCK_MONOTONIC: it came on a stack first in between */
    char *name, *file;          /* as the file has them; owned; NULL = not known */
    uint32_t line;              /* 0 = not known */
    bool is_reused;
    bool is_debug_due; /* used while a dump is read */
    uint64_t debug_at, code_start;
};

struct hak_jit_reading {
    uint64_t entries; /* that were read */
    uint64_t broken;  /* lines or records that make no sense */
    bool is_cut;      /* it ends within a record, or more follows than is read */
    bool is_other;    /* it is no such file, or another machine's: nothing was read */
};

/* Fills in the `count` places, which ascend by address and each once, with the names of a perf map.
 * A file that is read later counts more, but for places with a dump's name. */
struct hak_jit_reading hak_jit_read_map(int fd, struct hak_jit_place *places, size_t count);

/* Fills in the `count` places, which ascend by address and each once, with names and lines of a
 * jitdump file of perf. */
struct hak_jit_reading hak_jit_read_dump(int fd, struct hak_jit_place *places, size_t count);
void hak_jit_places_clear(struct hak_jit_place *places, size_t count);

/* The place's name as people write it: `LazyCompile:*parse /app/x.js:12:3` becomes parse in
 * /app/x.js, line 12; `py::parse:/app/x.py` parse in /app/x.py; `Lcom/acme/Row;::parse`
 * com.acme.Row.parse. Strings lie in `strings`. */
struct hak_symbol hak_jit_symbol(const struct hak_jit_place *place, struct hak_strings *strings);

/* The number of the first place at `address` or above; `count`: there is none. */
size_t hak_jit_first_from(const struct hak_jit_place *places, size_t count, uint64_t address);

/* Gives a place one more name, of code that was loaded at `loaded_ns` (0 = not known: it may have
 * been there at any time). True: `place->name` is this one now. */
bool hak_jit_place_name(struct hak_jit_place *place, uint64_t loaded_ns, const char *name,
                        size_t name_bytes);

#endif
