/* Has the marker mark the program's blocks: from all memory that the program can read and write and
 * that is no block.
 *
 *   data of modules, .bss, brk, anonymous and shared mappings, thread-local memory, live stacks
 *   - hakmem's mappings (platform/own.h: blocks are among them), its module, its thread-locals
 *   - stacks below their stack pointer, and stacks of ended threads that glibc keeps
 *   + registers, alternate signal stacks
 *
 * Mappings of the program's own count, since pools and interpreters keep objects there: more would
 * be called lost than is (CPython's arenas). Dead frames of a stack do not count: a pointer there
 * would hide a leak. */
#include "leaks/leaks.h"

#include "check.h"
#include "guard/pools/pools.h"
#include "options.h"
#include "platform/own.h"
#include "platform/platform.h"
#include "platform/tags.h"
#include "trace/threads/threads.h"

enum { KIND_BITS = 7 }; /* of hak_slot.subkind: the call that took the block */

typedef struct hak_leak_scan marking_t;
typedef struct hak_leak_block block_t;

/* ---- blocks ---------------------------------------------------------------------------------- */

static const block_t *find_block(const marking_t *scan, uintptr_t pointer, bool from_base,
                                 block_t *room) {
    if (scan->piece_count && hak_leak_find_piece(scan, pointer, room))
        return room;
    return hak_leak_find(&scan->index, pointer, from_base, room) ? room : NULL;
}

/* A piece may have the address of the block that it lies in. */
#define OF_PIECE ((uintptr_t)1 << 63)

static const block_t *block_at(const marking_t *scan, uintptr_t number, block_t *room) {
    bool is_found = number & OF_PIECE ? hak_leak_find_piece(scan, number & ~OF_PIECE, room)
                                      : hak_leak_find(&scan->index, number, false, room);
    return is_found ? room : NULL;
}
static void each_all(marking_t *scan, void (*visit)(const block_t *, void *)) {
    hak_leak_each(&scan->index, visit, scan);
    hak_leak_each_piece(scan, visit, scan);
}
static bool may_be_array(const block_t *block) {
    return !block->piece && (block->at.slot->subkind & KIND_BITS) == HAK_BY_NEW_ARRAY;
}
#define number_of(scan, block)      ((block)->user | ((block)->piece ? OF_PIECE : 0))
#define each_block(scan, visit)     each_all(scan, visit)
#define mark_of(block)              hak_mark_of(block)
#define set_mark(scan, block, mark) ((void)(scan), hak_set_mark(block, mark))

/* ---- memory ---------------------------------------------------------------------------------- */

/* Whether all of [start, end) can be read: the program may have closed pages of its blocks. */
static bool is_open(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    const struct hak_leak_area *area = scan->open_area;
    if (HAK_LIKELY(area && start >= area->start && end <= area->end))
        return true;
    area = hak_leak_area_of(scan, start);
    if (!area || start < area->start || end > area->end || !area->readable)
        return false;
    scan->open_area = area;
    return true;
}

/* Where they lie. */
#define buffer_room(words)     1
#define plain_word(scan, word) ((uint64_t)(uintptr_t)hak_untagged((const void *)(uintptr_t)(word)))
/* The words in place: in the own process nothing is copied. NULL, and not whole: their pages are
 * closed. */
static const uint64_t *read_words(struct hak_leak_scan *scan, uintptr_t at, size_t bytes,
                                  uint64_t *buffer, bool *is_whole) {
    (void)buffer;
    *is_whole = is_open(scan, at, at + bytes);
    return *is_whole ? (const uint64_t *)at : NULL;
}

/* True when another range can be left out; else the scan is partial. */
static bool make_room(struct hak_leak_scan *scan) {
    bool has_room = scan->marking.left_out_count < HAK_LEAK_LEFT_OUT;
    scan->partial |= has_room ? 0 : HAK_PARTIAL_MEMORY;
    return has_room;
}
#define sort_ranges(ranges, count) hak_leak_sort(ranges, sizeof *(ranges), count)

/* ---- threads --------------------------------------------------------------------------------- */

#define thread_count(scan)     ((scan)->thread_count)
#define thread_tp(scan, place) ((scan)->threads[place].tp)

