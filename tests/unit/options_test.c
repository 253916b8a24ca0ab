/* The environment: every type of option, refused values and their lines, and the values that auto
 * becomes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "options.h"
#include "unit/suite.h"

static struct hak_options options;
static const char *expected;

static bool parses(const char *name, const char *value) {
    return hak_option_parse(&options, name, value, &expected);
}

TEST(choices_are_taken_whole) {
    ck_assert(parses("CHECK", "normal"));
    ck_assert_uint_eq(options.check, HAK_CHECK_NORMAL);
    ck_assert(parses("CHECK", "trace"));
    ck_assert_uint_eq(options.check, HAK_CHECK_TRACE);
    ck_assert(!parses("CHECK", "trac"));
    ck_assert(!parses("CHECK", "tracer"));
    ck_assert(!parses("CHECK", "normal|trace"));
    ck_assert(!parses("CHECK", ""));
    ck_assert_str_eq(expected, "trace|normal|light");
    ck_assert_uint_eq(options.check, HAK_CHECK_TRACE);
}

TEST(numbers_and_bytes_keep_their_range) {
    ck_assert(parses("STACK_DEPTH", "0"));
    ck_assert(parses("STACK_DEPTH", "256"));
    ck_assert_uint_eq(options.stack_depth, 256);
    const char *bad[] = {"257", "-1", "", "x", "1x", "64K", "99999999999999999999", " 1"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!parses("STACK_DEPTH", bad[i]), "took %s", bad[i]);
    ck_assert(parses("TRACE_RING", "1M"));
    ck_assert_uint_eq(options.trace_ring_bytes, 1 << 20);
    ck_assert(parses("TRACE_RING", "16384"));
    ck_assert(parses("TRACE_MAX", "1024G"));
    ck_assert_uint_eq(options.trace_max_bytes, 1024ull << 30);
    ck_assert(parses("LEAK_GROWTH", "35%"));
    ck_assert(parses("LEAK_GROWTH", "50"));
    ck_assert_uint_eq(options.leak_growth, 50);
    ck_assert(!parses("LEAK_GROWTH", "%") && !parses("LEAK_GROWTH", "20%%"));
    ck_assert(!parses("LEAK_GROWTH", "1000001%") && !parses("STACK_DEPTH", "20%"));
    ck_assert(!parses("TRACE_RING", "8M"));
    ck_assert(!parses("TRACE_RING", "1MB"));
    ck_assert(!parses("TRACE_RING", "18446744073709551615G"));
}

TEST(powers_are_powers) {
    ck_assert(parses("TINY_HOT_RING_C2", "64"));
    ck_assert(parses("TINY_HOT_RING_C2", "256"));
    ck_assert_uint_eq(options.hot_ring_c2, 256);
    const char *bad[] = {"65", "32", "512", "192", "0", "", "128K"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!parses("TINY_HOT_RING_C2", bad[i]), "took %s", bad[i]);
        ck_assert_str_eq(expected, "64..256, a power of two");
    }
}

TEST(fractions_are_millionths) {
    static const struct {
        const char *text;
        unsigned millionths;
    } good[] = {{"0", 0},         {"1", 1000000},  {"0.1", 100000},      {"0.05", 50000},
                {"1.0", 1000000}, {"0.000001", 1}, {"0.999999", 999999}, {"1.000000", 1000000},
                {"0.", 0},        {"00.5", 500000}};
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(parses("ALLOC_LEARN_RATE", good[i].text), "refused %s", good[i].text);
        ck_assert_uint_eq(options.alloc_learn_rate, good[i].millionths);
    }
    const char *bad[] = {"1.1",  "2",     "-0.1", ".5",        "",     "0,5", "0.1 ",
                         "1.01", "0.5.5", "1e-1", "0.0000001", "10 %", "nan", "0.1x"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!parses("ALLOC_LEARN_RATE", bad[i]), "took %s", bad[i]);
    ck_assert_str_eq(expected, "0..1 in six places");
}

static struct hak_variant variant;

static bool reads(const char *value) {
    return hak_option_read_variant("off|all|sites:1..255|only:FILE|site", value, &variant);
}

TEST(a_variant_has_what_stands_behind_its_colon) {
    ck_assert(reads("off") && variant.index == 0 && !variant.text);
    ck_assert(reads("all") && variant.index == 1 && !variant.text);
    ck_assert(reads("sites:1") && variant.index == 2 && variant.number == 1);
    ck_assert(reads("sites:255") && variant.index == 2 && variant.number == 255);
    ck_assert_str_eq(variant.text, "255");
    ck_assert(reads("only:a:b|c") && variant.index == 3);
    ck_assert_str_eq(variant.text, "a:b|c");
    ck_assert(reads("site") && variant.index == 4 && !variant.text);
}

TEST(what_is_no_variant_is_refused) {
    const char *bad[] = {
        "",       "o",       "offf",      "off:",     "off:1",   "off|all",      "sites",
        "sites:", "sites:0", "sites:256", "sites:4x", "sites:x", "sites:4|only", "only",
        "only:",  "|",       ":",         "sites4",   "sitess:4"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!reads(bad[i]), "took %s", bad[i]);
        ck_assert(variant.index == 0 && variant.number == 0 && !variant.text);
    }
    ck_assert(!parses("GUARD", "some"));
    ck_assert(strncmp(expected, "off|all", 7) == 0);
    ck_assert(parses("GUARD", "all"));
    ck_assert_str_eq(options.guard, "all");
}

TEST(what_holds_for_guard_is_read) {
    char *all[] = {"HAKMEM_GUARD=all", NULL}, *none[] = {NULL};
    hak_options_read(all);
    ck_assert_uint_eq(hak_option_guard().index, HAK_GUARD_ALL);
    hak_options_read(none);
    ck_assert_uint_eq(hak_option_guard().index, HAK_GUARD_SITES);
    ck_assert_uint_eq(hak_option_guard().number, 4);
    hak_options.check = HAK_CHECK_TRACE;
    ck_assert_uint_eq(hak_option_guard().index, HAK_GUARD_OFF);
    hak_options.check = HAK_CHECK_LIGHT;
    ck_assert_uint_eq(hak_option_guard().index, HAK_GUARD_SAMPLE);
}

TEST(texts_have_a_bound) {
    char text[HAK_TEXT_BYTES + 1];
    memset(text, 'a', sizeof text);
    text[HAK_TEXT_BYTES - 1] = 0;
    ck_assert(parses("TRACE_FILE", text));
    ck_assert_str_eq(options.trace_file, text);
    text[HAK_TEXT_BYTES - 1] = 'a';
    text[HAK_TEXT_BYTES] = 0;
    ck_assert(!parses("TRACE_FILE", text));
    ck_assert(!parses("NO_SUCH_VARIABLE", "1"));
}

TEST(it_is_noted_whether_a_text_is_given) {
    char *given[] = {"HAKMEM_LOG=said", NULL}, *none[] = {NULL};
    char *empty[] = {"HAKMEM_TRACE_FILE=", NULL};
    hak_options_read(given);
    ck_assert(hak_options.has_text[HAK_INDEX_LOG] && !hak_options.has_text[HAK_INDEX_TRACE_FILE]);
    ck_assert(!hak_options.has_text[HAK_INDEX_BASELINE]);
    ck_assert_str_eq(hak_option_text(HAK_INDEX_LOG), "said");
    ck_assert_str_eq(hak_option_text(HAK_INDEX_BASELINE), "");
    hak_options_read(empty);
    ck_assert_str_eq(hak_option_text(HAK_INDEX_TRACE_FILE), "");
    hak_options_read(none);
    ck_assert(!hak_options.has_text[HAK_INDEX_LOG] && !hak_options.has_text[HAK_INDEX_TRACE_FILE]);
    ck_assert_str_eq(hak_option_text(HAK_INDEX_LOG), "");
    ck_assert_str_eq(hak_option_text(HAK_INDEX_TRACE_FILE), "hakmem.%e.%p.db");
    ck_assert(parses("LOG", "said") && options.has_text[HAK_INDEX_LOG]);
    ck_assert(parses("LOG", "") && !options.has_text[HAK_INDEX_LOG]);
}

/* The output of hak_options_read on fd 2 for an environment. */
static const char *told_by(char **environment) {
    static char told[4096];
    int saved = dup(2), ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    dup2(ends[1], 2);
    hak_options_read(environment);
    dup2(saved, 2);
    close(ends[1]);
    ssize_t length = read(ends[0], told, sizeof told - 1);
    close(ends[0]);
    told[length > 0 ? length : 0] = 0;
    return told;
}

