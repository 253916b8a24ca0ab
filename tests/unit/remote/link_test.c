/* Contents of a server's URL, and cells of answers, which may hold anything. No server is needed:
 * libpq makes answers itself. */
#include "remote/link.h"

#include <string.h>
#include "../suite.h"
#include "store/error.h"

/* ---- the URL ----------------------------------------------------------------------------------
 */

/* Nothing listens there: what can be read ends with that. */
#define NOWHERE "host=/nowhere/of/a/test"
#define AWAY    "postgresql:///db: cannot connect: "

static void refuse(const char *url, int error, const char *line) {
    struct hak_link link;
    int got = hak_link_open(&link, url);
    ck_assert_msg(got == error, "%s: error %d, and %d was due: %s", url, got, error,
                  hak_store_message());
    ck_assert_msg(strncmp(hak_store_message(), line, strlen(line)) == 0, "%s: %s", url,
                  hak_store_message());
    ck_assert_ptr_null(link.connection);
    ck_assert_ptr_null(link.name);
}

TEST(own_parameters_go_out_of_the_url) {
    static const char *const urls[] = {
        "postgresql:///db?" NOWHERE,
        "postgresql:///db?capture=1&" NOWHERE,
        "postgresql:///db?" NOWHERE "&capture=9223372036854775807",
        "postgresql:///db?answer_timeout=0&capture=7&" NOWHERE,
        "postgresql:///db?capture=7&answer_timeout=1000000&" NOWHERE,
        "postgresql:///db?" NOWHERE "&capture=7&application_name=x&answer_timeout=1",
        "postgres:///db?" NOWHERE "&port=5432,5433",
        "postgresql:///db?" NOWHERE "&application_name=capture%3D7%0Ax",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        refuse(urls[i], HAK_STORE_BUSY, AWAY);
}

TEST(a_capture_is_a_number_from_1) {
    static const char *const numbers[] = {"",
                                          "0",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1x",
                                          "0x10",
                                          "1.5",
                                          "١",
                                          "9223372036854775808",
                                          "99999999999999999999999"};
    char url[128];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(url, sizeof url, "postgresql:///db?capture=%s&" NOWHERE, numbers[i]);
        refuse(url, HAK_STORE_MISSING, "the URL's capture is no number; ");
    }
    /* One of two is left, which is no parameter of libpq's. */
    refuse("postgresql:///db?capture=1&capture=2&" NOWHERE, HAK_STORE_MISSING,
           "the URL cannot be read; ");
}

TEST(a_timeout_is_bounded) {
    static const char *const numbers[] = {"", "-1", "1000001", "18446744073709551616", "1s"};
    char url[128];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(url, sizeof url, "postgresql:///db?" NOWHERE "&answer_timeout=%s", numbers[i]);
        refuse(url, HAK_STORE_MISSING, "the URL's answer_timeout is no number of seconds");
    }
}

TEST(a_password_is_refused_and_never_said) {
    static const char *const urls[] = {
        "postgresql://somebody:5ecret@127.0.0.1:1/db",
        "postgresql:///db?password=5ecret&" NOWHERE,
        "postgresql:///db?" NOWHERE "&sslpassword=5ecret",
        "postgresql:///db?" NOWHERE "&pass%77ord=5ecret",
        "postgresql://somebody:5ecret/word@127.0.0.1/db",
        "postgresql://somebody:5ecret%zz@127.0.0.1/db",
    };
    struct hak_link link;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        int error = hak_link_open(&link, urls[i]);
        ck_assert_msg(error == HAK_STORE_NO_ACCESS || error == HAK_STORE_MISSING, "%s: %s", urls[i],
                      hak_store_message());
        ck_assert_msg(!strstr(hak_store_message(), "5ecret"), "%s: %s", urls[i],
                      hak_store_message());
    }
}

