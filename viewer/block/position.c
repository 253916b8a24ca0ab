/* An address and its block in words. */
#include "viewer/block/position.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/block/beside.h"
#include "viewer/block/block.h"
#include "viewer/block/mapping.h"
#include "viewer/block/piece.h"
#include "viewer/capture/capture.h"
#include "superslab.h"

void block_add_distance(struct hak_text *text, uint64_t address, uint64_t user, uint64_t bytes) {
    if (address == user)
        hak_text_add(text, "the start of a block");
    else if (address < user)
        hak_text_add(text, "%s before a block", hak_words_bytes(user - address));
    else if (address - user < bytes)
        hak_text_add(text, "%s into a block", hak_words_bytes(address - user));
    else
        hak_text_add(text, "%s past the end of a block", hak_words_bytes(address - user - bytes));
}

/* Says where in its block the address lies, and the block's state. */
static void add_position(struct hak_text *text, struct view *view, const struct view_position *p) {
    const char *class_name = hak_words_class(view->reader, p->block.class_index);
    hak_text_add(text, "0x%" PRIx64 " is ", p->address);
    if (!p->state && view_is_light(view)) {
        hak_text_add(text, "in a block that was not watched");
        return;
    }
    if (!p->state) {
        hak_text_add(text, "in a slot that was never handed out in this capture, %s long (%s)",
                     hak_words_bytes(p->block.slot_bytes), class_name);
        return;
    }
    block_add_distance(text, p->address, p->user, p->asked_bytes);
    hak_text_add(text, " of %s asked", hak_words_number(p->asked_bytes));
    if (p->block.class_index != HAK_CLASS_NONE)
        hak_text_add(text, ", %s in its slot", hak_words_number(p->block.slot_bytes));
    if (!hak_store_is_kept(view->reader))
        hak_text_add(text, " (%s)", class_name);
    hak_text_add(text, ", %s", p->state);
}

/* "SuperSlab 0x.., slab 3, slot 65 (base 0x..). " */
static void add_slot(struct hak_text *text, struct view *view, const struct hak_block_key *block) {
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
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        "SELECT path, load_bias, build_id FROM module WHERE start <= ?1 AND ?1 < \"end\" LIMIT 1",
        "reading modules", address);
    if (hak_query_next(&q)) {
        uint64_t value = address - hak_query_number(&q, 1);
        hak_text_add(text, "It lies in ");
        hak_text_add_name(text, hak_query_text(&q, 0));
        hak_text_add(text, "+0x%" PRIx64, value);
        view_add_static_place(text, hak_query_text(&q, 0), hak_query_text(&q, 2), value);
    }
    hak_query_end(&q);
}

void view_add_block_completeness(struct hak_text *text, const struct view *view,
                                 const struct view_position *p) {
    const struct hak_store_summary *summary = &view->summary;
    if (p->stops > 0)
        hak_text_add(text, "An owner may be missing. ");
    if (p->lost_events > 0)
        hak_text_add(text, "%s lost while this block was seen: an owner may be missing.",
                     hak_words_count(p->lost_events, "event was", "events were"));
    else if (summary->lost_events > 0 && summary->stops == 0 && summary->trimmed_events == 0 &&
             !summary->ended_early)
        hak_text_add(text, "%s lost in this capture, none while this block was in use.",
                     hak_words_count(summary->lost_events, "event was", "events were"));
    else
        view_add_completeness(text, view);
    hak_text_add(text, "\n");
}

int view_block_completeness(const struct view *view, const struct view_position *p) {
    const struct hak_store_summary *summary = &view->summary;
    return p->lost_events + p->stops > 0 || summary->trimmed_events > 0 || summary->ended_early
               ? VIEW_INCOMPLETE
               : VIEW_OK;
}

void view_add_head(struct hak_text *text, struct view *view, const struct view_position *p,
                   const char *owners, const char *pool) {
    add_position(text, view, p);
    hak_text_add(text, "%s.\n", owners);
    add_slot(text, view, &p->block);
    hak_text_add(text, "%s", pool);
    if (view->summary.processes > 1) {
        hak_text_add(text, "Process ");
        view_add_process(text, view, p->block.process);
        hak_text_add(text, ". ");
    }
    view_add_block_completeness(text, view, p);
}

