/* Makes the golden store of a format: a little of everything that a store can hold.
 *
 *   make_golden FILE
 *
 * It was run once for each format since the first one that was released; what it made is
 * tests/format/vN/golden.db, which never changes again: a later version must read it as it is. The
 * next format gets a golden file of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/put_events.h"
#include "hop.h"
#include "size_class.h"
#include "store/writer/writer.h"
#include "trace/record.h"

#define SLAB 0x7f21c4a10000ull

static struct hak_store_writer *writer;
static uint64_t last_id, now_ns, generator = 88172645463325252ull;

static void must(int error) {
    if (error) {
        fprintf(stderr, "make_golden: %s\n", hak_store_message());
        exit(1);
    }
}

static uint64_t draw(uint64_t below) {
    generator ^= generator << 13;
    generator ^= generator >> 7;
    generator ^= generator << 17;
    return generator % below;
}

static uint64_t put(struct hak_event e) {
    e.id = ++last_id;
    e.ns = now_ns += 100 + draw(900);
    e.process = e.process ? e.process : 1;
    e.thread = e.thread ? e.thread : 1;
    must(put_event(writer, &e));
    return e.id;
}

static void put_rows(void) {
    must(hak_store_put_meta(writer, "program", "/usr/bin/app"));
    must(hak_store_put_meta(writer, "command_line", "app --serve 'a b'"));
    must(hak_store_put_meta(writer, "started", "1700000000000000000"));
    must(hak_store_put_process(writer, &(struct hak_process_row){.id = 1,
                                                                 .pid = 4711,
                                                                 .parent_pid = 4000,
                                                                 .session = 1,
                                                                 .start_time = 123456,
                                                                 .start_ns = 0,
                                                                 .end_ns = 9000000,
                                                                 .end_kind = 1,
                                                                 .free_of_null = 3,
                                                                 .failed_calls = 1,
                                                                 .foreign_frees = 2,
                                                                 .no_stack = 4,
                                                                 .lost = 5,
                                                                 .program = "/usr/bin/app",
                                                                 .command_line = "app --serve"}));
    for (uint32_t i = 1; i <= 3; i++)
        must(hak_store_put_thread(
            writer, &(struct hak_thread_row){.id = i,
                                             .process = i < 3 ? 1 : 2,
                                             .number = i < 3 ? i : 1,
                                             .tid = (int32_t)(4710 + i),
                                             .start_ns = i,
                                             .end_ns = 8000000 + i,
                                             .name = i == 1 ? "main" : "w\xc3\xb6rker"}));
    must(hak_store_put_module(writer, &(struct hak_module_row){.id = 1,
                                                               .process = 1,
                                                               .start = 0x400000,
                                                               .end = 0x500000,
                                                               .load_bias = 0x400000,
                                                               .load_event = 1,
                                                               .path = "/usr/bin/app",
                                                               .build_id = "0123456789abcdef"}));
    must(
        hak_store_put_module(writer, &(struct hak_module_row){.id = 2,
                                                              .process = 1,
                                                              .generation = 1,
                                                              .start = 0x7f0000000000,
                                                              .end = 0x7f0000100000,
                                                              .load_bias = 0x7f0000000000,
                                                              .load_event = 2,
                                                              .unload_event = 300,
                                                              .path = "/usr/lib/hakmem-debug.so"}));
    must(hak_store_put_module(writer, &(struct hak_module_row){.id = 3,
                                                               .process = 2,
                                                               .start = 0x600000,
                                                               .end = 0x700000,
                                                               .load_bias = 0x600000,
                                                               .path = "/usr/bin/app",
                                                               .build_id = "0123456789abcdef",
                                                               .image = 1}));
    for (uint32_t i = 0; i < 6; i++)
        must(hak_store_put_metric(
            writer, &(struct hak_metric_row){.ns = 1000 * i,
                                             .process = 1,
                                             .name = i % 2 ? "snapshot.since" : "served.FRONT",
                                             .class_index = i % 2 ? 255 : 4,
                                             .value = 70000 * i}));
    for (uint32_t i = 1; i <= 600; i++)
        must(hak_store_put_node(
            writer,
            &(struct hak_node_row){.id = i,
                                   .parent = i > 3 ? i % 3 + 1 : i - 1,
                                   .process = 1,
                                   .generation = i % 5 == 0 ? 1 : 0,
                                   .ip = i % 5 == 0 ? 0x7f0000000000 + i : 0x400000 + 16 * i}));
    for (uint32_t i = 1; i <= 600; i += 7)
        for (uint32_t level = 0; level <= i % 2; level++)
            must(hak_store_put_frame(
                writer, &(struct hak_frame_row){.module = 1,
                                                .offset = 16 * i,
                                                .level = level,
                                                .line = i + level,
                                                .function = level ? "outer" : "inner<int>",
                                                .file = "/src/app.cc"}));
    must(hak_store_put_cursor(writer, &(struct hak_cursor_row){1, 0, 4096, 999999}));
    must(hak_store_put_cursor(writer, &(struct hak_cursor_row){1, 7, 1ull << 40, 1ull << 50}));
    must(hak_store_put_loss(writer, &(struct hak_loss_row){.process = 1,
                                                           .thread = 2,
                                                           .from_ns = 5000000,
                                                           .to_ns = 5000100,
                                                           .count = 5,
                                                           .reason = "ring full"}));
}

/* Blocks come and go, in two classes, with resizes. */
static void put_churn(int count) {
    static struct {
        uint32_t n, asked;
        bool live;
    } slot[2][300];
    for (int i = 0; i < count; i++) {
        unsigned which = (unsigned)draw(2), k = (unsigned)draw(300);
        unsigned class_index = which ? HAK_CLASS_OF_48 : HAK_CLASS_OF_1024;
        uint64_t slab = SLAB + which * HAK_SLAB_BYTES;
        uint64_t base = slab + hak_first_slot_offset(class_index) +
                        (which ? k : k % 64) * hak_class_bytes(class_index);
        unsigned s = which ? k : k % 64;
        uint8_t kind = slot[which][s].live ? HAK_FREE : HAK_MALLOC;
        if (slot[which][s].n == 0)
            put((struct hak_event){.kind = HAK_FRONT_REFILL,
                                   .place = HAK_PLACE_FRONT,
                                   .class_index = (uint8_t)class_index,
                                   .address = base,
                                   .base = base,
                                   .generation = (uint64_t)(1 + which) << 32 | ++slot[which][s].n});
        if (kind == HAK_FREE && draw(8) == 0)
            kind = HAK_REALLOC;
        if (kind != HAK_FREE)
            slot[which][s].asked = (uint32_t)(1 + draw(which ? 24 : 900));
        slot[which][s].live = kind != HAK_FREE;
        put((struct hak_event){.kind = kind,
                               .place = kind == HAK_REALLOC ? HAK_PLACE_LIVE : HAK_PLACE_FRONT,
                               .subkind = (uint8_t)(kind == HAK_REALLOC ? 3 : draw(3)),
                               .flags = draw(50) == 0 ? HAK_RECORD_PARTIAL : 0,
                               .class_index = (uint8_t)class_index,
                               .address = base + 16,
                               .base = base,
                               .size = slot[which][s].asked,
                               .thread = 1 + (uint32_t)draw(2),
                               .stack = 1 + (uint32_t)(kind == HAK_FREE ? draw(40) : draw(600)),
                               .generation = (uint64_t)(1 + which) << 32 | ++slot[which][s].n});
    }
}

