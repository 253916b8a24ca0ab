/* `events`: the log, filtered, one line for each event. */
#include "viewer/capture/capture.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/events/events.h"
#include "hop.h"
#include "superslab.h"
#include "trace/record.h"

#define PROCESS_WIDTH  10
#define LOWEST_ADDRESS 4096                /* below it an address is a number of its kind */
#define TAIL_MAX       ((uint64_t)2 << 20) /* events kept in memory for --tail: 160 MiB */

struct listing {
    struct view *view;
    struct event_filter filter;
    uint64_t shown;
    struct hak_event *tail; /* newest first */
    uint64_t tail_wanted;
};

/* Can events of several processes stand beside each other? */
static bool has_process_column(const struct view *view) {
    return view->summary.processes > 1 && !view_given(view, "process");
}

/* Where an event happened: its way, its text, or the place of its stack. */
static void add_where(struct hak_text *text, struct view *view, const struct hak_event *event) {
    const char *change = hak_words_change(event);
    if (!hak_event_is_call(event) && hak_event_is_move(event)) {
        hak_text_add(text, "%s", hak_words_route(event));
    } else if (view_has_name(event)) {
        view_add_mark(text, view, event);
    } else if (change[0]) {
        hak_text_add(text, "%s", change);
        if (event->stack != 0)
            hak_text_add(text, ", in %s", view_stack_label(view, event->stack)->function);
    } else if (event->stack != 0) {
        view_add_place(text, view, event->stack);
    } else {
        hak_text_add(text, "%s",
                     hak_event_is_call(event) ? "no stack" : hak_words_kind_sentence(event->kind));
    }
    if (event->flags & HAK_RECORD_ILLEGAL)
        hak_text_add(text, "   <-- illegal");
}

/* One line, with --stacks the stack below. */
static void print_event(struct listing *listing, const struct hak_event *event) {
    struct view *view = listing->view;
    struct hak_text text = {0};
    bool illegal = event->flags & HAK_RECORD_ILLEGAL;
    hak_text_add(&text, "%s%12s  %10s  ", illegal ? view_style(view, VIEW_RED) : "",
                 hak_words_number(event->id), hak_words_time(event->ns));
    hak_text_add(&text, "%s", hak_words_call(event));
    hak_text_tab(&text, 44);
    if (event->address >= LOWEST_ADDRESS)
        hak_text_add(&text, "0x%" PRIx64, event->address);
    hak_text_tab(&text, 60);
    if (event->kind < HAK_THREAD_START && event->class_index != HAK_CLASS_NONE)
        hak_text_add(&text, "%s %s", hak_words_class(view->reader, event->class_index),
                     hak_words_number(hak_words_slot_bytes(view->reader, event->class_index)));
    else if (hak_event_is_move(event) && !hak_store_is_kept(view->reader))
        hak_text_add(&text, "large");
    hak_text_tab(&text, 72);
    if (has_process_column(view)) {
        hak_text_add(&text, "%s", view_process_label(view, event->process));
        hak_text_tab(&text, PROCESS_WIDTH + 72);
    }
    int shift = has_process_column(view) ? PROCESS_WIDTH : 0;
    hak_text_add(&text, "%s", view_thread_label(view, event->thread));
    hak_text_tab(&text, shift + 84);
    add_where(&text, view, event);
    hak_text_add(&text, "%s\n", illegal ? view_style(view, VIEW_PLAIN) : "");
    if (view_given(view, "stacks"))
        view_add_event_stack(&text, view, event, 26);
    view_print(&text);
}

static void print_json(struct listing *listing, const struct hak_event *event) {
    bool with_frames = view_given(listing->view, "stacks");
    view_write(stdout, "%s\n    ", listing->shown > 0 ? "," : "");
    view_write_json(hak_json_event(listing->view->reader, event, with_frames));
}

/* Prints the headings of the columns, in text only. */
static void print_heading(struct view *view) {
    if (!view->json)
        view_write(stdout, "%s%12s  %10s  %-17s %-15s %-11s %-*s%-11s %s%s\n",
                   view_style(view, VIEW_BOLD), "event", "time", "what", "address", "class",
                   has_process_column(view) ? PROCESS_WIDTH : 0,
                   has_process_column(view) ? "process" : "", "thread", "where",
                   view_style(view, VIEW_PLAIN));
}