void view_add_block_fault(struct hak_text *text, struct view *view,
                          const struct hak_fault_words_row *fault, const char *name) {
    const struct hak_fault_words *words = hak_words_fault(fault->code);
    if (fault->id == 0)
        return;
    view_add_heading(text, view, "FAULT", 10);
    if (words)
        hak_text_add(text, "HKM-%u %s, ", words->code, words->name);
    else
        hak_text_add(text, "%s", name);
    hak_text_add(text, "event %s; `hakmem-trace faults %u", hak_words_number(fault->event),
                 fault->id);
    view_add_store_option(text, view);
    hak_text_add(text, "` is the report\n");
}

/* Says that the address was in no block, and what lies there: module, mapping, or the nearest
 * blocks. */
static void add_nothing_known(struct hak_text *text, struct view *view, uint64_t address,
                              uint32_t process, const struct hak_mapped_place *mapping,
                              const struct hak_piece_story *pieces) {
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
    piece_add(text, view, address, pieces);
    if (text->length == length)
        beside_add(text, view, process, address);
    hak_text_add(text, "Looked in ");
    view_add_extent(text, view);
    hak_text_add(text, " for blocks that covered it at any time. ");
    view_add_completeness(text, view);
    hak_text_add(text, "\n");
}

static json_t *nothing_known_json(struct view *view, uint64_t address,
                                  const struct hak_mapped_place *mapping,
                                  const struct hak_piece_story *pieces) {
    json_t *document = view_json_document(view);
    if (pieces->lives_total)
        hak_json_set(document, JSON("piece", piece_json(view, address, pieces)));
    return hak_json_set(
        document, ADDRESS("address", address), JSON("block", json_null()),
        JSON("lives", json_array()), JSON("mapping", mapping_json(view, address, mapping)),
        JSON("nearest", mapping->steps ? json_array() : beside_json(view, 0, address)));
}

/* Prints the whole answer where no block is known: what the program mapped there itself, or the
 * nearest blocks. Returns the exit status. */
static int answer_nothing_known(struct view *view, uint64_t address, uint32_t process,
                                uint64_t until) {
    struct hak_text text = {0};
    struct hak_mapped_place mapping;
    struct hak_piece_story pieces;
    view_start_pager(view);
    int found = mapping_read(view, address, process, until, &mapping);
    if (found >= 0)
        found = piece_read(view, address, process, until, &pieces);
    if (found < 0)
        return view_store_error(view, found);
    if (view->json) {
        view_print_document(view, nothing_known_json(view, address, &mapping, &pieces));
    } else {
        add_nothing_known(&text, view, address, process, &mapping, &pieces);
        view_print(&text);
    }
    hak_mapped_place_free(&mapping);
    return view_completeness(view);
}

/* Finds the newest fault of an access beside a block by `member` of its report, which is `address`;
 * of `event`, where that is not 0. By another member than the access's address, one in front of its
 * block alone: the record of one behind has the block's base. `block` gets the address of the block
 * that the report names. Returns the fault's row, 0: there is none. */
static uint32_t find_fault_beside(struct view *view, const struct view_position *p,
                                  uint32_t process, uint64_t event, const char *member,
                                  uint64_t address, uint64_t *block) {
    uint32_t row = 0;
    char digits[32];
    struct hak_query q = hak_ask(
        hak_store_database(view->reader),
        "SELECT id, json_extract(json, '$.block.user') FROM"
        " (SELECT * FROM fault WHERE (code = 302 OR (code = 301 AND ?4 = '$.fault.address'))"
        "  AND (?1 = 0 OR process = ?1) AND (?2 = 0 OR event = ?2) AND (?3 = 0 OR event <= ?3)"
        "  AND json_valid(json))"
        " WHERE json_extract(json, ?4) = ?5 ORDER BY id DESC LIMIT 1",
        "reading faults", process, event, p->until_id);
    snprintf(digits, sizeof digits, "0x%" PRIx64, address);
    if (q.statement) {
        sqlite3_bind_text(q.statement, 4, member, -1, SQLITE_STATIC);
        sqlite3_bind_text(q.statement, 5, digits, -1, SQLITE_TRANSIENT);
    }
    if (hak_query_next(&q)) {
        *block = strtoull(hak_query_text(&q, 1), NULL, 16);
        row = *block ? hak_query_id(&q, 0) : 0;
    }
    hak_query_end(&q);
    return row;
}

