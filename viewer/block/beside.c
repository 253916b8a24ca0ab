/* The blocks nearest to an address that lies in none: the way on from an address between blocks.
 *
 * Addresses up to a page away are tried in steps of 16 bytes, which no slot is smaller than.
 * Farther away the table of all blocks is read, where the capture is not too long for that; else
 * addresses up to 1 MiB away in steps of a page, and from a block that such a step met, the blocks
 * between it and the address are walked. */
#include "viewer/block/beside.h"

#include <inttypes.h>
#include <jansson.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "store/sql/sql.h"

struct beside {
    struct hak_block_key block;
    bool is_below; /* it ends in front of the address */
    bool is_freed;
    uint64_t user, asked_bytes; /* of its last life */
    uint64_t distance;          /* bytes between it and the address */
    struct hak_event birth;
};

#define SMALL_STEP   16u
#define PAGE         4096u
#define REACH_BYTES  ((uint64_t)1 << 20)
#define TABLE_REACH  ((uint64_t)1 << 30)
#define TABLE_EVENTS 20000000u /* read in some seconds */
#define WALK_MAX     256       /* blocks of 16 bytes in a page */

static bool block_at(struct view *view, uint32_t process, uint64_t address,
                     struct hak_block_key *block) {
    return hak_store_blocks_at(view->reader, address, process, block, 1) == 1;
}

/* Walks from `block`, which a long step met, towards the address as long as there are blocks. */
static void walk_back(struct view *view, uint32_t process, uint64_t address, bool is_below,
                      struct hak_block_key *block) {
    for (int i = 0; i < WALK_MAX; i++) {
        struct hak_block_key next;
        uint64_t beside = is_below ? block->base + block->slot_bytes : block->base - 1;
        if ((is_below ? beside > address : beside < address) || block->slot_bytes == 0 ||
            !block_at(view, process, beside, &next) || next.base == block->base)
            return;
        *block = next;
    }
}

/* Searches the table of all blocks for the nearest one; false when none on this side is within
 * TABLE_REACH. */
static bool find_in_table(struct view *view, uint32_t process, uint64_t address, bool is_below,
                          struct hak_block_key *block) {
    const struct hak_database *database = hak_store_database(view->reader);
    if (hak_store_add_tables(database->connection) != 0)
        return false;
    struct hak_query q =
        hak_ask(database,
                is_below ? "SELECT max(base), process, slot FROM block"
                           " WHERE base < ?1 AND mallocs > 0 AND (?2 = 0 OR process = ?2)"
                         : "SELECT min(base), process, slot FROM block"
                           " WHERE base > ?1 AND mallocs > 0 AND (?2 = 0 OR process = ?2)",
                "looking for neighbours", address, process);
    bool found = hak_query_next(&q) && hak_query_number(&q, 0) != 0;
    if (found)
        *block = (struct hak_block_key){.base = hak_query_number(&q, 0),
                                        .process = hak_query_id(&q, 1),
                                        .slot_bytes = hak_query_number(&q, 2)};
    hak_query_end(&q);
    uint64_t distance = is_below ? address - block->base : block->base - address;
    return found && distance <= TABLE_REACH;
}

/* Reads the last life of the neighbour: its user pointer, size, birth, and whether it was freed.
 * False: it has no known birth. */
static bool load_last_life(struct view *view, struct beside *neighbour) {
    struct hak_story *story = NULL;
    if (hak_story_load(view->reader, neighbour->block.base, neighbour->block.process, 0, &story) <=
            0 ||
        !story)
        return false;
    const struct hak_life *life =
        story->life_count > 0 ? &story->lives[story->life_count - 1] : NULL;
    bool is_known = life && life->birth.id != 0;
    if (is_known) {
        neighbour->user = life->birth.address;
        neighbour->asked_bytes = hak_life_bytes(life);
        neighbour->birth = life->birth;
        neighbour->is_freed = life->end_count > 0;
    }
    hak_story_free(story);
    return is_known;
}

