/* Reads jitdump: records of code that was loaded or moved, with times, and of its source lines.
 *
 * Names and lines stand in the file. It reads the heads of all records and the names, and keeps
 * those that a place asks for. Lines are read at the end, for the places that have any. */
#include "symbols/jit_names.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arch.h"
#include "base/bytes.h"
#include "base/growing.h"

#define MAGIC           0x4a695444u
#define HEADER_BYTES    40
#define HEAD_BYTES      16 /* of each record: kind, bytes, time */
#define LOAD_BYTES      56 /* of a load, up to its name */
#define MOVE_BYTES      64
#define DEBUG_BYTES     32   /* up to its first line */
#define LINE_BYTES      16   /* up to the file's name */
#define NAME_MAX_BYTES  4096 /* a longer name is cut there */
#define DEBUG_MAX_BYTES (8u << 20)
#define WINDOW_BYTES    65536
#define ARCH_CLOCK      1    /* flag: times are not CLOCK_MONOTONIC's */
#define V8_SHIFT        0x40 /* V8 counts the ELF header that perf makes of code as part of it */

enum { LOAD = 0, MOVE = 1, DEBUG_INFO = 2 };

/* Code that may move: where its record stands. */
struct load {
    uint64_t number, name_at, debug_at, start;
};

struct dump {
    int fd;
    uint8_t window[WINDOW_BYTES];
    uint64_t window_at;
    size_t window_bytes;
    struct load *loads;
    uint32_t load_count, load_capacity;
    struct hak_index by_number;
    bool has_times;
    uint64_t debug_at, debug_start; /* the lines that the next load may have; 0 = none */
    struct hak_jit_place *places;
    size_t place_count;
};

/* Reads up to `bytes` bytes from `at` on, which lie in the window then; `got` = how many. */
static const uint8_t *look_at(struct dump *d, uint64_t at, size_t bytes, size_t *got) {
    if (at < d->window_at || at + bytes > d->window_at + d->window_bytes) {
        ssize_t n = pread(d->fd, d->window, sizeof d->window, (off_t)at);
        d->window_at = at;
        d->window_bytes = n > 0 ? (size_t)n : 0;
    }
    size_t there = d->window_bytes - (size_t)(at - d->window_at);
    *got = there < bytes ? there : bytes;
    return d->window + (at - d->window_at);
}

static uint64_t number_at(const uint8_t *from, int place) {
    return hak_read_little(from + place, 8);
}

/* Names the places in the code of `load`, which lies at `start` from `ns` on. */
static void name_places(struct dump *d, const struct load *load, uint64_t start, uint64_t bytes,
                        uint64_t ns) {
    size_t i = hak_jit_first_from(d->places, d->place_count, start), got;
    if (i >= d->place_count || d->places[i].address - start >= bytes)
        return;
    const char *name = (const char *)look_at(d, load->name_at, NAME_MAX_BYTES, &got);
    size_t name_bytes = strnlen(name, got);
    for (; i < d->place_count && d->places[i].address - start < bytes; i++)
        if (name_bytes &&
            hak_jit_place_name(&d->places[i], d->has_times ? ns : 0, name, name_bytes)) {
            d->places[i].debug_at = load->debug_at;
            d->places[i].code_start = start;
            d->places[i].is_debug_due = load->debug_at != 0;
        }
}

/* Enters a JIT_CODE_LOAD and names the places in it. False: the record is broken or memory is out.
 */
static bool read_load(struct dump *d, const uint8_t *record, uint64_t at, uint64_t bytes,
                      uint64_t ns) {
    uint64_t start = number_at(record, 32), code_bytes = number_at(record, 40);
    if (bytes <= LOAD_BYTES || code_bytes > bytes || start + code_bytes < start)
        return false;
    struct load load = {number_at(record, 48), at + LOAD_BYTES,
                        d->debug_start == start ? d->debug_at : 0, start};
    d->debug_at = d->debug_start = 0;
    if (!hak_growing_make_room(&d->loads, d->load_count, &d->load_capacity, sizeof *d->loads))
        return false;
    d->loads[d->load_count++] = load;
    hak_index_add(&d->by_number, load.number, d->load_count);
    name_places(d, &load, start, code_bytes, ns);
    return true;
}

/* Moves code that was loaded before, and names the places there. False: broken, or no such code. */
static bool read_move(struct dump *d, const uint8_t *record, uint64_t bytes, uint64_t ns) {
    if (bytes < MOVE_BYTES)
        return false;
    uint64_t from = number_at(record, 32), to = number_at(record, 40),
             code_bytes = number_at(record, 48), number = number_at(record, 56), place = 0;
    uint32_t found = 0;
    for (uint32_t row; (row = hak_index_find(&d->by_number, number, &place)) != 0;)
        if (!found || d->loads[row - 1].start == from)
            found = row;
    if (!found || to + code_bytes < to)
        return false;
    struct load moved = d->loads[found - 1];
    d->loads[found - 1].start = to;
    name_places(d, &moved, to, code_bytes, ns);
    return true;
}

/* Reads the record at `at`, enters loaded or moved code, and counts it as an entry or as broken.
 * Returns how many bytes it has; 0 = the file ends within it. */
