/* The sentence on an old owner that ended another one's block: which event, whose stack, where. */
#include "report/words/story.h"
#include "unit/store/capture.h"

enum { NEW_SESSION = 10, CLOSE_SESSION, PARSE_HEADER, HEADER_DONE, NEW_REPLY, REPLY_DONE };

/* Three owners of one slot; owner 1 keeps its pointer and frees owner 3's block. */
TEST(an_old_owner_is_named_by_its_stack) {
    struct hak_store_reader *r;
    struct hak_story *story;
    struct hak_text said = {0};
    char due[200];
    for (int i = 100; i < 200; i++) { /* sessions and replies elsewhere, ended as they should be */
        block_malloc(i, i & 1 ? NEW_SESSION : NEW_REPLY, 1);
        block_free(i, i & 1 ? CLOSE_SESSION : REPLY_DONE, 1);
    }
    block_malloc(5, NEW_SESSION, 1);
    block_free(5, CLOSE_SESSION, 1);
    capture_cut();
    block_malloc(5, PARSE_HEADER, 2);
    block_free(5, HEADER_DONE, 2);
    block_malloc(5, NEW_REPLY, 2);
    uint64_t stale = block_free(5, CLOSE_SESSION, 1);
    capture_cut();
    block_free_again(5, REPLY_DONE, 2);
    capture_finish();
    must(hak_store_open(capture.path, &r));
    must(hak_story_load(r, BLOCK(5), 0, 0, &story));
    ck_assert_int_eq(story->life_count, 3);
    hak_words_add_stale(&said, r, &story->lives[2]);
    snprintf(due, sizeof due,
             "event %lu has the stack that ended owner 1's life; nowhere else does this stack end "
             "a life that began like owner 3's, in function_14",
             (unsigned long)stale);
    ck_assert_str_eq(hak_text_string(&said), due);
    hak_text_free(&said);
    hak_story_free(story);
    hak_store_close(r);
}

RUN_TESTS(.set_up = capture_start, .tear_down = capture_end)
