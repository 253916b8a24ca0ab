/* Maps, moves and unmaps memory in all ways, on addresses of its own, and writes what it has then,
 * as the kernel says: the bytes of each span. `mapped fork` also forks: the child gives up
 * what it has inherited, and takes more.
 *
 * 256 MiB that nobody may touch are reserved, far from where the kernel puts what has no address of
 * its own: nothing comes into its holes. `mapped handler` opens pages of it in a signal handler. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

static char *room, *moved, *file_mapping;

static void must(int holds, const char *what) {
    if (holds)
        return;
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

__attribute__((noinline)) static void reserve(void) {
    room = mmap((char *)0x200000000000, 256 * MIB, PROT_NONE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    must(room != MAP_FAILED, "reserve");
}

/* Usable memory over the reserved, as the JVM does. */
__attribute__((noinline)) static void commit(size_t at, size_t bytes) {
    char *got = mmap(room + at, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    must(got == room + at, "commit");
    memset(got, 1, bytes);
}

__attribute__((noinline)) static void punch(size_t at, size_t bytes) {
    must(munmap(room + at, bytes) == 0, "punch");
}

/* As V8 opens what it has reserved; and a page of each end is closed again, as a guard. */
__attribute__((noinline)) static void open_room(size_t at, size_t bytes) {
    must(mprotect(room + at, bytes, PROT_READ | PROT_WRITE) == 0, "open_room");
    must(mprotect(room + at, 4096, PROT_NONE) == 0, "close the first page");
    must(mprotect(room + at + bytes - 4096, 4096, PROT_NONE) == 0, "close the last page");
}

__attribute__((noinline)) static char *grow(char *old, size_t bytes, size_t more) {
    char *got = mremap(old, bytes, more, MREMAP_MAYMOVE);
    must(got != MAP_FAILED, "grow");
    return got;
}

__attribute__((noinline)) static void map_file(void) {
    FILE *file = tmpfile();
    must(file && ftruncate(fileno(file), 3 * MIB) == 0, "file");
    file_mapping = mmap64(NULL, 3 * MIB - 5, PROT_READ, MAP_SHARED, fileno(file), 0);
    must(file_mapping != MAP_FAILED, "map_file");
    fclose(file);
}

__attribute__((noinline)) static void move_break(void) {
    char *before = sbrk(0);
    must(before != (void *)-1 && sbrk(3 * MIB) == before, "sbrk");
    must(brk(before + MIB) == 0 && sbrk(0) == before + MIB, "brk");
    must(sbrk(5) == before + MIB && sbrk(-5) == before + MIB + 5, "sbrk of bytes");
}

/* None of these is done, and none recorded. */
static void fail(void) {
    must(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
             errno == EINVAL,
         "mmap of nothing");
    must(mmap(NULL, MIB, PROT_READ, MAP_PRIVATE, -1, 0) == MAP_FAILED && errno == EBADF, "no file");
    must(munmap(room + 1, MIB) == -1 && errno == EINVAL, "munmap of no page");
    must(mremap(room + 1, MIB, MIB, 0) == MAP_FAILED && errno == EINVAL, "mremap of no page");
    /* An address like the kernel's error; qemu-user's mremap has another one for it. */
    errno = 0;
    must(mmap((void *)-EINVAL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
                 MAP_FAILED &&
             errno == EINVAL,
         "mmap at an error");
    errno = 0;
    must(mremap((void *)-EINVAL, MIB, MIB, 0) == MAP_FAILED &&
             (errno == EINVAL || (errno != 0 && getenv("TOOLS_FIRST"))),
         "mremap of one");
    must(mprotect(room + 1, MIB, PROT_READ) == -1 && errno == EINVAL, "mprotect of no page");
    must(brk((void *)(UINTPTR_MAX / 2)) == -1 && errno == ENOMEM, "brk too far");
    must(sbrk(INTPTR_MAX / 2) == (void *)-1 && errno == ENOMEM, "sbrk too far");
    errno = 42;
    must(munmap(mmap(NULL, MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MIB) == 0 &&
             errno == 42,
         "errno");
}

static int is_mapped(char *page) {
    unsigned char seen;
    return mincore(page, 1, &seen) == 0;
}

/* Bytes, as the kernel has it. */
static size_t count(char *from, size_t bytes) {
    size_t sum = 0;
    for (size_t i = 0; i < bytes; i += 4096)
        sum += is_mapped(from + i) ? 4096 : 0;
    return sum;
}

static void report(const char *who) {
    printf("%s: room %zu, moved %zu, file %zu\n", who, count(room, 256 * MIB),
           count(moved, 6 * MIB), count(file_mapping, 3 * MIB));
    fflush(stdout);
}

static void open_page(int number, siginfo_t *about, void *context) {
    (void)number, (void)context;
    char *page = (char *)((uintptr_t)about->si_addr & ~(uintptr_t)4095);
    must(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0, "open_page");
}

/* Opens pages when they are touched, on a small signal stack above a closed page. */
static void touch_in_handlers(void) {
    long least = sysconf(249); /* _SC_MINSIGSTKSZ, newer than the headers of Debian 11 */
    size_t bytes = ((size_t)(least > 0 ? least : MINSIGSTKSZ) + 2 * 4096 - 1) & ~(size_t)4095;
    char *stack =
        mmap(NULL, bytes + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(stack != MAP_FAILED && mprotect(stack, 4096, PROT_NONE) == 0, "signal stack");
    stack_t alternate = {.ss_sp = stack + 4096, .ss_size = bytes};
    struct sigaction action = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    must(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0, "handler");
    reserve();
    for (size_t i = 0; i < 100; i++)
        room[i * MIB] = 1;
}

int main(int argc, char **arguments) {
    if (argc > 1 && strcmp(arguments[1], "handler") == 0) {
        touch_in_handlers();
        puts("touched");
        return 0;
    }
    reserve();
    commit(0, 8 * MIB);
    commit(4 * MIB, 8 * MIB); /* half of it again */
    punch(2 * MIB, MIB);
    punch(11 * MIB, 2 * MIB); /* of the committed and of the reserved */
    punch(2 * MIB, MIB);      /* nothing is there */
    map_file();
    moved = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(moved != MAP_FAILED, "moved");
    moved = grow(moved, 2 * MIB, 16 * MIB);
    moved = grow(moved, 16 * MIB, 7 * MIB); /* in its place */
    must(mremap(moved + 6 * MIB, MIB, MIB, MREMAP_MAYMOVE | MREMAP_FIXED, room + 100 * MIB) ==
             room + 100 * MIB,
         "over what is reserved");
    open_room(200 * MIB, 4 * MIB);
    move_break();
    fail();
    report("parent");
    if (argc > 1 && strcmp(arguments[1], "fork") == 0) {
        pid_t child = fork();
        if (child == 0) {
            punch(0, 128 * MIB);
            commit(64 * MIB, MIB);
            report("child");
            _exit(0);
        }
        int status;
        must(waitpid(child, &status, 0) == child && status == 0, "child");
    }
    return 0;
}
