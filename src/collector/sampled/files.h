/* The files of HAKMEM_HEAP_PROFILE_DUMP in their folder: names, and which of them go.
 *
 *   DIR/.hakmem-heap.NAME.PID.OWN-PID.TIME   while it is made; containers may share DIR and pids
 *   DIR/hakmem-heap.NAME.PID.0001.db         then; the next number, which no file has
 *
 *   of the process      HAK_HEAP_DUMP_FILES stay, the lowest number goes
 *   of ended ones       HAK_HEAP_DUMP_ENDED stay in the folder, the oldest goes
 *   unfinished          goes when its collector has ended
 *
 * A file goes only if it is the user's own, its name is one of these, and its row of the process
 * says the same: pid and moment of birth are the process's, or no process has them. No file is
 * written over. One thread. */
#ifndef HAK_COLLECTOR_SAMPLED_FILES_H
#define HAK_COLLECTOR_SAMPLED_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include "heap_profile/dump.h"

enum { HAK_DUMP_PATH_BYTES = 4608, HAK_DUMP_NAME_BYTES = 132 };

struct hak_dump_files {
    const struct hak_heap_dump *of;
    char name[HAK_DUMP_NAME_BYTES]; /* "hakmem-heap.NAME.PID." */
    char temporary[HAK_DUMP_PATH_BYTES];
};

/* Begins the names of a process's files; `head` is used until the last call. */
void hak_dump_files_begin(struct hak_dump_files *files, const struct hak_heap_dump *head);
/* Gives the finished store the next number that is free. False: errno says why not. */
bool hak_dump_files_give_number(const struct hak_dump_files *files);
/* Removes what is there of a store that is not finished. */
void hak_dump_files_drop(const struct hak_dump_files *files);
/* Removes the files that are too many. */
void hak_dump_files_remove_oldest(const struct hak_dump_files *files);
/* Removes what collectors that were killed have left. */
void hak_dump_files_remove_remains(const struct hak_dump_files *files);

#endif
