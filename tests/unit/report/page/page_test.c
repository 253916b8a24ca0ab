/* Reports: the shape of the page for every fault, what is said when something is missing, and that
 * numbers from a dying program can be anything. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "report/page/page.h"
#include "report/words/words.h"
#include "unit/store/capture.h"

static struct hak_report_request request;
static struct hak_report_context context;
static struct hak_report report;

static void start(void) {
    capture_start();
    memset(&request, 0, sizeof request);
    context = (struct hak_report_context){.process = 1,
                                          .thread = 2,
                                          .thread_number = 2,
                                          .thread_name = "worker",
                                          .store_path = "hakmem.app.1.db"};
}

static void stop(void) {
    hak_report_free(&report);
    capture_end();
}

static void make(bool with_store) {
    struct hak_store_reader *r = NULL;
    if (capture.w)
        capture_finish();
    if (with_store)
        must(hak_store_open(capture.path, &r));
    hak_report_free(&report);
    ck_assert_int_eq(hak_report_make(r, &request, &context, &report), 0);
    if (r)
        hak_store_close(r);
}

static void has(const char *text) {
    ck_assert_msg(strstr(report.text, text) != NULL, "'%s' is due in:\n%s", text, report.text);
}

static void has_not(const char *text) {
    ck_assert_msg(strstr(report.text, text) == NULL, "'%s' is wrong in:\n%s", text, report.text);
}

/* Checks the parts that every report has, whatever it is about. */
static void check_shape(const char *first_line) {
    size_t lines = 0, length = strlen(report.text);
    for (const char *s = report.text; *s; s++)
        lines += *s == '\n';
    ck_assert_msg(lines <= HAK_REPORT_LINES, "%zu lines:\n%s", lines, report.text);
    ck_assert_msg(strncmp(report.text, first_line, strlen(first_line)) == 0, "%s", report.text);
    ck_assert_int_eq(report.text[length - 1], '\n');
    ck_assert(strncmp(report.summary, "SUMMARY: hakmem: ", 17) == 0);
    ck_assert(strchr(report.summary, '\n') == NULL);
    const char *last = report.text + length - 1 - strlen(report.summary);
    ck_assert_int_eq(strncmp(last, report.summary, strlen(report.summary)), 0);
    has("  COMPLETENESS      ");
    has("  NEXT              ");
    json_error_t error;
    json_t *document = json_loads(report.json, 0, &error);
    ck_assert_msg(document != NULL, "%s in\n%s", error.text, report.json);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "hakmem_json")), 1);
    ck_assert(json_is_object(json_object_get(document, "fault")));
    json_decref(document);
}

static void fill_facts(unsigned fault, unsigned kind, int slot) {
    request.facts = (struct hak_fault_facts){.fault = fault,
                                             .kind = kind,
                                             .found_address = BLOCK(slot) + 16,
                                             .base = BLOCK(slot),
                                             .user = BLOCK(slot) + 16,
                                             .asked_bytes = 24,
                                             .slot_bytes = 48,
                                             .superslab = SLAB,
                                             .slot = (uint32_t)slot,
                                             .class_found = HAK_CLASS_NONE,
                                             .class_due = CLASS_48,
                                             .place = HAK_PLACE_FRONT,
                                             .epoch = 1,
                                             .record_count = capture.n[slot]};
}

TEST(every_fault_has_the_same_page) {
    block_malloc(1, 5, 1);
    for (unsigned i = 0; hak_words_fault_at(i); i++) {
        const struct hak_fault_words *words = hak_words_fault_at(i);
        char first[100];
        fill_facts(words->code, words->code < 200 ? HAK_SLL_POP : HAK_FREE, 1);
        make(true);
        snprintf(first, sizeof first, "hakmem: HKM-%u %s: ", words->code, words->name);
        check_shape(first);
        if (words->code < 501) /* calls of the program's own pools are not recorded */
            has("  HISTORY           1 life of this block:");
        ck_assert_msg(strstr(report.summary, words->name) != NULL, "%s", report.summary);
    }
}

/* Facts of an older program have the memory's tag alone. */
TEST(the_life_of_a_pointer_is_counted_by_its_tag) {
    block_malloc(1, 5, 1);
    fill_facts(304, HAK_FREE, 1);
    request.facts.found_by = HAK_FOUND_BY_ACCESS;
    request.facts.pointer_tag = HAK_FACTS_TAG | 14;
    request.facts.memory_tag = 2 | 7 * HAK_FACTS_TAG;
    make(true);
    has("; the pointer's memory tag is 14, the memory's 2: of 7 frees ago");
    request.facts.memory_tag = 2;
    make(true);
    has("; the pointer's memory tag is 14, the memory's 2: of 3 frees ago");
    request.facts.memory_tag = 2 | HAK_FACTS_NO_LIFE * HAK_FACTS_TAG;
    make(true);
    has("; the pointer's memory tag is 14, the memory's 2");
    has_not("frees ago");
    request.facts.memory_tag = 2;
    context.is_light = true; /* its tags go by two */
    make(true);
    has_not("frees ago");
    has("  ALLOCATOR         slot 1 of slab 0 (");
    context.is_light = false;
    request.facts.superslab = 0; /* of a large block */
    make(true);
    has("; the pointer's memory tag is 14, the memory's 2");
    has_not("frees ago");
}

/* A damaged block may be one of those that were not guarded. */
TEST(completeness_says_how_much_was_guarded_unless_all_was) {
    block_malloc(1, 5, 1);
    fill_facts(301, HAK_FREE, 1);
    make(true);
    has_not("; guarded ");
    context.coverage = (struct hak_coverage){
        .blocks = 56000, .guarded = 1204, .stacks = 402, .guarded_stacks = 310};
    hak_coverage_add(&context.coverage, "GUARD_TIME.times", 92);
    make(true);
    has("; guarded 1,204 of 56,000 blocks, of 310 of 402 call stacks (the rest: too many of a call "
        "stack, cost or memory limit)\n");
    context.is_forked = true; /* its counters begin at the fork */
    make(true);
    has("(the rest: too many of a call stack, cost or memory limit) since the fork\n");
    json_t *document = json_loads(report.json, 0, NULL);
    json_t *completeness = json_object_get(document, "completeness");
    json_t *guarded = json_object_get(completeness, "guarded");
    ck_assert_int_eq(json_integer_value(json_object_get(guarded, "of_blocks")), 56000);
    json_decref(document);
    context.is_light = true; /* it has words of its own */
    make(true);
    has_not("; guarded ");
    context.is_light = false;
    context.coverage = (struct hak_coverage){.blocks = 9, .guarded = 9};
    make(true);
    has_not("; guarded ");
}

