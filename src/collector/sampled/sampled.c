/* Writes the rows, names and runs of heap profiles that were read out of a program. */
#include "collector/sampled/sampled.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "collector/capture/capture.h"
#include "collector/kernel/kernel.h"
#include "base/growing.h"
#include "store/profile/profile.h"

#define ALL_NAMES_NS ((uint64_t)60000000000)
enum { RESOLVE_NS = 100000000, WAIT_NS = 10000000, STACK_DEPTH = 256 };

struct sampling {
    struct hak_capture capture;
    const struct hak_sampled_program *program;
    struct hak_profile_keys keys;
    struct hak_profile_run *run;    /* of each pull */
    struct hak_amount *came, *went; /* of each key, up to the pull at hand */
    uint32_t came_room, went_room;
    uint32_t *row_of; /* of each node of the pull at hand its row, 0 = not yet */
    uint64_t last_event, live_bytes;
    uint32_t process;
};

/* ---- stacks ------------------------------------------------------------------------------------
 */

/* Finds the row of a node, after those of its callers; 0: none of them has an address that can be
 * shown. False: no memory. */
static bool add_node(struct sampling *s, const struct hak_sampled_pull *pull, uint32_t number,
                     uint32_t *row) {
    uint32_t chain[STACK_DEPTH], count = 0;
    *row = 0;
    for (uint32_t at = number; at && !*row && count < STACK_DEPTH; at = pull->node[at].parent) {
        *row = s->row_of[at];
        if (!*row)
            chain[count++] = at;
    }
    while (count) {
        uint32_t at = chain[--count];
        if (!pull->node[at].address)
            continue;
        *row = hak_rows_find_node(&s->capture.rows, *row, s->process, 0, pull->node[at].address);
        if (!*row)
            return false;
        s->row_of[at] = *row;
    }
    return true;
}

/* ---- sums --------------------------------------------------------------------------------------
 */

/* Adds a site's sums to those of its key. False: no memory. */
static bool add_site(struct sampling *s, const struct hak_sampled_pull *pull,
                     const struct hak_sampled_site *site) {
    uint32_t stack, key;
    if (!add_node(s, pull, site->node, &stack) ||
        (key = hak_profile_key(&s->keys, 0, stack)) == 0 ||
        !hak_growing_reach(&s->came, key, &s->came_room, sizeof *s->came) ||
        !hak_growing_reach(&s->went, key, &s->went_room, sizeof *s->went))
        return false;
    hak_amount_add(&s->came[key], site->came);
    hak_amount_add(&s->went[key], site->went);
    return true;
}

static uint64_t less(uint64_t from, uint64_t what) {
    return from > what ? from - what : 0;
}

/* By how much a sum is more than before; sums only grow. */
static struct hak_amount growth_of(struct hak_amount now, struct hak_amount before) {
    return (struct hak_amount){less(now.blocks, before.blocks), less(now.bytes, before.bytes)};
}

/* Makes the rows of a run: what came and went of each key since the sums in `before`. False: no
 * memory. */
static bool make_run_rows(struct sampling *s, struct hak_profile_run *run,
                          const struct hak_amount *came_before,
                          const struct hak_amount *went_before, uint32_t keys_before) {
    const struct hak_amount none = {0};
    for (uint32_t key = 1; key <= s->keys.count && key < s->came_room; key++) {
        bool is_old = key <= keys_before;
        struct hak_profile_row row = {
            .process = s->process,
            .key = key,
            .came = growth_of(s->came[key], is_old ? came_before[key] : none),
            .went = growth_of(s->went[key], is_old ? went_before[key] : none)};
        if (!(row.came.blocks | row.came.bytes | row.went.blocks | row.went.bytes))
            continue;
        if (!hak_growing_make_room(&run->row, run->rows, &run->row_room, sizeof *run->row))
            return false;
        run->row[run->rows++] = row;
        s->live_bytes += row.came.bytes - row.went.bytes;
    }
    return true;
}

