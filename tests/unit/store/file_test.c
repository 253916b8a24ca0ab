/* The store as a file: what is refused and how it is said, who writes, and writers that are killed.
 */
#include "capture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "store/file.h"
#include "stream.h"
#include "trace/session.h"
#include "store/check/check.h"

static char directory[200], path[300], other[300];

static void start(void) {
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/hak_file.XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/app.db", directory);
    snprintf(other, sizeof other, "%s/other", directory);
}
static void stop(void) {
    char command[500];
    snprintf(command, sizeof command, "chmod 700 '%s'; rm -rf '%s'", directory, directory);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const void *bytes, size_t count) {
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    close(fd);
}

static void make_store(uint64_t events) {
    struct hak_store_writer *w;
    must(hak_store_create(path, 0, &w));
    must(hak_store_begin(w));
    for (uint64_t i = 1; i <= events; i++)
        must(put_event(w, &(struct hak_event){.base = i * 16, .process = 1}));
    must(put_end(w));
    must(hak_store_commit(w));
    must(hak_store_finish(w));
}

static void expect_open(int error, const char *says) {
    struct hak_store_reader *r = NULL;
    int got = hak_store_open(path, &r);
    ck_assert_msg(got == error, "%d: %s", got, hak_store_message());
    if (error)
        ck_assert_msg(strstr(hak_store_message(), says) != NULL, "%s", hak_store_message());
    hak_store_close(r);
}

