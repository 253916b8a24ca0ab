/* The marker of live blocks: it follows pointers from the roots, then parts the lost blocks.
 *
 *   threads --stack, registers--+
 *   each_root --less left out---+--> words --find_block--> block --first time--> look_inside
 *                                    then what hangs on lost blocks
 *
 * The scan inside the program (src/leaks/mark.c) and that of a core file (viewer/corefile/mark.c)
 * include it once each. In front of it they define
 *
 *   marking_t       the scan, with a member `marking`; block_t: a live block, with `user` and `end`
 *   find_block      the block that a pointer leads to; `from_base`: or to whose base or header, as
 *                   hakmem's own code has it in its hands. It may fill `room`. NULL = none
 *   block_at        the block of number_of(block); NULL = it is gone
 *   each_block      calls a function for all, large and guarded ones first, then by address
 *   may_be_array    a block was taken by new[], or nobody knows
 *   mark_of         of a block; set_mark
 *   read_words      where words are, NULL = they cannot be read. Missing ones are zero, and then
 *                   `*is_whole` is false; `buffer` has buffer_room(words)
 *   make_room       for one more range in `left_out`
 *   sort_ranges     by their starts
 *   plain_word      a word without the memory tag that a pointer may have
 *   thread_count    of threads; thread_tp; thread_words, thread_word_count of registers
 *   may_be_alive    a thread with this pointer, or any of which nothing is known
 *
 * docs/specs/leaks.md has the rules. The code below takes no lock, allocates nothing, makes no
 * system call and leaves errno alone; those that it is given may do otherwise. */
#ifndef HAK_MARKER_H
#define HAK_MARKER_H

#include "attributes.h"
#include "marking.h"

enum {
    COOKIE_BYTES = 8,
    BLOCK_ALIGNMENT = 16,
    PTHREAD_ALIGNMENT = 64,
    ROOT_PAGE_BYTES = 4096,
    IN_HAND_BYTES = 8 << 10,
};

struct mark_stack {
    struct hak_mark_range dead; /* below its live frames; empty = not known */
    uint64_t sp, end;           /* of the mapping that sp lies in; 0 = none that can be read */
    bool is_in_hakmem;          /* the thread stands in hakmem's code */
};

/* And behind it: this follows the words of a block by mark_words. */
static void look_inside(marking_t *m, const block_t *block);
/* Calls `visit` for roots, ascending; they may be left out. */
static void each_root(marking_t *m, void (*visit)(marking_t *, uint64_t start, uint64_t end));
static void find_stack(marking_t *m, size_t thread, struct mark_stack *stack);
/* Of the stack that ends with the thread descriptor at `tp`; 0 = not known. */
static uint64_t stack_start(marking_t *m, uint64_t tp);

/* ---- words ----------------------------------------------------------------------------------- */

/* Appends the block's number to a list; a full one makes the marking partial. */
static void push_block(marking_t *m, uint64_t *list, size_t *count, const block_t *block) {
    if (HAK_LIKELY(*count < m->marking.capacity))
        list[(*count)++] = number_of(m, block);
    else
        m->marking.is_partial = true;
}

/* Marks an unseen block with `found_as`, and puts it on the work list. */
static void see_block(marking_t *m, const block_t *block) {
    if (mark_of(block) != HAK_MARK_UNSEEN)
        return;
    set_mark(m, block, m->marking.found_as);
    push_block(m, m->marking.work, &m->marking.work_count, block);
}

/* Whether the word points right behind a block that is an empty array: new T[0] of a type with a
 * destructor asks for a cookie of 8 bytes, which holds 0, and the program has the address behind
 * it. */
static bool is_empty_array(marking_t *m, const block_t *block, uint64_t word, bool is_found) {
    uint64_t buffer[1];
    bool is_whole;
    if (block->user != word - COOKIE_BYTES || block->end != word ||
        (is_found && !may_be_array(block)))
        return false;
    const uint64_t *cookie = read_words(m, block->user, COOKIE_BYTES, buffer, &is_whole);
    return cookie && *cookie == 0;
}

/* Marks the block that the word points into, and the empty array whose end a pointer behind its
 * cookie would be. */
static void mark_word(marking_t *m, uint64_t word) {
    block_t room;
    word = plain_word(m, word);
    const block_t *block = find_block(m, word, false, &room);
    bool is_found = block != NULL;
    if (is_found)
        see_block(m, block);
    /* A guarded one of 8 bytes ends where a closed page begins. */
    if (m->marking.is_aligned && word % BLOCK_ALIGNMENT != COOKIE_BYTES &&
        word % ROOT_PAGE_BYTES != 0)
        return;
    block = find_block(m, word - COOKIE_BYTES, false, &room);
    if (block && is_empty_array(m, block, word, is_found))
        see_block(m, block);
}

/* Marks the block that begins at this address, if one does. */
static void mark_base(marking_t *m, uint64_t word) {
    block_t room;
    const block_t *block = find_block(m, word, true, &room);
    if (block)
        see_block(m, block);
}

