/* Words for changes of slabs, SuperSlabs and caches: the value of a record that moves no block. */
#include "report/words/words.h"

#include <stdio.h>
#include <string.h>
#include "hop.h"
#include "superslab.h"
#include "trace/record.h"

/* The ring of static buffers belongs to words.c; a change is said once a line. */
static char change_text[8][96];
static unsigned change_turn;

static const char *tier_name(unsigned tier) {
    static const char *const names[] = {"FREE", "DRAINING", "HOT"};
    return tier < sizeof names / sizeof names[0] ? names[tier] : "unknown tier";
}

/* Writes a change of tier from its value: tier | tier before << 8 | permille of its slots in use <<
 * 16. */
static void say_tier(char *out, size_t bytes, uint64_t value) {
    unsigned permille = (unsigned)(value >> 16 & 0xffff);
    snprintf(out, bytes, "%s -> %s at %u.%u %%", tier_name(value >> 8 & 0xff),
             tier_name(value & 0xff), permille / 10, permille % 10);
}

/* blocks | heap << 16. */
static void say_post(char *out, size_t bytes, uint64_t value) {
    snprintf(out, bytes, "%s to heap %s", hak_words_count(value & 0xffff, "block", "blocks"),
             hak_words_number(value >> 16));
}

/* Writes a change of capacity from its value: blocks now | blocks before << 32. The place is told
 * where a class has several caches. */
static void say_capacity(char *out, size_t bytes, const struct hak_event *e) {
    const char *place =
        e->address && e->address < HAK_PLACE_COUNT ? hak_words_place((unsigned)e->address) : NULL;
    size_t at = 0;
    if (place)
        at = (size_t)snprintf(out, bytes, "%s ", place);
    if (e->size >> 32)
        snprintf(out + at, bytes - at, "%s -> %s", hak_words_number(e->size >> 32),
                 hak_words_count(e->size & 0xffffffffu, "block", "blocks"));
    else
        snprintf(out + at, bytes - at, "%s", hak_words_count(e->size, "block", "blocks"));
}

const char *hak_words_setting(unsigned setting) {
    switch (setting) {
#define LEARN_SETTING(name, number, words)                                                         \
    case number:                                                                                   \
        return words;
#include "learn/settings.h"
    default:
        return NULL;
    }
}

/* Says which setting was learnt and its value, as packed in one number. */
static void say_learnt(char *out, size_t bytes, uint64_t value) {
    const char *setting = hak_words_setting((unsigned)(value >> 32));
    if (setting)
        snprintf(out, bytes, "%s: %s", setting, hak_words_number(value & 0xffffffffu));
    else
        snprintf(out, bytes, "setting %s: %s", hak_words_number(value >> 32),
                 hak_words_number(value & 0xffffffffu));
}

/* Says what a LEAK event tells: a block's kind and size, or the sums of a scan. */
static void say_leak(char *out, size_t bytes, const struct hak_event *e) {
    static const char *const kinds[] = {"lost: direct leak", "lost: indirect leak",
                                        "still reachable"};
    if (e->subkind < HAK_LEAK_IS_SCAN)
        snprintf(out, bytes, "%s of %s", kinds[e->subkind], hak_words_bytes(e->size));
    else
        snprintf(out, bytes, "leak scan: %s, %s lost",
                 hak_words_count(e->address, "live block", "live blocks"),
                 hak_words_number(e->old_address));
}

/* Says how much was mapped, and how: access, code, file, shared. */
static void say_mapped(char *out, size_t bytes, const struct hak_event *e) {
    snprintf(out, bytes, "%s mapped%s%s%s%s", hak_words_size(e->size),
             e->subkind & HAK_MAPPED_CLOSED      ? " without access"
             : e->subkind & HAK_MAPPED_READ_ONLY ? ", read only"
                                                 : "",
             e->subkind & HAK_MAPPED_CODE ? ", code" : "",
             e->subkind & HAK_MAPPED_FILE ? ", a file" : "",
             e->subkind & HAK_MAPPED_SHARED ? ", shared" : "");
}

/* Writes how a mapping was moved or resized; the number of old pages that were given up stands in
 * the epoch. */
static void say_remapped(char *out, size_t bytes, const struct hak_event *e) {
    if (e->old_address == e->address)
        snprintf(out, bytes, "%s, before %s", hak_words_size(e->size),
                 hak_words_size((e->generation >> 32) * HAK_MAPPED_PAGE_BYTES));
    else
        snprintf(out, bytes, "%s, before 0x%llx", hak_words_size(e->size),
                 (unsigned long long)e->old_address);
}