/* An address with three owners: the first frees it again under the third. */
static void put_stale_owner(void) {
    static const struct {
        uint8_t kind, flags;
        uint32_t thread, stack;
    } steps[] = {{HAK_MALLOC, 0, 1, 501}, {HAK_FREE, 0, 1, 502},   {HAK_MALLOC, 0, 2, 503},
                 {HAK_FREE, 0, 2, 504},   {HAK_MALLOC, 0, 2, 505}, {HAK_FREE, 0, 1, 502},
                 {HAK_FREE, 2, 2, 506}};
    uint64_t slab = SLAB + HAK_SLAB_BYTES, fault = 0;
    uint64_t base = slab + hak_first_slot_offset(HAK_CLASS_OF_48) + 48 * 1000;
    for (uint32_t i = 0; i < 7; i++)
        put((struct hak_event){.kind = steps[i].kind,
                               .flags = steps[i].flags,
                               .place = HAK_PLACE_MAGAZINE,
                               .class_index = HAK_CLASS_OF_48,
                               .address = base + 16,
                               .base = base,
                               .size = 20,
                               .thread = steps[i].thread,
                               .stack = steps[i].stack,
                               .generation = (uint64_t)9 << 32 | (i + 1)});
    fault = put((struct hak_event){.kind = HAK_FAULT,
                                   .class_index = HAK_CLASS_OF_48,
                                   .address = base + 16,
                                   .base = base,
                                   .size = 202,
                                   .thread = 2,
                                   .stack = 506,
                                   .generation = (uint64_t)9 << 32 | 7});
    must(hak_store_put_fault(writer,
                             &(struct hak_fault_row){.id = 1,
                                                     .code = 202,
                                                     .event = fault,
                                                     .ns = now_ns,
                                                     .process = 1,
                                                     .thread = 2,
                                                     .summary = "SUMMARY: hakmem: double-free",
                                                     .report = "hakmem: HKM-202 double-free\n",
                                                     .json = "{\"hakmem_json\": 1}"}));
}

