/* Notes the file that is being read right now, in a page that outlives the process: a file that
 * kills its reader, or holds it for ever, is known to the process that starts the next one.
 *
 *   reader --begin(path, build-id)--> page --died, or reads too long--> keeper: that one
 *   next reader <--bar(path, build-id)-- keeper          it reads the file no more
 *
 * Debug information of a recorded program may be made to break its reader (libdw, libelf, the
 * demangler). Two threads read: the one that loads files, and the one that asks.
 *
 * The page also counts steps, so that a waiter for the process can tell much work from none. */
#ifndef HAK_SYMBOLS_READING_H
#define HAK_SYMBOLS_READING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HAK_READING_PATH 4096
#define HAK_READING_ID   130
#define HAK_READERS      2

struct hak_read_file {
    char path[HAK_READING_PATH];
    char build_id[HAK_READING_ID];
};

/* Makes the page and notes in it, from then on, each file that is read and the read that was
 * deadly. Returns a descriptor of it, the caller's, or -1: nothing is noted then. Once in a
 * process. */
int hak_reading_share(void);

/* Notes that this thread begins to look into a file, until hak_reading_end; may be nested: the
 * outermost counts. */
void hak_reading_begin(const char *path, const char *build_id);
void hak_reading_end(void);

/* From now on this file is not to be read; all of them when `path` is "". False: no memory. For one
 * thread. */
bool hak_reading_bar(const char *path, const char *build_id);

/* Whether this file, or every file, is not to be read. */
bool hak_reading_is_barred(const char *path, const char *build_id);

/* Notes that work without a visible result goes on, such as one more place of leaks; any thread.
 * Only in loops whose end is known when they begin: a process that hangs notes none. */
void hak_reading_note_step(void);

/* Whether a thread reads now; it may never come back. */
bool hak_reading_is_busy(void);

/* The other side, which only reads the page (`page`, the descriptor): */

/* Reads which file reader `which` (below HAK_READERS) reads; false = none. `serial` differs for
 * each file and read, `thread` is its id. */
bool hak_reading_look(int page, int which, struct hak_read_file *out, uint64_t *serial,
                      pid_t *thread);

/* How many steps the process has noted; 0 = none, or not known. */
uint64_t hak_reading_steps(int page);

/* The reader in which the process died, -1 = in none, as far as is known. */
int hak_reading_deadly(int page);

#endif
