/* Makes operations of a process's events, in the order of the log, which has each block's and each
 * thread's calls in theirs. */
#include "viewer/replay/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "hop.h"
#include "report/words/words.h"
#include "trace/record.h"
#include "viewer/capture/capture.h"
#include "viewer/replay/alignments.h"
#include "viewer/replay/blocks.h"
#include "viewer/replay/members.h"

enum {
    STEPS = 100,
    /* A peak of live bytes is looked at when it is so much above the last one that was. */
    LOOK_BYTES = 64 << 10,
    LOOK_PART = 32,
};

struct planning {
    struct plan *plan;
    struct replay_blocks blocks;
    struct members members;
    struct alignments alignments;
    uint64_t called_ns;    /* of the last call, since the first event */
    uint64_t looked_bytes; /* that were live when a peak was last looked at */
    bool has_no_memory, has_no_slot, has_begun;
};

static bool has_no_memory(const struct planning *p) {
    return p->has_no_memory || p->members.has_no_memory;
}

/* True when there can be no play. */
static bool is_stopped(const struct planning *p) {
    return has_no_memory(p) || p->has_no_slot || p->plan->streams.error;
}

/* ---- operations --------------------------------------------------------------------------------
 */

/* Waits for the last call on a block, if another thread made it and it may not be done yet. */
static void wait_for(struct planning *p, struct member *m, uint32_t number,
                     const struct replay_block *block) {
    if (block->thread == number)
        return;
    p->plan->handed++;
    uint32_t at = block->thread % MEMBER_WAITED;
    bool is_known = m->waited[at].thread == block->thread + 1 &&
                    (int32_t)(m->waited[at].calls - block->call) >= 0;
    if (block->epoch + 2 <= members_epoch(&p->members) || is_known)
        return;
    m->waited[at].thread = block->thread + 1;
    m->waited[at].calls = block->call;
    p->plan->waits++;
    members_add_word(&p->members, m, play_word(PLAY_WAIT, block->thread, block->call));
}

/* Notes the time from the last call that is played to this one, or from the start to the first. */
static void note_pause(struct planning *p) {
    uint64_t now = p->members.entered_ns, pause = now - p->called_ns;
    if (now <= p->called_ns)
        return;
    p->called_ns = now;
    if (pause > p->plan->pause_ns)
        p->plan->pause_ns = pause;
}

/* Adds a call, and notes in `block` who made it. */
static void add_call(struct planning *p, struct member *m, uint32_t number, enum play_kind kind,
                     struct replay_block *block, uint64_t bytes) {
    note_pause(p);
    if (bytes >> 32)
        members_add_word(&p->members, m, play_word(PLAY_HIGH, 0, (uint32_t)(bytes >> 32)));
    members_add_word(&p->members, m, play_word(kind, block->slot, (uint32_t)bytes));
    m->calls++;
    block->thread = number;
    block->call = m->calls;
    block->epoch = m->epoch;
    uint64_t calls = ++p->members.calls;
    if (calls % PLAY_UNIT == 0)
        members_add_word(&p->members, m, (uint64_t)PLAY_STEP | calls / PLAY_UNIT << 4);
}

/* A block that was taken out of the table ends or shrinks. Where the live bytes are at a new peak
 * with it, the play looks at the memory: a block that lives between two other looks counts, too. */
static void look_at_peak(struct planning *p, struct member *m, const struct replay_block *block) {
    uint64_t live = p->blocks.live_bytes + block->bytes, above = p->looked_bytes / LOOK_PART;
    if (live < p->looked_bytes + (above > LOOK_BYTES ? above : LOOK_BYTES))
        return;
    p->looked_bytes = live;
    members_add_word(&p->members, m, PLAY_LOOK);
}

static void take_free(struct planning *p, struct member *m, uint32_t number,
                      struct replay_block *block, uint64_t ns) {
    members_enter(&p->members, m, ns);
    wait_for(p, m, number, block);
    look_at_peak(p, m, block);
    block->address = 0;
    members_give_slot(&p->members, m, block->slot);
    p->plan->frees++;
    add_call(p, m, number, PLAY_FREE, block, 0);
}

