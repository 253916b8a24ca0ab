/* Reads a living process in the place of a core: its mappings from /proc, its memory through
 * /proc/PID/mem. None of its code runs for that; the caller makes sure that it stands still. */
#include "viewer/corefile/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/growing.h"

/* One line of /proc/PID/maps. False: no memory. */
static bool add_line(struct core_memory *core, const char *line, uint32_t *mapping_room,
                     uint32_t *range_room) {
    uint64_t start, end, offset;
    char rights[5];
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &start, &end, rights,
               &offset, &path_at) < 4)
        return true;
    if (!hak_growing_make_room(&core->range, core->range_count, range_room, sizeof *core->range))
        return false;
    core->range[core->range_count++] = (struct core_range){.start = start,
                                                           .end = end,
                                                           .stored = end - start,
                                                           .offset = start,
                                                           .is_readable = rights[0] == 'r',
                                                           .is_writable = rights[1] == 'w',
                                                           .is_executable = rights[2] == 'x'};
    const char *path = path_at > 0 ? line + path_at : "";
    if (*path != '/')
        return true;
    size_t file = core->file_count;
    if (file > 0 && strcmp(core->file[file - 1].path, path) == 0) {
        file--;
    } else {
        if (!hak_growing_make_room(&core->file, file, &core->file_room, sizeof *core->file))
            return false;
        char *copy = strdup(path);
        if (!copy)
            return false;
        core->file[core->file_count++] =
            (struct core_file){.path = copy, .start = offset == 0 ? start : 0, .fd = -1};
    }
    if (!hak_growing_make_room(&core->mapping, core->mapping_count, mapping_room,
                               sizeof *core->mapping))
        return false;
    core->mapping[core->mapping_count++] =
        (struct core_mapping){start, end, offset, (uint32_t)file};
    return true;
}

/* NULL, or why not. */
static const char *read_maps(struct core_memory *core) {
    char path[64], *line = NULL;
    size_t room = 0;
    uint32_t mapping_room = 0, range_room = 0;
    bool is_read = true;
    snprintf(path, sizeof path, "/proc/%" PRId32 "/maps", core->pid);
    FILE *maps = fopen(path, "re");
    if (!maps)
        return "it is not there";
    while (is_read && getline(&line, &room, maps) > 0) {
        line[strcspn(line, "\n")] = 0;
        is_read = add_line(core, line, &mapping_room, &range_room);
    }
    free(line);
    fclose(maps);
    if (!is_read)
        return "out of memory";
    return core->range_count > 0 ? NULL : "it has no memory";
}

static void read_name(struct core_memory *core) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId32 "/comm", core->pid);
    FILE *comm = fopen(path, "re");
    if (!comm)
        return;
    if (fgets(core->name, sizeof core->name, comm))
        core->name[strcspn(core->name, "\n")] = 0;
    fclose(comm);
}

bool core_memory_open_live(struct core_memory *core, int32_t pid, int fd, struct hak_text *error) {
    char path[64];
    *core = (struct core_memory){.pid = pid, .fd = fd, .is_live = true};
    snprintf(core->path, sizeof core->path, "process %" PRId32, pid);
    snprintf(path, sizeof path, "/proc/%" PRId32 "/mem", pid);
    if (core->fd < 0)
        core->fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *reason = core->fd < 0 ? strerror(errno) : NULL;
    core->cached = calloc(CORE_CACHED, sizeof *core->cached);
    if (!reason)
        reason = core->cached ? read_maps(core) : "out of memory";
    if (!reason) {
        read_name(core);
        return true;
    }
    hak_text_add(error, "process %" PRId32 " cannot be read: %s", pid, reason);
    return false;
}