#define thread_words(scan, place)      ((scan)->threads[place].words)
#define thread_word_count(scan, place) ((scan)->threads[place].word_count)
#define may_be_alive(scan, place, tp)                                                              \
    (thread_tp(scan, place) == (tp) ||                                                             \
     (!(scan)->threads[place].is_stopped && !(scan)->threads[place].is_gone))

#include "marker.h"

/* ---- roots ----------------------------------------------------------------------------------- */

typedef void range_visit_t(struct hak_leak_scan *, uintptr_t, uintptr_t);

/* Visits a part of a root, but for pieces in it. */
static range_visit_t *visit_of_root;
static void visit_between(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    hak_leak_outside_pieces(scan, start, end, visit_of_root);
}

/* Calls `visit` for the parts of an area that are not hakmem's and whose pages can hold pointers.
 */
static void each_foreign(struct hak_leak_scan *scan, const struct hak_leak_area *area,
                         range_visit_t *visit) {
    enum hak_leak_pages which = !area->has_file    ? HAK_PAGES_OF_MEMORY
                                : area->is_private ? HAK_PAGES_CHANGED
                                                   : HAK_PAGES_OF_FILE;
    for (uintptr_t at = area->start; at < area->end;) {
        uintptr_t from = hak_own_next(at, area->end, false);
        uintptr_t to = hak_own_next(from, area->end, true);
        if (from < to)
            hak_leak_each_touched(scan, (struct hak_mark_range){from, to}, which, visit);
        at = to;
    }
}

/* Whether an area may hold pointers into the heap: pages as the file has them do not; those that
 * were written over and are read-only now (RELRO) may. Without the file of the pages all that is
 * writable counts. */
static bool may_hold_pointers(const struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (!area->readable || area->is_special)
        return false;
    return area->writable || (area->is_private && scan->pages_file >= 0);
}

/* Calls `visit` for all that can hold pointers in the program's areas; hakmem's own memory is left
 * out. */
static void each_root(struct hak_leak_scan *scan, range_visit_t *visit) {
    visit_of_root = visit;
    for (size_t i = 0; i < scan->area_count; i++) {
        const struct hak_leak_area *area = &scan->areas[i];
        if (may_hold_pointers(scan, area))
            each_foreign(scan, area, visit_between);
    }
}

/* ---- stacks ---------------------------------------------------------------------------------- */

/* Whether an area begins where a stack does: behind a guard, or the kernel's own. Else something of
 * the program may lie below the stack in the same area. */
static bool begins_a_stack(const struct hak_leak_scan *scan, const struct hak_leak_area *area) {
    if (area->is_stack)
        return true;
    const struct hak_leak_area *before = area - 1;
    return area > scan->areas && before->end == area->start && !before->readable;
}

static uintptr_t stack_start(struct hak_leak_scan *scan, uintptr_t tp) {
    const struct hak_leak_area *area = hak_leak_area_of(scan, tp);
    return area && begins_a_stack(scan, area) ? area->start : 0;
}

/* Finds which part of a thread's stack is live. One that is on another stack (a signal's, a
 * coroutine's) has live frames on its own one that nobody knows the bounds of. */
static void find_stack(struct hak_leak_scan *scan, size_t place, struct mark_stack *stack) {
    const struct hak_leak_thread *thread = &scan->threads[place];
    uintptr_t live = thread->sp - (place > 0 ? HAK_LEAK_RED_ZONE : 0);
    uintptr_t lowest = place > 0 ? live : scan->own_sp;
    const struct hak_leak_area *area = hak_leak_area_of(scan, live);
    *stack =
        (struct mark_stack){.sp = thread->sp,
                            .is_in_hakmem = thread->ip - hak_leak_own.module_start <
                                            hak_leak_own.module_end - hak_leak_own.module_start};
    if (!thread->is_stopped)
        return;
    if (area && live >= area->start)
        stack->dead = (struct hak_mark_range){
            begins_a_stack(scan, area) || lowest < area->start ? area->start : lowest, live};
    area = hak_leak_area_of(scan, thread->sp);
    stack->end = area && thread->sp >= area->start && area->readable ? area->end : 0;
}

/* ---- inside blocks --------------------------------------------------------------------------- */

