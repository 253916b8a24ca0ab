/* Reads that no closed page stops, and such that are none: `watched CASE`. A block of each case is
 * the first one of its allocation stack; those of `correct` are at as many depths of a recursion,
 * so that each is the first of its own. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

static volatile unsigned long long sum; /* nothing is left out */

static char *take(size_t bytes, int fill) {
    char *block = malloc(bytes);
    memset(block, fill, bytes);
    return block;
}

static void read_at(const volatile char *at) {
    sum += (unsigned char)*at;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static void byte_in_slack(void) {
    char *block = take(30, 'x');
    read_at(block + 30);
    free(block);
}

static void number_in_slack(void) {
    int *numbers = (int *)(void *)take(10 * sizeof(int), 'x');
    sum += (unsigned)((volatile int *)numbers)[10];
    free(numbers);
}

static void double_in_slack(void) {
    volatile double *numbers = (volatile double *)(void *)take(3 * sizeof(double), 0), total = 0;
    for (int i = 0; i <= 3; i++)
        total += numbers[i];
    sum += total > 0;
    free((void *)numbers);
}

static void byte_in_front(void) {
    char *block = take(32, 'x');
    read_at(block - 1);
    free(block);
}

static void number_in_front(void) {
    long *numbers = (long *)(void *)take(6 * sizeof(long), 'x');
    sum += (unsigned long)((volatile long *)numbers)[-1];
    free(numbers);
}

static void copied_from_front(void) {
    char *block = take(48, 'x'), copy[48];
    void *(*volatile copier)(void *, const void *, size_t) = memcpy;
    copier(copy, block - 16, sizeof copy);
    sum += (unsigned char)copy[7];
    free(block);
}

static void written(void) {
    char *block = take(30, 'x');
    *(volatile char *)(block + 30) = 'y';
    free(block);
}

static void *in_this_thread(void *unused) {
    byte_in_slack();
    return unused;
}

static void in_thread(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, in_this_thread, NULL);
    pthread_join(thread, NULL);
}

static void in_child(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        byte_in_slack();
        _exit(0);
    }
    waitpid(child, &status, 0);
}

/* ---- correct --------------------------------------------------------------------------------- */

/* The same length at another address: how many bytes of it lie in the slack, and whether a vector
 * begins in front, differs. */
static char *take_deep(int depth, size_t bytes) {
    char *block = depth > 0 ? take_deep(depth - 1, bytes) : take(bytes, 'x');
    sum += (unsigned long long)depth;
    return block;
}

static char *text_of(int depth, size_t length) {
    char *text = take_deep(depth, length + 1);
    text[length] = 0;
    return text;
}

static void each_function(size_t n) {
    int depth = (int)n;
    char copy[300], other[300], *text = text_of(depth, n);
    memset(other, 'x', sizeof other);
    other[n] = 0;
    size_t (*volatile length)(const char *) = strlen;
    void *(*volatile find)(const void *, int, size_t) = memchr;
    void *(*volatile find_last)(const void *, int, size_t) = memrchr;
    void *(*volatile copier)(void *, const void *, size_t) = memcpy;
    void *(*volatile mover)(void *, const void *, size_t) = memmove;
    int (*volatile compare)(const void *, const void *, size_t) = memcmp;
    sum += length(text) + strnlen(text, n + 1);
    sum += strchr(text, 'y') != NULL;
    sum += strrchr(text, 'y') != NULL;
    sum += find(text, 'y', n + 1) != NULL;
    sum += find_last(text, 'y', n + 1) != NULL;
    sum += rawmemchr(text, 0) != NULL;
    sum += strcmp(text, other) == 0;
    sum += strncmp(text, other, n + 1) == 0;
    sum += strcasecmp(text, other) == 0;
    sum += compare(text, other, n + 1) == 0;
    sum += strspn(text, "xyz") + strcspn(text, "abc");
    sum += strstr(text, "xy") != NULL;
    copier(copy, text, n + 1);
    mover(copy, text, n + 1);
    strcpy(copy, text);
    strncpy(copy, text, n + 1);
    snprintf(copy, sizeof copy, "%s", text);
    char *twin = strdup(text);
    sum += strcmp(twin, text) == 0;
    free(twin);
    for (size_t i = 0; i <= n; i++)
        read_at(text + i);
    free(text);
}

static void each_wide(size_t n) {
    wchar_t *text = (wchar_t *)(void *)take_deep((int)n, (n + 1) * sizeof(wchar_t));
    wmemset(text, L'x', n);
    text[n] = 0;
    sum += wcslen(text) + (wcschr(text, L'y') != NULL) + (wmemchr(text, L'y', n + 1) != NULL);
    free(text);
}

typedef struct {
    char bytes[32];
} __attribute__((aligned(1))) vector;

/* As a program that knows how memory is aligned: whole words, and vectors that begin in front. */
static void each_word(size_t n) {
    char *block = take_deep((int)n, n);
    for (size_t i = 0; i < n; i += 8)
        sum += *(volatile unsigned long *)(void *)(block + (i & ~(size_t)7));
#if defined(__x86_64__)
    __asm__ volatile("movdqu %0, %%xmm0" : : "m"(*(vector *)(void *)(block - 8)) : "xmm0");
    __asm__ volatile("movq %0, %%rax" : : "m"(*(vector *)(void *)(block - 4)) : "rax");
    if (n % 16 <= 12 && n % 16 >= 4) /* what lies behind the next 16 is closed */
        __asm__ volatile("movq %0, %%rax" : : "m"(*(vector *)(void *)(block + n - 4)) : "rax");
#endif
    free(block);
}

static void correct(void) {
    for (size_t n = 1; n < 60; n++)
        each_function(n);
}
static void correct_wide(void) {
    for (size_t n = 1; n < 60; n++)
        each_wide(n);
}
static void correct_words(void) {
    for (size_t n = 8; n < 60; n++)
        each_word(n);
}

/* The program blocks the signal. */
static void blocked(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    byte_in_slack();
}

/* clang-format off */
#define CASE(name) {#name, name}
/* clang-format on */

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {CASE(byte_in_slack), CASE(number_in_slack), CASE(double_in_slack),
                 CASE(byte_in_front), CASE(number_in_front), CASE(copied_from_front),
                 CASE(in_thread),     CASE(in_child),        CASE(correct),
                 CASE(correct_wide),  CASE(correct_words),   CASE(blocked),
                 CASE(written)};
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].run();
    puts("through");
    return 0;
}
