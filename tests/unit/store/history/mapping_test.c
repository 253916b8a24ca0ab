/* The mapping of an address: which calls are of its process, what is there at a moment, and how. */
#include "store/history/mapping.h"
#include "../capture.h"

enum { MIB = 1 << 20, PAGE = HAK_MAPPED_PAGE_BYTES };
#define ROOM ((uint64_t)0x200000000000)

static struct hak_mapped_place place;

static void start(void) {
    capture_start();
    place = (struct hak_mapped_place){0};
}
static void stop(void) {
    hak_mapped_place_free(&place);
    capture_clean(capture.path);
}

static uint64_t call(uint32_t process, uint8_t kind, uint64_t address, uint64_t bytes,
                     unsigned way) {
    return capture_put((struct hak_event){.process = process,
                                          .thread = 1,
                                          .stack = 1,
                                          .kind = kind,
                                          .class_index = HAK_CLASS_NONE,
                                          .address = address,
                                          .size = bytes,
                                          .subkind = (uint8_t)way});
}
static uint64_t map(uint32_t process, uint64_t address, uint64_t bytes, unsigned way) {
    return call(process, HAK_PROGRAM_MAP, address, bytes, way);
}
static uint64_t unmap(uint32_t process, uint64_t address, uint64_t bytes) {
    return call(process, HAK_PROGRAM_UNMAP, address, bytes, 0);
}

static uint64_t move(uint64_t from, uint64_t bytes, uint64_t to, uint64_t bytes_now) {
    return capture_put((struct hak_event){.process = 1,
                                          .thread = 1,
                                          .kind = HAK_PROGRAM_REMAP,
                                          .class_index = HAK_CLASS_NONE,
                                          .address = to,
                                          .old_address = from,
                                          .size = bytes_now,
                                          .generation = bytes / PAGE << 32});
}

static uint64_t fork_off(uint32_t child) {
    uint64_t id =
        capture_put((struct hak_event){.process = 1, .thread = 1, .kind = HAK_FORK, .size = 1});
    must(hak_store_put_process(capture.w, &(struct hak_process_row){.id = child,
                                                                    .parent = 1,
                                                                    .fork_event = id,
                                                                    .start_ns = capture.ns,
                                                                    .session = 1,
                                                                    .program = "/bin/app"}));
    return id;
}

/* Fills `place`; 1 or 0. The capture is closed by the first. */
static int read_place(uint64_t address, uint32_t process, uint64_t to) {
    struct hak_store_reader *r;
    if (capture.w)
        capture_finish();
    hak_mapped_place_free(&place);
    must(hak_store_open(capture.path, &r));
    int found = hak_mapped_place_read(r, address, process, to, &place);
    must(found);
    hak_store_close(r);
    return found;
}

/* The events of the steps, 0 at the end. */
static void expect_steps(const uint64_t *ids) {
    uint32_t count = 0;
    for (; ids[count]; count++) {
        ck_assert_uint_lt(count, place.steps);
        ck_assert_uint_eq(place.step[count].event.id, ids[count]);
    }
    ck_assert_uint_eq(place.steps, count);
}
#define EXPECT_STEPS(...) expect_steps((const uint64_t[]){__VA_ARGS__, 0})

static void expect_range(uint64_t start_of, uint64_t end) {
    ck_assert_uint_eq(place.range.start, start_of);
    ck_assert_uint_eq(place.range.end, end);
}

TEST(what_was_never_mapped_is_not_found) {
    map(1, ROOM, MIB, 0);
    map(2, ROOM + 4 * MIB, MIB, 0); /* a process that no table has */
    ck_assert_int_eq(read_place(ROOM - 1, 0, 0), 0);
    ck_assert_int_eq(read_place(ROOM + MIB, 0, 0), 0);
    ck_assert_int_eq(read_place(ROOM + 4 * MIB, 0, 0), 0);
    ck_assert_ptr_null(place.step);
    ck_assert_int_eq(read_place(ROOM + MIB - 1, 0, 0), 1);
}

TEST(a_log_without_mappings_has_none) {
    block_malloc(5, 1, 1);
    ck_assert_int_eq(read_place(BLOCK(5), 0, 0), 0);
}

TEST(calls_that_change_it_are_its_steps_up_to_the_moment) {
    uint64_t reserve = map(1, ROOM, 8 * MIB, HAK_MAPPED_CLOSED);
    map(1, ROOM + 16 * MIB, MIB, 0); /* elsewhere */
    uint64_t open = call(1, HAK_PROGRAM_PROTECT, ROOM + 2 * MIB, MIB, HAK_MAPPED_CODE);
    uint64_t punch = unmap(1, ROOM + 2 * MIB, MIB / 2);
    ck_assert_int_eq(read_place(ROOM + 2 * MIB, 0, 0), 1);
    EXPECT_STEPS(reserve, open, punch);
    ck_assert(place.step[1].is_mapped && !place.step[2].is_mapped && !place.is_there);
    expect_range(ROOM + 2 * MIB, ROOM + 3 * MIB); /* that it was in last */
    ck_assert_int_eq(read_place(ROOM + 2 * MIB, 0, open), 1);
    EXPECT_STEPS(reserve, open);
    ck_assert(place.is_there && place.is_way_known && !place.is_break);
    ck_assert_uint_eq(place.way, HAK_MAPPED_CODE);
    ck_assert_int_eq(read_place(ROOM + 2 * MIB, 0, reserve), 1);
    ck_assert_uint_eq(place.way, HAK_MAPPED_CLOSED);
    expect_range(ROOM, ROOM + 8 * MIB);
    ck_assert_int_eq(read_place(ROOM + 5 * MIB / 2, 0, 0), 1);
    EXPECT_STEPS(reserve, open);
    ck_assert(place.is_there);
    expect_range(ROOM + 5 * MIB / 2, ROOM + 3 * MIB); /* what the hole left */
}

