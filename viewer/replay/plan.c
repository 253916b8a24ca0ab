/* Makes operations of a process's events, in the order of the log, which has each block's and each
 * thread's calls in theirs. */
#include "viewer/replay/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "check.h"
#include "hop.h"
#include "report/words/words.h"
#include "trace/record.h"
#include "viewer/capture/capture.h"
#include "viewer/replay/alignments.h"
#include "viewer/replay/blocks.h"

enum {
    EPOCH_CALLS = 8192,
    SPARES = 32,     /* slots that a thread keeps for itself */
    WAITED = 8,      /* threads that a thread remembers to have waited for */
    PACE_NS = 50000, /* between two times of a thread */
    STEPS = 100,
};

/* A thread of the process. */
struct member {
    struct stream stream;
    struct replay_block moving; /* a realloc has ended its life, and gives it back */
    uint64_t moved_from;        /* a realloc has moved it: its end is still to come */
    uint64_t timed_ns;
    uint32_t epoch; /* of its last operation; UINT32_MAX = none */
    uint32_t calls; /* modulo 2^32 */
    uint32_t ended_in;
    uint64_t given_back; /* a realloc to 0 bytes has freed it, and may still hand out a block */
    bool is_ended, is_closed;
    uint8_t spares;
    uint32_t spare[SPARES];
    struct {
        uint32_t thread, calls;
    } waited[WAITED];
};

struct planning {
    struct plan *plan;
    struct replay_blocks blocks;
    struct member **member;
    uint32_t members, member_room;
    uint32_t *of_row; /* thread's row -> member + 1 */
    uint32_t row_room;
    uint32_t *epoch; /* threads in each */
    uint32_t epochs, epoch_room;
    uint32_t *ending; /* members that have ended and are not closed */
    uint32_t endings, ending_room;
    uint32_t open;            /* members that are not closed: one at least */
    uint32_t stand_in;        /* the one that does what closed ones are to do */
    uint32_t epoch_looked_at; /* for threads that ended some time ago */
    struct alignments alignments;
    uint64_t calls; /* of all */
    bool has_no_memory, has_no_slot, has_begun;
};

static uint32_t epoch_now(const struct planning *p) {
    return (uint32_t)(p->calls / EPOCH_CALLS);
}

static void add_word(struct planning *p, struct member *m, uint64_t word) {
    stream_add(&p->plan->streams, &m->stream, word);
}

/* ---- threads ----------------------------------------------------------------------------------
 */

/* Adds a thread. NULL: no memory. */
static struct member *add_member(struct planning *p, uint32_t row) {
    struct member *m = calloc(1, sizeof *m);
    if (!m || !hak_growing_make_room(&p->member, p->members, &p->member_room, sizeof *p->member) ||
        !hak_growing_reach(&p->of_row, row, &p->row_room, sizeof *p->of_row)) {
        free(m);
        p->has_no_memory = true;
        return NULL;
    }
    m->epoch = UINT32_MAX;
    m->stream = (struct stream){.first = PLAY_NO_BLOCK};
    p->member[p->members++] = m;
    p->of_row[row] = p->members;
    p->open++;
    return m;
}

static struct member *member_of_row(const struct planning *p, uint32_t row) {
    return row && row < p->row_room && p->of_row[row] ? p->member[p->of_row[row] - 1] : NULL;
}

static uint32_t number_of(const struct planning *p, uint32_t row) {
    return p->of_row[row] - 1;
}

/* Begins an operation of a thread: its epoch, and the time. */
static void enter(struct planning *p, struct member *m, uint64_t ns) {
    uint32_t now = epoch_now(p);
    if (m->epoch != now) {
        m->epoch = now;
        add_word(p, m, play_word(PLAY_EPOCH, now, 0));
        if (hak_growing_reach(&p->epoch, now, &p->epoch_room, sizeof *p->epoch))
            p->epoch[now]++;
        else
            p->has_no_memory = true;
        p->epochs = now + 1;
    }
    ns -= p->plan->first_ns;
    if (ns < m->timed_ns + PACE_NS || ns > PLAY_NS_MAX)
        return;
    m->timed_ns = ns;
    add_word(p, m, (uint64_t)PLAY_TIME | ns << 4);
}

/* A thread that can still do something: the main thread; when that is closed the last one that was
 * started then, and so on. */
static uint32_t open_member(struct planning *p) {
    for (uint32_t i = p->members; p->member[p->stand_in]->is_closed && i > 0; i--)
        p->stand_in = i - 1;
    return p->stand_in;
}