TEST(the_first_wrong_push_is_named) {
    block_malloc(1, 5, 1);
    block_free(1, 6, 2);
    uint64_t push = capture_put((struct hak_event){.base = BLOCK(1),
                                                   .address = BLOCK(1) + 16,
                                                   .generation = 1ull << 32 | ++capture.n[1],
                                                   .thread = 2,
                                                   .stack = 7,
                                                   .kind = HAK_SLL_PUSH,
                                                   .class_index = CLASS_48,
                                                   .place = HAK_PLACE_SLL,
                                                   .flags = HAK_RECORD_ILLEGAL});
    fill_facts(104, HAK_SLL_POP, 1);
    request.facts.offset = 16;
    request.facts.class_found = CLASS_48;
    context.fault_event = capture_put((struct hak_event){.base = BLOCK(1),
                                                         .address = BLOCK(1) + 16,
                                                         .size = 104,
                                                         .thread = 2,
                                                         .kind = HAK_FAULT,
                                                         .class_index = CLASS_48});
    make(true);
    check_shape("hakmem: HKM-104 tls-sll-hdr-reset: the C3 list of thread 2 \"worker\" holds a "
                "pointer 16 bytes past its block's base\n");
    char due[80];
    snprintf(due, sizeof due, "  FIRST WRONG STEP  event %llu   ", (unsigned long long)push);
    has(due);
    has("SLL_PUSH took a user pointer instead of the base");
    has("function_7");
    snprintf(due, sizeof due, "  FOUND             event %llu   ",
             (unsigned long long)context.fault_event);
    has(due);
    has("magazine -> TLS SLL   <-- wrong");
}

TEST(a_stale_owner_is_named_and_nobody_else) {
    block_malloc(1, 5, 1);
    block_free(1, 6, 1);
    block_malloc(1, 7, 2);
    uint64_t stale = block_free(1, 6, 1);
    block_free_again(1, 8, 2);
    fill_facts(202, HAK_FREE, 1);
    context.fault_event = capture.id;
    make(true);
    char due[100];
    snprintf(due, sizeof due, "  FIRST WRONG STEP  event %llu   ", (unsigned long long)stale);
    check_shape("hakmem: HKM-202 double-free: ");
    has(due);
    has("STALE: owner 1 frees owner 2's block");
    has("owners 1 and 2:");
}

TEST(a_double_free_without_evidence_accuses_nobody) {
    block_malloc(1, 5, 1);
    block_free(1, 6, 1);
    block_free_again(1, 8, 2);
    fill_facts(202, HAK_FREE, 1);
    context.fault_event = capture.id;
    make(true);
    check_shape("hakmem: HKM-202 double-free: ");
    has("  FREED BEFORE      event ");
    has("function_6");
    has_not("FIRST WRONG STEP");
    has_not("STALE");
    has_not("<-- wrong");
}

TEST(what_is_missing_is_said) {
    fill_facts(301, HAK_FREE, 1);
    request.facts.damaged_bytes = 1;
    request.facts.offset = 24;
    request.unwind_end = 3;
    make(false);
    check_shape("hakmem: HKM-301 heap-buffer-overflow: 1 byte past a 24-byte block");
    has("not known: there is no store");
    has("no store: only what the program itself left is shown");
    has("stack is damaged");
    has("no stack: ");
    make(true);
    has("the capture has no block at this address");
    has("the fault's own record is not in the store");
}

TEST(modules_whose_symbols_are_late_are_named) {
    static const struct hak_frame bare = {
        .ip = 0x7f0000001234, .module = "/lib/slow.so", .function = "", .file = ""};
    fill_facts(301, HAK_FREE, 1);
    context.frames = &bare;
    context.frame_count = 1;
    make(true);
    has("no debug information for slow.so");
    context.late_modules = (const char *const[]){NULL};
    make(true);
    has_not("in time");
    context.late_modules = (const char *const[]){"/lib/slow.so", NULL};
    make(true);
    has("the symbols of slow.so were not read in time: frames there have no names yet");
    has_not("no debug information");
    context.late_modules = (const char *const[]){"/a", "/b", "/c", NULL};
    make(true);
    has("the symbols of a, b and c were not");
    context.late_modules = (const char *const[]){"/a", "/b", "/c", "/d", NULL};
    make(true);
    has("the symbols of a, b, c and others were not");
}

TEST(a_watched_block_that_is_not_in_the_store_was_watched) {
    fill_facts(304, HAK_FREE, 1);
    context.is_light = true;
    request.calls = request.guarded_blocks = 4812;
    make(true);
    has("not recorded (level light: the block was not watched)");
    request.alloc_frames[0] = 0x7f0000001234;
    make(true);
    has("HISTORY           not known: the block was watched, but the store did not take it");
    has("the fault's own record is not in the store");
}

TEST(losses_are_told) {
    block_malloc(1, 5, 1);
    must(hak_store_put_loss(
        capture.w, &(struct hak_loss_row){
                       .process = 1, .to_ns = 100000, .count = 1234, .reason = "ring full"}));
    fill_facts(301, HAK_FREE, 1);
    make(true);
    has("1,234 events were lost");
    has_not("all events kept");
}

TEST(what_was_not_reported_is_counted) {
    fill_facts(301, HAK_FREE, 1);
    make(true);
    has_not("since the last report");
    ck_assert_ptr_nonnull(strstr(report.json, "\"unreported_before\": 0"));
    request.unreported_before = 1;
    make(true);
    has("1 fault like this was not reported since the last report of this place");
    request.unreported_before = 1234;
    make(true);
    has("1,234 faults like this were not reported since the last report of this place");
    ck_assert_ptr_nonnull(strstr(report.json, "\"unreported_before\": 1234"));
}

TEST(guesses_stand_apart) {
    block_malloc(1, 5, 1);
    fill_facts(301, HAK_FREE, 1);
    request.facts.damaged_bytes = 1;
    request.facts.offset = 24;
    make(true);
    has("  GUESS             a string's terminating NUL did not fit");
    has("heap-buffer-overflow: 1 byte past a 24-byte block");
    request.facts.damage[0] = 7;
    make(true);
    has_not("GUESS");
    request.facts.offset = 34;
    make(true);
    has("heap-buffer-overflow: 1 byte at offset 34, 10 bytes past the end of a 24-byte block");
}

