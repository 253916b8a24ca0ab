/* The words on the socket between a program and the keeper, once per exec image.
 *
 * The socket is an abstract unix stream socket whose name is in HAKMEM_SESSION (or one end of a
 * socketpair, when the program itself started the keeper). The program sends one hello with the
 * session's memfd attached (SCM_RIGHTS), gets one answer, and closes socket and memfd.
 *
 * A program that starts a keeper executes `hakmem-collect --keeper` in a session of its own, with
 * descriptors 0 and 1 on /dev/null, 2 as the program's, 3 (HAK_KEEPER_SOCKET) one end of a
 * socketpair on which the first hello comes, and no other. HAKMEM_SESSION is "none" in the
 * environment of programs below one that could neither start a keeper nor make a file: they are
 * silently unrecorded; "rings:FOLDER" below one that made a file there: they do the same.
 *
 * An abstract name belongs to a network namespace. A program that is about to enter another one
 * says hello with HAK_HELLO_PATH; the keeper then listens at /tmp/NAME, too, where processes are
 * looked for that cannot be reached by the abstract name. When a keeper and its worker are dead,
 * the next one is started under the same name with .1 behind it, then .2 and so on: whoever is
 * left, or comes later, finds it without a word between them, and a name is given only once.
 *
 * The memfd is made with MFD_ALLOW_SEALING, has its full size and a complete header (magic
 * included) when it is sent, seals against changes of its size, so that nobody's truncation can
 * kill the worker, and a read lock on all of it (F_OFD_SETLK). The keeper, which has an open file
 * description of its own, sees by that lock whether any process still maps it: a session ends when
 * none does, however its processes ended, vfork, namespaces and children that never wrote included.
 */
#ifndef HAK_TRACE_PROTOCOL_H
#define HAK_TRACE_PROTOCOL_H

#include <stdint.h>

#define HAK_KEEPER_SOCKET     3
#define HAK_SESSION_NONE      "none"
#define HAK_SESSION_RINGS     "rings:"       /* and a folder: without a word, make a file there */
#define HAK_NETWORK_COOKIE    71             /* SO_NETNS_COOKIE of newer headers */
#define HAK_NAME_DIGITS       32             /* of the random number in a keeper's name */
#define HAK_SESSION_FILE_NAME "hakmem"       /* of a session's memfd */
#define HAK_HELLO_FILE_NAME   "hakmem-hello" /* of one that holds a hello */
#define HAK_LIFTED_TO         64 /* descriptors of ours are at least that while they are open */
#define HAK_KEEPER_FOLDER     "/tmp/" /* the way by path: this and the name */

/* Ends the note of a program that was executed without hakmem in its LD_PRELOAD, or whose loader
 * takes it out. */
#define HAK_NOTE_NOT_BELOW "; what it starts is not recorded either"

#define HAK_HELLO_MAGIC 0x4f4c4c454b4148ull /* "HAKELLO" */

enum hak_hello_kind {
    HAK_HELLO_SESSION = 0,    /* a session's memfd comes with it */
    HAK_HELLO_PATH = 1,       /* no memfd: make the keeper reachable by a path, soon needed */
    HAK_HELLO_UNRECORDED = 2, /* no memfd: this process is not recorded, `text` says why */
    HAK_HELLO_ASK = 3,        /* no memfd: is there a keeper? Any answer says so */
};

struct hak_hello {
    uint64_t magic;
    uint32_t version; /* HAK_SESSION_VERSION */
    int32_t pid;
    uint64_t start_time;  /* field 22 of /proc/self/stat */
    uint64_t total_bytes; /* of the memfd */
    uint32_t kind;        /* enum hak_hello_kind */
    int32_t child;      /* of HAK_HELLO_UNRECORDED: it is a child's, which `pid` spawned; else 0 */
    uint64_t pid_space; /* inode of the pid namespace of `pid` and `child`, 0 = not known */
    uint32_t machine;   /* of ELF: EM_X86_64, EM_AARCH64 */
    char text[460];     /* ended by NUL. Of a session: a note of its way here, or "" */
};
_Static_assert(sizeof(struct hak_hello) == 512, "the hello is 512 bytes");

struct hak_hello_answer {
    uint64_t magic;
    uint32_t version;
    uint32_t accepted;      /* 1, or 0 and `why` says why */
    char session_name[108]; /* HAKMEM_SESSION's value for programs executed later */
    char why[256];
};

#endif