TEST(protecting_leaves_what_it_is_a_mapping_of) {
    map(1, ROOM, MIB, HAK_MAPPED_FILE | HAK_MAPPED_SHARED | HAK_MAPPED_READ_ONLY);
    call(1, HAK_PROGRAM_PROTECT, ROOM, MIB, HAK_MAPPED_CLOSED);
    ck_assert_int_eq(read_place(ROOM, 0, 0), 1);
    ck_assert_uint_eq(place.way, HAK_MAPPED_FILE | HAK_MAPPED_SHARED | HAK_MAPPED_CLOSED);
    ck_assert(place.is_there);
}

TEST(of_moved_pages_it_is_not_known_how_they_are_mapped) {
    uint64_t first = map(1, ROOM, 2 * MIB, HAK_MAPPED_SHARED);
    uint64_t below = map(1, ROOM + 32 * MIB, 4 * MIB, 0);
    uint64_t shrunk = move(ROOM, 2 * MIB, ROOM, MIB);
    uint64_t moved = move(ROOM, MIB, ROOM + 32 * MIB, 4 * MIB);
    ck_assert_int_eq(read_place(ROOM, 0, shrunk), 1);
    EXPECT_STEPS(first, shrunk);
    ck_assert(place.is_there && place.is_way_known);
    ck_assert_uint_eq(place.way, HAK_MAPPED_SHARED);
    ck_assert_int_eq(read_place(ROOM, 0, 0), 1);
    EXPECT_STEPS(first, shrunk, moved);
    ck_assert(!place.is_there && !place.step[2].is_mapped);
    ck_assert_int_eq(read_place(ROOM + 35 * MIB, 0, 0), 1);
    EXPECT_STEPS(below, moved);
    ck_assert(place.is_there && !place.is_way_known);
    expect_range(ROOM + 32 * MIB, ROOM + 36 * MIB);
}

TEST(the_break_is_told_as_such) {
    uint64_t up = capture_put((struct hak_event){.process = 1,
                                                 .thread = 1,
                                                 .kind = HAK_PROGRAM_BREAK,
                                                 .class_index = HAK_CLASS_NONE,
                                                 .address = ROOM + MIB,
                                                 .old_address = ROOM,
                                                 .size = MIB});
    ck_assert_int_eq(read_place(ROOM + PAGE, 0, 0), 1);
    EXPECT_STEPS(up);
    ck_assert(place.is_there && place.is_break && place.is_way_known);
}

/* The same address is another thing in each process. */
TEST(the_process_that_changed_it_last_is_told_of_unless_one_is_named) {
    must(hak_store_put_process(
        capture.w,
        &(struct hak_process_row){.id = 2, .pid = 4800, .session = 1, .program = "/bin/app"}));
    uint64_t one = map(1, ROOM, MIB, 0), two = map(2, ROOM, 4 * MIB, HAK_MAPPED_SHARED);
    ck_assert_int_eq(read_place(ROOM, 0, 0), 1);
    ck_assert_uint_eq(place.process, 2);
    EXPECT_STEPS(two);
    expect_range(ROOM, ROOM + 4 * MIB);
    ck_assert_int_eq(read_place(ROOM, 1, 0), 1);
    ck_assert_uint_eq(place.process, 1);
    EXPECT_STEPS(one);
    expect_range(ROOM, ROOM + MIB);
    ck_assert_int_eq(read_place(ROOM, 0, one), 1);
    ck_assert_uint_eq(place.process, 1);
}

TEST(what_a_parent_did_before_its_fork_is_the_childs_too) {
    uint64_t before = map(1, ROOM, MIB, HAK_MAPPED_SHARED);
    fork_off(2);
    uint64_t close = call(2, HAK_PROGRAM_PROTECT, ROOM, MIB, HAK_MAPPED_CLOSED);
    uint64_t gone = unmap(1, ROOM, MIB); /* the child keeps it */
    ck_assert_int_eq(read_place(ROOM, 2, 0), 1);
    EXPECT_STEPS(before, close);
    ck_assert(place.is_there);
    ck_assert_uint_eq(place.way, HAK_MAPPED_SHARED | HAK_MAPPED_CLOSED);
    ck_assert_int_eq(read_place(ROOM, 1, 0), 1);
    EXPECT_STEPS(before, gone);
    ck_assert(!place.is_there);
}

/* The kernel gave the addresses to another thread before the record of the munmap was written. */
TEST(what_was_mapped_while_a_call_gave_up_the_addresses_stays) {
    uint64_t old = map(1, ROOM, MIB, 0);
    uint64_t fresh = capture_put((struct hak_event){.process = 1,
                                                    .thread = 2,
                                                    .kind = HAK_PROGRAM_MAP,
                                                    .class_index = HAK_CLASS_NONE,
                                                    .address = ROOM,
                                                    .size = MIB});
    capture_put((struct hak_event){.process = 1,
                                   .thread = 1,
                                   .kind = HAK_PROGRAM_UNMAP,
                                   .class_index = HAK_CLASS_NONE,
                                   .address = ROOM,
                                   .size = MIB,
                                   .generation = 1500}); /* ns that it took */
    ck_assert_int_eq(read_place(ROOM, 0, 0), 1);
    EXPECT_STEPS(old, fresh);
    ck_assert(place.is_there);
    ck_assert_uint_eq(place.range.thread, 2);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