TEST(what_cannot_be_read_is_told_in_a_line) {
    static const char *const urls[] = {
        "postgresql://[::1/db",       "postgresql:///db?nothing", "postgresql:///db?a=b=c",
        "postgresql:///db?unknown=1", "postgresql:///%zz",        "postgresql:///db?host=%00",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        refuse(urls[i], HAK_STORE_MISSING, "the URL cannot be read; ");
    refuse("postgresql:///db?port=one&" NOWHERE, HAK_STORE_MISSING, "the URL's port is no number");
    refuse("postgresql://127.0.0.1:1,127.0.0.1:1/db%0Aline", HAK_STORE_BUSY, "postgresql://");
    ck_assert_ptr_null(strchr(strstr(hak_store_message(), "cannot connect"), '\n'));
}

/* ---- cells ------------------------------------------------------------------------------------
 */

/* An answer of a row whose cells are of one type. */
static PGresult *make(Oid type, int format, const char *bytes, int length) {
    PGresult *rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    PGresAttDesc column = {.name = (char *)"x", .typid = type, .format = format};
    ck_assert_int_eq(PQsetResultAttrs(rows, 1, &column), 1);
    ck_assert_int_eq(PQsetvalue(rows, 0, 0, (char *)bytes, length), 1);
    return rows;
}

static bool is_number(Oid type, int format, const char *bytes, int length, uint64_t *out) {
    PGresult *rows = make(type, format, bytes, length);
    bool is_one = hak_link_number(rows, 0, 0, out);
    PQclear(rows);
    return is_one;
}

TEST(numbers_have_the_length_of_their_type) {
    static const struct {
        Oid type;
        int bytes;
    } types[] = {{HAK_LINK_BOOL, 1}, {HAK_LINK_INT2, 2}, {HAK_LINK_INT4, 4}, {HAK_LINK_INT8, 8}};
    static const char minus_two[] = "\377\377\377\377\377\377\377\376";
    uint64_t number;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *from = minus_two + 8 - types[i].bytes;
        ck_assert(is_number(types[i].type, 1, from, types[i].bytes, &number));
        ck_assert_int_eq((int64_t)number, -2);
        for (int length = -1; length <= 8; length++) {
            if (length == types[i].bytes)
                continue;
            number = 5;
            ck_assert(!is_number(types[i].type, 1, minus_two, length, &number));
            ck_assert_uint_eq(number, 0);
        }
        ck_assert(!is_number(types[i].type, 0, from, types[i].bytes, &number)); /* as a text */
    }
    ck_assert(!is_number(HAK_LINK_BYTEA, 1, minus_two, 8, &number));
    ck_assert(!is_number(HAK_LINK_FLOAT8, 1, minus_two, 8, &number));
    ck_assert(!is_number(0, 1, minus_two, 8, &number));
}

TEST(a_real_has_eight_bytes) {
    static const char one[] = "\077\360\0\0\0\0\0\0";
    double real = 7;
    PGresult *rows = make(HAK_LINK_FLOAT8, 1, one, 8);
    ck_assert(hak_link_real(rows, 0, 0, &real) && real == 1);
    PQclear(rows);
    rows = make(HAK_LINK_FLOAT8, 1, one, 4);
    ck_assert(!hak_link_real(rows, 0, 0, &real) && real == 0);
    PQclear(rows);
    rows = make(HAK_LINK_INT8, 1, one, 8);
    ck_assert(!hak_link_real(rows, 0, 0, &real));
    PQclear(rows);
}

TEST(a_text_may_hold_anything) {
    size_t bytes = 5;
    PGresult *rows = make(HAK_LINK_BYTEA, 1, "a\0\377", 3);
    const char *text = hak_link_text(rows, 0, 0, &bytes);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(bytes, 3);
    ck_assert_int_eq(memcmp(text, "a\0\377", 4), 0); /* and a NUL behind it */
    PQclear(rows);
    rows = make(HAK_LINK_INT8, 1, "12345678", 8);
    ck_assert_ptr_null(hak_link_text(rows, 0, 0, &bytes));
    ck_assert_uint_eq(bytes, 0);
    PQclear(rows);
    rows = make(HAK_LINK_TEXT, 0, "as text", 7);
    ck_assert_ptr_null(hak_link_text(rows, 0, 0, NULL));
    PQclear(rows);
}

TEST(there_is_nothing_outside_an_answer) {
    static const int places[][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}, {INT32_MAX, INT32_MAX}};
    PGresult *rows = make(HAK_LINK_INT8, 1, "12345678", 8);
    PGresult *none = PQmakeEmptyPGresult(NULL, PGRES_COMMAND_OK);
    uint64_t number;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        ck_assert(!hak_link_number(rows, places[i][0], places[i][1], &number));
    ck_assert(!hak_link_number(none, 0, 0, &number));
    ck_assert_ptr_null(hak_link_text(none, 0, 0, NULL));
    ck_assert(!hak_link_number(NULL, 0, 0, &number));
    PQclear(none);
    PQclear(rows);
}

TEST(numbers_go_out_as_they_come_in) {
    static const uint64_t all[] = {0, 1, 0x0123456789abcdef, INT64_MAX, UINT64_MAX};
    unsigned char bytes[8];
    uint64_t back;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        hak_link_put(all[i], bytes);
        ck_assert(is_number(HAK_LINK_INT8, 1, (const char *)bytes, 8, &back));
        ck_assert_uint_eq(back, all[i]);
    }
}

RUN_TESTS()
