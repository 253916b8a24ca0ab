/* The keeper with real workers: hellos taken and refused, workers and keepers killed, the end. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "collector/keeper/keeper.h"
#include "collector/link/link.h"
#include "collector/kernel/peer.h"
#include "../fake_program.h"
#include "../fuse_file.h"
#include "../held_write.h"
#include "lingering.h"
#include "../../suite.h"

static struct fake_program program;
static struct hak_keeper *keeper;
static pid_t stand_in; /* the process that says hello and that ends with the test */
static char collect[4096];

/* hakmem-collect of the build that this test is of. */
static void find_collect(void) {
    const char *build = getenv("BUILD");
    char self[4096] = "";
    if (build) {
        snprintf(collect, sizeof collect, "%.4000s/hakmem-collect", build);
    } else if (readlink("/proc/self/exe", self, sizeof self - 1) > 0) {
        char *tests = strstr(self, "/tests/unit/");
        ck_assert_ptr_nonnull(tests);
        *tests = 0;
        snprintf(collect, sizeof collect, "%.4000s/hakmem-collect", self);
    }
    ck_assert_msg(access(collect, X_OK) == 0, "%s is not built", collect);
}

static void start_keeper(void) {
    char error[512] = "";
    struct hak_keeper_options options = {.collect_path = collect};
    ck_assert_msg(hak_keeper_start(&options, &keeper, error, sizeof error) == 0, "%s", error);
}

static void set_up(void) {
    uint32_t live;
    find_collect();
    program = (struct fake_program){.memfd = -1};
    fake_directory(&program);
    fake_begin(&program, "k.db");
    fake_claim_ring(&program, 0, 0, 1, 4096);
    start_keeper();
    /* Its worker is there, and has its own end of the link alone: a process that a case forks while
     * the keeper starts it would have that end, too, and hide the worker's death. */
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 60000, &live), 0);
}

/* The program ends: nobody maps its memory. */
static void end_program(void) {
    fake_let_go(&program);
    if (stand_in) {
        end_child(stand_in);
    }
    stand_in = 0;
}

static void tear_down(void) {
    end_program();
    if (keeper) {
        hak_keeper_wait_for_live(keeper, 20000, NULL);
        hak_keeper_stop(keeper, 20000);
    }
    fake_clean(&program);
}

static int connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path + 1, name, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void send_hello(int fd, const struct hak_hello *hello, size_t bytes, int memfd) {
    struct iovec piece = {(void *)hello, bytes};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (memfd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        memcpy(CMSG_DATA(&control.header), &memfd, sizeof memfd);
    }
    ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)bytes);
}

static struct hak_hello_answer greet_at(const char *name, const struct hak_hello *hello,
                                        int memfd) {
    struct hak_hello_answer answer = {0};
    int fd = connect_to(name);
    ck_assert_int_ge(fd, 0);
    send_hello(fd, hello, sizeof *hello, memfd);
    ck_assert_int_eq(recv(fd, &answer, sizeof answer, MSG_WAITALL), sizeof answer);
    close(fd);
    return answer;
}

static struct hak_hello_answer greet(const struct hak_hello *hello, int memfd) {
    return greet_at(hak_keeper_socket_name(keeper), hello, memfd);
}

/* Says hello from a process of its own, which stands for the program until end_program. */
static void join_keeper_at(const char *name) {
    _Atomic uint32_t *said = &program.session->orphans_taken; /* any shared word */
    atomic_store(said, 0);
    stand_in = fork();
    if (stand_in == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
        struct hak_hello hello = fake_hello(&program);
        struct hak_hello_answer answer = greet_at(name, &hello, program.memfd);
        bool right = answer.accepted && strcmp(answer.session_name, name) == 0;
        atomic_store(said, right ? 1 : 2);
        close(program.memfd);
        pause();
        _exit(0);
    }
    while (atomic_load(said) == 0)
        usleep(1000);
    ck_assert_uint_eq(atomic_load(said), 1);
    close(program.memfd);
    program.memfd = -1;
}

static void join_keeper(void) {
    join_keeper_at(hak_keeper_socket_name(keeper));
}

