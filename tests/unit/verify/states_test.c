/* hak_verify in the debug build: the state of each slot against where it is, caches of every kind,
 * counted calls. */
#include "unit/verify/world.h"
#include <stdio.h>
#include "border.h"
#include "front/take.h"
#include "guard/locate/locate.h"
#include "metrics/count.h"
#include "slab/lists.h"

enum { LIVE = 500, CLASS = HAK_CLASS_OF_32, WIDE = HAK_CLASS_OF_2048 };

static base_t live[LIVE];

/* As entry does it. */
static base_t hand_out(unsigned class_index) {
    struct hak_hand_out how = {.asked_bytes = 20, .class_index = class_index};
    base_t block = hak_array_pop(class_index);
    if (!block.p)
        block = hak_front_take(class_index);
    ck_assert_ptr_nonnull(block.p);
    (void)hak_check_hand_out(block, &how);
    return block;
}

static void set_up_with(char **environment) {
    hak_options_read(environment);
    hak_options.front_dump = 1; /* else nobody could read the counters, and nothing is counted */
    hak_registry_start(true);
    hak_plan_start();
    hak_check_start();
    hak_front_start();
    for (unsigned i = 0; i < LIVE; i++)
        live[i] = hand_out(i % 5 ? CLASS : WIDE);
    for (unsigned i = 0; i < LIVE; i += 3)
        hak_front_give(i % 5 ? CLASS : WIDE, live[i], HAK_FREE);
}

static void set_up(void) {
    char *environment[] = {"HAKMEM_TRACE=off", "HAKMEM_CHECK=trace", NULL};
    set_up_with(environment);
}

static struct hak_slot *state_of(base_t block) {
    struct hak_located at;
    ck_assert(hak_locate_slot(block.p, &at));
    return at.slot;
}

/* ---- what is broken -------------------------------------------------------------------------- */

static void lose_a_live_block(void) {
    state_of(live[1])->place = HAK_PLACE_FRONT;
}
static void lose_a_remote_block(void) {
    state_of(live[1])->place = HAK_PLACE_REMOTE;
}
static void change_a_cached_state(void) {
    state_of(*hak_thread.top[CLASS])->place = HAK_PLACE_SLL;
}
static void hand_out_what_is_free(void) {
    struct hak_slab *slab = slab_of(live[1]);
    base_t block = *hak_thread.top[CLASS];
    hak_slab_give(hak_thread.heap, block);
    hak_thread.top[CLASS]--;
    state_of(block)->place = HAK_PLACE_LIVE;
    ck_assert_ptr_eq(slab_of(block), slab);
}
static void know_of_an_untouched_slot(void) {
    struct hak_slab *slab = slab_of(live[1]);
    ck_assert_uint_lt(slab->carved, slab->capacity);
    char *first = hak_slab_start(slab) + hak_first_slot_offset(CLASS);
    state_of(base_from(first + slab->carved * hak_class_bytes(CLASS)))->place = HAK_PLACE_SLAB;
}
static void count_a_call_too_many(void) {
    hak_count_event((struct hak_step_event){
        .kind = HAK_MALLOC, .class_index = CLASS, .place = HAK_PLACE_FRONT});
}
static void count_a_call_too_few(void) {
    hak_count_event(
        (struct hak_step_event){.kind = HAK_FREE, .class_index = CLASS, .place = HAK_PLACE_FRONT});
}

static const struct breakage breakages[] = {
    {"lose a live block", lose_a_live_block, "state of the slot: found front, expected program"},
    {"lose a remote block", lose_a_remote_block,
     "is out of its slab and in no cache; state of the slot: found remote"},
    {"change a cached state", change_a_cached_state, "found TLS SLL, expected front"},
    {"hand out what is free", hand_out_what_is_free, "found program, expected slab"},
    {"know of an untouched slot", know_of_an_untouched_slot, "found slab, expected fresh"},
    {"count a call too many", count_a_call_too_many,
     "blocks with the program (handed out less given back)"},
    {"count a call too few", count_a_call_too_few,
     "blocks with the program (handed out less given back)"},
};

TEST(what_is_broken_is_named, .until = sizeof breakages / sizeof *breakages) {
    set_up();
    see(&breakages[_i]);
}

/* ---- caches of every kind -------------------------------------------------------------------- */

/* Fronts by their variables, and the place of a block that is in one then. */
static const struct fronts {
    const char *place;
    char *environment[5];
} fronts[] = {
    {"UltraHot", {"HAKMEM_TINY_FRONT_ENABLE_ULTRAHOT=1"}},
    {"HeapV2", {"HAKMEM_TINY_FRONT_DISABLE_HEAPV2=0"}},
    {"FC", {"HAKMEM_TINY_FRONT_ENABLE_FC=1"}},
    {"SFC", {"HAKMEM_TINY_FRONT_ENABLE_SFC=1"}},
    {"hot ring", {"HAKMEM_TINY_HOT_RING_ENABLE=1"}},
    {"magazine", {"HAKMEM_TINY_MAGAZINE_ENABLE=1"}},
    {"TLS SLL", {"HAKMEM_TINY_MAGAZINE_ENABLE=1", "HAKMEM_TINY_MAG_CAP=2"}},
};

TEST(blocks_in_every_front_are_looked_at, .until = sizeof fronts / sizeof *fronts) {
    const struct fronts *with = &fronts[_i];
    char *environment[8] = {"HAKMEM_TRACE=off", "HAKMEM_CHECK=trace"};
    for (int i = 0; with->environment[i]; i++)
        environment[2 + i] = with->environment[i];
    set_up_with(environment);
    if (verify_quietly() != 0)
        ck_abort_msg("%s: %.2000s", with->place, said);
    /* One that is in it is said to be the program's. */
    base_t cached = HAK_NO_BASE;
    for (unsigned i = 0; i < LIVE; i += 3)
        if (i % 5 && strcmp(hak_verify_place(state_of(live[i])->place), with->place) == 0)
            cached = live[i];
    ck_assert_msg(cached.p, "%s: none of the blocks is there", with->place);
    state_of(cached)->place = HAK_PLACE_UNTOUCHED;
    char expected[100];
    snprintf(expected, sizeof expected, "state of the slot: found fresh, expected %s", with->place);
    ck_assert_uint_eq(verify_quietly(), 1);
    if (!strstr(said, expected))
        ck_abort_msg("\"%s\" is not in: %.2000s", expected, said);
}

TEST(a_damaged_list_is_not_followed) {
    char *environment[] = {"HAKMEM_TRACE=off", "HAKMEM_CHECK=trace",
                           "HAKMEM_TINY_FRONT_ENABLE_SFC=1", NULL};
    set_up_with(environment);
    ck_assert_uint_eq(verify_quietly(), 0);
    for (unsigned i = 0; i < LIVE; i += 3)
        if (i % 5 && state_of(live[i])->place == HAK_PLACE_SFC)
            *check_link_of(live[i]) = (void *)0x123450;
    ck_assert_uint_ge(verify_quietly(), 1);
    ck_assert_ptr_nonnull(strstr(said, "block 0x123450, SFC of heap"));
    ck_assert_ptr_nonnull(strstr(said, "blocks in the list"));
}

/* Readers of a core file go by these numbers. */
TEST(the_changing_bit_lies_where_the_table_says) {
    struct hak_slot slot = {.is_changing = 1};
    unsigned char bytes[sizeof slot];
    memcpy(bytes, &slot, sizeof slot);
    ck_assert_uint_eq(bytes[HAK_SLOT_CHANGING_BYTE], HAK_SLOT_CHANGING_BIT);
}

RUN_TESTS()
