/* Words: numbers with separators, names of the .def tables, what people type for a fault, paths. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "report/words/words.h"
#include "hop.h"
#include "superslab.h"
#include "trace/record.h"
#include "unit/suite.h"

TEST(numbers_carry_separators_and_units) {
    ck_assert_str_eq(hak_words_number(0), "0");
    ck_assert_str_eq(hak_words_number(999), "999");
    ck_assert_str_eq(hak_words_number(1000), "1,000");
    ck_assert_str_eq(hak_words_number(81204112), "81,204,112");
    ck_assert_str_eq(hak_words_number(UINT64_MAX), "18,446,744,073,709,551,615");
    ck_assert_str_eq(hak_words_offset(16), "+16");
    ck_assert_str_eq(hak_words_offset(-1234), "-1,234");
    ck_assert_str_eq(hak_words_offset(INT64_MIN), "-9,223,372,036,854,775,808");
    ck_assert_str_eq(hak_words_bytes(1), "1 byte");
    ck_assert_str_eq(hak_words_bytes(0), "0 bytes");
    ck_assert_str_eq(hak_words_size(1536), "1.5 KiB");
    ck_assert_str_eq(hak_words_time(12406999999ull), "12.406 s");
    ck_assert_str_eq(hak_words_time(0), "0.000 s");
}

TEST(kinds_and_places_come_from_the_table) {
    ck_assert_str_eq(hak_words_kind(HAK_SLL_PUSH), "SLL_PUSH");
    ck_assert_int_eq(hak_words_kind_number("sll_push"), HAK_SLL_PUSH);
    ck_assert_int_eq(hak_words_kind_number("nonsense"), -1);
    ck_assert_str_eq(hak_words_kind(200), "KIND 200");
    ck_assert_str_eq(hak_words_place(HAK_PLACE_SLL), "TLS SLL");
    ck_assert_str_eq(hak_words_place(HAK_PLACE_RING), "hot ring");
    ck_assert_str_eq(hak_words_place(HAK_PLACE_BIGCACHE), "BigCache");
    ck_assert_str_eq(hak_words_place(HAK_PLACE_COUNT), "unknown place");
    ck_assert_str_eq(hak_words_place(31), "unknown place");
    ck_assert_str_eq(hak_words_move(HAK_SLL_PUSH, HAK_PLACE_SLAB), "magazine -> TLS SLL");
    ck_assert_str_eq(hak_words_move(HAK_FRONT_REFILL, HAK_PLACE_SLAB), "slab -> front");
    ck_assert_str_eq(hak_words_move(HAK_PROMOTE, HAK_PLACE_SLAB), "TLS SLL -> hot ring");
    ck_assert_str_eq(hak_words_move(HAK_MID_SPILL, HAK_PLACE_SLAB), "mid ring/mid LIFO -> slab");
    ck_assert_str_eq(hak_words_move(HAK_L25_TAKE, HAK_PLACE_SLAB), "L2.5 -> large");
    ck_assert_str_eq(hak_words_move(HAK_QUARANTINE_LEAVE, HAK_PLACE_FRONT), "quarantine -> front");
    ck_assert_ptr_null(hak_words_move(HAK_MALLOC, HAK_PLACE_SLAB));
    ck_assert_ptr_null(hak_words_move(HAK_FAULT, HAK_PLACE_SLAB));
    ck_assert_str_eq(hak_words_allowed_from(HAK_SLL_POP), "TLS SLL");
    ck_assert_str_eq(hak_words_class(NULL, HAK_CLASS_NONE), "large");
    ck_assert_str_eq(hak_words_class(NULL, 3), "C3");
    ck_assert_str_eq(hak_words_class(NULL, 200), "C?");
}

static const char *say(unsigned kind, uint64_t address, uint64_t value) {
    struct hak_event e = {.kind = (uint8_t)kind, .address = address, .size = value};
    return hak_words_change(&e);
}

TEST(changes_are_said_with_their_values) {
    ck_assert_str_eq(say(HAK_TIER, 0x200000, 1 | 2 << 8 | 249 << 16), "HOT -> DRAINING at 24.9 %");
    ck_assert_str_eq(say(HAK_TIER, 0x200000, 2 | 0 << 8 | 1000 << 16), "FREE -> HOT at 100.0 %");
    ck_assert_str_eq(say(HAK_TIER, 0x200000, 1), "FREE -> DRAINING at 0.0 %");
    ck_assert_str_eq(say(HAK_TIER, 0x200000, UINT64_MAX),
                     "unknown tier -> unknown tier at 6553.5 %");
    ck_assert_str_eq(say(HAK_REMOTE_POST, 0, 62 | 3 << 16), "62 blocks to heap 3");
    ck_assert_str_eq(say(HAK_REMOTE_POST, 0, 1 | 1 << 16), "1 block to heap 1");
    ck_assert_str_eq(say(HAK_REMOTE_DRAIN, 0, 100000), "100,000 blocks");
    ck_assert_str_eq(say(HAK_CAPACITY, 0, 128 | 64ull << 32), "64 -> 128 blocks");
    ck_assert_str_eq(say(HAK_CAPACITY, HAK_PLACE_SLL, 32), "TLS SLL 32 blocks");
    ck_assert_str_eq(say(HAK_CAPACITY, UINT64_MAX, UINT64_MAX),
                     "4,294,967,295 -> 4,294,967,295 blocks");
    ck_assert_str_eq(say(HAK_SLAB_ACQUIRE, 0x230000, 64), "slab 3 of 0x200000 taken");
    ck_assert_str_eq(say(HAK_LEARN, 0, 1ull << 32 | 1), "huge pages for SuperSlabs, 0 or 1: 1");
    ck_assert_str_eq(say(HAK_LEARN, 0, 999ull << 32 | 7), "setting 999: 7");
    ck_assert_str_eq(say(HAK_MALLOC, 0x230000, 64), "");
    for (unsigned kind = HAK_SLAB_ACQUIRE; kind <= HAK_LEARN; kind++)
        ck_assert_msg(say(kind, 0x200000, 1)[0], "%s says nothing", hak_words_kind(kind));
}

TEST(an_event_touches_where_it_is_and_where_it_came_from) {
    unsigned place = 99;
    ck_assert(hak_words_find_place("tls sll", &place) && place == HAK_PLACE_SLL);
    ck_assert(hak_words_find_place("Hot Ring", &place) && place == HAK_PLACE_RING);
    ck_assert(hak_words_find_place("RING", &place) && place == HAK_PLACE_RING);
    ck_assert(!hak_words_find_place("", &place) && !hak_words_find_place("nowhere", &place));
    struct hak_event e = {.kind = HAK_PROMOTE, .place = HAK_PLACE_RING};
    ck_assert(hak_words_touches_place(&e, HAK_PLACE_RING));
    ck_assert(hak_words_touches_place(&e, HAK_PLACE_SLL));
    ck_assert(!hak_words_touches_place(&e, HAK_PLACE_SLAB));
    ck_assert(hak_words_is_thread_place(HAK_PLACE_SFC));
    ck_assert(hak_words_is_thread_place(HAK_PLACE_MID_LIFO));
    ck_assert(!hak_words_is_thread_place(HAK_PLACE_SLAB));
    ck_assert(!hak_words_is_thread_place(HAK_PLACE_LARGE) && !hak_words_is_thread_place(255));
    e = (struct hak_event){.kind = HAK_TIER};
    ck_assert(!hak_words_touches_place(&e, HAK_PLACE_UNTOUCHED));
}

TEST(a_fault_is_found_by_whatever_people_type) {
    static const char *const typed[] = {
        "HKM-104",           "hkm-104",           "104",
        "tls-sll-hdr-reset", "TLS_SLL_HDR_RESET", "[TLS_SLL_HDR_RESET]",
        "tls_sll_hdr_reset"};
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
        const struct hak_fault_words *words = hak_words_find_fault(typed[i]);
        ck_assert_msg(words && words->code == 104, "%s", typed[i]);
    }
    static const char *const wrong[] = {"",    "HKM-",    "HKM-999", "0", "[]", "99999999999999999",
                                        "tls", "HKM-104x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!hak_words_find_fault(wrong[i]), "%s", wrong[i]);
}

TEST(every_fault_is_in_the_table_with_words) {
    for (unsigned i = 0; hak_words_fault_at(i); i++) {
        const struct hak_fault_words *words = hak_words_fault_at(i);
        ck_assert_ptr_eq(hak_words_fault(words->code), words);
        ck_assert_ptr_eq(hak_words_find_fault(words->name), words);
        ck_assert(words->meaning[0] && words->advice[0]);
    }
}

TEST(calls_are_said_as_in_a_program) {
    struct hak_event event = {.kind = HAK_MALLOC, .size = 1234, .place = HAK_PLACE_FRONT};
    ck_assert_str_eq(hak_words_call(&event), "malloc(1,234)");
    ck_assert_str_eq(hak_words_route(&event), "served by front");
    event.subkind = HAK_BY_CALLOC;
    ck_assert_str_eq(hak_words_call(&event), "calloc(1,234)");
    event = (struct hak_event){.kind = HAK_REALLOC, .size = 5, .place = HAK_PLACE_LIVE};
    ck_assert_str_eq(hak_words_call(&event), "realloc(5)");
    ck_assert_str_eq(hak_words_route(&event), "in place");
    event = (struct hak_event){.kind = HAK_FREE, .place = HAK_PLACE_MAGAZINE};
    ck_assert_str_eq(hak_words_route(&event), "into magazine");
    event.flags = HAK_RECORD_ILLEGAL;
    ck_assert_str_eq(hak_words_route(&event), "refused");
}

TEST(paths_are_cut_to_what_tells) {
    ck_assert_str_eq(hak_words_path("/home/user/app/worker.c", 2, false), "app/worker.c");
    ck_assert_str_eq(hak_words_path("/home/user/app/worker.c", 1, false), "worker.c");
    ck_assert_str_eq(hak_words_path("worker.c", 2, false), "worker.c");
    ck_assert_str_eq(hak_words_path("/a/src/x/src/front/sll.c", 2, true), "src/front/sll.c");
    ck_assert_str_eq(hak_words_path("src/front/sll.c", 2, true), "src/front/sll.c");
    ck_assert_str_eq(hak_words_path("", 2, false), "");
}

TEST(a_place_in_code_is_said_as_well_as_it_is_known) {
    struct hak_text text = {0};
    struct hak_frame frame = {.ip = 0x1234, .module = "", .function = "", .file = ""};
    hak_words_add_location(&text, &frame, 1);
    ck_assert_str_eq(text.bytes, "0x1234 in no module");
    hak_text_free(&text);
    frame.module = "/lib/libx.so";
    frame.module_offset = 0x34;
    hak_words_add_location(&text, &frame, 1);
    ck_assert_str_eq(text.bytes, "libx.so+0x34");
    hak_text_free(&text);
    frame.file = "/a/b/c.c";
    frame.line = 7;
    hak_words_add_location(&text, &frame, 1);
    ck_assert_str_eq(text.bytes, "c.c:7");
    hak_text_free(&text);
}

/* Before glibc 2.34 libc has parts with names of their own, which end in its version. */
TEST(libc_is_one_library_however_many_files_it_has) {
    static const char *const parts[] = {
        "libc.so.6",     "libc-2.31.so",    "libm.so.6",          "libm-2.31.so", "libdl.so.2",
        "libdl-2.31.so", "libpthread.so.0", "libpthread-2.31.so", "librt.so.1",   "librt-2.31.so"};
    char path[64];
    struct hak_frame frame = {.module = path, .function = "f", .file = ""};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "/lib/x86_64-linux-gnu/%s", parts[i]);
        const char *library = hak_words_library(&frame);
        ck_assert_msg(library && strcmp(library, "libc") == 0, "%s: %s", path,
                      library ? library : "none");
    }
    frame.module = "/usr/lib/librtmp.so.1";
    ck_assert_ptr_null(hak_words_library(&frame));
}

