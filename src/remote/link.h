/* One connection to the server. */
#ifndef HAK_REMOTE_LINK_H
#define HAK_REMOTE_LINK_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

enum { HAK_LINK_STATEMENTS = 256, HAK_LINK_OFTEN = 4 };

struct hak_link {
    PGconn *connection;
    char *name;       /* "postgresql://host/db", for messages: no password, no other parameters */
    uint64_t capture; /* that the URL names; 0 = none */
    struct {
        uint64_t hash;
        char *sql;
        unsigned asked;
    } prepared[HAK_LINK_STATEMENTS]; /* statement sN, from its HAK_LINK_OFTENth time on */
    unsigned prepared_count;
    unsigned cursors; /* that were ever made */
};

/* A value for $N. */
struct hak_link_value {
    const void *data; /* NULL = NULL */
    int bytes;
};

/* Connects. The URL's `capture=N` is taken out of it; a password in it is refused, as anybody on
 * the machine can read it: libpq's own ways are ~/.pgpass, PGPASSFILE and a service file. 0 or an
 * error of store/error.h, whose line is kept (hak_store_message). */
int hak_link_open(struct hak_link *link, const char *url);
void hak_link_close(struct hak_link *link);

/* Executes `sql` once with its values in binary; what comes back is binary, too. NULL: an error,
 * whose line is kept; `*error` is its number. `sql` that is asked again and again is prepared. */
PGresult *hak_link_ask(struct hak_link *link, const char *sql, const struct hak_link_value *values,
                       int count, const char *doing, int *error);
/* Executes several in one way to the server and back; `results` has room for an answer to each,
 * all of them NULL where one failed. 0 or an error. */
struct hak_link_question {
    char *sql;
    const struct hak_link_value *values;
    int count;
};
int hak_link_ask_all(struct hak_link *link, const struct hak_link_question *questions, int count,
                     const char *doing, PGresult **results);
/* Executes what gives no rows. 0 or an error. */
int hak_link_do(struct hak_link *link, const char *sql, const char *doing);
/* The error for what the server, or libpq, just said; `result` may be NULL. */
int hak_link_fail(const struct hak_link *link, const PGresult *result, const char *doing);

/* Numbers as the protocol has them: most significant byte first. */
static inline void hak_link_put(uint64_t value, unsigned char *out) {
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (unsigned char)value;
}
static inline uint64_t hak_link_get(const char *from, int bytes) {
    uint64_t value = bytes && (from[0] & 0x80) ? UINT64_MAX : 0; /* int2 and int4 have signs */
    for (int i = 0; i < bytes && i < 8; i++)
        value = value << 8 | (unsigned char)from[i];
    return value;
}

#endif
