/* The users that a program trusts with its memory, by uid. */
#include "trace/trust.h"
#include "../suite.h"

static enum hak_trust trust(uint32_t peer, uint32_t real, uint32_t effective, uint32_t saved) {
    uint32_t own[3] = {real, effective, saved};
    return hak_trust_user(peer, own, true);
}

TEST(root_and_the_own_user_are_trusted) {
    ck_assert_int_eq(trust(0, 1000, 1000, 1000), HAK_TRUST_YES);
    ck_assert_int_eq(trust(1000, 1000, 1000, 1000), HAK_TRUST_YES);
    ck_assert_int_eq(trust(65534, 65534, 65534, 65534), HAK_TRUST_YES);
    ck_assert_int_eq(trust(1001, 1000, 1000, 1000), HAK_TRUST_NO);
    ck_assert_int_eq(trust(65534, 0, 0, 0), HAK_TRUST_NO);
    ck_assert_int_eq(trust(UINT32_MAX, 0, 0, 0), HAK_TRUST_NO);
}

TEST(root_that_acts_as_a_user_is_not_that_users) {
    ck_assert_int_eq(trust(33, 0, 33, 0), HAK_TRUST_NO);
    ck_assert_int_eq(trust(33, 33, 33, 0), HAK_TRUST_NO);
    ck_assert_int_eq(trust(33, 33, 0, 33), HAK_TRUST_NO);
}

TEST(a_user_that_is_not_known_is_an_open_question) {
    uint32_t root[3] = {0, 0, 0}, unknown[3] = {65534, 65534, 65534};
    ck_assert_int_eq(hak_trust_user(65534, root, false), HAK_TRUST_OPEN);
    ck_assert_int_eq(hak_trust_user(65534, unknown, false), HAK_TRUST_OPEN);
    ck_assert_int_eq(hak_trust_user(0, unknown, false), HAK_TRUST_YES);
    ck_assert(hak_trust_is_unknown(unknown));
    ck_assert(!hak_trust_is_unknown(root));
}

TEST(only_a_whole_map_knows_all_users) {
    ck_assert(hak_trust_knows_all("         0          0 4294967295\n"));
    ck_assert(!hak_trust_knows_all("         0          0 4294967294\n"));
    ck_assert(!hak_trust_knows_all("         0       1000          1\n"));
    ck_assert(!hak_trust_knows_all("         0          1 4294967295\n"));
    ck_assert(!hak_trust_knows_all(""));
    ck_assert(!hak_trust_knows_all("0 0"));
}

RUN_TESTS()