/* Marks from each whole word of a range. */
static void mark_range(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    start = (start + 7) & ~(uintptr_t)7;
    if (start < end)
        mark_words(scan, (const uint64_t *)start, (end - start) / sizeof(uint64_t));
}

static void leave_closed_out(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    scan->partial |= HAK_PARTIAL_CLOSED;
    scan->closed_bytes += end - start;
}

/* Marks from the touched pages of a range; unmapped and unreadable parts count as left out. */
static void mark_readable(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end,
                          range_visit_t *mark) {
    while (start < end) {
        const struct hak_leak_area *area = hak_leak_area_of(scan, start);
        if (!area || start < area->start) { /* nothing is mapped here */
            uintptr_t next = area && area->start < end ? area->start : end;
            leave_closed_out(scan, start, next);
            start = next;
            continue;
        }
        uintptr_t stop = area->end < end ? area->end : end;
        if (area->readable)
            hak_leak_each_touched(scan, (struct hak_mark_range){start, stop}, HAK_PAGES_OF_MEMORY,
                                  mark);
        else
            leave_closed_out(scan, start, stop);
        start = stop;
    }
}

/* The block that a piece lies in is reached with it. */
static void see_holder(struct hak_leak_scan *scan, const struct hak_leak_block *piece) {
    struct hak_leak_block holder;
    if (hak_leak_find(&scan->index, piece->user, false, &holder))
        see_block(scan, &holder);
}

/* Marks from a range that can be read; the pieces in it are blocks of their own. */
static void mark_between(struct hak_leak_scan *scan, uintptr_t start, uintptr_t end) {
    hak_leak_outside_pieces(scan, start, end, mark_range);
}

/* Marks what the words of a reached block point to; a large one only where it can be read. A block
 * that begins at no multiple of 8 is also read from its first byte on. */
static void look_inside(struct hak_leak_scan *scan, const struct hak_leak_block *block) {
    range_visit_t *mark = block->piece ? mark_range : mark_between;
    if (block->end - block->user < HAK_PAGE_BYTES && is_open(scan, block->user, block->end))
        mark(scan, block->user, block->end);
    else
        mark_readable(scan, block->user, block->end, mark);
    if (block->piece)
        see_holder(scan, block);
    else if (block->user % sizeof(uint64_t) != 0 && is_open(scan, block->user, block->end))
        mark_words(scan, (const marked_word *)block->user,
                   (block->end - block->user) / sizeof(uint64_t));
}

/* ---- what this program's threads alone have -------------------------------------------------- */

/* A variable of the thread with the pointer `tp`, where this thread has `own`; NULL = not known.
 * The helper has the calling thread's TLS: where the variable lies in it is where it lies in that
 * of each thread. One without such a TLS (by clone, with a pointer of its own) has no guards
 * either. */
static const uintptr_t *find_in_thread(struct hak_leak_scan *scan, uintptr_t tp, const void *own) {
    uintptr_t at = (uintptr_t)own - scan->threads[0].tp + tp;
    const struct hak_leak_area *area = hak_leak_area_of(scan, at);
    if (!area || at < area->start || !area->readable ||
        tp + HAK_TCB_WORDS * sizeof(uintptr_t) > area->end ||
        !is_descriptor(scan, (const uint64_t *)tp, tp))
        return NULL;
    return (const uintptr_t *)at;
}

/* Marks from a stack that lies in a block, or in memory of hakmem (its alternate stacks). */
static void mark_odd_stack(struct hak_leak_scan *scan, uintptr_t sp, uintptr_t tp) {
    enum { BYTES_MAX = 64 << 10 };
    const uintptr_t *lent = find_in_thread(scan, tp, &hak_thread_lent_stack);
    if (hak_own_next(sp, sp + 1, true) != sp)
        return;
    if (lent && sp - *lent < HAK_LENT_STACK_BYTES) {
        mark_range(scan, sp, *lent + HAK_LENT_STACK_BYTES);
        return;
    }
    mark_word(scan, sp);
    if (sp - scan->index.low >= scan->index.span)
        mark_range(scan, sp, hak_own_next(sp, sp + BYTES_MAX, false));
}

static void mark_argument(void *scan, const void *argument) {
    mark_word(scan, (uintptr_t)argument);
}

