/* Requests to the endpoint of a heap profile: what is asked, what is refused, and no byte is read
 * that did not come. */
#include "unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "viewer/record/ctl_serve.h"

enum { PAGE = 4096, ROUNDS = 20000 };
#define HEAD(line, fields) line " HTTP/1.1\r\n" fields "\r\n"
#define ASKED              "GET /debug/pprof/heap"

static const struct ctl_door loopback = {.is_loopback = true};
static const struct ctl_door guarded = {.token = "0123456789abcdef"};

/* The request's head lies right before a closed page. */
static int judge(const struct ctl_door *door, const char *head, size_t bytes, uint64_t *seconds) {
    static char *pages;
    struct ctl_request request;
    if (!pages) {
        pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(mprotect(pages + 2 * PAGE, PAGE, PROT_NONE) == 0);
    }
    char *at = pages + 2 * PAGE - bytes;
    memcpy(at, head, bytes);
    ctl_read_request(door, at, bytes, &request);
    *seconds = request.seconds;
    ck_assert_int_eq(request.status == 200, request.why[0] == 0);
    return request.status;
}

static int ask(const struct ctl_door *door, const char *head) {
    uint64_t seconds;
    return judge(door, head, strlen(head), &seconds);
}

TEST(a_profile_is_asked_for) {
    static const char head[] = HEAD(ASKED "?seconds=30&gc=1", "Host: localhost:6060\r\n");
    uint64_t seconds;
    ck_assert_int_eq(judge(&loopback, head, sizeof head - 1, &seconds), 200);
    ck_assert_uint_eq(seconds, 30);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: 127.0.0.1\r\n")), 200);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "hOST:\t[::1]:1 \r\n")), 200);
    ck_assert_int_eq(ask(&loopback, ASKED " HTTP/1.0\n\n"), 200);
}

TEST(names_that_lead_to_loopback_are_refused) {
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: rebound.example.org\r\n")), 403);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: localhost.example.org\r\n")), 403);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: 10.0.0.1\r\n")), 403);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: [::1\r\n")), 403);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "Host: a\r\nHost: localhost\r\n")), 400);
    ck_assert_int_eq(ask(&loopback, HEAD(ASKED, "")), 400);
}

TEST(the_token_is_needed_whole) {
    static const char fields[] = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ";
    char head[256];
    for (size_t bytes = 0; bytes <= 16; bytes++) {
        snprintf(head, sizeof head, "%s%.*s\r\n\r\n", fields, (int)bytes, guarded.token);
        ck_assert_int_eq(ask(&guarded, head), bytes == 16 ? 404 : 401);
    }
    ck_assert_int_eq(
        ask(&guarded,
            HEAD(ASKED, "Host: a\r\nAuthorization: Basic bWU6MDEyMzQ1Njc4OWFiY2RlZg==\r\n")),
        200);
    ck_assert_int_eq(
        ask(&guarded, HEAD(ASKED, "Host: a\r\nAuthorization: Basic MDEyMzQ1Njc4OWFiY2RlZg==\r\n")),
        401);
}

/* Bytes are changed and cut off. */
TEST(hostile_bytes_are_only_read) {
    static const char good[] =
        HEAD(ASKED "?seconds=30", "Host: [::1]:6060\r\nAuthorization: Basic bWU6MDEyMzQ1\r\n");
    unsigned chance = 4711;
    for (int i = 0; i < ROUNDS; i++) {
        char head[sizeof good];
        uint64_t seconds;
        memcpy(head, good, sizeof good);
        for (int changes = rand_r(&chance) % 4; changes >= 0; changes--)
            head[(size_t)rand_r(&chance) % sizeof good] = (char)rand_r(&chance);
        size_t bytes = (size_t)rand_r(&chance) % sizeof good;
        int status = judge(i % 2 ? &guarded : &loopback, head, bytes, &seconds);
        ck_assert(status == 200 || (status >= 400 && status <= 405));
        ck_assert_uint_le(seconds, CTL_REQUEST_SECONDS);
    }
}

RUN_TESTS()
