/* Which process is meant: `--process`, and how a process is named in answers.
 *
 *   4711     the process with this pid; where several had it, the last one (it is said)
 *   4711#2   the second of them
 *   #7, 7    row 7 of the capture (7: when no process had the pid 7) */
#ifndef HAK_VIEWER_PROCESS_H
#define HAK_VIEWER_PROCESS_H

#include "view.h"

#define VIEW_PROCESSES_MAX 256

/* The rows that --process may mean, the last one first. */
struct view_processes {
    uint32_t row[VIEW_PROCESSES_MAX];
    int count; /* 0 = --process was not given */
    bool by_pid;
    bool is_row_instead; /* no process had that pid; the row of that number was taken */
};

/* Reads --process. False: the error is printed. */
bool view_read_process(struct view *view, struct view_processes *out);
/* The same where one has to be taken: 0 = not given. Says on stderr which, if there was a choice.
 */
bool view_process(struct view *view, uint32_t *row);
/* Says on stderr that `row` was taken of several that had its pid. */
void view_tell_process(struct view *view, const struct view_processes *all, uint32_t row);
/* Says on stderr which process was taken, where more than one had a block at `address`. */
void view_note_process(struct view *view, uint64_t address, uint32_t row);

/* What --process takes to mean exactly this row: "4711", or "4711#2" where several had the pid. */
void view_add_process_name(struct hak_text *text, struct view *view, uint32_t row);
/* "4711 (server)", "4711#2 (git)": that name with the program's. */
void view_add_process(struct hak_text *text, struct view *view, uint32_t row);

#endif
