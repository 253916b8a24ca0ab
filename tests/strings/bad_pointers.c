/* Prints the results of calls that get pointers to nothing, counts that cannot be and tables that
 * end in memory which is not there: a line for each, with its result and errno, or the signal by
 * which it dies and whether it does so in libc. The script compares the lines without hakmem and
 * with it.
 *
 * Each function of src/strings/calls.def is called in a child: all calls of one in the same, but of
 * those that end or change the program, or leave a lock behind, each in its own. Calls that the
 * kernel does are made with good descriptors as well. */
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset and its like */
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <search.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>
#include "../tools/older.h"

enum { PAGE = 4096, BLOCK = 16 * PAGE, MANY = 2000, EDGE_BYTES = 8, DONE = 77 };

static FILE *out;
static sigjmp_buf before_call;
static char death[80];

static int
    ends_at_death; /* what was left in the midst of a call is not borne by all that follows */

#define SHOW(call)                                                                                 \
    do {                                                                                           \
        if (sigsetjmp(before_call, 1) == 0) {                                                      \
            errno = 0;                                                                             \
            long result = (long)(call);                                                            \
            fprintf(out, "%s = %ld %s\n", #call, result, strerrorname_np(errno));                  \
        } else                                                                                     \
            fprintf(out, "%s%s\n", #call, death);                                                  \
    } while (0)

/* ---- pointers -------------------------------------------------------------------------------- */

static struct {
    const char *name;
    char *p;
} pointers[] = {{"NULL", NULL},         {"1", (char *)1},     {"a kernel's", (char *)-PAGE},
                {"no address", NULL},   {"unmapped", NULL},   {"closed", NULL},
                {"a page's end", NULL}, {"in a block", NULL}, {"a block's page end", NULL},
                {"a block of x", NULL}};
enum { BLOCK_OF_X = sizeof pointers / sizeof *pointers - 1, POINTERS = BLOCK_OF_X };
enum { IN_A_BLOCK = POINTERS - 2 };

/* The number of the one that is tried. */
static unsigned tried;

/* Its last EDGE_BYTES can be read and written, what is behind them cannot. */
static char *edge, *block_page;

static void lay_out(void) {
    enum { MINE = MAP_PRIVATE | MAP_ANONYMOUS };
    char *before = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MINE, -1, 0);
    char *pages = before + PAGE; /* memrchr reads in front of them */
    /* Where nobody is given a mapping who asks for no address: glibc makes some of its own in the
     * midst of a call (getrandom, since 2.41). */
    char *nowhere =
        mmap((void *)0x100000000000, PAGE, PROT_NONE, MINE | MAP_FIXED_NOREPLACE, -1, 0);
    char *block = malloc(BLOCK);
    uintptr_t inside = ((uintptr_t)block + BLOCK / 2) & ~(uintptr_t)(PAGE - 1);
    block_page = (char *)inside;
    memset(pages, 'x', 2 * PAGE);
    memset(block, 'x', BLOCK);
    if (munmap(nowhere, PAGE) != 0 || mprotect(before, PAGE, PROT_NONE) != 0 ||
        mprotect(pages + PAGE, PAGE, PROT_NONE) != 0 || mprotect(block_page, PAGE, PROT_NONE) != 0)
        exit(2);
    edge = pages + PAGE - EDGE_BYTES;
    pointers[3].p = (char *)0xdeadbeefdeadbeef;
    pointers[4].p = nowhere;
    pointers[5].p = pages + PAGE;
    pointers[6].p = edge;
    pointers[7].p = block_page;
    pointers[8].p = block_page - EDGE_BYTES;
    pointers[BLOCK_OF_X].p = memset(malloc(2 * PATH_MAX), 'x', 2 * PATH_MAX);
}

/* ---- deaths ---------------------------------------------------------------------------------- */

struct range {
    uintptr_t start, end;
};

/* The code of libc and of its loader. */
static struct range of_libc[2];

static int find_libc(struct dl_phdr_info *module, size_t bytes, void *unused) {
    int i = strstr(module->dlpi_name, "/libc.so.6") ? 0 : strstr(module->dlpi_name, "/ld-") ? 1 : 2;
    (void)bytes, (void)unused;
    for (unsigned n = 0; i < 2 && n < module->dlpi_phnum; n++) {
        if (!(module->dlpi_phdr[n].p_flags & PF_X))
            continue;
        of_libc[i].start = module->dlpi_addr + module->dlpi_phdr[n].p_vaddr;
        of_libc[i].end = of_libc[i].start + module->dlpi_phdr[n].p_memsz;
    }
    return 0;
}

static int is_in_libc(uintptr_t at) {
    return (at >= of_libc[0].start && at < of_libc[0].end) ||
           (at >= of_libc[1].start && at < of_libc[1].end);
}

/* A block of the heap is read by hakmem as the call reads it, whose pages the program has closed.
 */
static void leave_call(int number, siginfo_t *info, void *context) {
    uintptr_t at = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)info;
    snprintf(death, sizeof death, " dies by %d%s", number,
             tried >= IN_A_BLOCK ? ""
             : is_in_libc(at)    ? " in libc"
                                 : " elsewhere");
    if (ends_at_death) {
        fprintf(out, "%s\n", death);
        _exit(DONE);
    }
    siglongjmp(before_call, 1);
}

