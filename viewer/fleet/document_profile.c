/* Makes the document of a sampled heap profile: the process, when it was read, and the estimates of
 * each stack at that moment, by a fingerprint that is the same on all hosts. */
#include "viewer/fleet/document.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "base/growing.h"
#include "base/index.h"
#include "report/words/words.h"
#include "store/history/history.h"
#include "version.h"
#include "viewer/fleet/stack.h"

enum { STACKS_BYTES = 4 << 20 }; /* of all stacks' texts; what is beyond counts as other stacks */

/* A stack and its sums. */
struct summed {
    uint64_t number;
    char *frames; /* as the document has them; NULL: it is among the others now */
    struct hak_amount live, allocated, freed;
    double variance; /* of the live bytes */
};

struct profile_making {
    struct view *view;
    const struct hak_database *db;
    uint64_t rate, started_ns, clock_ns, read_ns; /* read_ns: since `started_ns` */
    uint32_t process;
    struct summed *stack;
    uint32_t stacks, room;
    struct hak_index by_number;
    uint64_t left_out, cut;
    bool has_memory;
    int error; /* of the store */
};

/* ---- sums -------------------------------------------------------------------------------------
 */

/* The square of the standard error of live bytes, as if all blocks had their mean size: sum of x^2
 * (1 - p) / p with p = 1 - exp(-x / rate) (docs/specs/heap-profile.md). */
static double variance_of(struct hak_amount live, uint64_t rate) {
    if (!live.blocks || !live.bytes || !rate)
        return 0;
    double size = (double)live.bytes / (double)live.blocks;
    return (double)live.bytes * size / expm1(size / (double)rate);
}

static uint64_t capped(uint64_t value) {
    return value < INT64_MAX ? value : INT64_MAX;
}

/* Adds up without an end above that of the server's numbers, whatever a store has. */
static void add_capped(struct hak_amount *to, struct hak_amount more) {
    to->blocks = capped(capped(to->blocks) + capped(more.blocks));
    to->bytes = capped(capped(to->bytes) + capped(more.bytes));
}

static void add_stack_sums(struct summed *to, const struct summed *more) {
    add_capped(&to->live, more->live);
    add_capped(&to->allocated, more->allocated);
    add_capped(&to->freed, more->freed);
    to->variance += more->variance;
}

/* Finds the stack of a text, or makes it; takes the text over. NULL: no memory. */
static struct summed *find_or_add_stack(struct profile_making *m, char *frames) {
    uint64_t number = frames ? fleet_stack_number(frames) : 0, place = 0;
    uint32_t found = frames ? hak_index_find(&m->by_number, number, &place) : 0;
    if (found) {
        free(frames);
        return &m->stack[found - 1];
    }
    if (!frames || !hak_growing_make_room(&m->stack, m->stacks, &m->room, sizeof *m->stack) ||
        !hak_index_add(&m->by_number, number, m->stacks + 1)) {
        free(frames);
        return NULL;
    }
    m->stack[m->stacks] = (struct summed){.number = number, .frames = frames};
    return &m->stack[m->stacks++];
}

/* The text of a stack of the store, as JSON will have it; NULL: no memory, or m->error. */
static char *frames_of(struct profile_making *m, uint32_t stack) {
    struct hak_frames frames = {0};
    struct hak_text text = {0};
    m->error = hak_frames_load(&frames, m->view->reader, stack);
    if (m->error)
        return NULL;
    m->cut += !fleet_stack_add(&text, m->db, &frames);
    hak_frames_free(&frames);
    json_t *json = text.failed ? NULL : hak_json_lines(hak_text_string(&text));
    const char *words = json_string_value(json);
    char *out = words ? strdup(words) : NULL;
    json_decref(json);
    hak_text_free(&text);
    return out;
}

/* Adds a row of the profile to its stack; m->has_memory, m->error. */
static void add_heap_row(struct profile_making *m, const struct hak_heap_row *row) {
    char *frames = frames_of(m, row->stack);
    struct summed sums = {.live = row->live,
                          .allocated = row->came,
                          .freed = row->went,
                          .variance = variance_of(row->live, m->rate)};
    struct summed *to = m->error ? NULL : find_or_add_stack(m, frames);
    m->has_memory = m->error || to;
    if (to)
        add_stack_sums(to, &sums);
}

