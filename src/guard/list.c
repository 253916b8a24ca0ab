/* The head of a linked list (TLS SLL, super front cache, mid LIFO) is looked at before its link is
 * read: the debug build's last line of defence in level trace, where an illegal push was carried
 * out as it was.
 *
 * In layout header a header of the list's class has to stand at the popped address; in layout same
 * there is none to read, and the pointer has to be the start of a slot of that class. In both the
 * slot's state has to say that it is in the list. */
#include "guard/guard.h"

/* True when `block`, which the slot's state says is in a list, is what a pop may take. */
static bool header_or_start_stands(const struct hak_located *at, base_t block,
                                   unsigned class_index) {
    if (!at->slot || block.p != at->base)
        return false;
    return !hak_layout_has_header() || hak_list_header_stands(at->base, class_index);
}

HAK_TRACER_TEXT bool hak_check_pop(enum hak_record_kind kind, enum hak_place place, base_t block,
                                   unsigned class_index) {
    struct hak_located at;
    bool is_slot = hak_locate_slot(block.p, &at);
    struct hak_finding finding = {
        .kind = kind,
        .pointer = block.p,
        .offset_bytes = is_slot ? block.p - at.base : 0,
        .class_found = class_index,
    };
    if (HAK_UNLIKELY(is_slot && at.class_index != class_index))
        finding.code = HAK_FAULT_CLASS_MISMATCH;
    else if (HAK_UNLIKELY(is_slot && block.p == at.base && at.slot->place != place))
        finding.code = HAK_FAULT_WRONG_LAYER_MOVE;
    else if (HAK_UNLIKELY(!header_or_start_stands(&at, block, class_index)))
        finding.code = HAK_FAULT_TLS_SLL_HDR_RESET;
    else
        return true;
    hak_report_fault(&at, &finding);
    return false;
}
