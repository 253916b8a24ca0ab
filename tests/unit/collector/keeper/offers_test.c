/* Processes that no socket leads to offer themselves to the keeper, some of them hostile: its
 * looks, one by one, without its thread and without a worker. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "collector/keeper/loop.h"
#include "collector/keeper/socket.h"
#include "collector/kernel/session_file.h"
#include "../fake_program.h"
#include "../fuse_file.h"
#include "../../suite.h"

static struct hak_desk desk;
static struct hak_loop *k;
static struct fake_program program;
static int worker; /* its end of the link */
static pid_t offerer;
static int note_file;
static char keeper_name[64]; /* of this test alone: a keeper finds orphans all over the machine */

static void set_up(void) {
    int pair[2];
    program = (struct fake_program){.memfd = -1};
    fake_directory(&program);
    fake_begin(&program, "k.db");
    ck_assert(hak_desk_make(&desk));
    k = hak_loop_make("/nowhere", &desk);
    ck_assert_ptr_nonnull(k);
    ck_assert_int_eq(hak_link_pair(pair), 0);
    k->worker.link = pair[0];
    worker = pair[1];
    k->worker.config.wants_offers = 1;
    k->worker.config.next_number = 2; /* a session came before */
    snprintf(keeper_name, sizeof keeper_name, "hakmem-%032x-1", (unsigned)getpid());
    snprintf(k->worker.config.socket_name, sizeof k->worker.config.socket_name, "%s", keeper_name);
    offerer = 0;
}

static void end_offerer(void) {
    if (offerer) {
        end_child(offerer);
    }
    offerer = 0;
}

static void tear_down(void) {
    end_offerer();
    hak_loop_free(k);
    hak_desk_free(&desk);
    close(worker);
    fake_clean(&program);
}

/* A process in a network namespace of its own, with these memfds open from 64 on. False: not
 * allowed here. */
static bool start_offerer(const int *files, int count, void (*before)(void)) {
    int ready[2];
    char is_there = 0;
    ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
    offerer = fork();
    if (offerer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
            _exit(1);
        for (int i = 0; i < count; i++)
            dup2(files[i], HAK_LIFTED_TO + i);
        if (before)
            before();
        (void)!write(ready[1], "y", 1);
        pause();
        _exit(0);
    }
    close(ready[1]);
    ssize_t got = read(ready[0], &is_there, 1);
    close(ready[0]);
    if (got != 1)
        puts("no network namespace here: not tried");
    return got == 1;
}

static void look(int times) {
    for (int i = 0; i < times; i++) {
        k->offerers.look_due_ms = k->offerers.orphans_due_ms = 0;
        hak_loop_look_for_offers(k);
    }
}

/* Messages of this type that the worker got. */
static int count_messages(uint32_t type, struct hak_link_message *last) {
    static struct hak_link_message m;
    int descriptor, count = 0;
    while (hak_link_receive(worker, &m, &descriptor) > 0) {
        if (descriptor >= 0)
            close(descriptor);
        if (m.type == type && last)
            *last = m;
        count += m.type == type;
    }
    return count;
}

/* Does as keeper/worker.c when the worker is done with a session. */
static void forget_sessions(void) {
    while (k->held.count)
        close(k->held.sessions[--k->held.count].memfd);
}

