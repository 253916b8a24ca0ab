/* Reads counters, puts the changed ones, gives the blocks of ended processes back. */
#include "collector/session/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "superslab.h"

#define MILLISECOND_NS 1000000u
#define AGE_PART       60          /* the older a process is, the rarer its snapshots */
#define RESIDENT_NS    50000000    /* the least time between two looks at a process's memory */
#define RESIDENT_PART  20          /* of its age: a program of a second has some 40 */
#define ROWS_KEPT      1000000     /* while nothing can be stored */
#define MISSED_NS      1000000000u /* between two looks at what is missed, without snapshots */

/* Keys of meta, behind each the process's row. */
#define MISSED_POOLS  "missed_pools"
#define MISSED_PIECES "missed_pieces"
#define MISSED_CALLS  "missed_pool_calls"

enum { CELLS = HAK_METRIC_CLASSES * HAK_METRICS };

void hak_snapshots_free(struct hak_snapshots *snapshots) {
    free(snapshots->rows);
    *snapshots = (struct hak_snapshots){0};
}

static void add_row(struct hak_snapshots *s, struct hak_metric_row row) {
    if (hak_growing_make_room(&s->rows, s->count, &s->capacity, sizeof *s->rows))
        s->rows[s->count++] = row;
}

/* ---- the memory ------------------------------------------------------------------------------ */

static hak_counters_owner_t *owners_of(const struct hak_client *c) {
    return (hak_counters_owner_t *)(void *)(c->map.memory + c->map.head.metrics_offset);
}

static struct hak_counters *block_of(const struct hak_client *c, uint32_t index) {
    return hak_counters_at(c->map.memory + hak_mapping_metrics_blocks(&c->map), index);
}

static uint32_t blocks_used(const struct hak_client *c) {
    uint32_t high =
        atomic_load_explicit(&hak_mapping_header(&c->map)->metrics_high, memory_order_relaxed);
    return high < c->map.head.metrics_blocks ? high : (uint32_t)c->map.head.metrics_blocks;
}

static bool is_of(const struct hak_client *c, uint32_t block, uint32_t process) {
    uint64_t owner = atomic_load_explicit(&owners_of(c)[block], memory_order_acquire);
    return owner >> 32 != HAK_COUNTERS_FREE && (uint32_t)owner == process;
}

bool hak_snapshot_sum(const struct hak_client *c, uint32_t process, struct hak_counters_sum *sum) {
    bool any = false;
    *sum = (struct hak_counters_sum){0};
    for (uint32_t i = 0, used = blocks_used(c); i < used; i++) {
        if (!is_of(c, i, process))
            continue;
        hak_counters_add_up(sum, block_of(c, i));
        any = true;
    }
    return any;
}

struct hak_missed_pools hak_snapshot_missed_in(const struct hak_counters_sum *sum) {
    const uint64_t *of_none = sum->cells[HAK_METRIC_NO_CLASS];
    return (struct hak_missed_pools){of_none[HAK_METRIC_POOL_MISSED_AMOUNT],
                                     of_none[HAK_METRIC_PIECE_MISSED_TIMES],
                                     of_none[HAK_METRIC_POOL_CALL_MISSED_TIMES]};
}