TEST(a_crash_describes_registers_that_point_into_the_heap) {
    block_malloc(1, 5, 1);
    block_malloc(2, 5, 1);
    block_free(2, 6, 1);
    context.signal = SIGSEGV;
    request.signal_code = 1;
    request.signal_address = 16;
    request.registers[0] = BLOCK(1) + 16 + 8;
    request.registers[5] = BLOCK(2) + 16;
    make(true);
    check_shape("hakmem: SIGSEGV at address 0x10: ");
    has("SIGSEGV, nothing is mapped there");
    has("rax 0x7f21c4a10468 is 8 bytes into a live block of 24 bytes: malloc(24) by thread 1 \"t\" "
        "at app.c:5");
    has("rdi 0x7f21c4a10490 is the start of a freed block of 24 bytes: free by thread 1 \"t\" at "
        "app.c:6");
    ck_assert(strstr(report.summary, "crash") && strstr(report.summary, "signal=SIGSEGV"));
}

TEST(an_address_that_the_kernel_does_not_tell_is_not_zero) {
    context.signal = SIGSEGV;
    request.signal_code = SI_KERNEL;
    make(true);
    check_shape("hakmem: SIGSEGV: ");
    has("the kernel does not report where");
    ck_assert_ptr_null(strstr(report.text, "0x0"));
    ck_assert_ptr_nonnull(strstr(report.json, "\"address\": null"));
}

TEST(a_tag_check_that_was_found_late_accuses_nobody) {
    static const char arguments[] = "./app\0two words";
    context.signal = SIGSEGV;
    context.arguments = arguments;
    context.argument_bytes = sizeof arguments;
    request.signal_code = 8; /* SEGV_MTEAERR */
    request.registers[0] = BLOCK(1) + 16 + 8;
    memcpy(request.code.bytes, "\x48\x8b\x00", 3);
    request.code.count = 3;
    make(true);
    check_shape("hakmem: SIGSEGV: the thread used a pointer with a wrong memory tag before this "
                "point; the access is not known\n");
    has("  The access       came between the thread's last two entries into the kernel. Its "
        "address, its\n");
    has("SIGSEGV, an earlier access of this thread had a wrong memory tag\n");
    has("HAKMEM_TAGS=sync hakmem-trace run -- ./app 'two words'   # stops at the instruction\n");
    has_not("null pointer");
    has_not("0x0");
    has_not("INSTRUCTION");
    has_not("REGISTERS");
    has_not("GUESS");
    has_not("hunt");
    ck_assert_ptr_nonnull(strstr(report.json, "\"address\": null"));
}

TEST(a_signal_that_somebody_sent_has_no_address) {
    context.signal = SIGSEGV;
    request.signal_code = 0;
    make(true);
    check_shape("hakmem: SIGSEGV: ");
    has("sent by a process");
}

/* A dying or hostile program wrote the request: any number may stand anywhere. */
/* ---- the words of single faults --------------------------------------------------------------
 */

static const struct {
    unsigned fault, kind, subkind;
    struct hak_fault_facts more; /* what else the checks tell */
    const char *due[3];
} told[] = {
    {203,
     HAK_FREE,
     5 | 0 << 8,
     {0},
     {"alloc-dealloc-mismatch: the program calls free on a 24-byte block from new[]; expected "
      "delete[]\n",
      "free was given a block from new[]", "  ALLOCATED         event "}},
    {203,
     HAK_FREE,
     0 | 8 << 8,
     {0},
     {"mismatch: the program calls delete on a 24-byte block from malloc; expected free\n"}},
    {204,
     HAK_FREE,
     4 | 10 << 8,
     {.given_bytes = 8},
     {"type-mismatch: the program calls sized delete with size 8 on a 24-byte block from new\n"}},
    {204,
     HAK_FREE,
     6 | 12 << 8,
     {.given_alignment = 64, .asked_alignment = 32},
     {"aligned delete with alignment 64 on a 24-byte block from aligned new with alignment "
      "32\n"}},
    {301,
     HAK_PROCESS_END,
     0,
     {.found_by = HAK_FOUND_BY_EXIT,
      .offset = 24,
      .damaged_bytes = 3,
      .damaged_span = 3,
      .damage = "abc",
      .more_damaged = 2},
     {"3 bytes past a 24-byte block from function_5() app.c:5, found by the sweep at exit; and "
      "2 more damaged blocks\n",
      "3 bytes changed from here on: 61 62 63  \"abc\"\n", "hop=SWEEP"}},
    {301,
     HAK_FREE,
     0,
     {.found_by = HAK_FOUND_BY_NEIGHBOUR, .offset = 24, .damaged_bytes = 1},
     {"found by free of the block beside it\n", "  WRITTEN BETWEEN   "}},
    {301,
     0,
     0,
     {.found_by = HAK_FOUND_BY_ACCESS, .offset = 24, .access = HAK_ACCESS_WRITE},
     {"heap-buffer-overflow: the program writes memory right past the end of a 24-byte block from "
      "function_5() app.c:5\n",
      "hop=WRITE"}},
    {301,
     0,
     0,
     {.found_by = HAK_FOUND_BY_WATCH, .offset = 24, .access = HAK_ACCESS_WRITE},
     {"heap-buffer-overflow: the program writes memory right past the end of a 24-byte block from "
      "function_5() app.c:5\n",
      "      the write was done, and a watchpoint at 0x", "hop=WRITE"}},
    {301,
     0,
     0,
     {.found_by = HAK_FOUND_BY_LATE_WATCH,
      .offset = 24,
      .damaged_bytes = 3,
      .damaged_span = 3,
      .damage = "abc",
      .access = HAK_ACCESS_WRITE},
     {" past a 24-byte block from function_5() app.c:5, found by a late watchpoint "
      "(SIGTRAP was blocked at the write)",
      "3 bytes changed from here on: 61 62 63  \"abc\"\n"}},
    {304,
     0,
     0,
     {.found_by = HAK_FOUND_BY_WATCH, .offset = 8, .access = HAK_ACCESS_WRITE},
     {"use-after-free: the program writes memory at offset 8 of a 24-byte block freed by "
      "function_6() app.c:6\n",
      "  FREED             event ", "and a watchpoint at 0x"}},
    {302,
     0,
     0,
     {.found_by = HAK_FOUND_BY_ACCESS, .offset = -8, .access = HAK_ACCESS_READ},
     {"heap-buffer-underflow: the program reads memory 8 bytes before a 24-byte block from "
      "function_5() app.c:5\n",
      "hop=READ"}},
    {303,
     HAK_QUARANTINE_LEAVE,
     0,
     {.offset = 8,
      .damaged_bytes = 3,
      .damaged_span = 4,
      .damage = "AB\xdd"
                "C"},
     {"write-after-free: at least 4 bytes at offset 8 of a 24-byte block freed by function_6() "
      "app.c:6 were "
      "overwritten, ",
      "found by the check of the block when it left quarantine\n", "41 42 dd 43  \"AB.C\"\n"}},
    {304,
     0,
     0,
     {.found_by = HAK_FOUND_BY_ACCESS, .offset = 8, .access = HAK_ACCESS_READ},
     {"use-after-free: the program reads memory at offset 8 of a 24-byte block freed by "
      "function_6() app.c:6\n",
      "  FREED             event "}},
    {105,
     HAK_SLL_POP,
     0,
     {.link = 0x4141414141414141},
     {"the link of a free block of C3 points to 0x4141414141414141, which is not a hakmem block; "
      "found by "
      "SLL_POP\n",
      "the link here is 0x4141414141414141"}},
};

