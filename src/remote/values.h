/* Values of a statement in binary, and the answers to statements that were sent all at once.
 *
 *   hak_values_add_...      one value behind the other, for $1, $2, ...
 *   hak_values_send         a statement with them, of which nobody waits for the answer
 *   hak_values_hear         all answers, up to the end of the pipeline */
#ifndef HAK_REMOTE_VALUES_H
#define HAK_REMOTE_VALUES_H

#include "remote/link.h"

enum { HAK_VALUES_MAX = 16 };

struct hak_values {
    const char *data[HAK_VALUES_MAX];
    int bytes[HAK_VALUES_MAX], is_binary[HAK_VALUES_MAX];
    unsigned char number[HAK_VALUES_MAX][8];
    int count;
};

/* Appends a binary argument, which must stay until the question is sent. */
void hak_values_add_bytes(struct hak_values *v, const void *data, size_t bytes);
void hak_values_add_text(struct hak_values *v, const char *text);
void hak_values_add_number(struct hak_values *v, uint64_t number);
/* Appends a number of four bytes: an integer, a date. */
void hak_values_add_small(struct hak_values *v, uint32_t number);
void hak_values_add_real(struct hak_values *v, double value);
/* Appends a number as a value, NULL for 0. */
void hak_values_add_known(struct hak_values *v, uint64_t number);
/* Appends a moment, in microseconds since 1970; and the first day of its month, in UTC. */
void hak_values_add_moment(struct hak_values *v, int64_t us);
void hak_values_add_month(struct hak_values *v, int64_t us);

/* Executes `sql` with the values and waits for its answer, as hak_link_ask. */
PGresult *hak_values_ask(struct hak_link *link, const char *sql, const struct hak_values *v,
                         const char *doing, int *error);
/* Sends a statement, or one that was prepared as `name`; in pipeline mode. False: not so. */
bool hak_values_send(PGconn *to, const char *sql, const struct hak_values *v);
bool hak_values_send_prepared(PGconn *to, const char *name, const struct hak_values *v);
bool hak_values_send_words(PGconn *to, const char *sql);

/* Takes the answers to all statements up to the end of the pipeline; `take`, which may be NULL,
 * hears of each that came, from 1, whether it made a row. Returns the first error, or 0. */
int hak_values_hear(struct hak_link *link, const char *doing,
                    void (*take)(void *context, int number, bool is_row), void *context);

#endif
