/* Large blocks that were freed: which of them are still known, by their addresses and tags. */
#include "guard/locate/locate.h"
#include "unit/suite.h"

enum { BYTES = 1 << 16, PLACES = 60013 };

/* A block that was freed, the number-th of blocks that lie here and there. */
static struct hak_large freed(uintptr_t number, unsigned tag) {
    uintptr_t place = number * 2654435761u % PLACES;
    return (struct hak_large){.base = {(char *)(0x2b0000000000 + place * BYTES)},
                              .user_delta = 16,
                              .mapped_bytes = BYTES,
                              .tag = (uint8_t)tag};
}

static bool is_known(uintptr_t number) {
    struct hak_large found, due = freed(number, 0);
    return hak_recall_large((char *)due.base.p + 16, &found) && found.base.p == due.base.p;
}

TEST(former_nearly_all_of_the_last_256_are_known) {
    unsigned known = 0;
    for (uintptr_t i = 0; i < 1000; i++) {
        struct hak_large large = freed(i, 0);
        hak_remember_large(&large);
    }
    ck_assert(is_known(999));
    for (uintptr_t i = 1000 - 256; i < 1000; i++)
        known += is_known(i);
    ck_assert_uint_ge(known, 256 * 95 / 100);
}

TEST(former_one_without_a_tag_outlives_those_with_tags_at_its_place) {
    struct hak_large large = freed(1, 0), found;
    hak_remember_large(&large);
    for (unsigned life = 0; life < 400; life++) {
        large = freed(1, 1 + life % 15);
        hak_remember_large(&large);
        large = freed(2 + life % 40, 3);
        hak_remember_large(&large);
    }
    uintptr_t inside = (uintptr_t)large.base.p + 4096;
    ck_assert(hak_recall_large_tagged((uintptr_t)freed(1, 0).base.p + 4096, 0, &found));
    ck_assert(hak_recall_large_tagged(inside, 3, &found));
    ck_assert(!hak_recall_large_tagged(inside, 0, &found));
    ck_assert(hak_recall_large((char *)freed(1, 0).base.p + 16, &found));
    ck_assert_uint_eq(found.tag, 1 + 399 % 15);
}

RUN_TESTS()
