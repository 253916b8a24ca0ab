/* Maps closed addresses of /dev/zero, and closes pages of them by guard markers or by copies. */
#include "guarded/closed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include "memory_tags.h"
#include "newer.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum {
    ZERO_MAJOR = 1, /* Linux' number of /dev/zero */
    ZERO_MINOR = 5,
    PATTERN_SHARE = 16,     /* of all addresses at most */
    LEAST_STEP = 128 << 10, /* bytes that get guard markers at once: so many more than have some, */
    MOST_STEP = 4 << 20,    /* and so many at most */
};

bool hak_closed_tries_regions = true;

static bool is_zero_device(long file) {
    struct stat about;
    return hak_raw_call(SYS_fstat, file, (long)&about, 0, 0, 0, 0) == 0 && S_ISCHR(about.st_mode) &&
           about.st_rdev == makedev(ZERO_MAJOR, ZERO_MINOR);
}

/* A mapping of a file on a file system without execution can never be made executable, as a program
 * does with the pages of an aligned block that it writes code to. */
static bool may_be_executed(long file) {
    struct statfs about;
    return hak_raw_call(SYS_fstatfs, file, (long)&about, 0, 0, 0, 0) == 0 &&
           (about.f_flags & ST_NOEXEC) == 0;
}

/* The offset in the file is the address, as the kernel has it in a mapping that it moved without
 * any page: only so neighbours become one. */
static bool map_zero(char *start, size_t bytes) {
    long file = hak_open("/dev/zero"), flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
    bool is_mapped = file >= 0 && is_zero_device(file) && may_be_executed(file) &&
                     hak_raw_call(SYS_mmap, (long)start, (long)bytes, PROT_NONE, flags, file,
                                  (long)start) == (long)start;
    hak_close(file);
    return is_mapped;
}

static bool copy_pattern(char *pattern, char *to, size_t bytes) {
    return hak_raw_call(SYS_mremap, (long)pattern, (long)bytes, (long)bytes,
                        MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, (long)to, 0) == (long)to;
}

/* Linux has markers since 6.13, and shows them since 6.15: a scan of the leaks must not touch them.
 * Marked pages count as the program's data, open or not. */
static bool may_be_marked(void) {
    return hak_closed_tries_regions && hak_kernel_is_from(6, 15) &&
           hak_raw_limit(RLIMIT_DATA) == SIZE_MAX;
}

/* The mapping over what hak_hold gives has no advice, like a copy of it. */
struct hak_closed hak_closed_hold(char *start, size_t bytes, size_t most_pattern_bytes) {
    struct hak_closed closed = {.start = start, .end = start + bytes};
    size_t pattern_bytes = bytes / PATTERN_SHARE & ~(HAK_PAGE_BYTES - 1);
    if (pattern_bytes > most_pattern_bytes)
        pattern_bytes = most_pattern_bytes;
    /* The kernel gives memory of a file no tags. */
    bool is_mapped = pattern_bytes && !hak_tags_are_known() && map_zero(start, bytes);
    closed.is_of_file = is_mapped;
    if (may_be_marked())
        closed.marked_end = start;
    else if (is_mapped && copy_pattern(start, start + pattern_bytes, HAK_PAGE_BYTES))
        closed.pattern_bytes = pattern_bytes;
    else
        (void)hak_drop_pages(start, bytes);
    return closed;
}

static size_t step_at(const struct hak_closed *closed, const char *from, size_t least) {
    size_t step = (size_t)(from - closed->start) + LEAST_STEP, most = (size_t)(closed->end - from);
    step = step < MOST_STEP ? step & ~(HAK_PAGE_BYTES - 1) : MOST_STEP;
    return step < least ? least : step < most ? step : most;
}

static bool mark_step(struct hak_closed *closed, char *from, size_t step) {
    if (!hak_mark_guards(from, step))
        return false;
    __atomic_store_n(&closed->marked_end, from + step, __ATOMIC_RELAXED);
    closed->is_left_open = false;
    return true;
}

/* Pages that have markers and pages that have none are closed by one mapping, or not handed out: a
 * page under a marker that nobody knows of stays closed when it is opened. */
bool hak_closed_prepare(struct hak_closed *closed, char *start, char *end, enum hak_closed_by *by) {
    char *marked_end = closed->marked_end, *from = start > marked_end ? start : marked_end;
    *by = marked_end ? HAK_CLOSED_BY_REGION : HAK_CLOSED_BY_MAPPING;
    if (!marked_end || end <= marked_end)
        return true;
    size_t step = step_at(closed, from, (size_t)(end - from));
    bool is_writable = hak_raw_limit(RLIMIT_DATA) == SIZE_MAX && hak_allow_writes(from, step);
    if (is_writable && mark_step(closed, from, step))
        return true;
    if (is_writable)
        closed->is_left_open = !hak_drop_pages(from, step);
    if ((closed->is_left_open || start < marked_end) &&
        !hak_drop_pages(start, (size_t)(end - start)))
        return false;
    if (is_writable && !closed->is_left_open)
        __atomic_store_n(&closed->marked_end, NULL, __ATOMIC_RELAXED);
    *by = HAK_CLOSED_BY_MAPPING;
    return true;
}

bool hak_closed_open(char *start, size_t bytes, enum hak_closed_by by) {
    return by == HAK_CLOSED_BY_REGION ? hak_clear_guards(start, bytes)
                                      : hak_allow_writes(start, bytes);
}

/* Pages that the program has had wiped in a child (MADV_WIPEONFORK) are so beyond the free: the
 * next block there would lose its bytes. */
static void keep_on_fork(const struct hak_closed *closed, char *start, size_t bytes) {
    if (!closed->is_of_file)
        (void)hak_raw_call(SYS_madvise, (long)start, (long)bytes, MADV_KEEPONFORK, 0, 0, 0);
}

/* A marker can lie on any page that is open, in whatever mapping; one on a page that is closed by a
 * mapping would hide that. */
bool hak_closed_again(const struct hak_closed *closed, char *start, size_t bytes, bool is_open,
                      enum hak_closed_by *by) {
    bool may_be_marked = is_open || *by == HAK_CLOSED_BY_REGION;
    if (may_be_marked && __atomic_load_n(&closed->marked_end, __ATOMIC_RELAXED) &&
        hak_mark_guards(start, bytes)) {
        keep_on_fork(closed, start, bytes);
        *by = HAK_CLOSED_BY_REGION;
        return true;
    }
    bool is_mapped =
        (bytes <= closed->pattern_bytes && copy_pattern(closed->start, start, bytes)) ||
        hak_drop_pages(start, bytes);
    if (is_open && !is_mapped) /* a part may have got one */
        (void)hak_clear_guards(start, bytes);
    if (is_mapped || is_open)
        *by = HAK_CLOSED_BY_MAPPING;
    return is_mapped;
}
