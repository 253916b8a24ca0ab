/* Gathers what a capture found: faults and crashes from the table fault, leaks from the table leak.
 */
#include "viewer/findings/findings.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"
#include "fault_codes.h"
#include "trace/session.h"

static int pid_of(const struct hak_query *query, int i) {
    uint64_t value = hak_query_count(query, i);
    return value <= INT_MAX ? (int)value : 0;
}

/* True for "HKM-NNN:" or "crash:" and 16 digits. */
static bool is_fingerprint(const char *text) {
    size_t name = strcspn(text, ":");
    return text[name] == ':' && name + 17 < HAK_FINGERPRINT_BYTES &&
           strspn(text + name + 1, "0123456789abcdef") == 16 && text[name + 17] == '\0' &&
           (strncmp(text, "crash:", 6) == 0 || (strncmp(text, "HKM-", 4) == 0 && name > 4 &&
                                                strspn(text + 4, "0123456789") == name - 4));
}

/* Takes a stored fingerprint, or makes one of the first stack where the store has something else in
 * its place: other tools rely on its form. */
static void take_fingerprint(struct finding *one, const char *text) {
    const struct hak_frames *frames = &one->stacks[0].frames;
    if (is_fingerprint(text))
        strcpy(one->fingerprint, text);
    else
        hak_fingerprint(one->fingerprint, one->code, 0, frames->frame, frames->count);
}

/* Appends an empty finding; NULL without memory. */
static struct finding *add(struct findings *to) {
    if (!hak_growing_make_room(&to->list, to->count, &to->capacity, sizeof *to->list))
        return NULL;
    struct finding *one = &to->list[to->count++];
    *one = (struct finding){.known_by = ""};
    return one;
}

static char *base_name(const struct hak_query *query, int i) {
    return strdup(hak_words_path(hak_query_text(query, i), 1, false));
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

bool findings_read_frames(struct hak_frames *out, const json_t *array) {
    size_t count = json_array_size(array);
    struct hak_frame *frames = count ? calloc(count, sizeof *frames) : NULL;
    *out = (struct hak_frames){0};
    if (!frames)
        return count == 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(array, i);
        frames[i] = (struct hak_frame){
            .ip = strtoull(hak_json_string(one, "ip"), NULL, 16),
            .function = hak_json_string(one, "function"),
            .file = hak_json_string(one, "file"),
            .line = (uint32_t)json_integer_value(json_object_get(one, "line")),
            .module = hak_json_string(one, "module"),
            .module_offset = (uint64_t)json_integer_value(json_object_get(one, "module_offset")),
            .inlined = json_is_true(json_object_get(one, "inlined")),
            .is_hakmem = json_is_true(json_object_get(one, "hakmem")),
        };
    }
    bool copied = hak_frames_copy(out, frames, (int)count) == 0;
    free(frames);
    return copied;
}

/* Adds a stack and takes `frames` over; an empty one, or one beyond FINDING_STACKS, is freed. */
static void add_stack(struct finding *to, const char *title, struct hak_frames frames) {
    if (frames.count == 0 || to->stack_count == FINDING_STACKS)
        hak_frames_free(&frames);
    else
        to->stacks[to->stack_count++] = (struct finding_stack){title, frames};
}

/* Adds a stack of the report, if it has frames. */
static void add_json_stack(struct finding *to, const char *title, const json_t *array) {
    struct hak_frames frames;
    if (findings_read_frames(&frames, array))
        add_stack(to, title, frames);
}

/* Whether the stack has a function of the program. Without one, as in findings at exit, it does not
 * tell where to look. */
static bool is_telling(const struct finding_stack *stack) {
    const struct hak_frames *frames = &stack->frames;
    int first = hak_words_telling_frame(frames->frame, frames->count);
    return first >= 0 &&
           hak_words_frame_role(frames->frame, frames->count, first) == HAK_FRAME_PROGRAM;
}

/* Moves the stack that the finding is shown at to the front. */
static void choose_first(struct finding *one) {
    int best = -1;
    for (int i = 0; i < one->stack_count; i++)
        hak_words_accuse_caller(one->code, one->stacks[i].frames.frame,
                                one->stacks[i].frames.count);
    for (int i = 0; i < one->stack_count && best < 0; i++)
        if (is_telling(&one->stacks[i]))
            best = i;
    if (best <= 0)
        return;
    struct finding_stack chosen = one->stacks[best];
    memmove(one->stacks + 1, one->stacks, (size_t)best * sizeof chosen);
    one->stacks[0] = chosen;
}

/* Reads the stacks of a report's JSON, the one first that its SUMMARY names: where it was found,
 * or, of damage that was found late, where the block was allocated. */
