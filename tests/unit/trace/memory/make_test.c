/* The session memory fits under every limit, and its header is what readers may rely on. */
#include "unit/trace/fake_collector.h"
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const uint64_t none = RLIM_INFINITY;

TEST(size_follows_the_limits) {
    ck_assert_uint_eq(hak_memory_bytes_for(none, none), (uint64_t)1 << 30);
    ck_assert_uint_eq(hak_memory_bytes_for((uint64_t)8 << 30, none), 512 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for((uint64_t)1 << 30, none), 64 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for(200 << 20, none), 16 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for(20 << 20, none), 4 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for(none, 10 << 20), 10 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for(none, (10 << 20) + 5), 10 << 20);
    ck_assert_uint_eq(hak_memory_bytes_for(none, 1 << 20), 0);
    ck_assert_uint_eq(hak_memory_bytes_for(none, 0), 0);
}

/* Every part lies in the memory, in order, without overlap, and there is room for rings. */
static void assert_layout(const struct hak_session *s, uint64_t total) {
    ck_assert_uint_eq(s->version, HAK_SESSION_VERSION);
    ck_assert_uint_eq(s->header_bytes, sizeof *s);
    ck_assert_uint_eq(s->total_bytes, total);
    ck_assert_uint_ge(s->process_offset, sizeof *s);
    ck_assert_uint_ge(s->ring_offset,
                      s->process_offset + HAK_PROCESSES * sizeof(struct hak_process_entry));
    ck_assert_uint_ge(s->node_offset, s->ring_offset + HAK_RINGS * sizeof(struct hak_ring_entry));
    ck_assert_uint_ge(s->report_offset,
                      s->node_offset + s->node_capacity * sizeof(struct hak_node));
    ck_assert_uint_ge(s->extent_offset, s->report_offset + sizeof(struct hak_report_request));
    ck_assert_uint_le(s->extent_offset + s->extent_count * HAK_EXTENT_BYTES, total);
    ck_assert_uint_ge(s->extent_count, 4);
    ck_assert_uint_le(s->extent_count, HAK_EXTENTS_MAX);
    ck_assert_uint_eq(s->ring_offset % 64, 0);
    ck_assert_uint_eq(s->extent_offset % 4096, 0);
}

TEST(every_size_has_a_sound_layout) {
    static const uint64_t sizes[] = {4 << 20,  5 << 20,   (7 << 20) + 4096, 16 << 20,
                                     64 << 20, 300 << 20, (uint64_t)1 << 30};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct hak_session_memory memory;
        struct stat about;
        ck_assert_int_eq(hak_memory_make(sizes[i], &memory), 0);
        ck_assert_uint_eq(memory.total_bytes, sizes[i]);
        ck_assert_int_eq(fstat(memory.file, &about), 0);
        ck_assert_uint_eq((uint64_t)about.st_size, sizes[i]);
        ck_assert_uint_lt((uint64_t)about.st_blocks * 512, 1 << 20); /* sparse */
        assert_layout(memory.session, sizes[i]);
        ck_assert_uint_eq(memory.session->magic, 0); /* it is the last word of the start */
        close(memory.file);
    }
}

TEST(small_limits_shrink_it_and_kill_nobody, .until = 3) {
    /* Address space: what the program has already, and a little. */
    struct rlimit limit = {400 << 20, 400 << 20};
    struct hak_session_memory memory;
    if (_i == 0)
        ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    else
        limit.rlim_cur = limit.rlim_max = 9 << 20;
    if (_i == 1) /* beyond it ftruncate would send SIGXFSZ */
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    if (_i == 2)
        ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
    ck_assert_int_eq(hak_memory_make(0, &memory), 0);
    ck_assert_uint_ge(memory.total_bytes, HAK_SESSION_BYTES_MIN);
    assert_layout(memory.session, memory.total_bytes);
    struct stat about;
    ck_assert_int_eq(fstat(memory.file, &about), 0);
    ck_assert_uint_eq((uint64_t)about.st_size, memory.total_bytes);
    if (_i < 2)
        ck_assert_uint_le(memory.total_bytes, _i == 0 ? 50 << 20 : 9 << 20);
}

TEST(no_room_at_all_is_an_error) {
    struct hak_session_memory memory;
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(hak_memory_make(0, &memory), EFBIG);
}

TEST(no_descriptor_is_an_error) {
    struct hak_session_memory memory;
    struct rlimit limit = {3, 3};
    setrlimit(RLIMIT_NOFILE, &limit);
    int error = hak_memory_make(0, &memory);
    ck_assert_int_eq(error, EMFILE);
}

TEST(standard_descriptors_are_never_taken) {
    struct hak_session_memory memory;
    close(0);
    close(2);
    ck_assert_int_eq(hak_memory_make(4 << 20, &memory), 0);
    ck_assert_int_gt(memory.file, 2);
    ck_assert_int_eq(close(0), -1);
    ck_assert_int_eq(close(2), -1);
}

static void describe(const char *store, struct hak_session *session) {
    static char *no_environment[] = {NULL};
    hak_options_read(no_environment);
    strcpy(hak_options.trace_file, store);
    hak_memory_describe(session);
}

TEST(paths_are_expanded_and_absolute) {
    static struct hak_session session;
    char due[HAK_PATH_BYTES], here[HAK_PATH_BYTES / 2];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    describe("x.%e.%p.%%.%q.db%", &session);
    snprintf(due, sizeof due, "%s/x.make_test.%d.%%.%%q.db%%", here, getpid());
    ck_assert_str_eq(session.store_path, due);
    describe("/a/b.db", &session);
    ck_assert_str_eq(session.store_path, "/a/b.db");
    ck_assert_str_eq(session.log_path, "");
    ck_assert_int_eq(chdir("/"), 0);
    describe("c.db", &session);
    ck_assert_str_eq(session.store_path, "/c.db");
}

TEST(paths_that_are_too_long_become_none) {
    static struct hak_session session;
    char longest[HAK_PATH_BYTES];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0; /* together with the folder it does not fit */
    describe(longest, &session);
    ck_assert_str_eq(session.store_path, "");
    for (size_t i = 0; i + 2 < sizeof longest; i += 2)
        memcpy(longest + i, "%e", 2);
    describe(longest, &session);
    ck_assert_str_eq(session.store_path, "");
}

TEST(clocks_are_read_together) {
    struct hak_session_memory memory;
    struct timespec now;
    ck_assert_int_eq(hak_memory_make(4 << 20, &memory), 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    ck_assert_uint_le(memory.session->monotonic_start_ns, ns);
    ck_assert_uint_le(memory.session->tsc_start, hak_ticks_now());
    ck_assert_uint_gt(memory.session->realtime_start_ns, (uint64_t)1500000000 * 1000000000);
}

TEST(nobody_can_cut_it_away) {
    struct hak_session_memory memory;
    ck_assert_int_eq(hak_memory_make(4 << 20, &memory), 0);
    ck_assert_int_eq(ftruncate(memory.file, 4096), -1);
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(ftruncate(memory.file, 8 << 20), -1);
    memory.session->closing = 1; /* it can be written on */
    close(memory.file);
}

RUN_TESTS()
