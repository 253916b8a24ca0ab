/* Commits a fault for each line of its input: r reads a block after its free, w writes past the end
 * of one that it then frees, f has a child read one that the child freed, i one that the parent
 * freed, m takes all addresses there are before it reads one, t has another thread read one, x
 * executes the program anew, c writes to address 8, b has two threads read one each at one moment,
 * p has a thread fork a child that reads one while this thread does. Each has a place of its own,
 * and prints the block's address; a allocates and commits none. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile block;

static void say(const char *what) {
    char line[64];
    int length = snprintf(line, sizeof line, "%s %p\n", what, (void *)block);
    if (write(1, line, (size_t)length) != length)
        _exit(9);
}

static int read_freed(const char *what) {
    block = malloc(40);
    free(block);
    say(what);
    return *(volatile char *)(block + 3);
}

static void *in_thread(void *unused) {
    (void)unused;
    (void)read_freed("thread");
    return NULL;
}

static pthread_barrier_t together;

static int read_together(const char *what) {
    char line[64], *volatile mine = malloc(32);
    free(mine);
    int length = snprintf(line, sizeof line, "%s %p\n", what, (void *)mine);
    if (write(1, line, (size_t)length) != length)
        _exit(9);
    pthread_barrier_wait(&together);
    return *(volatile char *)(mine + 3);
}

static void *in_first(void *unused) {
    (void)read_together("first");
    return unused;
}

static void *in_second(void *unused) {
    (void)read_together("second");
    return unused;
}

static void *fork_child(void *unused) {
    pthread_barrier_wait(&together);
    usleep(200000); /* the other thread's report is under way */
    pid_t child = fork();
    if (child == 0)
        _exit(read_freed("child") & 0);
    waitpid(child, NULL, 0);
    return unused;
}

int main(int count, char **arguments) {
    char line[8];
    pthread_t thread;
    (void)count;
    setvbuf(stdin, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == 'a') {
            block = malloc(88);
        } else if (line[0] == 'r') {
            (void)read_freed("read");
        } else if (line[0] == 'w') {
            block = malloc(24);
            block[24] = 1;
            say("write");
            free(block);
        } else if (line[0] == 't') {
            if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
                pthread_join(thread, NULL);
        } else if (line[0] == 'f') {
            if (fork() == 0)
                _exit(read_freed("child") & 0);
            wait(NULL);
        } else if (line[0] == 'i') {
            block = malloc(56);
            free(block);
            if (fork() == 0) {
                say("inherited");
                _exit(*(volatile char *)(block + 3) & 0);
            }
            wait(NULL);
        } else if (line[0] == 'm') {
            struct rlimit none = {1 << 20, RLIM_INFINITY}, before;
            block = malloc(72);
            free(block);
            say("memory");
            getrlimit(RLIMIT_AS, &before);
            setrlimit(RLIMIT_AS, &none);
            (void)*(volatile char *)(block + 3);
            setrlimit(RLIMIT_AS, &before);
        } else if (line[0] == 'b') {
            pthread_t other;
            pthread_barrier_init(&together, NULL, 2);
            pthread_create(&thread, NULL, in_first, NULL);
            pthread_create(&other, NULL, in_second, NULL);
            pthread_join(thread, NULL);
            pthread_join(other, NULL);
        } else if (line[0] == 'p') {
            pthread_barrier_init(&together, NULL, 2);
            pthread_create(&thread, NULL, fork_child, NULL);
            (void)read_together("beside");
            pthread_join(thread, NULL);
        } else if (line[0] == 'x') {
            execv(arguments[0], arguments);
        } else if (line[0] == 'c') {
            *(volatile char *)(uintptr_t)8 = 1;
        }
        say("on");
    }
    say("end");
    return 5;
}