TEST(each_fault_has_its_words, .until = sizeof told / sizeof *told) {
    block_malloc(1, 5, 1);
    block_free(1, 6, 2);
    fill_facts(told[_i].fault, told[_i].kind, 1);
    struct hak_fault_facts *facts = &request.facts;
    const struct hak_fault_facts *more = &told[_i].more;
    facts->subkind = told[_i].subkind;
    facts->offset = more->offset;
    facts->damaged_bytes = more->damaged_bytes;
    facts->damaged_span = more->damaged_span;
    memcpy(facts->damage, more->damage, sizeof facts->damage);
    facts->more_damaged = more->more_damaged;
    facts->found_by = more->found_by;
    facts->access = more->access;
    facts->given_bytes = more->given_bytes;
    facts->given_alignment = more->given_alignment;
    facts->asked_alignment = more->asked_alignment;
    facts->link = more->link;
    if (facts->found_by == HAK_FOUND_BY_ACCESS) {
        request.signal = SIGSEGV;
        request.signal_code = SEGV_ACCERR;
        request.signal_address = facts->found_address;
    }
    context.ns = 5000000000;
    make(true);
    for (int i = 0; i < 3 && told[_i].due[i]; i++)
        has(told[_i].due[i]);
    check_shape("hakmem: HKM-");
}

TEST(an_address_of_a_crash_is_said_in_words) {
    request.signal = SIGSEGV;
    request.signal_code = SEGV_MAPERR;
    request.region.is_known = 1;
    request.signal_address = 24;
    make(true);
    check_shape("hakmem: SIGSEGV at address 0x18: null pointer plus 24 bytes: ");
    has("  GUESS             a member or an element was touched through a null pointer\n");
    request.signal_address = (uint64_t)-8;
    make(true);
    has("0xfffffffffffffff8 is the null pointer minus 8 bytes.");
    request.signal_address = 0x5000000;
    request.region.below_end = 0x5000000 - 4;
    snprintf(request.region.path, sizeof request.region.path, "/tmp/data.bin");
    make(true);
    has("lies 4 bytes past the end of an inaccessible mapping of data.bin; nothing is mapped "
        "there.");
    request.region.below_end = 0;
    make(true);
    has("lies far from any mapping.");
    request.region = (struct hak_report_region){
        .start = 0x5000000, .end = 0x5001000, .protection = 1, .is_known = 1};
    snprintf(request.region.path, sizeof request.region.path, "/usr/lib/libfoo.so.1");
    request.facts.access = HAK_ACCESS_WRITE;
    make(true);
    check_shape(
        "hakmem: SIGSEGV at address 0x5000000: write to the read-only data of libfoo.so.1: ");
    ck_assert_ptr_nonnull(strstr(report.json, "\"access\": \"write\""));
}

TEST(registers_that_hold_no_address_are_named) {
    request.signal = SIGSEGV;
    request.signal_code = SI_KERNEL;
    request.trap = 13;
    request.registers[3] = 0x6867666564636261;
    make(true);
    has("      rbx 0x6867666564636261\n");
    has_not("  GUESS");
    request.registers[0] = 0xdd958090a3b085dd + 16;
    make(true);
    has("      rax 0xdd958090a3b085ed is the pattern that fills freed memory\n");
    has("  GUESS             the pointer was read from freed memory, or from a block that was "
        "not ");
    has(": the program crashed; GUESS: by a pointer that was read from bytes of the heap that are "
        "not "
        "the program's data\n");
}

TEST(what_the_program_keeps_stands_in_for_the_record) {
    struct hak_frame born = {
        .ip = 1, .module = "/app", .function = "make", .file = "app.c", .line = 7};
    struct hak_frame freed = {
        .ip = 2, .module = "/app", .function = "drop", .file = "app.c", .line = 9};
    fill_facts(202, HAK_FREE, 1);
    request.is_unrecorded = 1;
    context.alloc_frames = &born;
    context.free_frames = &freed;
    context.alloc_frame_count = context.free_frame_count = 1;
    make(false);
    check_shape("hakmem: HKM-202 double-free: the program calls free on a 24-byte block already "
                "freed by drop() app.c:9\n");
    has("  ALLOCATED         by malloc\n      #0 make                app.c:7\n");
    has("  FREED BEFORE      by the program\n      #0 drop                app.c:9\n");
    has("  HISTORY           not recorded (HAKMEM_TRACE=off)\n");
    has_not("hakmem-trace why");
}

