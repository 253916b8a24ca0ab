/* The play file, which hakmem-trace writes of a capture and hakmem-player reads, and the results
 * that come back. Both are files without a name that hakmem-player is started with.
 *
 *   struct play_head | blocks of PLAY_BLOCK_BYTES: words of one thread, then the next block's
 * number | struct play_thread for each thread | alignments | threads of each epoch
 *
 * A word is an operation: PLAY_KIND bits of kind, then the slot that holds the pointer, then the
 * bytes. The words of a thread are in its order. The log of the capture is cut into epochs of some
 * thousand events: a thread begins an epoch when all threads have done the last but one before it.
 * So whatever happened earlier than that needs no wait of its own.
 *
 * Each operation waits for earlier ones of the log alone, so no wait is endless.
 * docs/specs/replay.md has all of it. */
#ifndef HAK_PLAYER_PLAY_H
#define HAK_PLAYER_PLAY_H

#include <stdint.h>

#define PLAY_MAGIC       "HKPLAY02"
#define PLAY_BLOCK_BYTES 4096u
#define PLAY_BLOCK_WORDS (PLAY_BLOCK_BYTES / 8 - 1) /* the last one names the next block */
#define PLAY_NO_BLOCK    UINT64_MAX

enum play_kind {
    PLAY_MALLOC,    /* slot, bytes */
    PLAY_CALLOC,    /* slot, bytes */
    PLAY_ALIGNED,   /* slot, bytes; a PLAY_ALIGNMENT word stands before it */
    PLAY_REALLOC,   /* slot, bytes */
    PLAY_FREE,      /* slot */
    PLAY_HIGH,      /* bytes: the high 32 bits of those of the next word */
    PLAY_ALIGNMENT, /* slot: which of the alignments */
    PLAY_WAIT,      /* slot: a thread, bytes: how many calls it must have done, modulo 2^32 */
    PLAY_EPOCH,     /* slot: the epoch that begins for this thread */
    PLAY_TIME,      /* slot and bytes: ns since the first event, 60 bits */
    PLAY_START,     /* slot: the thread to start */
    PLAY_STEP,      /* slot and bytes: calls of the log so far, in PLAY_UNITs */
    PLAY_LOOK,      /* the bytes of all live blocks are at a peak: look at the memory */
    PLAY_END,       /* slot: 1 the thread ends here, 0 it stays until the play is over */
};

#define PLAY_SLOTS_MAX (1u << 28)
#define PLAY_NS_MAX    ((1ull << 60) - 1)

static inline uint64_t play_word(enum play_kind kind, uint32_t slot, uint32_t bytes) {
    return (uint64_t)kind | (uint64_t)slot << 4 | (uint64_t)bytes << 32;
}
static inline enum play_kind play_kind_of(uint64_t word) {
    return (enum play_kind)(word & 15);
}
static inline uint32_t play_slot_of(uint64_t word) {
    return (uint32_t)word >> 4;
}
static inline uint32_t play_bytes_of(uint64_t word) {
    return (uint32_t)(word >> 32);
}

struct play_thread {
    uint64_t first_block; /* its number; PLAY_NO_BLOCK: the thread calls nothing */
};

/* The first PLAY_BLOCK_BYTES of the file. Offsets are in bytes. */
struct play_head {
    char magic[8];
    uint64_t blocks;           /* behind the head */
    uint64_t thread_offset;    /* struct play_thread each; thread 0 is the program's main thread */
    uint64_t alignment_offset; /* log2 of each alignment, a byte each */
    uint64_t epoch_offset;     /* how many threads have words in each epoch, 32 bits each */
    uint64_t calls;            /* of all threads */
    uint64_t step_units;       /* a step is taken where the number of a PLAY_STEP is a multiple */
    uint32_t threads, alignments, epochs, slots;
};

/* The bytes that are written into a block that was handed out. */
enum play_touch {
    PLAY_TOUCH_NOTHING, /* no call is made at all: what the player needs for itself */
    PLAY_TOUCH_FIRST,   /* its first word */
    PLAY_TOUCH_PAGES,   /* that, a byte of each page, and the last one */
    PLAY_TOUCH_ALL,     /* every byte */
};

/* Times of calls in ticks, by octave and eighth. */
#define PLAY_TIMES (62 * 8)
static inline unsigned play_time_index(uint64_t ticks) {
    unsigned octave = ticks < 8 ? 0 : 61u - (unsigned)__builtin_clzll(ticks);
    return octave ? octave * 8 + (unsigned)(ticks >> (octave - 1) & 7) : (unsigned)ticks;
}
/* The most ticks that have this index. */
static inline uint64_t play_time_most(unsigned index) {
    return index < 8 ? index : ((8 + (uint64_t)(index & 7) + 1) << (index / 8 - 1)) - 1;
}

/* Steps of a play: after each `step_units` times PLAY_UNIT calls of the log. */
#define PLAY_UNIT      64u
#define PLAY_STEPS_MAX 256u
struct play_step {
    uint64_t ns, calls, live_bytes,
        anonymous_bytes; /* ns since the play's begin; calls in the log */
};

/* The results, which hakmem-player writes while it runs and at its end. */
struct play_result {
    uint64_t is_over;         /* 1: all below is there */
    uint64_t calls;           /* done so far */
    uint64_t begin_anonymous; /* bytes of RssAnon before the first call */
    uint64_t peak_anonymous;
    uint64_t sum_anonymous, looks; /* over time: their mean */
    uint64_t wall_ns, cpu_ns;      /* cpu_ns: without the thread that looks */
    uint64_t ticks;                /* of the clock of the times, during wall_ns */
    uint64_t call_ticks;           /* in all calls */
    uint64_t most_ticks;           /* of one of them */
    uint64_t minor_faults, major_faults;
    uint64_t peak_live_bytes, end_live_bytes, end_live_blocks;
    uint64_t failed;  /* calls that got no memory */
    uint64_t damaged; /* blocks whose first word was not as it was left, or not zero of calloc */
    uint64_t times[PLAY_TIMES];
    struct play_step step[PLAY_STEPS_MAX]; /* anonymous_bytes 0: no such step */
    char module[4096];                     /* the file that malloc lies in */
    char error[256];                       /* why it ended early */
};

#endif
