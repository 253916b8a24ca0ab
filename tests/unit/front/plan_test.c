/* The table of the process: capacities by band, preset and override, what a bad override says, and
 * what learning sets for all threads. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "unit/front/fronts.h"

enum { C8 = HAK_CLASS_OF_8, C64 = HAK_CLASS_OF_64, C128 = HAK_CLASS_OF_128 };

static unsigned places_of(unsigned class_index) {
    return hak_front_capacity(class_index);
}

TEST(every_band_has_its_own_capacity) {
    start_with("HAKMEM_TINY_UNIFIED_C0=2000", "HAKMEM_TINY_UNIFIED_C3=10",
               "HAKMEM_TINY_UNIFIED_C7=4096");
    ck_assert_uint_eq(places_of(C8), 2000);
    ck_assert_uint_eq(places_of(HAK_CLASS_OF_48), 10);
    ck_assert_uint_eq(places_of(C64), 10);
    ck_assert_uint_eq(places_of(C128), HAK_ARRAY_PLACES);
    ck_assert_uint_eq(places_of(HAK_CLASS_OF_640), 1638); /* 1 MiB of blocks */
    ck_assert_uint_eq(places_of(HAK_CLASS_OF_32768), 8);
}

TEST(an_array_holds_as_many_blocks_as_was_asked_for, .until = 7) {
    enum { COUNT = 5000 };
    static base_t blocks[COUNT];
    static const unsigned capacities[] = {1, 2, 3, 64, 65, 1000, 4096};
    char variable[64];
    snprintf(variable, sizeof variable, "HAKMEM_TINY_UNIFIED_C3=%u", capacities[_i]);
    start_with(variable, NULL, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = take(C64);
    hak_array_spill(C64, hak_array_count(C64));
    unsigned out = count_out(C64), most = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        give(C64, blocks[i]);
        if (hak_array_count(C64) > most)
            most = hak_array_count(C64);
        if (i < capacities[_i])
            ck_assert_uint_eq(count_out(C64), out);
    }
    ck_assert_uint_eq(most, capacities[_i]);
    ck_assert_uint_eq(count_out(C64), hak_array_count(C64));
}

TEST(a_tight_preset_gives_every_front_32_places) {
    start_with("HAKMEM_TINY_PRESET=ultra-tight", "HAKMEM_TINY_FRONT_ENABLE_SFC=1", NULL);
    for (unsigned c = 0; c < HAK_CLASSES; c++)
        if (hak_way_of(c) == HAK_WAY_ARRAY)
            ck_assert_uint_eq(places_of(c), 32);
        else
            for (unsigned i = 0; i < hak_plan[c].caches; i++)
                ck_assert_uint_eq(hak_caches_of(c)[i].capacity, 32);
}

TEST(a_variable_beside_the_preset_wins) {
    start_with("HAKMEM_TINY_PRESET=ultra-tight", "HAKMEM_TINY_UNIFIED_C4=50", NULL);
    ck_assert_uint_eq(places_of(C128), 50);
    ck_assert_uint_eq(places_of(C64), 32);
}

TEST(an_override_goes_before_all) {
    start_with("HAKMEM_TINY_TLS_CLASS_OVERRIDE=C0:256:16,C3:100:99,C4:0:0",
               "HAKMEM_TINY_UNIFIED_C3=10", "HAKMEM_TINY_PRESET=ultra-tight");
    ck_assert_uint_eq(places_of(C8), 256);
    ck_assert_uint_eq(hak_front_batch(C8), 16);
    ck_assert_uint_eq(places_of(C64), 100);
    ck_assert_int_eq(hak_way_of(C128), HAK_WAY_NONE);
    ck_assert_uint_eq(places_of(HAK_CLASS_OF_256), 32);
    base_t block = take(C8);
    ck_assert_ptr_nonnull(block.p);
    ck_assert_uint_eq(hak_array_count(C8), 15); /* a batch less the one */
}