static int make_note(pid_t pid, pid_t child, uint64_t space) {
    int file = memfd_create(HAK_HELLO_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct hak_hello hello = {.magic = HAK_HELLO_MAGIC,
                              .version = HAK_SESSION_VERSION,
                              .kind = HAK_HELLO_UNRECORDED,
                              .pid = pid,
                              .child = child,
                              .pid_space = space,
                              .text = "it is static"};
    ck_assert_int_eq(pwrite(file, &hello, sizeof hello, 0), sizeof hello);
    return file;
}

static int make_session(void) {
    struct fake_program other = program;
    other.session = NULL;
    fake_begin(&other, "k.db");
    munmap(other.session, FAKE_BYTES);
    return other.memfd;
}

static int fake_session_memfd(void) {
    /* As the program makes it, by its name. */
    int named = memfd_create(HAK_SESSION_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int file = make_session();
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    static char head[1 << 16];
    ck_assert_int_eq(ftruncate(named, (off_t)FAKE_BYTES), 0);
    ck_assert_int_eq(pread(file, head, sizeof head, 0), sizeof head);
    ck_assert_int_eq(pwrite(named, head, sizeof head, 0), sizeof head);
    ck_assert_int_eq(fcntl(named, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
    ck_assert_int_eq(fcntl(named, F_OFD_SETLK, &lock), 0);
    close(file);
    return named;
}

TEST(takes_a_session_once) {
    int files[2] = {fake_session_memfd(), -1};
    if (!start_offerer(files, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_uint_eq(desk.sessions, 1);
    ck_assert_int_eq(k->held.sessions[0].hello.pid, offerer);
    forget_sessions(); /* the worker refused it */
    look(100);
    ck_assert_uint_eq(desk.sessions, 1);
}

/* The path that would lead to the keeper is somebody else's, or /tmp cannot be written. */
TEST(takes_a_session_without_a_way) {
    int files[1] = {fake_session_memfd()}, pair[2];
    char path[128];
    struct hak_hello hello = {
        .magic = HAK_HELLO_MAGIC, .version = HAK_SESSION_VERSION, .kind = HAK_HELLO_PATH};
    struct hak_link_message m = {0};
    if (!start_offerer(files, 1, NULL))
        return;
    snprintf(path, sizeof path, "%s%s", HAK_KEEPER_FOLDER, keeper_name);
    k->worker.config.wants_offers = 0;
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    ck_assert_int_eq(send(pair[0], &hello, sizeof hello, 0), sizeof hello);
    hak_loop_add_guest(k, pair[1]);
    ck_assert_int_eq(rmdir(path), 0);
    close(pair[0]);
    ck_assert_int_eq(k->path_socket, -1);
    ck_assert_int_eq(count_messages(HAK_LINK_CONFIG, &m), 1);
    ck_assert_uint_eq(m.wants_offers, 1); /* a keeper that follows knows it */
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_uint_eq(desk.sessions, 1);
}

TEST(takes_no_memory_without_seals_or_lock) {
    int unsealed = memfd_create(HAK_SESSION_FILE_NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int unlocked = fake_session_memfd();
    struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    uint64_t magic = HAK_SESSION_MAGIC;
    ck_assert_int_eq(ftruncate(unsealed, (off_t)FAKE_BYTES), 0);
    ck_assert_int_eq(pwrite(unsealed, &magic, sizeof magic, 0), sizeof magic);
    ck_assert_int_eq(fcntl(unlocked, F_OFD_SETLK, &lock), 0);
    int files[2] = {unsealed, unlocked};
    if (!start_offerer(files, 2, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_uint_eq(desk.sessions, 0);
    ck_assert_int_eq(fcntl(unsealed, F_GET_SEALS), 0); /* nor does the keeper add any */
}

/* The name of a file on a mount that is no longer in any tree is its path from there. */
static void forge_names(void) {
    int files[2] = {-1, -1};
    static char head[1 << 16];
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", program.directory, "tmpfs", 0, NULL) != 0)
        _exit(1);
    for (int i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/memfd:%s", program.directory,
                 i ? HAK_HELLO_FILE_NAME : HAK_SESSION_FILE_NAME);
        files[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        unlink(path);
    }
    int session = fake_session_memfd(), note = make_note(getpid(), 0, 0);
    if (ftruncate(files[0], (off_t)FAKE_BYTES) != 0 ||
        pread(session, head, sizeof head, 0) != sizeof head ||
        pwrite(files[0], head, sizeof head, 0) != sizeof head ||
        pread(note, head, sizeof(struct hak_hello), 0) != sizeof(struct hak_hello) ||
        pwrite(files[1], head, sizeof(struct hak_hello), 0) != sizeof(struct hak_hello) ||
        umount2(program.directory, MNT_DETACH) != 0)
        _exit(1);
    close(session);
    close(note);
    dup2(files[0], HAK_LIFTED_TO);
    dup2(files[1], HAK_LIFTED_TO + 1);
}

TEST(opens_nothing_by_a_forged_name) {
    char link[64], target[64] = "";
    if (!start_offerer(NULL, 0, forge_names))
        return;
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)offerer, HAK_LIFTED_TO + 1);
    ck_assert_int_gt(readlink(link, target, sizeof target - 1), 0);
    ck_assert_str_eq(target, "/memfd:" HAK_HELLO_FILE_NAME " (deleted)");
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_uint_eq(desk.sessions, 0);
    ck_assert_int_eq(count_messages(HAK_LINK_UNRECORDED, NULL), 0);
}

TEST(hears_a_note_once) {
    struct hak_link_message m = {0};
    uint64_t magic = 1;
    int file = make_note(1, 0, 4711); /* of another process, it says */
    if (!start_offerer(&file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_int_eq(count_messages(HAK_LINK_UNRECORDED, &m), 1);
    ck_assert_int_eq(m.peer_pid, offerer);
    ck_assert_int_eq(m.hello.pid, offerer); /* as the kernel says */
    ck_assert_uint_ne(m.hello.pid_space, 4711);
    ck_assert_int_eq(pread(file, &magic, sizeof magic, 0), sizeof magic);
    ck_assert_uint_eq(magic, 0); /* the program knows it */
    close(file);
}

static bool take_and_read(void *magic, struct hak_greeting *offer,
                          const struct hak_known_process *who) {
    (void)offer;
    return pread(note_file, magic, sizeof(uint64_t), 0) == sizeof(uint64_t) && who->pid == offerer;
}

/* A program that goes on is no child of its parent any more when that is asked for. */
TEST(lets_it_go_on_when_its_note_is_heard) {
    uint64_t magic = 1;
    struct hak_offer_taker taker = {take_and_read, &magic};
    note_file = make_note(1, 0, 4711);
    if (!start_offerer(&note_file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    hak_offerers_look(&k->offerers, k->worker.config.socket_name, &taker);
    ck_assert_uint_eq(magic, HAK_HELLO_MAGIC);
    ck_assert_int_eq(pread(note_file, &magic, sizeof magic, 0), sizeof magic);
    ck_assert_uint_eq(magic, 0);
    close(note_file);
}

/* One that cannot be told that it was heard says it again and again. */
TEST(hears_no_note_that_cannot_be_answered) {
    int file = make_note(1, 0, 0);
    ck_assert_int_eq(fcntl(file, F_ADD_SEALS, F_SEAL_WRITE), 0);
    if (!start_offerer(&file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_int_eq(count_messages(HAK_LINK_UNRECORDED, NULL), 0);
    close(file);
}

/* A note of a process that is none of its own; the namespace that it names would keep it from being
 * looked for. */
TEST(believes_no_note_of_a_stranger) {
    int file = make_note(1, getppid(), 4711);
    if (!start_offerer(&file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    ck_assert_int_eq(count_messages(HAK_LINK_UNRECORDED, NULL), 0);
    close(file);
}

TEST(a_zombie_is_not_of_the_family) {
    siginfo_t info;
    offerer = fork();
    if (offerer == 0) {
        pause();
        _exit(0);
    }
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    kill(offerer, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)offerer, &info, WEXITED | WNOWAIT), 0);
    look(1);
    ck_assert_uint_eq(k->offerers.count, 0);
    ck_assert(!hak_offerers_add(&k->offerers, offerer, getpid()));
    ck_assert_uint_eq(k->offerers.count, 0);
}

TEST(a_child_of_another_is_not_added) {
    offerer = fork();
    if (offerer == 0) {
        pause();
        _exit(0);
    }
    ck_assert(!hak_offerers_add(&k->offerers, offerer, getppid()));
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    ck_assert(!hak_offerers_add(&k->offerers, offerer, getpid())); /* no news */
}

/* Another process has the id of one of the family by now. */
TEST(takes_nothing_of_a_successor) {
    int file = fake_session_memfd();
    if (!start_offerer(&file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    k->offerers.members[0].process.start_time--;
    k->offerers.orphans_due_ms = UINT64_MAX;
    hak_loop_look_for_offers(k);
    ck_assert_uint_eq(desk.sessions, 0);
    ck_assert_uint_eq(k->offerers.count, 0);
    close(file);
}

/* Its parent is gone before a look saw it: it is nobody's child, and known by the name that it was
 * executed with. */
static void become_orphan(const char *name, uid_t user, int file) {
    static char variable[200];
    char *arguments[] = {"sleep", "1000", NULL}, *environment[] = {variable, NULL};
    int self[2];
    snprintf(variable, sizeof variable, "HAKMEM_SESSION=%s:/tmp/k.db", name);
    ck_assert_int_eq(pipe2(self, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pid_t child = fork();
        if (child != 0)
            _exit(0);
        pid_t own = getpid();
        if (unshare(CLONE_NEWNET) != 0)
            own = -1;
        if (user && setresuid(user, user, user) != 0)
            own = -1;
        dup2(file, HAK_LIFTED_TO); /* open after exec */
        (void)!write(self[1], &own, sizeof own);
        if (own > 0)
            execve("/bin/sleep", arguments, environment);
        _exit(1);
    }
    waitpid(parent, NULL, 0);
    close(self[1]);
    ck_assert_int_eq(read(self[0], &offerer, sizeof offerer), sizeof offerer);
    char byte;
    (void)!read(self[0], &byte, 1); /* exec closes it */
    close(self[0]);
}

TEST(finds_orphans, .until = 5) {
    static const struct {
        bool is_another; /* keeper's name */
        const char *end;
        uid_t user;
        uint32_t sessions;
    } cases[] = {{false, "", 0, 1},
                 {false, ".1", 0, 1},
                 {false, "1", 0, 0},
                 {true, "", 0, 0},
                 {false, "", 65534, 0}};
    char name[96];
    snprintf(name, sizeof name, "%s%s",
             cases[_i].is_another ? "hakmem-00000000000000000000000000000000-1" : keeper_name,
             cases[_i].end);
    int file = fake_session_memfd();
    become_orphan(name, cases[_i].user, file);
    if (offerer <= 0) {
        puts("no network namespace here: not tried");
        offerer = 0;
        return;
    }
    look(20);
    kill(offerer, SIGKILL);
    offerer = 0;
    ck_assert_uint_eq(desk.sessions, cases[_i].sessions);
    close(file);
}

/* The kernel makes whoever looks at a process wait for its execve. */
TEST(one_that_cannot_be_looked_at_holds_nobody_up) {
    struct fuse_held *held = fuse_held_make();
    struct hak_peer about;
    int file = fake_session_memfd();
    pid_t hostile = fuse_hold_execve(program.directory, held, CLONE_NEWNET);
    become_orphan(keeper_name, 0, file);
    if (hostile == 0 || offerer <= 0)
        return;
    look(20); /* the hostile one is asked what it was executed with */
    ck_assert_int_eq(hak_peer_ask(hostile, &about), HAK_PEER_HELD);
    ck_assert(!hak_offerers_add(&k->offerers, hostile, getpid()));
    uint32_t sessions = desk.sessions;
    fuse_end(held);
    waitpid(hostile, NULL, 0);
    kill(offerer, SIGKILL);
    offerer = 0;
    ck_assert_uint_eq(sessions, 1);
    close(file);
}

/* Programs wait a second for a note to be heard. A twentieth of the time after a look that waited
 * for a process would be seconds. */
TEST(rests_for_half_a_second_at_most) {
    struct fuse_held *held = fuse_held_make();
    pid_t hostile = fuse_hold_execve(program.directory, held, 0);
    if (hostile == 0)
        return;
    ck_assert(hak_offerers_add(&k->offerers, getppid(), 0));
    k->offerers.members[0].process = (struct hak_known_process){hostile, 4711};
    k->offerers.orphans_due_ms = UINT64_MAX;
    uint64_t begun = hak_time_ms();
    hak_loop_look_for_offers(k);
    uint64_t ended = hak_time_ms();
    fuse_end(held);
    waitpid(hostile, NULL, 0);
    ck_assert_uint_gt(20 * (ended - begun), 500);
    ck_assert_uint_gt(k->offerers.look_due_ms, begun);
    ck_assert_uint_le(k->offerers.look_due_ms, ended + 500);
}

/* It stays of the family until it is known to be another process. */
TEST(one_of_the_family_that_executes_for_ever_holds_nobody_up) {
    struct fuse_held *held = fuse_held_make();
    int file = fake_session_memfd();
    pid_t hostile = fuse_hold_execve(program.directory, held, CLONE_NEWNET);
    if (hostile == 0 || !start_offerer(&file, 1, NULL))
        return;
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    k->offerers.members[0].process = (struct hak_known_process){hostile, 4711};
    ck_assert(hak_offerers_add(&k->offerers, offerer, getpid()));
    look(20);
    uint32_t members = k->offerers.count, sessions = desk.sessions;
    fuse_end(held);
    waitpid(hostile, NULL, 0);
    ck_assert_uint_eq(members, 2);
    ck_assert_uint_eq(sessions, 1);
    look(20);
    ck_assert_uint_eq(k->offerers.count, 1);
    close(file);
}

/* Each takes descriptors of the keeper's and the worker's. */
TEST(holds_few_living_sessions_of_one_process) {
    int files[80], accepted = 0;
    const char *why = NULL;
    struct hak_known_process who = {getpid(), 4711}, other = {getpid(), 4712};
    for (int i = 0; i < 80; i++) {
        struct hak_greeting g;
        hak_greeting_open(&g, -1);
        files[i] = fake_session_memfd();
        g.memfd = dup(files[i]);
        g.is_own = hak_session_file_make_own(&g.memfd);
        why = hak_loop_hold(k, &g, i < 79 ? &who : &other);
        accepted += why == NULL;
        if (why) {
            ck_assert_ptr_nonnull(strstr(why, "too many living sessions"));
            hak_greeting_close(&g);
        }
        if (i < 10) /* as if the next program was executed then */
            close(files[i]);
    }
    ck_assert_ptr_null(why);
    ck_assert_int_eq(accepted, 10 + 64 + 1);
    for (int i = 10; i < 80; i++)
        close(files[i]);
}

/* The process may have another user's rights by the time when the next worker hears of it. */
TEST(keeps_the_log_that_a_session_named_first) {
    static struct hak_link_message m;
    static const char first[] = "/tmp/first.log", later[] = "/tmp/later.log";
    off_t at = (off_t)offsetof(struct hak_session, log_path);
    struct hak_greeting g;
    struct hak_known_process who = {getpid(), 4711};
    int file = fake_session_memfd();
    ck_assert_int_eq(pwrite(file, first, sizeof first, at), sizeof first);
    hak_greeting_open(&g, -1);
    g.memfd = dup(file);
    g.is_own = hak_session_file_make_own(&g.memfd);
    ck_assert_ptr_null(hak_loop_hold(k, &g, &who));
    ck_assert_int_eq(count_messages(HAK_LINK_SESSION, &m), 1);
    ck_assert_str_eq(m.log_path, first);
    ck_assert_int_eq(pwrite(file, later, sizeof later, at), sizeof later);
    k->held.sessions[0].is_told = false; /* to another worker */
    ck_assert(hak_loop_tell_worker(k));
    ck_assert_int_eq(count_messages(HAK_LINK_SESSION, &m), 1);
    ck_assert_str_eq(m.log_path, first);
    close(file);
}

/* A process of another user by now, and a child of none of ours; it says hello when it may. */
static pid_t start_foreign_guest(const char *name, int go, int said) {
    int self[2];
    pid_t guest = -1;
    ck_assert_int_eq(pipe2(self, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() != 0)
            _exit(0);
        char word[200] = "";
        struct hak_hello hello = {.magic = 1};
        struct hak_hello_answer answer = {0};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int socket_file = socket(AF_UNIX, SOCK_STREAM, 0);
        socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
        while (getppid() == parent)
            usleep(1000);
        guest = setresuid(65534, 65534, 65534) == 0 ? getpid() : -1;
        (void)!write(self[1], &guest, sizeof guest);
        (void)!read(go, word, 1);
        memcpy(address.sun_path + 1, name, strlen(name));
        if (guest < 0 || connect(socket_file, (struct sockaddr *)&address, bytes) != 0)
            _exit(1);
        (void)!send(socket_file, &hello, sizeof hello, MSG_NOSIGNAL);
        (void)!write(said, "c", 1);
        (void)!recv(socket_file, &answer, sizeof answer, MSG_WAITALL);
        (void)!write(said, answer.why, sizeof answer.why);
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    close(self[1]);
    ck_assert_int_eq(read(self[0], &guest, sizeof guest), sizeof guest);
    close(self[0]);
    return guest;
}

/* The process belongs to the last of the sessions, however many there are. */
TEST(knows_the_processes_of_all_sessions) {
    enum { SESSIONS = 400 };
    struct hak_peer about;
    int go[2], said[2];
    char why[sizeof((struct hak_hello_answer *)0)->why] = "", byte;
    ck_assert_int_eq(pipe(go), 0);
    ck_assert_int_eq(pipe(said), 0);
    k->worker.config.socket_name[0] = 0;
    k->listening = hak_socket_open(k->worker.config.socket_name);
    ck_assert_int_ge(k->listening, 0);
    pid_t guest = start_foreign_guest(k->worker.config.socket_name, go[0], said[1]);
    if (guest < 0) {
        puts("only root changes its user: not tried");
        return;
    }
    ck_assert(hak_peer_read(guest, &about));
    k->held.sessions = calloc(SESSIONS, sizeof *k->held.sessions);
    k->held.capacity = k->held.count = SESSIONS;
    for (int i = 0; i < SESSIONS; i++)
        k->held.sessions[i] =
            (struct hak_held_session){.memfd = -1, .is_told = true, .peer.pid = guest};
    for (int i = 0; i < SESSIONS; i++)
        k->held.sessions[i].peer.start_time = about.start_time + (i < SESSIONS - 1);
    (void)!write(go[1], "g", 1);
    ck_assert_int_eq(read(said[0], &byte, 1), 1);
    hak_loop_accept_guests(k, k->listening);
    ck_assert_int_gt(read(said[0], why, sizeof why), 0);
    ck_assert_str_eq(why, "no hello of hakmem");
}

RUN_TESTS(.set_up = set_up, .tear_down = tear_down)
