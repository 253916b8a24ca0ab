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

/* Adds the name of the call, of a move with its two places. */
static void add_piece_call(struct hak_text *text, const struct hak_event *e) {
    hak_text_add(text, "%s", hak_words_call(e));
    if (e->kind == HAK_PIECE_MOVE)
        hak_text_add(text, ": %s", hak_words_change(e));
}

/* A row for a call, with --stacks its stack below it. */
static void add_call(struct answer *calls, struct view *view, const struct hak_event *e) {
    answer_row(calls, FIGURE("event", hak_words_number, e->id),
               FIGURE("time", hak_words_time, e->ns), MADE("<what", add_piece_call, e),
               CELL("<thread", view_thread_label(view, e->thread)),
               MADE("<where", view_add_place, view, e->stack));
    if (view_given(view, "stacks")) {
        struct hak_text stack = {0};
        view_add_event_stack(&stack, view, e, 4);
        table_add_below(&calls->table, &stack);
    }
}

/* Rows for the moves of a piece after its end. */
static void add_piece_moves(struct answer *calls, struct view *view,
                            const struct hak_piece_life *life) {
    for (int i = 0; i < hak_piece_moves_kept(life); i++)
        add_call(calls, view, &life->move[i]);
}

/* Says how many moves have no row. */
static void add_moves_left_out(struct hak_text *text, const struct hak_piece_story *story) {
    uint64_t left_out = 0;
    for (int i = 0; i < hak_piece_lives_kept(story); i++)
        left_out += story->life[i].moves_total - (uint64_t)hak_piece_moves_kept(&story->life[i]);
    if (left_out)
        hak_text_add(text, "Not shown: %s of these pieces.\n",
                     hak_words_count(left_out, "earlier move", "earlier moves"));
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
        add_piece_moves(&calls, view, &story->life[i]);
    }
    answer_print(text, &calls);
    add_moves_left_out(text, story);
    hak_text_add(text, "\n");
}

static json_t *piece_moves_json(struct view *view, const struct hak_piece_life *life,
                                bool with_frames) {
    json_t *moves = json_array();
    for (int i = 0; i < hak_piece_moves_kept(life); i++)
        json_array_append_new(moves, hak_json_event(view->reader, &life->move[i], with_frames));
    return moves;
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
                                : json_null()),
                JSON("moves", piece_moves_json(view, &story->life[i], with_frames)),
                NUMBER("moves_total", story->life[i].moves_total)));
    return hak_json_object(
        NUMBER("process", last->birth.process), ADDRESS("start", last->birth.address),
        NUMBER("bytes", last->bytes), NUMBER("offset", address - last->birth.address),
        NUMBER("pool", last->pool), TEXT("pool_name", story->pool.id ? story->pool_name : NULL),
        WORD("state", state_of(last)), NUMBER("lives_total", story->lives_total),
        JSON("lives", lives));
}
