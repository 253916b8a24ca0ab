/* The checksum is that of RFC 3720, and the same with the processor's instruction as without. */
#include "base/checksum.h"

#include <stdlib.h>
#include "../suite.h"

enum { MOST = 300, SHIFTS = 8 };

/* Computes it bit by bit, as the polynomial says. */
static uint32_t by_bits(const uint8_t *at, size_t count) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

TEST(the_vectors_of_the_rfc_hold_in_both_ways) {
    static const uint8_t zeros[32];
    uint8_t ones[32], rising[32];
    for (int i = 0; i < 32; i++) {
        ones[i] = 0xff;
        rising[i] = (uint8_t)i;
    }
    uint32_t (*const ways[])(const void *, size_t) = {hak_crc32c, hak_crc32c_by_tables};
    for (int way = 0; way < 2; way++) {
        ck_assert_uint_eq(ways[way](zeros, 32), 0x8a9136aa);
        ck_assert_uint_eq(ways[way](ones, 32), 0x62a8ab43);
        ck_assert_uint_eq(ways[way](rising, 32), 0x46dd794e);
        ck_assert_uint_eq(ways[way]("123456789", 9), 0xe3069283);
        ck_assert_uint_eq(ways[way](NULL, 0), 0);
    }
}

TEST(both_ways_agree_on_every_length_and_start) {
    static uint8_t data[MOST + SHIFTS];
    srand(1);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)rand();
    for (size_t shift = 0; shift < SHIFTS; shift++)
        for (size_t count = 0; count <= MOST; count++) {
            uint32_t due = by_bits(data + shift, count);
            ck_assert_uint_eq(hak_crc32c(data + shift, count), due);
            ck_assert_uint_eq(hak_crc32c_by_tables(data + shift, count), due);
        }
}

RUN_TESTS()
