/* The last words of a process: its heap in lines for people, or as JSON into a file. */
#include "entry/summary.h"

#include <errno.h>
#include <fcntl.h>
#include "entry/external_guard.h"
#include "front/figures.h"
#include "large/large.h"
#include "learn/learn.h"
#include "light.h"
#include "options.h"
#include "platform/line.h"
#include "platform/path.h"
#include "platform/raw_call.h"
#include "version.h"

enum { PATH_BYTES = 4096 };

struct summary {
    uint64_t process;
    struct hak_figures heap;
    size_t large_blocks, large_bytes;
    uint64_t passed_on, left_alone;
    struct hak_learned learned;
};

static char directory[PATH_BYTES]; /* at the start; "" = not known or not needed */

void hak_summary_start(void) {
    if (!hak_options.has_text[HAK_INDEX_STATS_DUMP] || hak_options.stats_dump[0] == '/')
        return;
    hak_path_here(directory, sizeof directory);
}

/* Measures all that the summary prints. */
static void take_summary(struct summary *now) {
    long process = hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    now->process = process > 0 ? (uint64_t)process : 0; /* a sandbox may not tell */
    hak_figures_take(&now->heap);
    now->large_blocks = hak_large_count(&now->large_bytes);
    now->passed_on = hak_external_guard_passed_on();
    now->left_alone = hak_external_guard_left_alone();
    hak_learn_figures(&now->learned);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_pair(const char *text, uint64_t first, const char *between, uint64_t second,
                       const char *after) {
    struct hak_line line = {.length = 0};
    hak_line_say(&line, text, first, between);
    hak_line_say(&line, "", second, after);
    hak_line_end(&line);
}

/* Prints the summary on stderr, at exit or on the signal. */
static void print_summary(const struct summary *now) {
    struct hak_line line = {.length = 0};
    hak_line_say(&line, "hakmem: stats of process ", now->process, "");
    hak_line_end(&line);
    print_pair("hakmem:   SuperSlabs: ", now->heap.superslab_bytes, " bytes, of these ",
               now->heap.unused_bytes, " not in use");
    print_pair("hakmem:   slots of the program: ", now->heap.live_bytes,
               " bytes; cached: ", now->heap.cached_bytes, " bytes");
    print_pair("hakmem:   large blocks: ", now->large_blocks, ", ", now->large_bytes, " bytes");
    print_pair("hakmem:   other allocators' pointers: ", now->passed_on, " passed on, ",
               now->left_alone, " left alone");
    print_pair("hakmem:   learning: ", now->learned.windows, " windows, ", now->learned.changes,
               " changes");
}

/* ---- as JSON --------------------------------------------------------------------------------- */

struct file {
    long number;
    long error; /* the first, as a positive errno; 0 = all was written */
    struct hak_line line;
};

/* Writes the line out and empties it; the first error is kept. */
static void flush(struct file *file) {
    long error = hak_line_write(&file->line, file->number);
    if (!file->error)
        file->error = error;
}

/* Appends to the file's line, which is written out when it is nearly full. */
static void put(struct file *file, const char *text, uint64_t number, const char *after) {
    enum { FIELD_BYTES = 128 };
    if (file->line.length + FIELD_BYTES > sizeof file->line.text)
        flush(file);
    hak_line_say(&file->line, text, number, after);
}

/* Writes the summary as JSON. */
static void put_all(struct file *file, const struct summary *now) {
    put(file, "{\"hakmem_stats\": ", 1, ", \"version\": \"" HAK_VERSION "\",\n");
    put(file, " \"process\": ", now->process, ",\n");
    put(file, " \"superslab_bytes\": ", now->heap.superslab_bytes, ",\n");
    put(file, " \"unused_bytes\": ", now->heap.unused_bytes, ",\n");
    put(file, " \"live_bytes\": ", now->heap.live_bytes, ",\n");
    put(file, " \"cached_blocks\": ", now->heap.cached_blocks, ",\n");
    put(file, " \"cached_bytes\": ", now->heap.cached_bytes, ",\n");
    put(file, " \"large_blocks\": ", now->large_blocks, ",\n");
    put(file, " \"large_bytes\": ", now->large_bytes, ",\n");
    put(file, " \"external_passed_on\": ", now->passed_on, ",\n");
    put(file, " \"external_left_alone\": ", now->left_alone, ",\n");
    put(file, " \"learn_windows\": ", now->learned.windows, ",\n");
    put(file, " \"learn_changes\": ", now->learned.changes, ",\n");
    hak_line_add(&file->line, " \"free_blocks\": [");
    const char *before = "\n  {\"slot_bytes\": ";
    for (unsigned c = 0; c < HAK_CLASSES; c++) {
        if (now->heap.free_blocks[c] == 0)
            continue;
        put(file, before, hak_class_bytes(c), "");
        put(file, ", \"blocks\": ", now->heap.free_blocks[c], "}");
        before = ",\n  {\"slot_bytes\": ";
    }
    hak_line_add(&file->line, "]}\n");
    flush(file);
}

/* Says on stderr that the file cannot be written, and why. */
static void say_failed(const char *path, long error) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: HAKMEM_STATS_DUMP: ");
    hak_line_add_name(&line, path);
    if (error == ENAMETOOLONG)
        hak_line_add(&line, " is too long a path");
    else
        hak_line_say(&line, " cannot be written: error ", (uint64_t)error, "");
    hak_line_end(&line);
}

/* Writes the summary as JSON into the file of HAKMEM_STATS_DUMP, which it replaces. Failures are
 * said on stderr. */
static void dump(const struct summary *now) {
    static char path[PATH_BYTES]; /* exit may be called on a thread with a small stack */
    struct file file = {.line.length = 0};
    const char *name = program_invocation_short_name ? program_invocation_short_name : "";
    if (!hak_path_expand(path, sizeof path, hak_options.stats_dump, directory, name)) {
        say_failed(hak_options.stats_dump, ENAMETOOLONG);
        return;
    }
    file.number = hak_raw_call(SYS_openat, AT_FDCWD, (long)path,
                               O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600, 0, 0);
    if (file.number < 0) {
        say_failed(path, -file.number);
        return;
    }
    put_all(&file, now);
    if (file.error)
        say_failed(path, file.error);
    hak_close(file.number);
}

/* Prints the summary or writes it to a file at exit, where that is asked for. */
__attribute__((destructor)) static void at_exit(void) {
    struct summary now;
    if (hak_light_is_other_half())
        return;
    hak_external_guard_end();
    if (!hak_options.stats && !hak_options.has_text[HAK_INDEX_STATS_DUMP])
        return;
    take_summary(&now);
    if (hak_options.stats)
        print_summary(&now);
    if (hak_options.has_text[HAK_INDEX_STATS_DUMP])
        dump(&now);
}