static int64_t ask(const char *query) {
    char path[256];
    sqlite3 *database;
    sqlite3_stmt *row = NULL;
    snprintf(path, sizeof path, "%s/k.db", program.directory);
    ck_assert_int_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000);
    ck_assert_msg(sqlite3_prepare_v2(database, query, -1, &row, NULL) == SQLITE_OK, "%s", query);
    int64_t value = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(database);
    return value;
}

static bool has_wal(void) {
    char path[256];
    snprintf(path, sizeof path, "%s/k.db-wal", program.directory);
    return access(path, F_OK) == 0;
}

static bool is_gone(void) {
    return !has_wal();
}

/* The worker that this test's keeper has started: a living child that runs hakmem-collect. */
static pid_t child_worker(void) {
    DIR *all = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; (entry = readdir(all)) != NULL && !found;) {
        char path[300], text[4096];
        pid_t pid = atoi(entry->d_name);
        struct hak_peer peer;
        if (pid <= 0 || !hak_peer_read(pid, &peer) || peer.parent != getpid() || peer.state == 'Z')
            continue;
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        int fd = open(path, O_RDONLY);
        ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : 0;
        /* Behind the emulator's path, where there is one. */
        if (got > 0 && memmem(text, (size_t)got, "hakmem-collect", strlen("hakmem-collect")))
            found = pid;
        close(fd);
    }
    closedir(all);
    return found;
}

static void wait_until(bool (*done)(void), const char *what) {
    for (int i = 0; i < 1800 && !done(); i++)
        usleep(50000);
    ck_assert_msg(done(), "waited 90 s for: %s", what);
}

static bool tail_is_at_head(void) {
    return atomic_load(&fake_ring(&program, 0)->tail) == atomic_load(&fake_ring(&program, 0)->head);
}

TEST(stores_and_closes) {
    uint32_t live = 99;
    char path[4096];
    join_keeper();
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    fake_let_pass();
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    ck_assert_uint_eq(live, 1);
    ck_assert_uint_eq(hak_keeper_sessions(keeper), 1);
    hak_keeper_store_path(keeper, path, sizeof path);
    ck_assert_ptr_nonnull(strstr(path, "/k.db"));
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 1);
    wait_until(tail_is_at_head, "the record's commit");
    ck_assert_int_eq(ask("SELECT sum(events) FROM chunk"), 1);
    ck_assert_uint_gt(atomic_load(&program.session->keeper_heartbeat_ns), 0);
    ck_assert_uint_gt(atomic_load(&program.session->worker_heartbeat_ns), 0);
}

static void refused(struct hak_hello hello, int memfd, const char *why) {
    struct hak_hello_answer answer = greet(&hello, memfd);
    ck_assert_uint_eq(answer.accepted, 0);
    ck_assert_msg(strstr(answer.why, why) != NULL, "\"%s\" is not about \"%s\"", answer.why, why);
}

TEST(hears_a_program_before_its_worker_is_there) {
    uint32_t live;
    char path[4096];
    struct hak_hello hello = fake_hello(&program);
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_CLOSED);
    start_keeper();
    ck_assert_uint_eq(greet(&hello, program.memfd).accepted, 1);
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    ck_assert_uint_eq(hak_keeper_sessions(keeper), 1);
    hak_keeper_store_path(keeper, path, sizeof path);
    ck_assert_ptr_nonnull(strstr(path, "/k.db"));
}

TEST(refuses_what_is_no_session) {
    struct hak_hello good = fake_hello(&program), hello = good;
    hello.magic++;
    refused(hello, program.memfd, "no hello");
    hello = good;
    hello.version++;
    refused(hello, program.memfd, "versions");
    hello = good;
    hello.total_bytes -= 4096;
    refused(hello, program.memfd, "size");
    hello = good;
    hello.machine = EM_X86_64 + EM_AARCH64 - HAK_ELF_MACHINE;
    refused(hello, program.memfd,
            "for another processor than this hakmem-collect, which is for " HAK_ARCH_WORDS
            ": HAKMEM_COLLECT names the one that was built with it");
    refused(good, -1, "no session memory");
    int file = open("/dev/zero", O_RDWR);
    refused(good, file, "no session memory");
    int memory = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    ck_assert_int_eq(ftruncate(memory, (off_t)FAKE_BYTES), 0);
    refused(good, memory, "not sealed");
    ck_assert_int_eq(fcntl(memory, F_GET_SEALS), 0);
    ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    refused(good, memory, "no lock");
    ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
    refused(good, memory, "of that alone");
    close(memory);
    ck_assert_uint_eq(hak_keeper_sessions(keeper), 0);
}

