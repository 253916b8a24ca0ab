/* Walks a stack by the last one of its thread, and finds the ids of its frames. */
#include "trace/stacks/walk.h"
#include "trace/node.h"
#include "trace/trace.h"
#include "unwind/region.h"
#include "unwind/unwind.h"

/* Bounds of the sections of HAK_TRACER_TEXT and HAK_UNWINDER_ENTRY, made by the linker. */
extern const char __start_hak_tracer_text[] HAK_HIDDEN;
extern const char __stop_hak_tracer_text[] HAK_HIDDEN;
extern const char __start_hak_unwinder_text[] HAK_HIDDEN;
extern const char __stop_hak_unwinder_text[] HAK_HIDDEN;

static inline bool is_between(uintptr_t ip, const char *start, const char *stop) {
    return ip - (uintptr_t)start < (uintptr_t)stop - (uintptr_t)start;
}

static inline bool is_tracer(uintptr_t ip) {
    return is_between(ip, __start_hak_tracer_text, __stop_hak_tracer_text) ||
           is_between(ip, __start_hak_unwinder_text, __stop_hak_unwinder_text);
}

/* Whether the thread may make another node with HAKMEM_TRACE=off: one for eight calls, and many at
 * once. Charges it. */
static bool may_append(struct hak_thread_stacks *all) {
    static const struct hak_credit_terms terms = {.most = 1 << 14, .dearest = 1, .share = 8};
    if (!all->has_node_credit) {
        all->node_credit.left = terms.most;
        all->has_node_credit = true;
    }
    all->calls -= (uint32_t)hak_credit_earn(&all->node_credit, &terms, all->calls);
    if (hak_credit_left(&all->node_credit) <= 0)
        return false;
    hak_credit_charge(&all->node_credit, &terms, 1);
    return true;
}

/* The node of `ip` below `parent`, and remembers it; 0 when there is no room. */
static HAK_COLD uint32_t intern_slowly(struct hak_thread_stacks *all, struct hak_known_node *known,
                                       uint32_t parent, uintptr_t ip) {
    uint32_t id = hak_node_can_hold(ip) ? hak_stack_table_find(parent, ip) : 0;
    if (id == 0 && (!hak_stacks_now.is_private || may_append(all)))
        id = hak_stacks_append(parent, ip);
    if (id != 0) {
        known->id = 0; /* a handler that leaves by longjmp leaves nothing half written */
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        known->key = ip + all->salt;
        known->parent = parent;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        known->id = id;
    }
    return id;
}

/* The id of a node, which the thread mostly remembers; else from the table. */
HAK_IN_PLACE uint32_t intern_known(struct hak_thread_stacks *all, uint32_t parent, uintptr_t ip) {
    uint64_t key = ip + all->salt;
    uint64_t hash = (key ^ (uint64_t)parent << 27) * HAK_SPREAD;
    struct hak_known_node *known = &all->node[hash >> (64 - HAK_NODE_BITS)];
    uint32_t id = known->id;
    if (HAK_LIKELY(known->key == key && known->parent == parent && id != 0))
        return id;
    return intern_slowly(all, known, parent, ip);
}

/* Chooses the outermost frame that is kept of a stack: of one that is too deep only the innermost
 * are part of the id, `depth` at most, and more than three quarters of it. It is cut where its
 * frames, counted from the outermost, come to a multiple, so that a stack that grows or shrinks a
 * little is cut at the same frame and shares its nodes. Where the outermost is not known, the
 * frames' addresses say where. */
static uint32_t choose_root(const struct hak_last_stack *last, uint32_t count) {
    uint32_t quarter = hak_stacks_now.depth < 4 ? 1 : hak_stacks_now.depth / 4, i = count - 1, root;
    uint32_t lowest = last->frame[i].rank - hak_stacks_now.depth + 1;
    uint32_t highest = (lowest + quarter - 1) / quarter * quarter;
    if (last->end == HAK_UNWIND_DEPTH)
        highest = lowest + quarter - 1;
    while (i > 0 && last->frame[i - 1].rank >= highest)
        i--;
    root = i;
    for (; i > 0 && last->end == HAK_UNWIND_DEPTH && last->frame[i].rank >= lowest; i--)
        if (last->frame[i - 1].rank != last->frame[i].rank &&
            last->found[i].address * HAK_SPREAD < last->found[root].address * HAK_SPREAD)
            root = i;
    return root;
}

enum { AGAIN = -1, NO_ROOM = -2, CUT_MARGIN = 32 };

/* Gives frames [from, count) their ids, of which those before have theirs. NO_ROOM: at the first
 * that finds no node the stack ends. */
