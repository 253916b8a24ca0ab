/* The options of `events` as a filter. */
#include "viewer/events/events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "report/words/words.h"
#include "hop.h"
#include "viewer/capture/capture.h"
#include "viewer/events/site.h"
#include "base/sorted.h"
#include "superslab.h"

/* The kinds of events about a SuperSlab and its slabs. */
#define SUPERSLAB_KINDS                                                                            \
    (1ull << (HAK_SLAB_ACQUIRE - 64) | 1ull << (HAK_SLAB_RELEASE - 64) |                           \
     1ull << (HAK_SUPERSLAB_MAP - 64) | 1ull << (HAK_SUPERSLAB_UNMAP - 64) |                       \
     1ull << (HAK_SUPERSLAB_ADOPT - 64) | 1ull << (HAK_SUPERSLAB_TAKE - 64) |                      \
     1ull << (HAK_SUPERSLAB_KEEP - 64) | 1ull << (HAK_TIER - 64))

/* --kind: sets the masks of the kinds. False, and said. */
static bool read_kinds(const char *text, struct hak_filter *filter) {
    char *copy = strdup(text), *rest = NULL;
    bool good = copy && copy[0];
    for (char *name = copy ? strtok_r(copy, ",", &rest) : NULL; name && good;
         name = strtok_r(NULL, ",", &rest)) {
        int kind = hak_words_kind_number(name);
        struct nearest nearest = {.typed = name};
        for (unsigned i = 0; kind < 0 && hak_words_kind_at(i); i++)
            nearest_offer(&nearest, hak_words_kind_at(i));
        if (nearest.best) {
            view_error("--kind %s: no such kind%s", name, nearest_words(&nearest, ""));
            good = false;
        } else if (kind < 0) {
            view_error("--kind %s: no such kind; MALLOC, FREE, REALLOC, REALLOC_FROM, SLL_PUSH, "
                       "... (docs/specs/hops.md) are known",
                       name);
            good = false;
        } else if (kind < 64) {
            filter->kind_mask_low |= 1ull << kind;
        } else {
            filter->kind_mask_high |= 1ull << (kind - 64);
        }
    }
    free(copy);
    return good;
}

bool event_filter_read_class(struct view *view, const char *text, struct event_filter *filter) {
    char *end;
    bool is_band = text[0] == 'C' || text[0] == 'c';
    const char *digits = text + is_band;
    unsigned long value = strtoul(digits, &end, 10);
    if (strcasecmp(text, "large") == 0) {
        filter->store.class_index = HAK_CLASS_NONE;
        return true;
    }
    if (*digits >= '0' && *digits <= '9' && *end == '\0')
        for (unsigned i = 0; i < HAK_CLASS_NONE; i++) {
            uint64_t slot_bytes;
            unsigned band;
            if (!hak_store_class(view->reader, i, &slot_bytes, &band))
                break;
            if (is_band && band == value) {
                filter->band = (int)band;
                return true;
            }
            if (!is_band && slot_bytes == value) {
                filter->store.class_index = (int)i;
                return true;
            }
        }
    view_error("--class %s: a band (C0 to C12), a slot size (48) or large was expected", text);
    return false;
}

/* Stops the scan at an event of a SuperSlab: mapped, its owner, its slabs, its tiers. */
static int is_superslab_event(void *context, const struct hak_event *event) {
    (void)context;
    (void)context;
    return event->kind >= HAK_SUPERSLAB_MAP && event->kind <= HAK_TIER;
}

/* If SuperSlab events name the address, widens the filter to all addresses of that SuperSlab and,
 * unless kinds are given, to SuperSlab events. False: no such event, or the address is no
 * SuperSlab's start. */
static bool read_superslab(struct view *view, struct event_filter *filter) {
    struct hak_filter at = {.base = filter->address,
                            .process = filter->store.process,
                            .kind_mask_high = SUPERSLAB_KINDS,
                            .class_index = -1};
    if (filter->address % HAK_SUPERSLAB_BYTES || filter->address == 0)
        return false;
    if (hak_store_scan(view->reader, &at, false, is_superslab_event, NULL) != 1)
        return false;
    filter->store.address = 0;
    filter->store.base_from = filter->address;
    filter->store.base_to = filter->address + HAK_SUPERSLAB_BYTES - 1;
    if (filter->store.kind_mask_low == 0 && filter->store.kind_mask_high == 0)
        filter->store.kind_mask_high = SUPERSLAB_KINDS;
    return true;
}

/* Limits what is read of the store by the blocks' bases, which are a small part of it mostly. */
static void note_bases(struct event_filter *filter) {
    for (int i = 0; i < filter->block_count; i++)
        filter->base[i] = filter->block[i].base;
    filter->store.bases = filter->base;
    filter->store.base_count = hak_sort_distinct(filter->base, (uint32_t)filter->block_count);
}

/* --addr: the blocks that held the address limit the events; else the SuperSlab, else the address
 * itself. False, and said. */
