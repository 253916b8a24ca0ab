/* A trace for Perfetto: live bytes and blocks of each process over time, marks, and the heap
 * profile of the moment. */
#include "viewer/export/parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "made/perfetto.pb-c.h"
#include "report/words/words.h"
#include "viewer/export/message.h"
#include "viewer/export/stacks.h"

#define COUNTER_STEPS 1000
#define SEQUENCE      1
#define STATE_BEGINS  1 /* sequence_flags */
#define STATE_NEEDED  2
#define PIDS          (1 << 22)                   /* none is greater */
#define UUID(row, n)  (4 * (uint64_t)(row) + (n)) /* of a process's tracks; row 0: of all */

enum { TRACK_PROCESS = 1, TRACK_BYTES, TRACK_BLOCKS };

/* Kinds of texts in InternedData, each numbered on its own. */
enum interned { FUNCTIONS, PATHS, BUILD_IDS, SOURCES, INTERNED };

typedef Hakmem__Perfetto__TracePacket packet_t;

struct perfetto {
    struct export *export;
    struct message_texts texts[INTERNED];
    struct export_sites sites;
    struct hak_index by_frame; /* (site, level) -> iid */
    uint64_t frames, callstacks, packets;
    uint32_t *mapping; /* of each module its iid, 0 = it is not written */
    uint64_t *frame_id;
    uint32_t frame_room;
    int32_t *pid; /* of each process: Perfetto makes one of those with the same */
    bool has_begun, failed;
};

/* ---- packets -----------------------------------------------------------------------------------
 */

/* Writes a packet of our sequence; the first one begins its state. */
static void write_packet(struct perfetto *p, packet_t *packet) {
    Hakmem__Perfetto__Trace trace = HAKMEM__PERFETTO__TRACE__INIT;
    packet->has_trusted_packet_sequence_id = packet->has_sequence_flags = true;
    packet->trusted_packet_sequence_id = SEQUENCE;
    packet->sequence_flags = p->has_begun ? STATE_NEEDED : STATE_BEGINS;
    p->has_begun = true;
    trace.n_packet = 1;
    trace.packet = &packet;
    p->failed |= !message_write(p->export->sink, &trace.base);
}

/* Writes the clocks: time 0 is the capture's begin, on all but that of the day. */
static void write_clocks(struct perfetto *p) {
    static const uint32_t ids[] = {6, 4, 3, 1};
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__ClockSnapshot snapshot = HAKMEM__PERFETTO__CLOCK_SNAPSHOT__INIT;
    Hakmem__Perfetto__ClockSnapshot__Clock clock[4], *clocks[4];
    for (int i = 0; i < 4; i++) {
        hakmem__perfetto__clock_snapshot__clock__init(&clock[i]);
        clock[i].has_clock_id = clock[i].has_timestamp = true;
        clock[i].clock_id = ids[i];
        clock[i].timestamp = ids[i] == 1 ? export_begin_ns(p->export) : 0;
        clocks[i] = &clock[i];
    }
    snapshot.n_clocks = 4;
    snapshot.clocks = clocks;
    packet.clock_snapshot = &snapshot;
    write_packet(p, &packet);
}

/* ---- processes ---------------------------------------------------------------------------------
 */

/* The place of a process in the list; of one that it lacks, the place behind the last. */
static uint32_t number_of(const struct export *e, uint32_t process) {
    const struct export_process *found = export_find_process(e, process);
    return found ? (uint32_t)(found - e->process) : e->processes;
}

/* Numbers the processes: one that has the pid of one before it (it executed another program, or the
 * pid was free again) gets a number that no pid can be. */
static bool number_pids(struct perfetto *p) {
    const struct export *e = p->export;
    struct hak_index seen = {0};
    bool has_memory = (p->pid = calloc(e->processes + 1, sizeof *p->pid)) != NULL;
    for (uint32_t i = 0; i < e->processes && has_memory; i++) {
        const struct export_process *process = &e->process[i];
        uint64_t at = 0, key = hak_index_mix(1, (uint32_t)process->pid);
        uint32_t before = hak_index_find(&seen, key, &at);
        p->pid[i] = before ? (int32_t)(PIDS + process->row % PIDS) : process->pid;
        has_memory = before || hak_index_add(&seen, key, i + 1);
    }
    hak_index_free(&seen);
    return has_memory;
}