TEST(a_bad_value_is_one_line_and_the_default_holds) {
    char *environment[] = {"HAKMEM_STACK_DEPTH=many",
                           "HAKMEM_TINY_PROFILE=full",
                           "HAKMEM_UNKNOWN=1",
                           "HAKMEM_STACK",
                           "PATH=/bin",
                           NULL};
    ck_assert_str_eq(told_by(environment),
                     "hakmem: HAKMEM_STACK_DEPTH=many: expected 0..256; taking 64\n");
    ck_assert_uint_eq(hak_options.stack_depth, 64);
    ck_assert_uint_eq(hak_options.tiny_profile, HAK_TINY_FULL);
}

TEST(a_value_cannot_forge_lines) {
    char *environment[] = {"HAKMEM_LAYOUT=a\nhakmem: all is well", NULL};
    ck_assert_str_eq(told_by(environment),
                     "hakmem: HAKMEM_LAYOUT=a\\nhakmem: all is well: expected "
                     "auto|same|header; taking auto\n");
}

TEST(a_healthy_start_says_nothing) {
    char *environment[] = {"HAKMEM_TRACE=off", "HAKMEM_TINY_MAG_CAP=2", NULL};
    ck_assert_str_eq(told_by(environment), "");
    ck_assert_uint_eq(hak_options.trace, 0);
    ck_assert_uint_eq(hak_options.magazine_capacity, 2);
    ck_assert_str_eq(told_by(NULL), "");
    ck_assert_str_eq(hak_option_text(HAK_INDEX_TRACE_FILE), "hakmem.%e.%p.db");
    ck_assert_uint_eq(hak_options.trace, 1);
}

