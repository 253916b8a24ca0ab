/* Tests of src/symbols/jit_names.c and jit_dump.c: names by address and by time, lines, moves;
 * readable names; and whatever else may stand in such files. */
#include "symbols/jit_names.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "unit/suite.h"

static const uint64_t addresses[] = {0x0fff, 0x1000, 0x10ff, 0x1100, 0x2010, 0x7f0000001234};
enum { COUNT = sizeof addresses / sizeof *addresses };
static struct hak_jit_place places[COUNT];
static struct hak_strings strings;

static void set_up(void) {
    for (int i = 0; i < COUNT; i++)
        places[i] = (struct hak_jit_place){.address = addresses[i], .until_ns = UINT64_MAX};
}

static void tear_down(void) {
    hak_jit_places_clear(places, COUNT);
    hak_strings_free(&strings);
}

/* A file without a name that has these bytes. */
static int leave(const void *data, size_t bytes) {
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, bytes, file), bytes);
    fflush(file);
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

static struct hak_jit_reading read_map(const char *text) {
    int fd = leave(text, strlen(text));
    struct hak_jit_reading reading = hak_jit_read_map(fd, places, COUNT);
    close(fd);
    return reading;
}

TEST(names_by_address) {
    struct hak_jit_reading reading = read_map("1000 100 first function\n2000 20 second\n"
                                              "7f0000001200 40 third\n1080 80 written over it\n");
    ck_assert_uint_eq(reading.entries, 4);
    ck_assert_uint_eq(reading.broken, 0);
    ck_assert_ptr_null(places[0].name);
    ck_assert_str_eq(places[1].name, "first function");
    ck_assert(!places[1].is_reused);
    ck_assert_str_eq(places[2].name, "written over it");
    ck_assert(places[2].is_reused);
    ck_assert_str_eq(hak_jit_symbol(&places[2], &strings).function, "written over it [reused]");
    ck_assert_ptr_null(places[3].name);
    ck_assert_str_eq(places[4].name, "second");
    ck_assert_str_eq(places[5].name, "third");
}

TEST(broken_lines_are_passed_over) {
    struct hak_jit_reading reading =
        read_map("\n\n \nzzz 10 a\n1000\n1000 \n1000 100\n1000 100 \n-1000 100 minus\n"
                 "1000 ffffffffffffffffffffff long\n2000 20 good");
    ck_assert_str_eq(places[4].name, "good");
    ck_assert_str_eq(places[1].name, "long");
    ck_assert_uint_eq(reading.broken, 7);
}

TEST(a_fifo_is_no_map) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert(hak_jit_read_map(ends[0], places, COUNT).is_other);
    ck_assert(hak_jit_read_dump(ends[0], places, COUNT).is_other);
    close(ends[0]);
    close(ends[1]);
}

static const struct {
    const char *name, *function, *file;
    uint32_t line;
} readable[] = {
    {"LazyCompile:*parse /app/x.js:12:3", "parse", "/app/x.js", 12},
    {"LazyCompile:~leaf /app/story.js:7", "leaf", "/app/story.js", 7}, /* Node 18 */
    {"JS:^leaf file:///app/my dir/x.js:1:14", "leaf", "/app/my dir/x.js", 1},
    {"JS:~get size node:internal/util:5:2", "get size", "node:internal/util", 5},
    {"JS:* /app/x.js:7:9", "(anonymous)", "/app/x.js", 7},
    {"Eval:~ /app/x.js:1:1", "(top level)", "/app/x.js", 1},
    {"JS:*parse", "parse", "", 0},
    {"JS:*", "(anonymous)", "", 0},
    {"JS:*x /a.js:99999999999999:1", "x /a.js:99999999999999", "", 0},
    {"Builtin:ArrayMap", "Builtin:ArrayMap", "", 0},
    {"py::Reader.parse:/app/x.py", "Reader.parse", "/app/x.py", 0},
    {"py::", "py::", "", 0},
    {"Lcom/acme/Row;::parse", "com.acme.Row.parse", "", 0},
    {"L;::", ".", "", 0},
    {"_ZN3lib4workEi", "lib::work(int)", "", 0},
    {"TRACE_1::x.lua:12", "TRACE_1::x.lua:12", "", 0},
};

TEST(names_are_made_readable) {
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++) {
        struct hak_jit_place place = {.name = (char *)readable[i].name};
        struct hak_symbol s = hak_jit_symbol(&place, &strings);
        ck_assert_str_eq(s.function, readable[i].function);
        ck_assert_str_eq(s.file, readable[i].file);
        ck_assert_uint_eq(s.line, readable[i].line);
    }
}

/* ---- jitdump --------------------------------------------------------------------------------- */

static uint8_t dump[4096];
static size_t dump_bytes;

static void put(uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        dump[dump_bytes++] = (uint8_t)(value >> 8 * i);
}

static void put_text(const char *text) {
    memcpy(dump + dump_bytes, text, strlen(text) + 1);
    dump_bytes += strlen(text) + 1;
}

static void put_header(uint64_t flags) {
    dump_bytes = 0;
    put(0x4a695444, 4);
    put(1, 4);
    put(40, 4);
#if defined __x86_64__
    put(EM_X86_64, 4);
#else
    put(EM_AARCH64, 4);
#endif
    put(0, 4);
    put(1, 4);
    put(0, 8);
    put(flags, 8);
}

static void put_head(uint64_t kind, uint64_t bytes, uint64_t ns) {
    put(kind, 4);
    put(bytes, 4);
    put(ns, 8);
}

