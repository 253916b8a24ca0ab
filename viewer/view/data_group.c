/* Puts together what the pages show: groups, trees and blocks of the moment or span. */
#include "viewer/view/data.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "store/history/history.h"
#include "viewer/view/data_parts.h"

#define BLOCKS_MAX    1000000 /* kept of one stack */
#define ITEMS_A_LOOK  256     /* at the keyboard */
#define BLOCKS_A_LOOK 1024

/* Reports what failed while items were grouped; places that are not whole are forgotten. 0, or a
 * status. */
static int settle(struct data *d, bool has_failed) {
    int error = d->places.error;
    if (error) {
        data_forget_places(d); /* they are not whole */
        return view_store_error(d->view, error);
    }
    return has_failed || d->places.failed ? data_out_of_memory() : 0;
}

int data_group(struct data *d, enum profile_key per, struct profile_query *query,
               struct profile_groups *groups,
               bool (*wants)(void *context, const struct profile_item *item,
                             const struct profile_path *path),
               void *context) {
    *query = d->query;
    query->per = per;
    query->is_span = true;
    *groups = (struct profile_groups){.query = query, .places = &d->places};
    for (uint32_t i = 0; i < d->items && !groups->failed; i++) {
        if (i % ITEMS_A_LOOK == 0 && data_is_stopped(d))
            return VIEW_INTERRUPTED;
        if (wants && (!profile_read_path(&d->places, d->item[i].stack, &groups->path) ||
                      groups->path.is_left_out || !wants(context, &d->item[i], &groups->path)))
            continue;
        profile_groups_take(groups, &d->item[i]);
    }
    if (groups->failed || d->places.failed || d->places.error)
        return settle(d, groups->failed);
    profile_groups_sort(groups);
    d->all = wants ? d->all : groups->all;
    return 0;
}

/* ---- out of the store --------------------------------------------------------------------------
 */

bool data_is_by_block(enum profile_key per) {
    return per >= PROFILE_CLASS && per <= PROFILE_THREAD;
}

/* The blocks to take of those that the store hands over. */
struct choice {
    struct profile_groups *groups;
    const struct data_kind *kind; /* NULL = all */
};

/* Groups an item if it is of the chosen class, size, lifetime, thread or process. */
static void take_of_kind(void *context, const struct profile_item *item) {
    const struct choice *c = context;
    if (!c->kind || profile_item_key(item, c->kind->per) == c->kind->key)
        profile_groups_take(c->groups, item);
}

int data_group_blocks(struct data *d, enum profile_key per, const struct data_kind *kind,
                      struct profile_query *query, struct profile_groups *groups) {
    struct profile_query asked = d->query;
    struct profile_facts facts;
    struct choice choice = {groups, kind};
    uint64_t begin = view_now_ns();
    asked.per = kind ? kind->per : per; /* what the store tells apart */
    data_set_moments(d, &asked);
    *query = asked;
    query->per = per;
    *groups = (struct profile_groups){.query = query, .places = &d->places};
    if (d->is_alone) {
        view_error("--profile-only keeps no class, size, lifetime and thread of a block");
        return VIEW_USAGE;
    }
    int status = profile_gather(&asked, &facts, take_of_kind, &choice);
    if (status == 0 && (groups->failed || d->places.failed || d->places.error))
        status = settle(d, groups->failed);
    if (status != 0)
        return status;
    d->group_ns = view_now_ns() - begin;
    profile_groups_sort(groups);
    d->all = kind ? d->all : groups->all;
    return 0;
}

int data_make_tree(struct data *d, enum profile_key per, bool is_bottom_up,
                   struct profile_query *query, struct profile_tree *tree) {
    *query = d->query;
    query->per = per;
    query->is_tree = true;
    query->is_bottom_up = is_bottom_up;
    query->limit = 0;
    query->is_span = true;
    *tree = (struct profile_tree){.query = query, .places = &d->places};
    for (uint32_t i = 0; i < d->items && !tree->failed; i++) {
        if (i % ITEMS_A_LOOK == 0 && data_is_stopped(d))
            return VIEW_INTERRUPTED;
        profile_tree_take(tree, &d->item[i]);
    }
    int status = settle(d, tree->failed);
    if (status == 0 && tree->nodes)
        d->all = tree->node[0].total;
    else
        d->all = (struct profile_sums){0};
    return status;
}

