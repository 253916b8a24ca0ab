/* Makes rows and the page of a scan: names, ages, known findings. */
#include "collector/findings/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "collector/session/session.h"
#include "base/growing.h"
#include "base/sorted.h"
#include "fault_codes.h"
#include "hop.h"
#include "report/known/known.h"
#include "report/page/page.h"
#include "report/words/words.h"
#include "symbols/reading.h"
#include "trace/frame_node.h"

enum {
    PLACES_WITH_AGE = 200,    /* the biggest ones: each is a search in the log */
    EVENTS_OF_AGES = 4 << 20, /* that are looked at for all of them */
    NAME_BYTES = 300,
    IPS_MAX = 256,
    LEAK_FRAMES_MAX = 512, /* with inlined ones */
    STACK_DEPTH = 4096,
};

/* ---- places ---------------------------------------------------------------------------------- */

/* A key of the file that a module is: its build-id, else its first row. */
static uint64_t key_of_file(const struct hak_module_row *module) {
    uint64_t key = module->build_id[0] ? 0 : module->image;
    for (const char *at = module->build_id; *at; at++)
        key = hak_index_mix(key, (uint8_t)*at);
    return key;
}

/* A key of the stack's places in the modules' files: the same for stacks through modules that were
 * unloaded and loaded again, and through copies of one. Of 64 bits: a clash would make one place of
 * two. */
static uint64_t key_of_places(const struct hak_rows *rows, uint32_t stack) {
    struct hak_node_row node;
    uint64_t key = 1;
    for (int depth = 0; depth < STACK_DEPTH && hak_rows_node(rows, stack, &node); depth++) {
        uint64_t file = 0, place = node.ip;
        if (hak_frame_node_kind(node.ip) == HAK_FRAME_NODE_NONE) {
            uint32_t id = hak_rows_module_of(rows, node.process, node.generation, node.ip);
            if (id) {
                const struct hak_module_row *module = &rows->modules[id - 1].row;
                file = key_of_file(module);
                place -= module->load_bias;
            }
        }
        key = hak_index_mix(hak_index_mix(key, file), place);
        stack = node.parent;
    }
    return key;
}

/* Adds the counts of a group to another one's. */
static void add_group(struct hak_leak_group *to, const struct hak_leak_group *from) {
    to->count += from->count;
    to->bytes += from->bytes;
    to->has_more_stacks = true;
}

/* Makes one group of those whose stacks name the same places of the same files. Without memory they
 * stay apart. */
static void join_groups(const struct hak_rows *rows, struct hak_leak_pile *pile) {
    struct hak_index by_places = {0};
    uint32_t *moved = calloc((size_t)pile->group_count + 1, sizeof *moved), kept = 0;
    for (uint32_t i = 0; moved && i < pile->group_count; i++) {
        const struct hak_leak_group *group = &pile->groups[i];
        uint64_t places = key_of_places(rows, group->stack), place = 0,
                 key = hak_index_mix(hak_index_mix(places, group->kind), group->pool);
        uint32_t row = hak_index_find(&by_places, key, &place);
        hak_reading_note_step();
        moved[i] = row ? row - 1 : kept;
        if (row) {
            add_group(&pile->groups[row - 1], group);
        } else {
            pile->groups[kept++] = *group;
            (void)hak_index_add(&by_places, key, kept); /* else it stays apart */
        }
    }
    for (uint32_t i = 0; moved && i < pile->block_count; i++)
        pile->blocks[i].group = moved[pile->blocks[i].group];
    if (moved)
        pile->group_count = kept;
    free(moved);
    hak_index_free(&by_places);
}

/* ---- ages ------------------------------------------------------------------------------------ */

struct ages {
    struct hak_leak_pile *pile;
    struct hak_index by_block; /* (base, generation) -> block + 1 */
    uint64_t events_left;
};

/* Takes a block's birth into its group: oldest and newest time, and the layer of the newest. Not 0
 * ends the search: enough events were read. */
static int look_at_birth(void *context, const struct hak_event *event) {
    struct ages *ages = context;
    uint64_t place = 0, key = hak_index_mix(event->base, event->generation);
    uint32_t row;
    while ((row = hak_index_find(&ages->by_block, key, &place)) != 0) {
        const struct hak_leak_block *block = &ages->pile->blocks[row - 1];
        if (block->base != event->base || block->generation != event->generation)
            continue;
        struct hak_leak_group *group = &ages->pile->groups[block->group];
        if (!group->newest_ns || event->ns < group->oldest_ns)
            group->oldest_ns = event->ns;
        if (event->ns >= group->newest_ns) {
            group->newest_ns = event->ns ? event->ns : 1;
            group->layer = event->place;
        }
    }
    return --ages->events_left == 0;
}

