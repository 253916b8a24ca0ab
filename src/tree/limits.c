/* A program that limits its own address space (setrlimit, prlimit with RLIMIT_AS) does not mean the
 * ranges that hakmem has reserved: the session's memory, guarded blocks, the registry, 0.3 to 1.5
 * GiB in all, of which a few MiB are used.
 *
 * They are added to what the kernel is told, and taken off again of what the program asks. A
 * program that it executes inherits the greater limit. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include "platform/maps.h"
#include "platform/raw_call.h"
#include "platform/readable.h"
#include "trace/trace.h"

/* Added to the soft and the hard limit that hold. */
static struct rlimit added;

/* A mapping that hakmem has reserved, by its size and name: the registry has no name and cannot be
 * written. */
static bool is_reserved(const struct hak_mapping *mapping) {
    enum { GREAT_BYTES = 64 << 20 };
    static const char session[] = "/memfd:hakmem";
    bool is_session = strncmp(mapping->path, session, sizeof session - 1) == 0;
    bool is_private = (mapping->protection & PROT_WRITE) == 0 && mapping->path[0] == 0;
    return mapping->end - mapping->start >= GREAT_BYTES &&
           (is_session || is_private || strcmp(mapping->path, "/dev/zero") == 0);
}

/* The bytes of all those, where the limit is whole MiB or more than it is mapped; else 0: a program
 * that reckons its limit from what is mapped has counted them. */
static rlim_t bytes_to_add(rlim_t wanted) {
    struct hak_maps maps;
    struct hak_mapping mapping;
    rlim_t bytes = 0, mapped = 0;
    if (!hak_maps_begin(&maps))
        return 0;
    while (hak_maps_next(&maps, &mapping)) {
        mapped += mapping.end - mapping.start;
        bytes += is_reserved(&mapping) ? mapping.end - mapping.start : 0;
    }
    hak_maps_end(&maps);
    return wanted % (1 << 20) == 0 || mapped > wanted ? bytes : 0;
}

/* Adds to a limit, up to `most`; returns how much. */
static rlim_t add(rlim_t *limit, rlim_t bytes, rlim_t most) {
    if (*limit == RLIM_INFINITY || *limit >= most)
        return 0;
    rlim_t more = bytes < most - *limit ? bytes : most - *limit;
    *limit += more;
    return more;
}

static void take_off(rlim_t *limit, rlim_t bytes) {
    if (*limit != RLIM_INFINITY && *limit >= bytes)
        *limit -= bytes;
}

static long ask(int which, const struct rlimit *wanted, struct rlimit *held) {
    return hak_raw_call(SYS_prlimit64, 0, which, wanted, held);
}

/* Limits this process's space. */
static long limit_space(const struct rlimit *wanted, struct rlimit *held) {
    struct rlimit before, now, more;
    if (!hak_can_read(wanted, sizeof *wanted) || ask(RLIMIT_AS, NULL, &before) < 0)
        return ask(RLIMIT_AS, wanted, held); /* the kernel says what is wrong */
    memcpy(&now, wanted, sizeof now);
    rlim_t bytes = bytes_to_add(now.rlim_cur);
    more.rlim_max = add(&now.rlim_max, bytes, before.rlim_max);
    more.rlim_cur = add(&now.rlim_cur, bytes, now.rlim_max);
    long result = ask(RLIMIT_AS, &now, held);
    if ((result == 0 || result == -EFAULT) && hak_is_own_process()) /* not in a vfork's child */
        added = more;
    return result;
}

static int serve(int process, int which, const struct rlimit *wanted, struct rlimit *held) {
    bool is_space = which == RLIMIT_AS && (process == 0 || process == hak_raw_call(SYS_getpid));
    struct rlimit more = added;
    long result = is_space && wanted ? limit_space(wanted, held)
                                     : hak_raw_call(SYS_prlimit64, process, which, wanted, held);
    if (is_space && held && result == 0) {
        take_off(&held->rlim_cur, more.rlim_cur);
        take_off(&held->rlim_max, more.rlim_max);
    }
    return (int)hak_libc_result(result);
}

HAK_EXPORT int setrlimit(__rlimit_resource_t which, const struct rlimit *wanted) {
    return serve(0, (int)which, wanted, NULL);
}
HAK_EXPORT int getrlimit(__rlimit_resource_t which, struct rlimit *held) {
    return serve(0, (int)which, NULL, held);
}
HAK_EXPORT int prlimit(pid_t process, __rlimit_resource_t which, const struct rlimit *wanted,
                       struct rlimit *held) {
    return serve(process, (int)which, wanted, held);
}

/* The same types, where a word has 64 bits. */
HAK_EXPORT int setrlimit64(__rlimit_resource_t which, const struct rlimit64 *wanted)
    __attribute__((alias("setrlimit")));
HAK_EXPORT int getrlimit64(__rlimit_resource_t which, struct rlimit64 *held)
    __attribute__((alias("getrlimit")));
HAK_EXPORT int prlimit64(pid_t process, __rlimit_resource_t which, const struct rlimit64 *wanted,
                         struct rlimit64 *held) __attribute__((alias("prlimit")));