/* The block at the address is there no more, though its end was not recorded: it ends here. */
static void end_forgotten(struct planning *p, struct member *m, uint32_t number, uint64_t address,
                          uint64_t ns) {
    struct replay_block old;
    if (!blocks_take(&p->blocks, address, &old))
        return;
    p->plan->left_out++;
    take_free(p, m, number, &old, ns);
}

static enum play_kind kind_of(const struct hak_event *e) {
    switch (e->subkind) {
    case HAK_BY_CALLOC:
        return PLAY_CALLOC;
    case HAK_BY_ALIGNED:
    case HAK_BY_NEW_ALIGNED:
    case HAK_BY_NEW_ARRAY_ALIGNED:
        return PLAY_ALIGNED;
    default:
        return PLAY_MALLOC;
    }
}

/* A block was handed out. */
static void take_new(struct planning *p, struct member *m, uint32_t number,
                     const struct hak_event *e) {
    struct replay_block block = {.address = e->address, .bytes = e->size};
    enum play_kind kind = kind_of(e);
    end_forgotten(p, m, number, e->address, e->ns);
    members_enter(&p->members, m, e->ns);
    block.slot = members_take_slot(&p->members, m);
    p->has_no_slot |= block.slot == UINT32_MAX;
    if (p->has_no_slot)
        return;
    if (kind == PLAY_ALIGNED) {
        uint32_t alignment = 0;
        p->has_no_memory |= !alignments_note(&p->alignments, e->stack, e->address, &alignment);
        members_add_word(&p->members, m, play_word(PLAY_ALIGNMENT, alignment, 0));
        p->plan->aligned++;
    }
    p->plan->taken++;
    add_call(p, m, number, kind, &block, e->size);
    p->has_no_memory |= !blocks_add(&p->blocks, &block);
}

/* A block was resized: `block` was taken out of the table. */
static void take_resize(struct planning *p, struct member *m, uint32_t number,
                        struct replay_block *block, const struct hak_event *e) {
    if (e->address != block->address)
        end_forgotten(p, m, number, e->address, e->ns);
    members_enter(&p->members, m, e->ns);
    wait_for(p, m, number, block);
    if (e->size < block->bytes)
        look_at_peak(p, m, block);
    block->address = e->address;
    block->bytes = e->size;
    p->plan->reallocs++;
    add_call(p, m, number, PLAY_REALLOC, block, e->size);
    p->has_no_memory |= !blocks_add(&p->blocks, block);
}

/* ---- events ------------------------------------------------------------------------------------
 */

static void take_realloc(struct planning *p, struct member *m, uint32_t number,
                         const struct hak_event *e) {
    struct replay_block block;
    bool is_in_place = e->place == HAK_PLACE_LIVE;
    uint64_t old = is_in_place ? e->address : e->old_address;
    if (old && m->moving.address == old) {
        block = m->moving;
        m->moving.address = 0;
        take_resize(p, m, number, &block, e);
    } else if (old && blocks_take(&p->blocks, old, &block)) {
        m->moved_from = is_in_place ? 0 : old;
        take_resize(p, m, number, &block, e);
    } else {
        p->plan->left_out += old != 0 && old != m->given_back;
        if (old && !is_in_place)
            m->moved_from = old;
        take_new(p, m, number, e);
    }
}

/* A block ended, by free or as the old one of a realloc. */
static void take_end(struct planning *p, struct member *m, uint32_t number,
                     const struct hak_event *e) {
    struct replay_block block;
    if (e->kind == HAK_REALLOC_FROM && m->moved_from == e->address) {
        m->moved_from = 0; /* the realloc itself came before it */
        return;
    }
    if (!blocks_take(&p->blocks, e->address, &block))
        p->plan->left_out++;
    else if (e->kind == HAK_REALLOC_FROM)
        m->moving = block;
    else
        take_free(p, m, number, &block, e->ns);
}

