/* The copy of the code at which the processor stopped the program: never more than can be read. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include "trace/crash/crash.h"
#include "unit/suite.h"

enum { PAGE = 4096, LONGEST = 15 };

static char *pages; /* closed, open, open, closed */
static struct hak_incident incident;
static struct hak_report_code code;

static void start(void) {
    pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    for (int i = PAGE; i < 3 * PAGE; i++)
        pages[i] = (char)(i * 7 + i / 256);
    ck_assert_int_eq(mprotect(pages, PAGE, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(pages + 3 * PAGE, PAGE, PROT_NONE), 0);
    incident = (struct hak_incident){.signal = SIGSEGV, .code = SEGV_ACCERR};
    memset(&code, 0xff, sizeof code);
}

static void copy(uint64_t at, bool is_watch) {
    incident.facts.found_by = is_watch ? HAK_FOUND_BY_WATCH : HAK_FOUND_BY_ACCESS;
    incident.registers.value[HAK_RIP] = at - is_watch;
    incident.is_in_last_byte = is_watch;
    hak_crash_copy_code(&incident, &code);
    ck_assert_uint_le(code.count, HAK_REPORT_CODE);
    ck_assert_uint_le(code.before, code.count);
    if (code.count > 0) {
        ck_assert_uint_eq(code.address, at - code.before);
        ck_assert_int_eq(memcmp(code.bytes, (const void *)(uintptr_t)code.address, code.count), 0);
    }
}

TEST(an_instruction_is_copied_as_far_as_it_can_be_read) {
    uint64_t end = (uint64_t)(pages + 3 * PAGE);
    copy((uint64_t)(pages + PAGE + 100), false);
    ck_assert_uint_eq(code.count, LONGEST);
    ck_assert_uint_eq(code.before, 0);
    copy((uint64_t)(pages + 2 * PAGE - 3), false); /* over two pages */
    ck_assert_uint_eq(code.count, LONGEST);
    for (uint64_t left = 1; left <= LONGEST; left++) {
        copy(end - left, false);
        ck_assert_uint_eq(code.count, left);
    }
    copy(end, false); /* a jump there */
    ck_assert_uint_eq(code.count, 0);
    ck_assert_uint_eq(code.address, 0);
    copy(8, false);
    ck_assert_uint_eq(code.count, 0);
}

TEST(code_in_front_is_copied_for_a_watchpoint) {
    uint64_t start_of_code = (uint64_t)(pages + PAGE);
    copy(start_of_code + PAGE + 100, true); /* over two pages */
    ck_assert_uint_eq(code.before, HAK_REPORT_CODE - LONGEST);
    ck_assert_uint_eq(code.count, HAK_REPORT_CODE);
    copy(start_of_code + 5, true);
    ck_assert_uint_eq(code.before, 5);
    ck_assert_uint_eq(code.count, 5 + LONGEST);
    copy(start_of_code, true); /* nothing can be read in front */
    ck_assert_uint_eq(code.before, 0);
}

TEST(a_signal_that_was_sent_has_no_instruction) {
    incident.code = SI_USER;
    copy((uint64_t)(pages + PAGE + 100), false);
    ck_assert_uint_eq(code.count, 0);
    incident = (struct hak_incident){.signal = 0};
    copy((uint64_t)(pages + PAGE + 100), false);
    ck_assert_uint_eq(code.count, 0);
    ck_assert_uint_eq(code.address, 0);
}

/* Behind each there is another instruction. */
static const struct {
    const char *code;
    uint64_t flags, rcx;
    int64_t from_written; /* rdi, which stands at the next element */
    bool is_due;
} repeats[] = {
    {"\xf3\xaa\x90", 0x202, 5, 1, true},  /* rep stosb */
    {"\xf3\xaa\x90", 0x202, 5, 2, false}, /* wrote another byte */
    {"\xf3\xaa\x90", 0x202, 5, 0, false},
    {"\xf3\xaa\x90", 0x202, 0, 1, false}, /* is through: the next one is here */
    {"\xf3\xaa\x90", 0x602, 5, -1, true}, /* downwards */
    {"\xf3\xaa\x90", 0x602, 5, 1, false},
    {"\xaa\x90\x90", 0x202, 5, 1, false}, /* not repeated */
    {"\xf3\x48\xab", 0x202, 5, 8, true},  /* rep stosq, its first byte */
    {"\xf3\x48\xab", 0x202, 5, 9, false},
    {"\xf3\x48\xab", 0x602, 5, -8, true},
    {"\xf3\xa5\x90", 0x202, 5, 4, true},  /* rep movsd */
    {"\xf3\x66\xa5", 0x202, 5, 3, false}, /* rep movsw */
    {"\x66\xf3\xa5", 0x202, 5, 2, true},
    {"\xf3\x0f\x10", 0x202, 5, 4, false},          /* movss */
    {"\xf2\xae\x90", 0x202, 5, 1, false},          /* repne scasb: reads */
    {"\xf3\x67\xaa", 0x202, 5ull << 32, 1, false}, /* ecx is 0 */
};

TEST(a_repeated_instruction_that_is_not_through_is_the_one_that_wrote,
     .until = sizeof repeats / sizeof *repeats) {
    struct hak_registers registers = {.known = 0};
    uint64_t written = 0x10000000;
    memcpy(pages + PAGE, repeats[_i].code, 3);
    registers.value[HAK_RIP] = (uint64_t)(pages + PAGE);
    registers.value[HAK_RCX] = repeats[_i].rcx;
    registers.value[HAK_RDI] = written + (uint64_t)repeats[_i].from_written;
    ck_assert(hak_crash_is_in_repeat(&registers, repeats[_i].flags, written) == repeats[_i].is_due);
    registers.value[HAK_RIP] = (uint64_t)(pages + 3 * PAGE); /* cannot be read */
    ck_assert(!hak_crash_is_in_repeat(&registers, repeats[_i].flags, written));
}

static void copies(bool is_due) {
    copy((uint64_t)(pages + PAGE + 100), false);
    ck_assert_int_eq(code.count > 0, is_due);
}

TEST(where_the_processor_did_not_refuse_an_instruction_there_is_none) {
    incident = (struct hak_incident){.signal = SIGTRAP, .code = SI_KERNEL}; /* it is behind it */
    copies(false);
    incident = (struct hak_incident){.signal = SIGSYS, .code = 1};
    copies(false);
    incident = (struct hak_incident){.signal = SIGILL, .code = ILL_ILLOPN};
    copies(true);
    incident = (struct hak_incident){.signal = SIGFPE, .code = FPE_INTDIV};
    copies(true);
    incident.trap = 16; /* of x87, told at a later instruction */
    copies(false);
    incident = (struct hak_incident){.signal = SIGSEGV, .code = SI_KERNEL, .trap = 13};
    copies(true);
    incident.trap = 14; /* no signal could be given to the thread */
    copies(false);
    incident = (struct hak_incident){.signal = SIGBUS, .code = BUS_ADRERR};
    copies(true);
    incident.code = BUS_MCEERR_AO; /* another access, at any time */
    copies(false);
}

TEST(a_jump_is_none_of_the_instructions_there) {
    incident.address = (uint64_t)(pages + PAGE + 100);
    copies(false);
    incident.address =
        (uint64_t)(pages + PAGE + 104); /* the instruction goes on in a closed page */
    copies(true);
    incident.trap = 14;
    incident.trap_error = 4 | 16;
    copies(false);
}

RUN_TESTS(.set_up = start)