/* ---- what the kernel does -------------------------------------------------------------------- */

static int file, ends[2];
static char good[64] = "good";
static const size_t counts[] = {0, 1, 64, SSIZE_MAX, SIZE_MAX};
enum { COUNTS = sizeof counts / sizeof *counts };

static void drain(void) {
    char taken[256];
    for (int i = 0; i < 2; i++)
        while (recv(ends[i], taken, sizeof taken, MSG_DONTWAIT) >= 0)
            ;
}

static void call_with_bytes(char *p, size_t n) {
    SHOW(write(ends[0], p, n));
    SHOW(pwrite(file, p, n, 0));
    SHOW(pwrite64(file, p, n, 0));
    SHOW(send(ends[0], p, n, 0));
    SHOW(sendto(ends[0], p, n, 0, NULL, 0));
    drain();
    (void)!pwrite(file, good, sizeof good, 0);
    (void)!write(ends[0], good, sizeof good);
    SHOW(read(ends[1], p, n));
    SHOW(recv(ends[1], p, n, 0));
    SHOW(recvfrom(ends[1], p, n, 0, NULL, NULL));
    SHOW(pread(file, p, n, 0));
    SHOW(pread64(file, p, n, 0));
    SHOW(getrandom(p, n, 0));
    SHOW(readlink("/proc/self/fd/0", p, n));
    SHOW(readlinkat(AT_FDCWD, "/proc/self/fd/0", p, n));
    if (p)
        SHOW(getcwd(p, n) == p);
    drain();
}

static void call_with_pieces(struct iovec *pieces, int count) {
    SHOW(writev(ends[0], pieces, count));
    SHOW(writev(-1, pieces, count));
    SHOW(pwritev(file, pieces, count, 0));
    SHOW(pwritev64(file, pieces, count, 0));
    SHOW(pwritev2(file, pieces, count, 0, 0));
    drain();
    (void)!pwrite(file, good, sizeof good, 0);
    (void)!write(ends[0], good, sizeof good);
    SHOW(readv(ends[1], pieces, count));
    SHOW(preadv(file, pieces, count, 0));
    SHOW(preadv64(file, pieces, count, 0));
    SHOW(preadv2(file, pieces, count, 0, 0));
    drain();
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = (size_t)count};
    SHOW(sendmsg(ends[0], &message, 0));
    drain();
    (void)!write(ends[0], good, sizeof good);
    SHOW(recvmsg(ends[1], &message, 0));
    drain();
    struct mmsghdr two[2] = {{{.msg_iov = &(struct iovec){good, 4}, .msg_iovlen = 1}, 0},
                             {message, 0}};
    SHOW(sendmmsg(ends[0], two, 2, 0));
    drain();
    (void)!write(ends[0], good, 4);
    (void)!write(ends[0], good, 4);
    SHOW(recvmmsg(ends[1], two, 2, MSG_DONTWAIT, NULL));
    drain();
}