TEST(one_line_names_the_program_and_not_what_it_called) {
    struct hak_frame frames[] = {
        {.module = "/opt/hakmem-debug.so", .function = "malloc", .file = "", .is_hakmem = true},
        {.module = "/lib/x86_64-linux-gnu/libc.so.6", .function = "strdup", .file = ""},
        {.module = "/usr/lib/libstdc++.so.6",
         .function = "operator new(unsigned long)",
         .file = ""},
        {.module = "/opt/app", .function = "std::vector<int>::push_back(int)", .file = "vector.h"},
        {.module = "/opt/app", .function = "Pool::take()", .file = "/usr/include/c++/12/memory"},
        {.module = "/opt/app", .function = "fill(Row&)", .file = "/src/row.cc"},
        {.module = "/opt/app", .function = "main", .file = "/src/row.cc"},
    };
    ck_assert_int_eq(hak_words_telling_frame(frames, 7), 5);
    ck_assert_int_eq(hak_words_telling_frame(frames, 3), 1); /* nobody else is there */
    ck_assert_int_eq(hak_words_telling_frame(frames, 1), -1);
    static const char *const wrappers[] = {"xmalloc",           "zcalloc", "g_malloc0",
                                           "sqlite3_realloc64", "xstrdup", "zfree"};
    static const char *const own[] = {"session_free", "free_all", "build_the_malloc",
                                      "malloc_it",    "row_new",  "freeze"};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++)
        ck_assert_msg(hak_words_is_go_between(&(struct hak_frame){.function = wrappers[i]}), "%s",
                      wrappers[i]);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        ck_assert_msg(!hak_words_is_go_between(&(struct hak_frame){.function = own[i]}), "%s",
                      own[i]);
}

