/* Children that end in every way that there is; none of them owes anything. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../corpus/shapes.h"

static char *held;

static void leave_by_return_of_thread(void) {
    pthread_exit(NULL);
}
static void leave_at_once(void) {
    _exit(11);
}
static void leave_quickly(void) {
    quick_exit(12);
}
static void leave(void) {
    exit(13);
}
static void be_killed(void) {
    raise(SIGKILL);
}
static void be_terminated(void) {
    raise(SIGTERM);
}
static void be_interrupted(void) {
    raise(SIGINT);
}

static void be_alarmed(void) {
    raise(SIGALRM);
}

static void *end_all(void *unused) {
    exit(14);
    return unused;
}

static void ended_by_a_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, end_all, NULL);
    pthread_join(thread, NULL);
}

int main(void) {
    void (*way[])(void) = {leave_at_once, leave_quickly,     leave,
                           be_killed,     be_terminated,     be_interrupted,
                           be_alarmed,    ended_by_a_thread, leave_by_return_of_thread};
    setvbuf(stdout, NULL, _IONBF, 0);
    held = opaque(malloc(100));
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        pid_t child = fork();
        if (child == 0) {
            free(held);
            held = opaque(malloc(200));
            way[i]();
            exit(15);
        }
        int status;
        waitpid(child, &status, 0);
        printf("%zu: %s %d\n", i, WIFEXITED(status) ? "status" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    free(held);
    return 0;
}
