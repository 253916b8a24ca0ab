/* Checks the head of a linked list (TLS SLL, super front cache, mid LIFO) before its link is read:
 * the debug build's last line of defence in level trace, where an illegal push was carried out as
 * it was.
 *
 * In layout header a header of the list's class has to stand at the popped address; in layout same
 * there is none to read, and the pointer has to be the start of a slot of that class. In both the
 * slot's state has to say that it is in the list.
 *
 *   head --> | header | link | ... |  --> | header | link | ... |  --> NULL
 *              stands?  leads to a block of ours?
 *
 * A link that leads to none was written by someone who still has the free block: it is reported
 * with that block, whose link it is, and not with the one behind it. A link to some other place of
 * ours is left to the pop of what it leads to, since a wrong push may have put it there. */
#include "guard/guard.h"
#include "guard/pages.h"

bool hak_enter_list_slowly(const struct hak_located *at) {
    if (!hak_pages_touch(at))
        return false;
    if (at->slot->subkind & HAK_SLOT_POISONED)
        at->slot->subkind |= HAK_SLOT_LINKED;
    hak_slot_before_bytes(); /* the link's, too */
    if (hak_layout_has_header() && at->slot->user_delta * 8 != HAK_HEADER_BYTES)
        hak_write_list_header(at);
    return true;
}

/* Whether a pop may take `block`, which the slot's state says is in a list: it is the slot's start,
 * and its header, if any, is whole. */
static bool header_or_start_stands(const struct hak_located *at, base_t block) {
    if (!at->slot || block.p != at->base)
        return false;
    return !hak_layout_has_header() || hak_list_header_stands(at);
}

/* Whether a list's link leads to no slab, by the registry and the first line of the SuperSlab,
 * which the next pop needs anyway. */
static inline bool leads_nowhere(const void *link) {
    if (!link)
        return false;
    if (HAK_UNLIKELY(hak_registry_owner_fast(link) == HAK_OWNER_NOBODY) && !hak_registry_find(link))
        return true;
    return hak_superslab_of(link)->class_of_slab[hak_slab_index_of(link)] == HAK_CLASS_NONE;
}

/* Returns the code of the fault of the head `block`, 0 for none. */
static inline unsigned wrong_with(const struct hak_located *at, bool is_slot, base_t block,
                                  enum hak_place place, unsigned class_index) {
    if (HAK_UNLIKELY(!is_slot))
        return HAK_FAULT_FOREIGN_POINTER;
    if (HAK_UNLIKELY(at->class_index != class_index))
        return HAK_FAULT_CLASS_MISMATCH;
    if (HAK_UNLIKELY(block.p == at->base && at->slot->place != place))
        return HAK_FAULT_WRONG_LAYER_MOVE;
    if (HAK_UNLIKELY(!header_or_start_stands(at, block)))
        return HAK_FAULT_TLS_SLL_HDR_RESET;
    return leads_nowhere(*hak_check_link_of(block)) ? HAK_FAULT_FOREIGN_POINTER : 0;
}

/* Checks the block that a list gives out. False: it is wrong, which is reported; drop the list. */
HAK_TRACER_TEXT bool hak_check_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                                   unsigned class_index) {
    struct hak_located at;
    bool is_slot = hak_locate_slot(block.p, &at);
    unsigned code = wrong_with(&at, is_slot, block, place, class_index);
    if (HAK_LIKELY(!code))
        return true;
    struct hak_finding finding = {
        .code = (enum hak_fault_code)code,
        .kind = kind,
        .pointer = block.p,
        .offset_bytes = is_slot ? block.p - at.base : 0,
        .class_found = class_index,
    };
    if (code == HAK_FAULT_FOREIGN_POINTER) {
        finding.link = is_slot ? (uintptr_t)*hak_check_link_of(block) : base_address(block);
        if (is_slot)
            finding.pointer = hak_check_link_of(block);
    }
    hak_report_fault(&at, &finding);
    return false;
}