/* ---- tracks ------------------------------------------------------------------------------------
 */

/* Names a process; a pid that comes again gets another number. */
static void write_process_track(struct perfetto *p, const struct export_process *process) {
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__TrackDescriptor track = HAKMEM__PERFETTO__TRACK_DESCRIPTOR__INIT;
    Hakmem__Perfetto__ProcessDescriptor descriptor = HAKMEM__PERFETTO__PROCESS_DESCRIPTOR__INIT;
    struct hak_text title = {0}, name = {0}, command = {0};
    int32_t pid = p->pid[process - p->export->process];
    hak_text_add(&title, "%d (%s)", process->pid, hak_words_path(process->program, 1, false));
    hak_text_add_name(&name, process->program);
    if (pid != process->pid)
        hak_text_add(&name, ", pid %d again", process->pid);
    hak_text_add_name(&command, process->command_line);
    p->failed |= title.failed || name.failed || command.failed;
    char *words = command.bytes;
    track.has_uuid = true;
    track.uuid = UUID(process->row, TRACK_PROCESS);
    track.name = title.bytes;
    track.process = &descriptor;
    descriptor.has_pid = descriptor.has_start_timestamp_ns = true;
    descriptor.pid = pid;
    descriptor.start_timestamp_ns = (int64_t)process->start_ns;
    descriptor.process_name = name.bytes;
    descriptor.n_cmdline = words != NULL;
    descriptor.cmdline = &words;
    packet.track_descriptor = &track;
    if (!p->failed)
        write_packet(p, &packet);
    hak_text_free(&title);
    hak_text_free(&name);
    hak_text_free(&command);
}

/* Declares a track of live bytes or blocks of a process, 0 for all. */
static void write_counter_track(struct perfetto *p, uint32_t row, int which) {
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__TrackDescriptor track = HAKMEM__PERFETTO__TRACK_DESCRIPTOR__INIT;
    Hakmem__Perfetto__CounterDescriptor counter = HAKMEM__PERFETTO__COUNTER_DESCRIPTOR__INIT;
    char bytes[] = "live bytes", blocks[] = "live blocks";
    char all_bytes[] = "live bytes of all processes", all_blocks[] = "live blocks of all processes";
    bool is_bytes = which == TRACK_BYTES;
    track.has_uuid = true;
    track.uuid = UUID(row, which);
    track.has_parent_uuid = row != 0;
    track.parent_uuid = UUID(row, TRACK_PROCESS);
    track.name = row ? is_bytes ? bytes : blocks : is_bytes ? all_bytes : all_blocks;
    track.counter = &counter;
    counter.has_unit = true;
    counter.unit = is_bytes ? HAKMEM__PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_SIZE_BYTES
                            : HAKMEM__PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_COUNT;
    packet.track_descriptor = &track;
    write_packet(p, &packet);
}

/* Writes a track's value at a time. */
static void write_count(struct perfetto *p, uint32_t row, int which, uint64_t ns, uint64_t value) {
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__TrackEvent event = HAKMEM__PERFETTO__TRACK_EVENT__INIT;
    event.has_type = event.has_track_uuid = event.has_counter_value = true;
    event.type = HAKMEM__PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER;
    event.track_uuid = UUID(row, which);
    event.counter_value = (int64_t)value;
    packet.has_timestamp = true;
    packet.timestamp = ns;
    packet.track_event = &event;
    write_packet(p, &packet);
}

