/* Opens and reads files of /proc. Apart from platform.c, which counts pages as it maps them, so
 * that the tracer, which counts, may call it. */
#include <fcntl.h>
#include "platform/platform.h"
#include "platform/raw_call.h"

long hak_open(const char *path) {
    return hak_raw_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

long hak_read(long file, char *buffer, size_t capacity) {
    return hak_raw_call(SYS_read, file, (long)buffer, (long)capacity, 0, 0, 0);
}

void hak_close(long file) {
    if (file >= 0)
        (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
}
