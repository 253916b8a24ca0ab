/* The list of leaks as the program writes it itself, where no collector does: by stack, biggest
 * first, frames as module and offset. */
#include "leaks/leaks.h"

#include <link.h>
#include "options.h"
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/crash/crash.h"
#include "trace/stacks/stacks.h"
#include "platform/objects.h"

enum { PLACES = 1 << 14, SHOWN = 8, FRAMES_SHOWN = 8, PLACE_FRAMES_MAX = 64 };

/* Blocks of one stack that were judged alike; kind 0 = empty. */
struct place {
    uint32_t stack;
    uint8_t mark;
    uint64_t count, bytes;
};

struct piling {
    struct place *places;
    bool with_reachable;
    uint64_t left_out; /* blocks for which there was no room */
};

/* The scan that is reported now; one at a time. */
static const struct hak_leak_scan *told;

/* Adds a leaked block to the pile of its stack and kind; without a place it counts as left out. */
static void pile(const struct hak_leak_block *block, void *context) {
    struct piling *piling = context;
    enum hak_mark mark = hak_mark_of(block);
    if (mark == HAK_MARK_UNSEEN || (mark == HAK_MARK_REACHED && !piling->with_reachable) ||
        hak_leak_is_inherited(block))
        return;
    uint32_t stack = hak_leak_stack_of(block);
    size_t at = (stack * 0x9e3779b1u + mark) % PLACES;
    for (unsigned tries = 0; tries < PLACES; tries++, at = (at + 1) % PLACES) {
        struct place *place = &piling->places[at];
        if (place->mark == 0)
            *place = (struct place){.stack = stack, .mark = (uint8_t)mark};
        if (place->stack != stack || place->mark != mark)
            continue;
        place->count++;
        place->bytes += block->end - block->user;
        return;
    }
    piling->left_out++;
}

/* Whether place `a` is listed before `b`: direct ones first, then by bytes. */
static bool comes_before(const struct place *a, const struct place *b) {
    if (a->mark != b->mark)
        return a->mark == HAK_MARK_DIRECT ||
               (a->mark == HAK_MARK_INDIRECT && b->mark != HAK_MARK_DIRECT);
    return a->bytes > b->bytes;
}

/* Takes the place out that is listed next; false: none is left. */
static bool take_first(struct place *places, struct place *first) {
    struct place *best = NULL;
    for (size_t i = 0; i < PLACES; i++)
        if (places[i].count && (!best || comes_before(&places[i], best)))
            best = &places[i];
    if (!best)
        return false;
    *first = *best;
    best->count = 0;
    return true;
}

/* Writes one line of a stack, as module and offset. */
static void say_frame(long file, size_t number, uintptr_t ip) {
    struct hak_line line = {.length = 0};
    struct hak_object object;
    hak_line_add(&line, "      #");
    hak_line_number(&line, number);
    hak_line_add(&line, " ");
    hak_line_hex(&line, ip);
    if (hak_object_find(ip, &object) && object.module) {
        const char *name = object.name;
        hak_line_add(&line, " ");
        hak_line_add_name(&line, name && name[0] ? name : "(the program)");
        hak_line_add(&line, "+");
        hak_line_hex(&line, ip - object.bias);
    }
    hak_line_add(&line, "\n");
    (void)hak_line_write(&line, file);
}

/* Writes a pile's line and its stack. */
static void say_place(long file, const struct place *place) {
    struct hak_line line = {.length = 0};
    uintptr_t ips[PLACE_FRAMES_MAX];
    size_t count = hak_stacks_frames(place->stack, ips, PLACE_FRAMES_MAX);
    hak_line_add(&line, place->mark == HAK_MARK_DIRECT     ? "  Direct leak of "
                        : place->mark == HAK_MARK_INDIRECT ? "  Indirect leak of "
                                                           : "  Still reachable: of ");
    hak_line_number(&line, place->bytes);
    hak_line_say(&line, " byte(s) in ", place->count, " object(s) allocated from:\n");
    (void)hak_line_write(&line, file);
    for (size_t i = 0; i < count && i < FRAMES_SHOWN; i++)
        say_frame(file, i, ips[i]);
    if (count == 0) {
        hak_line_add(&line, "      no stack: none was kept of this allocation\n");
        (void)hak_line_write(&line, file);
    }
}

void hak_leak_write_list(const char *why, long file) {
    const struct hak_leak_scan *scan = told;
    struct hak_line line = {.length = 0};
    size_t bytes = HAK_PAGES_OF(PLACES * sizeof(struct place));
    struct piling piling = {.places = hak_raw_map(bytes),
                            .with_reachable = hak_options.leaks_reachable};
    if (!scan || !piling.places)
        return;
    uint64_t blocks = scan->block_count[HAK_MARK_DIRECT] + scan->block_count[HAK_MARK_INDIRECT];
    hak_line_say(&line, "hakmem: HKM-401 memory-leak: ",
                 scan->byte_count[HAK_MARK_DIRECT] + scan->byte_count[HAK_MARK_INDIRECT], "");
    hak_line_say(&line, " bytes in ", blocks, " blocks leaked");
    hak_line_add(&line, " (raw report: ");
    hak_line_add_name(&line, why);
    hak_line_add(&line, ")\n");
    (void)hak_line_write(&line, file);
    hak_leak_each(&scan->index, pile, &piling);
    hak_leak_each_piece(scan, pile, &piling);
    struct place place;
    for (unsigned shown = 0; shown < SHOWN && take_first(piling.places, &place); shown++)
        say_place(file, &place);
    uint64_t more = 0;
    for (size_t i = 0; i < PLACES; i++)
        more += piling.places[i].count != 0;
    if (more + piling.left_out > 0) {
        hak_line_say(&line, "  ", more, " more places\n");
        (void)hak_line_write(&line, file);
    }
    hak_raw_unmap(piling.places, bytes);
}

void hak_leak_set_written_scan(const struct hak_leak_scan *scan) {
    told = scan;
}