/* Whether the stack has live blocks of the process at the moment. */
static bool is_held_by(const struct data *d, uint32_t process, uint32_t stack) {
    for (uint32_t i = 0; i < d->items; i++)
        if (d->item[i].stack == stack && d->item[i].process == process)
            return d->item[i].sums.live.blocks > 0;
    return false;
}

/* The one process that holds blocks of this stack, 0 = several do. */
static uint32_t only_holder(const struct data *d, uint32_t stack) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < d->items; i++) {
        if (d->item[i].stack != stack || !d->item[i].sums.live.blocks)
            continue;
        if (found)
            return 0;
        found = d->item[i].process;
    }
    return found;
}

/* Whether a block is one of those asked for, by what the store's items of a moment have. */
static bool is_of_kind(const struct data_kind *kind, const struct hak_live_block *block) {
    struct profile_item item = {.process = block->process,
                                .thread = block->thread,
                                .stack = block->stack,
                                .class_index = block->class_index,
                                .size = block->size,
                                .is_open = true};
    return !kind || profile_item_key(&item, kind->per) == kind->key;
}

/* Keeps a block for the page; beyond BLOCKS_MAX it only counts; false where memory ends. */
static bool keep_block(struct data_blocks *out, const struct hak_live_block *block) {
    if (out->count == BLOCKS_MAX) {
        out->left_out++;
        return true;
    }
    if (!hak_growing_make_room(&out->block, out->count, &out->room, sizeof *out->block))
        return false;
    out->block[out->count++] = (struct data_block){.user = block->user,
                                                   .size = block->size,
                                                   .birth = block->birth,
                                                   .ns = block->ns,
                                                   .process = block->process,
                                                   .thread = block->thread,
                                                   .stack = block->stack};
    return true;
}

/* May hold blocks of the stack. */
struct wanted {
    const struct data *data;
    uint32_t stack;
};

static bool is_wanted_holder(void *context, uint32_t process) {
    const struct wanted *w = context;
    return is_held_by(w->data, process, w->stack);
}

int data_read_blocks(struct data *d, uint32_t stack, const struct data_kind *kind,
                     struct data_blocks *out) {
    struct wanted wanted = {d, stack};
    struct hak_live_moment moment = {.id = d->at.at.event,
                                     .process = only_holder(d, stack),
                                     .wants = is_wanted_holder,
                                     .context = &wanted};
    struct hak_live_block block;
    struct hak_live *live = NULL;
    *out = (struct data_blocks){0};
    if (d->at.at.kind == VIEW_AT_START)
        return 0;
    if (!moment.id && d->at.step >= 0)
        moment.id = d->timeline.step[d->at.step].event; /* the end, as it was read */
    int result = hak_live_open(d->view->reader, &moment, &live);
    uint64_t seen = 0;
    while (result == 0 && (result = hak_live_next(live, &block)) == 1) {
        bool is_wanted = block.stack == stack && is_of_kind(kind, &block);
        result =
            !is_wanted || keep_block(out, &block) ? 0 : hak_store_no_memory(d->view->store_path);
        if (++seen % BLOCKS_A_LOOK == 0 && data_is_stopped(d))
            result = HAK_STORE_STOPPED;
    }
    hak_live_close(live);
    return result < 0 ? view_store_error(d->view, result) : 0;
}

uint64_t data_label_id(const struct profile_label *l) {
    uint64_t id = hak_index_hash(l->function, strlen(l->function));
    id = hak_index_mix(id, hak_index_hash(l->file, strlen(l->file)));
    id = hak_index_mix(id, hak_index_hash(l->module, strlen(l->module)));
    return hak_index_mix(id, l->offset ^ (uint64_t)l->line << 40);
}
