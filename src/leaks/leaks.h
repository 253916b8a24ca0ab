/* The leak scan: finds the live blocks that no pointer of the program reaches any more.
 *
 *   exit, signal, hak_find_leaks()                        the calling thread        (scan.c)
 *     stack.c    where the program's own frames begin
 *     helper.c   a process of our own that shares the memory:
 *       threads.c  stops all other threads; their registers (signals.c: where ptrace is barred)
 *       index.c    pointer -> live block, two bits for each block
 *       areas.c    what is mapped
 *       pieces.c   pieces of the program's own pools, each a block of its own
 *       mark.c     what may hold pointers, dead stacks and hakmem's own left out --> marker.h
 *     record.c   one LEAK record for each lost block, one for the scan; the report
 *     raw.c      the same by the program itself, where there is no collector
 *   fork.c     a child tells of no block that was there before it
 *
 * The helper is there so that a fault of the scan itself (memory that cannot be read after all)
 * ends the helper and not the program, and because only another process may trace threads. It
 * writes into the scan's own memory alone. Nothing here allocates from the layers or takes a lock.
 *
 * docs/specs/leaks.md says what counts as a pointer, and what cannot be seen. */
#ifndef HAK_LEAKS_LEAKS_H
#define HAK_LEAKS_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "block.h"
#include "guard/locate/locate.h"
#include "marking.h"
#include "trace/record.h"
#include "unwind/registers.h"
#include HAK_ARCH_FILE(context.h)

/* ---- what the scan knows --------------------------------------------------------------------- */

/* A SuperSlab of the index. */
struct hak_leak_superslab {
    struct hak_superslab *superslab;
    uint8_t *marks; /* two bits for each slot state */
};

/* A large live block. */
struct hak_leak_large {
    uintptr_t user, end;
    struct hak_large *large;
    uint8_t mark;
};

/* One entry for each 2 MiB in which blocks lie, open addressing by address. */
struct hak_leak_granule {
    uintptr_t number;     /* address / 2 MiB + 1, 0 = empty */
    uint32_t superslab;   /* index + 1, 0 = none */
    uint32_t first_large; /* index + 1 of the first large block that ends behind its start, 0 = none
                           */
};

struct hak_leak_index {
    struct hak_leak_superslab *superslabs;
    size_t superslab_count;
    struct hak_leak_large *larges; /* by address */
    size_t large_count;
    struct hak_leak_granule *granules;
    size_t granule_mask;
    uint8_t *marks;         /* of all SuperSlabs */
    uintptr_t low, span;    /* addresses outside are no blocks */
    uint64_t blocks, bytes; /* live ones */
    char *memory;           /* all of the above */
    size_t memory_bytes;
};

/* A live piece of one of the program's own pools. */
struct hak_leak_piece {
    uintptr_t user, end;
    uint32_t stack, pool; /* of its hak_pool_alloc; the pool's number */
    uint8_t mark;
};

/* A live block that a pointer leads to. */
struct hak_leak_block {
    struct hak_located at;        /* nothing, for a piece */
    struct hak_leak_piece *piece; /* NULL = it is a block of malloc */
    uintptr_t user, end;          /* its bytes */
    uint8_t *mark;                /* the byte that holds its two bits */
    unsigned mark_shift;          /* and where in it */
};

static inline enum hak_mark hak_mark_of(const struct hak_leak_block *block) {
    return (enum hak_mark)(*block->mark >> block->mark_shift & 3);
}
static inline void hak_set_mark(const struct hak_leak_block *block, enum hak_mark mark) {
    *block->mark = (uint8_t)((*block->mark & ~(3u << block->mark_shift)) |
                             (unsigned)mark << block->mark_shift);
}

/* Of the call that took it. */
static inline uint32_t hak_leak_stack_of(const struct hak_leak_block *block) {
    return block->piece ? block->piece->stack : block->at.slot->alloc_stack;
}

/* A piece of the address space. */
struct hak_leak_area {
    uintptr_t start, end;
    uint8_t readable, writable, is_private, has_file, is_stack, is_special;
};

/* A thread, the calling one or another. */
struct hak_leak_thread {
    int id;
    bool is_stopped; /* its registers are known; the calling one's are */
    bool is_asked;   /* it was sent a signal */
    bool is_gone;    /* it has ended */
    bool is_there;   /* the helper traces it */
    int signal;      /* that came at its stop, 0 = none */
    uintptr_t sp, tp, ip;
    /* Registers but the stack pointer, and vectors' halves. */
    uint64_t words[HAK_CONTEXT_WORDS_MOST];
    unsigned word_count;
};

enum hak_leak_failure {
    HAK_LEAK_DONE = 0,
    HAK_LEAK_NO_MAPS,   /* /proc/self/maps cannot be read */
    HAK_LEAK_NO_MEMORY, /* for the index */
    HAK_LEAK_DIED,      /* the helper met a fault */
};

