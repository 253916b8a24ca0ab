/* Starts and ends the threads of a play, and cuts the words of each into epochs. */
#include "viewer/replay/members.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"

enum {
    EPOCH_CALLS = 8192,
    PACE_NS = 50000, /* between two times of a thread */
};

uint32_t members_epoch(const struct members *m) {
    return (uint32_t)(m->calls / EPOCH_CALLS);
}

/* ---- words -------------------------------------------------------------------------------------
 */

void members_add_word(struct members *m, struct member *member, uint64_t word) {
    stream_add(m->streams, &member->stream, word);
}

void members_enter(struct members *m, struct member *member, uint64_t ns) {
    uint32_t now = members_epoch(m);
    if (member->epoch != now) {
        member->epoch = now;
        members_add_word(m, member, play_word(PLAY_EPOCH, now, 0));
        if (hak_growing_reach(&m->epoch, now, &m->epoch_room, sizeof *m->epoch))
            m->epoch[now]++;
        else
            m->has_no_memory = true;
        m->epochs = now + 1;
    }
    ns -= m->first_ns;
    m->entered_ns = ns;
    if (ns < member->timed_ns + PACE_NS || ns > PLAY_NS_MAX)
        return;
    member->timed_ns = ns;
    members_add_word(m, member, (uint64_t)PLAY_TIME | ns << 4);
}

uint32_t members_take_slot(struct members *m, struct member *member) {
    return member->spares ? member->spare[--member->spares] : slots_take(m->blocks, member->epoch);
}

void members_give_slot(struct members *m, struct member *member, uint32_t slot) {
    if (member->spares < MEMBER_SPARES)
        member->spare[member->spares++] = slot;
    else
        m->has_no_memory |= !slots_give(m->blocks, slot, member->epoch);
}

/* ---- begins ------------------------------------------------------------------------------------
 */

/* Adds a thread. NULL: no memory. */
static struct member *add(struct members *m, uint32_t row) {
    struct member *member = calloc(1, sizeof *member);
    if (!member || !hak_growing_make_room(&m->member, m->count, &m->room, sizeof *m->member) ||
        !hak_growing_reach(&m->of_row, row, &m->row_room, sizeof *m->of_row)) {
        free(member);
        m->has_no_memory = true;
        return NULL;
    }
    member->epoch = UINT32_MAX;
    member->stream = (struct stream){.first = PLAY_NO_BLOCK};
    m->member[m->count++] = member;
    m->of_row[row] = m->count;
    m->open++;
    return member;
}

bool members_add_main(struct members *m) {
    uint64_t row = hak_database_number(m->store,
                                       "SELECT id FROM thread WHERE process = ?1"
                                       " ORDER BY number LIMIT 1",
                                       m->process);
    return add(m, (uint32_t)row) != NULL;
}

static struct member *member_of_row(const struct members *m, uint32_t row) {
    return row && row < m->row_room && m->of_row[row] ? m->member[m->of_row[row] - 1] : NULL;
}

uint32_t members_open(struct members *m) {
    for (uint32_t i = m->count; m->member[m->stand_in]->is_closed && i > 0; i--)
        m->stand_in = i - 1;
    return m->stand_in;
}

/* The thread that created this one, if it can still do something; else another one that can. */
static struct member *creator_of(struct members *m, uint32_t row) {
    uint64_t creator =
        hak_database_number(m->store,
                            "SELECT c.id FROM thread t JOIN thread c ON c.process = t.process"
                            " AND c.number = t.creator WHERE t.id = ?1",
                            row);
    struct member *member = member_of_row(m, (uint32_t)creator);
    return member && !member->is_closed ? member : m->member[members_open(m)];
}

uint32_t members_find(struct members *m, uint32_t row, uint64_t ns) {
    if (!member_of_row(m, row)) {
        struct member *creator = creator_of(m, row);
        if (!add(m, row))
            return UINT32_MAX;
        members_enter(m, creator, ns);
        members_add_word(m, creator, play_word(PLAY_START, m->count - 1, 0));
    }
    return m->of_row[row] - 1;
}

/* ---- ends --------------------------------------------------------------------------------------
 */

void members_end(struct members *m, uint32_t number) {
    m->member[number]->is_ended = true;
    m->member[number]->ended_in = members_epoch(m);
    if (m->ending_first > m->endings / 2) { /* most of the array lies before the queue */
        m->endings -= m->ending_first;
        memmove(m->ending, m->ending + m->ending_first, m->endings * sizeof *m->ending);
        m->ending_first = 0;
    }
    if (hak_growing_make_room(&m->ending, m->endings, &m->ending_room, sizeof *m->ending))
        m->ending[m->endings++] = number;
    else
        m->has_no_memory = true;
}

bool members_begin_epoch(struct members *m) {
    uint32_t now = members_epoch(m);
    bool is_new = m->epoch_looked_at != now;
    m->epoch_looked_at = now;
    return is_new;
}

bool members_take_ended(struct members *m, uint32_t *number) {
    if (m->ending_first == m->endings || m->open == 1)
        return false;
    *number = m->ending[m->ending_first];
    if (m->member[*number]->ended_in + 2 > m->epoch_looked_at)
        return false;
    m->ending_first++;
    return true;
}

void members_close(struct members *m, uint32_t number) {
    struct member *member = m->member[number];
    if (member->stream.first != PLAY_NO_BLOCK || member->stream.words)
        members_add_word(m, member, play_word(PLAY_END, member->is_ended, 0));
    stream_close(m->streams, &member->stream);
    while (member->spares > 0)
        m->has_no_memory |=
            !slots_give(m->blocks, member->spare[--member->spares], members_epoch(m));
    member->is_closed = true;
    m->open--;
}

void members_free(struct members *m) {
    for (uint32_t i = 0; i < m->count; i++) {
        free(m->member[i]->stream.words);
        free(m->member[i]);
    }
    free(m->member);
    free(m->of_row);
    free(m->epoch);
    free(m->ending);
}