/* The thread that created this one, if it can still do something; else another one that can. */
static struct member *creator_of(struct planning *p, uint32_t row) {
    const struct hak_database *db = hak_store_database(p->plan->view->reader);
    uint64_t creator =
        hak_database_number(db,
                            "SELECT c.id FROM thread t JOIN thread c ON c.process = t.process"
                            " AND c.number = t.creator WHERE t.id = ?1",
                            row);
    struct member *m = member_of_row(p, (uint32_t)creator);
    return m && !m->is_closed ? m : p->member[open_member(p)];
}

/* The thread of an event. One that is seen for the first time is started by its creator. NULL: no
 * memory. */
static struct member *find_member(struct planning *p, const struct hak_event *e) {
    struct member *m = member_of_row(p, e->thread);
    if (m)
        return m;
    struct member *creator = creator_of(p, e->thread);
    m = add_member(p, e->thread);
    if (!m)
        return NULL;
    enter(p, creator, e->ns);
    add_word(p, creator, play_word(PLAY_START, p->members - 1, 0));
    return m;
}

static void give_spares(struct planning *p, struct member *m) {
    while (m->spares > 0)
        p->has_no_memory |= !slots_give(&p->blocks, m->spare[--m->spares], epoch_now(p));
}

static void take_free(struct planning *p, struct member *m, uint32_t number,
                      struct replay_block *block, uint64_t ns);

/* Ends a thread's words. */
static void close_member(struct planning *p, struct member *m, uint32_t number) {
    if (m->moving.address)
        take_free(p, m, number, &m->moving, p->plan->last_ns);
    if (m->stream.first != PLAY_NO_BLOCK || m->stream.words)
        add_word(p, m, play_word(PLAY_END, m->is_ended, 0));
    stream_close(&p->plan->streams, &m->stream);
    give_spares(p, m);
    m->is_closed = true;
    p->open--;
}

/* Closes the threads that ended some time ago: destructors may free after a thread's end. The last
 * one that is open stays so, since it may have to start another. */
static void close_ended(struct planning *p) {
    uint32_t now = epoch_now(p);
    uint32_t kept = 0;
    if (p->epoch_looked_at == now)
        return;
    p->epoch_looked_at = now;
    for (uint32_t i = 0; i < p->endings; i++) {
        uint32_t number = p->ending[i];
        if (p->member[number]->ended_in + 2 <= now && p->open > 1)
            close_member(p, p->member[number], number);
        else
            p->ending[kept++] = number;
    }
    p->endings = kept;
}

/* A thread has ended; destructors may still free. */
static void end_member(struct planning *p, struct member *m, uint32_t number) {
    m->is_ended = true;
    m->ended_in = epoch_now(p);
    if (hak_growing_make_room(&p->ending, p->endings, &p->ending_room, sizeof *p->ending))
        p->ending[p->endings++] = number;
    else
        p->has_no_memory = true;
}

/* ---- operations --------------------------------------------------------------------------------
 */

/* Waits for the last call on a block, if another thread made it and it may not be done yet. */
static void wait_for(struct planning *p, struct member *m, uint32_t number,
                     const struct replay_block *block) {
    if (block->thread == number)
        return;
    p->plan->handed++;
    uint32_t at = block->thread % WAITED;
    bool is_known = m->waited[at].thread == block->thread + 1 &&
                    (int32_t)(m->waited[at].calls - block->call) >= 0;
    if (block->epoch + 2 <= epoch_now(p) || is_known)
        return;
    m->waited[at].thread = block->thread + 1;
    m->waited[at].calls = block->call;
    p->plan->waits++;
    add_word(p, m, play_word(PLAY_WAIT, block->thread, block->call));
}

/* Adds a call, and notes in `block` who made it. */
static void add_call(struct planning *p, struct member *m, uint32_t number, enum play_kind kind,
                     struct replay_block *block, uint64_t bytes) {
    if (bytes >> 32)
        add_word(p, m, play_word(PLAY_HIGH, 0, (uint32_t)(bytes >> 32)));
    add_word(p, m, play_word(kind, block->slot, (uint32_t)bytes));
    m->calls++;
    block->thread = number;
    block->call = m->calls;
    block->epoch = m->epoch;
    p->calls++;
    if (p->calls % PLAY_UNIT == 0)
        add_word(p, m, (uint64_t)PLAY_STEP | p->calls / PLAY_UNIT << 4);
}