/* ---- what of it is sent -----------------------------------------------------------------------
 */

/* In the order in which all pushes send: two at once wait for each other in one direction only. */
static int compare_numbers(const void *a, const void *b) {
    const struct summed *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* The most live bytes first, then the most allocated ones. */
static int compare_weights(const void *a, const void *b) {
    const struct summed *x = a, *y = b;
    if (x->live.bytes != y->live.bytes)
        return x->live.bytes < y->live.bytes ? 1 : -1;
    if (x->allocated.bytes != y->allocated.bytes)
        return x->allocated.bytes < y->allocated.bytes ? 1 : -1;
    return compare_numbers(a, b);
}

/* Makes one of the stacks for which there is no room, the lightest ones. False: no memory. */
static bool join_others(struct profile_making *m) {
    struct summed others = {.frames = NULL};
    size_t bytes = 0;
    uint32_t kept = 0;
    if (m->stacks)
        qsort(m->stack, m->stacks, sizeof *m->stack, compare_weights);
    while (kept < m->stacks && kept < DOCUMENT_STACKS &&
           (bytes += strlen(m->stack[kept].frames)) <= STACKS_BYTES)
        kept++;
    m->left_out = m->stacks - kept;
    for (uint32_t i = kept; i < m->stacks; i++) {
        add_stack_sums(&others, &m->stack[i]);
        free(m->stack[i].frames);
    }
    m->stacks = kept;
    if (m->left_out) {
        others.frames = strdup(FLEET_OTHER_STACKS);
        if (!others.frames)
            return false;
        others.number = fleet_stack_number(others.frames);
        m->stack[m->stacks++] = others;
    }
    if (m->stacks)
        qsort(m->stack, m->stacks, sizeof *m->stack, compare_numbers);
    return true;
}

/* ---- the capture ------------------------------------------------------------------------------
 */

/* Says why the capture's profile is not sent, where it is none that was sampled. 0, or a status. */
static int check_is_sampled(struct profile_making *m) {
    if (m->rate)
        return 0;
    if (!view_is_light(m->view) && m->view->summary.events)
        view_error("push --profile: %s counts every block, so its profile is exact; sampled ones "
                   "are sent, "
                   "as `hakmem-trace ctl PID profile -o FILE.db` reads them",
                   m->view->store_path);
    else
        view_error("push --profile: %s has no heap profile; `hakmem-trace ctl PID profile -o "
                   "FILE.db` reads one of a program in level light",
                   m->view->store_path);
    return VIEW_USAGE;
}

/* Finds when the profile was read. 0, or a status: the error is printed. */
static int read_time(struct profile_making *m) {
    struct hak_heap_steps steps;
    int error = hak_heap_read_steps(m->view->reader, 0, 0, 0, &steps);
    if (!error && steps.steps)
        m->read_ns = steps.step[steps.steps - 1].to_ns;
    hak_heap_free_steps(&steps);
    m->started_ns = hak_database_meta_number(m->db, "started");
    m->clock_ns = hak_database_meta_number(m->db, "monotonic_start_ns");
    return error ? view_store_error(m->view, error) : 0;
}

/* Adds up the profile by stacks. 0, or a status: the error is printed. */
static int read_heap(struct profile_making *m) {
    struct hak_heap heap = {0};
    bool is_one = true;
    int result = hak_heap_read(m->view->reader, 0, 0, 0, &heap);
    for (uint32_t i = 0; i < heap.rows && result == 1 && !m->error && m->has_memory; i++) {
        is_one &= heap.row[i].process == heap.row[0].process;
        m->process = heap.row[i].process;
        add_heap_row(m, &heap.row[i]);
    }
    m->error = result < 0 ? result : m->error;
    bool is_empty = result == 1 && !heap.rows;
    if (result == 0 || is_empty || !is_one)
        view_error("push --profile: %s: %s", m->view->store_path,
                   !is_one    ? "it has profiles of several processes; each is sent from a file of "
                                "its own"
                   : is_empty ? "its heap profile has no block"
                   : heap.why_not ? heap.why_not
                                  : "its heap profile cannot be read");
    hak_heap_free(&heap);
    if (m->error)
        return view_store_error(m->view, m->error);
    return result == 0 || is_empty || !is_one ? VIEW_UNREADABLE : 0;
}

/* ---- the document -----------------------------------------------------------------------------
 */

static json_t *stacks_json(const struct profile_making *m) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < m->stacks; i++) {
        const struct summed *s = &m->stack[i];
        hak_json_add(list, JSON("frames", json_string(s->frames)), SUM("live", s->live),
                     SUM("allocated", s->allocated), SUM("freed", s->freed),
                     JSON("live_variance", json_real(s->variance)));
    }
    return list;
}