TEST(takes_a_hello_in_pieces_and_forgets_silent_guests) {
    int silent[80];
    for (int i = 0; i < 80; i++)
        silent[i] = connect_to(hak_keeper_socket_name(keeper));
    struct hak_hello hello = fake_hello(&program);
    struct hak_hello_answer answer = {0};
    int fd = connect_to(hak_keeper_socket_name(keeper));
    send_hello(fd, &hello, 5, program.memfd);
    usleep(20000);
    ck_assert_int_eq(send(fd, (char *)&hello + 5, sizeof hello - 5, 0), sizeof hello - 5);
    ck_assert_int_eq(recv(fd, &answer, sizeof answer, MSG_WAITALL), sizeof answer);
    ck_assert_uint_eq(answer.accepted, 1);
    close(fd);
    for (int i = 0; i < 80; i++)
        close(silent[i]);
}

TEST(starts_another_worker_and_loses_nothing) {
    uint32_t n = 0;
    join_keeper();
    for (int death = 0; death < 3; death++) {
        for (int i = 0; i < 100; i++)
            fake_event(&program, 0, HAK_MALLOC, n++, 1, 0);
        wait_until(tail_is_at_head, "a commit");
        pid_t worker = child_worker();
        ck_assert_int_gt(worker, 0);
        kill(worker, SIGKILL);
        for (int i = 0; i < 100; i++)
            fake_event(&program, 0, HAK_MALLOC, n++, 1, 0);
    }
    wait_until(tail_is_at_head, "the last commit");
    ck_assert_int_eq(ask("SELECT sum(events) FROM chunk"), n);
    ck_assert_int_eq(ask("SELECT count(*) FROM process"), 1);
    ck_assert_int_eq(ask("SELECT count(*) FROM loss"), 0);
}

/* A child of the worker that stands still has its end of the link, and outlives it. */
TEST(sees_the_death_of_a_worker_whose_link_others_have) {
    char script[300], held[300], real[sizeof collect];
    pid_t holder = 0;
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_CLOSED);
    snprintf(script, sizeof script, "%s/wrapper", program.directory);
    snprintf(held, sizeof held, "%s/held", program.directory);
    FILE *file = fopen(script, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\n[ -e '%s' ] || { sleep 150 & echo $! >'%s'; }\nexec '%s' \"$@\"\n",
            held, held, collect);
    fclose(file);
    ck_assert_int_eq(chmod(script, 0700), 0);
    memcpy(real, collect, sizeof real);
    snprintf(collect, sizeof collect, "%s", script);
    start_keeper();
    join_keeper();
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    wait_until(tail_is_at_head, "a commit");
    file = fopen(held, "r");
    ck_assert(file && fscanf(file, "%d", &holder) == 1);
    fclose(file);
    ck_assert_int_eq(kill(holder, 0), 0);
    pid_t worker = child_worker();
    ck_assert_int_gt(worker, 0);
    kill(worker, SIGKILL);
    fake_event(&program, 0, HAK_MALLOC, 2, 1, 0);
    wait_until(tail_is_at_head, "a commit by another worker");
    ck_assert_int_eq(kill(holder, SIGKILL), 0);
    memcpy(collect, real, sizeof collect);
}

/* A keeper in a process of its own. A child of that has all of its descriptors, and outlives it. */
static pid_t start_keeper_with_child(char name[108], pid_t *child) {
    struct words {
        _Atomic int32_t child;
        char name[108];
    } *said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t test = getpid(), owner = fork();
    if (owner == 0) {
        uint32_t live;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fake_let_go(&program);
        start_keeper();
        ck_assert_int_eq(hak_keeper_wait_committed(keeper, 60000, &live), 0);
        snprintf(said->name, sizeof said->name, "%s", hak_keeper_socket_name(keeper));
        pid_t pid = fork();
        while (pid == 0 && kill(test, 0) == 0)
            usleep(100000);
        if (pid == 0)
            _exit(0);
        atomic_store(&said->child, pid);
        for (;;)
            pause();
    }
    while (atomic_load(&said->child) == 0)
        usleep(1000);
    memcpy(name, said->name, sizeof said->name);
    *child = atomic_load(&said->child);
    return owner;
}