uint32_t view_fault_beside(struct view *view, const struct view_position *p) {
    uint64_t user;
    return p->fault_row ? p->fault_row
                        : find_fault_beside(view, p, p->block.process, 0, "$.block.base",
                                            p->block.base, &user);
}

/* Finds the block at the address: 1, 0 there is none, or an error. An access beside a block may
 * have been to a page that is closed around it, or to another block: `event`, the fault that was
 * asked for (0 = none), is of the block that its report names. So is an address that is known of
 * the fault alone. */
static int find_block(struct view *view, struct view_position *p, uint32_t process,
                      uint64_t event) {
    uint64_t user;
    struct view_position named = *p;
    int found = hak_lives_find(view->reader, p->address, process, p->until_id, p->until_ns,
                               &p->block, &p->lineage);
    if (found < 0 || (found && !event && p->block.base != p->address))
        return found;
    named.fault_row =
        find_fault_beside(view, p, process, event, "$.fault.address", p->address, &user);
    int result = named.fault_row ? hak_lives_find(view->reader, user, process, p->until_id,
                                                  p->until_ns, &named.block, &named.lineage)
                                 : 0;
    if (result > 0)
        *p = named;
    return result ? result : found;
}

/* Reads --at as an event. 0, or an exit status. */
static int read_moment(struct view *view, uint64_t *until) {
    struct view_moment at;
    const char *text = view_value(view, "at");
    if (!text)
        return 0;
    if (!view_read_moment(view, "at", text, &at))
        return view_question_status();
    int status = at.kind == VIEW_AT_PEAK ? view_find_peak(view, 0, &at) : 0;
    if (!status && at.kind == VIEW_AT_START) {
        view_error("--at %s: nothing has happened then", text);
        status = VIEW_USAGE;
    }
    *until = at.event;
    return status;
}

bool view_find_position(struct view *view, struct view_position *p, uint64_t *asked, int *status) {
    struct view_processes all;
    struct view_place place;
    bool counts = strncmp(view->argument[0], "p:", 2) == 0;
    *status = VIEW_USAGE;
    if (!view_read_process(view, &all))
        return false;
    uint32_t first = all.count > 0 ? all.row[0] : 0;
    *status = view_read_address(view, view->argument[0], first, &place)
                  ? read_moment(view, &p->until_id)
                  : view_question_status();
    if (*status)
        return false;
    p->address = place.address;
    p->fault_row = 0;
    bool has_process = all.count > 0;
    if (!has_process)
        all = (struct view_processes){.row = {place.process}, .count = 1};
    if (asked && counts) {
        *asked = place.event;
        all.count = 1; /* the one in which was counted */
    }
    int found = 0, at = 0;
    for (; at < all.count && !found; at += !found)
        found = find_block(view, p, all.row[at], counts ? 0 : place.event);
    if (found > 0 && p->lineage.count == 0) /* a damaged capture: of process 0 */
        found = 0;
    if (found > 0 && has_process)
        view_say_which_process(view, &all, all.row[at]);
    else if (found > 0 && place.process == 0)
        view_say_which_process_at(view, p->address, p->block.process);
    if (found <= 0)
        *status = found ? view_store_error(view, found)
                        : answer_nothing_known(view, p->address, first, p->until_id);
    return found > 0;
}

json_t *view_block_json(struct view *view, const struct view_position *p) {
    const char *state = p->state              ? p->state
                        : view_is_light(view) ? "not watched"
                                              : "never handed out";
    return hak_json_object(ADDRESS("base", p->block.base), ADDRESS("user", p->user),
                           KNOWN("asked_bytes", p->state, p->asked_bytes),
                           NUMBER("slot_bytes", p->block.slot_bytes),
                           JSON("class", hak_json_class(view->reader, p->block.class_index)),
                           NUMBER("process", p->block.process), WORD("state", state));
}
