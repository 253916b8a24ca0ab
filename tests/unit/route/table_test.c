/* The table of ways: by profile and boundary, and what TINY_FIRST and TINY_ONLY do where memory
 * ends. */
#include "route/route.h"
#include <string.h>
#include <sys/resource.h>
#include "options.h"
#include "unit/suite.h"

static void read_options(uint64_t profile, uint64_t max_class) {
    hak_options_read(NULL);
    hak_options.tiny_profile = profile;
    hak_options.tiny_max_class = max_class;
    hak_route_start();
}

TEST(each_profile_has_its_ways) {
    static const char *const ways[] = {
        [HAK_TINY_HOT] = "TTTTFFFP",
        [HAK_TINY_CONSERVATIVE] = "FFFFFFFF",
        [HAK_TINY_OFF] = "PPPPPPPP",
        [HAK_TINY_FULL] = "TTTTTTTT",
    };
    ck_assert_uint_eq(sizeof hak_route_of_band, 8);
    for (uint64_t profile = HAK_TINY_HOT; profile <= HAK_TINY_FULL; profile++)
        for (uint64_t max_class = 0; max_class <= 7; max_class++) {
            read_options(profile, max_class);
            for (unsigned c = 0; c < HAK_CLASSES; c++) {
                unsigned band = hak_class_band[c];
                char due = band > max_class ? 'P' : ways[profile][band];
                ck_assert_int_eq("TFP"[hak_route_of_class(c)], due);
                ck_assert_int_eq(hak_mid_has(c), due == 'P');
            }
        }
}

TEST(the_boundary_is_decided_on_the_bytes_of_the_slot) {
    /* A block that fits a slot of 1,024 bytes is tiny; with header and canary 17 bytes less are
     * asked. */
    read_options(HAK_TINY_CONSERVATIVE, 7);
    ck_assert(!hak_mid_has(hak_route_class(1024, 0)));
    ck_assert(hak_mid_has(hak_route_class(1025, 0)));
    ck_assert(!hak_mid_has(hak_route_class(1007 + 17, 0)));
    ck_assert(hak_mid_has(hak_route_class(1008 + 17, 0)));
    read_options(HAK_TINY_CONSERVATIVE, 3);
    ck_assert(!hak_mid_has(hak_route_class(64, 0)));
    ck_assert(hak_mid_has(hak_route_class(65, 0)));
}

/* Nothing is mapped any more from here on. */
static void end_memory(void) {
    setrlimit(RLIMIT_AS, &(struct rlimit){1, 1});
}

/* Takes tiny blocks until there are none; returns how many came from a greater class. */
static unsigned take_all(unsigned class_index, unsigned *tiny) {
    unsigned greater = 0;
    for (;;) {
        struct hak_taken taken = hak_route_take(hak_class_bytes(class_index), 0, NULL);
        if (!taken.base.p)
            return greater;
        if (taken.class_index == class_index)
            ++*tiny;
        else
            greater++;
        ck_assert(hak_mid_has(taken.class_index) || taken.class_index == class_index);
        memset(taken.base.p, 1, hak_class_bytes(class_index));
    }
}

TEST(where_memory_ends_tiny_first_goes_on_with_blocks_of_mid, .until = 2) {
    base_t mid[40];
    read_options(_i ? HAK_TINY_CONSERVATIVE : HAK_TINY_FULL, 7);
    hak_registry_start(true);
    hak_front_start();
    for (int i = 0; i < 40; i++)
        mid[i] = hak_route_take(5000, 0, NULL).base;
    for (int i = 0; i < 40; i++)
        ck_assert(hak_route_give(mid[i], HAK_FREE));
    end_memory();
    unsigned tiny = 0, greater = take_all(HAK_CLASS_OF_512, &tiny);
    ck_assert_uint_gt(tiny, 0);
    if (_i)
        ck_assert_uint_ge(greater, 30);
    else
        ck_assert_uint_eq(greater, 0);
}

TEST(such_a_block_is_aligned_as_asked) {
    base_t mid[40];
    read_options(HAK_TINY_CONSERVATIVE, 7);
    hak_registry_start(true);
    hak_front_start();
    for (int i = 0; i < 40; i++)
        mid[i] = hak_route_take(i % 2 ? 5000 : 4000, 0, NULL).base;
    for (int i = 0; i < 40; i++)
        ck_assert(hak_route_give(mid[i], HAK_FREE));
    end_memory();
    unsigned greater = 0;
    for (;;) {
        struct hak_taken taken = hak_route_take(512, 512, NULL);
        if (!taken.base.p)
            break;
        ck_assert_uint_eq(base_address(taken.base) % 512, 0);
        greater += taken.class_index != HAK_CLASS_OF_512;
    }
    ck_assert_uint_gt(greater, 0);
}

RUN_TESTS()
