/* Events that a test makes go into a store as the collector's do: as columns, a chunk at a time. */
#ifndef HAK_TEST_PUT_EVENTS_H
#define HAK_TEST_PUT_EVENTS_H

#include "store/codec/column.h"
#include "store/writer/writer.h"

static struct hak_columns put_columns; /* of the chunk that is being filled */
static uint32_t put_count;

/* Ends the chunk, which a commit must find ended. */
static inline int put_end(struct hak_store_writer *w) {
    if (put_count == 0)
        return 0;
    hak_columns_begin(&put_columns, put_count);
    put_count = 0;
    return hak_store_put_columns(w, &put_columns);
}

/* The id is the next one, whatever the event says. */
static inline int put_event(struct hak_store_writer *w, const struct hak_event *event) {
    if (!put_columns.coder && !hak_columns_init(&put_columns))
        return HAK_STORE_INTERNAL;
    int error = put_count == HAK_CHUNK_EVENTS_MAX ? put_end(w) : 0;
    hak_columns_put(&put_columns, put_count++, event);
    return error;
}

/* Puts the events as chunks of their own. */
static inline int put_events(struct hak_store_writer *w, const struct hak_event *events,
                             size_t count) {
    int error = put_end(w);
    for (size_t i = 0; i < count && !error; i++)
        error = put_event(w, &events[i]);
    return error ? error : put_end(w);
}

#endif
