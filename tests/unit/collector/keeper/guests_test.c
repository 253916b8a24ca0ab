/* The keeper hears programs that say hello, some of them hostile: step by step, without the
 * keeper's thread and without a worker. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "collector/keeper/loop.h"
#include "collector/keeper/socket.h"
#include "collector/kernel/pid_namespace.h"
#include "../../suite.h"

#define NO_PID 0x7ffffff0 /* above every pid_max */

static struct hak_desk desk;
static struct hak_loop *k;
static int worker; /* its end of the link */
static struct hak_known_process speaker;

static void set_up(void) {
    int pair[2], ready[2];
    char byte;
    struct hak_peer peer;
    ck_assert(hak_desk_make(&desk));
    k = hak_loop_make("/proc/self/exe", &desk); /* which is started as a worker: be_worker */
    ck_assert_ptr_nonnull(k);
    k->worker.config.next_number = 2; /* a session came before */
    ck_assert_int_eq(hak_link_pair(pair), 0);
    k->worker.link = pair[0];
    worker = pair[1];
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(k->worker.link);
        close(worker); /* the end of the link shall be seen, from the first case on */
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    ck_assert(hak_peer_read(child, &peer));
    speaker = (struct hak_known_process){child, peer.start_time};
}

static void tear_down(void) {
    kill(speaker.pid, SIGKILL);
    waitpid(speaker.pid, NULL, 0);
    hak_loop_free(k);
    hak_desk_free(&desk);
    close(worker);
}

static const char *say(pid_t child, uint64_t space) {
    struct hak_greeting g;
    hak_greeting_open(&g, -1);
    g.hello = (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                                 .version = HAK_SESSION_VERSION,
                                 .kind = HAK_HELLO_UNRECORDED,
                                 .pid = speaker.pid,
                                 .child = child,
                                 .pid_space = space,
                                 .text = "it is static"};
    return hak_loop_note_unrecorded(k, &g, &speaker);
}

static int count_notes(struct hak_link_message *last) {
    static struct hak_link_message m;
    int descriptor, count = 0;
    while (hak_link_receive(worker, &m, &descriptor) > 0) {
        ck_assert_uint_eq(m.type, HAK_LINK_UNRECORDED);
        *last = m;
        count++;
    }
    return count;
}

/* One that is reaped already was a child, it may be: but one. */
TEST(hears_of_a_child_once, .until = 2) {
    struct hak_link_message m = {0};
    static const uint64_t spaces[] = {0, 1};
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_null(say(NO_PID, spaces[_i]));
    ck_assert_int_eq(count_notes(&m), 1);
    ck_assert_int_eq(m.hello.child, NO_PID);
    ck_assert_uint_eq(m.hello.pid_space, hak_pid_namespace_own());
    ck_assert_uint_eq(k->unrecorded.refused, 0);
}

TEST(hears_each_of_a_process_itself) {
    struct hak_link_message m = {0};
    for (int i = 0; i < 3; i++) /* it executed what is not recorded, and that executed it again */
        ck_assert_ptr_null(say(0, 0));
    ck_assert_int_eq(count_notes(&m), 3);
}

TEST(counts_what_it_does_not_pass_on) {
    struct hak_link_message m = {0};
    k->unrecorded.list = calloc(HAK_UNRECORDED_MAX, sizeof *k->unrecorded.list);
    k->unrecorded.capacity = HAK_UNRECORDED_MAX;
    k->unrecorded.count = k->unrecorded.told = HAK_UNRECORDED_MAX - 1;
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_null(say(NO_PID - i, 0));
    ck_assert_int_eq(count_notes(&m), 1);
    ck_assert_uint_eq(k->unrecorded.refused, 3);
    for (int i = 0; i < 3; i++)
        hak_loop_tell_refused(k, false);
    ck_assert_int_eq(count_notes(&m), 1);
    ck_assert_int_eq(m.peer_pid, speaker.pid);
    ck_assert_str_eq(m.hello.text,
                     "3 programs that are not recorded are not told of: 16384 were already");
    (void)say(0, 0);
    hak_loop_tell_refused(k, false); /* not each time */
    ck_assert_int_eq(count_notes(&m), 0);
    hak_loop_tell_refused(k, true);
    hak_loop_tell_refused(k, true);
    ck_assert_int_eq(count_notes(&m), 1);
    ck_assert_int_eq(strncmp(m.hello.text, "4 programs", 10), 0);
}

/* Takes what comes until the link's end; says how much as its status. */
static int be_worker(int link) {
    static struct hak_link_message m;
    int descriptor, got, sessions = 0, unrecorded = 0;
    while ((got = hak_link_receive(link, &m, &descriptor)) >= 0) {
        struct pollfd p = {.fd = link, .events = POLLIN};
        if (got == 0)
            poll(&p, 1, -1);
        sessions += got > 0 && m.type == HAK_LINK_SESSION && descriptor >= 0;
        unrecorded += got > 0 && m.type == HAK_LINK_UNRECORDED;
    }
    return sessions * 16 + unrecorded;
}