/* Writes a mark as an instant. */
static void write_mark(struct perfetto *p, const struct hak_query *q) {
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__TrackEvent event = HAKMEM__PERFETTO__TRACK_EVENT__INIT;
    struct hak_text name = {0};
    hak_text_add_name(&name, hak_query_text(q, 2));
    event.has_type = event.has_track_uuid = true;
    event.type = HAKMEM__PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT;
    event.track_uuid = UUID(hak_query_id(q, 1), TRACK_PROCESS);
    event.name = name.bytes;
    packet.has_timestamp = true;
    packet.timestamp = hak_query_count(q, 0);
    packet.track_event = &event;
    p->failed |= name.failed;
    if (!p->failed)
        write_packet(p, &packet);
    hak_text_free(&name);
}

/* Writes the marks of the process, or all. Returns a status. */
static int write_marks(struct perfetto *p) {
    struct view *view = p->export->view;
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT ns, process, name FROM mark"
                                 " WHERE ?1 = 0 OR process = ?1 ORDER BY event",
                                 "reading marks", p->export->query.process);
    while (hak_query_next(&q) && !p->failed)
        write_mark(p, &q);
    return view_end_query(view, &q, !p->failed);
}

/* ---- the heap over time ------------------------------------------------------------------------
 */

/* A process's live blocks while the steps are gone through. */
struct holder {
    uint32_t process;
    struct hak_amount live;
    bool has_changed;
};

/* Applies a row's changes to what its process holds. */
static void change(struct holder *h, const struct timeline_change *c) {
    h->live.blocks += c->inherited.blocks + c->came.blocks - c->went.blocks - c->left.blocks;
    h->live.bytes += c->inherited.bytes + c->came.bytes - c->went.bytes - c->left.bytes;
    h->has_changed = true;
}

/* Writes live bytes and blocks at each step. */
static void write_steps(struct perfetto *p, const struct timeline *t, struct holder *holder) {
    struct export *e = p->export;
    for (uint32_t i = 0; i < t->flow.rows; i++) {
        struct holder *h = &holder[number_of(e, t->flow.row[i].process)];
        hak_amount_add(&h->live, t->flow.row[i].before);
    }
    for (uint32_t s = 0; s < t->steps && !p->failed; s++) {
        const struct timeline_step *step = &t->step[s];
        for (uint32_t i = 0; i < step->changes; i++) {
            const struct timeline_change *c = &t->change[step->first + i];
            change(&holder[number_of(e, t->flow.row[c->row].process)], c);
        }
        for (uint32_t i = 0; i < e->processes; i++)
            if (holder[i].has_changed) {
                holder[i].has_changed = false;
                write_count(p, e->process[i].row, TRACK_BYTES, step->ns, holder[i].live.bytes);
                write_count(p, e->process[i].row, TRACK_BLOCKS, step->ns, holder[i].live.blocks);
            }
        write_count(p, 0, TRACK_BYTES, step->ns, step->live.bytes);
        write_count(p, 0, TRACK_BLOCKS, step->ns, step->live.blocks);
    }
}

/* Reads the timeline and writes its steps. Returns a status. */
static int write_timeline(struct perfetto *p) {
    struct export *e = p->export;
    struct timeline timeline = {0};
    struct timeline_query query = {.from = e->query.from.event,
                                   .to = view_given(e->view, "between") ? e->query.at.event : 0,
                                   .process = e->query.process,
                                   .steps = COUNTER_STEPS};
    struct holder *holder = calloc(e->processes + 1, sizeof *holder);
    int error = holder ? timeline_read(e->view->reader, &query, &timeline) : 0;
    p->failed |= !holder;
    if (!error && !p->failed)
        write_steps(p, &timeline, holder);
    timeline_free(&timeline);
    free(holder);
    return error ? view_store_error(e->view, error) : 0;
}

/* ---- code --------------------------------------------------------------------------------------
 */

/* Writes interned data. */
static void write_interned(struct perfetto *p, Hakmem__Perfetto__InternedData *data) {
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    packet.interned_data = data;
    if (!p->failed)
        write_packet(p, &packet);
}