/* Finds when the blocks of the PLACES_WITH_AGE biggest groups were allocated, in EVENTS_OF_AGES
 * events at most. */
static void find_ages(struct hak_store_reader *reader, struct hak_leak_pile *pile) {
    struct ages ages = {.pile = pile, .events_left = EVENTS_OF_AGES};
    struct hak_pair *order = calloc(2 * ((size_t)pile->group_count + 1), sizeof *order);
    for (uint32_t i = 0; i < pile->block_count; i++)
        if (!hak_index_add(&ages.by_block,
                           hak_index_mix(pile->blocks[i].base, pile->blocks[i].generation), i + 1))
            break;
    for (uint32_t i = 0; order && i < pile->group_count; i++)
        order[i] = (struct hak_pair){~pile->groups[i].bytes, i}; /* the biggest first */
    if (order)
        hak_sort_pairs(order, pile->group_count, order + pile->group_count + 1);
    bool is_over = false; /* all stacks were looked at */
    for (uint32_t i = 0; order && i < pile->group_count && i < PLACES_WITH_AGE && !is_over; i++) {
        const struct hak_leak_group *group = &pile->groups[order[i].value];
        is_over = group->has_more_stacks;
        struct hak_filter filter = {.process = pile->process,
                                    .stack = is_over ? 0 : group->stack,
                                    .kind_mask_low = 1u << HAK_MALLOC | 1u << HAK_REALLOC,
                                    .class_index = -1};
        hak_reading_note_step();
        if ((is_over || filter.stack) &&
            hak_store_scan(reader, &filter, false, look_at_birth, &ages) > 0)
            break;
    }
    free(order);
    hak_index_free(&ages.by_block);
}

/* ---- pools ----------------------------------------------------------------------------------- */

static int look_at_pool(void *context, const struct hak_event *event) {
    struct hak_leak_pile *pile = context;
    for (uint32_t i = 0; i < pile->group_count; i++)
        if (pile->groups[i].pool && pile->groups[i].pool == (uint32_t)event->generation)
            pile->groups[i].pool_create = event->id;
    return 0;
}

/* Finds the records of the pools whose pieces are lost. */
static void find_pools(struct hak_store_reader *reader, struct hak_leak_pile *pile) {
    struct hak_filter filter = {.process = pile->process,
                                .kind_mask_high = (uint64_t)1 << (HAK_POOL_CREATE - 64),
                                .class_index = -1};
    bool has_pieces = false;
    for (uint32_t i = 0; i < pile->group_count; i++)
        has_pieces |= pile->groups[i].pool != 0;
    hak_reading_note_step();
    if (has_pieces)
        (void)hak_store_scan(reader, &filter, false, look_at_pool, pile);
}