static void put_load(uint64_t ns, uint64_t start, uint64_t bytes, uint64_t number,
                     const char *name) {
    put_head(0, 56 + strlen(name) + 1 + bytes, ns);
    put(1, 8);
    put(start, 8);
    put(start, 8);
    put(bytes, 8);
    put(number, 8);
    put_text(name);
    memset(dump + dump_bytes, 0xcc, bytes);
    dump_bytes += bytes;
}

static void put_move(uint64_t ns, uint64_t from, uint64_t to, uint64_t bytes, uint64_t number) {
    put_head(1, 64, ns);
    put(1, 8);
    put(to, 8);
    put(from, 8);
    put(to, 8);
    put(bytes, 8);
    put(number, 8);
}

/* Lines 10 at `start`, 11 eight bytes behind; shifted as V8 does it. */
static void put_lines(uint64_t start, uint64_t shift, const char *file) {
    put_head(2, 32 + 2 * 16 + strlen(file) + 1 + 2, 0);
    put(start, 8);
    put(2, 8);
    put(start + shift, 8);
    put(10, 4);
    put(0, 4);
    put_text(file);
    put(start + shift + 8, 8);
    put(11, 4);
    put(0, 4);
    put_text("\xff");
}

static struct hak_jit_reading read_dump(void) {
    int fd = leave(dump, dump_bytes);
    struct hak_jit_reading reading = hak_jit_read_dump(fd, places, COUNT);
    close(fd);
    return reading;
}

TEST(names_by_time) {
    places[1].from_ns = 50;
    places[1].until_ns = 60;
    places[4].from_ns = 50;
    places[4].until_ns = 60;
    put_header(0);
    put_load(10, 0x1000, 0x10, 1, "gone before");
    put_load(20, 0x1000, 0x10, 2, "there");
    put_load(55, 0x2010, 4, 3, "in the moment");
    put_load(90, 0x1000, 0x10, 4, "came later");
    struct hak_jit_reading reading = read_dump();
    ck_assert_uint_eq(reading.entries, 4);
    ck_assert(!reading.broken && !reading.is_cut && !reading.is_other);
    ck_assert_str_eq(places[1].name, "there");
    ck_assert(places[1].is_reused);
    ck_assert_str_eq(places[4].name, "in the moment");
    ck_assert(!places[4].is_reused);
    /* A name from a map, which knows no times, counts less. */
    read_map("1000 10 of the map\n");
    ck_assert_str_eq(places[1].name, "there");
}

TEST(without_times_the_last_one_counts) {
    places[1].until_ns = 5;
    put_header(1);
    put_load(10, 0x1000, 0x10, 1, "first");
    put_load(20, 0x1000, 0x10, 2, "second");
    read_dump();
    ck_assert_str_eq(places[1].name, "second");
    ck_assert(places[1].is_reused);
}

TEST(moved_code_keeps_its_name_and_lines) {
    put_header(0);
    put_lines(0x9000, 0, "/app/a.x");
    put_load(10, 0x9000, 0x20, 7, "moves");
    put_load(11, 0x9000, 0x20, 8, "in its place");
    put_move(12, 0x9000, 0x10f5, 0x0b, 7);
    put_move(13, 0x9000, 0x2010, 0x0b, 99);
    struct hak_jit_reading reading = read_dump();
    ck_assert_uint_eq(reading.broken, 1); /* nothing has number 99 */
    ck_assert_str_eq(places[2].name, "moves");
    ck_assert_str_eq(places[2].file, "/app/a.x");
    ck_assert_uint_eq(places[2].line, 11);
    ck_assert_ptr_null(places[4].name);
}

TEST(lines_of_v8_lie_behind) {
    put_header(0);
    put_lines(0x1000, 0x40, "/app/x.js");
    put_load(10, 0x1000, 0x20, 1, "JS:*parse /app/x.js:9:1");
    read_dump();
    struct hak_symbol s = hak_jit_symbol(&places[1], &strings);
    ck_assert_str_eq(s.function, "parse");
    ck_assert_str_eq(s.file, "/app/x.js");
    ck_assert_uint_eq(s.line, 10);
}

TEST(a_dump_that_is_cut_gives_what_is_whole) {
    put_header(0);
    put_load(10, 0x1000, 0x10, 1, "whole");
    size_t whole = dump_bytes;
    put_load(20, 0x2010, 4, 2, "cut");
    for (size_t bytes = dump_bytes - 1; bytes > whole; bytes--) {
        dump_bytes = bytes;
        struct hak_jit_reading reading = read_dump();
        ck_assert(reading.is_cut);
        ck_assert_uint_eq(reading.entries, 1);
        ck_assert_str_eq(places[1].name, "whole");
        ck_assert_ptr_null(places[4].name);
    }
    dump_bytes = 39;
    ck_assert(read_dump().is_other);
    put_header(0);
    dump[12] ^= 1;
    ck_assert(read_dump().is_other); /* another machine */
}

/* Any byte may be any other; nothing but the sanitizers and the clock can say that it is wrong. */
TEST(damaged_dumps) {
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        put_header(0);
        put_lines(0x1000, 0, "/app/a.x");
        put_load(10, 0x1000, 0x20, 1, "first");
        put_lines(0x2000, 0x40, "/app/b.js");
        put_load(11, 0x2000, 0x20, 2, "JS:*second /app/b.js:1:1");
        put_move(12, 0x2000, 0x7f0000001230, 0x20, 2);
        for (int i = 0; i < 1 + round % 4; i++)
            dump[(size_t)rand_r(&seed) % dump_bytes] =
                (uint8_t)(rand_r(&seed) >> (round % 3 ? 8 : 20));
        read_dump();
        for (int i = 0; i < COUNT; i++)
            hak_jit_symbol(&places[i], &strings);
        hak_jit_places_clear(places, COUNT);
        set_up();
    }
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