/* "new to place 3 of pool 1": the places of a pool's own have names in the pool's POOL_PLACE. */
static void say_piece_move(char *out, size_t bytes, const struct hak_event *e) {
    static const char *const known[] = {"out", "free", "new"};
    enum { KNOWN = sizeof known / sizeof *known };
    unsigned to = e->size & 0xff, from = e->size >> 8 & 0xff;
    char places[2][16];
    snprintf(places[0], sizeof places[0], "place %u", from);
    snprintf(places[1], sizeof places[1], "place %u", to);
    snprintf(out, bytes, "%s to %s of pool %s", from < KNOWN ? known[from] : places[0],
             to < KNOWN ? known[to] : places[1], hak_words_number((uint32_t)e->generation));
}

const char *hak_words_change(const struct hak_event *e) {
    char *out = change_text[change_turn++ % 8];
    const size_t bytes = sizeof change_text[0];
    unsigned slab = (unsigned)(e->address % HAK_SUPERSLAB_BYTES / HAK_SLAB_BYTES);
    unsigned long long superslab = e->address & ~(uint64_t)(HAK_SUPERSLAB_BYTES - 1);
    switch (e->kind) {
    case HAK_SLAB_ACQUIRE:
        snprintf(out, bytes, "slab %u of 0x%llx taken", slab, superslab);
        break;
    case HAK_SLAB_RELEASE:
        snprintf(out, bytes, "slab %u of 0x%llx given back", slab, superslab);
        break;
    case HAK_SUPERSLAB_MAP:
        snprintf(out, bytes, "%s mapped", hak_words_size(e->size));
        break;
    case HAK_SUPERSLAB_UNMAP:
        snprintf(out, bytes, "%s unmapped", hak_words_size(e->size));
        break;
    case HAK_SUPERSLAB_ADOPT:
        snprintf(out, bytes, "now heap %s's", hak_words_number(e->size));
        break;
    case HAK_SUPERSLAB_TAKE:
        snprintf(out, bytes, "out of the reserve");
        break;
    case HAK_SUPERSLAB_KEEP:
        snprintf(out, bytes, "into the reserve");
        break;
    case HAK_TIER:
        say_tier(out, bytes, e->size);
        break;
    case HAK_REMOTE_POST:
        say_post(out, bytes, e->size);
        break;
    case HAK_REMOTE_DRAIN:
        snprintf(out, bytes, "%s", hak_words_count(e->size, "block", "blocks"));
        break;
    case HAK_CAPACITY:
        say_capacity(out, bytes, e);
        break;
    case HAK_LEAK:
        say_leak(out, bytes, e);
        break;
    case HAK_PROGRAM_MAP:
        say_mapped(out, bytes, e);
        break;
    case HAK_PROGRAM_UNMAP:
        snprintf(out, bytes, "%s unmapped", hak_words_size(e->size));
        break;
    case HAK_PROGRAM_REMAP:
        say_remapped(out, bytes, e);
        break;
    case HAK_PROGRAM_PROTECT:
        snprintf(out, bytes, "%s %s%s", hak_words_size(e->size),
                 e->subkind & HAK_MAPPED_CLOSED      ? "closed"
                 : e->subkind & HAK_MAPPED_READ_ONLY ? "read only"
                                                     : "open",
                 e->subkind & HAK_MAPPED_CODE ? ", code" : "");
        break;
    case HAK_PROGRAM_BREAK:
        snprintf(out, bytes, "%s %s", hak_words_size(e->size),
                 e->address > e->old_address ? "more" : "less");
        break;
    case HAK_PIECE_ALLOC:
    case HAK_PIECE_FREE:
        snprintf(out, bytes, "%s of pool %s", hak_words_bytes(e->size),
                 hak_words_number((uint32_t)e->generation));
        break;
    case HAK_PIECE_MOVE:
        say_piece_move(out, bytes, e);
        break;
    case HAK_POOL_RESET:
    case HAK_POOL_DESTROY:
        snprintf(out, bytes, "pool %s", hak_words_number((uint32_t)e->generation));
        break;
    case HAK_LEARN:
        say_learnt(out, bytes, e->size);
        break;
    default:
        return "";
    }
    return out;
}
