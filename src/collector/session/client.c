/* Opens one session, gives its stored parts back, and sees when it is over. */
#include "collector/session/client.h"

#include <stdlib.h>
#include <unistd.h>
#include "collector/session/ends.h"
#include "collector/session/process.h"
#include "collector/session/snapshot.h"

#define ASK_NS     10000000u /* doubled from question to question */
#define ASK_NS_MAX 1000000000u

struct hak_client *hak_client_open(uint32_t link_number, const struct hak_hello *hello,
                                   pid_t peer_pid, int memfd, const char **why) {
    struct hak_client *c = calloc(1, sizeof *c);
    if (!c) {
        close(memfd);
        *why = "no memory is left";
        return NULL;
    }
    c->map.memfd = -1;
    hak_node_map_begin(&c->nodes);
    c->rings = calloc(HAK_RINGS, sizeof *c->rings);
    c->processes = calloc(HAK_PROCESSES, sizeof *c->processes);
    *why = c->rings && c->processes ? hak_mapping_open(&c->map, memfd) : "no memory is left";
    if (*why) {
        if (!c->rings || !c->processes)
            close(memfd);
        hak_client_close(c);
        return NULL;
    }
    c->number = c->image = c->link_number = link_number;
    c->hello = *hello;
    c->peer_pid = peer_pid;
    for (uint32_t i = 0; i < HAK_PROCESSES; i++)
        c->processes[i].pidfd = -1;
    return c;
}

void hak_client_start_clock(struct hak_client *client, uint64_t capture_start_ns) {
    uint64_t tsc = 0, now = 0, start = client->map.head.monotonic_start_ns;
    hak_clock_read(&tsc, &now);
    if (start > now || start < capture_start_ns) /* a header may hold anything */
        start = capture_start_ns;
    hak_clock_start(&client->clock, client->map.head.tsc_start, start - capture_start_ns);
    hak_clock_anchor(&client->clock, tsc - client->clock.tsc_start, now - capture_start_ns);
}

void hak_client_close(struct hak_client *client) {
    for (uint32_t i = 0; client->processes && i < HAK_PROCESSES; i++)
        if (client->processes[i].pidfd >= 0)
            close(client->processes[i].pidfd);
    hak_snapshot_close(client);
    hak_mapping_close(&client->map);
    free(client->rings);
    free(client->processes);
    hak_node_map_free(&client->nodes);
    free(client);
}

void hak_client_lose(struct hak_ring_cursor *cursor, uint64_t from, uint64_t to) {
    if (from >= to)
        return;
    if (from > cursor->lost_to || cursor->lost_from == cursor->lost_to)
        cursor->lost_from = from;
    cursor->lost_to = to;
}

bool hak_client_has_lost(const struct hak_ring_cursor *cursor, uint64_t position) {
    return cursor->lost_from <= position && position < cursor->lost_to;
}

static bool is_stored(const struct hak_client *c, uint32_t ring) {
    return atomic_load_explicit(&hak_mapping_ring(&c->map, ring)->head, memory_order_acquire) ==
           c->rings[ring].stored;
}

/* Gives a ring back whose records are all stored, if it is closed or its process gone; losses that
 * it tells of are added first. */
static void release_ring(struct hak_client *c, struct hak_rows *rows, uint32_t index) {
    struct hak_ring_cursor *cursor = &c->rings[index];
    struct hak_ring_view view;
    if (cursor->position == cursor->freed)
        return; /* nothing came since: its fields may be the last owner's */
    hak_mapping_view(&c->map, index, &view);
    bool dead = view.state == HAK_RING_CLAIMED && view.process < HAK_PROCESSES &&
                c->processes[view.process].phase == HAK_PHASE_GONE;
    if ((view.state != HAK_RING_CLOSED && !dead) || !is_stored(c, index))
        return;
    uint64_t ns = hak_clock_ns(&c->clock, cursor->time);
    if (view.lost > cursor->lost_told && view.lost - cursor->lost_told < (uint64_t)1 << 48)
        hak_rows_add_loss(rows, cursor->process_row, cursor->thread_row, ns,
                          hak_clock_ns(&c->clock, c->clock.latest_ticks),
                          view.lost - cursor->lost_told, "ring full");
    cursor->lost_told = 0;
    cursor->thread_row = 0; /* the next owner is another one */
    cursor->freed = cursor->stored = cursor->position =
        hak_mapping_free_ring(&c->map, index, &view);
}

/* Whether a ring with records that are not yet stored belongs to the process. */
static bool has_rings(const struct hak_client *c, uint32_t process) {
    for (uint32_t i = 0; i < c->rings_high; i++) {
        struct hak_ring_view view;
        if (c->rings[i].position == c->rings[i].freed && is_stored(c, i))
            continue;
        hak_mapping_view(&c->map, i, &view);
        if (view.state != HAK_RING_FREE && view.process == process)
            return true;
    }
    return false;
}

