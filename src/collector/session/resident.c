/* Reads a process's resident memory in /proc/PID/status. */
#include "collector/session/resident.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/kernel/kernel.h"

#define STATUS_BYTES 8192 /* some 1,500 are usual; Groups and Cpus_allowed may be long */
#define KIB          1024u

static const struct {
    const char *name, *key;
} fields[HAK_RESIDENT_FIELDS] = {
    [HAK_RESIDENT_ANONYMOUS] = {"memory.anonymous", "\nRssAnon:"},
    [HAK_RESIDENT_FILE] = {"memory.file", "\nRssFile:"},
    [HAK_RESIDENT_SHARED] = {"memory.shared", "\nRssShmem:"},
    [HAK_RESIDENT_SWAPPED] = {"memory.swapped", "\nVmSwap:"},
    [HAK_RESIDENT_PEAK] = {"memory.peak", "\nVmHWM:"},
};

const char *hak_resident_name(enum hak_resident_field field) {
    return fields[field].name;
}

bool hak_resident_parse(const char *status, struct hak_resident *out) {
    for (unsigned i = 0; i < HAK_RESIDENT_FIELDS; i++) {
        const char *at = strstr(status, fields[i].key);
        char *end;
        if (!at)
            return false;
        at += strlen(fields[i].key);
        errno = 0;
        uint64_t kib = strtoull(at, &end, 10);
        if (errno || end == at || strncmp(end, " kB", 3) != 0 || kib > UINT64_MAX / KIB)
            return false;
        out->bytes[i] = kib * KIB;
    }
    return true;
}

static bool is_gone(int pidfd) {
    struct pollfd one = {.fd = pidfd, .events = POLLIN};
    return pidfd >= 0 && poll(&one, 1, 0) != 0;
}

bool hak_resident_read(pid_t pid, int pidfd, struct hak_resident *out) {
    char path[64], text[STATUS_BYTES];
    if (pid <= 0 || !hak_proc_is_own())
        return false;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return hak_proc_read_text(path, text, sizeof text) && hak_resident_parse(text, out) &&
           !is_gone(pidfd);
}