/* Marks from the arguments of threads that have not begun and from stacks that are not on the
 * thread's own. */
static void mark_threads(struct hak_leak_scan *scan) {
    hak_thread_each_argument(mark_argument, scan);
    for (size_t i = 0; i < scan->thread_count; i++) {
        const struct hak_leak_thread *thread = &scan->threads[i];
        if (!thread->is_stopped)
            continue;
        mark_odd_stack(scan, thread->sp, thread->tp);
        const uintptr_t *stack = find_in_thread(scan, thread->tp, &hak_thread_program_stack);
        if (stack)
            mark_word(scan, *stack);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Leaves hakmem's own data out, static and of each thread: its words keep no block. */
static void leave_out_own(struct hak_leak_scan *scan) {
    const struct hak_leak_own *own = &hak_leak_own;
    leave_out(scan, own->module_start, own->module_end);
    for (size_t i = 0; i < scan->thread_count; i++) {
        uintptr_t tls = scan->threads[i].tp - own->tls_offset;
        if (scan->threads[i].tp)
            leave_out(scan, tls, tls + own->tls_bytes);
    }
}

/* Marks what a block keeps that the parent allocated. */
static void see_inherited(const struct hak_leak_block *block, void *scan) {
    if (hak_leak_is_inherited(block)) {
        see_block(scan, block);
        mark_pending(scan);
    }
}

/* Whether the block is listed as a piece, and counts as that alone. */
static bool is_listed_piece(const struct hak_leak_scan *scan, const struct hak_leak_block *block) {
    struct hak_leak_block piece;
    return hak_leak_is_guarded_piece(block) && hak_leak_find_piece(scan, block->user, &piece);
}

/* A guarded piece that is not listed goes with its pool, and what it keeps is kept. */
static void see_guarded_piece(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    if (is_listed_piece(scan, block)) {
        hak_set_mark(block, HAK_MARK_REACHED);
    } else if (hak_leak_is_guarded_piece(block)) {
        see_block(scan, block);
        mark_pending(scan);
    }
}

/* Counts a block and its bytes under its mark. */
static void count_marked(const struct hak_leak_block *block, void *context) {
    struct hak_leak_scan *scan = context;
    if (is_listed_piece(scan, block))
        return;
    scan->block_count[hak_mark_of(block)]++;
    scan->byte_count[hak_mark_of(block)] += block->end - block->user;
}

/* Words that may lead to a block or a piece. */
static void set_bounds(struct hak_leak_scan *scan) {
    uintptr_t low = scan->index.low, end = low + scan->index.span;
    if (scan->piece_count) {
        uintptr_t last = scan->pieces[scan->piece_count - 1].end;
        low = scan->index.span && low < scan->pieces[0].user ? low : scan->pieces[0].user;
        end = end > last ? end : last;
    }
    scan->marking.low = low;
    scan->marking.span = end - low;
}

/* Of a pool that is lost as a whole its memory is told alone. */
static void drop_with_holder(const struct hak_leak_block *piece, void *context) {
    struct hak_leak_scan *scan = context;
    struct hak_leak_block holder;
    bool has_holder = hak_leak_find(&scan->index, piece->user, false, &holder);
    if (has_holder && hak_mark_of(&holder) != HAK_MARK_REACHED)
        hak_set_mark(piece, HAK_MARK_UNSEEN);
}

void hak_leak_mark_blocks(struct hak_leak_scan *scan) {
    set_bounds(scan);
    scan->marking.is_aligned = hak_options.layout == HAK_LAYOUT_HEADER;
    leave_out_own(scan);
    mark_roots(scan);
    mark_threads(scan);
    mark_pending(scan);
    if (atomic_load_explicit(&hak_pieces_are_kept, memory_order_relaxed))
        hak_leak_each(&scan->index, see_guarded_piece, scan);
    if (hak_leak_is_child())
        hak_leak_each(&scan->index, see_inherited, scan);
    part_lost(scan);
    if (scan->marking.is_partial)
        scan->partial |= HAK_PARTIAL_MEMORY;
    hak_leak_each_piece(scan, drop_with_holder, scan);
    each_all(scan, count_marked);
}
