/* Recording begins: a keeper is started and the program sees nothing of it; and it goes on when
 * that keeper is killed. The test program itself is the keeper that is executed. */
#include "unit/trace/fake_collector.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "trace/memory/memory.h"
#include "trace/collector/collector.h"
#include "trace/protocol.h"
#include "trace/ring/ring.h"
#include "trace/wait.h"

/* ---- the keeper ------------------------------------------------------------------------------ */

/* The state that the keeper found when it was executed; handed back through a file. */
struct keeper_facts {
    int32_t pid;
    uint32_t magic_was_right, files, has_preload, has_hakmem, has_path;
    int32_t session;
    uint32_t blocked_signals, handled_signals;
    uint64_t open_files_limit, hard_files_limit;
    struct hak_hello hello;
};

static uint32_t count_files(void) {
    uint32_t bits = 0;
    for (int file = 0; file < 32; file++)
        if (fcntl(file, F_GETFD) >= 0)
            bits |= 1u << file;
    return bits;
}

static uint32_t has_variable(const char *prefix) {
    for (char **variable = environ; *variable; variable++)
        if (strncmp(*variable, prefix, strlen(prefix)) == 0)
            return 1;
    return 0;
}

/* Reads the hello and its memfd from `from`. */
static int receive(int from, struct hak_hello *hello) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec piece = {hello, sizeof *hello};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control.bytes};
    int memory = -1;
    if (recvmsg(from, &message, MSG_WAITALL) == (ssize_t)sizeof *hello && CMSG_FIRSTHDR(&message))
        memcpy(&memory, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof memory);
    return memory;
}

