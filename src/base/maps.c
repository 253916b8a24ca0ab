/* Reads the lines of /proc/PID/maps of another process, in one place for all that runs beside it.
 */
#include "base/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

/* Reads a line of /proc/PID/maps, "7f00-7f01 r-xp 00001000 08:01 1234    /path", which it cuts at
 * its end. False: it is none. */
bool hak_map_line_read(struct hak_map_line *out, char *line) {
    unsigned major_number, minor_number;
    char rights[5];
    int path_at = 0;
    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &out->start,
               &out->end, rights, &out->offset, &major_number, &minor_number, &out->inode,
               &path_at) != 7 ||
        strlen(rights) != 4)
        return false;
    out->device = makedev(major_number, minor_number);
    out->is_readable = rights[0] == 'r';
    out->is_writable = rights[1] == 'w';
    out->is_executable = rights[2] == 'x';
    out->is_shared = rights[3] == 's';
    out->path = line + path_at;
    return true;
}

bool hak_maps_each(pid_t pid, bool (*take)(void *, struct hak_map_line *), void *context) {
    struct hak_map_line one;
    char path[64], *line = NULL;
    size_t room = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *file = fopen(path, "re");
    bool good = file != NULL;
    errno = file ? 0 : errno;
    while (good && getline(&line, &room, file) > 0)
        good = hak_map_line_read(&one, line) && take(context, &one);
    int error = errno;
    free(line);
    if (file)
        fclose(file);
    errno = error;
    return good;
}
