/* Reads /proc/PID/task/TID/comm of threads that record. */
#include "collector/session/thread_names.h"

#include <stdio.h>
#include <string.h>
#include "collector/kernel/kernel.h"

enum { NAMES_EACH_TIME = 64, NAME_BYTES = 16 };

/* Reads a living thread's name from /proc into its row. */
static void read_name(struct hak_rows *rows, pid_t pid, uint32_t thread_row) {
    const struct hak_thread_info *t = hak_rows_thread_info(rows, thread_row);
    char path[64], name[NAME_BYTES + 1];
    if (!t || t->row.end_ns)
        return;
    snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)t->row.tid);
    if (!hak_proc_read_text(path, name, sizeof name))
        return;
    size_t length = strlen(name);
    if (length > 0 && name[length - 1] == '\n')
        name[length - 1] = 0;
    (void)hak_rows_name_thread(rows, thread_row, name);
}

void hak_names_read(struct hak_client *client, struct hak_rows *rows) {
    uint32_t looked = 0;
    if (client->is_file)
        return;
    for (uint32_t i = 0; i < client->rings_high && looked < NAMES_EACH_TIME; i++) {
        uint32_t index = (client->next_name + i) % client->rings_high;
        const struct hak_ring_cursor *cursor = &client->rings[index];
        struct hak_ring_view view;
        hak_mapping_view(&client->map, index, &view);
        if (cursor->thread_row == 0 || view.state != HAK_RING_CLAIMED ||
            view.process >= HAK_PROCESSES || cursor->process_index != view.process ||
            cursor->thread_number != view.thread)
            continue;
        const struct hak_process_watch *w = &client->processes[view.process];
        /* In another pid namespace a thread calls itself otherwise. */
        if (w->phase != HAK_PHASE_LIVE || w->pid <= 0 || w->replaced_ns ||
            w->pid != *(volatile int32_t *)&hak_mapping_process(&client->map, view.process)->pid)
            continue;
        read_name(rows, w->pid, cursor->thread_row);
        if (++looked == NAMES_EACH_TIME)
            client->next_name = index + 1;
    }
}
