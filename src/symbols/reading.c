/* Notes in shared memory the files being read, and the reader that a signal killed. */
#include "symbols/reading.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/growing.h"

enum { SIGNAL_STACK_BYTES = 16 << 10 };

struct reader {
    _Atomic uint64_t serial; /* odd = it reads `file` */
    _Atomic int32_t thread;
    struct hak_read_file file;
};

struct page {
    _Atomic uint32_t deadly; /* reader + 1 */
    struct reader readers[HAK_READERS];
    _Atomic uint64_t steps;
};

static struct page *shared_page;
static pid_t owner;
static _Atomic int readers_taken;
static __thread int reader_plus_one, reading_depth;
static __thread char signal_stack[SIGNAL_STACK_BYTES]; /* a stack that overflowed has no room */
static struct hak_read_file *barred;
static uint32_t barred_count, barred_capacity;

/* Notes, in a handler of a deadly signal, which file this reader was reading; then the signal does
 * what it does anyway. A child of the reader tells nothing. */
static void note_death(int number) {
    if (getpid() == owner && reader_plus_one && reading_depth > 0)
        atomic_store(&shared_page->deadly, (uint32_t)reader_plus_one);
    signal(number, SIG_DFL);
    raise(number);
}

/* The process that reads symbols notes a deadly signal before it dies, so that the file is not read
 * again. */
static void hear_deaths(void) {
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction action = {.sa_handler = note_death, .sa_flags = SA_ONSTACK | SA_NODEFER};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        sigaction(deadly[i], &action, NULL);
}

int hak_reading_share(void) {
    int memory = memfd_create("hakmem-reading", MFD_CLOEXEC);
    if (memory < 0)
        return -1;
    void *at = ftruncate(memory, sizeof *shared_page) == 0
                   ? mmap(NULL, sizeof *shared_page, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0)
                   : MAP_FAILED;
    if (at == MAP_FAILED) {
        close(memory);
        return -1;
    }
    shared_page = at;
    owner = getpid();
    hear_deaths();
    return memory;
}

/* The thread's place in the page; NULL = there is none for it. */
static struct reader *own_reader(void) {
    if (reader_plus_one == 0) {
        int taken = atomic_fetch_add(&readers_taken, 1);
        reader_plus_one = taken < HAK_READERS ? taken + 1 : -1;
        stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
        if (reader_plus_one > 0 && sigaltstack(&stack, NULL) == 0)
            atomic_store(&shared_page->readers[taken].thread, gettid());
    }
    return reader_plus_one > 0 ? &shared_page->readers[reader_plus_one - 1] : NULL;
}

/* Copies a text, cut to fit, with its 0. */
static void copy(char *to, size_t bytes, const char *from) {
    size_t length = strnlen(from, bytes - 1);
    memcpy(to, from, length);
    to[length] = 0;
}

void hak_reading_begin(const char *path, const char *build_id) {
    if (!shared_page || reading_depth++ > 0)
        return;
    struct reader *r = own_reader();
    if (!r)
        return;
    copy(r->file.path, sizeof r->file.path, path);
    copy(r->file.build_id, sizeof r->file.build_id, build_id);
    atomic_fetch_add(&r->serial, 1);
}

void hak_reading_end(void) {
    if (shared_page && --reading_depth == 0 && reader_plus_one > 0)
        atomic_fetch_add(&shared_page->readers[reader_plus_one - 1].serial, 1);
}

void hak_reading_note_step(void) {
    if (shared_page)
        atomic_fetch_add_explicit(&shared_page->steps, 1, memory_order_relaxed);
}

bool hak_reading_bar(const char *path, const char *build_id) {
    if (!hak_growing_make_room(&barred, barred_count, &barred_capacity, sizeof *barred))
        return false;
    struct hak_read_file *file = &barred[barred_count++];
    copy(file->path, sizeof file->path, path);
    copy(file->build_id, sizeof file->build_id, build_id);
    return true;
}

bool hak_reading_is_barred(const char *path, const char *build_id) {
    for (uint32_t i = 0; i < barred_count; i++)
        if (!barred[i].path[0] ||
            (strcmp(barred[i].path, path) == 0 && strcmp(barred[i].build_id, build_id) == 0))
            return true;
    return false;
}

bool hak_reading_is_busy(void) {
    bool is_busy = false;
    for (int i = 0; shared_page && i < HAK_READERS; i++)
        is_busy |= atomic_load(&shared_page->readers[i].serial) & 1;
    return is_busy;
}

bool hak_reading_look(int memory, int which, struct hak_read_file *out, uint64_t *serial,
                      pid_t *thread) {
    struct reader seen;
    off_t at = (off_t)(offsetof(struct page, readers) + (size_t)which * sizeof seen);
    if (memory < 0 || pread(memory, &seen, sizeof seen, at) != (ssize_t)sizeof seen)
        return false;
    *serial = seen.serial;
    *thread = seen.thread;
    *out = seen.file;
    out->path[sizeof out->path - 1] = out->build_id[sizeof out->build_id - 1] = 0;
    return *serial & 1;
}

uint64_t hak_reading_steps(int memory) {
    uint64_t steps = 0;
    if (memory < 0 ||
        pread(memory, &steps, sizeof steps, offsetof(struct page, steps)) != (ssize_t)sizeof steps)
        return 0;
    return steps;
}

int hak_reading_deadly(int memory) {
    uint32_t deadly = 0;
    if (memory < 0 || pread(memory, &deadly, sizeof deadly, offsetof(struct page, deadly)) !=
                          (ssize_t)sizeof deadly)
        return -1;
    return deadly >= 1 && deadly <= HAK_READERS ? (int)deadly - 1 : -1;
}
