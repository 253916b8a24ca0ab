/* Reads ranges, and the pages that a core leaves to the files that were mapped. */
#include "viewer/corefile/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/sorted.h"

enum { NOT_OPENED = -1, NOT_USED = -2 };

const char *core_file_name(const struct core_file *file) {
    const char *slash = strrchr(file->path, '/');
    return slash ? slash + 1 : file->path;
}

/* ---- lookups --------------------------------------------------------------------------------- */

const struct core_range *core_range_at(const struct core_memory *core, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(core->range, core->range_count, end, address);
    return low < core->range_count && core->range[low].start <= address ? &core->range[low] : NULL;
}

const struct core_mapping *core_mapping_at(const struct core_memory *core, uint64_t address) {
    size_t low = HAK_FIRST_ABOVE(core->mapping, core->mapping_count, end, address);
    return low < core->mapping_count && core->mapping[low].start <= address ? &core->mapping[low]
                                                                            : NULL;
}

uint64_t core_stored_bytes(const struct core_memory *core) {
    uint64_t sum = 0;
    for (size_t i = 0; i < core->range_count; i++)
        if (__builtin_add_overflow(sum, core->range[i].stored, &sum))
            return UINT64_MAX;
    return core->is_live || sum < core->file_bytes ? sum : core->file_bytes;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Reads the whole page at an address as the core has it; false: it has it not in full. */
static bool stored_page(const struct core_memory *core, uint64_t address, uint8_t *page) {
    const struct core_range *range = core_range_at(core, address);
    uint64_t at = range ? address - range->start : 0;
    return range && at + CORE_PAGE_BYTES <= range->stored &&
           pread(core->fd, page, CORE_PAGE_BYTES, (off_t)(range->offset + at)) ==
               (ssize_t)CORE_PAGE_BYTES;
}

/* Opens the file if it is a regular one whose first page is the one that the core holds; else
 * NOT_USED. */
static int open_if_same(const char *path, const uint8_t *page) {
    uint8_t found[CORE_PAGE_BYTES];
    struct stat named, about;
    /* Opening what is no file may do something: the path comes from outside. */
    if (stat(path, &named) != 0 || !S_ISREG(named.st_mode))
        return NOT_USED;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode) &&
        about.st_dev == named.st_dev && about.st_ino == named.st_ino &&
        pread(fd, found, sizeof found, 0) == (ssize_t)sizeof found &&
        memcmp(found, page, sizeof found) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return NOT_USED;
}

/* Opens the file that was mapped, the program's by --program if that fits; file->why is the reason
 * if none is used. One is taken for it if it begins with the same page: that has the ELF header,
 * the program headers and the build-id. */
static void open_mapped(struct core_memory *core, struct core_file *file) {
    uint8_t page[CORE_PAGE_BYTES];
    file->fd = NOT_USED;
    if (!stored_page(core, file->start, page)) {
        file->why = "its first page is not in the core, so it cannot be compared";
        return;
    }
    if (core->program)
        file->fd = open_if_same(core->program, page);
    if (file->fd == NOT_USED)
        file->fd = open_if_same(file->path, page);
    if (file->fd == NOT_USED)
        file->why =
            access(file->path, R_OK) != 0 ? strerror(errno) : "it is not the file that was loaded";
}

/* A page that the core leaves out: false where no file has it. */
static bool mapped_page(struct core_memory *core, uint64_t address, uint8_t *page) {
    const struct core_mapping *mapping = core_mapping_at(core, address);
    const struct core_range *range = core_range_at(core, address);
    if (!mapping || (range && range->is_writable))
        return false;
    struct core_file *file = &core->file[mapping->file];
    if (file->fd == NOT_OPENED)
        open_mapped(core, file);
    if (file->fd < 0)
        return false;
    uint64_t offset = mapping->file_offset + (address - mapping->start);
    return pread(file->fd, page, CORE_PAGE_BYTES, (off_t)offset) > 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Reads a page of the core, or of the file it was mapped from. False: neither has it. */
static bool read_page(struct core_memory *core, uint64_t address, uint8_t *page) {
    memset(page, 0, CORE_PAGE_BYTES);
    const struct core_range *range = core_range_at(core, address);
    uint64_t at = range ? address - range->start : 0;
    if (range && at < range->stored) {
        uint64_t left = range->stored - at;
        size_t wanted = left < CORE_PAGE_BYTES ? left : CORE_PAGE_BYTES;
        return pread(core->fd, page, wanted, (off_t)(range->offset + at)) == (ssize_t)wanted;
    }
    return mapped_page(core, address, page);
}

/* The page at `address` (aligned), NULL where it is missing. */
static const uint8_t *page_at(struct core_memory *core, uint64_t address) {
    struct core_page *cached = &core->cached[address / CORE_PAGE_BYTES % CORE_CACHED];
    if (cached->page == address + 1)
        return cached->bytes;
    cached->page = 0;
    if (!read_page(core, address, cached->bytes))
        return NULL;
    cached->page = address + 1;
    return cached->bytes;
}

/* Whether all pages of the range are zero; pages that are not there count as such. */
static bool is_zero(struct core_memory *core, uint64_t start, uint64_t end) {
    static const uint8_t zero[CORE_PAGE_BYTES];
    for (uint64_t at = start; at < end; at += CORE_PAGE_BYTES) {
        const uint8_t *page = page_at(core, at);
        if (page && memcmp(page, zero, sizeof zero) != 0)
            return false;
    }
    return true;
}

void core_forget_unsaved(struct core_memory *core, uint64_t address) {
    const struct core_range *found = core_range_at(core, address);
    if (core->is_live || core->is_of_kernel || !found || !found->is_writable ||
        found->stored == 0 || found->start % CORE_PAGE_BYTES || address % CORE_PAGE_BYTES)
        return;
    if (!is_zero(core, address, found->end) || !is_zero(core, found->start, address))
        return;
    core->range[found - core->range].stored = 0;
    memset(core->cached, 0, CORE_CACHED * sizeof *core->cached);
}

bool core_read(struct core_memory *core, uint64_t address, void *to, size_t bytes) {
    uint8_t *out = to;
    bool is_whole = address + bytes >= address;
    while (bytes > 0) {
        size_t at = address % CORE_PAGE_BYTES;
        size_t part = CORE_PAGE_BYTES - at < bytes ? CORE_PAGE_BYTES - at : bytes;
        const uint8_t *page = page_at(core, address - at);
        if (page)
            memcpy(out, page + at, part);
        else
            memset(out, 0, part);
        is_whole &= page != NULL;
        out += part;
        address += part;
        bytes -= part;
    }
    core->missing += !is_whole;
    return is_whole;
}

uint64_t core_number(struct core_memory *core, uint64_t address, unsigned bytes) {
    uint64_t number = 0;
    if (bytes > sizeof number || !core_read(core, address, &number, bytes))
        return 0;
    return number;
}
