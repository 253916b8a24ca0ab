/* Names for a report, where some files are loaded late: how long it waits, what it gets then, and
 * what is noted. The symbols are the test's own. */
#include "collector/capture/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../fake_program.h"

#define FILES 8

/* ---- symbols --------------------------------------------------------------------------------- */

struct hak_symbols {
    int none;
};
struct hak_symbol_file {
    uint32_t takes_ms; /* until it is loaded, by waits alone */
    uint32_t waited_ms;
    int asked;
};

static struct hak_symbol_file files[FILES];
static struct hak_symbols symbols;

struct hak_symbols *hak_symbols_make(void) {
    return &symbols;
}

void hak_symbols_free(struct hak_symbols *of) {
    (void)of;
}

/* "/3": the third file. */
struct hak_symbol_file *hak_symbols_open(struct hak_symbols *of, const char *path,
                                         const char *build_id, int pid, uint64_t loaded_ns) {
    (void)of, (void)build_id, (void)pid, (void)loaded_ns;
    return &files[atoi(path + 1)];
}

bool hak_symbols_wait(struct hak_symbol_file *file, uint32_t *left_ms) {
    uint32_t due = file->takes_ms - file->waited_ms;
    file->asked++;
    if (left_ms) {
        uint32_t waits = due < *left_ms ? due : *left_ms;
        file->waited_ms += waits;
        *left_ms -= waits;
    }
    return file->waited_ms == file->takes_ms;
}

int hak_symbols_find(struct hak_symbol_file *file, uint64_t address, struct hak_symbol *out,
                     int max) {
    (void)address, (void)max;
    ck_assert_uint_eq(file->waited_ms, file->takes_ms);
    *out = (struct hak_symbol){"named", "file.c", 7};
    return 1;
}

/* ---- a process with a module for each file --------------------------------------------------- */

static struct hak_rows rows;
static struct hak_resolve resolve;

static uint64_t ip_in(int file) {
    return (uint64_t)(file + 1) * 0x10000 + 0x10;
}

static void set_up(void) {
    struct hak_process_row process = {.pid = 4711, .program = "/0", .command_line = ""};
    ck_assert(hak_resolve_make(&resolve));
    ck_assert_uint_eq(hak_rows_add_process(&rows, &process), 1);
    for (int i = 0; i < FILES; i++) {
        char path[8];
        snprintf(path, sizeof path, "/%d", i);
        struct hak_module_row module = {.process = 1,
                                        .start = ip_in(i) - 0x10,
                                        .end = ip_in(i) + 0x10,
                                        .load_bias = ip_in(i) - 0x10,
                                        .path = path,
                                        .build_id = ""};
        ck_assert_uint_ne(hak_rows_add_module(&rows, &module, 0), 0);
    }
}

static void tear_down(void) {
    hak_resolve_free(&resolve);
    hak_rows_free(&rows);
}

static struct hak_frame frames[FILES];

/* A report's stack through these files; -1 at the end. */
static void name_stack(const int *through) {
    uint64_t ips[FILES];
    int count = 0;
    for (; through[count] >= 0; count++)
        ips[count] = ip_in(through[count]);
    ck_assert_int_eq(hak_resolve_frames(&resolve, &rows, 1, ips, count, false, frames, FILES),
                     count);
}

static uint32_t push_stack(const int *through) {
    uint32_t stack = 0;
    for (int i = 0; through[i] >= 0; i++)
        stack = hak_rows_add_node(&rows, stack, 1, 0, ip_in(through[i]));
    return stack;
}

TEST(what_is_loaded_in_time_is_named) {
    files[1].takes_ms = 2000;
    hak_resolve_begin_report(&resolve);
    name_stack((const int[]){0, 1, 1, 2, -1});
    for (int i = 0; i < 4; i++)
        ck_assert_str_eq(frames[i].function, "named");
    ck_assert_ptr_null(resolve.report.late[0]);
}

TEST(a_late_file_is_waited_for_once) {
    files[1].takes_ms = 60000;
    hak_resolve_begin_report(&resolve);
    name_stack((const int[]){1, 0, 1, 1, 1, 2, -1});
    ck_assert_uint_eq(files[1].waited_ms, 5000);
    ck_assert_str_eq(frames[0].function, "");
    ck_assert_str_eq(frames[0].module, "/1");
    ck_assert_uint_eq(frames[0].module_offset, 0x10);
    ck_assert_str_eq(frames[1].function, "named");
    ck_assert_str_eq(frames[5].function, "named");
    ck_assert_str_eq(resolve.report.late[0], "/1");
    ck_assert_ptr_null(resolve.report.late[1]);
}

TEST(all_files_of_a_report_share_its_time) {
    for (int i = 0; i < FILES; i++)
        files[i].takes_ms = 1500;
    hak_resolve_begin_report(&resolve);
    hak_resolve_stack(&resolve, &rows, push_stack((const int[]){1, 2, -1}));
    name_stack((const int[]){3, 4, 5, 6, 7, 0, -1});
    uint32_t sum = 0;
    for (int i = 0; i < FILES; i++)
        sum += files[i].waited_ms;
    ck_assert_uint_eq(sum, 5000);
    ck_assert_str_eq(frames[0].function, "named");
    ck_assert_str_eq(frames[1].function, "");
    ck_assert_str_eq(frames[5].function, "");
    ck_assert_str_eq(resolve.report.late[0], "/4"); /* and as many as are kept */
    ck_assert_str_eq(resolve.report.late[HAK_RESOLVE_LATE - 1], "/7");
    ck_assert_ptr_null(resolve.report.late[HAK_RESOLVE_LATE]);
}

TEST(a_stack_that_was_late_is_resolved_when_its_file_is_there) {
    files[1].takes_ms = 60000;
    uint32_t stack = push_stack((const int[]){0, 1, 2, -1});
    hak_resolve_begin_report(&resolve);
    hak_resolve_stack(&resolve, &rows, stack);
    ck_assert_str_eq(resolve.report.late[0], "/1");
    ck_assert_uint_eq(resolve.pending_count, 2);
    ck_assert_int_eq(hak_resolve_some(&resolve, &rows, 1000000000), HAK_RESOLVE_WAIT);
    ck_assert_uint_eq(files[1].waited_ms, 5000); /* it asks, and does not wait */
    files[1].waited_ms = files[1].takes_ms;
    ck_assert_int_eq(hak_resolve_some(&resolve, &rows, 1000000000), HAK_RESOLVE_DONE);
    ck_assert_uint_eq(resolve.pending_count, 3);
    hak_resolve_begin_report(&resolve);
    hak_resolve_stack(&resolve, &rows, stack);
    ck_assert_ptr_null(resolve.report.late[0]);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