/* The messages that the keeper's worker, process `pid`, had heard when the keeper went. */
static int heard_by(pid_t pid) {
    int status = -1;
    ck_assert_int_gt(pid, 0);
    close(k->worker.link);
    k->worker.link = -1;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void fill_link(void) {
    static const struct hak_link_message m = {.type = HAK_LINK_SYNC};
    while (hak_link_send(k->worker.link, &m, -1) == 0)
        continue;
}

static void empty_link(void) {
    static struct hak_link_message m;
    int descriptor;
    while (hak_link_receive(worker, &m, &descriptor) > 0)
        ck_assert_uint_eq(m.type, HAK_LINK_SYNC);
}

TEST(tells_later_what_a_full_link_does_not_take) {
    struct hak_link_message m = {0};
    fill_link();
    ck_assert_ptr_null(say(NO_PID, 0));
    ck_assert(hak_keeper_worker_has_untold(&k->worker, &k->held, &k->unrecorded));
    empty_link();
    ck_assert(hak_loop_tell_worker(k));
    ck_assert(hak_loop_tell_worker(k));
    ck_assert(!hak_keeper_worker_has_untold(&k->worker, &k->held, &k->unrecorded));
    ck_assert_int_eq(count_notes(&m), 1);
    ck_assert_int_eq(m.hello.child, NO_PID);
}

/* Heard while no worker lives, or by one that died: the next one hears all of it. */
TEST(tells_the_next_worker_all_notes) {
    struct hak_link_message m = {0};
    ck_assert_ptr_null(say(NO_PID, 0));
    ck_assert_ptr_null(say(0, 0));
    ck_assert_int_eq(count_notes(&m), 2);
    close(worker);
    worker = -1;
    hak_loop_read_worker(k);
    ck_assert_int_eq(k->worker.link, -1);
    ck_assert_ptr_null(say(NO_PID - 1, 0));
    desk.hold = desk.hand_over = true;
    hak_loop_run(k);
    ck_assert_int_eq(heard_by(k->worker.pid), 3);
}

TEST(keeps_notes_until_a_session_came) {
    struct hak_link_message m = {0};
    k->worker.config.next_number = 1;
    ck_assert_ptr_null(say(0, 0));
    ck_assert(!hak_keeper_worker_has_untold(&k->worker, &k->held, &k->unrecorded));
    ck_assert_int_eq(count_notes(&m), 0);
    k->worker.config.next_number = 2;
    ck_assert(hak_loop_tell_worker(k));
    ck_assert_int_eq(count_notes(&m), 1);
}

/* A worker that closes the store may not hear it any more. */
TEST(goes_on_for_a_note_that_comes_at_the_end) {
    struct hak_link_message m = {0};
    k->worker.is_finishing = true;
    ck_assert_ptr_null(say(0, 0));
    ck_assert_int_eq(count_notes(&m), 0);
    m = (struct hak_link_message){.type = HAK_LINK_FINISHED, .number = 1};
    ck_assert_int_eq(hak_link_send(worker, &m, -1), 0);
    hak_loop_read_worker(k);
    ck_assert(!k->finished);
    ck_assert(hak_keeper_worker_has_untold(&k->worker, &k->held, &k->unrecorded));
    desk.hold = desk.hand_over = true;
    hak_loop_run(k);
    ck_assert_int_eq(heard_by(k->worker.pid), 1);
}

/* Processes live on: the keeper leaves when a worker has their memory, and not before: where the
 * link is full (0), and where the worker that had it is dead (1). */
TEST(leaves_when_a_worker_has_all, .until = 2) {
    int memory = memfd_create("session", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(memory, 4096), 0);
    k->held.sessions = calloc(1, sizeof *k->held.sessions);
    k->held.count = 1;
    k->held.capacity = 1;
    k->held.sessions[0] =
        (struct hak_held_session){.number = 1, .memfd = memory, .is_told = _i == 1};
    desk.hand_over = true;
    pid_t pid = 0;
    if (_i == 0) {
        fill_link();
        pid = fork();
        if (pid == 0) {
            close(k->worker.link);
            _exit(be_worker(worker));
        }
    }
    close(worker);
    worker = -1;
    hak_loop_run(k);
    ck_assert_int_eq(heard_by(pid ? pid : k->worker.pid), 16);
}

/* In a pid namespace of its own, which is known: a child is seen, or there is none. */
TEST(hears_of_no_child_that_another_namespace_has_not) {
    struct hak_link_message m = {0};
    struct hak_peer peer;
    int ready[2];
    pid_t inner = 0;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    pid_t outer = fork();
    if (outer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWPID) != 0)
            _exit(1);
        inner = fork();
        if (inner == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
        (void)!write(ready[1], &inner, sizeof inner);
        waitpid(inner, NULL, 0);
        _exit(0);
    }
    close(ready[1]);
    ssize_t got = read(ready[0], &inner, sizeof inner);
    close(ready[0]);
    if (got == sizeof inner) {
        struct hak_known_process before = speaker;
        ck_assert(hak_peer_read(inner, &peer));
        speaker = (struct hak_known_process){inner, peer.start_time};
        for (int i = 0; i < 3; i++)
            ck_assert_ptr_nonnull(say(77777, 1));
        ck_assert_int_eq(count_notes(&m), 0);
        ck_assert_ptr_null(say(0, 1)); /* of itself */
        ck_assert_int_eq(count_notes(&m), 1);
        speaker = before;
        kill(inner, SIGKILL);
    } else {
        puts("no pid namespace here: not tried");
    }
    waitpid(outer, NULL, 0);
}