/* The number of the process that `q` stands at: pid, start_time, program. */
static uint64_t process_number(const char *host, const struct hak_query *q) {
    char number[64];
    int length =
        snprintf(number, sizeof number, "%llu %llu", (unsigned long long)hak_query_count(q, 0),
                 (unsigned long long)hak_query_count(q, 1));
    uint64_t hash = document_begin_hash();
    hash = document_add_to_hash(hash, host, strlen(host));
    hash = document_add_to_hash(hash, number, (size_t)length);
    return document_end_hash(
        document_add_to_hash(hash, hak_query_text(q, 2), strlen(hak_query_text(q, 2))));
}

/* The process, the moment and its stacks. NULL: there is no such process. */
static json_t *pull_json(struct profile_making *m, const char *host, json_t *labels) {
    struct hak_query q =
        hak_ask(m->db, "SELECT pid, start_time, program FROM process WHERE id = ?1",
                "reading processes", m->process);
    json_t *pull = NULL;
    if (hak_query_next(&q)) {
        char *build = document_build(m->db, hak_query_text(&q, 2));
        pull = hak_json_object(
            NUMBER("run", process_number(host, &q)),
            NUMBER("pull", capped(capped(m->clock_ns) + capped(m->read_ns))),
            NUMBER("at_us", capped(capped(m->started_ns) + capped(m->read_ns)) / 1000),
            NUMBER("began_us", capped(m->started_ns) / 1000),
            NUMBER("pid", capped(hak_query_count(&q, 0))), NUMBER("rate", capped(m->rate)),
            NUMBER("unsampled",
                   capped(hak_database_number(m->db, "SELECT sum(count) FROM loss", 0))),
            TEXT("hakmem", HAK_VERSION));
        document_set_text(pull, "host", host, DOCUMENT_LINE_BYTES, &m->cut);
        document_set_text(pull, "program", hak_query_text(&q, 2), DOCUMENT_COMMAND_BYTES, &m->cut);
        document_set_text(pull, "build", build ? build : "", DOCUMENT_LINE_BYTES, &m->cut);
        document_set_text(pull, "version", hak_json_string(labels, "version"), DOCUMENT_LINE_BYTES,
                          &m->cut);
        json_object_set(pull, "labels", labels);
        hak_json_set(pull, JSON("stacks", stacks_json(m)));
        free(build);
    }
    hak_query_end(&q);
    return pull;
}

/* The document's text; NULL: no memory, or there is no process. */
static char *make_text(struct profile_making *m, const char *url, const char *labels) {
    struct utsname machine = {0};
    (void)uname(&machine);
    json_t *object = document_labels(labels);
    json_t *pull = pull_json(m, document_host(m->view, machine.nodename), object);
    json_t *document =
        hak_json_object(NUMBER("hakmem_push", 2), TEXT("to", url), NUMBER("left_out", m->left_out),
                        NUMBER("cut", m->cut), JSON("pull", pull));
    char *text = hak_json_dump(document, JSON_COMPACT);
    json_decref(document);
    json_decref(object);
    return text;
}

char *document_make_profile(struct view *view, const char *url, const char *labels, int *status) {
    struct profile_making m = {.view = view,
                               .db = hak_store_database(view->reader),
                               .rate = view_sampled_rate(view),
                               .has_memory = true};
    char *text = NULL;
    *status = check_is_sampled(&m);
    if (!*status)
        *status = read_time(&m);
    if (!*status)
        *status = read_heap(&m);
    if (!*status && m.has_memory && join_others(&m))
        text = make_text(&m, url, labels);
    if (!*status && !text) {
        view_error("push: out of memory");
        *status = VIEW_UNREADABLE;
    }
    for (uint32_t i = 0; i < m.stacks; i++)
        free(m.stack[i].frames);
    free(m.stack);
    hak_index_free(&m.by_number);
    return text;
}
