/* Data of the pages: the capture's timeline, the sums of the moment or span that is chosen, and the
 * groups and trees made from them.
 *
 *   store --timeline_read--> steps --add up--> items (process, stack, sums)
 *                                                |
 *      the same groups and trees as `top` <------+------> stacks of a line, blocks of a stack
 *
 * A moment is behind a step of the timeline, which is answered at once, or any event (--at, a
 * mark), which the store is asked for. The sums of both equal those of `top`, to the byte.
 *
 * Functions that read return 0 or an exit status (enum view_status), VIEW_INTERRUPTED where the
 * person stopped it; what was there before stays then. */
#ifndef HAK_VIEWER_VIEW_DATA_H
#define HAK_VIEWER_VIEW_DATA_H

#include "viewer/findings/findings.h"
#include "viewer/profile/profile.h"

enum data_follow { DATA_FOLLOWS_NOTHING, DATA_FOLLOWS_PEAK, DATA_FOLLOWS_END };

struct data_moment {
    int64_t step;          /* it lies behind this one; -1 = before the first event */
    bool is_event;         /* it is `at`, somewhere in the step after that */
    struct view_moment at; /* of a step: its event and time, or the peak, start, end */
};

/* A named moment of the program. */
struct data_mark {
    uint64_t event, ns;
    char *name;
};

struct data_block {
    uint64_t user, size, birth, ns; /* birth: its event, 0 = not known */
    uint32_t process, thread, stack;
};

struct data_blocks {
    struct data_block *block;
    uint32_t count, room;
    uint64_t left_out; /* more than are kept */
};

/* Blocks that have something in common: as profile_item_key has it. */
struct data_kind {
    enum profile_key per; /* data_is_by_block */
    uint64_t key;
};

/* The events after `from` (0 = all from the beginning), up to `to` (0 = the end). */
struct data_range {
    uint64_t from, to, from_ns;
};
#define DATA_ZOOMS 16

struct data {
    struct view *view;
    struct profile_query query; /* the options; per and by are set by who asks */
    struct profile_places places;
    char *filter; /* what query.focus was made of, NULL = none */
    struct timeline timeline;
    struct timeline_sums *sums;  /* of each row of the timeline: room to add up */
    struct data_moment at, from; /* from: of a span */
    bool is_span;
    bool is_alone; /* the capture keeps only the profile: moments are the ends of its runs */
    struct data_range zoom[DATA_ZOOMS]; /* each in the one before; the timeline is of the last */
    int zooms;                          /* 0 = the timeline is of all */
    struct profile_item *base;          /* what came and went before it */
    uint32_t bases;
    uint64_t peak_event; /* of all */
    enum data_follow follow;
    struct profile_item *item; /* what has anything in the span that ends at `at` */
    uint32_t items, item_room;
    struct profile_sums all; /* of all items, without what the filter leaves out */
    struct data_mark *mark;
    uint32_t marks, mark_room;
    struct findings findings;
    uint64_t unreported;               /* faults without a report; 0 where they cannot be counted */
    char *damage;                      /* why only events before it are read; NULL = all are */
    uint64_t read_ns;                  /* how long the timeline took */
    uint64_t group_ns;                 /* how long blocks took the last time */
    uint64_t version;                  /* of the file, as it was read last */
    uint64_t new_events;               /* that the last refresh brought */
    bool (*is_stopped)(void *context); /* asked now and then; NULL = nobody stops anything */
    void *context;
};

/* Reads the options and the timeline, and chooses the first moment. With a status, view_error has
 * the error. The caller calls data_free in any case. */
int data_open(struct data *data, struct view *view);

/* Says by view_error what is damaged and which events are shown. */
void data_say_damage(const struct data *data);

/* Frees timeline, items, marks, findings, places and query of the data. */
void data_free(struct data *data);

/* Looks whether a capture that is written has more, and reads it then, with the moment it follows.
 * `*is_new` says so. A status. */
int data_refresh(struct data *data, bool *is_new);

/* Chooses the moment behind a step (-1: the start; others are brought into the range) and adds up
 * anew. A status. */
int data_choose_step(struct data *data, int64_t step);

/* Chooses the peak: of the zoomed range, or of all, and adds up anew. A status. */
int data_choose_peak(struct data *data);
int data_choose_moment(struct data *data, const struct view_moment *at);
/* Makes the chosen moment the start of a span and adds up anew; `is_span` false: the span goes. A
 * status: nothing changes unless 0. */
int data_set_span(struct data *data, bool is_span);
/* The timeline of the span alone, or of a quarter of it around the moment; the sums of moment and
 * span stay. DATA_NO_ZOOM: there is nothing more to be seen. */
#define DATA_NO_ZOOM (-1)
/* Zooms to the span, or else to a part of the time around the moment. DATA_NO_ZOOM: it is not
 * narrower, or DATA_ZOOMS were made; else a status. */
int data_zoom_in(struct data *data);
int data_zoom_out(struct data *data);
/* Finds the step of a moment after the steps have changed. */
void data_place_moment(struct data *data, struct data_moment *moment);
/* Finds the steps of both moments after the steps have changed, and adds up anew. */
int data_place_moments(struct data *data);
/* A moment's time in ns since the capture's start: that of its event, else of the step that it lies
 * behind, else of the timeline's start. */
uint64_t data_time(const struct data *data, const struct data_moment *moment);
/* Appends "at the peak, 3.214 s (event 81,204)". */
void data_add_moment(struct hak_text *text, const struct data *data,
                     const struct data_moment *moment);

/* Lets only stacks count that match `regex` ("" = all), and adds up anew. False: `error` gets why
 * it is none, and all stays. */
bool data_set_filter(struct data *data, const char *regex, struct hak_text *error);
/* Frames of libraries, too, or not. */
void data_show_all(struct data *data, bool is_all);

/* Groups of the items under `per`; the caller frees them. With `wants` not NULL, only of items for
 * which it is true; the path of its stack is in groups->path then. 0 or a status. */
int data_group(struct data *data, enum profile_key per, struct profile_query *query,
               struct profile_groups *groups,
               bool (*wants)(void *context, const struct profile_item *item,
                             const struct profile_path *path),
               void *context);
/* True of what only the store's blocks tell: class, size, lifetime, thread. */
bool data_is_by_block(enum profile_key per);
/* Makes groups of the blocks, for which the store is asked anew; with `kind` only of blocks that
 * are of it. A status: VIEW_USAGE where the capture keeps only the profile. */
int data_group_blocks(struct data *data, enum profile_key per, const struct data_kind *kind,
                      struct profile_query *query, struct profile_groups *groups);
/* Makes a tree of the items at the moment or in the span, not yet sorted. A status;
 * VIEW_INTERRUPTED where Esc was typed. */
int data_make_tree(struct data *data, enum profile_key per, bool is_bottom_up,
                   struct profile_query *query, struct profile_tree *tree);
/* Reads the blocks of a stack that are live at the moment; of a kind, where it is not NULL. 0, or a
 * status. */
int data_read_blocks(struct data *data, uint32_t stack, const struct data_kind *kind,
                     struct data_blocks *out);
/* A number for a label that stays the same when the places are made anew. */
uint64_t data_label_id(const struct profile_label *label);

#endif
