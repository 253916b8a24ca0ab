/* Makes a store of files that programs recorded into because they found no collector
 * (rings_file.h): `hakmem-trace import`.
 *
 *   file --copied, as far as it reaches--> memfd --> the worker's own way --> one store
 *
 * The files are only read. One call, one thread. */
#ifndef HAK_COLLECTOR_IMPORT_IMPORT_H
#define HAK_COLLECTOR_IMPORT_IMPORT_H

#include <stdbool.h>

enum hak_import_state {
    HAK_IMPORT_DONE = 0,
    HAK_IMPORT_UNREADABLE, /* a file is none of ours, or broken so that nothing is left */
    HAK_IMPORT_ALIVE,      /* a program still writes into one */
    HAK_IMPORT_NO_STORE,   /* the store cannot be written */
};

struct hak_import {
    char why[1024];        /* when it is not done: the file, what was expected, what to do */
    char note[1024];       /* when it is: what is wrong with a file; "" = nothing */
    char store_path[4096]; /* in: where the store is to be, absolute; out: where it is */
    bool replace_store;    /* a store that is there is overwritten */
};

/* Reads `count` files of rings, in any order, into one store. Processes that executed one another
 * or started one another are linked by pid and start time. */
enum hak_import_state hak_import_files(struct hak_import *import, char *const *files, int count);

#endif
