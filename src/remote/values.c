/* Puts the values of statements together in binary, and hears the answers of a pipeline. */
#include "remote/values.h"

#include <string.h>
#include <time.h>

#define SECONDS_TO_2000 946684800 /* from 1970: where the server counts from */
#define SECONDS_OF_DAY  86400

void hak_values_add_bytes(struct hak_values *v, const void *data, size_t bytes) {
    v->data[v->count] = data;
    v->bytes[v->count] = (int)bytes;
    v->is_binary[v->count++] = 1;
}

void hak_values_add_text(struct hak_values *v, const char *text) {
    hak_values_add_bytes(v, text, strlen(text));
}

void hak_values_add_number(struct hak_values *v, uint64_t number) {
    hak_link_put(number, v->number[v->count]);
    hak_values_add_bytes(v, v->number[v->count], 8);
}

void hak_values_add_small(struct hak_values *v, uint32_t number) {
    hak_link_put((uint64_t)number << 32, v->number[v->count]);
    hak_values_add_bytes(v, v->number[v->count], 4);
}

void hak_values_add_real(struct hak_values *v, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    hak_values_add_number(v, bits);
}

void hak_values_add_known(struct hak_values *v, uint64_t number) {
    if (number)
        hak_values_add_number(v, number);
    else
        hak_values_add_bytes(v, NULL, 0);
}

void hak_values_add_moment(struct hak_values *v, int64_t us) {
    hak_values_add_number(v, (uint64_t)(us - SECONDS_TO_2000 * 1000000ll));
}

void hak_values_add_month(struct hak_values *v, int64_t us) {
    time_t at = (time_t)(us / 1000000);
    struct tm day;
    gmtime_r(&at, &day);
    int64_t days = at / SECONDS_OF_DAY - (day.tm_mday - 1);
    hak_values_add_small(v, (uint32_t)(days - SECONDS_TO_2000 / SECONDS_OF_DAY));
}

PGresult *hak_values_ask(struct hak_link *link, const char *sql, const struct hak_values *v,
                         const char *doing, int *error) {
    struct hak_link_value value[HAK_VALUES_MAX];
    for (int i = 0; i < v->count; i++)
        value[i] = (struct hak_link_value){v->data[i], v->bytes[i]};
    return hak_link_ask(link, sql, value, v->count, doing, error);
}

bool hak_values_send(PGconn *to, const char *sql, const struct hak_values *v) {
    return PQsendQueryParams(to, sql, v->count, NULL, v->data, v->bytes, v->is_binary, 1) == 1;
}

bool hak_values_send_prepared(PGconn *to, const char *name, const struct hak_values *v) {
    return PQsendQueryPrepared(to, name, v->count, v->data, v->bytes, v->is_binary, 1) == 1;
}

bool hak_values_send_words(PGconn *to, const char *sql) {
    return PQsendQueryParams(to, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

int hak_values_hear(struct hak_link *link, const char *doing,
                    void (*take)(void *context, int number, bool is_row), void *context) {
    int error = 0;
    bool has_ended = false;
    for (int heard = 0, ends = 0; !has_ended && ends < 2;) {
        PGresult *result = hak_link_next(link);
        ends = result ? 0 : ends + 1; /* one stands behind each statement's answer */
        ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
        has_ended = status == PGRES_PIPELINE_SYNC;
        if (status == PGRES_COMMAND_OK && result) {
            heard++;
            if (take)
                take(context, heard, strcmp(PQcmdTuples(result), "1") == 0);
        }
        if (status == PGRES_FATAL_ERROR && !error)
            error = hak_link_fail(link, result, doing);
        PQclear(result);
    }
    return error || has_ended ? error : hak_link_fail(link, NULL, doing);
}