/* Every type refuses in one line, in the table's order, and each option's default stands. */
TEST(each_bad_value_is_told_once) {
    char *environment[] = {
        "HAKMEM_PROFILE=tighter",      "HAKMEM_TINY_PROFILE=Hot", "HAKMEM_TINY_MAX_CLASS=8",
        "HAKMEM_TINY_HOT_RING_C3=100", "HAKMEM_BIGCACHE_MAX=8T",  "HAKMEM_MEM_LEARN_THRESHOLD=80",
        "HAKMEM_ALLOC_LEARN=yes",      "HAKMEM_GUARD=alle",       NULL};
    ck_assert_str_eq(
        told_by(environment),
        "hakmem: HAKMEM_GUARD=alle: expected off|all|only:FILE|sites:1..100|sample:0..65535|auto; "
        "taking auto\n"
        "hakmem: HAKMEM_TINY_MAX_CLASS=8: expected 0..7; taking 7\n"
        "hakmem: HAKMEM_TINY_PROFILE=Hot: expected hot|conservative|off|full; taking conservative\n"
        "hakmem: HAKMEM_TINY_HOT_RING_C3=100: expected 64..256, a power of two; taking 128\n"
        "hakmem: HAKMEM_BIGCACHE_MAX=8T: expected 0..1024G; taking 8M\n"
        "hakmem: HAKMEM_PROFILE=tighter: expected default|balanced|adaptive|tight; taking default\n"
        "hakmem: HAKMEM_ALLOC_LEARN=yes: expected 0|1; taking 0\n"
        "hakmem: HAKMEM_MEM_LEARN_THRESHOLD=80: expected 0..1 in six places; taking 0.8\n");
    ck_assert_uint_eq(hak_options.profile, HAK_PROFILE_DEFAULT);
    ck_assert_uint_eq(hak_options.tiny_profile, HAK_TINY_CONSERVATIVE);
    ck_assert_uint_eq(hak_options.hot_ring_c3, 128);
    ck_assert_uint_eq(hak_options.mem_learn_threshold, 800000);
}

/* Each default can be given as it is written in the table, and says what no variable says. */
TEST(defaults_are_values_of_their_options) {
    static struct hak_options untouched;
    char *none[] = {NULL};
    hak_options_read(none);
    untouched = hak_options;
    const struct {
        const char *name, *standard;
    } table[] = {
#define OPTION(name, field, type, standard, range, run, sentence) {#name, standard},
#include "options.def"
    };
    options = (struct hak_options){0};
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
        ck_assert_msg(parses(table[i].name, table[i].standard), "%s=%s: expected %s", table[i].name,
                      table[i].standard, expected);
    options.layout = untouched.layout; /* auto is resolved */
    options.magazine_enable = untouched.magazine_enable;
    ck_assert_mem_eq(&options, &untouched, sizeof options);
}

