/* One program's hello to the keeper: read piecewise, checked, answered. Everything in it may be
 * hostile. */
#ifndef HAK_COLLECTOR_KEEPER_GREETING_H
#define HAK_COLLECTOR_KEEPER_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include "collector/kernel/kernel.h"
#include "trace/protocol.h"

struct hak_greeting {
    int socket;          /* owned */
    int memfd;           /* owned; -1 until it came */
    bool is_own;         /* the memfd: hak_session_file_make_own */
    bool closes_nothing; /* the process will end */
    size_t got;          /* bytes of `hello` so far */
    struct hak_hello hello;
};

void hak_greeting_open(struct hak_greeting *g, int socket);

/* Reads the bytes that are there: 1 the hello is complete, 0 not yet, -1 the program is gone. */
int hak_greeting_read(struct hak_greeting *g);

/* Reads a greeting as hak_greeting_read, for a program that is not able to end this process, and so
 * shall not be able to hold it up either: it may send a file of a FUSE server, which answers to the
 * close when it likes. A child takes it, and passes on nothing but a memfd. */
int hak_greeting_read_in_child(struct hak_greeting *g, struct hak_short_children *children);

/* NULL when the hello is right: magic, version, and for a session a memfd of the size it says,
 * sealed against changes of its size and locked by the program; else what is wrong, for the
 * program's one line. Makes the memfd an open file description of our own. */
const char *hak_greeting_check(struct hak_greeting *g);

/* Replaces the hello's facts of its process, `who`, by the kernel's. */
void hak_greeting_correct(struct hak_greeting *g, const struct hak_known_process *who);

/* Sends the answer: accepted when `why` is NULL. */
void hak_greeting_answer(struct hak_greeting *g, const char *socket_name, const char *why);

/* Closes the memfd, and returns the socket, which is the caller's (leaving.h). */
int hak_greeting_close(struct hak_greeting *g);

#endif
