/* Tests of src/collector/findings/second_opinion.c: libunwind's answer from copied registers,
 * copied stack and files is the true stack; it agrees, goes further or differs, and nothing that a
 * dying program left hurts the worker. */
#include "collector/findings/second_opinion.h"
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include "unit/suite.h"

static struct hak_rows rows;
static uint32_t process;
static struct hak_report_request *request;
static struct hak_second_opinion opinion;

static int add_module(struct dl_phdr_info *info, size_t size, void *unused) {
    char self[4096] = {0};
    (void)size, (void)unused;
    struct hak_module_row row = {.process = process,
                                 .load_bias = info->dlpi_addr,
                                 .start = UINT64_MAX,
                                 .path = info->dlpi_name,
                                 .build_id = ""};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uint64_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type != PT_LOAD)
            continue;
        row.start = from < row.start ? from : row.start;
        row.end = from + segment->p_memsz > row.end ? from + segment->p_memsz : row.end;
    }
    if (!row.path[0] && readlink("/proc/self/exe", self, sizeof self - 1) > 0)
        row.path = self;
    ck_assert_uint_ne(hak_rows_add_module(&rows, &row, 0), 0);
    return 0;
}

static void begin(void) {
    memset(&rows, 0, sizeof rows);
    process = hak_rows_add_process(
        &rows, &(struct hak_process_row){.pid = getpid(), .program = "", .command_line = ""});
    ck_assert_uint_ne(process, 0);
    dl_iterate_phdr(add_module, NULL);
    request = calloc(1, sizeof *request);
}

/* Leaves what a dying program would: the registers here, frames and stack. */
static __attribute__((noinline)) void leave_request(int depth) {
    unw_context_t context;
    unw_cursor_t cursor;
    if (depth > 0) {
        leave_request(depth - 1);
        __asm__ volatile("" ::: "memory");
        return;
    }
    unw_getcontext(&context);
    unw_init_local(&cursor, &context);
    for (int i = 0; i < HAK_REPORT_REGISTERS; i++) {
        unw_word_t value = 0;
        unw_get_reg(&cursor, i, &value);
        request->registers[i] = value;
    }
    request->frame_count = 0;
    do {
        unw_word_t ip = 0;
        unw_get_reg(&cursor, UNW_REG_IP, &ip);
        if (ip == 0)
            break;
        request->frames[request->frame_count++] = ip;
    } while (request->frame_count < HAK_REPORT_FRAMES && unw_step(&cursor) > 0);
    extern void *__libc_stack_end;
    request->stack_address = request->registers[HAK_REGISTER_SP] - 128;
    request->stack_bytes = (uint64_t)__libc_stack_end - request->stack_address;
    if (request->stack_bytes > HAK_REPORT_STACK)
        request->stack_bytes = HAK_REPORT_STACK;
    memcpy(request->stack, (const void *)request->stack_address, request->stack_bytes);
    /* The copy counts, not what lies there later. */
    hak_second_opinion_take(request, &rows, process, &opinion);
}

TEST(agrees_with_the_true_stack) {
    leave_request(20);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_AGREES);
    ck_assert_uint_eq(opinion.at, request->frame_count);
    ck_assert_uint_gt(request->frame_count, 25);
}

TEST(goes_further_than_a_walk_that_ended_early) {
    leave_request(20);
    uint32_t whole = request->frame_count;
    request->frame_count = 5;
    request->unwind_end = 2;
    hak_second_opinion_take(request, &rows, process, &opinion);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_FURTHER);
    ck_assert_uint_eq(opinion.at, 5);
    ck_assert_uint_eq(opinion.count, whole);
    ck_assert_mem_eq(opinion.frames, request->frames, whole * sizeof *opinion.frames);
    request->unwind_end = 0; /* a walk that came to its end is not gone on with */
    hak_second_opinion_take(request, &rows, process, &opinion);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_AGREES);
}

TEST(says_which_frame_differs) {
    leave_request(20);
    uint64_t right = request->frames[7];
    request->frames[7] += 2;
    hak_second_opinion_take(request, &rows, process, &opinion);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_DIFFERENT);
    ck_assert_uint_eq(opinion.at, 7);
    ck_assert_uint_eq(opinion.caller, right);
}

TEST(a_wild_call_is_stepped_over) {
    leave_request(20);
    uint64_t caller = request->registers[HAK_REGISTER_IP];
    memmove(request->frames + 1, request->frames, request->frame_count * sizeof *request->frames);
    request->frame_count++;
    request->frames[0] = 0x123456789a;
    request->registers[HAK_REGISTER_IP] = 0x123456789a;
    if (HAK_REGISTER_RETURN == HAK_REGISTER_IP) { /* the call pushes it */
        request->registers[HAK_REGISTER_SP] -= 8;
        memcpy(request->stack + (request->registers[HAK_REGISTER_SP] - request->stack_address),
               &caller, sizeof caller);
    } else {
        request->registers[HAK_REGISTER_RETURN] = caller;
    }
    hak_second_opinion_take(request, &rows, process, &opinion);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_AGREES);
    ck_assert_uint_eq(opinion.at, request->frame_count);
}

TEST(nothing_known_gives_none) {
    struct hak_rows none = {0};
    leave_request(3);
    hak_second_opinion_take(request, &none, 1, &opinion);
    ck_assert_int_eq(opinion.verdict, HAK_OPINION_NONE);
    request->stack_bytes = 0;
    hak_second_opinion_take(request, &rows, process, &opinion);
    ck_assert_int_ne(opinion.verdict, HAK_OPINION_DIFFERENT);
}

TEST(whatever_is_left_does_no_harm) {
    uint64_t seed = 88172645463325252u;
    leave_request(10);
    struct hak_report_request *good = malloc(sizeof *good);
    memcpy((void *)good, (const void *)request, sizeof *good);
    for (int round = 0; round < 60; round++) {
        memcpy((void *)request, (const void *)good, sizeof *request);
        for (size_t i = 0; i < request->stack_bytes / 8; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            if (seed % 4 == 0)
                memcpy(request->stack + 8 * i,
                       seed % 8 ? &good->frames[seed / 8 % good->frame_count] : &seed, 8);
        }
        request->registers[seed / 16 % HAK_REPORT_REGISTERS] = seed;
        request->stack_bytes = round % 3 ? request->stack_bytes : UINT64_MAX;
        request->frame_count = round % 5 ? request->frame_count : UINT32_MAX;
        hak_second_opinion_take(request, &rows, process, &opinion);
        ck_assert_uint_le(opinion.count, HAK_REPORT_FRAMES);
    }
    free(good);
}

RUN_TESTS(.set_up = begin)