/* The options that a profile sets, but for those that are given beside it, wherever that stands. */
TEST(a_profile_sets_what_is_not_given) {
    char *adaptive[] = {"HAKMEM_PROFILE=adaptive", NULL};
    ck_assert_str_eq(told_by(adaptive), "");
    ck_assert_uint_eq(hak_options.profile, HAK_PROFILE_ADAPTIVE);
    ck_assert_uint_eq(hak_options.alloc_learn, 1);
    ck_assert_uint_eq(hak_options.alloc_learn_window, 5000);
    ck_assert_uint_eq(hak_options.alloc_learn_rate, 150000);
    ck_assert_uint_eq(hak_options.mem_learn, 1);
    ck_assert_uint_eq(hak_options.learn_advanced, 1);
    ck_assert_uint_eq(hak_options.superslab_prewarm, 2);
    char *beside[] = {"HAKMEM_ALLOC_LEARN_WINDOW=700", "HAKMEM_PROFILE=adaptive",
                      "HAKMEM_MEM_LEARN=0", "HAKMEM_SUPERSLAB_PREWARM=0", NULL};
    ck_assert_str_eq(told_by(beside), "");
    ck_assert_uint_eq(hak_options.alloc_learn, 1);
    ck_assert_uint_eq(hak_options.alloc_learn_window, 700);
    ck_assert_uint_eq(hak_options.mem_learn, 0);
    ck_assert_uint_eq(hak_options.superslab_prewarm, 0);
    char *none[] = {NULL};
    hak_options_read(none);
    ck_assert_uint_eq(hak_options.alloc_learn, 0);
    ck_assert_uint_eq(hak_options.alloc_learn_window, 10000);
}

/* A value beside the profile that cannot be read counts as not given. */
TEST(a_bad_value_beside_a_profile_leaves_the_profile) {
    char *environment[] = {"HAKMEM_PROFILE=tight", "HAKMEM_ALLOC_LEARN_WINDOW=all", NULL};
    ck_assert_str_eq(told_by(environment), "hakmem: HAKMEM_ALLOC_LEARN_WINDOW=all: expected "
                                           "100..1000000000; taking 20000\n");
    ck_assert_uint_eq(hak_options.alloc_learn_window, 20000);
}

TEST(a_profile_names_a_preset_that_sets_the_rest) {
    char *tight[] = {"HAKMEM_PROFILE=tight", NULL};
    hak_options_read(tight);
    ck_assert_uint_eq(hak_options.tiny_preset, HAK_PRESET_ULTRA_TIGHT);
    ck_assert_uint_eq(hak_options.unified_c0, 32);
    ck_assert_uint_eq(hak_options.unified_c7, 32);
    ck_assert_uint_eq(hak_options.sll_capacity, 32);
    ck_assert_uint_eq(hak_options.superslab_reuse, 0);
    char *one_given[] = {"HAKMEM_PROFILE=tight", "HAKMEM_TINY_UNIFIED_C3=48", NULL};
    hak_options_read(one_given);
    ck_assert_uint_eq(hak_options.unified_c2, 32);
    ck_assert_uint_eq(hak_options.unified_c3, 48);
    char *no_preset[] = {"HAKMEM_PROFILE=tight", "HAKMEM_TINY_PRESET=default", NULL};
    hak_options_read(no_preset);
    ck_assert_uint_eq(hak_options.unified_c2, 64);
    ck_assert_uint_eq(hak_options.superslab_reuse, 0);
}

TEST(the_plain_build_says_what_only_the_other_heeds) {
    char *environment[] = {"HAKMEM_TRACE=on", "HAKMEM_INJECT=offset16:8", "HAKMEM_LOG=x", NULL};
    ck_assert_str_eq(
        told_by(environment),
        "hakmem: HAKMEM_INJECT=offset16:8 is for hakmem-debug.so; libhakmem does without\n");
    char *made_for_both[] = {"HAKMEM_CHECK=trace", "HAKMEM_LAYOUT=same", "HAKMEM_LOG=x", NULL};
    ck_assert_str_eq(told_by(made_for_both), "");
    char *below_a_recorded_one[] = {"HAKMEM_INJECT=offset16:8", "HAKMEM_SESSION=s", NULL};
    ck_assert_str_eq(told_by(below_a_recorded_one), "");
}

TEST(the_greatest_debug_level_tells_of_superslabs) {
    char *environment[] = {"HAKMEM_DEBUG_LEVEL=3", NULL};
    hak_options_read(environment);
    ck_assert_uint_eq(hak_options.acquire_debug, 1);
    char *less[] = {"HAKMEM_DEBUG_LEVEL=2", NULL};
    hak_options_read(less);
    ck_assert_uint_eq(hak_options.acquire_debug, 0);
}

TEST(the_plain_build_has_one_layout_and_magazines_only_when_asked) {
    char *environment[] = {"HAKMEM_LAYOUT=header", NULL};
    hak_options_read(environment);
    ck_assert_uint_eq(hak_options.layout, HAK_LAYOUT_SAME);
    ck_assert_uint_eq(hak_options.magazine_enable, HAK_MAGAZINE_OFF);
    char *with_magazines[] = {"HAKMEM_TINY_MAGAZINE_ENABLE=1", NULL};
    hak_options_read(with_magazines);
    ck_assert_uint_eq(hak_options.magazine_enable, HAK_MAGAZINE_ON);
}

RUN_TESTS()
