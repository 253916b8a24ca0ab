/* Reads the mappings of another process from /proc/PID/maps, for all that runs beside
 * it. Inside the program platform/maps.h reads its own. For one thread. */
#ifndef HAK_BASE_MAPS_H
#define HAK_BASE_MAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One line. The program chooses its path, which may lead anywhere by now. */
struct hak_map_line {
    uint64_t start, end, offset, inode;
    dev_t device;
    bool is_readable, is_writable, is_executable, is_shared;
    char *path; /* in the line, as the kernel has it: "[stack]", "/a\012b (deleted)"; "" = none */
};

/* Takes one line apart, up to its end or its newline, which is cut off. False: it is not whole. */
bool hak_map_line_read(struct hak_map_line *out, char *line);

/* Calls `take` for the mappings of a process, lowest first, until it is false. False: it was, a
 * line is not whole (errno 0), or the file cannot be opened or read (errno). A path holds until
 * `take` returns. */
bool hak_maps_each(pid_t pid, bool (*take)(void *, struct hak_map_line *), void *context);

#endif
