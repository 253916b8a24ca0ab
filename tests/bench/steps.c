/* The steps of an allocator, one function each, whose instructions tests/lint/instructions.sh
 * counts with callgrind: `steps [pair_64|moves|looks|bare]`. Each does its work STEPS times. */
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 10000 };

static void *volatile blocks[STEPS];
static void *volatile block;
static volatile size_t usable_bytes;
static const char *volatile current; /* keeps functions apart that do the same */

#define STEP(name)                                                                                 \
    static void work_##name(void);                                                                 \
    __attribute__((noinline)) static void step_##name(void) {                                      \
        current = #name;                                                                           \
        work_##name();                                                                             \
        current = NULL;                                                                            \
    }                                                                                              \
    __attribute__((always_inline)) static inline void work_##name(void)

#define PAIR(bytes)                                                                                \
    STEP(pair_##bytes) {                                                                           \
        for (int i = 0; i < STEPS; i++) {                                                          \
            block = malloc(bytes);                                                                 \
            free(block);                                                                           \
        }                                                                                          \
    }
PAIR(16)
PAIR(64)
PAIR(1024)
PAIR(4096)
PAIR(32768)
PAIR(60000)
PAIR(300000)

#define TAKE_ALL(name, bytes)                                                                      \
    STEP(name) {                                                                                   \
        for (int i = 0; i < STEPS; i++)                                                            \
            blocks[i] = malloc(bytes);                                                             \
    }
#define GIVE_ALL(name)                                                                             \
    STEP(name) {                                                                                   \
        for (int i = 0; i < STEPS; i++)                                                            \
            free(blocks[i]);                                                                       \
    }

/* fresh: carved out of new slabs; spill: into them; refill: out of slabs that have served. */
TAKE_ALL(fresh_64, 64)
GIVE_ALL(spill_64)
TAKE_ALL(refill_64, 64)
GIVE_ALL(spill_64_again)
TAKE_ALL(fresh_1024, 1024)
GIVE_ALL(spill_1024)
TAKE_ALL(refill_1024, 1024)
GIVE_ALL(spill_1024_again)

/* Blocks of another thread; and taken in: what their owner has to do until it has them again. */
GIVE_ALL(remote_free)
TAKE_ALL(remote_taken_in, 64)

STEP(calloc_64) {
    for (int i = 0; i < STEPS; i++) {
        block = calloc(4, 16);
        free(block);
    }
}

STEP(realloc_stays) {
    for (int i = 0; i < STEPS; i++)
        block = realloc(block, 100 + (size_t)i % 2 * 8);
}

STEP(realloc_moves) {
    for (int i = 0; i < STEPS; i++)
        block = realloc(block, i % 2 ? 64 : 128);
}

STEP(usable_size) {
    for (int i = 0; i < STEPS; i++)
        usable_bytes = malloc_usable_size(block);
}

STEP(aligned_192) {
    for (int i = 0; i < STEPS; i++) {
        block = aligned_alloc(64, 192);
        free(block);
    }
}

/* Calls that HAKMEM_CHECK_STRING looks at: by pointers, since the compiler has ways of its own. */
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static size_t (*volatile length)(const char *) = strlen;
static char *look_to, *look_from;

#define LOOKS(where)                                                                               \
    STEP(copy_##where) {                                                                           \
        for (int i = 0; i < STEPS; i++)                                                            \
            copy(look_to, look_from, 64);                                                          \
    }                                                                                              \
    STEP(length_##where) {                                                                         \
        for (int i = 0; i < STEPS; i++)                                                            \
            length(look_from);                                                                     \
    }
LOOKS(heap)
LOOKS(stack)

static void look_all(void) {
    char local[2][64] = {"", "on the stack"};
    look_to = malloc(64);
    look_from = calloc(1, 64);
    step_copy_heap();
    step_length_heap();
    free(look_to);
    free(look_from);
    look_to = local[0];
    look_from = local[1];
    step_copy_stack();
    step_length_stack();
}

/* Calls from code without call frame information, with an rbp that is no frame pointer and another
 * one each time: as from Go, runtime.asmcgocall. Nothing tells its caller, since it is called by a
 * pointer. */
void call_from_bare(void (*function)(void), unsigned long rbp);
__asm__(".text\n"
        "call_from_bare:\n"
        "  push %rbp\n  mov %rsi, %rbp\n"
        "  call *%rdi\n"
        "  pop %rbp\n  ret\n");
static void (*volatile bare)(void (*)(void), unsigned long) = call_from_bare;

static void take_64(void) {
    block = malloc(64);
}
static void give_64(void) {
    free(block);
    current = "given";
}

STEP(pair_bare) {
    for (int i = 0; i < STEPS; i++) {
        bare(take_64, 0x5a5a0000 + 16 * (unsigned long)i);
        bare(give_64, 0x5a5b0000 + 16 * (unsigned long)i);
    }
}

static void *free_for_another(void *unused) {
    step_remote_free();
    return unused;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "pair_64") == 0) {
        step_pair_64();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "moves") == 0) {
        step_fresh_64();
        step_spill_64();
        step_refill_64();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "looks") == 0) {
        look_all();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "bare") == 0) {
        step_pair_bare();
        return 0;
    }
    step_pair_16();
    step_pair_64();
    step_pair_1024();
    step_pair_4096();
    step_pair_32768();
    step_pair_60000();
    step_pair_300000();
    step_calloc_64();
    block = malloc(100);
    step_realloc_stays();
    step_realloc_moves();
    step_usable_size();
    free(block);
    step_aligned_192();
    step_fresh_1024();
    step_spill_1024();
    step_refill_1024();
    step_spill_1024_again();
    step_fresh_64();
    step_spill_64();
    step_refill_64();
    pthread_t other;
    if (pthread_create(&other, NULL, free_for_another, NULL) != 0)
        abort();
    pthread_join(other, NULL);
    step_remote_taken_in();
    step_spill_64_again();
    return 0;
}