static struct hak_frame frame_of(const char *function, const char *file, uint32_t line) {
    return (struct hak_frame){
        .module = "/opt/app", .function = function, .file = file, .line = line};
}

TEST(wrappers_count_where_the_allocator_was_called_only) {
    struct hak_frame frames[] = {
        frame_of("lalloc(unsigned long, bool)", "/src/misc.c", 8),
        frame_of("alloc_clear(unsigned long)", "/src/misc.c", 20),
        frame_of("vim::Pool::allocate(int)", "/src/pool.cc", 3),
        frame_of("open_buffer(int)", "/src/buffer.c", 100),
        frame_of("js_def_malloc", "/src/quickjs.c", 5),
    };
    ck_assert_int_eq(hak_words_telling_frame(frames, 5), 3);
    ck_assert_int_eq(hak_words_frame_role(frames, 5, 0), HAK_FRAME_WRAPPER);
    ck_assert_int_eq(hak_words_frame_role(frames, 5, 4), HAK_FRAME_PROGRAM);
    frames[0].is_interrupted = true; /* the access itself stands in lalloc */
    ck_assert_int_eq(hak_words_telling_frame(frames, 5), 0);
    static const char *const wrappers[] = {"js_def_malloc",
                                           "nasm_zalloc",
                                           "vim_free",
                                           "PyMem_Malloc",
                                           "Perl_safesysmalloc",
                                           "alloc_id",
                                           "Widget::operator new(unsigned long)",
                                           "Arena::alloc(int)",
                                           "js_malloc_rt",
                                           "js_free_rt",
                                           "mrb_realloc_simple",
                                           "mrb_free",
                                           "ruby_xfree",
                                           "l_alloc"};
    static const char *const own[] = {"session_alloc", "Session::free()",     "node_free",
                                      "main",          "allocate_row",        "make_node",
                                      "tree_alloc",    "malloc_stats_simple", "session_free_rt"};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        struct hak_frame pair[] = {frame_of(wrappers[i], "", 0), frame_of("main", "", 0)};
        ck_assert_msg(hak_words_telling_frame(pair, 2) == 1, "%s", wrappers[i]);
    }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct hak_frame pair[] = {frame_of(own[i], "", 0), frame_of("main", "", 0)};
        ck_assert_msg(hak_words_telling_frame(pair, 2) == 0, "%s", own[i]);
    }
}