/* Thread 2 was created by 1, and created 3 and 4, both at one place; nothing is known of 1. */
static void put_creations(void) {
    static const struct hak_thread_row rows[] = {
        {.id = 2, .process = 1, .number = 2, .name = "worker", .creator = 1, .stack = 11},
        {.id = 3, .process = 1, .number = 3, .name = "io", .creator = 2, .stack = 12},
        {.id = 4, .process = 1, .number = 4, .name = "io", .creator = 2, .stack = 12},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        must(hak_store_put_thread(capture.w, &rows[i]));
}

static void count_of(const char *text, int due) {
    int count = 0;
    for (const char *at = report.text; (at = strstr(at, text)) != NULL; at++)
        count++;
    ck_assert_msg(count == due, "'%s' %d times, not %d, in:\n%s", text, count, due, report.text);
}

TEST(threads_that_are_named_say_where_they_were_created) {
    put_creations();
    block_malloc(1, 5, 4);
    block_free(1, 6, 3);
    fill_facts(202, HAK_FREE, 1);
    make(true);
    has("  THREADS           thread 2 \"worker\" was created by thread 1 \"t\" at:\n"
        "      #0 function_11         app.c:11\n"
        "                    threads 3 \"io\" and 4 \"io\" were created by thread 2 \"worker\" "
        "at:\n"
        "      #0 function_12         app.c:12\n"
        "  COMPLETENESS");
    count_of("created by", 2);
    check_shape("hakmem: HKM-202 double-free");
    json_t *document = json_loads(report.json, 0, NULL);
    json_t *threads = json_object_get(json_object_get(document, "fault"), "threads");
    ck_assert_uint_eq(json_array_size(threads), 3);
    json_t *one = json_array_get(threads, 2);
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(one, "thread"), "name")),
                     "io");
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(one, "created_by"), "number")), 2);
    json_decref(document);
}

/* Only thread 3 is named; who created thread 2, which created that, is said, and no more. */
TEST(who_created_a_creator_is_said_once_more) {
    put_creations();
    must(hak_store_put_thread(
        capture.w,
        &(struct hak_thread_row){
            .id = 1, .process = 1, .number = 1, .name = "first", .creator = 9, .stack = 13}));
    block_malloc(1, 5, 3);
    fill_facts(301, HAK_FREE, 1);
    context.thread = context.thread_number = 3;
    context.thread_name = "io";
    make(true);
    count_of("created by", 2);
    has("thread 3 \"io\" was created by thread 2 \"worker\" at:\n");
    has("thread 2 \"worker\" was created by thread 1 \"first\" at:\n");
}

TEST(a_main_thread_has_no_creation) {
    block_malloc(1, 5, 1);
    fill_facts(202, HAK_FREE, 1);
    make(true);
    has_not("  THREADS");
}

TEST(what_the_program_keeps_of_its_thread_stands_in_for_the_store) {
    struct hak_frame created = {
        .ip = 1, .module = "/app", .function = "start", .file = "app.c", .line = 7};
    fill_facts(202, HAK_FREE, 1);
    request.is_unrecorded = 1;
    context.creations[0] =
        (struct hak_kept_creation){.thread = 2, .creator = 5, .frames = &created, .frame_count = 1};
    context.creations[1] = (struct hak_kept_creation){.thread = 5, .creator = 1};
    make(false);
    has("  THREADS           thread 2 \"worker\" was created by thread 5 at:\n"
        "      #0 start               app.c:7\n"
        "                    thread 5 was created by thread 1\n");
    context.thread_number = 3; /* another thread's first fault: not what the program told of */
    make(false);
    has_not("  THREADS");
}

TEST(damage_that_is_found_late_is_hunted) {
    static const char arguments[] = "/bin/app";
    block_malloc(1, 5, 1);
    fill_facts(301, HAK_FREE, 1);
    request.facts.found_by = HAK_FOUND_BY_COUNT;
    request.facts.offset = 24;
    context.arguments = arguments;
    context.argument_bytes = sizeof arguments;
    request.sweep_every = 1000;
    make(true);
    has("  NEXT              hakmem-trace hunt -- /bin/app   # stops at the instruction\n");
    ck_assert_msg(strstr(report.summary, "SUMMARY: hakmem: heap-buffer-overflow of a block from "
                                         "app.c:5 function_5 hop=SWEEP ") != NULL,
                  "%s", report.summary); /* the line allocated the block, and did not write */
    request.sweep_every = 1;
    context.fault_row = 7;
    make(true);
    has("  hakmem-trace explain HKM-301\n"
        "                    hakmem-trace faults 7 --stacks -s hakmem.app.1.db   # ");
    has("  NEXT              hakmem-trace hunt -s hakmem.app.1.db --fault 7 -- /bin/app   # ");
}

TEST(a_program_that_was_stopped_is_said_to_be) {
    block_malloc(1, 5, 1);
    fill_facts(202, HAK_FREE, 1);
    make(true);
    has_not("stopped");
    context.stops = true;
    make(true);
    has(" already free (free in a thread's front array); the program was stopped here (SIGABRT)\n");
    request.facts.found_by = HAK_FOUND_BY_ACCESS; /* it died of the access */
    request.signal = SIGSEGV;
    make(true);
    has_not("stopped");
}