static int intern_frames(struct hak_thread_stacks *all, struct hak_last_stack *last, uint32_t from,
                         uint32_t count) {
    uint32_t id = from > last->root ? last->frame[from - 1].id : 0;
    uint32_t rank = from > 0 ? last->frame[from - 1].rank : 0;
    for (uint32_t i = from; i < count; i++) {
        if (last->frame[i].rank != rank)
            id = intern_known(all, id, last->found[i].value);
        if (HAK_UNLIKELY(id == 0 && last->frame[i].rank != rank)) {
            last->count = i;
            return NO_ROOM;
        }
        rank = last->frame[i].rank;
        last->frame[i].id = id;
    }
    last->count = count;
    return 0;
}

/* Puts `fresh` new frames on those kept of a stack that is too deep, or was, and gives them ids.
 * AGAIN: it must be walked whole. */
static HAK_COLD int intern_deep(struct hak_thread_stacks *all, struct hak_last_stack *last,
                                uint32_t fresh, uint32_t compared) {
    uint32_t kept = last->kept, count = kept + fresh, from = kept, root = 0;
    uint32_t rank = kept ? last->frame[kept - 1].rank : 0;
    if (count > all->capacity)
        return AGAIN;
    for (uint32_t i = kept; i < count; i++) {
        const struct hak_fresh_frame *f = &all->fresh[--fresh];
        hak_splice_put(last, i, f, i ? hak_frame_sp(last, i - 1) : 0);
        rank += !hak_step_is_own(f->step);
        last->frame[i].rank = (uint16_t)rank;
    }
    if (compared ? rank - last->frame[compared - 1].rank <= hak_stacks_now.depth
                 : last->end == HAK_UNWIND_DEPTH && kept != 0 && rank < hak_stacks_now.depth)
        return AGAIN; /* the frames further out are asked about now */
    if (rank > hak_stacks_now.depth)
        root = choose_root(last, count);
    if (root != last->root || from < root)
        from = root;
    last->root = root;
    return intern_frames(all, last, from, count);
}

/* Puts `fresh` new frames on those kept, with their ids: 0, AGAIN or NO_ROOM. */
HAK_IN_PLACE int intern_last(struct hak_thread_stacks *all, struct hak_last_stack *last,
                             uint32_t fresh, uint32_t compared) {
    uint32_t at = last->kept;
    if (HAK_UNLIKELY(at == 0)) {
        last->root = 0;
        return intern_deep(all, last, fresh, compared);
    }
    const struct hak_frame *caller = &last->frame[at - 1];
    uint32_t id = caller->id, rank = caller->rank;
    if (HAK_UNLIKELY(last->end == HAK_UNWIND_DEPTH || rank + fresh > hak_stacks_now.depth ||
                     last->root))
        return intern_deep(all, last, fresh, compared);
    uintptr_t cfa = hak_frame_sp(last, at - 1);
    for (; fresh > 0; at++) {
        const struct hak_fresh_frame *f = &all->fresh[--fresh];
        hak_splice_put(last, at, f, cfa);
        cfa = HAK_FRAME_SP(&f->found, f);
        if (HAK_LIKELY(!hak_step_is_own(f->step))) {
            id = intern_known(all, id, f->found.value);
            if (HAK_UNLIKELY(id == 0)) {
                last->count = at;
                return NO_ROOM;
            }
            rank++;
        }
        last->frame[at].id = id;
        last->frame[at].rank = (uint16_t)rank;
    }
    last->count = at;
    return 0;
}

uint32_t hak_stack_not_compared(const struct hak_last_stack *last) {
    uint32_t window = hak_stacks_now.depth + CUT_MARGIN;
    return HAK_UNLIKELY(last->count > window) ? last->count - window : 0;
}

/* Walks as hak_stack_walk, any stack: its last one is `last`, its memory `bounds`. False: it cannot
 * be walked this way. */