static void call_with_messages(char *p) {
    SHOW(sendmsg(ends[0], (struct msghdr *)p, 0));
    SHOW(recvmsg(ends[1], (struct msghdr *)p, MSG_DONTWAIT));
    SHOW(sendmmsg(ends[0], (struct mmsghdr *)p, 1, 0));
    SHOW(sendmmsg(ends[0], (struct mmsghdr *)p, 0, 0));
    SHOW(sendmmsg(ends[0], (struct mmsghdr *)p, UINT_MAX, 0));
    SHOW(recvmmsg(ends[1], (struct mmsghdr *)p, 1, MSG_DONTWAIT, NULL));
    SHOW(recvmmsg(ends[1], (struct mmsghdr *)p, UINT_MAX, MSG_DONTWAIT, NULL));
    struct msghdr named = {.msg_name = p, .msg_namelen = 8};
    SHOW(sendmsg(ends[0], &named, 0));
    struct msghdr controlled = {.msg_control = p, .msg_controllen = 64};
    SHOW(sendmsg(ends[0], &controlled, 0));
    drain();
}

static void call_with_signals(char *p) {
    static const int numbers[] = {0, SIGUSR1, SIGKILL, SIGSEGV, SIGTRAP, 32, 65, -1};
    SHOW(sigprocmask(SIG_BLOCK, NULL, (sigset_t *)p));
    SHOW(sigprocmask(99, NULL, (sigset_t *)p));
    SHOW(sigprocmask(SIG_BLOCK, (sigset_t *)p, NULL));
    SHOW(pthread_sigmask(SIG_BLOCK, NULL, (sigset_t *)p));
    SHOW(pthread_sigmask(SIG_BLOCK, (sigset_t *)p, NULL));
    SHOW(sigaltstack((stack_t *)p, NULL));
    SHOW(sigaltstack(NULL, (stack_t *)p));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (p != edge && p != block_page - EDGE_BYTES)
            SHOW(sigaction(numbers[i], (struct sigaction *)p, NULL));
        SHOW(sigaction(numbers[i], NULL, (struct sigaction *)p));
    }
}

/* The old action is written when the new one stands already. */
static void call_with_old_places(char *p) {
    struct sigaction action = {.sa_handler = SIG_IGN}, is = {0};
    stack_t stack = {.ss_sp = malloc(BLOCK), .ss_size = BLOCK}, stack_is = {0};
    static const int numbers[] = {SIGUSR2, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        SHOW(sigaction(numbers[i], &action, (struct sigaction *)p));
        sigaction(numbers[i], NULL, &is);
        SHOW(is.sa_handler);
        signal(numbers[i], SIG_DFL);
    }
    SHOW(sigaltstack(&stack, (stack_t *)p));
    sigaltstack(NULL, &stack_is);
    SHOW(stack_is.ss_sp == stack.ss_sp);
    SHOW(stack_is.ss_flags);
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = -1;
    SHOW(sigaltstack(&stack, NULL));
    free(stack.ss_sp);
}

static void call_with_numbers(void) {
    static const int numbers[] = {0, 32, 65, -1, SIGKILL, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int n = numbers[i];
        SHOW(signal(n, SIG_IGN));
        SHOW(ssignal(n, SIG_IGN));
        SHOW(sysv_signal(n, SIG_IGN));
        SHOW(__sysv_signal(n, SIG_IGN));
        SHOW(sigset(n, SIG_IGN));
        SHOW(sigset(n, SIG_HOLD));
        SHOW(sighold(n));
        SHOW(sigrelse(n));
        SHOW(sigignore(n));
        SHOW(siginterrupt(n, 1));
    }
    SHOW(signal(SIGUSR2, SIG_ERR));
    SHOW(sigblock(-1));
    SHOW(sigsetmask(0));
}

static int compare(const void *a, const void *b) {
    return a < b ? -1 : a > b;
}

static int do_nothing(void *unused) {
    return unused != NULL;
}