static uint8_t digit(char c) {
    return (uint8_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
}

/* Turns hexadecimal digits into bytes, in place; how many. */
static size_t read_hexadecimal(char *text) {
    size_t count = 0;
    for (; text[2 * count] && text[2 * count + 1]; count++)
        text[count] = (char)(digit(text[2 * count]) << 4 | digit(text[2 * count + 1]));
    return count;
}

/* The iid of a text, which is freed, in one of the tables; 0 of "". */
static uint64_t intern(struct perfetto *p, enum interned kind, struct hak_text *text) {
    bool is_new;
    uint32_t number = message_number_text(&p->texts[kind], text, &is_new);
    p->failed |= p->texts[kind].failed;
    if (!number || !is_new)
        return number;
    Hakmem__Perfetto__InternedData data = HAKMEM__PERFETTO__INTERNED_DATA__INIT;
    Hakmem__Perfetto__InternedString string = HAKMEM__PERFETTO__INTERNED_STRING__INIT;
    Hakmem__Perfetto__InternedString *one = &string;
    char *words = strdup(p->texts[kind].text[number - 1]);
    p->failed |= !words;
    string.has_iid = string.has_str = true;
    string.iid = number;
    string.str.data = (uint8_t *)words;
    string.str.len = !words ? 0 : kind == BUILD_IDS ? read_hexadecimal(words) : strlen(words);
    struct {
        size_t *count;
        Hakmem__Perfetto__InternedString ***list;
    } tables[INTERNED] = {{&data.n_function_names, &data.function_names},
                          {&data.n_mapping_paths, &data.mapping_paths},
                          {&data.n_build_ids, &data.build_ids},
                          {&data.n_source_paths, &data.source_paths}};
    *tables[kind].count = 1;
    *tables[kind].list = &one;
    write_interned(p, &data);
    free(words);
    return number;
}

/* Interns a text of the program. */
static uint64_t intern_words(struct perfetto *p, enum interned kind, const char *words) {
    struct hak_text text = {0};
    hak_text_add_name(&text, words);
    return intern(p, kind, &text);
}

/* Writes an iid of each part of a path to `part`; the last of `most` is the whole rest. Returns how
 * many; empty parts are left out. */
static size_t intern_path(struct perfetto *p, const char *path, uint64_t *part, size_t most) {
    size_t count = 0;
    while (*path && count < most) {
        struct hak_text text = {0};
        size_t length = count + 1 == most ? strlen(path) : strcspn(path, "/");
        hak_text_add(&text, "%.*s", (int)length, path);
        if (length)
            part[count++] = intern(p, PATHS, &text);
        hak_text_free(&text);
        path += length;
        path += *path == '/';
    }
    return count;
}

/* The number of a mapping; a new one is written first. */
static uint64_t intern_mapping(struct perfetto *p, const struct export_module *m) {
    struct export *e = p->export;
    uint32_t at = (uint32_t)(m - e->module);
    uint64_t part[64];
    for (uint32_t i = 0; i < e->modules && !p->mapping[at]; i++)
        if (p->mapping[i] && export_is_same_mapping(&e->module[i], m))
            p->mapping[at] = p->mapping[i];
    if (p->mapping[at])
        return p->mapping[at];
    Hakmem__Perfetto__InternedData data = HAKMEM__PERFETTO__INTERNED_DATA__INIT;
    Hakmem__Perfetto__Mapping mapping = HAKMEM__PERFETTO__MAPPING__INIT, *one = &mapping;
    mapping.has_iid = mapping.has_build_id = mapping.has_start = mapping.has_end = true;
    mapping.iid = p->mapping[at] = at + 1;
    mapping.build_id = intern_words(p, BUILD_IDS, m->build_id);
    mapping.start = m->start;
    mapping.end = m->end;
    mapping.n_path_string_ids = intern_path(p, m->path, part, sizeof part / sizeof *part);
    mapping.path_string_ids = part;
    data.n_mappings = 1;
    data.mappings = &one;
    write_interned(p, &data);
    return mapping.iid;
}

/* The number of one level (with inlining, there are several) of a return address; a new one is
 * written first. */
static uint64_t intern_frame(struct perfetto *p, uint32_t number, uint32_t level) {
    const struct export_site *site = &p->sites.site[number - 1];
    uint64_t key = (uint64_t)number << 32 | level, at = 0;
    uint32_t found = hak_index_find(&p->by_frame, key, &at);
    if (found)
        return found;
    struct export *e = p->export;
    const struct hak_frame *f = &e->places.place[p->sites.place[site->first + level]].frame;
    const struct profile_code *code = site->code == UINT32_MAX ? NULL : &e->places.code[site->code];
    const struct export_module *module = code ? export_find_module(e, code) : NULL;
    Hakmem__Perfetto__InternedData data = HAKMEM__PERFETTO__INTERNED_DATA__INIT;
    Hakmem__Perfetto__Frame frame = HAKMEM__PERFETTO__FRAME__INIT, *one = &frame;
    struct hak_text name = {0};
    export_add_name(&name, f);
    frame.has_iid = frame.has_function_name_id = true;
    frame.iid = ++p->frames;
    frame.function_name_id = intern(p, FUNCTIONS, &name);
    frame.has_mapping_id = frame.has_rel_pc = module != NULL;
    frame.mapping_id = module ? intern_mapping(p, module) : 0;
    frame.rel_pc = module ? code->ip - module->load_bias : 0;
    frame.has_source_path_iid = f->file[0] != '\0';
    frame.source_path_iid = intern_words(p, SOURCES, f->file);
    frame.has_line_number = f->line != 0;
    frame.line_number = f->line;
    data.n_frames = 1;
    data.frames = &one;
    write_interned(p, &data);
    p->failed |= p->frames > UINT32_MAX || !hak_index_add(&p->by_frame, key, (uint32_t)p->frames);
    return p->frames;
}

/* Writes the callstack of the path at hand, outermost frame first, under a new iid. Returns the
 * iid. */
static uint64_t write_callstack(struct perfetto *p) {
    Hakmem__Perfetto__InternedData data = HAKMEM__PERFETTO__INTERNED_DATA__INIT;
    Hakmem__Perfetto__Callstack stack = HAKMEM__PERFETTO__CALLSTACK__INIT, *one = &stack;
    uint32_t count = 0;
    for (uint32_t i = p->sites.count; i-- > 0 && !p->failed;) {
        uint32_t number = p->sites.of_path[i];
        for (uint32_t level = p->sites.site[number - 1].count; level-- > 0 && !p->failed; count++) {
            uint64_t frame = intern_frame(p, number, level);
            p->failed |=
                !hak_growing_make_room(&p->frame_id, count, &p->frame_room, sizeof *p->frame_id);
            if (!p->failed)
                p->frame_id[count] = frame;
        }
    }
    stack.has_iid = true;
    stack.iid = ++p->callstacks;
    stack.n_frame_ids = count;
    stack.frame_ids = p->frame_id;
    data.n_callstacks = 1;
    data.callstacks = &one;
    write_interned(p, &data);
    return stack.iid;
}

/* ---- the heap profile --------------------------------------------------------------------------
 */

/* Writes a packet of one sample; the next one goes on with it unless it is the last. */
static void write_sample_packet(struct perfetto *p, const struct export_row *row,
                                uint64_t callstack, bool is_last) {
    const struct profile_sums *s = &row->sums;
    const struct export_process *process = export_find_process(p->export, row->process);
    packet_t packet = HAKMEM__PERFETTO__TRACE_PACKET__INIT;
    Hakmem__Perfetto__ProfilePacket profile = HAKMEM__PERFETTO__PROFILE_PACKET__INIT;
    Hakmem__Perfetto__ProfilePacket__ProcessHeapSamples dump =
        HAKMEM__PERFETTO__PROFILE_PACKET__PROCESS_HEAP_SAMPLES__INIT;
    Hakmem__Perfetto__ProfilePacket__HeapSample sample =
        HAKMEM__PERFETTO__PROFILE_PACKET__HEAP_SAMPLE__INIT;
    Hakmem__Perfetto__ProfilePacket__ProcessHeapSamples *only_dump = &dump;
    Hakmem__Perfetto__ProfilePacket__HeapSample *only_sample = &sample;
    char heap[] = "malloc";
    uint64_t bytes = s->live.bytes + s->went.bytes, blocks = s->live.blocks + s->went.blocks;
    sample.has_callstack_id = sample.has_self_allocated = sample.has_self_freed = true;
    sample.has_alloc_count = sample.has_free_count = true;
    sample.callstack_id = callstack;
    sample.self_allocated = bytes > s->came.bytes ? bytes : s->came.bytes;
    sample.self_freed = sample.self_allocated - s->live.bytes;
    sample.alloc_count = blocks > s->came.blocks ? blocks : s->came.blocks;
    sample.free_count = sample.alloc_count - s->live.blocks;
    dump.has_pid = dump.has_from_startup = dump.has_timestamp = true;
    dump.pid = process ? (uint64_t)p->pid[process - p->export->process] : 0;
    dump.from_startup = true;
    dump.timestamp = export_moment_ns(p->export);
    dump.heap_name = heap;
    dump.has_sampling_interval_bytes = true;
    dump.sampling_interval_bytes = 1;
    dump.n_samples = 1;
    dump.samples = &only_sample;
    profile.n_process_dumps = 1;
    profile.process_dumps = &only_dump;
    profile.has_index = profile.has_continued = true;
    profile.index = p->packets++;
    profile.continued = !is_last;
    packet.has_timestamp = true;
    packet.timestamp = dump.timestamp;
    packet.profile_packet = &profile;
    if (!p->failed)
        write_packet(p, &packet);
}

static bool is_row_empty(const struct export_row *row) {
    return !row->sums.live.blocks && !row->sums.came.blocks && !row->sums.went.blocks;
}

/* Writes a packet for each stack that has sums. */
static void write_samples(struct perfetto *p) {
    struct export *e = p->export;
    uint32_t last = 0;
    for (uint32_t i = 0; i < e->rows; i++)
        last = is_row_empty(&e->row[i]) ? last : i;
    for (uint32_t i = 0; i < e->rows && !p->failed; i++) {
        if (is_row_empty(&e->row[i]))
            continue;
        if (!export_find_path(e, &e->row[i]))
            break;
        p->failed |= !export_find_sites(&p->sites, &e->path);
        if (!p->failed)
            write_sample_packet(p, &e->row[i], write_callstack(p), i == last);
    }
}

static bool is_wanted(const struct export *e, const struct export_process *process) {
    return !e->query.process || e->query.process == process->row;
}

int export_perfetto(struct export *e) {
    struct perfetto p = {.export = e};
    int status = export_read_processes(e);
    if (status == 0)
        status = export_read_modules(e);
    p.mapping = calloc(e->modules + 1, sizeof *p.mapping);
    p.failed = !p.mapping || !number_pids(&p);
    if (status == 0 && !p.failed)
        write_clocks(&p);
    for (uint32_t i = 0; i < e->processes && status == 0 && !p.failed; i++)
        if (is_wanted(e, &e->process[i])) {
            write_process_track(&p, &e->process[i]);
            write_counter_track(&p, e->process[i].row, TRACK_BYTES);
            write_counter_track(&p, e->process[i].row, TRACK_BLOCKS);
        }
    if (status == 0 && !p.failed) {
        write_counter_track(&p, 0, TRACK_BYTES);
        write_counter_track(&p, 0, TRACK_BLOCKS);
        status = write_timeline(&p);
    }
    if (status == 0)
        status = write_marks(&p);
    if (status == 0)
        write_samples(&p);
    e->failed |= p.failed;
    for (int i = 0; i < INTERNED; i++)
        message_free_texts(&p.texts[i]);
    export_free_sites(&p.sites);
    hak_index_free(&p.by_frame);
    free(p.mapping);
    free(p.pid);
    free(p.frame_id);
    return status;
}