/* Whether the call hands out or takes back a guarded piece of the program's own pool. Without
 * hakmem the pool cuts it from memory of its own, which is played. */
static bool is_of_piece(const struct hak_event *e) {
    return e->kind == HAK_MALLOC ? e->subkind == HAK_BY_POOL
                                 : e->kind == HAK_FREE && (e->subkind == HAK_GIVEN_BY_POOL ||
                                                           e->subkind == HAK_GIVEN_BY_POOL_END);
}

/* Counts a call that is not played; false: it is. */
static bool is_left_out(struct planning *p, const struct hak_event *e) {
    bool is_wrong = e->flags & HAK_RECORD_ILLEGAL, is_piece = !is_wrong && is_of_piece(e);
    p->plan->wrong += is_wrong;
    p->plan->pieces += is_piece && e->kind == HAK_MALLOC;
    return is_wrong || is_piece;
}

static void take_call(struct planning *p, struct member *m, uint32_t number,
                      const struct hak_event *e) {
    /* The realloc that ended this block gave nothing back. */
    if (m->moving.address && !(e->kind == HAK_REALLOC && e->old_address == m->moving.address))
        take_free(p, m, number, &m->moving, e->ns);
    if (e->kind == HAK_MALLOC)
        take_new(p, m, number, e);
    else if (e->kind == HAK_REALLOC)
        take_realloc(p, m, number, e);
    else
        take_end(p, m, number, e);
    bool is_by_realloc = e->kind == HAK_FREE && e->subkind == HAK_GIVEN_BY_REALLOC;
    m->given_back = is_by_realloc ? e->address : 0;
}

/* Ends a thread's words. A block whose realloc is still under way ends with them. */
static void close_member(struct planning *p, uint32_t number) {
    struct member *m = p->members.member[number];
    if (m->moving.address)
        take_free(p, m, number, &m->moving, p->plan->last_ns);
    members_close(&p->members, number);
}

/* Closes the threads that ended some time ago, when an epoch begins. */
static void close_ended(struct planning *p) {
    uint32_t number;
    if (members_begin_epoch(&p->members))
        while (members_take_ended(&p->members, &number))
            close_member(p, number);
}

/* Takes an event of the process. 1: reading is to end. */
static int take_event(void *context, const struct hak_event *e) {
    struct planning *p = context;
    struct members *members = &p->members;
    if (!p->has_begun)
        p->plan->first_ns = members->first_ns = e->ns;
    p->has_begun = true;
    p->plan->last_ns = e->ns > p->plan->last_ns ? e->ns : p->plan->last_ns;
    struct hak_event moved = *e;
    if (e->ns < p->plan->first_ns)
        moved.ns = p->plan->first_ns;
    close_ended(p);
    uint32_t number = members_find(members, e->thread, moved.ns);
    if (number == UINT32_MAX)
        return 1;
    if (e->kind == HAK_THREAD_END && !members->member[number]->is_ended)
        members_end(members, number);
    else if (hak_event_is_call(e) && !is_left_out(p, e)) {
        if (members->member[number]->is_closed) {
            p->plan->late++;
            number = members_open(members);
        }
        take_call(p, members->member[number], number, &moved);
    }
    return is_stopped(p);
}

/* ---- the file ----------------------------------------------------------------------------------
 */

