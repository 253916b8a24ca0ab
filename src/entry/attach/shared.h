/* The memory by which hakmem-trace and hakmem-attach.so in another process talk: hakmem-trace finds
 * it by its name, and reads and writes it from outside. */
#ifndef HAK_ENTRY_ATTACH_SHARED_H
#define HAK_ENTRY_ATTACH_SHARED_H

#include <stdatomic.h>
#include <stdint.h>

#define HAK_ATTACH_VERSION 1

enum hak_attach_state { HAK_ATTACH_IDLE, HAK_ATTACH_RECORDING, HAK_ATTACH_REFUSED };

struct hak_attach_shared {
    _Atomic uint32_t version;        /* 0: ld.so still prepares the library */
    _Atomic uint32_t state;          /* enum hak_attach_state */
    _Atomic uint32_t unseen_threads; /* that could not be recorded: there were too many at once */
    uint32_t modules;                /* the imports of which were looked through, last time */
    uint32_t changed;                /* words of imports, last time */
    uint32_t closed;                 /* words that could not be changed, last time */
    char session[128];               /* for begin: the keeper's name */
    char why[512];                   /* state REFUSED: in words */
};

extern struct hak_attach_shared hak_attach_shared;

#endif
