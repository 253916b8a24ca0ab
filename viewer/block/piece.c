/* Describes the pieces of the program's own pools around an address, in words and JSON. */
#include "viewer/block/piece.h"

#include <inttypes.h>
#include <jansson.h>
#include "hop.h"
#include "report/words/words.h"

int piece_read(struct view *view, uint64_t address, uint32_t process, uint64_t until,
               struct hak_piece_story *out) {
    *out = (struct hak_piece_story){.lives_total = 0};
    if (hak_store_is_profile_only(view->reader))
        return 0;
    return hak_piece_story_read(view->reader, address, process, until, out);
}

static const struct hak_piece_life *last_of(const struct hak_piece_story *story) {
    return &story->life[hak_piece_lives_kept(story) - 1];
}

/* "freed", "reset": the state of the piece, by the event that ended it. */
static const char *state_of(const struct hak_piece_life *life) {
    return !life->end.id                        ? "live"
           : life->end.kind == HAK_PIECE_FREE   ? "freed"
           : life->end.kind == HAK_POOL_RESET   ? "reset with its pool"
           : life->end.kind == HAK_POOL_DESTROY ? "destroyed with its pool"
           : life->end.kind == HAK_PIECE_MOVE   ? "moved by its pool"
                                                : "handed out again";
}

/* A row for a call, with --stacks its stack below it. */
static void add_call(struct answer *calls, struct view *view, const struct hak_event *e) {
    answer_row(calls, FIGURE("event", hak_words_number, e->id),
               FIGURE("time", hak_words_time, e->ns), CELL("<what", hak_words_call(e)),
               CELL("<thread", view_thread_label(view, e->thread)),
               MADE("<where", view_add_place, view, e->stack));
    if (view_given(view, "stacks")) {
        struct hak_text stack = {0};
        view_add_event_stack(&stack, view, e, 4);
        table_add_below(&calls->table, &stack);
    }
}

void piece_add(struct hak_text *text, struct view *view, uint64_t address,
               const struct hak_piece_story *story) {
    if (!story->lives_total)
        return;
    const struct hak_piece_life *last = last_of(story);
    struct answer calls = answer_begin(view, false);
    uint64_t into = address - last->birth.address;
    hak_text_add(text, "It is %s%sa piece of %s that the program's pool %s handed out, %s",
                 into ? hak_words_bytes(into) : "the start of ", into ? " into " : "",
                 hak_words_bytes(last->bytes), hak_words_quoted(last->pool, story->pool_name),
                 state_of(last));
    hak_text_add(text, "; %s in this capture.\n\n",
                 hak_words_count(story->lives_total, "piece", "pieces"));
    for (int i = 0; i < hak_piece_lives_kept(story); i++) {
        add_call(&calls, view, &story->life[i].birth);
        if (story->life[i].end.id && story->life[i].end.kind != HAK_PIECE_ALLOC)
            add_call(&calls, view, &story->life[i].end);
    }
    answer_print(text, &calls);
    hak_text_add(text, "\n");
}

json_t *piece_json(struct view *view, uint64_t address, const struct hak_piece_story *story) {
    if (!story->lives_total)
        return json_null();
    const struct hak_piece_life *last = last_of(story);
    bool with_frames = view_given(view, "stacks");
    json_t *lives = json_array();
    for (int i = 0; i < hak_piece_lives_kept(story); i++)
        json_array_append_new(
            lives,
            hak_json_object(
                JSON("birth", hak_json_event(view->reader, &story->life[i].birth, with_frames)),
                JSON("end", story->life[i].end.id
                                ? hak_json_event(view->reader, &story->life[i].end, with_frames)
                                : json_null())));
    return hak_json_object(
        NUMBER("process", last->birth.process), ADDRESS("start", last->birth.address),
        NUMBER("bytes", last->bytes), NUMBER("offset", address - last->birth.address),
        NUMBER("pool", last->pool), TEXT("pool_name", story->pool.id ? story->pool_name : NULL),
        WORD("state", state_of(last)), NUMBER("lives_total", story->lives_total),
        JSON("lives", lives));
}