TEST(what_is_no_store_is_said_clearly) {
    expect_open(HAK_STORE_MISSING, "app.db: no such file or directory");
    write_file(path, "", 0);
    expect_open(HAK_STORE_BROKEN, "is empty");
    write_file(path, "hello, this is a text file\n", 27);
    expect_open(HAK_STORE_FOREIGN, "not an SQLite file");
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_open(HAK_STORE_FOREIGN, "is a directory");
    rmdir(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_open(HAK_STORE_FOREIGN, "no regular file");
    unlink(path);
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(database, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    expect_open(HAK_STORE_FOREIGN, "SQLite file of another program (application_id 0x00000000");
    ck_assert_int_eq(hak_store_file_kind(path), HAK_FILE_SQLITE);
}

TEST(newer_and_cut_stores_are_said_clearly) {
    make_store(50000);
    sqlite3 *database;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_exec(database, "PRAGMA user_version = 7", NULL, NULL, NULL);
    sqlite3_close(database);
    expect_open(HAK_STORE_NEWER, "written by a newer hakmem (format 7, this one reads up to 3)");
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_exec(database, "PRAGMA user_version = 2", NULL, NULL, NULL);
    sqlite3_close(database);
    expect_open(HAK_STORE_OLDER,
                "from before the first release (format 2, this one reads from 3 on)");
    unlink(path);
    make_store(50000);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(truncate(path, status.st_size - 4096), 0);
    expect_open(HAK_STORE_BROKEN, "is cut short");
    ck_assert_int_eq(truncate(path, 50), 0);
    expect_open(HAK_STORE_BROKEN, "not even a page");
}

TEST(a_store_is_known_by_its_first_bytes) {
    ck_assert_int_eq(hak_store_file_kind(path), HAK_FILE_OTHER);
    make_store(5);
    ck_assert_int_eq(hak_store_file_kind(path), HAK_FILE_STORE);
    ck_assert_int_eq(truncate(path, 100), 0);
    ck_assert_int_eq(hak_store_file_kind(path), HAK_FILE_STORE);
    ck_assert_int_eq(truncate(path, 15), 0);
    ck_assert_int_eq(hak_store_file_kind(path), HAK_FILE_OTHER);
    write_file(other, "\x37\x7f\x06\x82", 4);
    ck_assert_int_eq(hak_store_file_kind(other), HAK_FILE_SQLITE);
    const uint64_t rings = HAK_SESSION_MAGIC;
    write_file(other, &rings, sizeof rings);
    ck_assert_int_eq(hak_store_file_kind(other), HAK_FILE_RINGS);
    write_file(other, &rings, sizeof rings - 1);
    ck_assert_int_eq(hak_store_file_kind(other), HAK_FILE_OTHER);
    write_file(other, "hello, this is a text file\n", 27);
    ck_assert_int_eq(hak_store_file_kind(other), HAK_FILE_OTHER);
    ck_assert_int_eq(hak_store_file_kind(directory), HAK_FILE_OTHER);
    unlink(other);
    ck_assert_int_eq(mkfifo(other, 0600), 0);
    ck_assert_int_eq(hak_store_file_kind(other), HAK_FILE_OTHER);
}

TEST(no_right_to_read_is_said_clearly) {
    make_store(5);
    chmod(path, 0);
    if (geteuid() == 0) { /* root may read everything: ask as somebody else */
        pid_t child = fork();
        if (child == 0) {
            chmod(directory, 0755);
            if (setgid(65534) != 0 || setuid(65534) != 0)
                _exit(2);
            struct hak_store_reader *r;
            int got = hak_store_open(path, &r);
            _exit(got == HAK_STORE_NO_ACCESS && strstr(hak_store_message(), "not allowed") ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        ck_assert_int_eq(status, 0);
    } else {
        expect_open(HAK_STORE_NO_ACCESS, "not allowed");
    }
}

TEST(creating_never_overwrites_or_follows_links) {
    struct hak_store_writer *w;
    write_file(other, "precious", 8);
    ck_assert_int_eq(symlink(other, path), 0);
    ck_assert_int_eq(hak_store_create(path, 0, &w), HAK_STORE_EXISTS);
    ck_assert_int_eq(hak_store_create(path, 1, &w), HAK_STORE_EXISTS);
    unlink(path);
    write_file(path, "precious", 8);
    ck_assert_int_eq(hak_store_create(path, 0, &w), HAK_STORE_EXISTS);
    ck_assert_int_eq(hak_store_create(path, 1, &w), HAK_STORE_EXISTS);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "not a hakmem store"));
    unlink(path);
    make_store(5);
    ck_assert_int_eq(hak_store_create(path, 0, &w), HAK_STORE_EXISTS);
    must(hak_store_create(path, 1, &w)); /* --force: an old store may go */
    ck_assert_uint_eq(hak_store_last_event(w), 0);
    must(hak_store_finish(w));
    unlink(path);
    write_file(path, "", 0);
    must(hak_store_create(path, 1, &w));
    must(hak_store_finish(w));
    snprintf(path, sizeof path, "%s/none/app.db", directory);
    ck_assert_int_eq(hak_store_create(path, 0, &w), HAK_STORE_MISSING);
    struct stat status;
    ck_assert_int_eq(stat(other, &status), 0);
    ck_assert_int_eq(status.st_size, 8);
}

TEST(left_overs_of_an_older_store_do_not_come_back) {
    char name[320];
    snprintf(name, sizeof name, "%s-wal", path);
    write_file(name, "old log", 7);
    snprintf(name, sizeof name, "%s-journal", path);
    write_file(name, "old journal", 11);
    make_store(10);
    expect_open(0, "");
}

TEST(a_store_that_is_being_written_is_read_as_far_as_committed) {
    struct hak_store_writer *w, *second;
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    must(hak_store_create(path, 0, &w));
    must(hak_store_begin(w));
    must(put_events(w, &(struct hak_event){.base = 16, .process = 1}, 1));
    must(hak_store_commit(w));
    must(hak_store_begin(w));
    must(put_events(w, &(struct hak_event){.base = 16, .process = 1}, 1));
    fflush(NULL);
    pid_t child = fork(); /* another process: locks are held by processes */
    if (child == 0) {
        struct hak_event e;
        _exit(hak_store_open(path, &r) || hak_store_summarise(r, &summary) || summary.events != 1 ||
              !summary.being_written || summary.ended_early || hak_store_event(r, 1, &e) != 1 ||
              hak_store_event(r, 2, &e) != 0 || hak_store_resume(path, &second) != HAK_STORE_BUSY ||
              hak_store_create(path, 1, &second) != HAK_STORE_BUSY);
    }
    ck_assert_int_eq(status_of(child), 0);
    must(hak_store_attach(hak_store_writer_database(w)->connection, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert(summary.being_written);
    hak_store_close(r);
    must(hak_store_rollback(w));
    ck_assert_uint_eq(hak_store_last_event(w), 1);
    must(hak_store_begin(w));
    must(put_events(w, &(struct hak_event){.base = 32, .process = 1}, 1));
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_open(path, &r));
    struct hak_event e;
    ck_assert_int_eq(hak_store_event(r, 2, &e), 1);
    ck_assert_uint_eq(e.base, 32);
    hak_store_close(r);
}

/* Writes commits of 100 events and tells each commit through the pipe, until it is killed. */
static void write_until_killed(int pipe_fd, int resume) {
    struct hak_store_writer *w;
    if ((resume ? hak_store_resume(path, &w) : hak_store_create(path, 0, &w)) != 0)
        _exit(1);
    for (;;) {
        uint64_t last = hak_store_last_event(w);
        if (hak_store_begin(w))
            _exit(2);
        for (uint64_t id = last + 1; id <= last + 100; id++)
            if (put_event(w, &(struct hak_event){.base = id % 97 * 16 + 16, .process = 1}))
                _exit(3);
        if (put_end(w) || hak_store_put_cursor(w, &(struct hak_cursor_row){1, 1, last + 100, 0}) ||
            hak_store_commit(w))
            _exit(4);
        last += 100;
        if (write(pipe_fd, &last, sizeof last) != sizeof last)
            _exit(5);
    }
}

static int keep_cursor(void *context, const struct hak_cursor_row *row) {
    *(struct hak_cursor_row *)context = *row;
    return 0;
}

TEST(killed_writers_lose_nothing_that_was_committed) {
    uint64_t told = 0;
    for (int round = 0; round < 12; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            write_until_killed(ends[1], round > 0);
        }
        close(ends[1]);
        uint64_t goal = told + 100 * (uint64_t)(5 + round * 7), got;
        while (told < goal && read(ends[0], &got, sizeof got) == sizeof got)
            told = got;
        end_child(child);
        while (read(ends[0], &got, sizeof got) == sizeof got)
            told = got;
        close(ends[0]);
        struct hak_store_reader *r;
        struct hak_store_summary summary;
        must(hak_store_open(path, &r));
        must(hak_store_summarise(r, &summary));
        ck_assert_uint_ge(summary.events, told);
        ck_assert_uint_eq(summary.events % 100, 0);
        ck_assert(summary.ended_early && !summary.being_written);
        ck_assert_int_eq(hak_store_check(r, NULL, NULL), summary.events ? 0 : 0);
        hak_store_close(r);
        told = summary.events;
    }
    struct hak_store_writer *w;
    struct hak_cursor_row cursor = {0};
    must(hak_store_resume(path, &w));
    must(hak_store_each_cursor(w, keep_cursor, &cursor));
    ck_assert_uint_eq(cursor.position, hak_store_last_event(w));
    must(hak_store_finish(w));
    char name[320];
    snprintf(name, sizeof name, "%s-wal", path);
    ck_assert_int_ne(access(name, F_OK), 0);
    expect_open(0, "");
}

TEST(a_full_disk_is_said_and_what_was_committed_stays) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    struct stream *s = stream_new(4, 1);
    int error = 0;
    uint64_t committed = 0;
    must(hak_store_create(path, 0, &w));
    ck_assert_int_eq(sqlite3_exec(hak_store_writer_database(w)->connection,
                                  "PRAGMA max_page_count = 150", NULL, NULL, NULL),
                     SQLITE_OK);
    for (int i = 0; i < 100 && !error; i++) {
        must(hak_store_begin(w));
        for (int k = 0; k < 3000 && !error; k++) {
            struct hak_event e = stream_next(s);
            error = put_event(w, &e);
        }
        if (!error)
            error = put_end(w);
        if (!error)
            error = hak_store_commit(w);
        if (!error)
            committed = hak_store_last_event(w);
    }
    ck_assert_int_eq(error, HAK_STORE_FULL);
    ck_assert_ptr_nonnull(strstr(hak_store_message(), "the disk is full"));
    must(hak_store_rollback(w));
    ck_assert_uint_eq(hak_store_last_event(w), committed);
    ck_assert_uint_gt(committed, 0);
    must(hak_store_finish(w));
    must(hak_store_open(path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_eq(summary.events, committed);
    ck_assert(summary.ended_early); /* nothing in it tells that there was more */
    hak_store_close(r);
    must(hak_store_resume(path, &w));
    must(hak_store_begin(w));
    must(hak_store_put_loss(w,
                            &(struct hak_loss_row){.process = 1, .count = 3000, .reason = "full"}));
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_open(path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert(!summary.ended_early && summary.lost_events == 3000);
    hak_store_close(r);
    free(s);
}

/* A loss is stored whatever is known of it; the end of a stop is the end of that of its process. */
TEST(losses_without_a_reason_are_no_ends_of_stops) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    uint64_t to[3];
    must(hak_store_create(path, 0, &w));
    must(hak_store_begin(w));
    for (uint32_t i = 1; i <= 2; i++)
        must(hak_store_put_loss(w, &(struct hak_loss_row){.process = i,
                                                          .from_ns = 10,
                                                          .to_ns = HAK_LOSS_OPEN,
                                                          .reason = HAK_LOSS_STOPPED}));
    must(hak_store_put_loss(w, &(struct hak_loss_row){.process = 1, .to_ns = 20, .count = 9}));
    must(hak_store_put_loss(
        w, &(struct hak_loss_row){.process = 2, .to_ns = 30, .is_stop_end = true}));
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_open(path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_eq(summary.losses, 1);
    ck_assert_uint_eq(summary.lost_events, 9);
    ck_assert_uint_eq(summary.stops, 2);
    ck_assert_int_eq(hak_database_numbers(hak_store_database(r),
                                          "SELECT (SELECT to_ns FROM loss WHERE id = 1),"
                                          " (SELECT to_ns FROM loss WHERE id = 2),"
                                          " (SELECT to_ns FROM loss WHERE id = 3), ?1",
                                          0, to, 3),
                     1);
    ck_assert_uint_eq(to[0], HAK_LOSS_OPEN);
    ck_assert_uint_eq(to[1], 30);
    ck_assert_uint_eq(to[2], 20);
    hak_store_close(r);
}

TEST(resumed_stores_go_on_after_their_highest_numbers) {
    struct hak_store_writer *w;
    struct hak_store_high_marks marks;
    must(hak_store_create(path, 0, &w));
    must(hak_store_begin(w));
    must(hak_store_put_process(w, &(struct hak_process_row){.id = 3}));
    must(hak_store_put_thread(w, &(struct hak_thread_row){.id = 4}));
    must(hak_store_put_module(w, &(struct hak_module_row){.id = 5}));
    must(hak_store_put_node(w, &(struct hak_node_row){.id = 4000000000u}));
    must(hak_store_put_fault(w, &(struct hak_fault_row){.id = 7}));
    must(hak_store_put_meta(w, "program", "/bin/app"));
    must(hak_store_put_meta(w, "program", "/bin/other"));
    must(hak_store_commit(w));
    must(hak_store_finish(w));
    must(hak_store_resume(path, &w));
    must(hak_store_high_marks(w, &marks));
    ck_assert_uint_eq(marks.process, 3);
    ck_assert_uint_eq(marks.thread, 4);
    ck_assert_uint_eq(marks.module, 5);
    ck_assert_uint_eq(marks.node, 4000000000u);
    ck_assert_uint_eq(marks.fault, 7);
    ck_assert_str_eq(hak_store_get_meta(w, "program"), "/bin/other");
    ck_assert_ptr_null(hak_store_get_meta(w, "nothing"));
    must(hak_store_finish(w));
}

/* Only root can lay down another user's file. */
TEST(a_store_that_another_user_laid_down_is_not_gone_on_with) {
    static const char *const strange[] = {"", "-wal", "-journal"};
    struct hak_store_writer *w;
    char name[320];
    if (geteuid() != 0)
        return;
    make_store(3);
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    must(hak_store_resume(path, &w)); /* in a folder of our own */
    must(hak_store_finish(w));
    ck_assert_int_eq(chown(path, 0, 0), 0);
    ck_assert_int_eq(chmod(directory, 01777), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, strange[i]);
        if (i)
            write_file(name, "", 0);
        ck_assert_int_eq(chown(name, 12345, 12345), 0);
        ck_assert_int_eq(hak_store_resume(path, &w), HAK_STORE_NO_ACCESS);
        ck_assert_msg(strstr(hak_store_message(),
                             "belongs to user 12345 in a folder of everybody; expected user 0 or "
                             "root: choose a folder of your own"),
                      "%s", hak_store_message());
        ck_assert_int_eq(i ? unlink(name) : chown(name, 0, 0), 0);
    }
    ck_assert_int_eq(symlink(path, other), 0);
    ck_assert_int_eq(hak_store_resume(other, &w), HAK_STORE_NO_ACCESS);
    must(hak_store_resume(path, &w));
    must(hak_store_finish(w));
}

TEST(trimming_keeps_the_newest_and_tells) {
    struct hak_store_writer *w;
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    struct hak_event e;
    uint64_t id = 0, dropped = 0, all = 0;
    must(hak_store_create(path, 0, &w));
    for (int chunk = 0; chunk < 200; chunk++) {
        must(hak_store_begin(w));
        for (int i = 0; i < 2000; i++) {
            id++;
            must(put_event(w, &(struct hak_event){.ns = id * id,
                                                  .base = (id * id ^ id >> 3) * 0x9e3779b97f4a7c15 &
                                                          0xfffffffff0,
                                                  .process = 1}));
        }
        must(put_end(w));
        must(hak_store_commit(w));
        must(hak_store_trim(w, 1 << 20, &dropped));
        all += dropped;
    }
    must(hak_store_finish(w));
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_msg(status.st_size < 3 << 20, "%ld bytes", (long)status.st_size);
    must(hak_store_open(path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_gt(all, 0);
    ck_assert_uint_eq(summary.trimmed_events, all);
    ck_assert_uint_eq(summary.events, id - all);
    ck_assert_int_eq(hak_store_event(r, all, &e), 0);
    ck_assert_int_eq(hak_store_event(r, all + 1, &e), 1);
    ck_assert_int_eq(hak_store_event(r, id, &e), 1);
    ck_assert_int_eq(hak_store_check(r, NULL, NULL), 0);
    hak_store_close(r);
}

TEST(a_reader_that_stays_is_no_trouble_at_the_end) {
    struct hak_store_writer *w;
    struct hak_store_reader *stays, *r;
    struct hak_store_summary summary;
    must(hak_store_create(path, 0, &w));
    must(hak_store_begin(w));
    must(put_events(w, &(struct hak_event){.base = 16, .process = 1}, 1));
    must(hak_store_commit(w));
    must(hak_store_open(path, &stays)); /* a shell between two queries, a page in a pager */
    must(hak_store_summarise(stays, &summary));
    must(hak_store_finish(w));
    must(hak_store_open(path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_eq(summary.events, 1);
    ck_assert(!summary.being_written && !summary.ended_early);
    hak_store_close(r);
    hak_store_close(stays);
}

RUN_TESTS(.set_up = start, .tear_down = stop)
