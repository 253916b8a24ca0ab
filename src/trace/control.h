/* The words of a running program that `hakmem-trace ctl` reads, and those by which it asks for
 * something. It is data of this library and nothing else: no thread, no signal, no file, no call at
 * start.
 *
 *   ctl --process_vm_readv--> hak_control: level, counters, where its session and last store are
 *       --process_vm_writev-> ask, name, then request, then *bell
 *                                |    the next call of the malloc family sees the bell
 *                                |    (guard/asked.c, entry/keep); in level light a look sees
 *                                v    the request (guard/light.c)
 *       <-- done, after result and found                        (trace/crash/asked.c)
 *
 * One ctl at a time: it holds a lock on /proc/PID/maps. A request that is taken back is 0. ctl
 * finds the words by the first bytes of them in the library's writable data. */
#ifndef HAK_TRACE_CONTROL_H
#define HAK_TRACE_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "block.h"

#define HAK_CONTROL_MAGIC   "hakmem control" /* and two NUL */
#define HAK_CONTROL_VERSION 5
#define HAK_CONTROL_PATH    4096 /* bytes of a store's path, its NUL counted */
#define HAK_CONTROL_NAME    200  /* bytes of a mark's name, its NUL not counted */

enum hak_control_ask {
    HAK_CONTROL_STORE = 0, /* level light: what is known goes into the store */
    HAK_CONTROL_MARK = 1,  /* a mark called `name`; in level light with a store of now */
    HAK_CONTROL_SWEEP = 2, /* all blocks are looked at */
    HAK_CONTROL_LEAKS = 3, /* leaks are looked for */
    HAK_CONTROL_STOP = 4,  /* recording stops (pause.c); level light: no more blocks are guarded */
    HAK_CONTROL_START = 5, /* and goes on */
};

enum hak_control_result {
    HAK_CONTROL_DONE = 1,
    HAK_CONTROL_NO_COLLECTOR = 2, /* none can be started, or none stores */
    HAK_CONTROL_NOT_HERE = 3,     /* this level, or this library, has no such thing */
    HAK_CONTROL_FAILED = 4,       /* a line on the program's stderr says why */
};

struct hak_heap_profile;

struct hak_control {
    char magic[16];
    uint32_t version;
    uint32_t level;         /* HAK_CHECK_* + 1; 0 = it is not recorded or checked at all */
    uint32_t report_every;  /* HAKMEM_REPORT_EVERY */
    uint32_t stores_faults; /* 1: a report gets a store */
    uint32_t store_offset;  /* of the path of its store in a session */
    uint32_t is_kept;       /* 1: hakmem-record.so, which has no allocator and no checks */
    /* ctl: a number that is neither 0 nor the one in `done` asks for `ask`. The program: it is
     * served, after `result` and `found`. */
    _Atomic uint32_t request, done;
    _Atomic uint32_t result; /* enum hak_control_result */
    _Atomic uint32_t ask;    /* enum hak_control_ask */
    _Atomic int32_t live;    /* level light: guarded blocks that the program has */
    _Atomic uint64_t calls;  /* level light: that allocated, to an interval of each thread, */
    _Atomic uint64_t blocks; /* and their guarded blocks so far */
    _Atomic uint64_t reports;
    _Atomic uint64_t found; /* damaged blocks of a sweep; lost ones; stop, start: 1 = it was so */
    _Atomic uint32_t is_stopped;
    /* Addresses in the program. */
    const void *session_slot; /* of the pointer to the session, which is NULL where there is none;
                               * its path says where it is recorded */
    const _Atomic uint8_t *is_left; /* 1: that session was let go of */
    const char *last_store;         /* of the session that was let go of, "" = there was none */
    _Atomic uint8_t *bell;          /* ctl: set to 1 behind a request; NULL = none is needed */
    const struct hak_heap_profile *_Atomic heap_profile; /* heap_profile/table.h; NULL: none */
    /* Heap profiles in files (HAKMEM_HEAP_PROFILE_DUMP): the folder, NULL = none are asked for; how
     * many were written, and failed, but for the last one, of which `*dump_state` tells. */
    const char *dump_directory;
    const _Atomic uint32_t *_Atomic dump_state; /* enum hak_heap_dump_state; NULL = no last one */
    _Atomic uint32_t dumps_written, dumps_failed;
    char name[HAK_CONTROL_NAME + 1];
};

HAK_HIDDEN extern struct hak_control hak_control;

/* Functions of the rooms above that ctl can ask for; NULL = there is none. False: it could not be
 * done, and a line on stderr says why. On a thread that is in no call of the layers. */
struct hak_control_errands {
    bool (*sweep)(uint64_t *found);
    bool (*leaks)(uint64_t *found);
    void (*stop)(bool is_stopped); /* recording stops, or goes on: the rest that is to be done */
};
HAK_HIDDEN extern struct hak_control_errands hak_control_errands;

/* Before a system call that takes mapped memory of the program away: guard's, where there is guard
 * (guard/pools/pieces.h). */
HAK_HIDDEN extern void (*hak_before_unmap)(uintptr_t from, uint64_t bytes);

/* The code of the allocator that the program keeps; 0, 0: libc's, or none. Set at start. */
struct hak_kept_text {
    uintptr_t start, end;
};
HAK_HIDDEN extern struct hak_kept_text hak_kept_text;

#endif