/* The pool's name; "" where it has none, or it is not known. */
static void name_pool(struct hak_store_reader *reader, uint64_t create, char out[HAK_POOL_NAME]) {
    char *name = reader ? hak_store_mark_name(reader, create) : NULL;
    snprintf(out, HAK_POOL_NAME, "%s", name ? name : "");
    free(name);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct settling {
    struct hak_capture *capture;
    struct hak_findings *findings;
    struct hak_leak_pile *pile;
    struct hak_leak_place *places;
    enum hak_answer *answers;
    char (*fingerprints)[HAK_FINGERPRINT_BYTES];
    uint64_t known;
    struct hak_missed_pools missed; /* by the process so far */
    unsigned partial;               /* enum hak_leak_partial */
    bool is_error;
};

/* Allocates arrays for `count` places. False without memory. */
static bool make_settling(struct settling *s, uint32_t count) {
    s->places = calloc(count + 1, sizeof *s->places);
    s->answers = calloc(count + 1, sizeof *s->answers);
    s->fingerprints = calloc(count + 1, sizeof *s->fingerprints);
    return s->places && s->answers && s->fingerprints;
}

/* Frees the places' frames and the arrays. */
static void free_settling(struct settling *s) {
    for (uint32_t i = 0; s->places && i < s->pile->group_count; i++)
        hak_frames_free(&s->places[i].frames);
    free(s->places);
    free(s->answers);
    free(s->fingerprints);
}

/* Resolves a stack's names without a store; IPS_MAX addresses and LEAK_FRAMES_MAX frames at
 * most. */
static void resolve_stack(struct hak_capture *capture, uint32_t stack, struct hak_frames *out) {
    uint64_t ips[IPS_MAX];
    static struct hak_frame frames[LEAK_FRAMES_MAX];
    int count = 0;
    uint32_t process = 0;
    struct hak_node_row n;
    for (; count < IPS_MAX && hak_rows_node(&capture->rows, stack, &n); stack = n.parent) {
        process = count ? process : n.process;
        ips[count++] = n.ip;
    }
    count = hak_resolve_frames(&capture->resolve, &capture->rows, process, ips, count, false,
                               frames, LEAK_FRAMES_MAX);
    hak_frames_copy(out, frames, count);
}

/* Makes a direct leak news again that the baseline knows and that has grown since. One fingerprint
 * may have several stacks: their sum counts. */
static void judge_growth(struct settling *s, uint32_t at) {
    struct hak_leak_place *place = &s->places[at];
    uint64_t growth, count = 0, bytes = 0;
    const struct hak_baseline_entry *entry =
        hak_judge_find_entry(&s->findings->judge, s->pile->client, s->fingerprints[at], &growth);
    for (uint32_t i = 0; entry && i < s->pile->group_count; i++)
        if (s->places[i].kind == HAK_LEAK_IS_DIRECT &&
            strcmp(s->fingerprints[i], s->fingerprints[at]) == 0) {
            count += s->places[i].count;
            bytes += s->places[i].bytes;
        }
    if (!entry || !hak_baseline_has_grown(entry, count, bytes, growth))
        return;
    place->is_told = true;
    place->old_count = entry->blocks;
    place->old_bytes = entry->bytes;
    place->all_count = count;
    place->all_bytes = bytes;
}

/* Fills the places, which stay in the order of the groups. */
static void look_up(struct settling *s, struct hak_store_reader *reader) {
    struct hak_leak_pile *pile = s->pile;
    for (uint32_t i = 0; i < pile->group_count; i++) {
        const struct hak_leak_group *group = &pile->groups[i];
        struct hak_leak_place *place = &s->places[i];
        hak_reading_note_step();
        *place = (struct hak_leak_place){.kind = group->kind,
                                         .count = group->count,
                                         .bytes = group->bytes,
                                         .oldest_ns = group->oldest_ns,
                                         .newest_ns = group->newest_ns,
                                         .layer = group->layer,
                                         .pool = group->pool};
        name_pool(reader, group->pool_create, place->pool_name);
        if (reader)
            hak_frames_load(&place->frames, reader, group->stack);
        else
            resolve_stack(s->capture, group->stack, &place->frames);
        hak_fingerprint(s->fingerprints[i], HAK_FAULT_MEMORY_LEAK, 0, place->frames.frame,
                        place->frames.count);
        if (group->kind != HAK_LEAK_IS_REACHABLE && pile->client)
            s->answers[i] = hak_judge_ask(&s->findings->judge, s->capture, pile->client,
                                          HAK_FAULT_MEMORY_LEAK, s->fingerprints[i],
                                          place->frames.frame, place->frames.count, NULL, 0);
        place->is_told = s->answers[i] == HAK_ANSWER_NEW;
    }
    for (uint32_t i = 0; i < pile->group_count; i++) {
        hak_reading_note_step();
        if (s->answers[i] == HAK_ANSWER_BASELINE && s->places[i].kind == HAK_LEAK_IS_DIRECT)
            judge_growth(s, i);
        s->known += s->places[i].is_told ? 0 : s->places[i].count;
    }
}

/* Puts the row of the scan and one for each group, with its fingerprint. 0, or an error. */
static int put_rows(struct settling *s, const char *summary) {
    struct hak_leaks *leaks = &s->findings->leaks;
    const struct hak_leak_pile *pile = s->pile;
    const struct hak_event *scan = &pile->scan;
    uint32_t told = (uint32_t)(scan->generation >> 32);
    struct hak_text notes = {0};
    hak_words_add_partial(&notes, s->partial);
    struct hak_leak_scan_row row = {
        .id = leaks->next_scan,
        .process = pile->process,
        .event = scan->id,
        .ns = scan->ns,
        .reason = hak_words_leak_reason(told >> HAK_LEAK_REASON_SHIFT & 0xff),
        .live_blocks = scan->address,
        .live_bytes = scan->size,
        .lost_blocks = scan->old_address,
        .known_blocks = s->known,
        .microseconds = (uint32_t)scan->generation,
        .is_error = s->is_error,
        .notes = notes.bytes ? notes.bytes : "",
        .summary = summary,
        .report = pile->text ? pile->text : "",
    };
    int error = hak_store_put_leak_scan(s->capture->writer, &row);
    for (uint32_t i = 0; i < pile->group_count && error == 0; i++) {
        const struct hak_leak_place *place = &s->places[i];
        if (s->answers[i] == HAK_ANSWER_SUPPRESSED)
            continue;
        struct hak_text layer = {0};
        hak_leak_add_layer(&layer, place);
        struct hak_leak_row leak = {
            .id = leaks->next_leak++,
            .process = pile->process,
            .scan = row.id,
            .ns = scan->ns,
            .kind = hak_words_leak_kind(place->kind),
            .stack = pile->groups[i].stack,
            .count = place->count,
            .bytes = place->bytes,
            .oldest_ns = place->oldest_ns,
            .newest_ns = place->newest_ns,
            .layer = layer.bytes ? layer.bytes : "",
            .fingerprint = s->fingerprints[i],
            .is_finding = s->is_error && place->kind == HAK_LEAK_IS_DIRECT,
        };
        error = hak_store_put_leak(s->capture->writer, &leak);
        hak_text_free(&layer);
        if (s->capture->resolve.report.late[0] &&
            hak_growing_make_room(&leaks->late, leaks->late_count, &leaks->late_capacity,
                                  sizeof *leaks->late))
            leaks->late[leaks->late_count++] = (struct hak_late_leak){leak.id, leak.stack};
    }
    leaks->next_scan++;
    hak_text_free(&notes);
    return error;
}

/* Stores the scan and its leaks in a transaction; where they cannot be stored, that is counted. */
static void store(struct settling *s, const char *summary) {
    struct hak_leaks *leaks = &s->findings->leaks;
    if (s->capture->writer && leaks->next_scan == 0)
        hak_store_leak_marks(s->capture->writer, &leaks->next_scan, &leaks->next_leak);
    if (!hak_capture_begin(s->capture) || !hak_capture_end(s->capture, put_rows(s, summary)))
        hak_fault_count_unstored(s->capture, s->pile->process, 0, s->pile->scan.ns);
}

/* ---- the page -------------------------------------------------------------------------------- */

/* Writes "process 4711 app" into `name`: in a tree of processes the page says whose leaks they are;
 * "" where there is only one. */
static void name_program(struct hak_capture *capture, uint32_t process, char name[NAME_BYTES]) {
    const struct hak_process_info *p = hak_rows_process_info(&capture->rows, process);
    const char *path = p && p->row.program ? p->row.program : "";
    const char *slash = strrchr(path, '/');
    name[0] = 0;
    if (p && capture->rows.process_count > 1)
        snprintf(name, NAME_BYTES, "process %d %s", p->row.pid, slash ? slash + 1 : path);
}

/* Marks allocation wrappers in the frames of the first HAK_WRAPPERS_STACKS places that are told. */
static void mark_wrappers(struct hak_store_reader *reader, struct hak_leak_place *places,
                          uint32_t count) {
    struct hak_frames *stacks[HAK_WRAPPERS_STACKS];
    int told = 0;
    for (uint32_t i = 0; i < count && told < HAK_WRAPPERS_STACKS; i++)
        if (places[i].is_told)
            stacks[told++] = &places[i].frames;
    hak_report_mark_wrappers(reader, stacks, told);
}

/* Reads what the scan left out, and the gaps in what is known of the process's pools by now. That
 * there are some is told by the scan alone where the process has no counters. */
static void read_gaps(struct settling *s) {
    const struct hak_client *c = s->pile->client;
    s->partial = s->pile->scan.generation >> 32 & 0xff;
    for (uint32_t i = 0; c && i < c->processes_high; i++)
        if (c->processes[i].row == s->pile->process && hak_snapshot_missed(c, i, &s->missed)) {
            s->partial &= ~(unsigned)HAK_PARTIAL_POOLS;
            break;
        }
}

/* Makes the page of the places that are told, the biggest first, in pile->text; none if there are
 * none, or without memory. */
static void write_page(struct settling *s, struct hak_store_reader *reader,
                       struct hak_text *summary) {
    struct hak_leak_pile *pile = s->pile;
    char name[NAME_BYTES];
    uint32_t told = (uint32_t)(pile->scan.generation >> 32), shown = 0;
    name_program(s->capture, pile->process, name);
    for (uint32_t i = 0; i < pile->group_count; i++)
        shown += s->places[i].is_told;
    if (shown == 0)
        return;
    struct hak_leak_place *sorted = malloc(pile->group_count * sizeof *sorted);
    if (!sorted)
        return;
    memcpy(sorted, s->places, pile->group_count * sizeof *sorted);
    qsort(sorted, pile->group_count, sizeof *sorted, hak_leak_place_order);
    mark_wrappers(reader, sorted, pile->group_count);
    struct hak_leak_page page = {.places = sorted,
                                 .count = pile->group_count,
                                 .ns = pile->scan.ns,
                                 .reason = told >> HAK_LEAK_REASON_SHIFT & 0xff,
                                 .partial = s->partial,
                                 .microseconds = (uint32_t)pile->scan.generation,
                                 .live_blocks = pile->scan.address,
                                 .live_bytes = pile->scan.size,
                                 .lost_blocks = pile->scan.old_address,
                                 .known = s->known,
                                 .program = name,
                                 .store_path = s->capture->path,
                                 .late_modules = s->capture->resolve.report.late,
                                 .missed = s->missed};
    struct hak_text text = {0};
    hak_report_leaks(&page, &text, summary);
    pile->text = hak_text_take(&text);
    free(sorted);
}

/* Settles a complete scan: resolves its stacks, judges and stores its leaks, and makes its page. */
static void settle_pile(struct hak_findings *findings, struct hak_capture *capture,
                        struct hak_leak_pile *pile) {
    struct settling s = {.capture = capture, .findings = findings, .pile = pile};
    struct hak_store_reader *reader = NULL;
    struct hak_text summary = {0};
    s.is_error = (pile->scan.generation >> 32 & HAK_LEAK_FINDING) != 0;
    pile->is_settled = true;
    join_groups(&capture->rows, pile);
    /* It may come while the report of a fault is made. */
    struct hak_resolve_report before = capture->resolve.report;
    hak_resolve_begin_report(&capture->resolve);
    for (uint32_t i = 0; i < pile->group_count; i++) {
        hak_reading_note_step();
        hak_resolve_stack(&capture->resolve, &capture->rows, pile->groups[i].stack);
    }
    hak_capture_store_frames(capture);
    if (capture->writer &&
        hak_store_attach(hak_store_writer_database(capture->writer)->connection, &reader) == 0) {
        find_ages(reader, pile);
        find_pools(reader, pile);
    }
    if (make_settling(&s, pile->group_count)) {
        look_up(&s, reader);
        read_gaps(&s);
        write_page(&s, reader, &summary);
        store(&s, summary.bytes ? summary.bytes : "");
    }
    if (reader)
        hak_store_close(reader);
    capture->resolve.report = before;
    hak_text_free(&summary);
    free_settling(&s);
}

void hak_leaks_settle(struct hak_findings *findings, struct hak_capture *capture) {
    for (struct hak_leak_pile *pile = findings->leaks.newest; pile; pile = pile->next)
        if (pile->is_complete && !pile->is_settled)
            settle_pile(findings, capture, pile);
}

/* Resolves a leak's stack again and stores its fingerprint. 0, or an error. */
static int name_leak(struct hak_capture *capture, const struct hak_late_leak *late) {
    struct hak_frames frames = {0};
    char fingerprint[HAK_FINGERPRINT_BYTES];
    resolve_stack(capture, late->stack, &frames);
    hak_fingerprint(fingerprint, HAK_FAULT_MEMORY_LEAK, 0, frames.frame, frames.count);
    hak_frames_free(&frames);
    return hak_store_name_leak(capture->writer, late->leak, fingerprint);
}

void hak_leaks_settle_late(struct hak_findings *findings, struct hak_capture *capture) {
    struct hak_leaks *leaks = &findings->leaks;
    struct hak_resolve_report before = capture->resolve.report;
    int error = 0;
    capture->resolve.report = (struct hak_resolve_report){.left_ms = 0};
    if (leaks->late_count && hak_capture_begin(capture)) {
        for (uint32_t i = 0; i < leaks->late_count && error == 0; i++)
            error = name_leak(capture, &leaks->late[i]);
        (void)hak_capture_end(capture, error);
    }
    if (!capture->resolve.report.late[0])
        leaks->late_count = 0;
    capture->resolve.report = before;
}