TEST(what_nobody_wrote_is_no_place_to_look) {
    struct hak_frame frames[] = {
        frame_of("std::vector<int, std::allocator<int> >::~vector()",
                 "/usr/include/c++/12/bits/stl_vector.h", 730),
        frame_of("Row::~Row() [implicit]", "/src/row.cc", 7),
        frame_of("std::hash<Key>::operator()(Key const&) const", "/src/key.h", 12),
    };
    ck_assert_str_eq(hak_words_library(&frames[0]), "libstdc++");
    ck_assert_str_eq(hak_words_library(&frames[1]), "the compiler");
    ck_assert_ptr_null(hak_words_library(&frames[2]));
    ck_assert_int_eq(hak_words_telling_frame(frames, 3), 2);
    struct hak_frame made = frame_of("std::vector<int> make_rows<int>(int)", "", 0);
    ck_assert_ptr_null(hak_words_library(&made)); /* only what it returns is the library's */
}

TEST(code_without_lines_leaves_the_place_to_the_program) {
    struct hak_frame frames[] = {
        {.module = "/usr/lib/libgame.so", .function = "game_read", .file = ""},
        {.module = "/opt/app", .function = "load", .file = "/src/load.c", .line = 3},
    };
    ck_assert_int_eq(hak_words_telling_frame(frames, 2), 1);
    frames[0].module = "/opt/app"; /* its own assembly */
    ck_assert_int_eq(hak_words_telling_frame(frames, 2), 0);
}