static int run_as_keeper(void) {
    struct keeper_facts facts = {.pid = getpid(), .files = count_files()};
    facts.has_preload = has_variable("LD_PRELOAD=") | has_variable("DEBUGINFOD_URLS=");
    facts.has_hakmem = has_variable("HAKMEM_");
    facts.has_path = has_variable("PATH=");
    facts.session = getsid(0);
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 32; number++) {
        struct sigaction action;
        facts.blocked_signals += (uint32_t)sigismember(&blocked, number);
        if (sigaction(number, NULL, &action) == 0)
            facts.handled_signals += action.sa_handler != SIG_DFL;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    facts.open_files_limit = limit.rlim_cur;
    facts.hard_files_limit = limit.rlim_max;
    int memory = receive(HAK_KEEPER_SOCKET, &facts.hello);
    struct hak_session *session =
        mmap(NULL, facts.hello.total_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    facts.magic_was_right = session != MAP_FAILED && session->magic == HAK_SESSION_MAGIC;
    int out = open(getenv("FAKE_KEEPER_OUT"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (write(out, &facts, sizeof facts) != (ssize_t)sizeof facts)
        return 1;
    struct hak_hello_answer answer = {
        .magic = HAK_HELLO_MAGIC, .version = HAK_SESSION_VERSION, .accepted = 1};
    snprintf(answer.session_name, sizeof answer.session_name, "hakmem-test-%d", getpid());
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path + 1, answer.session_name);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t bytes =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(answer.session_name));
    if (bind(listener, (struct sockaddr *)&address, bytes) != 0 || listen(listener, 8) != 0)
        return 1;
    if (write(HAK_KEEPER_SOCKET, &answer, sizeof answer) != (ssize_t)sizeof answer)
        return 1;
    /* A program that ends after its keeper was killed may start another one: that ends with its
     * program. */
    for (int i = 0; i < 3000 && kill(facts.hello.pid, 0) == 0; i++) { /* half a minute at most */
        atomic_store(&session->keeper_heartbeat_ns, hak_monotonic_ns());
        usleep(10000);
    }
    return 0;
}

/* ---- the tests ------------------------------------------------------------------------------- */

static struct fake_collector collector;
static char out_path[PATH_MAX];
static volatile int children_ended;

static void on_child(int number) {
    (void)number;
    children_ended++;
}

/* The facts of keeper number `index`, from 0. */
static struct keeper_facts keeper_facts(int index) {
    struct keeper_facts facts;
    int file = open(out_path, O_RDONLY);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq((int)pread(file, &facts, sizeof facts, index * (off_t)sizeof facts),
                     (int)sizeof facts);
    close(file);
    return facts;
}

static void prepare(void) {
    static char *no_environment[] = {NULL};
    const char *folder = getenv("TMPDIR");
    snprintf(out_path, sizeof out_path, "%s/hakmem-start-test.%d", folder ? folder : "/tmp",
             getpid());
    unlink(out_path);
    setenv("FAKE_KEEPER_OUT", out_path, 1);
    setenv("LD_PRELOAD", "", 1);
    setenv("DEBUGINFOD_URLS", "http://127.0.0.1:1/", 1);
    setenv("HAKMEM_LOG", "somewhere", 1);
    unsetenv("HAKMEM_SESSION");
    hak_options_read(no_environment);
    strcpy(hak_options.collect, "/proc/self/exe");
    signal(SIGCHLD, on_child);
    children_ended = 0;
}

static void start(void) {
    prepare();
    errno = 77;
    hak_trace_start();
    ck_assert_int_eq(errno, 77);
    ck_assert_ptr_nonnull(hak_current.session);
    memset(&collector, 0, sizeof collector);
    collector.session = hak_current.session;
}

static void end_keeper(int index) {
    kill(keeper_facts(index).pid, SIGKILL);
    unlink(out_path);
}

TEST(the_program_sees_nothing_of_its_keeper) {
    struct rlimit small = {100, 4096};
    setrlimit(RLIMIT_NOFILE, &small);
    int left_open = open("/dev/null", O_RDONLY); /* inherited by careless programs */
    uint32_t before = count_files();
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    start();
    ck_assert_uint_eq(count_files(), before);
    for (int file = 32; file < 100; file++)
        ck_assert_int_eq(fcntl(file, F_GETFD), -1);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(children_ended, 0);
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));

    struct keeper_facts facts = keeper_facts(0);
    ck_assert_uint_eq(facts.magic_was_right, 1);
    ck_assert_uint_eq(facts.files, 15); /* 0, 1, 2 and the socket */
    ck_assert_uint_eq(facts.has_preload, 0);
    ck_assert_uint_eq(facts.has_hakmem, 0);
    ck_assert_uint_eq(facts.has_path, 1);
    ck_assert_int_ne(facts.session, getsid(0));
    ck_assert_uint_eq(facts.blocked_signals, 0);
    ck_assert_uint_eq(facts.handled_signals, 0);
    ck_assert_uint_eq(facts.open_files_limit, facts.hard_files_limit);
    ck_assert_int_eq(facts.hello.pid, getpid());
    ck_assert_uint_gt(facts.hello.start_time, 0);
    close(left_open);
    end_keeper(0);
}

TEST(the_first_records_tell_of_the_process) {
    start();
    record_number(1);
    fake_drain(&collector);
    ck_assert_uint_eq(hak_record_kind_of(&collector.seen[0].record), HAK_THREAD_START);
    ck_assert_uint_eq(hak_record_kind_of(&collector.seen[2].record), HAK_PROCESS_START);
    ck_assert_uint_gt(fake_count(&collector, HAK_MODULE_LOAD), 2); /* it, libc, libcheck ... */
    const struct hak_session *session = collector.session;
    ck_assert_uint_eq(session->version, HAK_SESSION_VERSION);
    ck_assert_uint_ne(session->session_id, 0);
    ck_assert_ptr_nonnull(strstr(session->program, "start_test"));
    ck_assert_ptr_nonnull(strstr(session->command_line, "start_test"));
    ck_assert_int_eq(session->store_path[0], '/');
    char end[40];
    snprintf(end, sizeof end, "/hakmem.start_test.%d.db", getpid());
    ck_assert_str_eq(strrchr(session->store_path, '/'), end);
    end_keeper(0);
}

/* With LD_PRELOAD the variable is added before main; here it is there already, with another value.
 */