static void take_free(struct planning *p, struct member *m, uint32_t number,
                      struct replay_block *block, uint64_t ns) {
    enter(p, m, ns);
    wait_for(p, m, number, block);
    block->address = 0;
    if (m->spares < SPARES)
        m->spare[m->spares++] = block->slot;
    else
        p->has_no_memory |= !slots_give(&p->blocks, block->slot, m->epoch);
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
    enter(p, m, e->ns);
    block.slot = m->spares ? m->spare[--m->spares] : slots_take(&p->blocks, m->epoch);
    p->has_no_slot |= block.slot == UINT32_MAX;
    if (p->has_no_slot)
        return;
    if (kind == PLAY_ALIGNED) {
        uint32_t alignment = 0;
        p->has_no_memory |= !alignments_note(&p->alignments, e->stack, e->address, &alignment);
        add_word(p, m, play_word(PLAY_ALIGNMENT, alignment, 0));
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
    enter(p, m, e->ns);
    wait_for(p, m, number, block);
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

static void take_call(struct planning *p, struct member *m, uint32_t number,
                      const struct hak_event *e) {
    if (e->flags & HAK_RECORD_ILLEGAL) {
        p->plan->wrong++;
        return;
    }
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

/* Takes an event of the process. 1: reading is to end. */
static int take_event(void *context, const struct hak_event *e) {
    struct planning *p = context;
    if (!p->has_begun)
        p->plan->first_ns = e->ns;
    p->has_begun = true;
    p->plan->last_ns = e->ns > p->plan->last_ns ? e->ns : p->plan->last_ns;
    struct hak_event moved = *e;
    if (e->ns < p->plan->first_ns)
        moved.ns = p->plan->first_ns;
    close_ended(p);
    struct member *m = find_member(p, e);
    if (!m)
        return 1;
    uint32_t number = number_of(p, e->thread);
    if (e->kind == HAK_THREAD_END && !m->is_ended)
        end_member(p, m, number);
    else if (hak_event_is_call(e)) {
        if (m->is_closed) {
            p->plan->late++;
            number = open_member(p);
            m = p->member[number];
        }
        take_call(p, m, number, &moved);
    }
    return p->has_no_memory || p->has_no_slot || p->plan->streams.error;
}

/* ---- the file ----------------------------------------------------------------------------------
 */

/* Writes the tables behind the blocks, and the head. False: no memory. */
static bool write_tables(struct planning *p) {
    struct plan *plan = p->plan;
    struct play_head *h = &plan->head;
    struct play_thread *thread = calloc(p->members + 1u, sizeof *thread);
    uint32_t alignments = p->alignments.sites;
    uint8_t *alignment = calloc(alignments + 1u, 1);
    if (thread && alignment) {
        for (uint32_t i = 0; i < p->members; i++)
            thread[i] = (struct play_thread){.first_block = p->member[i]->stream.first};
        for (uint32_t i = 0; i < alignments; i++)
            alignment[i] = alignments_log2(&p->alignments, i);
        uint64_t units = p->calls / PLAY_UNIT / STEPS;
        *h = (struct play_head){.blocks = plan->streams.blocks,
                                .calls = p->calls,
                                .step_units = units ? units : 1,
                                .threads = p->members,
                                .alignments = alignments,
                                .epochs = p->epochs,
                                .slots = p->blocks.slots};
        memcpy(h->magic, PLAY_MAGIC, sizeof h->magic);
        h->thread_offset = streams_append(&plan->streams, thread, p->members * sizeof *thread);
        h->alignment_offset = streams_append(&plan->streams, alignment, alignments);
        h->epoch_offset = streams_append(&plan->streams, p->epoch, p->epochs * sizeof *p->epoch);
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
    else if (p->has_no_memory || plan->streams.error == ENOMEM)
        view_error("replay: out of memory");
    else
        view_error(
            "replay: the play file in %s: %s after %s; set TMPDIR to a folder with more room",
            plan->streams.folder, strerror(plan->streams.error),
            hak_words_size(plan->streams.bytes));
    return VIEW_UNREADABLE;
}

/* Makes the main thread, whether it calls anything or not. False: no memory. */
static bool add_main_thread(struct planning *p) {
    uint64_t row = hak_database_number(hak_store_database(p->plan->view->reader),
                                       "SELECT id FROM thread WHERE process = ?1"
                                       " ORDER BY number LIMIT 1",
                                       p->plan->process);
    return add_member(p, (uint32_t)row) != NULL;
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
    for (uint32_t i = 0; i < p->members; i++)
        if (!p->member[i]->is_closed)
            close_member(p, p->member[i], i);
    p->has_no_memory |= !p->has_no_memory && !write_tables(p);
    return p->has_no_memory || p->has_no_slot || plan->streams.error ? fail(p) : 0;
}

static void free_planning(struct planning *p) {
    for (uint32_t i = 0; i < p->members; i++) {
        free(p->member[i]->stream.words);
        free(p->member[i]);
    }
    blocks_free(&p->blocks);
    alignments_free(&p->alignments);
    free(p->member);
    free(p->of_row);
    free(p->epoch);
    free(p->ending);
}

int plan_make(struct plan *plan) {
    struct planning p = {.plan = plan};
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
    else if (!add_main_thread(&p))
        view_error("replay: out of memory");
    else
        status = read_log(&p);
    free_planning(&p);
    return status;
}

void plan_free(struct plan *plan) {
    streams_free(&plan->streams);
}
