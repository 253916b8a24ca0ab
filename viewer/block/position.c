/* An address and its block in words. */
#include "viewer/block/position.h"

#include <inttypes.h>
#include "report/words/words.h"
#include "viewer/block/beside.h"
#include "viewer/block/mapping.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

void view_add_position(struct hak_text *text, struct view *view, const struct view_position *p) {
    const char *class_name = hak_words_class(view->reader, p->block->class_index);
    hak_text_add(text, "0x%" PRIx64 " is ", p->address);
    if (!p->was_handed_out && view_is_light(view)) {
        hak_text_add(text, "in a block that was not watched");
        return;
    }
    if (!p->was_handed_out) {
        hak_text_add(text, "in a slot that was never handed out in this capture, %s long (%s)",
                     hak_words_bytes(p->block->slot_bytes), class_name);
        return;
    }
    if (p->address == p->user)
        hak_text_add(text, "the start of a block");
    else if (p->address < p->user)
        hak_text_add(text, "%s before a block", hak_words_bytes(p->user - p->address));
    else if (p->address - p->user < p->asked_bytes)
        hak_text_add(text, "%s into a block", hak_words_bytes(p->address - p->user));
    else
        hak_text_add(text, "%s past the end of a block",
                     hak_words_bytes(p->address - p->user - p->asked_bytes));
    hak_text_add(text, " of %s asked", hak_words_number(p->asked_bytes));
    if (p->block->class_index != HAK_CLASS_NONE)
        hak_text_add(text, ", %s in its slot", hak_words_number(p->block->slot_bytes));
    if (!hak_store_is_kept(view->reader))
        hak_text_add(text, " (%s)", class_name);
}

void view_add_slot(struct hak_text *text, struct view *view, const struct hak_block_key *block) {
    if (hak_store_is_kept(view->reader))
        return; /* its allocator's layers are not known, as is said of the capture */
    if (block->class_index == HAK_CLASS_NONE || block->slot_bytes == 0) {
        hak_text_add(text, "A large block with pages of its own (base 0x%" PRIx64 "). ",
                     block->base);
        return;
    }
    const struct hak_database *database = hak_store_database(view->reader);
    uint64_t superslab =
        hak_database_number(database, "SELECT value FROM meta WHERE key = 'superslab_bytes'", 0);
    uint64_t slab =
        hak_database_number(database, "SELECT value FROM meta WHERE key = 'slab_bytes'", 0);
    uint64_t first = hak_database_number(
        database, "SELECT first_slot_offset FROM class WHERE id = ?1", block->class_index);
    if (superslab == 0 || slab == 0)
        return;
    uint64_t inside = block->base % superslab;
    hak_text_add(text, "SuperSlab 0x%" PRIx64 ", slab %" PRIu64 ", slot %s (base 0x%" PRIx64 "). ",
                 block->base - inside, inside / slab,
                 hak_words_number((inside % slab - first) / block->slot_bytes), block->base);
}

void view_add_module(struct hak_text *text, struct view *view, uint64_t address) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT path, load_bias FROM module WHERE start <= ?1 AND ?1 < \"end\" LIMIT 1",
                "reading modules", address);
    if (hak_query_next(&q)) {
        hak_text_add(text, "It lies in %s", hak_query_text(&q, 0));
        hak_text_add(text, "+0x%" PRIx64 ": static data or code, not heap memory.\n",
                     address - hak_query_number(&q, 1));
    }
    hak_query_end(&q);
}

void view_add_block_process(struct hak_text *text, struct view *view,
                            const struct hak_block_key *block) {
    if (view->summary.processes < 2)
        return;
    hak_text_add(text, "Process ");
    view_add_process(text, view, block->process);
    hak_text_add(text, ". ");
}

void view_add_block_completeness(struct hak_text *text, const struct view *view,
                                 uint64_t lost_events, uint64_t stops) {
    const struct hak_store_summary *summary = &view->summary;
    if (stops > 0)
        hak_text_add(text, "An owner may be missing. ");
    if (lost_events > 0)
        hak_text_add(text, "%s lost while this block was seen: an owner may be missing.",
                     hak_words_count(lost_events, "event was", "events were"));
    else if (summary->lost_events > 0 && summary->stops == 0 && summary->trimmed_events == 0 &&
             !summary->ended_early)
        hak_text_add(text, "%s lost in this capture, none while this block was in use.",
                     hak_words_count(summary->lost_events, "event was", "events were"));
    else
        view_add_completeness(text, view);
}

static void add_nothing_known(struct hak_text *text, struct view *view, uint64_t address,
                              uint32_t process, const struct hak_mapped_place *mapping) {
    hak_text_add(text, "0x%" PRIx64 " was in no %sblock of ", address,
                 view_is_light(view) ? "watched " : "");
    if (process) {
        hak_text_add(text, "process ");
        view_add_process(text, view, process);
    } else {
        hak_text_add(text, "this capture");
    }
    hak_text_add(text, ".\n");
    size_t length = text->length;
    view_add_module(text, view, address);
    if (mapping->steps)
        mapping_add(text, view, address, mapping);
    if (text->length == length)
        beside_add(text, view, process, address);
    hak_text_add(text, "Looked in ");
    view_add_extent(text, view);
    hak_text_add(text, " for blocks that covered it at any time. ");
    view_add_completeness(text, view);
    hak_text_add(text, "\n");
}

static json_t *nothing_known_json(struct view *view, uint64_t address,
                                  const struct hak_mapped_place *mapping) {
    json_t *document = view_json_document(view);
    return hak_json_set(
        document, ADDRESS("address", address), JSON("block", json_null()),
        JSON("lives", json_array()), JSON("mapping", mapping_json(view, address, mapping)),
        JSON("nearest", mapping->steps ? json_array() : beside_json(view, 0, address)));
}

int view_answer_nothing_known(struct view *view, uint64_t address, uint64_t until) {
    struct hak_text text = {0};
    struct hak_mapped_place mapping;
    struct view_processes all = {0};
    bool has_process = view_given(view, "process") && view_read_process(view, &all);
    uint32_t process = has_process ? all.row[0] : 0;
    int found = mapping_read(view, address, process, until, &mapping);
    if (found < 0)
        return view_store_error(view, found);
    if (view->json) {
        view_print_document(view, nothing_known_json(view, address, &mapping));
    } else {
        add_nothing_known(&text, view, address, process, &mapping);
        view_print(&text);
    }
    hak_mapped_place_free(&mapping);
    return view_completeness(view);
}

json_t *view_block_json(struct view *view, const struct view_position *p, const char *state) {
    return hak_json_object(ADDRESS("base", p->block->base), ADDRESS("user", p->user),
                           KNOWN("asked_bytes", p->was_handed_out, p->asked_bytes),
                           NUMBER("slot_bytes", p->block->slot_bytes),
                           JSON("class", hak_json_class(view->reader, p->block->class_index)),
                           NUMBER("process", p->block->process), WORD("state", state));
}