static void call_with_mappings(char *p) {
    static const size_t bytes[] = {0, 1, SSIZE_MAX, SIZE_MAX, SIZE_MAX - PAGE + 1};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        size_t n = bytes[i];
        SHOW(mmap(p, n, PROT_NONE, -1, -1, 0));
        SHOW(mmap(p + 1, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        SHOW(mmap64(p, n, PROT_NONE, MAP_PRIVATE, -1, 0));
        SHOW(munmap(p + 1, n));
        SHOW(mprotect(p + 1, n, PROT_NONE));
        SHOW(mprotect(p, n, -1));
        SHOW(mremap(p + 1, n, PAGE, 0));
        SHOW(mremap(p, n, 0, 0));
        SHOW(mremap(p, PAGE, PAGE, MREMAP_FIXED, p));
        if (n != 1)
            SHOW(munmap(p, n));
    }
    SHOW(prctl(PR_GET_NAME, p));
    SHOW(getrlimit(RLIMIT_AS, p));
    SHOW(getrlimit64(RLIMIT_AS, p));
    SHOW(setrlimit(RLIMIT_CORE, p));
    SHOW(setrlimit64(RLIMIT_CORE, p));
    SHOW(prlimit(-1, RLIMIT_AS, p, p));
    SHOW(prlimit64(0, RLIMIT_AS, NULL, p));
    SHOW(prctl(PR_SET_SECCOMP, 2, p));
    SHOW(syscall(SYS_write, ends[0], p, 4));
    SHOW(syscall(SYS_read, ends[1], p, 4));
    SHOW(clone(NULL, p, 0, NULL));
    SHOW(clone(do_nothing, NULL, 0, NULL));
    SHOW(setns(-1, -1));
    SHOW(unshare(-1));
    SHOW(mlockall(-1));
    drain();
}

static void call_for_break(void) {
    SHOW(sbrk(PTRDIFF_MAX));
    SHOW(brk((void *)-PAGE));
    SHOW(brk((void *)0xdeadbeefdeadbeef));
    SHOW(brk(NULL));
}

/* Its line is whole, or it says how the child has ended. */
static void wait_for_child(pid_t child) {
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        exit(2);
    if (status != W_EXITCODE(DONE, 0))
        fprintf(out, " ends with %x\n", (unsigned)status);
}

#define TO(type) (&(type){(type)(void *)p})

/* A pointer that leads to the bad one, or that is stored there. */
static void call_through(char *p) {
    static wchar_t wide[8];
    static char text[8];
    mbstate_t state = {0};
    char *small = malloc(16);
    SHOW(mbsrtowcs(wide, TO(const char *), 2, &state));
    SHOW(mbsrtowcs(wide, (const char **)(void *)p, 2, &state));
    SHOW(mbsnrtowcs(wide, TO(const char *), 0, 2, &state));
    SHOW(mbsnrtowcs(wide, (const char **)(void *)p, 0, 2, &state));
    SHOW(mbsnrtowcs(wide, TO(const char *), 4, 2, &state));
    SHOW(wcsrtombs(text, TO(const wchar_t *), 2, &state));
    SHOW(wcsnrtombs(text, TO(const wchar_t *), 0, 2, &state));
    SHOW(strsep(TO(char *), ",") == p);
    SHOW(strsep((char **)(void *)p, ","));
    SHOW(strtok_r(NULL, ",", (char **)(void *)p));
    SHOW(strtok_r(NULL, "x", TO(char *)) == p);
    SHOW(snprintf(small, 64, "%s", p));
    SHOW(snprintf(small, 64, "%.8s", p));
    SHOW(snprintf(small, 64, "%.0s", p));
    SHOW(snprintf(small, 64, "%.0ls", (wchar_t *)(void *)p));
    SHOW(sprintf(small, "%.8s", p));
    SHOW(lfind(text, p, &(size_t){0}, 1, compare) == NULL);
    SHOW(lfind(text, text, (size_t *)(void *)p, 1, compare) == text);
    SHOW(bsearch(text, p, 0, 1, compare) == NULL);
    SHOW(strtol("7", (char **)(void *)p, 10));
    memset(edge, 'x', EDGE_BYTES);
    memset(block_page - EDGE_BYTES, 'x', EDGE_BYTES);
    drain();
    free(small);
    pid_t child = fork();
    if (child == 0) {
        ends_at_death = 1;
        SHOW(dprintf(-1, "%.8s", p));
        SHOW(sscanf("x", "%d", (int *)(void *)p));
        SHOW(sscanf("7", "%d", (int *)(void *)p));
        _exit(DONE);
    }
    wait_for_child(child);
}

/* Of a stream that is of another orientation, or of another mode, no format is read, nor what it
 * names. */
static void call_with_formats(char *p) {
    const wchar_t *wide = (const wchar_t *)(void *)p;
    FILE *bytes = fopen("/dev/null", "r+"), *characters = fopen("/dev/null", "r+");
    FILE *in = fopen("/dev/null", "r"), *sink = fopen("/dev/null", "w");
    (void)fwide(bytes, -1), (void)fwide(stdout, -1), (void)fwide(characters, 1);
    SHOW(wprintf(wide));
    SHOW(fwprintf(bytes, wide));
    SHOW(fwscanf(bytes, wide, good));
    SHOW(fprintf(characters, p));
    SHOW(fscanf(characters, p, good));
    SHOW(fprintf(in, p));
    SHOW(fwprintf(in, wide));
    SHOW(fscanf(sink, p, good));
    SHOW(fprintf(in, "%s", p));
    SHOW(fprintf(in, "%ls", wide));
    SHOW(fwprintf(in, L"%s", p));
    SHOW(fwprintf(in, L"%ls", wide));
    (void)fclose(bytes), (void)fclose(characters), (void)fclose(in), (void)fclose(sink);
}

static void call_with_every_format(void) {
    for (unsigned i = 0; i < POINTERS; i++) {
        fprintf(out, "---- formats, %s\n", pointers[i].name);
        tried = i;
        call_with_formats(pointers[i].p);
    }
    fprintf(out, "---- formats, the last characters before a page\n");
    for (int left = 1; left < EDGE_BYTES; left++)
        call_with_formats(edge + EDGE_BYTES - left);
    memcpy(edge, "%s%d%n%s", EDGE_BYTES);
    call_with_formats(edge);
    memset(edge, 'x', EDGE_BYTES);
}

/* Legal calls that look as if they were not. */
static void call_with_overlaps(void) {
    char *small = malloc(16), *twice = malloc(64);
    struct iovec *own = malloc(2 * sizeof *own), sent[2] = {{small, SSIZE_MAX}, {NULL, 0}};
    fprintf(out, "---- overlaps\n");
    drain();
    /* The bytes that come turn the table into another one, about which nothing was asked. */
    own[0] = (struct iovec){own, sizeof *own};
    own[1] = (struct iovec){small, 64};
    (void)!write(ends[0], sent, sizeof *sent + 8);
    SHOW(readv(ends[1], own, 2));
    /* The same bytes in several pieces, and none. */
    struct iovec pieces[3] = {{twice, 64}, {twice + 32, 0}, {twice + 32, 32}};
    SHOW(writev(ends[0], pieces, 3));
    SHOW(readv(ends[1], pieces, 3));
    struct iovec nothing[2] = {{small + 16, 0}, {NULL, 0}};
    SHOW(writev(file, nothing, 2));
    SHOW(readv(file, nothing, 2));
    SHOW(writev(file, NULL, 0));
    SHOW(memmove(twice, twice + 1, 63) == twice);
    SHOW(memmove(twice + 1, twice, 63) == twice + 1);
    SHOW(read(file, small + 16, 0));
    SHOW(write(file, small + 16, 0));
    drain();
    free(own);
    free(twice);
    free(small);
}

/* More bytes than the block at `p` has, which a descriptor that is not open does not take. */
static void call_refused(int descriptor, char *p) {
    struct iovec pieces[2] = {{p, 8}, {p, 1000}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    SHOW(write(descriptor, p, 100));
    SHOW(pwrite(descriptor, p, 100, 0));
    SHOW(send(descriptor, p, SIZE_MAX, 0));
    SHOW(sendto(descriptor, p, 100, 0, NULL, 0));
    SHOW(writev(descriptor, pieces, 2));
    SHOW(sendmsg(descriptor, &message, 0));
    SHOW(read(descriptor, p, 100));
    SHOW(recv(descriptor, p, 100, 0));
    SHOW(readv(descriptor, pieces, 2));
}

static void call_the_kernel(void) {
    static struct iovec many[MANY];
    for (int i = 0; i < MANY; i++)
        many[i] = (struct iovec){good, 1};
    for (unsigned i = 0; i < POINTERS; i++) {
        char *p = pointers[i].p;
        tried = i;
        fprintf(out, "---- %s\n", pointers[i].name);
        for (unsigned n = 0; n < COUNTS; n++)
            if (i < IN_A_BLOCK || counts[n] <= 64) /* of a block no more than it has */
                call_with_bytes(p, counts[n]);
        static const int piece_counts[] = {0, 1, 2, MANY, -1, INT_MIN};
        for (unsigned n = 0; n < sizeof piece_counts / sizeof *piece_counts; n++)
            call_with_pieces((struct iovec *)p, piece_counts[n]);
        call_with_pieces((struct iovec[2]){{good, 4}, {p, 1}}, 2);
        call_with_pieces((struct iovec[2]){{good, 4}, {good, SIZE_MAX}}, 2);
        call_through(p);
        call_with_messages(p);
        call_with_signals(p);
        call_with_old_places(p);
        if (i < IN_A_BLOCK)
            call_with_mappings(p);
    }
    call_with_numbers();
    call_for_break();
    fprintf(out, "---- tables\n");
    call_with_pieces(many, MANY);
    call_with_pieces(many, IOV_MAX);
    call_with_pieces(many, IOV_MAX + 1);
    call_with_pieces(many, -1);
    /* One piece is there, the second is not. */
    memcpy(edge + EDGE_BYTES - sizeof *many, many, sizeof *many);
    for (int count = 1; count < 3; count++)
        call_with_pieces((struct iovec *)(void *)(edge + EDGE_BYTES - sizeof *many), count);
    memcpy(block_page - sizeof *many, many, sizeof *many);
    for (int count = 1; count < 3; count++)
        call_with_pieces((struct iovec *)(void *)(block_page - sizeof *many), count);
    struct mmsghdr *last = (struct mmsghdr *)(void *)(edge + EDGE_BYTES - sizeof *last);
    *last = (struct mmsghdr){{.msg_iov = many, .msg_iovlen = 1}, 0};
    call_with_messages((char *)last);
    SHOW(sendmmsg(ends[0], last, 2, 0));
    drain();
    memset(edge - 2 * sizeof *last, 'x', 2 * sizeof *last + EDGE_BYTES);
    memset(block_page - sizeof *many, 'x', sizeof *many);
    /* More than a block of the heap has: refused before a byte is touched. */
    char *small = malloc(16);
    SHOW(write(ends[0], small, SIZE_MAX));
    SHOW(pwrite(file, small, SIZE_MAX, 0));
    SHOW(read(ends[0], small, SIZE_MAX));
    call_with_pieces((struct iovec[2]){{good, 4}, {small, SIZE_MAX}}, 2);
    call_with_pieces((struct iovec[2]){{good, 4}, {small, SSIZE_MAX}}, 2);
    SHOW(write(ends[0], small, SSIZE_MAX));
    call_refused(-1, small);
    call_refused(FD_SETSIZE, small);
    SHOW(send(ends[0], small, SIZE_MAX, 0));
    SHOW(sendto(ends[0], small, (size_t)1 << 40, 0, NULL, 0));
    SHOW(write(ends[0], small, 1 << 30));
    int path = open("/dev/null", O_PATH), in = open("/dev/null", O_RDONLY);
    call_refused(path, small);
    SHOW(write(in, small, 64));
    close(path), close(in);
    struct iovec *one = malloc(sizeof *one);
    *one = (struct iovec){good, 4};
    call_with_pieces(one, MANY);
    free(one);
    free(small);
    call_with_overlaps();
}

/* ---- every function -------------------------------------------------------------------------- */

enum shape {
#define CALL(name, shape, unit, a, b, c) OF_##name,
#include "../../src/strings/calls.def"
    ROWS
};

/* A slot for each, as a table of functions has them; 0: libc has none of that name. */
extern long (*const functions[ROWS])(long, ...);
__asm__(".pushsection .data.rel.ro.functions, \"aw\"\n.balign 8\nfunctions:\n"
#define CALL(name, shape, unit, a, b, c) ".weak " #name "\n.quad " #name "\n"
#include "../../src/strings/calls.def"
        ".popsection\n");

static const struct row {
    const char *name, *shape;
    int unit, a, b, c;
} rows[ROWS] = {
#define CALL(name, shape, unit, a, b, c) {#name, #shape, unit, a, b, c},
#include "../../src/strings/calls.def"
};

static int is_one_of(const char *word, const char *const *words) {
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

/* They end the program, change it, or leave a lock behind when they die. */
static int needs_own_child(const struct row *row) {
    static const char *const shapes[] = {
        "EXTEND",    "LOAD", "LOOK_UP",   "EXECUTE",     "EXECUTE_LIST",     "EXECUTE_LIST_IN",
        "FIND_ITEM", "SCAN", "SCAN_LIST", "SCAN_STREAM", "SCAN_STREAM_LIST", NULL};
    static const char *const names[] = {
        "err",       "errx",        "verr",          "verrx",   "error",  "error_at_line",
        "syslog",    "vsyslog",     "__syslog_chk",  "popen",   "system", "freopen",
        "freopen64", "getaddrinfo", "__vsyslog_chk", "regcomp", "putenv", "setenv",
        "unsetenv",  "setlocale",   "chroot",        NULL};
    int is_wide_print = row->unit == 4 && strncmp(row->shape, "PRINT_OUT", 9) == 0;
    return is_wide_print || is_one_of(row->shape, shapes) || is_one_of(row->name, names);
}

/* The number of the argument that is a stream; -1: none. */
static int stream_of(const struct row *row) {
    static const struct {
        const char *names[16];
        int number;
    } streams[] = {
        {{"fputs", "fputs_unlocked", "fputws"}, 1},
        {{"fgets", "fgets_unlocked", "fgetws", "getline"}, 2},
        {{"fread", "fread_unlocked", "fwrite", "fwrite_unlocked", "__fgets_chk",
          "__fgets_unlocked_chk", "__fgetws_chk", "getdelim", "__getdelim"},
         3},
        {{"__fread_chk", "__fread_unlocked_chk"}, 4},
        {{"fprintf", "vfprintf", "fwprintf", "vfwprintf", "__fprintf_chk", "__vfprintf_chk",
          "__fwprintf_chk", "__vfwprintf_chk"},
         0},
    };
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (is_one_of(row->name, streams[i].names))
            return streams[i].number;
    return -1;
}

/* A call that died may have left them in the midst of something. */
static FILE *streams[2]; /* of bytes, of wide characters */
static void renew_streams(void) {
    FILE **all[] = {&stdin, &stdout, &stderr, &streams[0], &streams[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i])
            close(fileno(*all[i]));
        *all[i] = fopen("/dev/null", "r+");
    }
    if (streams[1] == NULL)
        exit(2);
}

/* Argument b is a second pointer, not a count or a character. */
static int is_pointer_b(const struct row *row) {
    static const char *const shapes[] = {"SORT", "READ_ITEMS",     "RECEIVE_ITEMS",
                                         "FIND", "FIND_IN_STRING", NULL};
    return row->b != row->a && !is_one_of(row->shape, shapes);
}

/* The kernel reads the name, of which PATH_MAX bytes. */
static int takes_name(const struct row *row) {
    static const char *const shapes[] = {"NAME", "NAMES", "RECEIVE_OF_NAME", NULL};
    return is_one_of(row->shape, shapes);
}

/* Its result says something where the kernel gives it. */
static int has_result(const struct row *row) {
    static const char *const pointers_of[] = {"fopen",   "fopen64",   "opendir",
                                              "freopen", "freopen64", NULL};
    return takes_name(row) && !is_one_of(row->name, pointers_of);
}

static void call_row(unsigned number, int bad_argument, unsigned pointer, size_t count) {
    static long zeroed[64];
    const struct row *row = &rows[number];
    long words[6], rest = strstr(row->name, "_chk") ? -1 : 0; /* -1: as many bytes as there are */
    for (int i = 0; i < 6; i++)
        words[i] = i == row->a || i == row->b ? (long)zeroed : rest;
    if (row->c != row->a && row->c != row->b)
        words[row->c] = (long)count;
    if (row->b != row->a && !is_pointer_b(row))
        words[row->b] = 1;
    if (strcmp(row->name, "qsort") == 0 || strcmp(row->name, "bsearch") == 0)
        words[row->c + 1] = (long)compare;
    if (stream_of(row) >= 0)
        words[stream_of(row)] = (long)streams[row->unit == 4];
    tried = pointer;
    words[bad_argument] = (long)pointers[pointer].p;
    memset(zeroed, 0, sizeof zeroed);
    memset(edge, 'x', EDGE_BYTES);
    memset(block_page - EDGE_BYTES, 'x', EDGE_BYTES);
    fprintf(out, "%s, argument %d %s, %zu:", row->name, bad_argument, pointers[pointer].name,
            count);
    fflush(out);
    if (sigsetjmp(before_call, 1) != 0) {
        fprintf(out, "%s\n", death);
        renew_streams();
        return;
    }
    errno = 0;
    int result = (int)functions[number](words[0], words[1], words[2], words[3], words[4], words[5]);
    const char *error = strerrorname_np(errno);
    if (has_result(row))
        fprintf(out, " %d", result);
    fprintf(out, " %s\n", error);
}

static void call_in_child(unsigned number, int bad_argument, unsigned pointer, size_t count) {
    pid_t child = fork();
    if (child == 0) {
        ends_at_death = 1;
        call_row(number, bad_argument, pointer, count);
        _exit(DONE);
    }
    wait_for_child(child);
}

static void call_of_child(unsigned number) {
    static const unsigned chosen[] = {0, 1, 4, 6}; /* NULL, 1, unmapped, a page's end */
    for (unsigned p = 0; p < sizeof chosen / sizeof *chosen; p++) {
        call_in_child(number, rows[number].a, chosen[p], 1);
        if (is_pointer_b(&rows[number]))
            call_in_child(number, rows[number].b, chosen[p], SIZE_MAX);
        if (strcmp(rows[number].shape, "EXECUTE") == 0 && rows[number].c != 0)
            call_in_child(number, rows[number].c, chosen[p], 0);
    }
}

/* Asks no more of a block than it has; and qsort takes hours for items of so many bytes. */
static int fits(const struct row *row, unsigned pointer, size_t count) {
    return count <= 1 || (pointer < IN_A_BLOCK && strcmp(row->shape, "SORT") != 0);
}

static void call_of_row(unsigned number) {
    static const size_t some[] = {0, 1, SIZE_MAX, SSIZE_MAX, (size_t)INT_MIN};
    for (unsigned p = 0; p < POINTERS; p++)
        for (size_t i = 0; i < sizeof some / sizeof *some && fits(&rows[number], p, some[i]); i++) {
            call_row(number, rows[number].a, p, some[i]);
            if (is_pointer_b(&rows[number]))
                call_row(number, rows[number].b, p, some[i]);
        }
    if (takes_name(&rows[number])) {
        call_row(number, rows[number].a, BLOCK_OF_X, 1);
        call_row(number, rows[number].b, BLOCK_OF_X, 1);
    }
}

static void call_every_row(void) {
    for (unsigned i = 0; i < ROWS; i++) {
        if (!functions[i])
            continue;
        if (needs_own_child(&rows[i])) {
            call_of_child(i);
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            call_of_row(i);
            _exit(DONE);
        }
        wait_for_child(child);
    }
}

int main(int count, char **arguments) {
    struct sigaction action = {.sa_sigaction = leave_call, .sa_flags = SA_NODEFER | SA_SIGINFO};
    (void)count;
    out = fdopen(dup(1), "w");
    file = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    int null = open("/dev/null", O_RDWR);
    if (!out || file < 0 || null < 0 ||
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
        return 2;
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    dl_iterate_phdr(find_libc, NULL);
    lay_out();
    setvbuf(out, NULL, _IOLBF, 1 << 16);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGABRT, &action, NULL);
    call_the_kernel();
    renew_streams();
    call_with_every_format();
    call_every_row();
    (void)mprotect(block_page, PAGE, PROT_READ | PROT_WRITE);
    _exit(fclose(out) == 0 ? 0 : 2); /* no stream is flushed that died in the midst of a call */
}
