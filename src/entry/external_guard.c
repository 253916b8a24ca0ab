/* Counts pointers of other allocators by owner, size band and caller, and prints them. */
#include "entry/external_guard.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include "hop.h"
#include "options.h"
#include "platform/line.h"
#include "superslab.h"
#include "platform/objects.h"

enum {
    CALLERS = 64,        /* that are told apart */
    CALLERS_PRINTED = 5, /* in the report */
    REPORT_AT = 100      /* left alone: the debug build reports by itself */
};

/* Of sizes: the bands C0 .. C7 of 8 .. 1,024 bytes, larger ones, unknown ones. */
enum { LARGER = 8, NOT_KNOWN, BANDS };

static struct {
    _Atomic uint64_t calls, owners[HAK_EXTERNAL_OWNERS], bands[BANDS];
    struct {
        _Atomic(const void *) address; /* behind the call of free; NULL = not used yet */
        _Atomic uint64_t calls;
    } callers[CALLERS];
    _Atomic uint64_t elsewhere; /* by callers that did not fit */
} counts;

static void count(_Atomic uint64_t *counter) {
    (void)atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t read_count(_Atomic uint64_t *counter) {
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* The row of the summary for a size: C0 to C7, larger, or not known for 0. */
static unsigned band_of(size_t bytes) {
    unsigned band = 0;
    while (band < LARGER && bytes > (size_t)8 << band)
        band++;
    return bytes == 0 ? NOT_KNOWN : band;
}

/* Counts a call by its return address, in a table of CALLERS; those that find no place count
 * together. */
static void count_caller(const void *caller) {
    unsigned first = (unsigned)((uintptr_t)caller * 0x9e3779b97f4a7c15u >> 58) % CALLERS;
    for (unsigned i = 0; i < CALLERS; i++) {
        unsigned at = (first + i) % CALLERS;
        const void *there = NULL;
        if (atomic_compare_exchange_strong(&counts.callers[at].address, &there, caller) ||
            there == caller) {
            count(&counts.callers[at].calls);
            return;
        }
    }
    count(&counts.elsewhere);
}

/* ---- in words -------------------------------------------------------------------------------- */

/* "name+0xoffset" of the module that holds the code; the bare address where none does. */
static void add_code(struct hak_line *line, const void *code) {
    struct hak_object found;
    if (!hak_object_find((uintptr_t)code, &found) || !found.module) {
        hak_line_hex(line, (uintptr_t)code);
        return;
    }
    const char *name = found.name;
    if (!name[0] && program_invocation_short_name)
        name = program_invocation_short_name; /* the program itself has no name there */
    const char *slash = strrchr(name, '/');
    hak_line_add_name(line, slash ? slash + 1 : name);
    hak_line_add(line, "+");
    hak_line_hex(line, (uintptr_t)code - found.bias);
}

/* Says on stderr a pointer of another allocator: its owner and size, whether it was passed on or
 * left alone, and the freeing code. */
static void log_one(const void *pointer, const void *caller, enum hak_external_owner owner,
                    size_t bytes) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: external-guard: ");
    hak_line_hex(&line, (uintptr_t)pointer);
    if (owner == HAK_EXTERNAL_UNKNOWN) {
        hak_line_add(&line, " is mapped, its owner not known: left alone; freed by ");
    } else {
        hak_line_add(&line, " is a block of ");
        hak_line_add(&line, hak_allocators_name(owner));
        hak_line_say(&line, "'s, ", bytes, " bytes: passed on; freed by ");
    }
    add_code(&line, caller);
    hak_line_end(&line);
}

/* Appends the line of sizes with the rows that are not 0. */
static void add_sizes(struct hak_line *line) {
    static const char *const names[BANDS] = {"C0 ", "C1 ", "C2 ", "C3 ",     "C4 ",
                                             "C5 ", "C6 ", "C7 ", "larger ", "not known "};
    const char *before = "hakmem:   sizes: ";
    for (unsigned i = 0; i < BANDS; i++)
        if (read_count(&counts.bands[i])) {
            hak_line_add(line, before);
            hak_line_say(line, names[i], read_count(&counts.bands[i]), "");
            before = ", ";
        }
}

/* Prints the CALLERS_PRINTED busiest callers, most calls first, then the count of callers without a
 * place in the table. */
static void print_callers(struct hak_line *line) {
    uint64_t printed = 0;
    for (unsigned n = 0; n < CALLERS_PRINTED; n++) {
        unsigned best = CALLERS;
        for (unsigned i = 0; i < CALLERS; i++)
            if (!(printed >> i & 1) && read_count(&counts.callers[i].calls) &&
                (best == CALLERS ||
                 read_count(&counts.callers[i].calls) > read_count(&counts.callers[best].calls)))
                best = i;
        if (best == CALLERS)
            break;
        printed |= (uint64_t)1 << best;
        hak_line_say(line, "hakmem:   ", read_count(&counts.callers[best].calls), " freed by ");
        add_code(line, atomic_load(&counts.callers[best].address));
        hak_line_end(line);
    }
    if (read_count(&counts.elsewhere)) {
        hak_line_say(line, "hakmem:   ", read_count(&counts.elsewhere), " freed by other callers");
        hak_line_end(line);
    }
}

/* Appends how many pointers were passed on to each allocator and left alone; allocators to which
 * nothing was passed on are left out, but for glibc. */
static void add_owners(struct hak_line *line) {
    hak_line_add(line, "hakmem:   passed on to ");
    for (unsigned i = 0; i < HAK_EXTERNAL_UNKNOWN; i++)
        if (i == HAK_EXTERNAL_GLIBC || read_count(&counts.owners[i])) {
            hak_line_add(line, i == HAK_EXTERNAL_GLIBC ? "" : ", to ");
            hak_line_add(line, hak_allocators_name(i));
            hak_line_say(line, " ", read_count(&counts.owners[i]), "");
        }
    hak_line_say(line, ", left alone ", read_count(&counts.owners[HAK_EXTERNAL_UNKNOWN]), "");
}

/* Names the possible owners of the pointers that were left alone; nothing if none were. */
static void print_silent_objects(struct hak_line *line) {
    if (!hak_allocators_silent(0) || !read_count(&counts.owners[HAK_EXTERNAL_UNKNOWN]))
        return;
    const char *before = "hakmem:   loaded, and cannot be asked whose a pointer is: ";
    for (unsigned i = 0; hak_allocators_silent(i); i++) {
        hak_line_add(line, before);
        hak_line_add_name(line, hak_allocators_silent(i));
        before = ", ";
    }
    hak_line_end(line);
}

/* Prints the summary of pointers of other allocators on stderr: their owners, sizes and callers. */
static void print_external_calls(void) {
    struct hak_line line = {.length = 0};
    uint64_t calls = read_count(&counts.calls);
    hak_line_say(&line, "hakmem: external-guard: ", calls,
                 calls == 1 ? " pointer of another allocator was freed"
                            : " pointers of other allocators were freed");
    hak_line_end(&line);
    if (calls == 0)
        return;
    add_owners(&line);
    hak_line_say(&line, "; mincore: ", calls, " mapped");
    hak_line_end(&line);
    print_silent_objects(&line);
    add_sizes(&line);
    hak_line_end(&line);
    print_callers(&line);
}

/* ---- what foreign.c calls -------------------------------------------------------------------- */

void hak_external_guard_note(const void *pointer, const void *caller,
                             enum hak_external_owner owner) {
    size_t bytes = hak_allocators_bytes(owner, pointer);
    hop_count(HAK_COUNTED_FOREIGN_FREE, HAK_CLASS_NONE, 1);
    uint64_t before = atomic_fetch_add(&counts.owners[owner], 1);
    count(&counts.bands[band_of(bytes)]);
    count_caller(caller);
    if (hak_options.external_guard_log)
        log_one(pointer, caller, owner, bytes);
    count(&counts.calls);
    bool is_due = hak_is_debug_build || hak_options.external_guard_stats;
    if (is_due && owner == HAK_EXTERNAL_UNKNOWN && before + 1 == REPORT_AT)
        print_external_calls();
}

uint64_t hak_external_guard_left_alone(void) {
    return read_count(&counts.owners[HAK_EXTERNAL_UNKNOWN]);
}

uint64_t hak_external_guard_passed_on(void) {
    uint64_t passed_on = 0;
    for (unsigned i = 0; i < HAK_EXTERNAL_UNKNOWN; i++)
        passed_on += read_count(&counts.owners[i]);
    return passed_on;
}

void hak_external_guard_end(void) {
    if (hak_options.external_guard_stats)
        print_external_calls();
}