/* A guarded block may lie at no multiple of 8, and its members with it. */
typedef uint64_t marked_word __attribute__((aligned(1), may_alias));

/* Marks what the words point to; only addresses between the lowest and highest block are looked
 * up. */
static void mark_words(marking_t *m, const marked_word *words, size_t count) {
    uint64_t low = m->marking.low, span = m->marking.span;
    for (const marked_word *end = words + count; words < end; words++)
        if (HAK_UNLIKELY(plain_word(m, *words) - low < span))
            mark_word(m, *words);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Marks what marked blocks lead to. */
static void mark_pending(marking_t *m) {
    block_t room;
    while (m->marking.work_count > 0) {
        const block_t *block = block_at(m, m->marking.work[--m->marking.work_count], &room);
        if (block)
            look_inside(m, block);
    }
}

/* Marks `block` as the one that stands for all that it leads to and nobody has led to before, and
 * marks those. */
static void follow_head(marking_t *m, const block_t *block) {
    set_mark(m, block, HAK_MARK_DIRECT);
    look_inside(m, block);
    mark_pending(m);
}

/* Takes a block that nothing has marked as the head of a leak, and marks all that it alone
 * reaches. */
static void follow_unseen(const block_t *block, void *context) {
    marking_t *m = context;
    if (mark_of(block) != HAK_MARK_UNSEEN)
        return;
    push_block(m, m->marking.heads, &m->marking.head_count, block);
    follow_head(m, block);
}

static void forget_lost(const block_t *block, void *context) {
    if (mark_of(block) != HAK_MARK_REACHED)
        set_mark((marking_t *)context, block, HAK_MARK_UNSEEN);
}

/* Parts lost blocks into direct and indirect leaks: those that hang on other lost ones are
 * indirect; of blocks that lead to each other in a circle the first stands for all (cliques, as
 * Valgrind's memcheck has them). Twice, since a head that comes later may lead to one that came
 * before it, but never the other way round: from the last one back, those that are still unseen are
 * led to by nobody. */
static void part_lost(marking_t *m) {
    block_t room;
    m->marking.found_as = HAK_MARK_INDIRECT;
    each_block(m, follow_unseen);
    if (m->marking.head_count < 2)
        return;
    each_block(m, forget_lost);
    while (m->marking.head_count > 0) {
        const block_t *head = block_at(m, m->marking.heads[--m->marking.head_count], &room);
        if (head && mark_of(head) == HAK_MARK_UNSEEN)
            follow_head(m, head);
    }
}

/* ---- what is left out ------------------------------------------------------------------------ */

/* Adds a range whose words are no roots, merged with the last if they touch. */
static void leave_out(marking_t *m, uint64_t start, uint64_t end) {
    struct hak_marking *marking = &m->marking;
    struct hak_mark_range *last =
        marking->left_out_count ? &marking->left_out[marking->left_out_count - 1] : NULL;
    if (start >= end)
        return;
    if (last && last->end == start)
        last->end = end;
    else if (make_room(m))
        marking->left_out[marking->left_out_count++] = (struct hak_mark_range){start, end};
}

/* Sorts the ranges left out and merges those that overlap. */
static void sort_left_out(struct hak_marking *marking) {
    struct hak_mark_range *left_out = marking->left_out;
    size_t kept = 0;
    sort_ranges(left_out, marking->left_out_count);
    for (size_t i = 0; i < marking->left_out_count; i++)
        if (kept == 0 || left_out[i].start > left_out[kept - 1].end)
            left_out[kept++] = left_out[i];
        else if (left_out[i].end > left_out[kept - 1].end)
            left_out[kept - 1].end = left_out[i].end;
    marking->left_out_count = marking->sorted_count = kept;
    marking->next = 0;
}

/* Visits the parts of [start, end) that are not left out. */
static void each_kept(marking_t *m, uint64_t start, uint64_t end,
                      void (*visit)(marking_t *, uint64_t start, uint64_t end)) {
    struct hak_marking *marking = &m->marking;
    while (marking->next > 0 && marking->left_out[marking->next - 1].end > start)
        marking->next--;
    while (marking->next < marking->sorted_count && marking->left_out[marking->next].end <= start)
        marking->next++;
    for (size_t i = marking->next; start < end; i++) {
        bool is_cut = i < marking->sorted_count && marking->left_out[i].start < end;
        uint64_t stop = is_cut ? marking->left_out[i].start : end;
        if (start < stop)
            visit(m, start, stop);
        start = is_cut ? marking->left_out[i].end : end;
    }
}

/* ---- roots ----------------------------------------------------------------------------------- */

/* Whether `tcb`, the words read from `tp`, is a thread's descriptor: it names itself, and its
 * guards are those of the first thread. */
static bool is_descriptor(marking_t *m, const uint64_t *tcb, uint64_t tp) {
    uint64_t buffer[buffer_room(HAK_TCB_WORDS)];
    bool is_whole;
    if (tcb[HAK_TCB_SELF] != tp || tcb[HAK_TCB_SELF_AGAIN] != tp)
        return false;
    const uint64_t *own =
        read_words(m, thread_tp(m, 0), HAK_TCB_WORDS * sizeof *tcb, buffer, &is_whole);
    return is_whole && tcb[HAK_TCB_STACK_GUARD] == own[HAK_TCB_STACK_GUARD] &&
           tcb[HAK_TCB_POINTER_GUARD] == own[HAK_TCB_POINTER_GUARD];
}

/* True when the thread with thread pointer `tp` may still run. */
static bool is_alive(marking_t *m, uint64_t tp) {
    for (size_t i = 0; i < thread_count(m); i++)
        if (may_be_alive(m, i, tp))
            return true;
    return false;
}

/* Finds descriptors of ended threads among the words read from `at`. Leaves out their stacks, which
 * glibc keeps for the next ones, and marks the DTV that each keeps with it. */
static void leave_out_ended(marking_t *m, uint64_t at, const uint64_t *words, size_t count) {
    enum { APART = PTHREAD_ALIGNMENT / sizeof(uint64_t) };
    for (size_t i = -(at / sizeof *words) % APART; i + HAK_TCB_WORDS <= count; i += APART) {
        uint64_t tp = at + i * sizeof *words;
        uint64_t start =
            HAK_UNLIKELY(words[i] == tp) && !is_alive(m, tp) && is_descriptor(m, &words[i], tp)
                ? stack_start(m, tp)
                : 0;
        if (!start)
            continue;
        leave_out(m, start, tp + HAK_PTHREAD_BYTES);
        mark_word(m, words[i + HAK_TCB_DTV]); /* kept with the stack */
    }
}

/* Reads a range page by page: in the first pass to find stacks of ended threads, in the second to
 * mark. Pages that cannot be read count as missing. */
static void read_root(marking_t *m, uint64_t start, uint64_t end) {
    uint64_t buffer[buffer_room(ROOT_PAGE_BYTES / sizeof(uint64_t))];
    bool is_whole;
    for (uint64_t at = (start + 7) & ~(uint64_t)7; at + sizeof *buffer <= end;) {
        uint64_t page_end = (at | (ROOT_PAGE_BYTES - 1)) + 1;
        size_t bytes = ((page_end < end ? page_end : end) - at) & ~(uint64_t)7;
        const uint64_t *words = read_words(m, at, bytes, buffer, &is_whole);
        m->marking.missing_bytes += is_whole ? 0 : bytes;
        if (words && m->marking.are_stacks_left_out)
            mark_words(m, words, bytes / sizeof *words);
        else if (words)
            leave_out_ended(m, at, words, bytes / sizeof *words);
        at += bytes;
    }
}

static void visit_root(marking_t *m, uint64_t start, uint64_t end) {
    each_kept(m, start, end, read_root);
}

/* Marks the blocks whose base a stopped thread has in a register or at the top of its stack: inside
 * malloc or free it may have no more of the block, as the program's pointer is made of it last. */
static void mark_in_hand(marking_t *m, size_t thread, const struct mark_stack *stack) {
    uint64_t buffer[buffer_room(IN_HAND_BYTES / sizeof(uint64_t))];
    uint64_t at = (stack->sp + 7) & ~(uint64_t)7;
    size_t left = at < stack->end ? (stack->end - at) & ~(size_t)7 : 0;
    bool is_whole;
    for (size_t i = 0; i < thread_word_count(m, thread); i++)
        mark_base(m, thread_words(m, thread)[i]);
    left = left < IN_HAND_BYTES ? left : IN_HAND_BYTES;
    const uint64_t *words = read_words(m, at, left, buffer, &is_whole);
    for (size_t i = 0; words && i < left / sizeof *words; i++)
        mark_base(m, words[i]);
}

/* Marks from all roots but dead stack and stacks of ended threads: writable data (read once before,
 * to find those stacks), then each thread's registers and words in hakmem's hands. */
static void mark_roots(marking_t *m) {
    struct mark_stack stack;
    m->marking.found_as = HAK_MARK_REACHED;
    for (size_t i = 0; i < thread_count(m); i++) {
        find_stack(m, i, &stack);
        leave_out(m, stack.dead.start, stack.dead.end);
    }
    sort_left_out(&m->marking);
    if (thread_count(m) > 0)
        each_root(m, visit_root);
    m->marking.are_stacks_left_out = true;
    sort_left_out(&m->marking);
    each_root(m, visit_root);
    for (size_t i = 0; i < thread_count(m); i++) {
        for (size_t w = 0; w < thread_word_count(m, i); w++)
            mark_word(m, thread_words(m, i)[w]);
        find_stack(m, i, &stack);
        if (stack.is_in_hakmem)
            mark_in_hand(m, i, &stack);
    }
}

#endif
