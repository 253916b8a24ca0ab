/* Tells the keeper of programs that are executed and cannot be recorded. */
#include "unit/trace/fake_collector.h"
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include "trace/collector/collector.h"
#include "tree/exec_look.h"

/* A name of another network namespace: a keeper there cannot be asked whether it lives. */
#define NAME "hakmem-0123456789abcdef0123456789abcdef-1"

static struct fake_collector collector;

static int listen_at(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path + 1, name, strlen(name));
    ck_assert_int_eq(bind(file, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))),
                     0);
    ck_assert_int_eq(listen(file, 8), 0);
    return file;
}

/* The connections that came while another process looked at a program. */
static int count_told(int listening) {
    int status, count = 0;
    pid_t teller = fork();
    if (teller == 0) {
        const struct hak_exec_look about = {.misfit = "it is a test"};
        hak_exec_tell("/bin/true", &about, 0);
        syscall(SYS_exit_group, 0); /* a recorded process asks for the keeper at its end */
    }
    bool is_over = false;
    for (int guest = -1; guest >= 0 || !is_over; usleep(1000)) {
        is_over = is_over || waitpid(teller, &status, WNOHANG) != 0;
        guest = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        count += guest >= 0;
        if (guest >= 0)
            close(guest); /* it waits for no answer */
    }
    return count;
}

TEST(tells_a_keeper_until_it_is_given_up) {
    fake_begin(&collector, 128 << 20, 16 << 10);
    memcpy(hak_current.keeper_name, NAME, sizeof NAME);
    int listening = listen_at(NAME);
    ck_assert(!hak_collector_is_given_up());
    ck_assert_int_eq(count_told(listening), 1);
    atomic_store(&collector.session->keeper_heartbeat_ns, 0); /* it is dead */
    hak_collector_replace_dead(0);
    ck_assert(hak_collector_is_given_up());
    ck_assert_int_eq(count_told(listening), 0);
    close(listening);
}

/* A path may have 4,096 bytes, and its part in the note a ninth of that. */
TEST(of_a_long_path_the_end_is_left_out) {
    static const char ending[] = ", which was not recorded: it is a test" HAK_NOTE_NOT_BELOW;
    char path[3000] = "";
    struct hak_hello hello = {0};
    int guest = -1;
    while (strlen(path) < sizeof path - 20)
        strcat(path, "/."); /* the system knows it as / */
    strcat(path, "/bin/true");
    fake_begin(&collector, 128 << 20, 16 << 10);
    memcpy(hak_current.keeper_name, NAME, sizeof NAME);
    int listening = listen_at(NAME);
    pid_t teller = fork();
    if (teller == 0) {
        const struct hak_exec_look about = {.misfit = "it is a test"};
        hak_exec_tell(path, &about, 0);
        syscall(SYS_exit_group, 0);
    }
    while ((guest = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) < 0)
        usleep(1000);
    ck_assert_int_eq(recv(guest, &hello, sizeof hello, MSG_WAITALL), sizeof hello);
    close(guest);
    waitpid(teller, NULL, 0);
    size_t length = strnlen(hello.text, sizeof hello.text);
    ck_assert_uint_eq(length, sizeof hello.text - 1);
    ck_assert_int_eq(strncmp(hello.text, "executed /././.", 15), 0);
    ck_assert_str_eq(hello.text + length - strlen(ending), ending);
    close(listening);
}

RUN_TESTS()
