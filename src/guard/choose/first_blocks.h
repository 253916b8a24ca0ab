/* Chooses the sites that get guarded blocks (HAKMEM_GUARD=sites:N): the first N blocks of each
 * whole recorded stack, as far as time and memory go.
 *
 *   stack id --low bits--> a byte: how many of its blocks were guarded | DONE: no more of them
 *
 *   time left, of a credit                what a site gets
 *   memory left, of HAKMEM_GUARD_MEMORY
 *     more than a half of both            N blocks
 *     an eighth                           its first one
 *     some                                its first one, of each 16th site
 *     none                                none
 *
 * The first HAK_SITES_FIRST_OF_ALL blocks are not charged and do not depend on the time left; from
 * number HAK_SITES_EARLY_OTHERS on they are first blocks of their sites. When all of the credit is
 * at hand again, every few seconds, each site may have one block more: a server's second hour is
 * seen as its first one.
 *
 * A site that was passed over is done, too, until there is plenty again. Two stacks with the same
 * low bits count as one site. No lock: what two threads count at once may be off by one. */
#ifndef HAK_GUARD_CHOOSE_FIRST_BLOCKS_H
#define HAK_GUARD_CHOOSE_FIRST_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "platform/platform.h"
#include "trace/trace.h"

enum {
    HAK_SITES = 1 << 20,
    HAK_SITE_MOST_BLOCKS = 100,
    HAK_SITES_FIRST_OF_ALL = 2560, /* blocks that are not charged; 10 of 12 MiB for live blocks */
    HAK_SITES_EARLY_OTHERS = 512,  /* of them up to when others than a site's first may come */
};

/* Below 0: done. */
HAK_HIDDEN extern _Atomic int8_t hak_sites[HAK_SITES];

/* The most credit that is saved up, ticks. */
#define HAK_SITES_CREDIT ((int64_t)HAK_DECAY_TICKS / 4)

/* Begins anew, with N = `most`, 1 to HAK_SITE_MOST_BLOCKS, and so much of the credit. */
HAK_HIDDEN void hak_sites_start(unsigned most, int64_t credit_ticks);

/* Is no block of the site to be guarded? One look, for the path of most calls. */
HAK_IN_PLACE bool hak_site_is_done(uint32_t stack) {
    return atomic_load_explicit(&hak_sites[stack % HAK_SITES], memory_order_relaxed) < 0;
}

struct hak_site_turn {
    unsigned
        number;    /* of the block among those of its site, from 1 on; 0: it is not to be guarded */
    bool is_early; /* one of the first of all */
};

/* Counts the site's next block if that is to be guarded. */
HAK_HIDDEN struct hak_site_turn hak_site_take(uint32_t stack);

/* Where all blocks are guarded that there is room for: the number of the site's next one, from 1
 * on, above 127 only odd or even as that; and notes that the site has it. */
HAK_HIDDEN unsigned hak_site_number(uint32_t stack);
HAK_HIDDEN void hak_site_note(uint32_t stack);

/* May a guarded block that realloc moves be one again, and is it charged? */
enum hak_site_move { HAK_SITE_MOVE_NONE, HAK_SITE_MOVE_FREE, HAK_SITE_MOVE_CHARGED };
HAK_HIDDEN enum hak_site_move hak_sites_take_moved(void);

/* Earns what has passed since the last look, and gives sites another turn when it is time. */
HAK_HIDDEN void hak_sites_look(uint64_t now);

/* Charges a block that is not early: to open it and touch it took so many ticks. */
HAK_HIDDEN void hak_sites_charge(uint64_t ticks);

/* A guarded block was closed in so many ticks. */
HAK_HIDDEN void hak_sites_note_closing(uint64_t ticks);

/* The stack of a call that the path has left to the long way, so that it is found once: until the
 * block is handed out, or is none of the first. */
struct hak_stack_at_hand {
    hak_call_t call; /* NULL: there is none */
    uint32_t stack;
    uint8_t flags;
};
HAK_HIDDEN extern _Thread_local struct hak_stack_at_hand hak_stack_at_hand
    __attribute__((tls_model("initial-exec")));

/* hak_take_call_stack, of a call whose stack may be at hand; it is forgotten. The call is compared
 * last: a signal handler that has a stack at hand in between takes `call` away. */
HAK_IN_PLACE uint32_t hak_take_stack_at_hand(hak_call_t call, uint8_t *flags) {
    struct hak_stack_at_hand found = hak_stack_at_hand;
    __asm__ volatile("" : : : "memory");
    if (HAK_LIKELY(!hak_stack_at_hand.call || hak_stack_at_hand.call != call))
        return hak_take_call_stack(call, flags);
    hak_stack_at_hand.call = NULL;
    *flags |= found.flags;
    return found.stack;
}

#endif