TEST(any_numbers_give_a_page) {
    block_malloc(1, 5, 1);
    capture_finish();
    struct hak_store_reader *r;
    must(hak_store_open(capture.path, &r));
    /* One look at the file for all of them: else each answer locks it anew. */
    sqlite3 *store = hak_store_database(r)->connection;
    ck_assert_int_eq(sqlite3_exec(store, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    uint32_t seed = 12345;
    for (int i = 0; i < 3000; i++) {
        const struct {
            void *at;
            size_t bytes;
        } parts[] = {{&request.facts, sizeof request.facts},
                     {request.registers, sizeof request.registers},
                     {&request.flags, sizeof request.flags},
                     {&request.code, sizeof request.code},
                     {request.pointed, sizeof request.pointed}};
        for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
            for (size_t k = 0; k < parts[part].bytes; k++) {
                seed = seed * 1664525 + 1013904223;
                ((unsigned char *)parts[part].at)[k] =
                    seed >> 24 > 100 ? (unsigned char)(seed >> 16) : 0;
            }
        if (i % 2 > 0) { /* else they are too large mostly */
            request.code.count %= HAK_REPORT_CODE + 2;
            request.code.before %= request.code.count + 1;
            request.facts.found_by = request.code.before ? HAK_FOUND_BY_WATCH : HAK_FOUND_BY_ACCESS;
        }
        if (i % 3 > 0) {
            static const unsigned codes[] = {101, 102, 103, 104, 105, 201, 202,
                                             203, 204, 301, 302, 303, 304};
            request.facts.fault = codes[i / 3 % (int)(sizeof codes / sizeof *codes)];
        }
        if (i % 3 > 1) {
            request.facts.base = BLOCK(1);
            request.facts.slot_bytes = 48;
        }
        struct hak_report one;
        ck_assert_int_eq(hak_report_make(r, &request, &context, &one), 0);
        ck_assert(strlen(one.text) < 20000);
        hak_report_free(&one);
    }
    ck_assert_int_eq(sqlite3_exec(store, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    hak_store_close(r);
}

/* ---- the source --------------------------------------------------------------------------------
 */

/* Makes a file that was changed at `seconds`. */
static void put_file(const char *path, const char *text, time_t seconds) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, (struct timespec[]){{seconds, 0}, {seconds, 0}}, 0),
                     0);
}

TEST(the_source_is_shown_as_it_was_built) {
    char folder[] = "/tmp/hakmem-source-XXXXXX", module[64], source[64], missing[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(module, sizeof module, "%s/app", folder);
    snprintf(source, sizeof source, "%s/app.cpp", folder);
    snprintf(missing, sizeof missing, "%s/none.cpp", folder);
    put_file(module, "", 1000);
    put_file(source, "int add() {\n\tjobs.push(new ns::Job{1});\n}\x1b[31m\n", 1000);
    struct hak_frame born = {
        .ip = 1, .module = module, .function = "add()", .file = source, .line = 2};
    struct hak_frame freed = {
        .ip = 2, .module = module, .function = "drop()", .file = missing, .line = 9};
    fill_facts(202, HAK_FREE, 1);
    request.facts.subkind = 4; /* new */
    request.is_unrecorded = 1;
    context.alloc_frames = &born;
    context.free_frames = &freed;
    context.alloc_frame_count = context.free_frame_count = 1;
    make(false);
    check_shape("hakmem: HKM-202 double-free: the program calls ");
    has(" on a 24-byte ns::Job already freed by drop() none.cpp:9\n");
    has("            1 | int add() {\n"
        "      >     2 |     jobs.push(new ns::Job{1});\n"
        "            3 | }\\x1b[31m\n");
    count_of(" | ", 3); /* of the file that is not there nothing */
    put_file(source, "int add() {\n\tjobs.push(new ns::Job[2]);\n}\n", 1000);
    make(false);
    has("a 24-byte block already freed");
    put_file(source, "int add() {\n\tjobs.push(new Job, new Job);\n}\n", 1001); /* edited since */
    make(false);
    has("a 24-byte block already freed");
    count_of(" | ", 0);
    ck_assert_int_eq(unlink(source), 0);
    ck_assert_int_eq(mkfifo(source, 0600), 0); /* nobody writes into it */
    make(false);
    count_of(" | ", 0);
    unlink(source);
    unlink(module);
    rmdir(folder);
}

/* ---- room --------------------------------------------------------------------------------------
 */

enum { CALLERS = 12 };

/* A stack of the functions call_0 to call_11, whose source is `file` in `module`. */
static void fill_stack(struct hak_frame frames[CALLERS], const char *module, const char *file) {
    static const char *const names[CALLERS] = {"call_0", "call_1", "call_2",  "call_3",
                                               "call_4", "call_5", "call_6",  "call_7",
                                               "call_8", "call_9", "call_10", "call_11"};
    for (uint32_t i = 0; i < CALLERS; i++)
        frames[i] = (struct hak_frame){
            .ip = 100 + i, .module = module, .function = names[i], .file = file, .line = 2 + i};
}

TEST(one_frame_is_not_folded) {
    struct hak_frame frames[CALLERS];
    fill_stack(frames, "/app", "app.c");
    fill_facts(202, HAK_FREE, 1);
    context.frames = frames;
    context.frame_count = 7;
    make(false);
    has("      #6 call_6 ");
    has_not("more frame");
    context.frame_count = 8;
    make(false);
    has("      #5 call_5 ");
    has_not("call_6");
    has("      ... and 2 more frames\n");
}

TEST(the_source_where_the_fault_was_found_is_left_out_last) {
    char folder[] = "/tmp/hakmem-source-XXXXXX", module[64], source[2][64];
    struct hak_frame frames[CALLERS], born[CALLERS];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(module, sizeof module, "%s/app", folder);
    put_file(module, "", 1000);
    for (int i = 0; i < 2; i++) {
        snprintf(source[i], sizeof source[i], "%s/%s.c", folder, i ? "born" : "found");
        put_file(source[i], i ? "1\nborn();\n3\n" : "1\nfound();\n3\n", 1000);
    }
    fill_stack(frames, module, source[0]);
    fill_stack(born, module, source[1]);
    fill_facts(202, HAK_FREE, 1);
    request.is_unrecorded = 1;
    context.frames = frames;
    context.frame_count = CALLERS;
    context.alloc_frames = context.free_frames = born;
    context.alloc_frame_count = context.free_frame_count = CALLERS;
    make(false);
    has("  ALLOCATOR ");
    has(">     2 | found();\n");
    has(">     2 | born();\n");
    for (uint32_t i = 0; i < 2; i++) /* each with its stack is too much */
        context.creations[i] = (struct hak_kept_creation){.thread = context.thread_number + i,
                                                          .creator = context.thread_number + i + 1,
                                                          .frames = frames + i,
                                                          .frame_count = CALLERS - (int)i};
    make(false);
    check_shape("hakmem: HKM-202 double-free: call_0() found.c:2 calls ");
    has("  THREADS ");
    has(">     2 | found();\n");
    has_not("  ALLOCATOR ");
    for (int i = 0; i < 2; i++)
        unlink(source[i]);
    unlink(module);
    rmdir(folder);
}

/* ---- the instruction ---------------------------------------------------------------------------
 */

enum { OF_RSI = 4, OF_RDI = 5, OF_RSP = 7 };

/* A block of 24 bytes that was left or touched by `code`, at `offset` from its start. */
static void fill_stop(unsigned fault, unsigned access, int64_t offset, const void *code,
                      uint32_t bytes) {
    fill_facts(fault, HAK_MALLOC, 1);
    request.facts.found_by = HAK_FOUND_BY_ACCESS;
    request.facts.access = access;
    request.facts.offset = offset;
    request.facts.found_address = BLOCK(1) + 16 + (uint64_t)offset;
    request.signal = SIGSEGV;
    request.signal_code = SEGV_ACCERR;
    request.signal_address = request.facts.found_address;
    request.flags = 0x202;
    request.code = (struct hak_report_code){.address = 0x401000, .count = bytes};
    memcpy(request.code.bytes, code, bytes);
    memset(request.registers, 0, sizeof request.registers);
    request.registers[OF_RDI] = BLOCK(1) + 16;
    request.pointed[OF_RDI] =
        (struct hak_report_pointed){.user = BLOCK(1) + 16, .asked_bytes = 24, .is_live = 1};
}

TEST(the_instruction_is_told_with_its_bytes) {
    block_malloc(1, 5, 1);
    fill_stop(301, HAK_ACCESS_WRITE, 24, "\x48\x89\x47\x14", 4);
    make(true);
    check_shape(
        "hakmem: HKM-301 heap-buffer-overflow: the program writes memory right past the end of a "
        "24-byte block from function_5() app.c:5\n");
    has("  INSTRUCTION       mov qword ptr [rdi + 0x14], rax   (48 89 47 14)\n"
        "      writes 8 bytes, 4 of them past the end of the block\n"
        "  REGISTERS         of the address, and pointing into the heap:\n"
        "      rdi 0x");
    has(" is the start of the block; the base of the address\n");
    fill_stop(301, HAK_ACCESS_WRITE, 24, "\x48\x8b\x47\x14", 4); /* it does not write */
    make(true);
    has("  INSTRUCTION       mov rax, qword ptr [rdi + 0x14]   (48 8b 47 14)\n  REGISTERS ");
    fill_stop(302, HAK_ACCESS_READ, -3, "\x8b\x47\xfd", 3);
    make(true);
    has("      reads 4 bytes, 3 of them before the block\n");
    fill_stop(302, HAK_ACCESS_READ, -8, "\x8b\x47\xf8", 3);
    make(true);
    has("      reads 4 bytes, from 8 bytes before the block on\n");
    fill_stop(304, HAK_ACCESS_READ, 4, "\x8b\x47\x04", 3);
    make(true);
    has("      reads 4 bytes at offset 4 of the freed block\n");
    fill_stop(301, HAK_ACCESS_READ, 30, "\x8b\x47\x1e", 3);
    make(true);
    has("      reads 4 bytes, from 6 bytes past the end of the block on\n");
}

TEST(the_owner_before_is_shown_of_an_access) {
    for (unsigned i = 0; i < 3; i++) {
        block_malloc(1, 5 + 2 * i, 1);
        block_free(1, 6 + 2 * i, 1);
    }
    fill_stop(304, HAK_ACCESS_READ, 4, "\x8b\x47\x04", 3);
    make(true);
    has("  HISTORY           3 lives of this block; the last two:\n");
    has_not("function_6 ");
    has("function_7 ");
    has("function_8 ");
    has("function_10 ");
    request.facts.found_by = HAK_FOUND_BY_CALL;
    make(true);
    has("  HISTORY           3 lives of this block; the last one:\n");
    has_not("function_8 ");
}

TEST(a_repeated_instruction_says_how_far_it_goes) {
    block_malloc(1, 5, 1);
    fill_stop(302, HAK_ACCESS_WRITE, -8, "\xf3\x48\xab", 3);
    request.registers[OF_RDI] -= 8;
    request.registers[2] = 3;
    request.flags |= 0x400;
    make(true);
    has("; goes on downwards, up to 2 times more\n");
    has(" is 8 bytes before the block; the base of the address\n");
    request.flags = 0;
    request.registers[2] = 2;
    make(true);
    has("; goes on, up to 1 time more\n");
    request.registers[2] = 1;
    make(true);
    has_not("goes on");
    request.registers[2] = UINT64_MAX;
    make(true);
    ck_assert(strstr(report.json, "\"left\": null") != NULL);
}

TEST(a_watchpoint_names_the_instruction_in_front) {
    block_malloc(1, 5, 1);
    fill_stop(301, HAK_ACCESS_WRITE, 24, "\x90\x90\x90\x90\x88\x47\x18\x90\x90", 9);
    request.facts.found_by = HAK_FOUND_BY_WATCH;
    request.signal = 0;
    request.code.before = 7;
    make(true);
    has("  INSTRUCTION       mov byte ptr [rdi + 0x18], al   (88 47 18)\n"
        "      writes 1 byte, right past the end of the block\n");
    request.facts.found_address++; /* it did not write there */
    make(true);
    has("  INSTRUCTION       ends with 90 90 90 90 88 47 18\n"
        "      which one it was is not certain\n"
        "  REGISTERS         pointing into the heap:\n");
}

static void fill_crash(int signal, int code, const char *instruction, size_t bytes) {
    request.signal = (uint32_t)signal;
    request.signal_code = code;
    request.code = (struct hak_report_code){.address = 0x401000, .count = (uint32_t)bytes};
    memcpy(request.code.bytes, instruction, bytes);
    memset(request.registers, 0, sizeof request.registers);
}

TEST(a_crash_names_its_instruction) {
    block_malloc(1, 5, 1);
    fill_crash(SIGSEGV, SEGV_MAPERR, "\x8b\x47\x08", 3);
    request.facts.access = HAK_ACCESS_READ;
    request.signal_address = 8;
    request.registers[4] = BLOCK(1) + 20;
    make(true);
    has("  INSTRUCTION       mov eax, dword ptr [rdi + 8]   (8b 47 08)\n"
        "      reads 4 bytes at 0x8\n"
        "  REGISTERS         of the address:\n"
        "      rdi 0x0 is the base of the address\n"
        "                    that point into the heap:\n"
        "      rsi 0x");
    has(" is 4 bytes into a live block of 24 bytes: ");
    ck_assert(strstr(report.json, "\"text\": \"mov eax, dword ptr [rdi + 8]\"") != NULL);
    ck_assert(strstr(report.json, "\"offset\": 4") != NULL);
    request.registers[OF_RDI] = BLOCK(1) + 16;
    request.signal_address = BLOCK(1) + 24;
    make(true);
    has(" is the start of a live block of 24 bytes: ");
    has("; the base of the address\n");
    has_not("none points into");
    make(false);
    has("      rdi 0x");
    has("                    not looked up in the heap: there is no store\n");
    request.code.count = 0;
    make(true);
    has_not("INSTRUCTION");
    has("  REGISTERS         that point into the heap:\n");
}

TEST(a_pointer_that_is_no_address_is_named_by_the_instruction) {
    fill_crash(SIGSEGV, SI_KERNEL, "\x8b\x47\x08", 3);
    request.trap = 13;
    request.registers[3] = 0x6867666564636261; /* no part of the address */
    request.registers[OF_RDI] = 0xdd958090a3b085dd + 16;
    make(true);
    has("      reads 4 bytes at 0xdd958090a3b085f5\n"
        "  REGISTERS         of the address:\n"
        "      rdi 0xdd958090a3b085ed is the pattern that fills freed memory; the base of the "
        "address\n"
        "                    none points into a block of the heap\n");
    has_not("rbx");
    fill_crash(SIGSEGV, SI_KERNEL, "\x0f\x28\x07", 3);
    request.registers[OF_RDI] = 0x500008;
    make(true);
    has("  INSTRUCTION       movaps xmm0, xmmword ptr [rdi]   (0f 28 07)\n"
        "      reads 16 bytes at 0x500008, no multiple of 16\n");
    request.registers[OF_RDI] = 0x500010; /* it was something else */
    make(true);
    has("(0f 28 07)\n  REGISTERS         none points into");
}

TEST(a_division_names_both_numbers) {
    fill_crash(SIGFPE, FPE_INTDIV, "\xf7\xff", 2);
    request.registers[0] = 7;
    make(true);
    has("  INSTRUCTION       idiv edi   (f7 ff)\n"
        "  REGISTERS         of the division:\n"
        "      rax 0x7 is the lower half of the dividend\n"
        "      rdx 0x0 is the upper half of the dividend\n"
        "      rdi 0x0 is the divisor\n");
    ck_assert(strstr(report.json, "\"role\": \"divisor\"") != NULL);
    fill_crash(SIGFPE, FPE_INTDIV, "\xf6\xf1", 2); /* bytes, of which rdx has none */
    make(true);
    has("  INSTRUCTION       div cl   (f6 f1)\n  REGISTERS         none points into");
}

TEST(an_instruction_that_cannot_be_decoded_is_told_by_its_bytes) {
    block_malloc(1, 5, 1);
    fill_stop(301, HAK_ACCESS_WRITE, 24, "\x06\x07\x0e", 3);
    make(true);
    has("  INSTRUCTION       begins with 06 07 0e\n      libcapstone does not know it\n");
    request.code.count = 0; /* it could not be read */
    make(true);
    has_not("INSTRUCTION");
    has_not("REGISTERS");
    request.code.count = HAK_REPORT_CODE + 1;
    make(true);
    has_not("INSTRUCTION");
    request.code.count = 3;
    request.code.before = 4;
    make(true);
    has_not("INSTRUCTION");
    request.code.before = 0;
    request.facts.found_by = HAK_FOUND_BY_CALL; /* not stopped by the processor */
    make(true);
    has_not("INSTRUCTION");
}

TEST(registers_are_told_by_what_they_point_to) {
    block_malloc(1, 5, 1);
    fill_stop(301, HAK_ACCESS_READ, 24, "\x8a\x04\x37", 3);
    request.registers[OF_RSI] = 24;
    request.registers[OF_RSP] = 0x700000000010;
    request.pointed[OF_RSP] =
        (struct hak_report_pointed){.user = 0x700000000000, .asked_bytes = 64, .is_live = 0};
    make(false);
    has("      rsi 0x18 is the index of the address\n      rdi 0x");
    has("      rsp 0x700000000010 is 16 bytes into a freed block of 64 bytes\n");
    for (int i = 0; i < HAK_REPORT_REGISTERS; i++)
        request.pointed[i] = request.pointed[OF_RDI];
    make(false);
    has("      rsi 0x18 is ");
    has("      rbx 0x0 is ");
    has_not("      r8 ");
}

/* The machine that recorded it has its own registers and instructions, wherever the page is made.
 */
TEST(registers_and_code_are_those_of_the_processor) {
    enum { X1 = 1, SP = 31, PC = 32 };
    block_malloc(1, 5, 1);
    fill_stop(301, HAK_ACCESS_READ, 24, "\x00\x68\x61\x38", 4); /* ldrb w0, [x0, x1] */
    context.processor = HAK_PROCESSOR_AARCH64;
    memset(request.registers, 0, sizeof request.registers);
    memset(request.pointed, 0, sizeof request.pointed);
    request.registers[0] = request.facts.user;
    request.registers[X1] = 24;
    request.registers[SP] = 0x700000000010;
    request.pointed[SP] =
        (struct hak_report_pointed){.user = 0x700000000000, .asked_bytes = 64, .is_live = 0};
    make(false);
    has("  INSTRUCTION       ldrb w0, [x0, x1]   (00 68 61 38)\n      reads 1 byte");
    has("      x0  0x");
    has("      x1  0x18 is the index of the address\n");
    has("      sp  0x700000000010 is 16 bytes into a freed block of 64 bytes\n");
    ck_assert_ptr_nonnull(strstr(report.json, "\"pc\""));
    ck_assert_ptr_nonnull(strstr(report.json, "\"x30\""));
    ck_assert_ptr_null(strstr(report.json, "\"rip\""));
}

/* A sweep that found the block whole narrows the write down, if it came after the block's last
 * event and before the damage was found. */
TEST(the_last_clean_look_begins_the_window) {
    struct hak_frame looked = {
        .ip = 1, .module = "/app", .function = "parse", .file = "app.c", .line = 7};
    block_malloc(1, 5, 1);
    uint64_t born_ns = capture.ns;
    fill_facts(301, HAK_FREE, 1);
    request.facts.damaged_bytes = request.facts.damaged_span = 1;
    request.facts.offset = 24;
    request.facts.clean_by = HAK_FOUND_BY_COUNT;
    capture.ns += 5000000;
    context.fault_event = capture_put((struct hak_event){.base = BLOCK(1),
                                                         .address = BLOCK(1) + 16,
                                                         .size = 301,
                                                         .thread = 2,
                                                         .kind = HAK_FAULT,
                                                         .class_index = CLASS_48});
    context.ns = capture.ns;
    context.clean_frames = &looked;
    context.clean_frame_count = 1;
    context.clean_ns = born_ns + 2000000;
    make(true);
    has("  WRITTEN BETWEEN   the periodic sweep at 0.002 s, which found the block intact, and "
        "event ");
    has_not("FIRST WRONG STEP");
    has("  LAST CLEAN LOOK   0.002 s\n      #0 parse ");
    ck_assert(strstr(report.json, "\"clean_look\": {") != NULL);
    uint64_t useless[] = {0, born_ns - 1, born_ns, context.ns, UINT64_MAX};
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        context.clean_ns = useless[i];
        make(true);
        has("  WRITTEN BETWEEN   event ");
        has_not("LAST CLEAN LOOK");
        ck_assert(strstr(report.json, "\"clean_look\": null") != NULL);
    }
    context.clean_ns = born_ns + 2000000;
    request.facts.clean_by = HAK_FOUND_BY_CALL;
    make(true);
    has_not("LAST CLEAN LOOK");
}

RUN_TESTS(.set_up = start, .tear_down = stop)
