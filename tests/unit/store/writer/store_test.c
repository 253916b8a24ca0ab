/* The reader gets out of a store what the writer puts into it: events by every filter, rows,
 * frames. */

#include <sys/stat.h>
#include "../capture.h"
#include "../stream.h"
#include "store/history/history.h"

#define EVENTS 200000

static struct hak_event *all;

static void stop(void) {
    capture_clean(capture.path);
    free(all);
    all = NULL;
}

static void put_people(struct hak_store_writer *w) {
    must(hak_store_put_process(
        w,
        &(struct hak_process_row){
            .id = 1, .pid = 4711, .session = 1, .program = "/bin/app", .command_line = "app -x"}));
    must(hak_store_put_process(
        w, &(struct hak_process_row){.id = 2, .parent = 1, .pid = 4712, .session = 1}));
    for (uint32_t i = 1; i <= 3; i++)
        must(hak_store_put_thread(
            w, &(struct hak_thread_row){.id = i, .process = 1, .number = i, .name = "worker"}));
    must(hak_store_put_module(w, &(struct hak_module_row){.id = 1,
                                                          .process = 1,
                                                          .start = 0x400000,
                                                          .end = 0x500000,
                                                          .load_bias = 0x400000,
                                                          .path = "/bin/app"}));
    must(hak_store_put_module(w, &(struct hak_module_row){.id = 2,
                                                          .process = 1,
                                                          .generation = 3,
                                                          .start = 0x600000,
                                                          .end = 0x700000,
                                                          .load_bias = 0x600000,
                                                          .path = "/usr/lib/hakmem-debug.so"}));
    must(hak_store_put_node(w, &(struct hak_node_row){.id = 1, .process = 1, .ip = 0x400100}));
    must(hak_store_put_node(
        w, &(struct hak_node_row){
               .id = 2, .parent = 1, .process = 2, .generation = 4, .ip = 0x600200}));
    must(hak_store_put_node(
        w, &(struct hak_node_row){
               .id = 3, .parent = 1, .process = 1, .generation = 2, .ip = 0x600200}));
    must(hak_store_put_frame(w, &(struct hak_frame_row){.module = 1,
                                                        .offset = 0x100,
                                                        .level = 0,
                                                        .line = 12,
                                                        .function = "inner",
                                                        .file = "a.h"}));
    must(hak_store_put_frame(w, &(struct hak_frame_row){.module = 1,
                                                        .offset = 0x100,
                                                        .level = 1,
                                                        .line = 40,
                                                        .function = "main",
                                                        .file = "a.c"}));
}

/* A store of EVENTS events in commits of growing size; `all[i]` has id i + 1. */
static void write_store(bool finish) {
    struct hak_store_writer *w;
    struct stream *s = stream_new(5, 3);
    all = malloc(EVENTS * sizeof *all);
    for (uint32_t i = 0; i < EVENTS; i++)
        all[i] = stream_next(s);
    free(s);
    must(hak_store_create(capture.path, 0, &w));
    must(hak_store_begin(w));
    put_people(w);
    must(hak_store_commit(w));
    for (uint32_t at = 0, step = 1; at < EVENTS; at += step, step = step * 3 + 1) {
        uint32_t count = step < EVENTS - at ? step : EVENTS - at;
        must(hak_store_begin(w));
        must(put_events(w, all + at, count));
        must(hak_store_put_cursor(w, &(struct hak_cursor_row){1, 2, at + count, 99}));
        must(hak_store_commit(w));
        step = count;
    }
    ck_assert_uint_eq(hak_store_last_event(w), EVENTS);
    if (finish)
        must(hak_store_finish(w));
}

static bool same(const struct hak_event *a, const struct hak_event *b) {
    return a->id == b->id && a->ns == b->ns && a->address == b->address && a->base == b->base &&
           a->size == b->size && a->old_address == b->old_address &&
           a->generation == b->generation && a->process == b->process && a->thread == b->thread &&
           a->stack == b->stack && a->kind == b->kind && a->class_index == b->class_index &&
           a->place == b->place && a->subkind == b->subkind && a->flags == b->flags;
}

static bool is_in(const uint64_t *bases, uint32_t count, uint64_t base) {
    for (uint32_t i = 0; i < count; i++)
        if (bases[i] == base)
            return true;
    return count == 0;
}