HAK_IN_PLACE bool walk_in(struct hak_thread_stacks *all, struct hak_last_stack *last,
                          const struct hak_stack_bounds *bounds, const struct hak_walk_place *place,
                          uint32_t compared, uint32_t stands, uint8_t *flags) {
    if (HAK_UNLIKELY(all->searches != 0) && last == &all->last && !hak_splice_searches_stand(all))
        compared = stands = 0;
    /* Where a frame's return address lies below its variables, a word in those of hakmem's own
     * frame may hold what the last stack had there. */
    if (!HAK_FP_TELLS_CFA && stands > compared && last->found[compared].address < place->sp)
        stands = compared;
    if (stands <= compared && last == &all->last)
        all->searches = 0; /* nothing is kept */
    int fresh = hak_splice_walk(all, last, bounds, *place, stands > compared ? stands : 0), done;
    if (HAK_UNLIKELY(fresh < 0))
        return false;
    done = intern_last(all, last, (uint32_t)fresh, compared);
    if (HAK_UNLIKELY(done == AGAIN)) { /* and whole: the stack is deep, or was */
        if (last == &all->last)
            all->searches = 0;
        fresh = hak_splice_walk(all, last, bounds, *place, 0);
        if (fresh < 0)
            return false;
        done = intern_last(all, last, (uint32_t)fresh, 0);
    }
    last->is_cut = done == NO_ROOM;
    const struct hak_frame *innermost = &last->frame[last->count ? last->count - 1 : 0];
    bool is_bare = last->any_bare && last->count && innermost->is_bare;
    last->is_whole = last->end == HAK_UNWIND_COMPLETE && last->root == 0 && !is_bare;
    /* a frame that needs rbp has one further in that saved it, or they all need it */
    last->is_plain = last->is_whole && innermost->extra == 0 && !innermost->needs_bp;
    last->found[last->count] = (struct hak_found_word){0, 0};
    if (HAK_LIKELY(last->is_whole))
        return true;
    if (last->end != HAK_UNWIND_COMPLETE || last->root != 0)
        *flags = HAK_RECORD_PARTIAL;
    if (is_bare)
        *flags |= HAK_RECORD_GUESSED;
    return true;
}

bool hak_stack_walk(struct hak_thread_stacks *all, const struct hak_walk_place *place,
                    uint32_t compared, uint32_t stands, uint8_t *flags) {
    return walk_in(all, &all->last, &hak_stack_bounds, place, compared, stands, flags);
}

/* Tries once to walk from `place` in a region; false: it is no stack there. */
static bool walk_region(struct hak_thread_stacks *all, struct hak_region *region,
                        struct hak_walk_place *place, unsigned pages_more, uint8_t *flags) {
    struct hak_last_stack *last = &region->last;
    struct hak_stack_bounds bounds = hak_region_open(region, place->sp, pages_more);
    uint8_t said = 0;
    if (!hak_splice_leave_own(all, &bounds, place) || !hak_is_in_stack_bounds(&bounds, place->sp))
        return false;
    uint32_t stands = hak_splice_compare(last, 0, hak_place_at(place));
    if (!walk_in(all, last, &bounds, place, 0, stands, &said))
        return false;
    *flags |= said;
    return true;
}

enum hak_region_walk hak_stack_walk_region(struct hak_thread_stacks *all,
                                           const struct hak_walk_place *from,
                                           struct hak_taken_stack *taken, uint32_t *id) {
    enum { TRIALS = 4, RESTS = 31 };
    static const uint8_t pages_more[TRIALS] = {0, 1, 4, 16};
    struct hak_region *region = hak_region_find(all, from->sp);
    if (!region)
        region = hak_region_make(all, from->sp);
    if (!region)
        return HAK_REGION_CANNOT;
    region->used = ++all->region_clock;
    if (region->rests > 0) {
        region->rests--;
        return HAK_REGION_CANNOT;
    }
    for (unsigned trial = 0; trial < TRIALS; trial++) {
        struct hak_walk_place place = *from;
        if (!walk_region(all, region, &place, pages_more[trial], &taken->flags))
            continue;
        const struct hak_last_stack *last = &region->last;
        taken->caller = place.ip;
        *id = hak_stack_id(last);
        region->walked++;
        region->met += last->kept != 0;
        hak_region_settle(all, region, from->sp);
        return *id != 0 ? HAK_REGION_WALKED : HAK_REGION_NO_ROOM;
    }
    region->rests = RESTS;
    return HAK_REGION_CANNOT;
}

/* The id of a stack that cannot be spliced: walks it whole into `ips`, without hakmem's frames, and
 * enters its frames. 0: none. */
static HAK_TRACER_TEXT uint32_t intern_into(uintptr_t *ips, const struct hak_registers *start,
                                            struct hak_taken_stack *taken) {
    enum hak_unwind_end end;
    struct hak_unwind_marks marks = {{0}};
    size_t count = hak_unwind_entered(
        start, 1, ips, hak_stacks_now.depth + HAK_STACK_OWN_FRAMES_MAX, &end, &marks);
    size_t program = 0, own = 0, kept;
    for (; program < count && hak_is_own_text(ips[program]); program++)
        if (is_tracer(ips[program]))
            own = program + 1;
    kept = program;
    taken->caller = program < count ? ips[program] : 0;
    taken->flags = hak_stacks_flags(end);
    for (size_t i = program; i < count; i++) {
        if (hak_is_own_text(ips[i]))
            continue; /* hakmem's start routine of a thread, or a handler that it called */
        if (kept - program == hak_stacks_now.depth) {
            taken->flags |= HAK_RECORD_PARTIAL;
            break;
        }
        ips[kept++] = ips[i] + (marks.exact[i / 64] >> (i % 64) & 1);
    }
    size_t first = taken->keep_own_frames ? own : program;
    return hak_stacks_intern(ips + first, kept - first);
}

