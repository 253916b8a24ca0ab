/* Allocation loops of one thread for benches: `loops KIND [NUMBER] OPERATIONS`, nothing printed.
 *
 *   random LIVE     sizes 16..1040, that many blocks live, one of them replaced each time
 *   fixed BYTES     a block taken and given back
 *   calloc          zeroed blocks of 16..4112 bytes, 1024 live
 *   grow            buffers that realloc doubles from 16 bytes to 1 MiB, eight at a time
 *   big             20 blocks of 5 to 25 MiB, one of them replaced each time and filled
 *   churn           requests: a small tree and a list of parts through some functions, all freed at
 *                   the request's end but for one block in 16 requests, which stays for 1,024 of
 *                   these
 *   nothing         a process that asks for nothing; OPERATIONS is not looked at
 *   once            a process that asks once
 *   execs           so many processes one after the other, each of which asks once */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void *touch(void *block) {
    if (!block)
        abort();
    *(volatile char *)block = 1;
    return block;
}

static void random_sizes(size_t live, uint32_t span, int zeroed, long operations) {
    char **blocks = calloc(live, sizeof *blocks);
    uint32_t state = 42;
    for (long i = 0; i < operations; i++) {
        char **block = &blocks[next_random(&state) % live];
        size_t bytes = 16 + next_random(&state) % span;
        free(*block);
        *block = touch(zeroed ? calloc(1, bytes) : malloc(bytes));
    }
    for (size_t i = 0; i < live; i++)
        free(blocks[i]);
    free(blocks);
}

static void fixed(size_t bytes, long operations) {
    for (long i = 0; i < operations; i++) {
        char *volatile block = touch(malloc(bytes));
        free(block);
    }
}

/* Grows a string or array; every new byte is written. */
static void grow(long operations) {
    enum { BUFFERS = 8, LAST_BYTES = 1 << 20 };
    char *buffers[BUFFERS] = {NULL};
    size_t bytes[BUFFERS] = {0};
    for (long i = 0; i < operations; i++) {
        unsigned which = (unsigned)i % BUFFERS;
        if (bytes[which] == LAST_BYTES) {
            free(buffers[which]);
            buffers[which] = NULL;
            bytes[which] = 0;
        }
        size_t wider = bytes[which] ? bytes[which] * 2 : 16;
        buffers[which] = touch(realloc(buffers[which], wider));
        memset(buffers[which] + bytes[which], 1, wider - bytes[which]);
        bytes[which] = wider;
    }
    for (unsigned which = 0; which < BUFFERS; which++)
        free(buffers[which]);
}

/* Works like a program for pictures: few blocks, every byte of them written. */
static void big(long operations) {
    enum { LIVE = 20, LEAST_BYTES = 5 << 20, SPAN_BYTES = 20 << 20 };
    char *blocks[LIVE] = {NULL};
    uint32_t state = 42;
    for (long i = 0; i < operations; i++) {
        char **block = &blocks[next_random(&state) % LIVE];
        size_t bytes = LEAST_BYTES + next_random(&state) * 2 % SPAN_BYTES;
        free(*block);
        *block = touch(malloc(bytes));
        memset(*block, 1, bytes);
    }
    for (unsigned i = 0; i < LIVE; i++)
        free(blocks[i]);
}

struct tree {
    struct tree *left, *right;
    char *name;
};

__attribute__((noinline)) static char *make_name(uint32_t *state) {
    return touch(malloc(8 + next_random(state) % 40));
}

__attribute__((noinline)) static struct tree *make_tree(uint32_t *state, int depth) {
    struct tree *node = touch(malloc(sizeof *node));
    node->name = make_name(state);
    node->left = depth ? make_tree(state, depth - 1) : NULL;
    node->right = depth && next_random(state) % 2 ? make_tree(state, depth - 1) : NULL;
    return node;
}

__attribute__((noinline)) static void drop_tree(struct tree *node) {
    if (!node)
        return;
    drop_tree(node->left);
    drop_tree(node->right);
    free(node->name);
    free(node);
}

__attribute__((noinline)) static size_t make_parts(char **parts, uint32_t *state) {
    size_t count = next_random(state) % 8;
    for (size_t i = 0; i < count; i++)
        parts[i] = touch(calloc(1, 100 + i * 60));
    return count;
}

static void churn(long operations) {
    enum { KEPT = 1024 };
    static char *kept[KEPT];
    uint32_t state = 42;
    for (long i = 0; i < operations; i++) {
        char *parts[8], *text = touch(malloc(32));
        struct tree *tree = make_tree(&state, 3);
        size_t count = make_parts(parts, &state);
        text = touch(realloc(text, 32 + 24 * count));
        for (size_t part = 0; part < count; part++)
            free(parts[part]);
        drop_tree(tree);
        free(text);
        if (i % 16 == 0) {
            char **place = &kept[i / 16 % KEPT];
            free(*place);
            *place = make_name(&state);
        }
    }
    for (size_t i = 0; i < KEPT; i++)
        free(kept[i]);
}

static void execute_many(char *self, long processes) {
    char *arguments[] = {self, "once", "1", NULL};
    for (long i = 0; i < processes; i++) {
        pid_t child;
        int status;
        if (posix_spawn(&child, self, NULL, NULL, arguments, environ) != 0 ||
            waitpid(child, &status, 0) != child || status != 0)
            abort();
    }
}

int main(int argc, char **argv) {
    const char *kind = argc > 2 ? argv[1] : "";
    long number = argc > 2 ? atol(argv[2]) : 0, operations = argc > 2 ? atol(argv[argc - 1]) : 0;
    if (strcmp(kind, "random") == 0 && number > 0)
        random_sizes((size_t)number, 1025, 0, operations);
    else if (strcmp(kind, "fixed") == 0)
        fixed((size_t)number, operations);
    else if (strcmp(kind, "calloc") == 0)
        random_sizes(1024, 4097, 1, operations);
    else if (strcmp(kind, "grow") == 0)
        grow(operations);
    else if (strcmp(kind, "big") == 0)
        big(operations);
    else if (strcmp(kind, "churn") == 0)
        churn(operations);
    else if (strcmp(kind, "once") == 0)
        fixed(100, 1);
    else if (strcmp(kind, "execs") == 0)
        execute_many(argv[0], operations);
    else if (strcmp(kind, "nothing") != 0) {
        fputs("usage: loops KIND [NUMBER] OPERATIONS\n", stderr);
        return 2;
    }
    return 0;
}