/* Prints an event, before the first the heading. */
static void show(struct listing *listing, const struct hak_event *event) {
    if (listing->shown == 0)
        print_heading(listing->view);
    if (listing->view->json)
        print_json(listing, event);
    else
        print_event(listing, event);
    listing->shown++;
}

/* Prints the event if it passes the filter. 1 ends the scan: stdout is gone. */
static int each_event(void *context, const struct hak_event *event) {
    struct listing *listing = context;
    if (!event_passes(listing->view, &listing->filter, event))
        return 0;
    show(listing, event);
    return ferror(stdout) ? 1 : 0;
}

/* Keeps a passing event, from the newest back. 1: enough. */
static int each_of_tail(void *context, const struct hak_event *event) {
    struct listing *listing = context;
    if (!event_passes(listing->view, &listing->filter, event))
        return 0;
    listing->tail[listing->shown++] = *event;
    return listing->shown == listing->tail_wanted;
}

/* Prints the last events that pass. Returns a status, said if not 0. */
static int list_tail(struct listing *listing) {
    uint64_t events = listing->view->summary.events;
    if (listing->tail_wanted > events)
        listing->tail_wanted = events;
    if (listing->tail_wanted > TAIL_MAX) {
        view_error("--tail %" PRIu64 ": at most %s; use --since for more", listing->tail_wanted,
                   hak_words_number(TAIL_MAX));
        return VIEW_USAGE;
    }
    if (listing->tail_wanted == 0)
        return 0;
    listing->tail = calloc(listing->tail_wanted, sizeof *listing->tail);
    if (!listing->tail) {
        view_error("out of memory");
        return VIEW_USAGE;
    }
    int error =
        hak_store_scan(listing->view->reader, &listing->filter.store, true, each_of_tail, listing);
    uint64_t count = listing->shown;
    listing->shown = 0;
    for (uint64_t i = count; error >= 0 && i > 0; i--)
        show(listing, &listing->tail[i - 1]);
    free(listing->tail);
    return error < 0 ? view_store_error(listing->view, error) : 0;
}

/* Prints all events that pass. Returns a status, said if not 0. */
static int list_all(struct listing *listing) {
    struct view *view = listing->view;
    int error = hak_store_scan(view->reader, &listing->filter.store, false, each_event, listing);
    return error < 0 ? view_store_error(view, error) : 0;
}

/* Says what was looked for and where. */
static void say_nothing_found(struct listing *listing) {
    struct hak_text text = {0};
    event_filter_add_words(&text, listing->view);
    hak_text_add(&text, " in ");
    view_add_extent(&text, listing->view);
    view_error("no event%s", hak_text_string(&text));
    hak_text_free(&text);
}

/* Ends the list of events, and adds their count and the capture's completeness. */
static void end_json(struct listing *listing) {
    view_write(stdout, "\n  ],\n");
    view_write_member("count", json_integer((json_int_t)listing->shown), false);
    view_write_member("completeness", view_completeness_json(listing->view), true);
    view_write(stdout, "}\n");
}

int command_events(struct view *view) {
    struct listing listing = {.view = view};
    uint64_t none = UINT64_MAX;
    listing.tail_wanted = none;
    int status = view_open(view);
    if (status != 0)
        return status;
    if (!view_read_number(view, "tail", &listing.tail_wanted) ||
        !event_filter_read(view, &listing.filter))
        return view_question_status();
    view_start_pager(view);
    if (view->json) {
        view_write_document(view);
        view_write(stdout, "  \"events\": [");
    }
    if (!listing.filter.is_empty)
        status = listing.tail_wanted == none ? list_all(&listing) : list_tail(&listing);
    event_filter_free(&listing.filter);
    if (status == 0)
        status = view_look_again(view);
    if (view->json)
        end_json(&listing);
    if (status != 0 || view->json)
        return status != 0 ? status : view_completeness(view);
    if (listing.shown == 0)
        say_nothing_found(&listing);
    return view_say_completeness(view);
}
