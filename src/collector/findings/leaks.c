/* Gathers the blocks of LEAK records by process and stack. */
#include "collector/findings/leaks.h"

#include <stdlib.h>
#include "base/growing.h"
#include "hop.h"
#include "trace/record.h"

enum { BLOCKS_MAX = 1 << 20 }; /* that are looked for in the log again */

/* The process's pile of a scan that is not complete, made if there is none; NULL without memory. */
static struct hak_leak_pile *open_pile(struct hak_leaks *leaks, struct hak_client *client,
                                       uint32_t process) {
    for (struct hak_leak_pile *pile = leaks->newest; pile; pile = pile->next)
        if (pile->process == process && !pile->is_complete)
            return pile;
    struct hak_leak_pile *pile = calloc(1, sizeof *pile);
    if (!pile)
        return NULL;
    pile->client = client;
    pile->process = process;
    pile->next = leaks->newest;
    leaks->newest = pile;
    return pile;
}

/* The pile's group of a stack and kind, made if there is none; NULL without memory. */
static struct hak_leak_group *group_of(struct hak_leak_pile *pile, uint32_t stack, uint8_t kind) {
    uint64_t place = 0, key = hak_index_mix(stack, kind);
    uint32_t row;
    while ((row = hak_index_find(&pile->by_stack, key, &place)) != 0)
        if (pile->groups[row - 1].stack == stack && pile->groups[row - 1].kind == kind)
            return &pile->groups[row - 1];
    if (!hak_growing_make_room(&pile->groups, pile->group_count, &pile->group_capacity,
                               sizeof *pile->groups) ||
        !hak_index_add(&pile->by_stack, key, pile->group_count + 1))
        return NULL;
    struct hak_leak_group *group = &pile->groups[pile->group_count++];
    *group = (struct hak_leak_group){.stack = stack, .kind = kind};
    return group;
}

/* A piece of a pool is added to the group. */
static void take_pool(struct hak_leak_group *group, uint32_t pool) {
    group->layer = HAK_PLACE_POOL;
    group->pool = !group->count || group->pool == pool ? pool : 0;
}

void hak_leaks_take(struct hak_leaks *leaks, struct hak_client *client,
                    const struct hak_event *event) {
    struct hak_leak_pile *pile = open_pile(leaks, client, event->process);
    if (!pile)
        return;
    if (event->subkind >= HAK_LEAK_IS_SCAN) {
        pile->is_complete = true;
        pile->scan = *event;
        return;
    }
    struct hak_leak_group *group = group_of(pile, event->stack, event->subkind);
    if (!group)
        return;
    if (event->place == HAK_PLACE_POOL)
        take_pool(group, (uint32_t)event->generation);
    group->count++;
    group->bytes += event->size;
    if (pile->block_count < BLOCKS_MAX &&
        hak_growing_make_room(&pile->blocks, pile->block_count, &pile->block_capacity,
                              sizeof *pile->blocks))
        pile->blocks[pile->block_count++] = (struct hak_leak_block){
            event->base, event->generation, (uint32_t)(group - pile->groups)};
}

void hak_leaks_note_event(struct hak_leaks *leaks, uint32_t process, uint64_t event) {
    for (struct hak_leak_pile *pile = leaks->newest; pile; pile = pile->next)
        if (pile->process == process && pile->is_complete) {
            pile->scan.id = event;
            return;
        }
}

const char *hak_leaks_page(const struct hak_leaks *leaks, uint32_t process) {
    for (const struct hak_leak_pile *pile = leaks->newest; pile; pile = pile->next)
        if (pile->process == process && pile->is_settled)
            return pile->text && pile->text[0] ? pile->text : NULL;
    return NULL;
}

/* Frees a scan's pile and all it holds: groups, blocks, index, text. */
static void free_pile(struct hak_leak_pile *pile) {
    free(pile->groups);
    free(pile->blocks);
    hak_index_free(&pile->by_stack);
    free(pile->text);
    free(pile);
}

void hak_leaks_forget(struct hak_leaks *leaks, const struct hak_client *client) {
    for (struct hak_leak_pile **at = &leaks->newest; *at;) {
        struct hak_leak_pile *pile = *at;
        if (pile->client == client && (pile->is_settled || !pile->is_complete)) {
            *at = pile->next;
            free_pile(pile);
            continue;
        }
        if (pile->client == client)
            pile->client = NULL;
        at = &pile->next;
    }
}

void hak_leaks_free(struct hak_leaks *leaks) {
    while (leaks->newest) {
        struct hak_leak_pile *pile = leaks->newest;
        leaks->newest = pile->next;
        free_pile(pile);
    }
    free(leaks->late);
    leaks->late = NULL;
    leaks->late_count = leaks->late_capacity = 0;
}
