/* Files of modules for symbols: opens each once, checks that it is the one that was loaded, asks
 * its debug information, then its symbol table. */
#include "symbols/symbols.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "symbols/debug_file.h"
#include "symbols/minimal_symbols.h"
#include "symbols/reading.h"
#include "symbols/symbol_table.h"
#include "symbols/units.h"

#define LOAD_MS 3000 /* all waits for one file together */

struct hak_symbol_file {
    struct hak_symbol_file *next;
    char *path, *build_id;
    bool asked;           /* with the lock: something in it is to be named */
    bool wanted;          /* with the lock: somebody waits for it */
    bool ready;           /* with the lock: the thread has loaded all below */
    uint32_t patience_ms; /* that is left of LOAD_MS */
    struct hak_debug_file debug;
    struct hak_units units;
    struct hak_symbol_table table;
    struct hak_minimal_symbols minimal; /* the table's names may lie there */
    struct hak_symbols *owner;
};

struct hak_symbols {
    struct hak_symbol_file *files; /* newest first */
    struct hak_strings strings;
    pthread_t thread; /* loads debug information; the only one that does */
    bool has_thread, stop;
    pthread_mutex_t lock; /* files, their fields marked so, stop */
    pthread_cond_t changed;
};

/* Reads all of one file: debug information, units, symbols. Without the lock; it may take seconds.
 */
static void load_file(struct hak_symbol_file *file) {
    hak_reading_begin(file->path, file->build_id);
    hak_debug_file_load(&file->debug);
    if (file->debug.dwarf)
        hak_units_load(&file->units, file->debug.dwarf, &file->debug.dwp,
                       file->debug.is_inflated_later ? &file->debug.inflated : NULL);
    hak_minimal_symbols_load(&file->minimal, file->debug.own.elf);
    Elf *const files[] = {file->debug.separate.elf, file->debug.own.elf, file->minimal.elf};
    hak_symbol_table_load(&file->table, files, sizeof files / sizeof *files);
    hak_reading_end();
}

/* The file to be loaded next, with the lock: the first opened of those that are asked and not
 * ready; of those waited for, if there are any. A program has many modules in which no stack has a
 * frame. */
static struct hak_symbol_file *next_unready(struct hak_symbols *symbols) {
    struct hak_symbol_file *oldest = NULL;
    for (struct hak_symbol_file *f = symbols->files; f; f = f->next)
        if (f->asked && !f->ready && (!oldest || f->wanted || !oldest->wanted))
            oldest = f;
    return oldest;
}

/* The thread: loads files as they are asked for until `stop`. */
static void *load_all(void *argument) {
    struct hak_symbols *symbols = argument;
    pthread_mutex_lock(&symbols->lock);
    while (!symbols->stop) {
        struct hak_symbol_file *file = next_unready(symbols);
        if (!file) {
            pthread_cond_wait(&symbols->changed, &symbols->lock);
            continue;
        }
        pthread_mutex_unlock(&symbols->lock);
        load_file(file);
        pthread_mutex_lock(&symbols->lock);
        file->ready = true;
        pthread_cond_broadcast(&symbols->changed);
    }
    pthread_mutex_unlock(&symbols->lock);
    return NULL;
}

/* Starts the loading thread with all signals blocked; without it, files are loaded when needed. */
static void start_thread(struct hak_symbols *symbols) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    symbols->has_thread = pthread_create(&symbols->thread, NULL, load_all, symbols) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct hak_symbols *hak_symbols_make(void) {
    unsetenv("DEBUGINFOD_URLS"); /* local files only */
    struct hak_symbols *symbols = calloc(1, sizeof *symbols);
    if (!symbols)
        return NULL;
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&symbols->lock, NULL);
    pthread_cond_init(&symbols->changed, &clock);
    pthread_condattr_destroy(&clock);
    return symbols;
}

void hak_symbols_free(struct hak_symbols *symbols) {
    if (!symbols)
        return;
    if (symbols->has_thread) {
        pthread_mutex_lock(&symbols->lock);
        symbols->stop = true;
        pthread_cond_broadcast(&symbols->changed);
        pthread_mutex_unlock(&symbols->lock);
        pthread_join(symbols->thread, NULL);
    }
    while (symbols->files) {
        struct hak_symbol_file *f = symbols->files;
        symbols->files = f->next;
        hak_units_free(&f->units);
        hak_symbol_table_free(&f->table);
        hak_minimal_symbols_free(&f->minimal);
        hak_debug_file_close(&f->debug);
        free(f->path);
        free(f->build_id);
        free(f);
    }
    hak_strings_free(&symbols->strings);
    free(symbols);
}