/* Ends the run at its pull: its events, its times and the bytes live then. False: no memory. */
static bool end_sampled_run(struct sampling *s, struct hak_profile_run *run,
                            const struct hak_sampled_pull *pull, uint64_t from_ns) {
    uint64_t samples = pull->came_samples + pull->went_samples, before = s->last_event;
    run->first = before + 1;
    run->last = s->last_event = samples > before ? samples : before + 1;
    run->is_alone = true;
    run->tree = (struct hak_profile_tree){.first_ns = from_ns,
                                          .last_ns = pull->ns - s->capture.start_ns,
                                          .live_bytes = s->live_bytes,
                                          .most_bytes = s->live_bytes,
                                          .most_at = run->last,
                                          .most_ns = pull->ns - s->capture.start_ns};
    if (!hak_growing_make_room(&run->process, 0, &run->process_room, sizeof *run->process))
        return false;
    run->process[run->processes++] = (struct hak_profile_process){.process = s->process,
                                                                  .live_bytes = s->live_bytes,
                                                                  .most_bytes = s->live_bytes,
                                                                  .most_at = run->last,
                                                                  .most_ns = run->tree.most_ns};
    return true;
}

/* Makes a pull's run, from the one before. False: no memory. */
static bool make_sampled_run(struct sampling *s, const struct hak_sampled_pull *pull,
                             struct hak_profile_run *run, uint64_t from_ns) {
    struct hak_amount *came = s->came, *went = s->went;
    uint32_t keys = s->keys.count;
    bool has_memory = true;
    s->came = s->went = NULL;
    s->came_room = s->went_room = 0;
    s->row_of = calloc((size_t)pull->nodes + 1, sizeof *s->row_of);
    has_memory = s->row_of != NULL;
    for (uint32_t i = 0; i < pull->sites && has_memory; i++)
        has_memory = add_site(s, pull, &pull->site[i]);
    has_memory = has_memory && make_run_rows(s, run, came, went, came ? keys : 0) &&
                 end_sampled_run(s, run, pull, from_ns);
    free(s->row_of);
    free(came);
    free(went);
    s->row_of = NULL;
    return has_memory;
}

/* ---- rows and names ----------------------------------------------------------------------------
 */

/* Adds the process and its modules. False: no memory. */
static bool add_program(struct sampling *s, const struct hak_sampled_pull *last) {
    const struct hak_sampled_program *p = s->program;
    struct hak_process_row row = {.pid = p->pid,
                                  .parent_pid = p->parent_pid,
                                  .session = 1,
                                  .start_time = p->start_time,
                                  .end_ns = p->has_ended ? last->ns - s->capture.start_ns : 0,
                                  .program = p->program,
                                  .command_line = p->command_line};
    s->process = hak_rows_add_process(&s->capture.rows, &row);
    struct hak_process_info *info = hak_rows_process_info(&s->capture.rows, s->process);
    if (!info)
        return false;
    info->outer_pid = p->has_ended ? 0 : p->pid;
    for (uint32_t i = 0; i < p->modules; i++) {
        const struct hak_sampled_module *m = &p->module[i];
        struct hak_module_row module = {.process = s->process,
                                        .start = m->start,
                                        .end = m->end,
                                        .load_bias = m->bias,
                                        .path = m->path,
                                        .build_id = m->build_id};
        if (!hak_rows_add_module(&s->capture.rows, &module, last->ns - s->capture.start_ns))
            return false;
    }
    if (last->unsampled)
        hak_rows_add_loss(&s->capture.rows, s->process, 0, 0, last->ns - s->capture.start_ns,
                          last->unsampled, "no memory for the sample");
    return !s->capture.rows.out_of_memory;
}

/* Names all stacks, waiting for the debug information that is being read, ALL_NAMES_NS at most:
 * frames that have no name then are shown as their module and offset. */
static void name_sampled_stacks(struct sampling *s) {
    const struct timespec wait = {.tv_nsec = WAIT_NS};
    uint64_t until = hak_time_ns() + ALL_NAMES_NS;
    while (hak_time_ns() < until) {
        enum hak_resolve_state state =
            hak_resolve_some(&s->capture.resolve, &s->capture.rows, RESOLVE_NS);
        if (state == HAK_RESOLVE_DONE)
            return;
        if (state == HAK_RESOLVE_WAIT)
            nanosleep(&wait, NULL);
    }
}

static int put_meta_number(struct sampling *s, const char *key, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return hak_store_put_meta(s->capture.writer, key, text);
}