bool hak_snapshot_missed(const struct hak_client *c, uint32_t process,
                         struct hak_missed_pools *missed) {
    static struct hak_counters_sum sum; /* one worker thread */
    *missed = (struct hak_missed_pools){0};
    if (process >= HAK_PROCESSES || c->map.head.metrics_blocks == 0 ||
        !hak_snapshot_sum(c, process, &sum))
        return false;
    *missed = hak_snapshot_missed_in(&sum);
    return true;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

/* The watch of the process's counters, anew if the entry is another process's now; NULL without
 * memory. */
static struct hak_snapshot_watch *watch_of(struct hak_client *c, uint32_t index) {
    if (!c->snapshots)
        c->snapshots = calloc(HAK_PROCESSES, sizeof *c->snapshots);
    struct hak_snapshot_watch *w = c->snapshots ? &c->snapshots[index] : NULL;
    if (w && w->row != c->processes[index].row) {
        free(w->last);
        *w = (struct hak_snapshot_watch){.row = c->processes[index].row};
    }
    return w;
}

static uint8_t class_of(unsigned k) {
    return k < HAK_CLASSES ? (uint8_t)k : HAK_CLASS_NONE;
}

/* Adds a row of one value that is of no class. */
static void put_note(struct hak_snapshots *s, uint32_t process, uint64_t ns, const char *name,
                     uint64_t value) {
    add_row(s, (struct hak_metric_row){.ns = ns,
                                       .process = process,
                                       .name = name,
                                       .class_index = HAK_CLASS_NONE,
                                       .value = value});
}

static bool has_changed(const struct hak_snapshot_watch *w, const uint64_t *sum) {
    static const uint64_t nothing[CELLS];
    return memcmp(w->last ? w->last : nothing, sum, CELLS * sizeof *sum) != 0;
}

/* Adds a row for each counter that has changed since the last snapshot, behind one of when that
 * was. */
static void put_changes(struct hak_snapshots *s, struct hak_snapshot_watch *w, const uint64_t *sum,
                        uint64_t ns) {
    put_note(s, w->row, ns, HAK_SNAPSHOT_SINCE, w->taken_ns);
    for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
        for (unsigned m = 0; m < HAK_METRICS; m++) {
            uint64_t value = sum[k * HAK_METRICS + m];
            if (value != (w->last ? w->last[k * HAK_METRICS + m] : 0))
                add_row(s, (struct hak_metric_row){.ns = ns,
                                                   .process = w->row,
                                                   .name = hak_metric_name(m),
                                                   .class_index = class_of(k),
                                                   .value = value});
        }
    if (!w->last)
        w->last = malloc(CELLS * sizeof *w->last);
    if (w->last)
        memcpy(w->last, sum, CELLS * sizeof *w->last);
}

/* Adds a row of when resident memory was last looked at unchanged, so that a reader knows how long
 * the last values held; nothing if it was not. */
static void put_looked(struct hak_snapshots *s, struct hak_snapshot_watch *w, uint64_t ns) {
    if (w->is_unchanged)
        put_note(s, w->row, ns, HAK_SNAPSHOT_LOOKED, w->looked_ns);
    w->is_unchanged = false;
}

/* Adds what has changed of the process's resident memory since the last look; nothing where it
 * cannot be read: a zombie has no memory any more, and no such lines. */
static void take_resident(struct hak_snapshots *s, const struct hak_process_watch *p,
                          struct hak_snapshot_watch *w, uint64_t ns) {
    struct hak_resident now;
    if (!hak_resident_read(p->pid, p->pidfd, &now))
        return;
    if (memcmp(&now, &w->resident, sizeof now) == 0) {
        w->is_unchanged = true;
        w->looked_ns = ns;
        return;
    }
    put_looked(s, w, ns);
    for (unsigned i = 0; i < HAK_RESIDENT_FIELDS; i++)
        if (now.bytes[i] != w->resident.bytes[i])
            put_note(s, w->row, ns, hak_resident_name(i), now.bytes[i]);
    w->resident = now;
    w->looked_ns = ns;
}

static uint64_t interval_ns(const struct hak_client *c, uint64_t age_ns) {
    uint64_t usual = (uint64_t)c->map.head.metrics_ms * MILLISECOND_NS;
    return age_ns / AGE_PART > usual ? age_ns / AGE_PART : usual;
}

/* The time between two looks at a process's resident memory: short programs have some looks, too;
 * old ones as many as snapshots. */
static uint64_t resident_interval_ns(const struct hak_client *c, uint64_t age_ns) {
    uint64_t most = interval_ns(c, age_ns), part = age_ns / RESIDENT_PART;
    uint64_t least = most < RESIDENT_NS ? most : RESIDENT_NS;
    return part < least ? least : part > most ? most : part;
}

/* Takes a process's snapshot where it is due or the process has gone; its resident memory has
 * moments of its own. */
static void take_one(struct hak_snapshots *s, struct hak_client *c, uint32_t index,
                     const struct hak_process_row *row, uint64_t now_ns, uint64_t ns) {
    static struct hak_counters_sum sum; /* one worker thread */
    struct hak_snapshot_watch *w = watch_of(c, index);
    uint64_t age_ns = ns > row->start_ns ? ns - row->start_ns : 0;
    bool is_last = c->processes[index].phase == HAK_PHASE_GONE;
    if (!w || w->has_ended)
        return;
    if (!is_last && !c->is_file && now_ns >= w->resident_due_ns) {
        take_resident(s, &c->processes[index], w, ns);
        w->resident_due_ns = now_ns + resident_interval_ns(c, age_ns);
    }
    if (!is_last && now_ns < w->due_ns)
        return;
    if (w->taken_ns == 0)
        w->taken_ns = row->start_ns;
    if (hak_snapshot_sum(c, index, &sum) && has_changed(w, &sum.cells[0][0]))
        put_changes(s, w, &sum.cells[0][0], ns);
    w->taken_ns = ns;
    w->due_ns = now_ns + interval_ns(c, age_ns);
    w->has_ended = is_last;
    if (!is_last)
        return;
    put_looked(s, w, ns);
    put_note(s, w->row, ns, HAK_SNAPSHOT_END, 1);
}

/* Without snapshots: takes what the record lacks of the program's own pools, where that is due or
 * the process has gone. */
static void take_missed(struct hak_snapshots *s, struct hak_client *c, uint32_t index,
                        uint64_t now_ns, uint64_t ns) {
    struct hak_snapshot_watch *w = watch_of(c, index);
    bool is_last = c->processes[index].phase == HAK_PHASE_GONE;
    struct hak_missed_pools now;
    if (!w || w->has_ended || (!is_last && now_ns < w->due_ns))
        return;
    w->due_ns = now_ns + MISSED_NS;
    w->has_ended = is_last;
    if (!hak_snapshot_missed(c, index, &now))
        return;
    if (now.pools != w->missed.pools)
        put_note(s, w->row, ns, MISSED_POOLS, now.pools);
    if (now.pieces != w->missed.pieces)
        put_note(s, w->row, ns, MISSED_PIECES, now.pieces);
    if (now.calls != w->missed.calls)
        put_note(s, w->row, ns, MISSED_CALLS, now.calls);
    w->missed = now;
}

void hak_snapshots_take(struct hak_snapshots *snapshots, struct hak_client *client,
                        const struct hak_rows *rows, uint64_t now_ns, uint64_t ns) {
    if (client->map.head.metrics_blocks == 0)
        return;
    bool has_snapshots = client->map.head.metrics_ms != 0;
    for (uint32_t i = 0; i < client->processes_high; i++) {
        const struct hak_process_watch *p = &client->processes[i];
        if ((p->phase != HAK_PHASE_LIVE && p->phase != HAK_PHASE_GONE) || p->row == 0 ||
            p->row > rows->process_count)
            continue;
        if (has_snapshots)
            take_one(snapshots, client, i, &rows->processes[p->row - 1].row, now_ns, ns);
        else
            take_missed(snapshots, client, i, now_ns, ns);
    }
}

/* Puts a row; what the record lacks of the program's own pools gets a name, too, for readers that
 * look at no samples. 0 or the store's error. */
static int put_row(const struct hak_metric_row *row, struct hak_store_writer *writer) {
    static const struct {
        const char *counter, *key;
    } missed[] = {{"POOL_MISSED.amount", MISSED_POOLS},
                  {"PIECE_MISSED.times", MISSED_PIECES},
                  {"POOL_CALL_MISSED.times", MISSED_CALLS}};
    char key[64], value[32];
    for (size_t i = 0; i < sizeof missed / sizeof *missed; i++) {
        bool is_alone = strcmp(row->name, missed[i].key) == 0;
        if (!is_alone && strcmp(row->name, missed[i].counter) != 0)
            continue;
        snprintf(key, sizeof key, "%s.%" PRIu32, missed[i].key, row->process);
        snprintf(value, sizeof value, "%" PRIu64,
                 row->value < HAK_MISSED_MOST ? row->value : HAK_MISSED_MOST);
        int error = hak_store_put_meta(writer, key, value);
        if (error != 0 || is_alone)
            return error;
    }
    return hak_store_put_metric(writer, row);
}

int hak_snapshots_put(const struct hak_snapshots *snapshots, struct hak_store_writer *writer) {
    int error = 0;
    for (uint32_t i = 0; i < snapshots->count && error == 0; i++)
        error = put_row(&snapshots->rows[i], writer);
    return error;
}

void hak_snapshots_committed(struct hak_snapshots *snapshots) {
    snapshots->count = 0;
}

void hak_snapshots_rolled_back(struct hak_snapshots *snapshots, bool can_retry) {
    if (!can_retry || snapshots->count >= ROWS_KEPT)
        snapshots->count = 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

bool hak_snapshot_has_ended(const struct hak_client *client, uint32_t index) {
    return client->map.head.metrics_blocks == 0 || client->processes[index].row == 0 ||
           !client->snapshots ||
           (client->snapshots[index].row == client->processes[index].row &&
            client->snapshots[index].has_ended);
}

void hak_snapshot_release(struct hak_client *client, uint32_t index) {
    for (uint32_t i = 0, used = blocks_used(client); i < used; i++) {
        if (!is_of(client, i, index))
            continue;
        /* The next owner finds zeros. A hole would give the memory back, but could be made to wait
         * (session_file.h). An abandoned session has no next owner. */
        if (!client->is_abandoned)
            memset(block_of(client, i), 0, HAK_COUNTERS_BYTES);
        atomic_store_explicit(&owners_of(client)[i], 0, memory_order_release);
    }
    if (client->snapshots) {
        free(client->snapshots[index].last);
        client->snapshots[index].last = NULL;
    }
}

void hak_snapshot_close(struct hak_client *client) {
    for (uint32_t i = 0; client->snapshots && i < HAK_PROCESSES; i++)
        free(client->snapshots[i].last);
    free(client->snapshots);
    client->snapshots = NULL;
}