/* As when memory ran out: the document is not given without it, and the next one is whole again. */
TEST(a_member_that_cannot_be_set_is_not_left_out_silently) {
    json_t *lacking = hak_json_object(NUMBER("row", 1), JSON("frames", NULL));
    json_t *whole = hak_json_object(NUMBER("row", 1), KNOWN("end", false, 2), TEXT("path", "a b"),
                                    WORD("kind", "leak"), ADDRESS("at", 16), FLAG("is_new", 4));
    ck_assert_ptr_null(hak_json_dump(lacking, JSON_COMPACT));
    char *text = hak_json_dump(whole, JSON_COMPACT);
    ck_assert_str_eq(text, "{\"row\":1,\"end\":null,\"path\":\"a b\",\"kind\":\"leak\","
                           "\"at\":\"0x10\",\"is_new\":true}");
    free(text);
    json_decref(lacking);
    json_decref(whole);
}

TEST(names_are_shortened_inside_their_brackets) {
    static const struct {
        const char *name, *shown;
    } names[] = {
        {"parse_row", "parse_row"},
        {"Cache<int>::put(int)", "Cache<int>::put(int)"},
        {"Cache<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, "
         "Row>::put(std::__cxx11::basic_string<char> const&)",
         "Cache<...>::put"},
        {"void ns::for_all<std::vector<int, std::allocator<int> >, 3>(std::vector<int> const&)",
         "ns::for_all<...>"},
        {"alpha_department::beta_department::gamma_department::delta_department::Inner::put(int)",
         "...::beta_department::gamma_department::delta_department::Inner::put"},
        {"", "?\?"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct hak_text text = {0};
        hak_words_add_function(&text, names[i].name);
        ck_assert_str_eq(text.bytes, names[i].shown);
        hak_text_free(&text);
    }
}

RUN_TESTS()
