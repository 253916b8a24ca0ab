/* Runs of pages made anew in the child of a fork, from what is in use alone. */
#include "large/runs.h"
#include "unit/large/large_world.h"

enum { CHUNKS = 4, RUNS = 200 };

/* Pages in use: by chunk and first page, how many. */
static struct hak_page_chunk *chunks[CHUNKS];
static uint32_t used[CHUNKS][HAK_CHUNK_PAGES];
static unsigned dropped;

static unsigned number_of(const struct hak_page_chunk *chunk) {
    unsigned i = 0;
    while (chunks[i] != chunk)
        i++;
    return i;
}

static uint32_t used_at(const struct hak_page_chunk *chunk, uint32_t page) {
    return used[number_of(chunk)][page];
}

static void drop(struct hak_page_chunk *chunk) {
    chunks[number_of(chunk)] = NULL;
    dropped++;
}

static void give(struct hak_runs *runs, unsigned chunk, uint32_t first) {
    uint32_t pages = used[chunk][first];
    used[chunk][first] = 0;
    uint32_t dirty = first % 3 ? pages : 0; /* some are given back to the kernel before */
    if (hak_runs_give(runs, chunks[chunk], first, pages, dirty))
        chunks[chunk] = NULL;
}

static void take_some(struct hak_runs *runs, uint32_t *random) {
    for (int i = 0; i < RUNS; i++) {
        uint32_t pages = 1 + next_random(random) % 40;
        struct hak_taken_run run = hak_runs_take(runs, pages);
        if (run.chunk)
            used[number_of(run.chunk)][run.first] = pages;
    }
}

static void give_some(struct hak_runs *runs, uint32_t *random, unsigned share) {
    for (unsigned c = 0; c < CHUNKS; c++)
        for (uint32_t page = 0; chunks[c] && page < HAK_CHUNK_PAGES; page++)
            if (used[c][page] && next_random(random) % share == 0)
                give(runs, c, page);
}

static size_t count_used(void) {
    size_t pages = 0;
    for (unsigned c = 0; c < CHUNKS; c++)
        for (uint32_t page = 0; page < HAK_CHUNK_PAGES; page++)
            pages += used[c][page];
    return pages;
}

static void verify(const struct hak_runs *runs) {
    size_t free_pages = 0, used_pages = 0;
    const char *wrong = hak_runs_verify(runs, &free_pages, &used_pages);
    ck_assert_msg(!wrong, "%s", wrong);
    ck_assert_uint_eq(used_pages, count_used());
}

/* All that the child does not believe. */
static void scramble(struct hak_runs *runs, uint32_t *random) {
    runs->filled = next_random(random);
    runs->newest = chunks[0];
    for (unsigned bin = 0; bin < HAK_RUN_BINS; bin++)
        runs->bins[bin] = (struct hak_run *)(uintptr_t)16;
    for (unsigned c = 0; c < CHUNKS; c++) {
        if (!chunks[c])
            continue;
        chunks[c]->prev = chunks[c];
        chunks[c]->used_pages = chunks[c]->top = next_random(random);
        for (uint32_t page = 0; page < HAK_CHUNK_PAGES; page++) {
            struct hak_run *run = &chunks[c]->runs[page];
            run->pages = next_random(random);
            run->next = run->prev = run;
        }
    }
}

TEST(runs_are_made_anew_from_what_is_in_use, .until = 20) {
    struct hak_runs runs = {0};
    uint32_t random = (uint32_t)_i + 1;
    memset(used, 0, sizeof used);
    for (int c = 0; c < CHUNKS; c++) {
        chunks[c] = hak_chunk_map();
        hak_runs_add(&runs, chunks[c]);
        take_some(&runs, &random);
        give_some(&runs, &random, 3);
    }
    verify(&runs);
    if (chunks[1]) /* nothing of it is in use, and the thread had not said so yet */
        memset(used[1], 0, sizeof used[1]);
    bool has_empty = chunks[1] != NULL;
    dropped = 0;
    scramble(&runs, &random);
    hak_runs_rebuild(&runs, used_at, drop);
    verify(&runs);
    ck_assert(dropped >= has_empty);
    for (int i = 0; i < 5; i++) {
        take_some(&runs, &random);
        verify(&runs);
        give_some(&runs, &random, 2);
        verify(&runs);
    }
}

/* Pages that were never handed out are known to be zero; those that were may not be. */
TEST(what_was_handed_out_is_not_fresh) {
    struct hak_runs runs = {0};
    memset(used, 0, sizeof used);
    chunks[0] = hak_chunk_map();
    hak_runs_add(&runs, chunks[0]);
    struct hak_taken_run first = hak_runs_take(&runs, 10), second = hak_runs_take(&runs, 10);
    ck_assert(first.is_fresh && second.is_fresh);
    used[0][0] = 10;
    hak_runs_rebuild(&runs, used_at, drop);
    struct hak_taken_run dirty = hak_runs_take(&runs, 5);
    ck_assert(dirty.chunk == chunks[0] && dirty.first >= 10 && !dirty.is_fresh);
}

/* Nor are parts of a run of which one page is resident, wherever that lies. */
TEST(no_part_of_a_run_is_fresh_where_a_page_of_it_is_resident) {
    struct hak_runs runs = {0};
    struct hak_page_chunk *chunk = hak_chunk_map();
    hak_runs_add(&runs, chunk);
    (void)hak_runs_take(&runs, 1);
    uint32_t first = hak_runs_take(&runs, 100).first;
    ck_assert_ptr_null(hak_runs_give(&runs, chunk, first, 100, 1));
    ck_assert(!hak_runs_take(&runs, 10).is_fresh); /* of the tail */
    hak_runs_add(&runs, hak_chunk_map());
    for (int i = 0; i < 9; i++) {
        struct hak_taken_run taken = hak_runs_take(&runs, 10);
        ck_assert(taken.chunk == chunk && !taken.is_fresh);
    }
    ck_assert_ptr_null(hak_runs_give(&runs, chunk, first, 10, 0));
    ck_assert(hak_runs_take(&runs, 10).is_fresh);
}

RUN_TESTS()