static bool read_address(struct view *view, const char *text, struct event_filter *filter) {
    struct view_place place;
    if (!view_read_address(view, text, filter->store.process, &place))
        return false;
    filter->address = place.address;
    if (filter->store.process == 0)
        filter->store.process = place.process;
    filter->block_count = hak_store_blocks_at(view->reader, filter->address, filter->store.process,
                                              filter->block, VIEW_BLOCKS_MAX);
    if (filter->block_count < 0) {
        view_store_error(view, filter->block_count);
        return false;
    }
    if (filter->block_count == VIEW_BLOCKS_MAX) {
        view_error("--addr %s: %d blocks or more lay there; limit it with --process", text,
                   VIEW_BLOCKS_MAX);
        return false;
    }
    note_bases(filter);
    if (filter->block_count == 0 && !read_superslab(view, filter))
        filter->store.address = filter->address;
    return true;
}

/* Reads --layer, a place of a block, into the filter. False, and said. */
static bool read_layer(const char *text, struct event_filter *filter) {
    unsigned place;
    if (!hak_words_find_place(text, &place)) {
        view_error("--layer %s: no such place of a block; front, magazine, \"TLS SLL\" (or SLL), "
                   "slab, ... (docs/specs/hops.md) are known",
                   text);
        return false;
    }
    filter->layer = (int)place;
    return true;
}

bool event_filter_read(struct view *view, struct event_filter *filter) {
    const char *value;
    uint64_t thread = 0;
    *filter = (struct event_filter){.band = -1, .layer = -1, .store.class_index = -1};
    if (!view_choose_process(view, &filter->store.process) ||
        !view_read_number(view, "thread", &thread))
        return false;
    filter->thread_number = (uint32_t)thread;
    if (thread > UINT32_MAX || (view_given(view, "thread") && thread == 0)) {
        view_error("--thread %s: the number of a thread was expected, from 1",
                   view_value(view, "thread"));
        return false;
    }
    if ((value = view_value(view, "site")) &&
        !(filter->has_site = site_find_stacks(view, value, &filter->stack_count)))
        return false;
    if ((value = view_value(view, "kind")) && !read_kinds(value, &filter->store))
        return false;
    if ((value = view_value(view, "class")) && !event_filter_read_class(view, value, filter))
        return false;
    if ((value = view_value(view, "layer")) && !read_layer(value, filter))
        return false;
    if ((value = view_value(view, "since")) &&
        !view_read_when(view, "since", value, &filter->store.ns_from, &filter->store.id_from))
        return false;
    if ((value = view_value(view, "until")) &&
        !view_read_when(view, "until", value, &filter->store.ns_to, &filter->store.id_to))
        return false;
    if (view_given(view, "until") && filter->store.ns_to == 0 && filter->store.id_to == 0)
        filter->is_empty = true; /* the store takes 0 for no limit */
    value = view_value(view, "addr");
    return !value || read_address(view, value, filter);
}

/* Whether the event is of one of the blocks that --addr found; true for all if it found none. */
static bool is_in_block(const struct event_filter *filter, const struct hak_event *event) {
    for (int i = 0; i < filter->block_count; i++)
        if (event->base == filter->block[i].base &&
            event->class_index == filter->block[i].class_index)
            return true;
    return filter->block_count == 0;
}

bool event_passes(struct view *view, const struct event_filter *filter,
                  const struct hak_event *event) {
    if (filter->block_count > 1 && !is_in_block(filter, event))
        return false;
    if (filter->layer >= 0 && !hak_words_touches_place(event, (unsigned)filter->layer))
        return false;
    if (filter->band >= 0) {
        uint64_t slot_bytes;
        unsigned band;
        if (!hak_store_class(view->reader, event->class_index, &slot_bytes, &band) ||
            (int)band != filter->band)
            return false;
    }
    if (filter->thread_number != 0) {
        static uint32_t asked_row, number;
        if (asked_row != event->thread) {
            struct hak_thread_words thread;
            hak_lookup_thread(view->reader, event->thread, &thread);
            asked_row = event->thread;
            number = thread.number;
        }
        if (number != filter->thread_number)
            return false;
    }
    return !filter->has_site ||
           (event->stack < filter->stack_count && filter->has_site[event->stack]);
}

void event_filter_free(struct event_filter *filter) {
    free(filter->has_site);
    filter->has_site = NULL;
}

void event_filter_add_words(struct hak_text *text, const struct view *view) {
    bool first = true;
    for (int i = 0; i < view->option_count; i++) {
        bool is_common = false;
        for (int k = 0; k < view_common_option_count; k++)
            is_common |= strcmp(view_common_options[k].name, view->option[i].name) == 0;
        if (!view->value[i] || is_common)
            continue;
        hak_text_add(text, "%s--%s%s%s", first ? " with " : " ", view->option[i].name,
                     view->value[i][0] ? " " : "", view->value[i]);
        first = false;
    }
}