/* Writes the tables behind the blocks, and the head. False: no memory. */
static bool write_tables(struct planning *p) {
    struct plan *plan = p->plan;
    const struct members *m = &p->members;
    struct play_head *h = &plan->head;
    struct play_thread *thread = calloc(m->count + 1u, sizeof *thread);
    uint32_t alignments = p->alignments.sites;
    uint8_t *alignment = calloc(alignments + 1u, 1);
    if (thread && alignment) {
        for (uint32_t i = 0; i < m->count; i++)
            thread[i] = (struct play_thread){.first_block = m->member[i]->stream.first};
        for (uint32_t i = 0; i < alignments; i++)
            alignment[i] = alignments_log2(&p->alignments, i);
        uint64_t units = m->calls / PLAY_UNIT / STEPS;
        *h = (struct play_head){.blocks = plan->streams.blocks,
                                .calls = m->calls,
                                .step_units = units ? units : 1,
                                .threads = m->count,
                                .alignments = alignments,
                                .epochs = m->epochs,
                                .slots = p->blocks.slots};
        memcpy(h->magic, PLAY_MAGIC, sizeof h->magic);
        h->thread_offset = streams_append(&plan->streams, thread, m->count * sizeof *thread);
        h->alignment_offset = streams_append(&plan->streams, alignment, alignments);
        h->epoch_offset = streams_append(&plan->streams, m->epoch, m->epochs * sizeof *m->epoch);
        streams_finish(&plan->streams, h);
    }
    bool has_memory = thread && alignment;
    free(thread);
    free(alignment);
    return has_memory;
}

/* Says why there is no play. Returns a status. */
static int fail(const struct planning *p) {
    struct plan *plan = p->plan;
    if (p->has_no_slot)
        view_error("replay: more than %s blocks live at once", hak_words_number(PLAY_SLOTS_MAX));
    else if (has_no_memory(p) || plan->streams.error == ENOMEM)
        view_error("replay: out of memory");
    else
        view_error(
            "replay: the play file in %s: %s after %s; set TMPDIR to a folder with more room",
            plan->streams.folder, strerror(plan->streams.error),
            hak_words_size(plan->streams.bytes));
    return VIEW_UNREADABLE;
}

static int read_log(struct planning *p) {
    struct hak_filter filter = {.process = p->plan->process,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_FREE |
                                                 1ull << HAK_REALLOC | 1ull << HAK_REALLOC_FROM,
                                .kind_mask_high =
                                    1ull << (HAK_THREAD_START - 64) | 1ull << (HAK_THREAD_END - 64),
                                .class_index = -1};
    struct plan *plan = p->plan;
    int error = hak_store_scan(plan->view->reader, &filter, false, take_event, p);
    if (error < 0)
        return view_store_error(plan->view, error);
    plan->end_live_bytes = p->blocks.live_bytes;
    plan->end_live_blocks = p->blocks.count;
    plan->peak_live_bytes = p->blocks.most_bytes;
    plan->peak_live_blocks = p->blocks.most_blocks;
    for (uint32_t i = 0; i < p->members.count; i++)
        if (!p->members.member[i]->is_closed)
            close_member(p, i);
    p->has_no_memory |= !has_no_memory(p) && !write_tables(p);
    return is_stopped(p) ? fail(p) : 0;
}

int plan_make(struct plan *plan) {
    struct planning p = {.plan = plan};
    p.members = (struct members){.streams = &plan->streams,
                                 .blocks = &p.blocks,
                                 .store = hak_store_database(plan->view->reader),
                                 .process = plan->process};
    char *folder = strdup(plan->view->store_path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = '\0';
    uint64_t bytes;
    bool is_here = folder && !slash, is_server = hak_store_is_on_server(plan->view->reader, &bytes);
    bool is_open = streams_open(&plan->streams, is_server         ? NULL
                                                : is_here         ? "."
                                                : slash == folder ? "/"
                                                                  : folder);
    int error = errno, status = VIEW_UNREADABLE;
    free(folder);
    if (!is_open)
        view_error("replay: no file can be made in %s: %s; set TMPDIR", plan->streams.folder,
                   strerror(error));
    else if (!members_add_main(&p.members))
        view_error("replay: out of memory");
    else
        status = read_log(&p);
    members_free(&p.members);
    blocks_free(&p.blocks);
    alignments_free(&p.alignments);
    return status;
}

void plan_free(struct plan *plan) {
    streams_free(&plan->streams);
}
