/* `core FILE --check`: all that was found, as text and JSON. */
#include "viewer/corefile/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/parts.h"

/* ---- text ------------------------------------------------------------------------------------ */

/* The bytes in hexadecimal, "..." if there are more. */
static void add_bytes(struct hak_text *text, const uint8_t *bytes, unsigned count, uint64_t all) {
    for (unsigned i = 0; i < count; i++)
        hak_text_add(text, "%s%02x", i ? " " : "", bytes[i]);
    hak_text_add(text, "%s\n", all > count ? " ..." : "");
}

/* Appends a finding's lines: headline, block, damage, guess; of a disagreement the headline
 * only. */
static void add_finding(struct hak_text *text, const struct core_finding *finding) {
    const struct hak_fault_words *words = hak_words_fault(finding->code);
    const struct core_block *block = &finding->block;
    const struct core_damage *damage = &finding->damage;
    if (!words) {
        hak_text_add(text, "verify: ");
        hak_text_add_text(text, &finding->text);
        hak_text_add(text, "\n");
        return;
    }
    hak_text_add(text, "HKM-%u %s: ", words->code, words->name);
    hak_text_add_text(text, &finding->text);
    hak_text_add(text, "\n");
    if (block->kind != CORE_NONE) {
        hak_text_add_at(text, 2, "block");
        hak_text_add_at(text, 14, "0x%" PRIx64 ", base 0x%" PRIx64 ", %s\n", block->user,
                        block->base, core_state_sentence(block));
        core_add_place(text, block);
    }
    if (damage->bytes == 0 && finding->address) {
        hak_text_add_at(text, 2, "pointer");
        hak_text_add_at(text, 14, "0x%" PRIx64 "\n", finding->address);
    }
    if (damage->bytes) {
        hak_text_add_at(text, 2, "damage");
        hak_text_add_at(text, 14, "from 0x%" PRIx64 " to 0x%" PRIx64 "\n", damage->first,
                        damage->last);
    }
    if (finding->shown) {
        uint64_t all = damage->last - damage->first + 1;
        hak_text_add_at(text, 2, "found");
        hak_text_add_at(text, 14, "%s", "");
        add_bytes(text, finding->found, finding->shown, all);
        hak_text_add_at(text, 2, "expected");
        hak_text_add_at(text, 14, "%s", "");
        add_bytes(text, finding->due, finding->shown, all);
    }
    if (finding->guess) {
        hak_text_add_at(text, 2, "GUESS");
        hak_text_add_at(text, 14, "%s\n", finding->guess);
    }
}

/* The sums of what was found and what was compared. */
static void add_check_sum(struct hak_text *text, const struct core_check *check) {
    uint64_t sum = check->faults + check->disagreements;
    if (sum > check->count)
        hak_text_add(text, "and %s more\n", hak_words_number(sum - check->count));
    if (sum == 0)
        hak_text_add(text, "no damage found");
    else
        hak_text_add(text, "%s, %s", hak_words_count(check->faults, "fault", "faults"),
                     hak_words_count(check->disagreements, "disagreement", "disagreements"));
    hak_text_add(text, " in %s, %s, %s\n",
                 hak_words_count(check->superslabs, "SuperSlab", "SuperSlabs"),
                 hak_words_count(check->slots, "slot", "slots"),
                 hak_words_count(check->large, "large block", "large blocks"));
    hak_text_add(text, "bytes around %s and in %s were compared\n",
                 hak_words_count(check->borders, "live block", "live blocks"),
                 hak_words_count(check->freed, "freed one", "freed ones"));
}

/* The heaps that were left out. */
static void add_left_out(struct hak_text *text, const struct core_check *check) {
    for (int n = 0; n < check->blocks->tables.count; n++)
        for (size_t heap = 0; heap < check->blocks->half[n].heap_count; heap++)
            if (check->is_at_work[n][heap])
                hak_text_add(text, "verify: left out heap %zu: its thread is at work\n", heap);
}