TEST(is_replaced_when_it_dies_and_others_have_its_link) {
    char name[108];
    pid_t child;
    hak_keeper_stop(keeper, 20000);
    keeper = NULL;
    pid_t owner = start_keeper_with_child(name, &child);
    join_keeper_at(name);
    end_child(owner);
    ck_assert_int_eq(kill(child, 0), 0);
    uint64_t beat = fake_monotonic();
    for (int i = 0; i < 400 && atomic_load(&program.session->keeper_heartbeat_ns) < beat; i++)
        usleep(50000);
    ck_assert_uint_gt(atomic_load(&program.session->keeper_heartbeat_ns), beat);
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    wait_until(tail_is_at_head, "a commit");
    kill(child, SIGKILL);
    end_program();
    wait_until(is_gone, "the store to be closed");
}

/* A program without `run`: it starts the keeper itself and says hello over a socketpair. */
static pid_t start_own_keeper(char name[108]) {
    struct words {
        _Atomic int32_t keeper;
        char name[108];
    } *said = mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    stand_in = fork();
    if (stand_in == 0) {
        int pair[2];
        char *arguments[] = {"hakmem-collect", "--keeper", NULL};
        struct hak_hello_answer answer = {0};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fake_claim_process(&program, 0, getpid(), UINT32_MAX, 0);
        struct hak_hello hello = fake_hello(&program);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        pid_t pid = hak_link_spawn(collect, arguments, pair[1]);
        close(pair[1]);
        send_hello(pair[0], &hello, sizeof hello, program.memfd);
        ck_assert_int_eq(recv(pair[0], &answer, sizeof answer, MSG_WAITALL), sizeof answer);
        close(program.memfd);
        memcpy(said->name, answer.session_name, sizeof said->name);
        atomic_store(&said->keeper, answer.accepted ? pid : -1);
        pause();
        _exit(0);
    }
    while (atomic_load(&said->keeper) == 0)
        usleep(1000);
    memcpy(name, said->name, sizeof said->name);
    close(program.memfd);
    program.memfd = -1;
    return atomic_load(&said->keeper);
}

/* The keeper is killed: the worker starts another one, which keeps the socket's name, and the end
 * is an orderly one. */
TEST(is_replaced_when_it_dies) {
    char name[108];
    hak_keeper_stop(keeper, 20000);
    keeper = NULL;
    pid_t pid = start_own_keeper(name);
    ck_assert_int_gt(pid, 0);
    for (int death = 0; death < 2; death++) {
        for (int i = 0; i < 100; i++)
            fake_event(&program, 0, HAK_MALLOC, (uint32_t)(death * 100 + i), 1, 0);
        wait_until(tail_is_at_head, "a commit");
        if (death == 1)
            break;
        kill(pid, SIGKILL);
        uint64_t beat = fake_monotonic();
        for (int i = 0; i < 400 && atomic_load(&program.session->keeper_heartbeat_ns) < beat; i++)
            usleep(50000);
        ck_assert_uint_gt(atomic_load(&program.session->keeper_heartbeat_ns), beat);
        int fd = connect_to(name);
        ck_assert_int_ge(fd, 0);
        close(fd);
    }
    ck_assert_int_eq(ask("SELECT sum(events) FROM chunk"), 200);
    end_program();
    wait_until(is_gone, "the store to be closed");
    ck_assert_int_eq(ask("SELECT count(*) FROM loss"), 0);
}

