/* Sentences on a block's story that the report and `why` both say. */
#include "report/words/story.h"

#include "report/words/words.h"
#include "hop.h"
#include "store/calls.h"
#include "superslab.h"

const struct hak_life *hak_story_life(const struct hak_story *story, uint32_t number) {
    for (int i = 0; i < story->life_count; i++)
        if (story->lives[i].number == number)
            return &story->lives[i];
    return NULL;
}

const struct hak_life *hak_story_stale(const struct hak_story *story) {
    for (int i = story->life_count - 1; i >= 0; i--)
        if (story->lives[i].stale_end)
            return &story->lives[i];
    return NULL;
}

uint64_t hak_life_bytes(const struct hak_life *life) {
    return life->resize_count > 0 ? life->resizes[life->resize_count - 1].size : life->birth.size;
}

/* The block's last move before the event; NULL: none. */
static const struct hak_event *event_before(const struct hak_story *story, uint64_t id) {
    const struct hak_event *before = NULL;
    for (int i = 0; i < story->move_count && story->moves[i].id != id; i++)
        if (hak_event_is_move(&story->moves[i]))
            before = &story->moves[i];
    return before;
}

/* The words for what was wrong with the pointer that a call was given. */
static void add_illegal_call(struct hak_text *text, const struct hak_event *wrong, uint64_t user) {
    const char *call = wrong->kind == HAK_FREE ? hak_call_given(wrong->subkind) : "realloc";
    if (user == 0)
        hak_text_add(text, "%s was given an address that belongs to no block", call);
    else if (wrong->address == user)
        hak_text_add(text, "%s was given a block that was already free", call);
    else
        hak_text_add(
            text, "%s was given a pointer %s %s the block's start", call,
            hak_words_bytes(wrong->address > user ? wrong->address - user : user - wrong->address),
            wrong->address > user ? "past" : "before");
}

bool hak_story_is_outside(const struct hak_story *story) {
    if (story->lives_total > 0 || story->block.class_index != HAK_CLASS_NONE)
        return false;
    for (int i = 0; i < story->move_count; i++)
        if (story->moves[i].generation != 0)
            return false;
    return true;
}

void hak_words_add_illegal(struct hak_text *text, struct hak_store_reader *r,
                           const struct hak_story *story, const struct hak_event *wrong,
                           uint64_t base, uint64_t user) {
    const char *kind = hak_words_kind(wrong->kind);
    int64_t offset = base ? (int64_t)(wrong->address - base) : 0;
    if (hak_event_is_call(wrong)) {
        add_illegal_call(text, wrong, user);
    } else if (hak_story_is_outside(story)) {
        hak_text_add(text, "%s took a pointer that no SuperSlab holds", kind);
    } else if (offset != 0 && wrong->address == user) {
        hak_text_add(text, "%s took a user pointer instead of the base", kind);
    } else if (offset != 0) {
        hak_text_add(text, "%s took a pointer %s %s the base instead of the base", kind,
                     hak_words_bytes((uint64_t)(offset < 0 ? -offset : offset)),
                     offset < 0 ? "before" : "past");
    } else if (wrong->class_index != story->block.class_index) {
        hak_text_add(text, "%s put a block of %s into a list of %s", kind,
                     hak_words_class(r, story->block.class_index),
                     hak_words_class(r, wrong->class_index));
    } else {
        const struct hak_event *before = event_before(story, wrong->id);
        hak_text_add(text, "%s took a block that was ", kind);
        if (!before)
            hak_text_add(text, "not where it takes blocks from");
        else if (before->kind == HAK_MALLOC || before->kind == HAK_REALLOC)
            hak_text_add(text, "%s", hak_words_place_sentence(HAK_PLACE_LIVE));
        else
            hak_text_add(text, "%s%s", before->kind == wrong->kind ? "already " : "",
                         hak_words_place_sentence(before->place));
    }
}

bool hak_words_add_evidence(struct hak_text *text, unsigned code, const struct hak_life *last) {
    if (!last || (code != 303 && code != 304))
        return false;
    if (code == 303)
        hak_text_add(
            text,
            "owner %u is the last one that had a pointer to it: it was written to after that "
            "free, before anyone else got it",
            last->number);
    else
        hak_text_add(text,
                     "owner %u is the last one that had a pointer to it; the report names the "
                     "access",
                     last->number);
    return true;
}

void hak_words_add_stale(struct hak_text *text, struct hak_store_reader *r,
                         const struct hak_life *life) {
    const char *function = hak_store_stack_function(r, life->birth.stack);
    hak_text_add(text,
                 "event %s has the stack that ended owner %u's life; nowhere else does this stack "
                 "end a life that began like owner %u's, in %s",
                 hak_words_number(life->ends[0].id), life->stale_owner, life->number,
                 function ? function : "that place");
}
