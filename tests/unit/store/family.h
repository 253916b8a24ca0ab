/* A capture of a family of processes that fork and end, with every kind of call, drawn by a fixed
 * seed: without losses, or with calls in any order. `log_of` has its events, `process` who did
 * them. */
#ifndef HAK_TEST_FAMILY_H
#define HAK_TEST_FAMILY_H

#include "capture.h"
#include "store/profile/profile.h"
#include "store/writer/inner.h"

enum {
    USED = 120,
    EVENTS = 5000, /* at most */
    PROCESSES = 6,
    STACKS = 9
};

static struct hak_store_reader *r;
static struct hak_event log_of[EVENTS + 1]; /* by id */
static uint64_t random_state;
static bool has_odd_classes; /* of each event another one */
static bool is_lossy;        /* events are missing from the log, and it says so */
static bool is_late;         /* events of a process come when those of others are newer */

static struct process {
    uint32_t parent;
    uint64_t fork, first, last; /* events */
    uint64_t start_ns;
    bool has_ended, is_live[USED];
    uint32_t n[USED];
} process[PROCESSES + 1];

static uint64_t draw(uint64_t below) {
    random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
    return (random_state >> 33) % below;
}

static void put(struct hak_event e) {
    e.id = capture.id + 1;
    capture.late_ns = is_late && e.process == 2 ? capture.ns / 2 : 0;
    e.ns = capture.ns + 1000 - capture.late_ns;
    log_of[e.id] = e;
    struct process *p = &process[e.process];
    p->first = p->first ? p->first : e.id;
    p->last = e.id;
    capture_put(e);
    if (draw(40) == 0)
        capture_cut();
}

/* With losses any call at all: frees of what is not held and births over what is. */
static uint8_t draw_kind(bool is_live, uint8_t *place) {
    static const uint8_t births[] = {HAK_MALLOC, HAK_MALLOC, HAK_REALLOC},
                         others[] = {HAK_FREE, HAK_FREE, HAK_REALLOC_FROM, HAK_REALLOC};
    bool is_birth = is_lossy ? draw(2) : !is_live;
    *place = HAK_PLACE_FRONT;
    if (is_birth)
        return births[draw(sizeof births)];
    uint8_t kind = others[draw(sizeof others)];
    if (kind == HAK_REALLOC)
        *place = HAK_PLACE_LIVE;
    return kind;
}

static void put_call(uint32_t number) {
    int i = (int)draw(USED);
    bool *is_live = &process[number].is_live[i];
    struct hak_event e = {.base = BLOCK(i),
                          .address = BLOCK(i) + 16,
                          .size = draw(60),
                          .generation = (uint64_t)1 << 32 | ++process[number].n[i],
                          .process = number,
                          .thread = 4 * number - (uint32_t)draw(4), /* its own four */
                          .stack = 1 + (uint32_t)draw(STACKS - 1),
                          .class_index = (uint8_t)(has_odd_classes ? draw(9) : (uint64_t)i % 7)};
    if (draw(20) == 0) {
        e.kind = HAK_FREE;
        e.flags = HAK_RECORD_ILLEGAL;
    } else if (draw(9) == 0) {
        e.kind = HAK_FRONT_SPILL;
    } else {
        e.kind = draw_kind(*is_live, &e.place);
        *is_live = e.kind == HAK_MALLOC || e.kind == HAK_REALLOC;
    }
    put(e);
}

static void put_process(uint32_t number, uint64_t fork) {
    struct process *p = &process[number];
    must(hak_store_put_process(capture.w,
                               &(struct hak_process_row){.id = number,
                                                         .parent = p->parent,
                                                         .fork_event = fork,
                                                         .start_ns = p->start_ns,
                                                         .end_ns = p->has_ended ? capture.ns : 0,
                                                         .end_kind = p->has_ended,
                                                         .session = 1,
                                                         .program = "/bin/app"}));
    for (uint32_t i = 4 * number - 3; i <= 4 * number; i++)
        must(hak_store_put_thread(
            capture.w,
            &(struct hak_thread_row){.id = i, .process = number, .number = i, .name = "t"}));
}

static void fork_off(uint32_t parent, uint32_t child, bool is_known) {
    put((struct hak_event){.process = parent, .thread = 4 * parent, .kind = HAK_FORK, .size = 1});
    memcpy(process[child].n, process[parent].n, sizeof process[child].n);
    memcpy(process[child].is_live, process[parent].is_live, sizeof process[child].is_live);
    process[child].parent = parent;
    process[child].fork = is_known ? capture.id : 0;
    process[child].start_ns = capture.ns;
    put_process(child, process[child].fork);
    if (!is_known) /* it begins where it is first seen */
        put((struct hak_event){.process = child, .thread = 4 * child, .kind = HAK_PROCESS_START});
}

static void end_process(uint32_t number) {
    put((struct hak_event){.process = number, .thread = 4 * number, .kind = HAK_PROCESS_END});
    process[number].has_ended = true;
    put_process(number, process[number].fork);
}

static void put_calls(int count, const char *processes) {
    for (int i = 0; i < count; i++)
        put_call((uint32_t)(processes[draw(strlen(processes))] - '0'));
}

static void tell_story(void) {
    for (int i = 0; i < USED / 10; i++) /* they were there before the recording began */
        process[1].is_live[i] = true;
    if (is_lossy)
        must(hak_store_put_loss(capture.w, &(struct hak_loss_row){.process = 1, .count = 9}));
    put_calls(900, "1");
    fork_off(1, 2, true);
    put_calls(300, "1"); /* the child has no event yet */
    put_calls(500, "12");
    fork_off(2, 3, true);
    fork_off(1, 4, false);
    put_calls(600, "1234");
    end_process(2);
    put_calls(300, "134");
    fork_off(4, 5, true); /* never has an event */
    fork_off(4, 6, true);
    put((struct hak_event){.process = 6, .thread = 24, .kind = HAK_PROCESS_START}); /* no call */
    end_process(4);
    put_calls(500, "13");
    end_process(1);
    put_calls(200, "3");
}

static uint64_t run_events; /* of the stored profile; 0 = it has none, being short */

static void begin_family(int lossy) {
    is_lossy = lossy;
    capture_start();
    hak_live_set_limits(capture.w->live, 0, 300, 3);
    if (run_events)
        hak_profile_set_limits(capture.w->profile, 0, run_events);
    memset(process, 0, sizeof process);
    random_state = 11;
    r = NULL;
    tell_story();
    capture_finish();
    must(hak_store_open(capture.path, &r));
}

static void end_family(void) {
    hak_store_close(r);
    capture_clean(capture.path);
}

#endif