static bool passes(const struct hak_filter *f, const struct hak_event *e) {
    uint64_t mask = e->kind & 64 ? f->kind_mask_high : f->kind_mask_low;
    return e->id >= f->id_from && (!f->id_to || e->id <= f->id_to) && e->ns >= f->ns_from &&
           (!f->ns_to || e->ns <= f->ns_to) && (!f->base || e->base == f->base) &&
           is_in(f->bases, f->base_count, e->base) &&
           (!f->address || e->base == f->address || e->address == f->address) &&
           (!f->process || e->process == f->process) && (!f->thread || e->thread == f->thread) &&
           (!f->stack || e->stack == f->stack) &&
           ((!f->kind_mask_low && !f->kind_mask_high) || (mask >> (e->kind & 63) & 1)) &&
           (f->class_index < 0 || e->class_index == f->class_index);
}

struct expect {
    const struct hak_filter *filter;
    int64_t at, step;
    uint64_t told;
};

static int compare(void *context, const struct hak_event *e) {
    struct expect *x = context;
    while (x->at >= 0 && x->at < EVENTS && !passes(x->filter, &all[x->at]))
        x->at += x->step;
    ck_assert_msg(x->at >= 0 && x->at < EVENTS, "event %lu is too many", (unsigned long)e->id);
    ck_assert_msg(same(e, &all[x->at]), "event %lu told where %lu was due", (unsigned long)e->id,
                  (unsigned long)all[x->at].id);
    x->at += x->step;
    x->told++;
    return 0;
}

static uint64_t scan_equals(struct hak_store_reader *r, const struct hak_filter *f) {
    uint64_t told = 0;
    for (int backwards = 0; backwards < 2; backwards++) {
        struct expect x = {
            .filter = f, .at = backwards ? EVENTS - 1 : 0, .step = backwards ? -1 : 1};
        must(hak_store_scan(r, f, backwards, compare, &x));
        while (x.at >= 0 && x.at < EVENTS && !passes(f, &all[x.at]))
            x.at += x.step;
        ck_assert_msg(x.at < 0 || x.at == EVENTS, "event %ld was not told", (long)x.at + 1);
        told = x.told;
    }
    return told;
}

TEST(scan_equals_a_plain_filter) {
    write_store(true);
    struct hak_store_reader *r;
    must(hak_store_open(capture.path, &r));
    struct hak_filter f = {.class_index = -1};
    ck_assert_uint_eq(scan_equals(r, &f), EVENTS);
    struct stream *random = stream_new(77, 1);
    for (int i = 0; i < 200; i++) {
        const struct hak_event *e = &all[stream_random(random) % EVENTS];
        f = (struct hak_filter){.class_index = -1};
        uint64_t choice = stream_random(random);
        if (choice & 1)
            f.base = e->base;
        if (choice & 2)
            f.address = e->base + (choice & 4 ? 16 : 0);
        if (choice & 8)
            f.id_from = e->id - 500 * (choice >> 32 & 1) % e->id, f.id_to = e->id + 50000;
        if (choice & 16)
            f.ns_to = e->ns, f.ns_from = e->ns / 2;
        if (choice & 32)
            f.thread = e->thread;
        if (choice & 64)
            f.stack = e->stack;
        if (choice & 128)
            f.kind_mask_low = 1u << e->kind;
        if (choice & 256)
            f.class_index = e->class_index;
        if (choice & 512)
            f.process = 1 + (choice >> 33 & 1);
        uint64_t bases[2] = {e->base, all[stream_random(random) % EVENTS].base};
        if (bases[0] > bases[1])
            bases[0] = bases[1], bases[1] = e->base;
        if (choice & 1024)
            f.bases = bases, f.base_count = 1 + (bases[0] != bases[1]);
        scan_equals(r, &f);
    }
    f = (struct hak_filter){.class_index = -1, .address = 0x1234};
    ck_assert_uint_eq(scan_equals(r, &f), 0);
    free(random);
    hak_store_close(r);
}