struct hak_symbol_file *hak_symbols_open(struct hak_symbols *symbols, const char *path,
                                         const char *build_id, int pid, uint64_t loaded_ns) {
    for (struct hak_symbol_file *f = symbols->files; f; f = f->next)
        if (strcmp(f->path, path) == 0 && strcmp(f->build_id, build_id) == 0)
            return f;
    struct hak_symbol_file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->path = strdup(path);
    f->build_id = strdup(build_id);
    if (!f->path || !f->build_id) {
        free(f->path);
        free(f->build_id);
        free(f);
        return NULL;
    }
    f->owner = symbols;
    f->patience_ms = LOAD_MS;
    /* Opened at once, read later: the file may be gone by then. */
    hak_reading_begin(path, build_id);
    bool is_barred = hak_reading_is_barred(path, build_id);
    hak_debug_file_open(&f->debug, is_barred ? "" : path, build_id, pid, loaded_ns);
    hak_reading_end();
    if (!symbols->has_thread)
        start_thread(symbols);
    if (!symbols->has_thread || !f->debug.own.elf) {
        load_file(f);
        f->ready = true;
    }
    pthread_mutex_lock(&symbols->lock);
    f->next = symbols->files;
    symbols->files = f;
    pthread_mutex_unlock(&symbols->lock);
    return f;
}

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for a file to be loaded, with the lock, at most `most` milliseconds; returns how many it
 * waited. */
static uint32_t wait_ready(struct hak_symbol_file *file, uint32_t most) {
    uint64_t begun = now_ms(), end = begun + most;
    struct timespec until = {(time_t)(end / 1000), (long)(end % 1000) * 1000000};
    while (!file->ready &&
           pthread_cond_timedwait(&file->owner->changed, &file->owner->lock, &until) == 0)
        continue;
    uint64_t now = now_ms();
    return now < end ? (uint32_t)(now - begun) : most;
}

bool hak_symbols_wait(struct hak_symbol_file *file, uint32_t *left_ms) {
    pthread_mutex_lock(&file->owner->lock);
    file->wanted = left_ms && *left_ms > 0;
    if (!file->asked) {
        file->asked = true;
        pthread_cond_broadcast(&file->owner->changed);
    }
    if (!file->ready && left_ms) {
        uint32_t most = *left_ms < file->patience_ms ? *left_ms : file->patience_ms;
        uint32_t waited = most > 0 ? wait_ready(file, most) : 0;
        file->patience_ms -= waited;
        *left_ms -= waited;
    }
    bool ready = file->ready;
    pthread_mutex_unlock(&file->owner->lock);
    return ready;
}

bool hak_symbols_are_read(struct hak_symbols *symbols) {
    pthread_mutex_lock(&symbols->lock);
    bool are_read = next_unready(symbols) == NULL;
    pthread_mutex_unlock(&symbols->lock);
    return are_read;
}

/* gcc gives lambdas and similar functions no linkage name, only "operator()": the symbol table has
 * it. */
static bool is_named(const struct hak_symbol *s) {
    return strchr(s->function, '(') != NULL && strcmp(s->function, "operator()") != 0;
}

/* Names the outermost level by the symbol table where debug information has no name for it. Returns
 * the levels then. */
static int name_outermost(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                          int count) {
    if (count > 0 && is_named(&out[count - 1]))
        return count;
    const char *name = hak_symbol_table_find(&file->table, address);
    if (name[0] == 0 ||
        (count > 0 && out[count - 1].function[0] != 0 && strncmp(name, "_Z", 2) != 0))
        return count;
    if (count == 0)
        out[count++] = (struct hak_symbol){"", "", 0};
    out[count - 1].function = hak_strings_demangle(&file->owner->strings, name);
    return count;
}

int hak_symbols_find(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                     int max) {
    int count = 0;
    if (!hak_symbols_wait(file, NULL))
        return 0;
    hak_reading_begin(file->path, file->build_id);
    if (file->debug.dwarf)
        count = hak_units_find(&file->units, &file->owner->strings, address, out, max);
    if (max > 0)
        count = name_outermost(file, address, out, count);
    hak_reading_end();
    return count;
}
