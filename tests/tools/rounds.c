/* A history in front of a program's own: as an LD_PRELOAD library, makes rounds of 20 sizes before
 * main. HISTORY=KIND,SEED: "kept", all blocks stay; "part", some of each round are freed; 60 rounds
 * and up to SEED more. "stacks": four blocks of each of 2,048 allocation stacks instead, which
 * stay. */
#include <stdlib.h>
#include <string.h>

enum { rounds = 60, more_rounds = 97, sizes = 20, stack_bits = 11, of_each = 4 };

static void *kept[(rounds + more_rounds) * sizes];

static void __attribute__((noinline)) one_round(void **block, unsigned long state, int frees) {
    static const size_t bytes[sizes] = {8,   16,  24,  30,  40,  50,  56,   64,   80,   100,
                                        128, 200, 256, 400, 512, 800, 1024, 2000, 4000, 9000};
    for (int i = 0; i < sizes; i++) {
        block[i] = malloc(bytes[i]);
        if (block[i] != NULL)
            memset(block[i], 1, bytes[i]);
    }
    for (int i = 0; frees && i < sizes; i++) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        if (state >> 63) {
            free(block[i]);
            block[i] = NULL;
        }
    }
}

/* Each level of calls has two places, so that the bits of `which` are a stack of their own. */
static void __attribute__((noinline)) take_by(unsigned which, int bits) {
    if (bits == 0) {
        void *volatile block = malloc(24);
        *(char *)block = 1;
    } else if (which & 1) {
        take_by(which >> 1, bits - 1);
        __asm__ volatile("");
    } else {
        take_by(which >> 1, bits - 1);
        __asm__ volatile("nop");
    }
}

static void make_stacks(void) {
    for (unsigned which = 0; which < 1u << stack_bits; which++)
        for (int i = 0; i < of_each; i++)
            take_by(which, stack_bits);
}

static void __attribute__((constructor)) make_history(void) {
    const char *history = getenv("HISTORY"), *comma = history ? strchr(history, ',') : NULL;
    if (comma == NULL)
        return;
    if (strncmp(history, "stacks", 6) == 0) {
        make_stacks();
        return;
    }
    unsigned long seed = strtoul(comma + 1, NULL, 10);
    int frees = strncmp(history, "part", 4) == 0;
    for (unsigned long round = 0; round < rounds + seed % more_rounds; round++)
        one_round(&kept[round * sizes], seed * 1000 + round, frees);
}