/* Stores what the capture is. 0, or an error. */
static int put_sampled_meta(struct sampling *s, const struct hak_sampled_pull *last) {
    const struct hak_sampled_program *p = s->program;
    struct hak_store_writer *w = s->capture.writer;
    int error = hak_store_keep_profile_only(w);
    if (!error)
        error = hak_store_put_meta(w, "program", p->program);
    if (!error)
        error = hak_store_put_meta(w, "command_line", p->command_line);
    if (!error && p->level)
        error = hak_store_put_meta(w, "check", p->level);
    if (!error)
        error = hak_store_put_meta(w, "layout", "same");
    if (!error)
        error = put_meta_number(s, "started", s->capture.rows.started_ns);
    if (!error)
        error = put_meta_number(s, "monotonic_start_ns", s->capture.start_ns);
    if (!error)
        error = put_meta_number(s, "sampled_rate", last->rate);
    if (!error)
        error = put_meta_number(s, "sampled_blocks", last->came_samples);
    if (!error && last->unplaced + last->broken)
        error = put_meta_number(s, "sampled_without_stack", last->unplaced + last->broken);
    return error;
}

/* ---- the store ---------------------------------------------------------------------------------
 */

/* Puts all rows, names and runs in one transaction. 0, or an error. */
static int put_sampled(struct sampling *s, const struct hak_sampled_pull *pull, int pulls) {
    struct hak_store_writer *w = s->capture.writer;
    int error = put_sampled_meta(s, &pull[pulls - 1]);
    if (!error)
        error = hak_rows_flush(&s->capture.rows, w);
    if (!error)
        error = hak_resolve_flush(&s->capture.resolve, w);
    if (!error)
        error =
            hak_profile_put_ready(hak_store_writer_database(w), &s->keys, s->run, (uint32_t)pulls);
    return error;
}

/* Makes the runs of all pulls, and the nodes of their stacks. False: no memory. */
static bool make_sampled_runs(struct sampling *s, const struct hak_sampled_pull *pull, int pulls) {
    uint64_t from_ns = 0;
    s->run = calloc((size_t)pulls, sizeof *s->run);
    if (!s->run)
        return false;
    for (int i = 0; i < pulls; i++) {
        if (!make_sampled_run(s, &pull[i], &s->run[i], from_ns))
            return false;
        from_ns = s->run[i].tree.last_ns;
    }
    return true;
}

/* Time 0 of the capture is the first sample. */
static void set_begin(struct sampling *s, const struct hak_sampled_pull *first) {
    const struct hak_sampled_program *p = s->program;
    uint64_t ago;
    s->capture.start_ns = first->start_ns;
    ago = less(p->monotonic_ns, first->start_ns);
    s->capture.rows.started_ns = less(p->realtime_ns, ago);
}

static void free_sampling(struct sampling *s, int pulls) {
    for (int i = 0; i < pulls && s->run; i++)
        hak_profile_run_free(&s->run[i]);
    free(s->run);
    free(s->came);
    free(s->went);
    hak_profile_keys_free(&s->keys);
    hak_resolve_free(&s->capture.resolve);
    hak_rows_free(&s->capture.rows);
}

int hak_sampled_store(const struct hak_sampled_program *program,
                      const struct hak_sampled_pull *pull, int pulls, const char *path,
                      bool replaces, uint64_t *first_end) {
    struct sampling s = {.program = program};
    set_begin(&s, &pull[0]);
    bool has_memory = hak_resolve_make(&s.capture.resolve) && add_program(&s, &pull[pulls - 1]) &&
                      make_sampled_runs(&s, pull, pulls);
    int error = has_memory ? hak_store_create(path, replaces, &s.capture.writer)
                           : hak_store_no_memory(path);
    if (!error) {
        name_sampled_stacks(&s);
        error = hak_store_begin(s.capture.writer);
        if (!error)
            error = put_sampled(&s, pull, pulls);
        if (error)
            hak_store_rollback(s.capture.writer);
        int unfinished = hak_store_finish(s.capture.writer);
        error = error ? error : unfinished;
    }
    if (first_end && s.run)
        *first_end = s.run[0].last;
    free_sampling(&s, pulls);
    return error;
}