/* Copies hakmem-collect to `path`. */
static void copy_collect(const char *path) {
    char bytes[65536];
    int from = open(collect, O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
    for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
        ck_assert_int_eq(write(to, bytes, (size_t)got), got);
    close(from);
    close(to);
}

/* A revived keeper's worker was killed before it had handed a session over, and no other one can be
 * started: there is nothing to be done, and nobody else could end it. */
TEST(ends_when_revived_without_a_worker) {
    static struct hak_link_message config = {.type = HAK_LINK_CONFIG, .next_number = 3};
    struct sockaddr_un any = {.sun_family = AF_UNIX}; /* the kernel gives it an abstract name */
    char path[256];
    char *arguments[] = {path, (char *)"--keeper", (char *)"--revived", NULL};
    int status, pair[2], listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&any, sizeof any.sun_family), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    snprintf(path, sizeof path, "%s/hakmem-collect", program.directory);
    copy_collect(path);
    ck_assert_int_eq(hak_link_pair(pair), 0);
    pid_t revived = hak_link_spawn(path, arguments, pair[1]);
    ck_assert_int_gt(revived, 0);
    close(pair[1]);
    ck_assert_int_eq(hak_link_send_wait(pair[0], &config, listening), 0);
    close(listening);
    struct pollfd p = {.fd = pair[0], .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, -1), 1); /* it has taken over, and asks for an end */
    ck_assert_int_eq(unlink(path), 0);
    close(pair[0]);
    ck_assert_int_eq(waitpid(revived, &status, 0), revived);
    ck_assert_int_eq(status, 0);
}

TEST(leaves_one_closed_file) {
    uint32_t live = 99;
    join_keeper();
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    end_program();
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    ck_assert_uint_eq(live, 0);
    ck_assert_int_eq(ask("SELECT sum(events) FROM chunk"), 1);
    ck_assert_int_eq(ask("SELECT end_kind FROM process"), 2);
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_CLOSED);
    keeper = NULL;
    ck_assert(!has_wal());
}

/* `run` ends while a process of the tree lives: that one goes on being recorded. */
TEST(hands_over_what_still_lives) {
    join_keeper();
    fake_event(&program, 0, HAK_MALLOC, 1, 1, 0);
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_HANDED_OVER);
    keeper = NULL;
    fake_event(&program, 0, HAK_MALLOC, 2, 1, 0);
    wait_until(tail_is_at_head, "a commit under the new keeper");
    end_program();
    wait_until(is_gone, "the store to be closed");
    ck_assert_int_eq(ask("SELECT sum(events) FROM chunk"), 2);
}

TEST(ends_without_any_session) {
    uint32_t live = 99;
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    ck_assert_uint_eq(live, 0);
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_CLOSED);
    keeper = NULL;
}

/* A process of the same user opens one silent connection as it closes the last. */
static pid_t start_knocking(void) {
    pid_t knocker = fork();
    if (knocker != 0)
        return knocker;
    fake_let_go(&program); /* else the session would live with it */
    for (int last = -1, next;; last = next) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        next = connect_to(hak_keeper_socket_name(keeper));
        if (last >= 0)
            close(last);
        usleep(300);
    }
}

TEST(ends_beside_silent_connections) {
    uint32_t live;
    join_keeper();
    pid_t knocker = start_knocking();
    usleep(200000);
    end_program();
    ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    ck_assert_int_eq(hak_keeper_stop(keeper, 20000), HAK_STORE_CLOSED);
    keeper = NULL;
    end_child(knocker);
    ck_assert(!has_wal());
}

TEST(says_what_is_missing) {
    struct hak_keeper *none;
    char error[512] = "";
    struct hak_keeper_options options = {.collect_path = "/nowhere/hakmem-collect"};
    ck_assert_int_eq(hak_keeper_start(&options, &none, error, sizeof error), -1);
    ck_assert_ptr_nonnull(strstr(error, "/nowhere/hakmem-collect"));
}