TEST(an_override_is_for_a_magazine_too) {
    start_with("HAKMEM_TINY_TLS_CLASS_OVERRIDE=C3:6:2", "HAKMEM_TINY_MAGAZINE_ENABLE=1", NULL);
    ck_assert_uint_eq(cache_at(C64, HAK_PLACE_MAGAZINE)->capacity, 6);
    ck_assert_uint_eq(cache_at(C128, HAK_PLACE_MAGAZINE)->capacity, 32);
    (void)take(C64);
    ck_assert_uint_eq(cache_at(C64, HAK_PLACE_MAGAZINE)->count, 1);
}

/* The lines on stderr while the thread starts. */
static const char *said_at_start(const char *variable) {
    static char said[1024];
    int ends[2], saved = dup(2);
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 2);
    start_with(variable, NULL, NULL);
    dup2(saved, 2);
    close(ends[1]);
    ssize_t bytes = read(ends[0], said, sizeof said - 1);
    said[bytes > 0 ? bytes : 0] = 0;
    return said;
}

TEST(a_bad_override_is_named_in_one_line_and_none_of_it_holds, .until = 11) {
    static const struct {
        const char *text, *named;
    } cases[] = {
        {"C0", "\"C0\""},
        {"C0:1", "\"C0:1\""},
        {"C8:64:16", "\"C8:64:16\""},
        {"C1:5000:1", "\"C1:5000:1\""},
        {"C1:64:65", "\"C1:64:65\""},
        {"C1:64:0", "\"C1:64:0\""},
        {"C0:256:16,C3:x:1,C4:1:1", "\"C3:x:1\""},
        {"C0:256:16,", "\"\""},
        {"C0:256:16 ", "\"C0:256:16 \""},
        {"0:256:16", "\"0:256:16\""},
        {"C0:99999999999999999999:1", "\"C0:99999999999999999999:1\""},
    };
    char variable[128];
    snprintf(variable, sizeof variable, "HAKMEM_TINY_TLS_CLASS_OVERRIDE=%s", cases[_i].text);
    const char *said = said_at_start(variable);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: HAKMEM_TINY_TLS_CLASS_OVERRIDE="));
    ck_assert_msg(strstr(said, cases[_i].named) != NULL, "%s is not in: %s", cases[_i].named, said);
    ck_assert_ptr_nonnull(strstr(said, "expected CLASS:CAPACITY:BATCH"));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    ck_assert_uint_eq(places_of(C8), HAK_ARRAY_PLACES);
}

TEST(a_good_override_says_nothing) {
    ck_assert_str_eq(said_at_start("HAKMEM_TINY_TLS_CLASS_OVERRIDE=C0:256:16,C3:64:32"), "");
    ck_assert_uint_eq(places_of(C8), 256);
}

TEST(what_is_set_for_the_process_holds_at_the_next_slow_path) {
    enum { COUNT = 60 };
    base_t blocks[COUNT];
    start_with(NULL, NULL, NULL);
    for (unsigned i = 0; i < COUNT; i++)
        blocks[i] = take(C64);
    for (unsigned i = 0; i < COUNT; i++)
        give(C64, blocks[i]);
    hak_plan_set(C64, 20, 5);
    hak_plan_set(C128, 1000, 0);
    ck_assert_uint_eq(places_of(C64), HAK_ARRAY_PLACES);
    (void)take(HAK_CLASS_OF_1024); /* any class */
    ck_assert_uint_eq(places_of(C64), 20);
    ck_assert_uint_eq(hak_front_batch(C64), 5);
    ck_assert_uint_le(hak_array_count(C64), 20);
    ck_assert_uint_eq(places_of(C128), 1000);
}

TEST(a_class_without_an_array_cannot_be_given_one) {
    start_with("HAKMEM_TINY_UNIFIED_C3=0", NULL, NULL);
    hak_plan_set(C64, 20, 5);
    (void)take(C64);
    ck_assert_uint_eq(places_of(C64), 0);
    ck_assert_ptr_eq(hak_thread.end[C64], &hak_no_block);
}

RUN_TESTS()