struct hak_leak_scan {
    struct hak_marking marking; /* its numbers of blocks are their addresses */
    struct hak_leak_index index;
    uintptr_t own_sp; /* of the calling thread, in hakmem; its live frames begin at its `sp` */
    int process_id;
    /* Files of /proc, opened by the program's own process; negative = cannot be opened. */
    long maps_file, pages_file, tasks_file;
    struct hak_leak_piece *pieces; /* by address, none in another one */
    size_t piece_count, piece_room;
    struct hak_leak_thread *threads; /* the calling one first */
    size_t thread_count;
    /* Filled by the helper. */
    struct hak_leak_area *areas;
    size_t area_count;
    const struct hak_leak_area *open_area; /* the last one that could be read; NULL = none yet */
    uint32_t partial;                      /* enum hak_leak_partial */
    uint64_t closed_bytes;                 /* of blocks: the program has closed or unmapped them */
    enum hak_leak_failure failure;
    uint64_t block_count[4], byte_count[4]; /* by enum hak_mark */
};

enum {
    HAK_LEAK_AREAS = 1 << 18,
    HAK_LEAK_THREADS = 1 << 15,
    HAK_LEAK_LEFT_OUT = 4 * HAK_LEAK_THREADS + 16,
    HAK_LEAK_RED_ZONE = 128,
};

/* ---- the steps ------------------------------------------------------------------------------- */

/* The place of hakmem's thread-local variables, at thread pointer - offset, and their bytes; and
 * its own module (own.c). Found at start. */
struct hak_leak_own {
    uintptr_t tls_offset, tls_bytes;
    uintptr_t module_start, module_end;
};
HAK_HIDDEN extern struct hak_leak_own hak_leak_own;
HAK_HIDDEN void hak_leak_find_own(void);

/* stack.c: sets the registers to those that the program's code has where it called exit
 * (`of_exit`), or called into hakmem. False: not found, they are those of the caller. */
HAK_HIDDEN bool hak_leak_find_frames(struct hak_registers *registers, bool of_exit);

/* index.c: makes an index of all SuperSlabs and large blocks by address. False: no memory. */
HAK_HIDDEN bool hak_leak_make_index(struct hak_leak_index *index);
HAK_HIDDEN void hak_leak_drop_index(struct hak_leak_index *index);
/* Finds the live block into which `pointer` points; `from_base`: or whose base or header it is, as
 * hakmem's own code has them in its hands. False: none. */
HAK_HIDDEN bool hak_leak_find(const struct hak_leak_index *index, uintptr_t pointer, bool from_base,
                              struct hak_leak_block *block);
/* Calls `visit` for every live block: large and guarded ones first, then the others, each by
 * address. */
HAK_HIDDEN void hak_leak_each(const struct hak_leak_index *index,
                              void (*visit)(const struct hak_leak_block *, void *), void *context);

/* Sorts `count` entries of `bytes` (a multiple of 8) each by the address that they begin with. */
HAK_HIDDEN void hak_leak_sort(void *list, size_t bytes, size_t count);

/* helper.c: runs `run` in a process of its own that shares this one's memory, or directly where
 * that is not possible. False: it died. */
HAK_HIDDEN bool hak_leak_run_helper(struct hak_leak_scan *scan,
                                    void (*run)(struct hak_leak_scan *));

/* threads.c, in the helper: stops all threads but the calling one, by signals or by tracing. */
HAK_HIDDEN void hak_leak_stop_threads(struct hak_leak_scan *scan);
/* Lets the stopped threads go. */
HAK_HIDDEN void hak_leak_release_threads(struct hak_leak_scan *scan);
/* Whether the process has more than one thread. */
HAK_HIDDEN bool hak_leak_has_threads(struct hak_leak_scan *scan);

/* signals.c: chooses the signal, in the program's own process; asks in the helper all threads that
 * could not be traced, and lets them go. */
HAK_HIDDEN void hak_leak_choose_signal(void);

/* Sends the chosen signal to the threads that no tracer has stopped, and waits for their answers,
 * ANSWER_MS at most. */
HAK_HIDDEN void hak_leak_stop_by_signal(struct hak_leak_scan *scan);

/* Lets the threads that the signal stopped go on. */
HAK_HIDDEN void hak_leak_release_by_signal(void);

/* areas.c, in the helper: reads the areas of the program's memory. False: there are none, or the
 * list cannot be read. */
HAK_HIDDEN bool hak_leak_read_areas(struct hak_leak_scan *scan);
HAK_HIDDEN const struct hak_leak_area *hak_leak_area_of(const struct hak_leak_scan *scan,
                                                        uintptr_t address);