/* Finds the nearest block below or above within REACH_BYTES, with its last life. False: none. */
static bool find_neighbour(struct view *view, uint32_t process, uint64_t address,
                           struct beside *neighbour) {
    bool is_below = neighbour->is_below;
    for (uint64_t distance = SMALL_STEP; distance <= REACH_BYTES;
         distance += distance < PAGE ? SMALL_STEP : PAGE) {
        if (is_below ? distance > address : address + distance < address)
            return false;
        if (distance == PAGE && view->summary.events <= TABLE_EVENTS)
            return find_in_table(view, process, address, is_below, &neighbour->block) &&
                   load_last_life(view, neighbour);
        if (!block_at(view, process, is_below ? address - distance : address + distance,
                      &neighbour->block))
            continue;
        walk_back(view, process, address, is_below, &neighbour->block);
        if (load_last_life(view, neighbour))
            return true;
    }
    return false;
}

/* How many bytes lie between the address and the nearest byte of the block that the program had. */
static uint64_t distance_of(const struct beside *neighbour, uint64_t address) {
    uint64_t end = neighbour->user + neighbour->asked_bytes;
    if (neighbour->is_below)
        return address >= end ? address - end : 0;
    return neighbour->user - address;
}

/* Finds the nearest block below the address and the nearest above, in this order in `out`. Returns
 * how many of the two there are. */
static int find_beside(struct view *view, uint32_t process, uint64_t address,
                       struct beside out[2]) {
    int count = 0;
    for (int above = 0; above < 2; above++) {
        struct beside *neighbour = &out[count];
        *neighbour = (struct beside){.is_below = !above};
        if (!find_neighbour(view, process, address, neighbour))
            continue;
        neighbour->distance = distance_of(neighbour, address);
        count++;
    }
    return count;
}

void beside_add(struct hak_text *text, struct view *view, uint32_t process, uint64_t address) {
    struct beside neighbour[2];
    int count = find_beside(view, process, address, neighbour);
    uint64_t nearest = UINT64_MAX;
    if (count == 0)
        hak_text_add(text, "No %sblock %s of it.\n", view_is_light(view) ? "watched " : "",
                     view->summary.events <= TABLE_EVENTS ? "lay within 1 GiB"
                                                          : "was found within 1 MiB");
    else
        hak_text_add(text, "The nearest blocks:\n");
    for (int i = 0; i < count; i++) {
        const struct stack_label *label = view_stack_label(view, neighbour[i].birth.stack);
        nearest = neighbour[i].distance < nearest ? neighbour[i].distance : nearest;
        hak_text_add(text, "  0x%" PRIx64 "  %s", neighbour[i].user,
                     hak_words_bytes(neighbour[i].asked_bytes));
        hak_text_add(text, ", %s, %s ", neighbour[i].is_freed ? "freed" : "live",
                     neighbour[i].is_below ? "ends" : "begins");
        hak_text_add(text, "%s %s it: %s", hak_words_bytes(neighbour[i].distance),
                     neighbour[i].is_below ? "before" : "behind",
                     hak_words_call(&neighbour[i].birth));
        hak_text_add(text, " in %s %s\n", label->function[0] ? label->function : "??",
                     label->location);
    }
    if (nearest > REACH_BYTES)
        hak_text_add(text,
                     "Addresses differ from run to run (ASLR): one of another run, or of gdb's, "
                     "says nothing here.\n");
    if (count == 0)
        return;
    hak_text_add(text, "NEXT  ");
    for (int i = 0; i < count; i++) {
        hak_text_add(text, "%shakmem-trace why 0x%" PRIx64, i ? "     " : "    ",
                     neighbour[i].user);
        view_add_store_option(text, view);
    }
    hak_text_add(text, "\n");
}

json_t *beside_json(struct view *view, uint32_t process, uint64_t address) {
    struct beside neighbour[2];
    json_t *array = json_array();
    int count = find_beside(view, process, address, neighbour);
    for (int i = 0; i < count; i++) {
        hak_json_add(array, ADDRESS("user", neighbour[i].user),
                     NUMBER("asked_bytes", neighbour[i].asked_bytes),
                     WORD("side", neighbour[i].is_below ? "below" : "above"),
                     NUMBER("distance", neighbour[i].distance),
                     FLAG("freed", neighbour[i].is_freed));
    }
    return array;
}
