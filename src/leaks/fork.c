/* Leaves out of a forked child's leaks the blocks that were there before it: its parent still has
 * them, and may free them. Blocks live at the fork are noted in the child, by the count of records
 * of their slots. */
#include "leaks/leaks.h"
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

/* A block that was live at the fork. */
struct inherited {
    uintptr_t block;       /* base, 0 = empty */
    uint32_t record_count; /* of its slot then */
};

static struct inherited *list;
static size_t mapped_bytes;
static long process; /* that the list is about */
static bool is_child;

static long own_process(void) {
    return hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* A program that asks by hak_find_leaks alone gets all that is lost, in children, too. */
static bool is_asked_for(void) {
    return hak_options.leaks || hak_options.has_text[HAK_INDEX_LEAKS_SIGNAL];
}

void hak_leak_check_child(void) {
    if (process != own_process()) { /* forked by a call that no handler heard of */
        process = own_process();
        list = NULL;
        is_child = is_asked_for();
    }
}

bool hak_leak_is_child(void) {
    return is_child;
}

/* Finds the place of a block in the list, or where it would be put; open addressing by address. */
static struct inherited *place_of_inherited(uintptr_t base) {
    size_t places = mapped_bytes / sizeof *list;
    size_t i = (size_t)(((base >> 3) * 0x9e3779b97f4a7c15ull) >> 16) % places;
    while (list[i].block && list[i].block != base)
        i = (i + 1) % places;
    return &list[i];
}

bool hak_leak_is_inherited(const struct hak_leak_block *block) {
    if (!is_child || block->piece) /* those of the parent are not in the list */
        return false;
    if (!list)
        return true; /* no memory to know better */
    const struct inherited *found = place_of_inherited((uintptr_t)block->at.base);
    return found->block && found->record_count == block->at.slot->record_count;
}

/* Notes a live block of the parent in the table of inherited blocks, by address and record count,
 * so that the child's scan does not call it a leak of its own. */
static void note(const struct hak_leak_block *block, void *context) {
    (void)context;
    *place_of_inherited((uintptr_t)block->at.base) =
        (struct inherited){(uintptr_t)block->at.base, block->at.slot->record_count};
}

void hak_leak_enter_child(void) {
    struct hak_leak_index index;
    hak_leak_forget_signalled();
    if (list)
        hak_raw_unmap(list, mapped_bytes);
    list = NULL;
    is_child = is_asked_for();
    process = own_process();
    if (!is_child || !hak_leak_make_index(&index))
        return;
    mapped_bytes = HAK_PAGES_OF((2 * index.blocks + 1) * sizeof *list);
    list = hak_raw_map(mapped_bytes);
    if (list)
        hak_leak_each(&index, note, NULL);
    hak_leak_drop_index(&index);
}

void hak_leak_note_process(void) {
    process = own_process();
}
