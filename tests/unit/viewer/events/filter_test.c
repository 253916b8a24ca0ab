/* Addresses and filters as people type them, over a small capture. */
#include "viewer/commands.h"
#include "viewer/events/events.h"
#include "unit/store/capture.h"
#include "viewer/cli/cli.h"

static struct view view;

static void start(void) {
    capture_start();
    for (int i = 1; i <= 3; i++)
        block_malloc(i, (uint32_t)(4 + i), (uint32_t)i);
    block_resize(2, 6, 2);
    block_free(1, 8, 1);
    block_malloc(1, 9, 3);
    capture_finish();
    memset(&view, 0, sizeof view);
}

static void stop(void) {
    view_close(&view);
    capture_clean(capture.path);
}

#define OPEN(...)                                                                                  \
    do {                                                                                           \
        char *words[] = {"hakmem-trace", __VA_ARGS__, "-s", capture.path, NULL};                   \
        view_close(&view);                                                                         \
        memset(&view, 0, sizeof view);                                                             \
        ck_assert_int_eq(                                                                          \
            view_parse(&view, view_commands, (int)(sizeof words / sizeof words[0]) - 1, words),    \
            -1);                                                                                   \
        ck_assert_int_eq(view_open(&view), 0);                                                     \
    } while (0)

static uint64_t address_of(const char *text) {
    struct view_place place;
    return view_read_address(&view, text, 0, &place) ? place.address : 1;
}

TEST(addresses_in_every_form) {
    OPEN("why", "x");
    ck_assert_uint_eq(address_of("0x7f21c4a10020"), 0x7f21c4a10020);
    ck_assert_uint_eq(address_of("7f21c4a10020"), 0x7f21c4a10020);
    ck_assert_uint_eq(address_of("0X7F21C4A10020"), 0x7f21c4a10020);
    ck_assert_uint_eq(address_of("p:1"), BLOCK(1) + 16);
    ck_assert_uint_eq(address_of("p:3"), BLOCK(3) + 16);
    ck_assert_uint_eq(address_of("p:4"), BLOCK(1) + 16); /* the resize in between made no block */
    static const char *const wrong[] = {
        "", "0x", "p:", "p:0", "p:5", "p:x", "@fault", "@", "12345678901234567", "main+"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(address_of(wrong[i]) == 1, "'%s' was taken", wrong[i]);
}

static int count_one(void *context, const struct hak_event *event) {
    struct event_filter *filter = context;
    filter->address += event_passes(&view, filter, event);
    return 0;
}

/* Events that pass the filter of the command line. */
static uint64_t passing(void) {
    struct event_filter filter;
    ck_assert(event_filter_read(&view, &filter));
    filter.address = 0;
    must(hak_store_scan(view.reader, &filter.store, false, count_one, &filter));
    event_filter_free(&filter);
    return filter.address;
}

TEST(filters_narrow_each_other) {
    OPEN("events");
    ck_assert_uint_eq(passing(), capture.id);
    OPEN("events", "--kind", "malloc");
    ck_assert_uint_eq(passing(), 4);
    OPEN("events", "--kind", "MALLOC,FREE", "--thread", "1");
    ck_assert_uint_eq(passing(), 2);
    OPEN("events", "--addr", "7f21c4a10467");
    ck_assert_uint_eq(passing(), 4);
    OPEN("events", "--class", "C3");
    ck_assert_uint_eq(passing(), capture.id);
    OPEN("events", "--class", "48", "--site", "function_8");
    ck_assert_uint_eq(passing(), 1);
    OPEN("events", "--class", "C4");
    ck_assert_uint_eq(passing(), 0);
    OPEN("events", "--site", "app.c:9");
    ck_assert_uint_eq(passing(), 1);
    OPEN("events", "--since", "#3", "--until", "#5");
    ck_assert_uint_eq(passing(), 3);
    OPEN("events", "--since", "3us");
    ck_assert_uint_eq(passing(), capture.id - 2);
}

TEST(filters_that_make_no_sense_are_refused) {
    struct event_filter filter;
    OPEN("events", "--kind", "NOTHING");
    ck_assert(!event_filter_read(&view, &filter));
    OPEN("events", "--kind", "");
    ck_assert(!event_filter_read(&view, &filter));
    OPEN("events", "--class", "47");
    ck_assert(!event_filter_read(&view, &filter));
    OPEN("events", "--thread", "0");
    ck_assert(!event_filter_read(&view, &filter));
    OPEN("events", "--since", "-1");
    ck_assert(!event_filter_read(&view, &filter));
    OPEN("events", "--process", "99");
    ck_assert(!event_filter_read(&view, &filter));
}

RUN_TESTS(.set_up = start, .tear_down = stop)