TEST(one_event_by_id) {
    write_store(true);
    struct hak_store_reader *r;
    struct hak_event e;
    must(hak_store_open(capture.path, &r));
    struct stream *random = stream_new(78, 1);
    for (int i = 0; i < 300; i++) {
        uint64_t id = 1 + stream_random(random) % EVENTS;
        ck_assert_int_eq(hak_store_event(r, id, &e), 1);
        ck_assert(same(&e, &all[id - 1]));
    }
    ck_assert_int_eq(hak_store_event(r, EVENTS + 1, &e), 0);
    ck_assert_int_eq(hak_store_event(r, 0, &e), 0);
    free(random);
    hak_store_close(r);
}

TEST(blocks_are_found_by_any_pointer_into_them) {
    write_store(true);
    struct hak_store_reader *r;
    must(hak_store_open(capture.path, &r));
    struct stream *random = stream_new(79, 1);
    for (int i = 0; i < 50; i++) {
        const struct hak_event *e = &all[stream_random(random) % EVENTS];
        uint64_t slot = hak_class_bytes(e->class_index);
        uint64_t last = 0;
        struct hak_block_key keys[8];
        for (uint32_t k = 0; k < EVENTS; k++)
            if (all[k].base == e->base)
                last = all[k].id;
        int found = hak_store_blocks_at(r, e->base + stream_random(random) % slot, 0, keys, 8);
        must(found);
        ck_assert_int_eq(found, 1);
        ck_assert_uint_eq(keys[0].base, e->base);
        ck_assert_uint_eq(keys[0].slot_bytes, slot);
        ck_assert_uint_eq(keys[0].last_event, last);
        ck_assert_uint_eq(keys[0].process, 1);
        ck_assert_uint_eq(keys[0].class_index, e->class_index);
    }
    struct hak_block_key key;
    ck_assert_int_eq(hak_store_blocks_at(r, 0x10, 0, &key, 1), 0);
    free(random);
    hak_store_close(r);
}

TEST(frames_come_with_inlined_levels_and_the_right_module) {
    write_store(true);
    struct hak_store_reader *r;
    struct hak_frame f[8];
    must(hak_store_open(capture.path, &r));
    ck_assert_int_eq(hak_store_frames(r, 2, f, 8), 3);
    ck_assert_str_eq(f[0].module,
                     "/usr/lib/hakmem-debug.so"); /* the parent's module, in the child */
    ck_assert(f[0].is_hakmem);
    ck_assert_str_eq(f[0].function, "");
    ck_assert_uint_eq(f[0].module_offset, 0x200);
    ck_assert_str_eq(f[1].function, "inner");
    ck_assert(f[1].inlined);
    ck_assert_str_eq(f[2].function, "main");
    ck_assert(!f[2].inlined);
    ck_assert_uint_eq(f[2].line, 40);
    ck_assert_str_eq(f[2].file, "a.c");
    ck_assert_int_eq(hak_store_frames(r, 3, f, 8), 3); /* before the module was loaded */
    ck_assert_str_eq(f[0].module, "");
    ck_assert_int_eq(hak_store_frames(r, 2, f, 2), 2);
    ck_assert_int_eq(hak_store_frames(r, 99, f, 8), 0);
    hak_store_close(r);
}

TEST(a_finished_store_is_one_private_file) {
    write_store(true);
    struct stat status;
    char name[220];
    ck_assert_int_eq(stat(capture.path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    snprintf(name, sizeof name, "%s-wal", capture.path);
    ck_assert_int_ne(access(name, F_OK), 0);
    snprintf(name, sizeof name, "%s-shm", capture.path);
    ck_assert_int_ne(access(name, F_OK), 0);
    struct hak_store_reader *r;
    struct hak_store_summary summary;
    must(hak_store_open(capture.path, &r));
    must(hak_store_summarise(r, &summary));
    ck_assert_uint_eq(summary.events, EVENTS);
    ck_assert_uint_eq(summary.processes, 2);
    ck_assert_uint_eq(summary.threads, 3);
    ck_assert_uint_eq(summary.modules, 2);
    ck_assert_uint_eq(summary.nodes, 3);
    ck_assert_uint_eq(summary.first_ns, all[0].ns);
    ck_assert_uint_eq(summary.last_ns, all[EVENTS - 1].ns);
    ck_assert(!summary.being_written && !summary.ended_early);
    hak_store_close(r);
}

RUN_TESTS(.set_up = capture_name, .tear_down = stop)