/* Prints faults first, then disagreements. False, and said. */
static bool print_check_text(struct view *view, const struct core_check *check) {
    struct hak_text text = {0};
    (void)view;
    for (size_t i = 0; i < check->count; i++)
        if (check->finding[i].code)
            add_finding(&text, &check->finding[i]);
    for (size_t i = 0; i < check->count; i++)
        if (!check->finding[i].code)
            add_finding(&text, &check->finding[i]);
    add_left_out(&text, check);
    add_check_sum(&text, check);
    return view_print(&text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The bytes as a string of hexadecimal digits, CORE_DAMAGE_SHOWN bytes at most. */
static json_t *hex_json(const uint8_t *bytes, unsigned count) {
    char hex[2 * CORE_DAMAGE_SHOWN + 1] = "";
    for (unsigned i = 0; i < count; i++)
        (void)snprintf(hex + (size_t)2 * i, 3, "%02x", bytes[i]);
    return json_string(hex);
}

static json_t *damage_json(const struct core_finding *finding) {
    return hak_json_object(ADDRESS("first", finding->damage.first),
                           ADDRESS("last", finding->damage.last),
                           NUMBER("bytes", finding->damage.bytes),
                           JSON("found", hex_json(finding->found, finding->shown)),
                           JSON("expected", hex_json(finding->due, finding->shown)));
}

static json_t *finding_json(const struct core_finding *finding) {
    const struct hak_fault_words *words = hak_words_fault(finding->code);
    return hak_json_object(
        JSON("code", words ? json_sprintf("HKM-%u", words->code) : json_null()),
        JSON("name", words ? json_string(words->name) : json_null()),
        TEXT("text", hak_text_string(&finding->text)), ADDRESS("pointer", finding->address),
        JSON("block",
             finding->block.kind == CORE_NONE ? json_null() : core_block_json(&finding->block)),
        JSON("damage", finding->damage.bytes ? damage_json(finding) : json_null()),
        JSON("guess", finding->guess ? json_string(finding->guess) : json_null()));
}

static bool print_check_json(struct view *view, const struct core_check *check) {
    json_t *document = core_document(view, check->blocks), *object = json_object(),
           *list = json_array();
    hak_json_set(object, NUMBER("faults", check->faults),
                 NUMBER("disagreements", check->disagreements),
                 NUMBER("superslabs", check->superslabs), NUMBER("slots", check->slots),
                 NUMBER("large_blocks", check->large), NUMBER("borders_compared", check->borders),
                 NUMBER("freed_compared", check->freed));
    for (size_t i = 0; i < check->count; i++)
        json_array_append_new(list, finding_json(&check->finding[i]));
    hak_json_set(object, JSON("findings", list));
    return core_print_json(check->blocks, hak_json_set(document, JSON("check", object)));
}

/* ---- the command ----------------------------------------------------------------------------- */

int core_check(struct view *view, struct core_blocks *blocks, uint64_t address) {
    (void)address;
    struct core_check check = {.blocks = blocks,
                               .finding = calloc(CORE_FINDINGS_MAX, sizeof *check.finding)};
    bool has_memory = check.finding != NULL, is_said = false;
    for (int i = 0; i < blocks->tables.count; i++)
        has_memory = has_memory && core_find_at_work(&check, i);
    for (int i = 0; has_memory && i < blocks->tables.count; i++) {
        core_check_bytes(&check, &blocks->half[i]);
        core_check_books(&check, &blocks->half[i]);
    }
    if (!has_memory)
        view_error("out of memory");
    else
        is_said = view->json ? print_check_json(view, &check) : print_check_text(view, &check);
    for (size_t i = 0; i < check.count; i++)
        hak_text_free(&check.finding[i].text);
    for (int i = 0; i < CORE_TABLES_MAX; i++)
        free(check.is_at_work[i]);
    free(check.finding);
    if (!is_said)
        return VIEW_UNREADABLE;
    return check.faults + check.disagreements ? VIEW_FAULT : VIEW_OK;
}