/* Every kind once, with numbers that need all their bits. */
static void put_every_kind(void) {
    static const uint8_t kinds[] = {
#define HOP(name, number, from, to, sentence) number,
#define NOTE(name, number, sentence)          number,
#include "hops.def"
    };
    for (size_t i = 0; i < sizeof kinds; i++) {
        uint64_t id = put((struct hak_event){.kind = kinds[i],
                                             .place = (uint8_t)(i % 8),
                                             .subkind = (uint8_t)(i % 4),
                                             .class_index = HAK_CLASS_NONE,
                                             .base = 0x7ffffffff000 - 4096 * i,
                                             .address = 0x7ffffffff000 - 4096 * i + 8 * i,
                                             .size = (uint64_t)1 << (i % 48),
                                             .old_address = kinds[i] == HAK_REALLOC ? SLAB + 16 : 0,
                                             .process = 1 + (uint32_t)(i % 2),
                                             .thread = 1 + (uint32_t)(i % 3),
                                             .stack = (uint32_t)(i % 5 ? i : 0),
                                             .generation = (uint64_t)(100 + i) << 32 | 0xfffffff0});
        if (kinds[i] == HAK_MARK)
            must(hak_store_put_mark(writer, id, now_ns, 1, "half way"));
        if (kinds[i] == HAK_FORK)
            must(hak_store_put_process(writer,
                                       &(struct hak_process_row){.id = 2,
                                                                 .parent = 1,
                                                                 .fork_event = id,
                                                                 .pid = 4712,
                                                                 .parent_pid = 4711,
                                                                 .session = 1,
                                                                 .end_kind = 2,
                                                                 .program = "/usr/bin/app"}));
    }
}

static void commit(void) {
    must(put_end(writer));
    must(hak_store_commit(writer));
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: make_golden FILE\n");
        return 2;
    }
    must(hak_store_create(argv[1], 0, &writer));
    must(hak_store_begin(writer));
    put_rows();
    put_every_kind();
    commit();
    must(hak_store_begin(writer));
    put_churn(1);
    commit();
    must(hak_store_begin(writer));
    put_churn(2500);
    put_stale_owner();
    put_churn(100);
    commit();
    for (int i = 0; i < 40; i++) { /* chunks enough for merged runs */
        must(hak_store_begin(writer));
        put_churn(25);
        commit();
    }
    must(hak_store_finish(writer));
    return 0;
}