/* pages.c, in the helper: writes the first guard regions (madvise) of `range` to `guards`, by
 * address, and returns how many, at most `most` and 32. */
HAK_HIDDEN size_t hak_leak_find_guards(const struct hak_leak_scan *scan,
                                       struct hak_mark_range range, struct hak_mark_range *guards,
                                       size_t most);

/* pages.c, in the helper: calls `visit` for the parts of `range` that hold anything: pages that the
 * program never touched are left out. */
enum hak_leak_pages {
    HAK_PAGES_OF_MEMORY, /* of no file: any of them can be read */
    HAK_PAGES_OF_FILE,   /* behind a file's end none can */
    HAK_PAGES_CHANGED,   /* of a private mapping of a file, what the program has written over */
};

/* Calls `visit` for the runs of pages in the range that hold anything of the kind `which`; a few
 * pages of memory are visited unasked. Where the kernel does not tell, all of the rest is visited,
 * or, if that is too much, the scan is partial. */
HAK_HIDDEN void hak_leak_each_touched(struct hak_leak_scan *scan, struct hak_mark_range range,
                                      enum hak_leak_pages which,
                                      void (*visit)(struct hak_leak_scan *, uintptr_t, uintptr_t));

/* pieces.c: takes room for a list of the live pieces of the program's own pools, before the helper
 * begins. */
HAK_HIDDEN void hak_leak_make_room_for_pieces(struct hak_leak_scan *scan);
/* Lists them, in the helper, with the threads stopped. None where a call was missed, where a thread
 * runs, and where one was stopped in the middle of a call. */
HAK_HIDDEN void hak_leak_take_pieces(struct hak_leak_scan *scan);
HAK_HIDDEN void hak_leak_drop_pieces(struct hak_leak_scan *scan);
/* Finds the piece that the pointer leads into. False: none. */
HAK_HIDDEN bool hak_leak_find_piece(const struct hak_leak_scan *scan, uintptr_t pointer,
                                    struct hak_leak_block *block);
HAK_HIDDEN void hak_leak_each_piece(const struct hak_leak_scan *scan,
                                    void (*visit)(const struct hak_leak_block *, void *),
                                    void *context);
/* Whether the block is a guarded piece of such a pool, which is told as a piece or not at all. */
HAK_HIDDEN bool hak_leak_is_guarded_piece(const struct hak_leak_block *block);
/* Calls `visit` for the parts of a range that lie in no piece. */
HAK_HIDDEN void hak_leak_outside_pieces(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end,
                                        void (*visit)(struct hak_leak_scan *, uintptr_t,
                                                      uintptr_t));
/* Whether the piece is still the program's, when the threads go on. */
HAK_HIDDEN bool hak_leak_is_piece_there(const struct hak_leak_piece *piece);

/* mark.c, in the helper: marks all blocks that roots, threads and blocks lead to, parts the others
 * into direct and indirect leaks, and counts the blocks and bytes of each mark. */
HAK_HIDDEN void hak_leak_mark_blocks(struct hak_leak_scan *scan);

/* record.c: records and reports the lost blocks of a scan. Returns how many there are. */
HAK_HIDDEN size_t hak_leak_record(struct hak_leak_scan *scan, enum hak_leak_reason reason,
                                  uint64_t ns);

/* raw.c: writes the list of lost blocks, as the program does it itself, into an open file: the
 * SHOWN greatest piles with their stacks, and how many more there are. */
HAK_HIDDEN void hak_leak_write_list(const char *why, long file);
/* Sets the scan whose list is written; NULL: none. */
HAK_HIDDEN void hak_leak_set_written_scan(const struct hak_leak_scan *scan);

/* signals.c: in a forked child, where the thread that asks is not there. */
HAK_HIDDEN void hak_leak_forget_signalled(void);

/* fork.c: whether the block was there before this process was forked. */
HAK_HIDDEN bool hak_leak_is_inherited(const struct hak_leak_block *block);
HAK_HIDDEN bool hak_leak_is_child(void);
/* Notes, before a scan, whether this is a child of a fork that no handler heard of; what it
 * inherited is not known then. */
HAK_HIDDEN void hak_leak_check_child(void);
/* At start; in a forked child, which notes what is live. */
HAK_HIDDEN void hak_leak_note_process(void);

/* In a fork's child: notes the live blocks that it inherits, where leaks are asked for. Without
 * memory for them all blocks count as inherited. */
HAK_HIDDEN void hak_leak_enter_child(void);

/* scan.c: scans the whole process for lost blocks and records them, on the calling thread; at exit
 * only frames from exit's caller on count. Returns the number of lost blocks, 0 also when another
 * scan is under way. Keeps errno. */
HAK_HIDDEN size_t hak_leak_scan(enum hak_leak_reason reason);

#endif
