/* Reads a living process in the place of a core: its mappings from /proc, its memory through
 * /proc/PID/mem. None of its code runs for that; the caller makes sure that it stands still. */
#include "viewer/corefile/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "arch.h"
#include "base/growing.h"
#include "base/maps.h"

/* Adds a mapping of a live process, and its file, to the memory's ranges. False: no memory. */
static bool add_line(void *memory, struct hak_map_line *m) {
    struct core_memory *core = memory;
    if (!hak_growing_make_room(&core->range, core->range_count, &core->range_room,
                               sizeof *core->range))
        return false;
    core->range[core->range_count++] = (struct core_range){.start = m->start,
                                                           .end = m->end,
                                                           .stored = m->end - m->start,
                                                           .offset = m->start,
                                                           .is_readable = m->is_readable,
                                                           .is_writable = m->is_writable,
                                                           .is_executable = m->is_executable};
    if (m->path[0] != '/')
        return true;
    int file = core_find_or_add_file(core, m->path, m->start, m->offset);
    if (file < 0 || !hak_growing_make_room(&core->mapping, core->mapping_count, &core->mapping_room,
                                           sizeof *core->mapping))
        return false;
    core->mapping[core->mapping_count++] =
        (struct core_mapping){m->start, m->end, m->offset, (uint32_t)file};
    return true;
}

/* Reads a live process's mappings. NULL, or why that failed. */
static const char *read_maps(struct core_memory *core) {
    if (!hak_maps_each(core->pid, add_line, core))
        return errno == ENOMEM || core->range_count > 0 ? "out of memory" : "it is not there";
    return core->range_count > 0 ? NULL : "it has no memory";
}

/* Reads the process's name; "" if it cannot be read. */
static void read_name(struct core_memory *core) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRId32 "/comm", core->pid);
    FILE *comm = fopen(path, "re");
    if (comm && fgets(core->name, sizeof core->name, comm))
        core->name[strcspn(core->name, "\n")] = 0;
    if (comm)
        fclose(comm);
}

bool core_memory_open_live(struct core_memory *core, int32_t pid, int fd, struct hak_text *error) {
    char path[64];
    *core = (struct core_memory){
        .pid = pid, .fd = fd, .is_live = true, .machine = core_machine_of(HAK_ELF_MACHINE)};
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
