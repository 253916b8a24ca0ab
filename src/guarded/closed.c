/* Maps closed addresses of /dev/zero, and copies of them. */
#include "guarded/closed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include "newer.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum {
    ZERO_MAJOR = 1, /* Linux' number of /dev/zero */
    ZERO_MINOR = 5,
    PATTERN_SHARE = 16, /* of all addresses at most */
};

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

/* The mapping over what hak_hold gives has no advice, like a copy of it. */
struct hak_closed hak_closed_hold(char *start, size_t bytes, size_t most_pattern_bytes) {
    struct hak_closed closed = {.start = start, .end = start + bytes};
    size_t pattern_bytes = bytes / PATTERN_SHARE & ~(HAK_PAGE_BYTES - 1);
    if (pattern_bytes > most_pattern_bytes)
        pattern_bytes = most_pattern_bytes;
    if (pattern_bytes && map_zero(start, bytes) &&
        copy_pattern(start, start + pattern_bytes, HAK_PAGE_BYTES))
        closed.pattern_bytes = pattern_bytes;
    else
        (void)hak_drop_pages(start, bytes);
    return closed;
}

bool hak_closed_again(const struct hak_closed *closed, char *start, size_t bytes) {
    return (bytes <= closed->pattern_bytes && copy_pattern(closed->start, start, bytes)) ||
           hak_drop_pages(start, bytes);
}
