/* Reads the names that JIT compilers leave for perf. */
#include "symbols/jit_names.h"
#include "base/bytes.h"
#include "base/sorted.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_MAX ((off_t)256 << 20)

/* The whole file with a zero behind it, if it may be believed. */
static char *read_map(int pid, uint64_t began_ns) {
    char path[64];
    struct stat about;
    snprintf(path, sizeof path, "/tmp/perf-%d.map", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    char *text = NULL;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == geteuid() &&
        about.st_size <= BYTES_MAX &&
        (uint64_t)about.st_mtim.tv_sec * 1000000000u + (uint64_t)about.st_mtim.tv_nsec >= began_ns)
        text = malloc((size_t)about.st_size + 1);
    if (text)
        text[hak_read_fully(fd, text, (size_t)about.st_size)] = '\0';
    close(fd);
    return text;
}

/* A hexadecimal number and the space behind it. */
static bool take_number(char **at, uint64_t *number) {
    char *end;
    *number = strtoull(*at, &end, 16);
    if (end == *at || *end != ' ' || **at == ' ' || **at == '-')
        return false;
    *at = end + 1;
    return true;
}

char *hak_jit_names_read(int pid, uint64_t began_ns, const uint64_t *addresses, const char **names,
                         size_t count) {
    char *text = read_map(pid, began_ns);
    for (size_t i = 0; i < count; i++)
        names[i] = NULL;
    for (char *line = text, *next; line && *line; line = next) {
        uint64_t start, bytes;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!take_number(&line, &start) || !take_number(&line, &bytes) || !*line)
            continue;
        for (size_t i = hak_find_sorted(addresses, (uint32_t)count, start);
             i < count && addresses[i] - start < bytes; i++)
            names[i] = line;
    }
    return text;
}
