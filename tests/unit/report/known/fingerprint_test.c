/* Fingerprints: what goes in, and what may change without one changing. */
#include <stdio.h>
#include <string.h>
#include "report/known/known.h"
#include "report/words/words.h"
#include "unit/suite.h"

static struct hak_frame frame(const char *function, const char *file, unsigned line) {
    return (struct hak_frame){.ip = 0x1000,
                              .function = function,
                              .file = file,
                              .line = line,
                              .module = "/home/a/app/build/app",
                              .module_offset = 0x999};
}

static const char *of(unsigned code, const struct hak_frame *frames, int count) {
    static char out[32][HAK_FINGERPRINT_BYTES];
    static int next;
    char *to = out[next++ % 32];
    hak_fingerprint(to, code, 0, frames, count);
    return to;
}

static struct hak_frame *stack(void) {
    static struct hak_frame frames[6];
    frames[0] = frame("free", "/h/src/entry/malloc.c", 10);
    frames[0].is_hakmem = true;
    frames[1] = frame("session_close", "/home/a/app/server.c", 131);
    frames[2] = frame("serve", "/home/a/app/server.c", 200);
    frames[3] = frame("run", "/home/a/app/main.c", 20);
    frames[4] = frame("main", "/home/a/app/main.c", 40);
    frames[5] = frame("_start", "", 0);
    return frames;
}

TEST(lines_addresses_and_folders_do_not_matter) {
    struct hak_frame *frames = stack();
    const char *before = of(202, frames, 6);
    ck_assert_int_eq(strncmp(before, "HKM-202:", 8), 0);
    ck_assert_uint_eq(strlen(before), 8 + 16);
    for (int i = 0; i < 6; i++) {
        frames[i].line += 7;
        frames[i].ip += 0x7f0000000000;
        frames[i].module_offset += 0x40;
        frames[i].module = "/srv/ci/1234/app";
    }
    frames[1].file = "/srv/ci/1234/app/server.c";
    ck_assert_str_eq(of(202, frames, 6), before);
}

TEST(the_known_one_stays_what_it_is) {
    /* Baselines in other people's repositories hold this text: it may never change. */
    ck_assert_str_eq(of(202, stack(), 6), "HKM-202:41de4f1c3fa05429");
}

TEST(code_function_and_file_matter) {
    struct hak_frame *frames = stack();
    const char *before = of(202, frames, 6);
    ck_assert_str_ne(of(201, frames, 6) + 8, before + 8);
    frames[1].function = "session_open";
    ck_assert_str_ne(of(202, frames, 6), before);
    frames = stack();
    frames[1].file = "/home/a/app/client.c";
    ck_assert_str_ne(of(202, frames, 6), before);
    frames = stack();
    frames[3].function = "walk";
    ck_assert_str_ne(of(202, frames, 6), before);
}

TEST(frames_further_out_do_not_matter) {
    struct hak_frame *frames = stack();
    const char *before = of(202, frames, 6);
    frames[4].function = "work";
    ck_assert_str_eq(of(202, frames, 6), before);
    ck_assert_str_eq(of(202, frames, 4), before);
}

TEST(wrappers_and_libraries_in_between_do_not_matter) {
    struct hak_frame *frames = stack();
    const char *before = of(202, frames, 6);
    struct hak_frame longer[9] = {
        frames[0], frame("xfree", "/home/a/app/util.c", 3),
        frame("std::vector<int>::~vector()", "/usr/include/c++/12/bits/stl_vector.h", 9)};
    memcpy(longer + 3, frames + 1, 5 * sizeof *frames);
    ck_assert_str_eq(of(202, longer, 8), before);
    longer[1] = frame("qsort", "", 0);
    longer[1].module = "/lib/x86_64-linux-gnu/libc.so.6";
    ck_assert_str_eq(of(202, longer, 8), before);
}

TEST(without_a_function_module_and_offset_stand) {
    struct hak_frame one = frame("", "", 0);
    const char *before = of(201, &one, 1);
    one.module = "/elsewhere/app";
    one.ip = 5;
    ck_assert_str_eq(of(201, &one, 1), before);
    one.module_offset++;
    ck_assert_str_ne(of(201, &one, 1), before);
}

TEST(no_stack_and_crashes_have_one_too) {
    char segv[HAK_FINGERPRINT_BYTES], fpe[HAK_FINGERPRINT_BYTES];
    struct hak_frame *frames = stack();
    ck_assert_int_eq(strncmp(of(201, NULL, 0), "HKM-201:", 8), 0);
    hak_fingerprint(segv, 0, 11, frames, 6);
    hak_fingerprint(fpe, 0, 8, frames, 6);
    ck_assert_int_eq(strncmp(segv, "crash:", 6), 0);
    ck_assert_str_ne(segv, fpe);
    struct hak_frame nothing = {0};
    ck_assert_int_eq(strncmp(of(201, &nothing, 1), "HKM-201:", 8), 0);
}

TEST(names_lose_what_is_no_name) {
    static const char *const pairs[][2] = {
        {"main", "main"},
        {"parse.part.0", "parse"},
        {"parse.isra.0.constprop.1", "parse"},
        {"parse.cold", "parse"},
        {"free@plt", "free"},
        {"memcpy@@GLIBC_2.14", "memcpy"},
        {"Cache<int, std::less<int> >::put(int, char const*)", "Cache::put"},
        {"void ns::Cache<int>::put<char>(char) const [clone .part.0]", "ns::Cache::put"},
        {"std::string ns::name[abi:cxx11](int)", "ns::name"},
        {"(anonymous namespace)::work(int)", "(anonymous)::work"},
        {"ns::(anonymous namespace)::work(int)", "ns::(anonymous)::work"},
        {"main::{lambda(int)#1}::operator()(int) const", "main::{lambda#1}::operator()"},
        {"run(int)::{lambda(int)#2}::operator()(int) const", "run::{lambda#2}::operator()"},
        {"A::operator<(A const&) const", "A::operator<"},
        {"std::ostream& operator<< <char>(std::ostream&, A const&)", "operator<<"},
        {"A::operator bool() const", "A::operator bool"},
        {"operator new(unsigned long)", "operator new"},
        {"A<(B)1>::f()", "A::f"},
        {"A<sizeof (int)>::f()", "A::f"},
        {"app::work::h0123456789abcdef", "app::work"},
        {"A::~A()", "A::~A"},
        {"broken<", "broken"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct hak_text text = {0};
        hak_text_add(&text, "%s", "");
        hak_words_add_bare_function(&text, pairs[i][0], "");
        ck_assert_str_eq(text.bytes, pairs[i][1]);
        hak_text_free(&text);
    }
}

RUN_TESTS()