TEST(executed_programs_learn_the_name) {
    prepare();
    setenv("HAKMEM_SESSION", "hakmem-nobody", 1);
    strcpy(hak_options.session, "hakmem-nobody"); /* its keeper is gone: another one is started */
    hak_trace_start();
    ck_assert_ptr_nonnull(hak_current.session);
    char due[80];
    snprintf(due, sizeof due, "hakmem-test-%d", keeper_facts(0).pid);
    const char *session = getenv("HAKMEM_SESSION"); /* the name, a colon, the store's path */
    ck_assert_uint_eq(strcspn(session, ":"), strlen(due));
    ck_assert_int_eq(strncmp(session, due, strlen(due)), 0);
    ck_assert_str_eq(session + strlen(due) + 1, hak_current.session->store_path);
    ck_assert_str_eq(hak_current.keeper_name, due);
    end_keeper(0);
}

/* Puts the text that hak_trace_start writes to stderr when the collector is `path` and files may
 * have `most` bytes into `said`. */
static void start_with(const char *path, uint64_t most, char *said, size_t bytes) {
    int ends[2], before = dup(2);
    ck_assert_int_eq(pipe(ends), 0);
    prepare();
    strcpy(hak_options.collect, path);
    strcpy(hak_options.trace_file, out_path);
    hak_options.trace_max_bytes = most;
    setenv("HAKMEM_SESSION", "", 1);
    dup2(ends[1], 2);
    hak_trace_start();
    dup2(before, 2);
    close(ends[1]);
    ssize_t got = read(ends[0], said, bytes - 1);
    said[got > 0 ? got : 0] = 0;
    close(ends[0]);
}

static const char *const no_collectors[] = {"/nowhere/hakmem-collect", "/etc/passwd", "/bin/true"};

TEST(without_a_collector_nor_a_file_one_line_says_so, .until = 3) {
    char said[2000];
    start_with(no_collectors[_i], HAK_SESSION_BYTES_MIN - 1, said, sizeof said);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: nothing is recorded: "));
    ck_assert_ptr_nonnull(strstr(said, no_collectors[_i]));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    ck_assert_ptr_null(hak_current.session);
    ck_assert_str_eq(getenv("HAKMEM_SESSION"), HAK_SESSION_NONE);
    record_number(1); /* does nothing, and nothing bad */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    for (int file = 3; file < 100; file++)
        if (fcntl(file, F_GETFD) >= 0 && file > 20)
            ck_abort_msg("descriptor %d was left open", file);
    /* Programs below stay silent. */
    strcpy(hak_options.session, HAK_SESSION_NONE);
    hak_trace_start();
    ck_assert_ptr_null(hak_current.session);
}

TEST(without_a_collector_the_newest_events_go_into_a_file, .until = 3) {
    char said[2000], path[sizeof out_path + 8], due[sizeof path + 8];
    start_with(no_collectors[_i], HAK_SESSION_BYTES_FILE / 2, said, sizeof said);
    snprintf(path, sizeof path, "%s.rings", out_path);
    ck_assert_ptr_nonnull(strstr(said, "hakmem: no collector: "));
    ck_assert_ptr_nonnull(strstr(said, no_collectors[_i]));
    ck_assert_ptr_nonnull(strstr(said, path));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
    snprintf(due, sizeof due, HAK_SESSION_RINGS "%.*s", (int)(strrchr(path, '/') - path), path);
    ck_assert_str_eq(getenv("HAKMEM_SESSION"), due);
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_eq(about.st_mode, S_IFREG | 0600);
    ck_assert_int_eq(about.st_size, HAK_SESSION_BYTES_FILE / 2);
    unlink(path);
    ck_assert_ptr_nonnull(hak_current.session);
    ck_assert_uint_eq(hak_current.session->overwrites, 1);
    /* More than any ring holds: nobody waits, nothing is dropped. */
    uint64_t many = 3 * HAK_RING_FILE_BYTES / HAK_RECORD_BYTES;
    for (uint64_t i = 0; i < many; i++)
        record_number(i);
    struct hak_ring_entry *ring = hak_writer.ring;
    ck_assert_uint_eq(atomic_load(&ring->lost), 0);
    uint64_t head = atomic_load(&ring->head);
    for (uint64_t i = 1; i <= ring->capacity; i++) {
        struct hak_record *record = hak_ring_slot(head - i);
        ck_assert_uint_eq(hak_record_unpack(record, NULL).address, 0x10000 + 16 * (many - i));
    }
    for (int file = 21; file < 100; file++)
        if (fcntl(file, F_GETFD) >= 0)
            ck_abort_msg("descriptor %d was left open", file);
}