static void read_stacks(struct finding *one, const json_t *fault) {
    const json_t *wrong = json_object_get(fault, "first_wrong_step");
    const json_t *allocated = json_object_get(fault, "allocated");
    const char *found_by = hak_json_string(fault, "found_by");
    bool is_access = strcmp(found_by, "access") == 0 || strcmp(found_by, "watchpoint") == 0;
    bool is_late =
        hak_fault_is_damage(one->code) && !is_access && strcmp(found_by, "function") != 0;
    if (json_object_get(wrong, "event") && one->code != 0 &&
        !json_equal(json_object_get(wrong, "frames"), json_object_get(fault, "frames")))
        add_json_stack(one, "first wrong step", json_object_get(wrong, "frames"));
    if (is_late)
        add_json_stack(one, "allocated", allocated);
    add_json_stack(one, "found", json_object_get(fault, "frames"));
    if (one->stack_count > 0 && (is_access || one->code == 0)) {
        struct hak_frames *frames = &one->stacks[one->stack_count - 1].frames;
        frames->frame[0].is_interrupted = !frames->frame[0].is_hakmem;
    }
    if (!is_late)
        add_json_stack(one, "allocated", allocated);
    add_json_stack(one, "freed", json_object_get(fault, "freed"));
    choose_first(one);
}

/* ---- rows --------------------------------------------------------------------------------------
 */

/* Takes the block that it is about, and the block's life. */
static void take_block(struct finding *one, const json_t *document) {
    const json_t *lives = json_object_get(document, "lives");
    const json_t *last = json_array_get(lives, json_array_size(lives) - 1);
    const char *base = hak_json_string(json_object_get(document, "block"), "base");
    one->base = strtoull(base, NULL, 16);
    one->birth =
        (uint64_t)json_integer_value(json_object_get(json_object_get(last, "birth"), "id"));
}

/* Takes the access that the processor stopped: read or write, and the instruction where it could be
 * decoded. False: memory ran out. */
static bool take_access(struct finding *one, const json_t *fault) {
    const json_t *instruction = json_object_get(fault, "instruction");
    one->access = strdup(hak_json_string(fault, "access"));
    one->instruction = strdup(hak_json_string(instruction, "text"));
    return one->access && one->instruction;
}

/* The first line of a report, without "hakmem: ". */
static char *make_headline(const struct finding *one, const json_t *fault) {
    const char *text = hak_json_string(fault, "headline");
    if (!text[0])
        text = one->report;
    struct hak_text line = {0};
    if (strncmp(text, "hakmem: ", 8) == 0)
        text += 8;
    hak_text_add(&line, "%.*s", (int)strcspn(text, "\n"), text);
    return hak_text_take(&line);
}

/* Fills in name, meaning and advice by the code. */
static void name_it(struct finding *one) {
    const struct hak_fault_words *words = hak_words_fault(one->code);
    one->name = words ? words->name : "crash";
    one->meaning = words ? words->meaning : "";
    one->advice = words ? words->advice : "";
}

/* Adds a fault's row, with stacks and headline from its report. False without memory. */
static bool take_fault(struct findings *to, const struct hak_query *query) {
    struct finding *one = add(to);
    if (!one)
        return false;
    one->row = hak_query_id(query, 0);
    one->code = (unsigned)hak_query_count(query, 1);
    one->kind = one->code ? FINDING_FAULT : FINDING_CRASH;
    one->event = hak_query_count(query, 2);
    one->ns = hak_query_count(query, 3);
    one->process = hak_query_id(query, 4);
    one->thread = hak_query_id(query, 5);
    one->pid = pid_of(query, 9);
    one->summary = strdup(hak_query_text(query, 6));
    one->report = strdup(hak_query_text(query, 7));
    one->program = base_name(query, 10);
    name_it(one);
    json_t *document = json_loads(hak_query_text(query, 8), 0, NULL);
    bool good = one->summary && one->report && one->program;
    if (good) {
        const json_t *fault = json_object_get(document, "fault");
        take_block(one, document);
        const char *text = hak_query_text(query, 11);
        read_stacks(one, fault);
        one->headline = make_headline(one, fault);
        good = take_access(one, fault);
        take_fingerprint(one, is_fingerprint(text) ? text : hak_json_string(fault, "fingerprint"));
    }
    json_decref(document);
    return good && one->headline;
}

/* Adds the faults of the process, or all. False, and said. */
static bool gather_faults(struct view *view, uint32_t process, struct findings *out) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT f.id, f.code, f.event, f.ns, f.process, f.thread, f.summary, f.report,"
                " f.json, p.pid, p.program, f.fingerprint FROM fault f LEFT JOIN process p"
                " ON p.id = f.process WHERE ?1 = 0 OR f.process = ?1 ORDER BY f.id",
                "reading faults", process);
    bool has_memory = true;
    while (has_memory && hak_query_next(&q))
        has_memory = take_fault(out, &q);
    return view_end_query(view, &q, has_memory) == 0;
}