TEST(reads_names_with_brackets) {
    struct hak_peer peer;
    ck_assert(hak_peer_parse("12 (a) R 9 (b)) S 34 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 "
                             "98765 1000 200",
                             &peer));
    ck_assert_int_eq(peer.parent, 34);
    ck_assert_uint_eq(peer.start_time, 98765);
    ck_assert_int_eq(peer.state, 'S');
    ck_assert(!peer.has_ended);
    ck_assert(!hak_peer_parse("12 (a S 1", &peer));
    ck_assert(hak_peer_parse("12 (a) Z 34 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 2 0 98765 0 0", &peer));
    ck_assert(!peer.has_ended); /* another thread runs */
    ck_assert(hak_peer_parse("12 (a) Z 34 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 98765 0 0", &peer));
    ck_assert(peer.has_ended);
    ck_assert(hak_peer_read(getpid(), &peer));
    ck_assert_int_eq(peer.parent, getppid());
    struct hak_known_process known = {.pid = getppid()};
    ck_assert(hak_peer_descends(getpid(), &known, 1));
    ck_assert(hak_peer_read(getppid(), &peer));
    known.start_time = peer.start_time;
    ck_assert(hak_peer_descends(getpid(), &known, 1));
    known.start_time++; /* the id has gone to another process */
    ck_assert(!hak_peer_descends(getpid(), &known, 1));
    known = (struct hak_known_process){.pid = getpid()};
    ck_assert(!hak_peer_descends(getppid(), &known, 1));
}

static int count_files(void) {
    DIR *files = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(files))
        count++;
    closedir(files);
    return count;
}

/* Descriptors of this process, in which the keeper runs, when those of guests are gone: at a moment
 * at which the keeper has no file of /proc open besides. */
static void await_files(int at_most) {
    int files = count_files();
    for (int waited = 0; waited < 10000 && files > at_most; waited++) {
        usleep(1000);
        files = count_files();
    }
    ck_assert_int_le(files, at_most);
}

TEST(one_process_keeps_few_idle_connections) {
    int before = count_files(), idle[200];
    for (int i = 0; i < 200; i++) {
        idle[i] = connect_to(hak_keeper_socket_name(keeper));
        ck_assert_int_ge(idle[i], 0);
        if (i % 2)
            send_hello(idle[i], &(struct hak_hello){0}, 100, -1);
    }
    await_files(before + 200 + 4);
    join_keeper(); /* it is heard as ever, and is not waited for by the end */
    for (int i = 0; i < 200; i++)
        close(idle[i]);
}

/* Two descriptors in one message: the kernel would put the second one into any room there is. */
TEST(descriptors_that_nobody_asked_for_are_closed) {
    int before = count_files(), files[2] = {0, 0};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof files)];
    } control = {.header = {CMSG_LEN(sizeof files), SOL_SOCKET, SCM_RIGHTS}};
    memcpy(CMSG_DATA(&control.header), files, sizeof files);
    for (int i = 0; i < 50; i++) {
        struct iovec piece = {(void *)"H", 1};
        struct msghdr message = {.msg_iov = &piece,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        int fd = connect_to(hak_keeper_socket_name(keeper));
        ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), 1);
        close(fd);
    }
    await_files(before);
}

TEST(nobody_speaks_for_a_stranger) {
    struct hak_hello hello = fake_hello(&program);
    hello.kind = HAK_HELLO_UNRECORDED;
    hello.child = getppid(); /* this process has not spawned it */
    struct hak_hello_answer answer = greet(&hello, -1);
    ck_assert_uint_eq(answer.accepted, 0);
    ck_assert_str_eq(answer.why, "the process is no child of the one that says so");
}

/* The namespace that it names would keep the process from being looked for. */
TEST(nobody_speaks_for_a_stranger_of_a_false_namespace) {
    struct hak_hello hello = fake_hello(&program);
    hello.kind = HAK_HELLO_UNRECORDED;
    hello.child = getppid();
    hello.pid = 1;
    hello.pid_space = 4711;
    struct hak_hello_answer answer = greet(&hello, -1);
    ck_assert_uint_eq(answer.accepted, 0);
    ck_assert_str_eq(answer.why, "the process is no child of the one that says so");
}

static uint64_t keeper_beat(void) {
    return atomic_load(&program.session->keeper_heartbeat_ns);
}

static void await_beat(uint64_t since) {
    for (int waited = 0; waited < 60000 && keeper_beat() <= since; waited++)
        usleep(1000);
    ck_assert_uint_gt(keeper_beat(), since);
}

/* The keeper's heart beats, all others are heard, the worker asks for the end, and the store is
 * closed. */