TEST(trace_off_starts_nothing) {
    prepare();
    hak_options.trace = 0;
    hak_trace_start();
    ck_assert_ptr_null(hak_current.session);
    ck_assert_int_ne(access(out_path, F_OK), 0);
    ck_assert_uint_eq(hak_trace_thread(), 1);
    uint32_t epoch = hak_trace_epoch();
    ck_assert_uint_gt(hak_trace_epoch(), epoch);
}

/* ---- the keeper dies ------------------------------------------------------------------------- */

static _Atomic uint64_t recorded;
static _Atomic bool stop;

static void *record_on_and_on(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        record_number(atomic_fetch_add(&recorded, 1));
        if (atomic_load(&recorded) % 64 == 0)
            usleep(500);
    }
    hak_trace_thread_end();
    return NULL;
}

static void *record_a_little(void *unused) {
    (void)unused;
    for (int i = 0; i < 20; i++)
        record_number(atomic_fetch_add(&recorded, 1));
    hak_trace_thread_end();
    return NULL;
}

/* Claims and gives back rings all the time. */
static void *start_threads_on_and_on(void *unused) {
    (void)unused;
    while (!atomic_load(&stop)) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, record_a_little, NULL), 0);
        pthread_join(thread, NULL);
        usleep(1000);
    }
    return NULL;
}

TEST(a_new_keeper_gets_everything_that_was_not_committed) {
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    atomic_store(&recorded, 0);
    atomic_store(&stop, false);
    start();
    uint64_t first_id = collector.session->session_id;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, i ? record_on_and_on : start_threads_on_and_on, NULL);
    usleep(50000);
    fake_drain(&collector); /* some of it is committed */
    ck_assert_int_eq(kill(keeper_facts(0).pid, SIGKILL), 0);
    strcpy(collector.session->store_path, "/the/store/really/written.db");
    while (collector.session->session_id == first_id) {
        usleep(20000);
        hak_collector_replace_dead(100);
    }
    usleep(50000);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(collector.session->previous_id, first_id);
    ck_assert_uint_eq(collector.session->resume_store, 1);
    ck_assert_str_eq(collector.session->store_path, "/the/store/really/written.db");
    struct keeper_facts second = keeper_facts(1);
    ck_assert_uint_eq(second.magic_was_right, 1);
    ck_assert_uint_eq(second.hello.total_bytes, collector.session->total_bytes);
    ck_assert_uint_gt(collector.session->keeper_heartbeat_ns, 0); /* by the new one */
    char due[80];
    snprintf(due, sizeof due, "hakmem-test-%d", second.pid);
    ck_assert_str_eq(hak_current.keeper_name, due);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);

    fake_drain(&collector);
    uint64_t count = atomic_load(&recorded);
    unsigned char *seen = calloc(count, 1);
    for (size_t i = 0; i < collector.count; i++)
        if (hak_record_kind_of(&collector.seen[i].record) == HAK_FREE)
            seen[fake_fields(&collector, i).record_count]++;
    for (uint64_t i = 0; i < count; i++)
        ck_assert_msg(seen[i] == 1, "record %lu of %lu was read %d times", (unsigned long)i,
                      (unsigned long)count, seen[i]);
    ck_assert_uint_eq(fake_lost(&collector), 0);
    end_keeper(1);
}

TEST(a_keeper_that_lives_is_left_alone) {
    start();
    uint64_t id = collector.session->session_id;
    kill(keeper_facts(0).pid, SIGSTOP); /* no heartbeat, but it still listens */
    atomic_store(&collector.session->keeper_heartbeat_ns, 0);
    hak_collector_replace_dead(100);
    ck_assert_uint_eq(collector.session->session_id, id);
    end_keeper(0);
}