/* The same with room on the stack itself. */
static HAK_TRACER_TEXT __attribute__((noinline)) uint32_t
intern_on_stack(const struct hak_registers *start, struct hak_taken_stack *taken) {
    uintptr_t ips[HAK_STACK_DEPTH_MAX + HAK_STACK_OWN_FRAMES_MAX];
    return intern_into(ips, start, taken);
}

/* The same with room of the thread's own, since such a stack may be that of a signal handler, which
 * is small. */
static HAK_TRACER_TEXT uint32_t intern_whole(const struct hak_registers *start,
                                             struct hak_taken_stack *taken) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    return all && all->limit >= hak_stacks_now.depth + HAK_STACK_OWN_FRAMES_MAX
               ? intern_into((uintptr_t *)all->fresh, start, taken)
               : intern_on_stack(start, taken);
}

HAK_UNWINDER_ENTRY uint32_t hak_stack_walk_whole(struct hak_taken_stack *taken) {
    struct hak_registers start;
    hak_registers_here(&start);
    uint32_t id = intern_whole(&start, taken);
    __asm__ volatile("" : : "r"(&start) : "memory"); /* no tail call: the frame stays */
    return id;
}

HAK_COLD bool hak_stack_is_interrupting(size_t own) {
    struct hak_registers start;
    hak_registers_here(&start);
    return hak_unwind_is_interrupting(&start, own);
}

struct hak_thread_stacks *hak_stack_thread(void) {
    struct hak_thread_stacks *all = hak_thread_stacks;
    uint64_t version = hak_stacks_version();
    if (HAK_LIKELY(all && all->version == version))
        return all;
    all = hak_splice_begin(version, 2 * (hak_stacks_now.depth + HAK_STACK_OWN_FRAMES_MAX));
    if (!all)
        return NULL;
    all->depth = hak_stacks_now.depth;
    if (hak_stacks_add_frames)
        all->call_version = ~version;
    return all;
}

/* The last stack's id, with hakmem's own frames up to the tracer's when they are asked for. */
static uint32_t id_with_own_frames(struct hak_thread_stacks *all, struct hak_taken_stack *taken) {
    struct hak_last_stack *last = &all->last;
    uint32_t count = last->count, program = count;
    uint32_t id = hak_stack_id(last);
    if (id == 0)
        return 0;
    while (program > 1 && last->frame[program - 1].rank == last->frame[program - 2].rank)
        program--;
    taken->caller = last->found[program - 1].value;
    for (uint32_t i = program;
         taken->keep_own_frames && i < count && !is_tracer(last->found[i].value); i++) {
        id = intern_known(all, id, last->found[i].value);
        if (HAK_UNLIKELY(id == 0)) /* not as if it had no callers */
            return 0;
    }
    return id;
}

HAK_UNWINDER_ENTRY uint32_t hak_stack_here(bool keep_own_frames, uint8_t *flags) {
    struct hak_taken_stack taken = {keep_own_frames, 0, 0};
    const uintptr_t *frame = __builtin_frame_address(0);
    *flags = 0;
    if (hak_stacks_now.depth == 0)
        return 0;
    if (HAK_UNLIKELY(hak_unwind_under_way != 0) && hak_stack_is_interrupting(1)) {
        *flags = HAK_RECORD_PARTIAL;
        return 0;
    }
    hak_unwind_enter_at((uintptr_t)frame);
    struct hak_walk_place place = hak_place_above(frame);
    struct hak_thread_stacks *all = hak_stack_thread();
    if (!HAK_FP_TELLS_CFA && all)
        hak_place_find_sp(hak_step_of(all, place.ip), &place);
    uint32_t id;
    uint32_t compared = all ? hak_stack_not_compared(&all->last) : 0;
    if (HAK_LIKELY(all && hak_stack_is_own(&place)) &&
        hak_stack_walk(all, &place, compared,
                       hak_splice_compare(&all->last, compared, hak_place_at(&place)),
                       &taken.flags)) {
        id = id_with_own_frames(all, &taken);
        if (HAK_UNLIKELY(id == 0))
            atomic_fetch_add(hak_stacks_now.no_stack, 1);
    } else {
        id = hak_stack_walk_whole(&taken);
    }
    hak_unwind_leave();
    *flags = taken.flags;
    if (HAK_UNLIKELY(hak_called_by_loader(taken.caller)))
        hak_modules_check();
    return id;
}