/* Adds a leak's row. False without memory. */
static bool take_leak(struct view *view, struct findings *to, const struct hak_query *query,
                      bool is_reported_only) {
    struct finding *one = add(to);
    struct hak_frames frames;
    struct hak_text headline = {0};
    if (!one)
        return false;
    one->kind = FINDING_LEAK;
    one->is_reported_only = is_reported_only;
    one->code = HAK_FAULT_MEMORY_LEAK;
    one->row = hak_query_id(query, 0);
    one->process = hak_query_id(query, 1);
    one->ns = hak_query_count(query, 2);
    one->blocks = hak_query_count(query, 4);
    one->bytes = hak_query_count(query, 5);
    one->pid = pid_of(query, 8);
    one->report = strdup(hak_query_text(query, 7));
    one->program = base_name(query, 9);
    one->summary = strdup("");
    one->layer = strdup(hak_query_text(query, 10));
    name_it(one);
    hak_frames_load(&frames, view->reader, hak_query_id(query, 3));
    add_stack(one, "allocated", frames);
    take_fingerprint(one, hak_query_text(query, 6));
    hak_text_add(&headline, "HKM-%u %s: %s in ", one->code, one->name, hak_words_bytes(one->bytes));
    hak_text_add(&headline, "%s never given back, allocated in ",
                 hak_words_count(one->blocks, "block", "blocks"));
    finding_add_place(&headline, one);
    one->headline = hak_text_take(&headline);
    return one->headline && one->report && one->program && one->summary && one->layer;
}

#define LEAKS                                                                                      \
    "SELECT l.id, l.process, l.ns, l.stack, l.count, l.bytes, l.fingerprint, l.report, p.pid,"     \
    " p.program, l.layer FROM leak l LEFT JOIN process p ON p.id = l.process"                      \
    " WHERE (?1 = 0 OR l.process = ?1) AND "

/* Adds the leaks that the question finds. False, and said. */
static bool gather_leaks(struct view *view, uint32_t process, const char *sql,
                         bool is_reported_only, struct findings *out) {
    struct hak_query q = hak_ask(hak_store_database(view->reader), sql, "reading leaks", process);
    bool has_memory = true;
    while (has_memory && hak_query_next(&q))
        has_memory = take_leak(view, out, &q, is_reported_only);
    return view_end_query(view, &q, has_memory) == 0;
}

bool findings_gather_reported(struct view *view, uint32_t process, struct findings *out) {
    return gather_leaks(view, process,
                        LEAKS VIEW_LEAK_IS_REPORTED_ONLY " ORDER BY l.bytes DESC, l.id", true, out);
}

bool findings_gather(struct view *view, uint32_t process, struct findings *out) {
    *out = (struct findings){0};
    if (gather_faults(view, process, out) &&
        gather_leaks(view, process, LEAKS VIEW_LEAK_COUNTS " ORDER BY l.id", false, out))
        return true;
    findings_free(out);
    return false;
}

void findings_free(struct findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *one = &findings->list[i];
        for (int k = 0; k < one->stack_count; k++)
            hak_frames_free(&one->stacks[k].frames);
        free(one->program);
        free(one->headline);
        free(one->access);
        free(one->instruction);
        free(one->summary);
        free(one->layer);
        free(one->report);
    }
    free(findings->list);
    hak_baseline_free(findings->baseline);
    hak_suppressions_free(findings->suppressions);
    *findings = (struct findings){0};
}

bool finding_is_at_allocation(const struct finding *finding) {
    return hak_fault_is_damage(finding->code) && finding->stack_count > 0 &&
           strcmp(finding->stacks[0].title, "allocated") == 0;
}

const char *finding_relation(const struct finding *finding) {
    return finding_is_at_allocation(finding) ? " of a block from " : " in ";
}

/* Appends the headline; if the finding stands at the allocation, also that the line that wrote is
 * not known. */
void finding_add_message(struct hak_text *text, const struct finding *finding) {
    hak_text_add(text, "%s%s", finding->headline,
                 finding_is_at_allocation(finding)
                     ? "; this line allocated the block, the line that wrote is not known"
                     : "");
}

const struct hak_frame *finding_place(const struct finding *finding) {
    if (finding->stack_count == 0)
        return NULL;
    const struct hak_frames *frames = &finding->stacks[0].frames;
    int first = hak_words_telling_frame(frames->frame, frames->count);
    return first >= 0 ? &frames->frame[first] : NULL;
}

void finding_add_place(struct hak_text *text, const struct finding *finding) {
    const struct hak_frame *frame = finding_place(finding);
    if (!frame) {
        hak_text_add(text, "??");
        return;
    }
    struct hak_frame without_line = *frame;
    without_line.line = 0;
    hak_words_add_place(text, &without_line, 1);
}