/* Puts the text that `act` writes to stderr into `said`. */
static void hear(void (*act)(void), char *said, size_t bytes) {
    FILE *heard = tmpfile();
    int before = dup(2);
    ck_assert_ptr_nonnull(heard);
    dup2(fileno(heard), 2);
    act();
    dup2(before, 2);
    close(before);
    ssize_t got = pread(fileno(heard), said, bytes - 1, 0);
    said[got > 0 ? got : 0] = 0;
    fclose(heard);
}

/* As calls of the program do, for longer than the attempts take. */
static void look_for_a_keeper(void) {
    for (int i = 0; i < 60; i++) {
        usleep(100000);
        hak_collector_replace_dead(100);
    }
}

static void end_twice(void) {
    hak_collector_make_sure();
    hak_collector_forget(); /* a child, whose parent has said it */
    hak_collector_make_sure();
}

static void check_given_up(const char *said) {
    char due[80];
    snprintf(due, sizeof due, "process %d goes on checked but unrecorded", getpid());
    ck_assert_msg(strstr(said, "hakmem: the collector died and no other one takes over: ") == said,
                  "%s", said);
    ck_assert_ptr_nonnull(strstr(said, "/nowhere/hakmem-collect (no such file)"));
    ck_assert_ptr_nonnull(strstr(said, due));
    ck_assert_ptr_nonnull(strstr(said, collector.session->store_path));
    ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}

static void kill_only_keeper(void) {
    end_keeper(0);
    while (hak_collector_answers(hak_current.keeper_name))
        usleep(1000);
    strcpy(hak_options.collect, "/nowhere/hakmem-collect");
}

TEST(who_finds_no_new_keeper_says_so_once) {
    char said[2000];
    start();
    kill_only_keeper();
    hear(look_for_a_keeper, said, sizeof said);
    check_given_up(said);
    hear(end_twice, said, sizeof said);
    ck_assert_str_eq(said, "");
}

/* Nothing is tried later. */
TEST(at_its_end_a_process_says_it_at_once) {
    char said[2000];
    start();
    kill_only_keeper();
    hear(end_twice, said, sizeof said);
    check_given_up(said);
}

TEST(a_session_for_a_report_gets_no_store_by_a_takeover) {
    start();
    uint64_t id = collector.session->session_id;
    collector.session->resume_store = HAK_RESUME_NO_STORE;
    kill(keeper_facts(0).pid, SIGKILL);
    while (collector.session->session_id == id) {
        usleep(20000);
        hak_collector_replace_dead(100);
    }
    ck_assert_uint_eq(collector.session->resume_store, HAK_RESUME_NO_STORE);
    end_keeper(1);
}

/* Only of a keeper of another network namespace is it known that it may live unseen. */
TEST(knows_the_network_namespace_of_a_keeper) {
    char name[108];
    uint64_t own = 0;
    socklen_t bytes = sizeof own;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, HAK_NETWORK_COOKIE, &own, &bytes), 0);
    close(fd);
    ck_assert(hak_collector_is_elsewhere("hakmem-0123456789abcdef0123456789abcdef-ffffffff"));
    ck_assert(hak_collector_is_elsewhere("hakmem-0123456789abcdef0123456789abcdef-ffffffff.3"));
    snprintf(name, sizeof name, "hakmem-0123456789abcdef0123456789abcdef-%llx",
             (unsigned long long)own);
    ck_assert(!hak_collector_is_elsewhere(name));
    const char *const unknown[] = {"",
                                   "hakmem-",
                                   "hakmem-nobody",
                                   "hakmem-security-1234",
                                   "hakmem-0123456789abcdef0123456789abcdef",
                                   "hakmem-0123456789abcdef0123456789abcdef-",
                                   "hakmem-0123456789abcdef0123456789abcdef-0",
                                   "hakmem-0123456789abcdef0123456789abcdef-ffx",
                                   "hakmem-0123456789abcdef-ffffffff"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        ck_assert_msg(!hak_collector_is_elsewhere(unknown[i]), "%s", unknown[i]);
}

static int run_or_keep(const struct suite *suite, int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "--keeper") == 0)
        return run_as_keeper();
    return run_suite(suite);
}
RUN_TESTS(.run = run_or_keep)