/* The child that read a hello is reaped in the turns after it, not by the next such hello alone: a
 * program that looks for zombies in its pid namespace would find it there for good. */
TEST(reaps_the_child_that_read) {
    struct hak_hello hello = {
        .magic = HAK_HELLO_MAGIC, .version = HAK_SESSION_VERSION, .kind = HAK_HELLO_UNRECORDED};
    int pair[2], got = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    int i = hak_guests_add(&k->guests, pair[0]);
    k->guests.list[i].is_in_child = true;
    ck_assert_int_eq(send(pair[1], &hello, sizeof hello, 0), sizeof hello);
    struct pollfd p = {.fd = pair[0], .events = POLLIN};
    while (got == 0 && poll(&p, 1, -1) > 0)
        got = hak_guests_read(&k->guests, i, true);
    ck_assert_int_eq(got, 1);
    ck_assert_int_eq(k->guests.readers.count, 1);
    for (int turn = 0; turn < 10000 && k->guests.readers.count > 0; turn++) {
        hak_guests_look(&k->guests, 0);
        usleep(1000);
    }
    ck_assert_int_eq(k->guests.readers.count, 0);
    close(pair[1]);
}

/* Sockets that others left may need the last room: nobody more is taken, and nobody is sent away.
 */
TEST(takes_nobody_without_room) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof address;
    char name[108] = "";
    k->listening = hak_socket_open(name);
    ck_assert_int_ge(k->listening, 0);
    ck_assert_int_eq(getsockname(k->listening, (struct sockaddr *)&address, &bytes), 0);
    int program = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(program, (struct sockaddr *)&address, bytes), 0);
    k->guests.leaving.count = HAK_LEAVING_SOCKETS - 2;
    ck_assert(!hak_guests_has_room(&k->guests));
    ck_assert(hak_loop_accept_guests(k, k->listening));
    ck_assert_int_eq(k->guests.count, 0);
    k->guests.leaving.count = 0;
    while (!hak_loop_accept_guests(k, k->listening)) /* its time was over */
        continue;
    ck_assert_int_eq(k->guests.count, 1);
    close(program);
}

/* A program that comes in the moment when the worker has closed the store is not told that it is
 * heard: it finds the connection closed then, and starts the next keeper. */
TEST(accepts_nobody_at_its_end) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof address;
    char name[108] = "", byte;
    struct hak_hello hello = {.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .kind = HAK_HELLO_UNRECORDED,
                              .pid = getpid()};
    struct hak_link_message m = {.type = HAK_LINK_FINISHED, .number = 1};
    k->listening = hak_socket_open(name);
    ck_assert_int_eq(getsockname(k->listening, (struct sockaddr *)&address, &bytes), 0);
    int program = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(program, (struct sockaddr *)&address, bytes), 0);
    ck_assert_int_eq(send(program, &hello, sizeof hello, 0), sizeof hello);
    ck_assert_int_eq(hak_link_send(worker, &m, -1), 0);
    hak_loop_run(k);
    ck_assert(k->finished);
    ck_assert_int_eq(recv(program, &byte, 1, MSG_DONTWAIT), -1);
    close(program);
}

/* Those that came before it are waited for, for a second; those that come later are not. */
TEST(no_wait_is_prolonged) {
    uint64_t now = hak_time_ms();
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    hak_loop_add_guest(k, pair[1]);
    ck_assert_int_eq(k->guests.count, 1);
    k->guests.list[0].due_ms = now + 1000; /* it came 4 s ago */
    k->sync_since_ms = now;
    ck_assert(hak_loop_sync_awaits_guests(k));
    k->guests.list[0].due_ms = now + 5001; /* it came after that */
    ck_assert(!hak_loop_sync_awaits_guests(k));
    k->sync_passes = 1; /* others may be in the queue */
    ck_assert(hak_loop_sync_awaits_guests(k));
    k->finish_since_ms = now;
    ck_assert(hak_loop_finish_awaits_guests(k));
    k->finish_since_ms = now - 6000;
    ck_assert(!hak_loop_finish_awaits_guests(k));
    close(pair[0]);
}

static int run_or_work(const struct suite *suite, int count, char **arguments) {
    if (count == 2 && strcmp(arguments[1], "--worker") == 0)
        return be_worker(HAK_LINK_SOCKET);
    return run_suite(suite);
}
RUN_TESTS(.run = run_or_work, .set_up = set_up, .tear_down = tear_down)
