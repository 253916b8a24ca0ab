/* The page on leaks: direct ones first and by bytes, at most a screen, with every sum. */
#include "report/page/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "trace/record.h"
#include "unit/suite.h"

enum { PLACES = 300 };

static struct hak_leak_place places[PLACES];
static struct hak_frame frame[PLACES][2];
static struct hak_text text, summary;

static void set(int i, uint8_t kind, uint64_t count, uint64_t bytes) {
    static char name[PLACES][16];
    snprintf(name[i], sizeof name[i], "place_%d", i);
    frame[i][0] = (struct hak_frame){
        .module = "/bin/app", .function = name[i], .file = "/src/app/app.c", .line = 7};
    frame[i][1] = (struct hak_frame){
        .module = "/bin/app", .function = "main", .file = "/src/app/app.c", .line = 99};
    places[i] = (struct hak_leak_place){.kind = kind,
                                        .is_told = true,
                                        .count = count,
                                        .bytes = bytes,
                                        .frames = {.frame = frame[i], .count = 2}};
}

static void make(struct hak_leak_page *page, int count) {
    qsort(places, (size_t)count, sizeof *places, hak_leak_place_order);
    page->places = places;
    page->count = (uint32_t)count;
    page->program = page->program ? page->program : "";
    page->store_path = page->store_path ? page->store_path : "";
    hak_text_free(&text);
    hak_text_free(&summary);
    text = summary = (struct hak_text){0};
    hak_report_leaks(page, &text, &summary);
    ck_assert_ptr_nonnull(text.bytes);
}

static void says(const char *words) {
    ck_assert_msg(strstr(text.bytes, words) != NULL, "\"%s\" is not in:\n%s", words, text.bytes);
}

TEST(direct_leaks_come_first_and_by_bytes) {
    set(0, HAK_LEAK_IS_INDIRECT, 100, 100000);
    set(1, HAK_LEAK_IS_DIRECT, 1, 10);
    set(2, HAK_LEAK_IS_DIRECT, 2, 2000);
    struct hak_leak_page page = {.live_blocks = 1234, .microseconds = 5678, .lost_blocks = 103};
    make(&page, 3);
    says("hakmem: HKM-401 memory-leak: 102,010 bytes in 103 blocks leaked\n");
    says("  Direct leak of 2,000 byte(s) in 2 object(s) allocated from:\n      #0 place_2");
    says("LOOKED AT         1,234 live blocks, at exit, in 5.6 ms; 3 direct leaks at 2 places, 100 "
         "blocks reachable only from them\n");
    ck_assert(strstr(text.bytes, "place_2") < strstr(text.bytes, "place_1"));
    ck_assert(strstr(text.bytes, "place_1") < strstr(text.bytes, "place_0"));
    ck_assert_str_eq(summary.bytes,
                     "SUMMARY: hakmem: memory-leak app.c:7 place_2 hop=LEAK class=none"
                     " offset=+0 bytes=102010 blocks=103 store=none");
    ck_assert(strstr(text.bytes, "hakmem-trace leaks") == NULL); /* there is no store */
}

TEST(many_places_fit_a_screen) {
    uint64_t bytes = 0;
    for (int i = 0; i < PLACES; i++) {
        set(i, HAK_LEAK_IS_DIRECT, 1, (uint64_t)i + 1);
        bytes += (uint64_t)i + 1;
    }
    struct hak_leak_page page = {.store_path = "/tmp/a b.db", .lost_blocks = PLACES};
    make(&page, PLACES);
    ck_assert_int_le(hak_text_lines(&text), HAK_REPORT_LINES);
    says("more places (");
    says("): hakmem-trace leaks\n");
    says("45,150 bytes in 300 blocks leaked");
    says("store=a_b.db\n");
    ck_assert_uint_eq(bytes, 45150);
}

/* CPython 3.13 loses blocks at 1,405 places: the page took seconds for them, and shows four.
 */
TEST(places_that_do_not_fit_cost_nothing) {
    struct hak_frame *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(closed, MAP_FAILED);
    for (int i = 0; i < PLACES; i++) {
        set(i, HAK_LEAK_IS_DIRECT, 1, (uint64_t)(PLACES - i));
        if (i >= 100) /* the first ones are compared with each other */
            places[i].frames.frame = closed;
    }
    struct hak_leak_page page = {.lost_blocks = PLACES};
    make(&page, PLACES);
    says("more places (");
    says("45,150 bytes in 300 blocks leaked");
    munmap(closed, 4096);
}

TEST(what_is_known_or_too_much_is_counted) {
    set(0, HAK_LEAK_IS_DIRECT, 5, 50);
    set(1, HAK_LEAK_IS_DIRECT, 7, 7000);
    places[1].is_told = false;
    struct hak_leak_page page = {.lost_blocks = 20, .known = 7, .program = "process 7 app"};
    make(&page, 2);
    says("50 bytes in 5 blocks leaked, process 7 app\n");
    says("  NOT SHOWN         7 blocks known to a suppression or the baseline\n");
    says("  NOT SHOWN         8 more lost blocks: too many to list\n");
    ck_assert(strstr(text.bytes, "place_1") == NULL);
}

TEST(what_the_scan_did_not_see_is_said) {
    set(0, HAK_LEAK_IS_DIRECT, 1, 1);
    struct hak_leak_page page = {.partial = HAK_PARTIAL_THREADS | HAK_PARTIAL_STACK,
                                 .reason = HAK_LEAK_BY_CALL,
                                 .lost_blocks = 1};
    make(&page, 1);
    says("1 byte in 1 block leaked\n");
    says("  COMPLETENESS      a thread could not be stopped");
    says("; where the program's own frames begin was not found");
    says("by hak_find_leaks(), in 0.0 ms");
    page.late_modules = (const char *const[]){"/lib/slow.so", NULL};
    make(&page, 1);
    says("was not found: what dead frames hold is not reported; the symbols of slow.so were not");
    page.partial = 0;
    make(&page, 1);
    says("  COMPLETENESS      the symbols of slow.so were not read in time: frames there have no "
         "names yet\n");
}

TEST(ages_are_told_from_the_scan_backwards) {
    struct hak_leak_place place = {
        .count = 2, .oldest_ns = 1000000000u, .newest_ns = 3500000000u, .layer = 3 /* magazine */};
    struct hak_text age = {0};
    hak_leak_add_age(&age, &place, 5000000000u);
    ck_assert_str_eq(age.bytes, "1.500 s to 4.000 s old; served by magazine (the last one)");
    hak_text_free(&age);
}

TEST(what_is_reachable_alone_is_no_loss) {
    set(0, HAK_LEAK_IS_REACHABLE, 3, 300);
    struct hak_leak_page page = {.live_blocks = 3};
    make(&page, 1);
    says("memory-leak: nothing leaked; 300 bytes in 3 blocks are still reachable\n");
}

RUN_TESTS()