/* Settles a process that has ended: its last counts, how it ended, losses without a ring, files of
 * names; then its entry is free. */
static void close_process(struct hak_client *c, struct hak_rows *rows, uint32_t index) {
    struct hak_process_watch *w = &c->processes[index];
    struct hak_process_entry *e = hak_mapping_process(&c->map, index);
    struct hak_process_info *p = hak_rows_process_info(rows, w->row);
    uint32_t state = atomic_load_explicit(&e->state, memory_order_acquire);
    hak_process_copy_counters(c, rows, index); /* its counts since the last look */
    hak_ends_describe(c, rows, index, state);
    if (w->pidfd >= 0)
        close(w->pidfd);
    w->pidfd = -1;
    if (p && p->is_stopped)
        hak_rows_go_on(rows, w->row, p->row.end_ns);
    if (p) {
        uint64_t unringed = atomic_load(&e->lost_unringed);
        if (unringed && unringed < (uint64_t)1 << 48)
            hak_rows_add_loss(rows, w->row, 0, p->row.start_ns, p->row.end_ns, unringed,
                              c->is_file ? "its ring was taken for newer ones"
                                         : "no ring could be had");
        hak_rows_touch_process(rows, w->row);
        hak_rows_settle_made_files(rows, w->row);
    }
    hak_snapshot_release(c, index);
    w->nodes_end = hak_node_map_want(c);
    w->phase = HAK_PHASE_CLOSED;
}

/* Frees the entry of a closed process for another one, once its nodes' rows are stored; entry 0
 * stays. Once the row that says how it ended is stored, a new process may have the entry; until
 * then a worker that comes after this one must find it. So are the rows of its nodes by then, which
 * name the entry: they would be taken for the new one's, with its modules. */
static void free_entry(struct hak_client *c, uint32_t index) {
    if (index == 0 || !hak_node_map_is_settled(c, c->processes[index].nodes_end))
        return;
    c->processes[index].phase = HAK_PHASE_UNSEEN;
    atomic_store_explicit(&hak_mapping_process(&c->map, index)->state, HAK_PROCESS_FREE,
                          memory_order_release);
}

void hak_client_release(struct hak_client *client, struct hak_rows *rows) {
    /* A process that is gone may have come, and claimed a ring, after the cut had counted the
     * rings. */
    uint32_t rings = hak_mapping_ring_count(&client->map);
    if (rings > client->rings_high)
        client->rings_high = rings;
    hak_ends_tell_unentered(client, rows);
    /* Processes of a session that was cut still write: nothing is given back to them. */
    for (uint32_t i = 0; i < client->rings_high && !client->is_cut; i++)
        release_ring(client, rows, i);
    for (uint32_t i = 0; i < client->processes_high; i++)
        if (client->processes[i].phase == HAK_PHASE_CLOSED && !client->is_cut)
            free_entry(client, i);
        else if (client->processes[i].phase == HAK_PHASE_GONE &&
                 (client->is_cut || !has_rings(client, i)) && hak_snapshot_has_ended(client, i))
            close_process(client, rows, i);
}

/* It may have let go of the memory before it ends: PID 1 does, and waits for the store. */
static bool has_said_goodbye(const struct hak_client *c, uint32_t index) {
    return atomic_load(&hak_mapping_process(&c->map, index)->state) == HAK_PROCESS_ENDED;
}

bool hak_client_is_over(struct hak_client *client, uint64_t now_ns) {
    if (client->over)
        return true;
    for (uint32_t i = 0; i < client->processes_high; i++)
        if ((client->processes[i].phase == HAK_PHASE_LIVE && client->processes[i].pid > 0 &&
             !has_said_goodbye(client, i)) ||
            client->processes[i].phase == HAK_PHASE_GONE)
            return false;
    if (!client->is_abandoned) {
        if (now_ns < client->abandoned_ask_ns)
            return false;
        if (client->ask_interval_ns < ASK_NS_MAX)
            client->ask_interval_ns =
                client->ask_interval_ns ? 2 * client->ask_interval_ns : ASK_NS;
        client->abandoned_ask_ns = now_ns + client->ask_interval_ns;
        client->is_abandoned = hak_mapping_is_abandoned(&client->map);
    }
    /* One that came and executed another program since the last look lets go of the memory, but
     * lives on. */
    if (!client->is_abandoned || hak_client_has_unseen(client))
        return false;
    client->over = true;
    return true;
}

void hak_client_cut(struct hak_client *client) {
    for (uint32_t i = 0; i < client->processes_high; i++)
        client->processes[i].is_cut |= client->processes[i].phase == HAK_PHASE_LIVE;
    client->is_cut = client->over = true;
}
