/* Names of code that a program made at run time: /tmp/perf-PID.map, which JIT compilers write for
 * perf (node --perf-basic-prof, java with perf-map-agent, ...): lines of "START BYTES NAME" in hex.
 *
 * The file lies where anyone may write, so it must be a plain file of the collector's own user,
 * changed since the process began, and at most 256 MiB long. Later lines count more than earlier
 * ones. */
#ifndef HAK_SYMBOLS_JIT_NAMES_H
#define HAK_SYMBOLS_JIT_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Reads the map of process `pid`, which began at `began_ns` (CLOCK_REALTIME). For each of the
 * `count` addresses, which ascend, `names` gets a name that lies in the returned text, or NULL.
 * Returns that text, to be freed by the caller; NULL when there is no map to be used. */
char *hak_jit_names_read(int pid, uint64_t began_ns, const uint64_t *addresses, const char **names,
                         size_t count);

#endif
