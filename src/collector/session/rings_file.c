/* Finds the records that the rings of a file still hold. */
#include "collector/session/rings_file.h"

#include "collector/session/process.h"

#include "hop.h"

#define IN_THE_MAKING 256                 /* records that a killed writer may have begun */
#define AHEAD         ((uint64_t)1 << 47) /* of the last clock that the program noted: half a day */
#define RECORDS_MAX   ((uint64_t)1 << 48)

void hak_rings_file_start_clock(struct hak_client *client, uint64_t capture_start_ns) {
    const struct hak_mapping *m = &client->map;
    uint64_t start = m->head.monotonic_start_ns, now = hak_time_ns();
    if (start < capture_start_ns)
        start = capture_start_ns;
    hak_clock_start(&client->clock, m->head.tsc_start, start - capture_start_ns);
    uint64_t end_ticks =
        m->head.tsc_end > m->head.tsc_start ? m->head.tsc_end - m->head.tsc_start : 0;
    if (end_ticks && m->head.monotonic_end_ns > start)
        hak_clock_anchor(&client->clock, end_ticks, m->head.monotonic_end_ns - capture_start_ns);
    else if (now > start)
        hak_clock_anchor(&client->clock, hak_clock_ticks(&client->clock), now - capture_start_ns);
    client->file_reference = end_ticks < (uint64_t)1 << 62 ? end_ticks + AHEAD : AHEAD;
    client->file_end_ticks = end_ticks < (uint64_t)1 << 62 ? end_ticks : 0;
}

/* The 48 bits of a record's time, completed. */
static uint64_t ticks_of(const struct hak_client *c, const struct hak_record *record) {
    uint64_t back = hak_record_time_bits(c->file_reference - hak_record_time(record));
    return back <= c->file_reference ? c->file_reference - back : hak_record_time(record);
}

/* The first record of a ring of a file that can be read: of one still written, a part that may be
 * in the making is left out, but for a word that names the thread. */
static uint64_t first_of(const struct hak_ring_view *view) {
    uint64_t written = view->head - view->start;
    uint64_t spare = view->capacity / 4 < IN_THE_MAKING ? view->capacity / 4 : IN_THE_MAKING;
    if (view->state == HAK_RING_CLOSED) /* its writer came to an end */
        spare = 0;
    if (written <= view->capacity - spare)
        return view->start;
    uint64_t first = view->head - (view->capacity - spare);
    /* In a ring that threads share an event and the word that names its thread are one. */
    struct hak_record before = hak_view_record(view, first - 1);
    return spare && hak_record_kind_of(&before) == HAK_THREAD_SWITCH ? first - 1 : first;
}

/* Sets the ring's position to its first readable record, and adds a loss of those written over; a
 * ring that cannot be right is left out. */
static void begin_ring(struct hak_client *c, struct hak_rows *rows, uint32_t index) {
    struct hak_ring_cursor *cursor = &c->rings[index];
    struct hak_ring_view view;
    hak_mapping_view(&c->map, index, &view);
    if (view.capacity == 0 || view.head < view.start || view.head - view.start > RECORDS_MAX)
        return; /* no program of ours writes that */
    if (view.head == view.start) {
        cursor->position = cursor->stored = view.head;
        return;
    }
    uint64_t first = first_of(&view);
    cursor->position = cursor->stored = first;
    struct hak_record last = hak_view_record(&view, view.head - 1);
    uint64_t end = ticks_of(c, &last);
    if (end > c->file_end_ticks && end < c->file_reference - AHEAD / 2)
        c->file_end_ticks = end;
    if (first == view.start || view.process >= HAK_PROCESSES)
        return;
    struct hak_record oldest = hak_view_record(&view, first);
    uint64_t to = hak_clock_ns(&c->clock, ticks_of(c, &oldest));
    uint32_t process = hak_client_process_row(c, rows, view.process, to);
    const struct hak_process_info *p = hak_rows_process_info(rows, process);
    uint64_t from = p && p->row.start_ns < to ? p->row.start_ns : to;
    uint32_t thread = hak_rows_thread(rows, process, view.thread, view.tid, from);
    hak_rows_add_loss(rows, process, thread, from, to, first - view.start,
                      "written over by newer events");
}

void hak_rings_file_begin(struct hak_client *client, struct hak_rows *rows) {
    uint32_t rings = hak_mapping_ring_count(&client->map);
    if (rings > client->rings_high)
        client->rings_high = rings;
    hak_client_look_at_processes(client, rows, -1);
    for (uint32_t i = 0; i < client->rings_high; i++)
        begin_ring(client, rows, i);
}