static uint64_t read_record(struct dump *d, uint64_t at, struct hak_jit_reading *reading,
                            uint64_t file_bytes) {
    size_t got;
    const uint8_t *head = look_at(d, at, MOVE_BYTES, &got);
    if (got < HEAD_BYTES)
        return 0;
    uint64_t bytes = hak_read_little(head + 4, 4), ns = number_at(head, 8);
    uint32_t kind = (uint32_t)hak_read_little(head, 4);
    if (bytes < HEAD_BYTES || at + bytes > file_bytes ||
        got < (bytes < MOVE_BYTES ? bytes : MOVE_BYTES))
        return 0;
    bool is_good = true;
    if (kind == LOAD) {
        is_good = bytes > LOAD_BYTES && read_load(d, head, at, bytes, ns);
    } else if (kind == MOVE) {
        is_good = read_move(d, head, bytes, ns);
    } else if (kind == DEBUG_INFO) {
        is_good = bytes >= DEBUG_BYTES;
        d->debug_at = is_good ? at : 0;
        d->debug_start = is_good ? number_at(head, 16) : 0;
    }
    reading->entries += is_good;
    reading->broken += !is_good;
    return bytes;
}

/* By how much the lines of a function lie behind its code: V8's by V8_SHIFT. */
static uint64_t shift_of(const char *name, uint64_t first_line, uint64_t start) {
    static const char *const tags[] = {"JS:", "LazyCompile:", "Function:", "Script:", "Eval:"};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strncmp(name, tags[i], strlen(tags[i])) == 0 && first_line >= start + V8_SHIFT)
            return V8_SHIFT;
    return 0;
}

/* Finds the last line that begins at or before the place's address, in the `bytes` bytes of a
 * record, and sets the place's file and line by it. False: the record is not whole. */
static bool find_dumped_line(struct hak_jit_place *place, const uint8_t *record, size_t bytes) {
    uint64_t lines = number_at(record, 24), start = number_at(record, 16), best = 0, shift = 0;
    const char *file = NULL, *last = NULL;
    size_t at = DEBUG_BYTES;
    for (uint64_t i = 0; i < lines; i++) {
        if (at + LINE_BYTES >= bytes)
            return false;
        const uint8_t *line = record + at;
        const char *name = (const char *)line + LINE_BYTES;
        size_t length = strnlen(name, bytes - at - LINE_BYTES);
        if (at + LINE_BYTES + length >= bytes)
            return false;
        at += LINE_BYTES + length + 1;
        if (strcmp(name, "\xff") != 0) /* else: the same as before */
            last = name;
        if (i == 0)
            shift = shift_of(place->name, number_at(line, 0), start);
        uint64_t offset = number_at(line, 0) - shift - start;
        if (last && offset <= place->address - place->code_start && offset >= best) {
            best = offset;
            file = last;
            place->line = (uint32_t)hak_read_little(line + 8, 4);
        }
    }
    free(place->file);
    place->file = file ? strdup(file) : NULL;
    return true;
}

/* Finds the source line of a place in its debug record. False: broken. */
static bool read_lines(const struct dump *d, struct hak_jit_place *place) {
    uint8_t head[DEBUG_BYTES];
    if (pread(d->fd, head, sizeof head, (off_t)place->debug_at) != (ssize_t)sizeof head)
        return false;
    uint64_t bytes = hak_read_little(head + 4, 4);
    uint8_t *record = bytes >= DEBUG_BYTES && bytes <= DEBUG_MAX_BYTES ? malloc(bytes) : NULL;
    bool is_good = record &&
                   pread(d->fd, record, bytes, (off_t)place->debug_at) == (ssize_t)bytes &&
                   find_dumped_line(place, record, bytes);
    free(record);
    return is_good;
}

/* Reads the dump's header and where its records begin. False: no dump of this machine. */
static bool read_header(struct dump *d, uint64_t *first) {
    size_t got;
    const uint8_t *h = look_at(d, 0, HEADER_BYTES, &got);
    if (got < HEADER_BYTES || hak_read_little(h, 4) != MAGIC ||
        hak_read_little(h + 12, 4) != HAK_ELF_MACHINE)
        return false;
    *first = hak_read_little(h + 8, 4);
    d->has_times = !(hak_read_little(h + 32, 8) & ARCH_CLOCK);
    return *first >= HEADER_BYTES;
}

struct hak_jit_reading hak_jit_read_dump(int fd, struct hak_jit_place *places, size_t count) {
    struct hak_jit_reading reading = {0};
    struct stat about;
    uint64_t at = 0;
    struct dump *d = calloc(1, sizeof *d);
    if (!d || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        reading.is_other = true;
        free(d);
        return reading;
    }
    d->fd = fd;
    d->places = places;
    d->place_count = count;
    reading.is_other = !read_header(d, &at);
    uint64_t end = reading.is_other ? 0 : (uint64_t)about.st_size;
    while (at < end) {
        uint64_t bytes = reading.entries + reading.broken < HAK_JIT_DUMP_RECORDS
                             ? read_record(d, at, &reading, end)
                             : 0;
        reading.is_cut = bytes == 0;
        at = bytes ? at + bytes : end;
    }
    for (size_t i = 0; i < count; i++)
        if (places[i].is_debug_due) {
            places[i].is_debug_due = false;
            reading.broken += !read_lines(d, &places[i]);
        }
    hak_index_free(&d->by_number);
    free(d->loads);
    free(d);
    return reading;
}