TEST(a_write_that_does_not_end_holds_nobody_up) {
    struct held_write held, unsealed;
    uint32_t live;
    int memfd = dup(program.memfd);
    int other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct hak_hello hello = fake_hello(&program);
    join_keeper();
    if (!held_write_begin(&held, memfd)) {
        puts("no userfaultfd here: not tried");
        close(memfd);
        return;
    }
    await_beat(fake_monotonic());
    ck_assert_int_eq(ftruncate(other, (off_t)FAKE_BYTES), 0);
    ck_assert(held_write_begin(&unsealed, other));
    refused(hello, other, "not sealed"); /* it is not sealed here: that would wait */
    end_child(stand_in);
    stand_in = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(hak_keeper_wait_committed(keeper, 20000, &live), 0);
    await_beat(fake_monotonic());
    held_write_end(&unsealed);
    held_write_end(&held);
    close(memfd);
    close(other);
}

/* A socket that lingers comes with half a hello, or is left unread behind it. */
TEST(descriptors_that_linger_hold_nobody_up) {
    struct hak_hello hello = fake_hello(&program);
    hello.kind = HAK_HELLO_UNRECORDED;
    for (int i = 0; i < 20; i++) {
        int fd = connect_to(hak_keeper_socket_name(keeper));
        ck_assert_int_ge(fd, 0);
        if (i % 2)
            send_hello(fd, &hello, sizeof hello, -1);
        lingering_send(fd, 0);
        close(fd);
    }
    for (int i = 0; i < 20; i++)
        ck_assert_uint_eq(greet(&hello, -1).accepted, 1);
    join_keeper();
}

/* In a pid namespace of its own, so that it cannot end the keeper otherwise: says hello with a file
 * whose close never comes back, behind another one, in one piece and in two. */
static void send_fuse_files(_Atomic int *said, struct fuse_held *held) {
    struct hak_hello hello = fake_hello(&program);
    int file = fuse_file_open(program.directory, held);
    if (file < 0 || unshare(CLONE_NEWPID) != 0) {
        atomic_store(said, -1);
        _exit(0);
    }
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 6; i++) {
            int fd = connect_to(hak_keeper_socket_name(keeper));
            send_hello(fd, &hello, i % 2 ? 100 : sizeof hello, file);
        }
        atomic_store(said, 1);
    }
    pause();
    _exit(0);
}

TEST(files_that_do_not_close_hold_nobody_up) {
    _Atomic int *said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct hak_hello hello = fake_hello(&program);
    struct fuse_held *held = fuse_held_make();
    hello.kind = HAK_HELLO_UNRECORDED;
    pid_t hostile = fork();
    if (hostile == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        send_fuse_files(said, held);
    }
    while (atomic_load(said) == 0)
        usleep(1000);
    if (atomic_load(said) < 0)
        puts("no FUSE or no pid namespace here: not tried");
    for (int i = 0; i < 20; i++)
        ck_assert_uint_eq(greet(&hello, -1).accepted, 1);
    join_keeper();
    await_beat(fake_monotonic());
    fuse_end(held);
    end_child(hostile);
}

/* As such a program a good one is heard, too. */
TEST(hears_a_session_from_another_pid_namespace) {
    _Atomic uint32_t *said = &program.session->orphans_taken; /* any shared word */
    stand_in = fork();
    if (stand_in == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWPID) != 0) {
            atomic_store(said, 3);
            _exit(0);
        }
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            struct hak_hello hello = fake_hello(&program);
            struct hak_hello_answer answer = {0};
            int fd = connect_to(hak_keeper_socket_name(keeper));
            send_hello(fd, &hello, 5, program.memfd);
            usleep(20000);
            send(fd, (char *)&hello + 5, sizeof hello - 5, 0);
            recv(fd, &answer, sizeof answer, MSG_WAITALL);
            atomic_store(said, answer.accepted ? 1 : 2);
        }
        pause();
        _exit(0);
    }
    while (atomic_load(said) == 0)
        usleep(1000);
    ck_assert_uint_ne(atomic_load(said), 2);
    ck_assert_uint_eq(hak_keeper_sessions(keeper), atomic_load(said) == 1);
}

/* A byte that only recv with MSG_OOB reads keeps the socket readable. */
TEST(drops_a_guest_with_an_urgent_byte) {
    int before = count_files(), fd = connect_to(hak_keeper_socket_name(keeper));
    ck_assert_int_eq(send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL), 1);
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
    await_files(before);
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
