/* HAKMEM_GUARD=only: the file as it is understood, and the blocks that it chooses. */
#include "guard/choose/only.h"
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "unit/guard/world.h"

enum { ANY_BYTES = 40, ANY_THREAD = 1 };
static uint32_t next_stack;

static bool read_as(const char *text) {
    FILE *file = fopen("only", "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    int shown = dup(2), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 2);
    bool good = hak_only_start("only");
    ck_assert_int_eq(unlink("only"), 0);
    dup2(shown, 2);
    close(shown);
    close(nowhere);
    return good;
}

/* The file with `rules` behind its first line. */
static bool read_rules(const char *rules) {
    char text[1024];
    snprintf(text, sizeof text, "hakmem-only 1\n%s", rules);
    return read_as(text);
}

static void make_stack(void) {
    static const uint8_t id[] = {0xab, 0xcd};
    places[0] = (struct hak_code_place){
        .offset = 0x10, .path = "/a/app", .build_id = id, .build_id_bytes = 2};
    places[1] = (struct hak_code_place){.offset = 0x20, .path = "/lib/libc.so.6"};
    places[2] = (struct hak_code_place){.offset = 0x7f0000000030};
    place_count = 3;
    next_stack++;
}

static struct hak_only_choice choice;

static bool chooses_of(size_t asked_bytes, uint32_t thread) {
    return hak_only_chooses(next_stack, false, asked_bytes, thread, &choice);
}
static bool chooses(void) {
    return chooses_of(ANY_BYTES, ANY_THREAD);
}

TEST(a_stack_is_chosen_by_its_innermost_frames) {
    ck_assert(
        read_rules("# a comment\n\nstack\n  0x10 abcd /b/app\n  0x20 - /usr/lib/libc.so.6\n  *\n"));
    make_stack();
    ck_assert(chooses());
    make_stack();
    places[0].offset = 0x11;
    ck_assert(!chooses());
    make_stack();
    places[0].build_id = (const uint8_t *)"xy"; /* another build of the program */
    ck_assert(!chooses());
    make_stack();
    places[1].path = "/lib/libm.so.6";
    ck_assert(!chooses());
    make_stack();
    place_count = 2; /* it ends before the rule does */
    ck_assert(!chooses());
    next_stack++;
    ck_assert(
        hak_only_chooses(next_stack, true, ANY_BYTES, ANY_THREAD, &choice)); /* for it was cut */
    ck_assert(!hak_only_chooses(0, false, ANY_BYTES, ANY_THREAD, &choice));
}

TEST(a_stack_is_looked_at_once) {
    ck_assert(read_rules("stack\n  0x10 abcd app\n"));
    make_stack();
    ck_assert(chooses());
    places[0].offset = 0x11;
    ck_assert(chooses());
    next_stack += 1 << 16; /* the same place of the table */
    ck_assert(!chooses());
}

TEST(numbers_sizes_and_threads_narrow_it_down) {
    ck_assert(read_rules("stack from=2 to=3 size=40 thread=1\n  0x10 abcd app\n"));
    make_stack();
    ck_assert(!chooses_of(41, 1));
    ck_assert(!chooses_of(40, 2));
    ck_assert(!chooses_of(40, 1)); /* the first that counts */
    ck_assert(chooses_of(40, 1));
    ck_assert(chooses_of(40, 1));
    ck_assert(!chooses_of(40, 1));
}

/* The block of the number and its neighbours come first at the debug registers. */
TEST(where_damage_is_expected) {
    ck_assert(read_rules("stack size=40 watch=7 number=4\n  0x10 abcd app\n"));
    make_stack();
    ck_assert(!chooses_of(41, 1)); /* does not count */
    for (int number = 1; number <= 6; number++) {
        ck_assert(chooses());
        ck_assert_uint_eq(choice.watch_from, 7);
        ck_assert_int_eq(choice.is_expected, number >= 3 && number <= 5);
    }
    ck_assert(read_rules("stack\n  0x10 abcd app\n"));
    make_stack();
    ck_assert(chooses());
    ck_assert(choice.watch_from == 0 && !choice.is_expected);
}

TEST(of_several_rules_the_first_that_fits_counts) {
    ck_assert(read_rules(
        "stack size=8\n  0x99 - app\nstack size=40\n  0x10 - app\nstack\n  0x10 - app\n"));
    make_stack();
    ck_assert(chooses());
    ck_assert(!chooses_of(8, ANY_THREAD));
}

TEST(what_is_no_such_file_is_refused) {
    static const char *const wrong[] = {
        "stack\n",             /* it would be every stack */
        "  0x10 - app\n",      /* a frame of none */
        "stack\n  0x10 - app", /* cut off */
        "stack\n  10 - app\n",
        "stack\n  0x10 abc app\n", /* half a byte */
        "stack\n  0x10 - \n",
        "stack\n  0x10 -\n",
        "stack\n  0x10000000000000000 - app\n",
        "stack size=\n  0x10 - app\n",
        "stack color=3\n  0x10 - app\n",
        "stack size=4x\n  0x10 - app\n",
        "stack watch=65536\n  0x10 - app\n",
        "stack\n0x10 - app\n",
        "stacks\n  0x10 - app\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!read_rules(wrong[i]), "%s", wrong[i]);
    ck_assert(!read_as(""));
    ck_assert(!read_as("hakmem-only 2\nstack\n  0x10 - app\n"));
    ck_assert(!hak_only_start("missing"));
    make_stack();
    ck_assert(!chooses());     /* nothing of what was read before holds */
    ck_assert(read_rules("")); /* no stack, no block */
    ck_assert(!chooses());
}

TEST(more_than_there_is_room_for_is_refused) {
    static char text[1 << 20];
    size_t length = (size_t)sprintf(text, "stack\n");
    for (int i = 0; i < 65; i++)
        length += (size_t)sprintf(text + length, "  0x%x - app\n", i);
    char *whole = malloc(length + 64);
    sprintf(whole, "hakmem-only 1\n%s", text);
    ck_assert(!read_as(whole));
    length = (size_t)sprintf(text, "hakmem-only 1\n");
    for (int i = 0; i < 257; i++)
        length += (size_t)sprintf(text + length, "stack\n  0x10 - app\n");
    ck_assert(!read_as(text));
    free(whole);
}

RUN_TESTS()
