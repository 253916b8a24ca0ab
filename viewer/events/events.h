/* The log, one line for each event: the command `events`, and its filter.
 *
 *   options --> filter.c, site.c --> what the store limits by itself (store/reader)
 *                                --> what is asked of each event --> events.c: lines, JSON
 *
 * Calls capture and cli; `layers` reads --class with it. */
#ifndef HAK_VIEWER_EVENTS_EVENTS_H
#define HAK_VIEWER_EVENTS_EVENTS_H

#include "viewer/capture/capture.h"
#include "store/history/history.h"

struct event_filter {
    struct hak_filter store;
    bool is_empty;           /* nothing can pass: --addr names no block of the capture */
    int band;                /* --class C3; -1 = all */
    int layer;               /* --layer: a place of hops.def; -1 = all */
    uint64_t slot_bytes;     /* --class 48; 0 = all */
    uint32_t thread_number;  /* --thread; 0 = all */
    unsigned char *has_site; /* --site: a byte for each stack; NULL = all */
    size_t stack_count;
    struct hak_block_key block[VIEW_BLOCKS_MAX]; /* --addr: those that held it; 0 = all */
    int block_count;
    uint64_t base[VIEW_BLOCKS_MAX]; /* of these blocks, sorted */
    uint64_t address;
};

/* Reads the options of `events`. False: the error is printed. */
bool event_filter_read(struct view *view, struct event_filter *filter);

/* Whether an event that the store's filter let through passes the rest: block, layer, band, thread
 * and site. */
bool event_passes(struct view *view, const struct event_filter *filter,
                  const struct hak_event *event);
void event_filter_free(struct event_filter *filter);
/* Reads --class into `band` or store.class_index (large: HAK_CLASS_NONE). False: printed. */
bool event_filter_read_class(struct view *view, const char *text, struct event_filter *filter);
/* Appends the options that were given, without those that all commands have, and their values,
 * without quotes: " with --class C3 --tail 5". Appends nothing where none was given. */
void event_filter_add_words(struct hak_text *text, const struct view *view);

/* Runs `events`: lists the events that pass its options, oldest first, all or the last --tail of
 * them. Returns the exit status. */
int command_events(struct view *view);

#endif
