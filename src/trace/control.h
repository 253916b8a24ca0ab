/* What `hakmem-trace ctl` reads in a program that runs, and the word by which it asks for
 * something. It is data of this library and nothing else: no thread, no signal, no file, no call at
 * start.
 *
 *   ctl --process_vm_readv--> hak_control: level, counters, where its session and last store are
 *       --process_vm_writev-> request      --> a look of level light (guard/choose/light.c) serves
 * it
 *       <-- done, result                       (crash/asked.c)
 *
 * ctl finds it by its first bytes in the library's writable data. */
#ifndef HAK_TRACE_CONTROL_H
#define HAK_TRACE_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>
#include "block.h"

#define HAK_CONTROL_MAGIC   "hakmem control" /* and two NUL */
#define HAK_CONTROL_VERSION 1
#define HAK_CONTROL_PATH    4096 /* bytes of a store's path, its NUL counted */

enum hak_control_result {
    HAK_CONTROL_STORED = 1,
    HAK_CONTROL_NO_COLLECTOR = 2, /* none can be started, or none stores */
};

struct hak_control {
    char magic[16];
    uint32_t version;
    uint32_t level;         /* HAK_CHECK_* + 1; 0 = it is not recorded or checked at all */
    uint32_t report_every;  /* HAKMEM_REPORT_EVERY */
    uint32_t stores_faults; /* 1: a report gets a store */
    uint32_t store_offset;  /* of the path of its store in a session */
    /* ctl: another number than `done` holds asks for the store of now. The program: it is served,
     * after `result`. */
    _Atomic uint32_t request, done;
    _Atomic uint32_t result; /* enum hak_control_result */
    _Atomic int32_t live;    /* level light: guarded blocks that the program has */
    _Atomic uint64_t calls;  /* level light: that allocated, to an interval of each thread, */
    _Atomic uint64_t blocks; /* and their guarded blocks so far */
    _Atomic uint64_t reports;
    /* Addresses in the program. */
    const void *session_slot; /* of the pointer to the session, which is NULL where there is none;
                               * its path says where it is recorded */
    const _Atomic uint8_t *is_left; /* 1: that session was let go of */
    const char *last_store;         /* of the session that was let go of, "" = there was none */
};

HAK_HIDDEN extern struct hak_control hak_control;

#endif
