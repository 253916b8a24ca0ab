/* Prints the results of exec functions and posix_spawn that get bad paths, arguments and
 * environments: a line for each, with its result and errno, or how the child ended. */
#pragma GCC diagnostic ignored "-Wnonnull"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../tools/older.h"

enum { PAGE = 4096, DIES = 99, LONG = 33 * PAGE /* more than the kernel reads of a string */ };

static char *at_end; /* one past the last byte that can be read */
static volatile int result, error;

static void die(int number) {
    (void)number;
    _exit(DIES);
}

static void show(const char *call, int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == DIES)
        printf("%s dies\n", call);
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
        printf("%s = %d %s\n", call, result, strerrorname_np(error));
    else
        printf("%s: status %x\n", call, (unsigned)status);
}

/* In children, since it may be done: of fork, which has a page of ours for what it gives back, and
 * of vfork, which has all. */
#define TRY(start, call)                                                                           \
    do {                                                                                           \
        int status = 0;                                                                            \
        pid_t child = start();                                                                     \
        if (child == 0) {                                                                          \
            errno = 0;                                                                             \
            *(volatile int *)given = (int)(call);                                                  \
            ((volatile int *)given)[1] = errno;                                                    \
            _exit(1);                                                                              \
        }                                                                                          \
        waitpid(child, &status, 0);                                                                \
        result = given[0];                                                                         \
        error = given[1];                                                                          \
        show(#start ": " #call, status);                                                           \
    } while (0)
static int *given;

static char *text_at_end(const char *text) {
    return memcpy(at_end - strlen(text), text, strlen(text));
}

static char *words[] = {"true", NULL}, *none[] = {NULL};

static void call_with_path(const char *path) {
    TRY(fork, execve(path, words, none));
    TRY(vfork, execve(path, words, none));
    TRY(fork, execv(path, words));
    TRY(fork, execvp(path, words));
    TRY(fork, execvpe(path, words, none));
    TRY(fork, execl(path, "true", NULL));
    TRY(fork, execlp(path, "true", NULL));
    TRY(fork, execle(path, "true", NULL, none));
    TRY(fork, execveat(AT_FDCWD, path, words, none, 0));
    TRY(fork, execveat(-1, path, words, none, AT_EMPTY_PATH));
    TRY(fork, posix_spawn(NULL, path, NULL, NULL, words, none));
}

static void call_with_arguments(char **arguments) {
    int file = open("/bin/true", O_RDONLY | O_CLOEXEC);
    TRY(fork, execve("/bin/true", arguments, none));
    TRY(vfork, execve("/bin/true", arguments, none));
    TRY(fork, execv("/bin/true", arguments));
    TRY(fork, execvp("true", arguments));
    TRY(fork, execveat(AT_FDCWD, "/bin/true", arguments, none, 0));
    TRY(fork, fexecve(file, arguments, none));
    TRY(fork, posix_spawn(NULL, "/bin/true", NULL, NULL, arguments, none));
    close(file);
}

/* The search in PATH reads the program's own as well, up to that variable. */
static void call_with_own_environment(char **environment) {
    char **before = environ;
    environ = environment;
    TRY(fork, execv("/bin/true", words));
    TRY(fork, execvp("true", words));
    TRY(vfork, execvp("true", words));
    TRY(fork, execlp("true", "true", NULL));
    TRY(fork, execvpe("true", words, none));
    TRY(fork, posix_spawnp(NULL, "true", NULL, NULL, words, none));
    TRY(fork, posix_spawnp(NULL, "true", NULL, NULL, words, environment));
    environ = before;
}

static void call_with_environment(char **environment) {
    int file = open("/bin/true", O_RDONLY | O_CLOEXEC);
    TRY(fork, execve("/bin/true", words, environment));
    TRY(vfork, execve("/bin/true", words, environment));
    TRY(fork, execve("/nowhere", words, environment));
    TRY(fork, execvpe("true", words, environment));
    TRY(fork, execle("/bin/true", "true", NULL, environment));
    TRY(fork, execveat(AT_FDCWD, "/bin/true", words, environment, 0));
    TRY(fork, fexecve(file, words, environment));
    TRY(fork, posix_spawn(NULL, "/bin/true", NULL, NULL, words, environment));
    TRY(fork, posix_spawnp(NULL, "true", NULL, NULL, words, environment));
    close(file);
    call_with_own_environment(environment);
}

int main(void) {
    static char out_of_reach[] = "LD_PRELOAD=/nowhere/hakmem-debug.so";
    given = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at_end = pages + PAGE;
    munmap(at_end, PAGE);
    char *bad[] = {NULL, (char *)1, (char *)-PAGE, (char *)0xdeadbeefdeadbeef, at_end, at_end - 1};
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGSEGV, die);
    signal(SIGBUS, die);
    memset(pages, 'x', PAGE);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        printf("---- %zu\n", i);
        call_with_path(bad[i]);
        call_with_arguments((char **)bad[i]);
        call_with_environment((char **)bad[i]);
        call_with_arguments((char *[]){"true", bad[i], NULL});
        call_with_environment((char *[]){"A=1", bad[i], NULL});
        call_with_environment((char *[]){bad[i], out_of_reach, NULL});
        call_with_environment((char *[]){out_of_reach, bad[i], NULL});
        call_with_own_environment((char *[]){"PATH=/usr/bin:/bin", bad[i], NULL});
    }
    printf("---- texts and lists without an end\n");
    char *block = memset(malloc(LONG), 'x', LONG);
    block[0] = '/';
    call_with_path(block);
    call_with_arguments((char *[]){"true", block, NULL});
    call_with_environment((char *[]){block, NULL});
    free(block);
    call_with_path(text_at_end("/bin/true"));
    call_with_path(text_at_end("true"));
    call_with_environment((char *[]){text_at_end("LD_PRE"), out_of_reach, NULL});
    call_with_environment((char *[]){text_at_end("LD_PRELOAD="), NULL});
    call_with_environment((char *[]){text_at_end(out_of_reach), NULL});
    ((char **)(void *)at_end)[-1] = out_of_reach;
    call_with_environment((char **)(void *)at_end - 1);
    ((char **)(void *)at_end)[-1] = "A=1";
    call_with_environment((char **)(void *)at_end - 1);
    return 0;
}
