/* Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format): rules are the lines
 * of faults.def, results have the place, every stack that is known, and the fingerprint. */
#include "viewer/findings/findings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "version.h"

#define SCHEMA  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
#define BASE_ID "SRCROOT"

struct writer {
    struct view *view;
    json_t *artifacts;
};

static json_t *message(const char *text) {
    return json_pack("{s:o}", "text", hak_json_text(text));
}

/* Adds a path as part of a URI (RFC 3986). */
static void add_uri(struct hak_text *text, const char *path) {
    for (const unsigned char *at = (const unsigned char *)path; *at; at++)
        if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
            (*at >= '0' && *at <= '9') || strchr("-._~/+@", *at))
            hak_text_add_bytes(text, (const char *)at, 1);
        else
            hak_text_add(text, "%%%02X", *at);
}

/* The location of `file`: its path relative to the repository, or whole. Notes it among the
 * artifacts. */
static json_t *artifact_location(struct writer *w, const char *file) {
    struct hak_text path = {0}, uri = {0};
    bool inside = sources_add_path(&path, w->view, file);
    if (!inside && file[0] == '/')
        hak_text_add(&uri, "file://");
    add_uri(&uri, path.bytes ? path.bytes : file);
    json_t *location = hak_json_object(WORD("uri", hak_text_string(&uri)));
    if (inside)
        hak_json_set(location, WORD("uriBaseId", BASE_ID));
    bool is_known = false;
    for (size_t i = 0; i < json_array_size(w->artifacts); i++)
        is_known |=
            json_equal(json_object_get(json_array_get(w->artifacts, i), "location"), location) != 0;
    if (!is_known)
        json_array_append_new(w->artifacts, json_pack("{s:O}", "location", location));
    hak_text_free(&path);
    hak_text_free(&uri);
    return location;
}

/* The frame as a location; files are entered as artifacts. */
static json_t *location_of(struct writer *w, const struct hak_frame *frame, const char *text) {
    json_t *location = json_object();
    if (frame->file[0]) {
        json_t *physical =
            hak_json_object(JSON("artifactLocation", artifact_location(w, frame->file)));
        if (frame->line > 0)
            hak_json_set(physical, JSON("region", json_pack("{s:i}", "startLine", frame->line)));
        hak_json_set(location, JSON("physicalLocation", physical));
    }
    if (frame->function[0])
        hak_json_set(location, JSON("logicalLocations",
                                    json_pack("[{s:o, s:s}]", "fullyQualifiedName",
                                              hak_json_text(frame->function), "kind", "function")));
    if (text)
        hak_json_set(location, JSON("message", message(text)));
    return location;
}

/* A stack as JSON; hakmem's own frames tell something only where the fault is a move between its
 * layers. */
static json_t *stack_json(struct writer *w, const struct finding *of,
                          const struct finding_stack *stack) {
    json_t *frames = json_array();
    bool is_move = of->code >= 101 && of->code <= 199;
    for (int i = 0; i < stack->frames.count; i++) {
        const struct hak_frame *frame = &stack->frames.frame[i];
        if (frame->is_hakmem && !is_move)
            continue;
        json_t *one = json_pack("{s:o}", "location", location_of(w, frame, NULL));
        if (frame->module[0])
            hak_json_set(one, TEXT("module", hak_words_path(frame->module, 1, false)));
        json_array_append_new(frames, one);
    }
    return json_pack("{s:o, s:o}", "message", message(stack->title), "frames", frames);
}

/* The frame that stands for a stack: of the repository where there is one. */
static const struct hak_frame *frame_of(struct view *view, const struct finding *one, int stack) {
    const struct hak_frames *frames = &one->stacks[stack].frames;
    int at = stack == 0 ? sources_find_frame(view, one) : -1;
    if (at < 0)
        at = hak_words_telling_frame(frames->frame, frames->count);
    return at >= 0 ? &frames->frame[at] : NULL;
}

/* The places from the allocation over the free to where the fault was found, as far as these are
 * known; NULL = none is. */
static json_t *code_flows(struct writer *w, const struct finding *one) {
    static const char *const order[] = {"allocated", "freed", "first wrong step", "found"};
    json_t *locations = json_array();
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (int i = 0; i < one->stack_count; i++) {
            const struct hak_frame *frame = frame_of(w->view, one, i);
            if (strcmp(one->stacks[i].title, order[k]) != 0 || !frame)
                continue;
            json_t *stack = stack_json(w, one, &one->stacks[i]);
            json_t *location = location_of(w, frame, order[k]);
            json_array_append_new(locations,
                                  json_pack("{s:o, s:o}", "location", location, "stack", stack));
        }
    if (json_array_size(locations) == 0) {
        json_decref(locations);
        return NULL;
    }
    return json_pack("[{s:[{s:o}]}]", "threadFlows", "locations", locations);
}

/* The locations of the finding's other stacks. */
static json_t *related_json(struct writer *w, const struct finding *one) {
    json_t *list = json_array();
    for (int i = 1; i < one->stack_count; i++) {
        const struct hak_frame *frame = frame_of(w->view, one, i);
        if (!frame)
            continue;
        json_t *location = location_of(w, frame, one->stacks[i].title);
        hak_json_set(location, NUMBER("id", i));
        json_array_append_new(list, location);
    }
    return list;
}

/* The rule's place in the list; 0: a crash. */
static int rule_index(unsigned code) {
    for (unsigned i = 0; hak_words_fault_at(i); i++)
        if (hak_words_fault_at(i)->code == code)
            return (int)i + 1;
    return 0; /* a crash */
}

static json_t *rule_id(unsigned code) {
    return code ? json_sprintf("HKM-%u", code) : json_string("crash");
}

static json_t *suppressions_json(const struct finding *one) {
    json_t *list = json_array();
    if (one->state == FINDING_NEW)
        return list;
    json_t *object = json_pack("{s:s}", "kind", "external");
    if (one->known_by[0])
        hak_json_set(object, TEXT("justification", one->known_by));
    json_array_append_new(list, object);
    return list;
}

/* A finding as a result. */
static json_t *result_json(struct writer *w, const struct findings *all,
                           const struct finding *one) {
    json_t *result = json_object(), *locations = json_array(), *stacks = json_array();
    json_t *prints = json_object(), *properties = json_object();
    hak_json_set(result, JSON("ruleId", rule_id(one->code)),
                 NUMBER("ruleIndex", rule_index(one->code)),
                 WORD("level", one->is_reported_only ? "note" : "error"));
    struct hak_text words = {0};
    finding_add_message(&words, one);
    hak_json_set(result, JSON("message", message(hak_text_string(&words))));
    hak_text_free(&words);
    const struct hak_frame *frame = one->stack_count > 0 ? frame_of(w->view, one, 0) : NULL;
    if (frame)
        json_array_append_new(
            locations,
            location_of(w, frame, finding_is_at_allocation(one) ? one->stacks[0].title : NULL));
    hak_json_set(result, JSON("locations", locations));
    if (one->stack_count > 1)
        hak_json_set(result, JSON("relatedLocations", related_json(w, one)));
    for (int i = 0; i < one->stack_count; i++)
        json_array_append_new(stacks, stack_json(w, one, &one->stacks[i]));
    hak_json_set(result, JSON("stacks", stacks));
    json_t *flows = one->stack_count > 1 ? code_flows(w, one) : NULL;
    if (flows)
        hak_json_set(result, JSON("codeFlows", flows));
    hak_json_set(prints, TEXT("hakmem/v1", one->fingerprint));
    hak_json_set(result, JSON("partialFingerprints", prints));
    if (all->baseline)
        hak_json_set(result,
                     WORD("baselineState", one->state == FINDING_BASELINE ? "unchanged" : "new"));
    hak_json_set(result, JSON("suppressions", suppressions_json(one)));
    hak_json_set(properties, TEXT("program", one->program), NUMBER("pid", one->pid),
                 JSON("report", hak_json_lines(one->report)));
    if (one->access && one->access[0])
        hak_json_set(properties, TEXT("access", one->access));
    if (one->instruction && one->instruction[0])
        hak_json_set(properties, TEXT("instruction", one->instruction));
    if (one->kind == FINDING_LEAK) {
        hak_json_set(properties, NUMBER("blocks", one->blocks), NUMBER("bytes", one->bytes));
        if (one->layer[0])
            hak_json_set(properties, TEXT("layer", one->layer));
    }
    return hak_json_set(result, JSON("properties", properties));
}

/* "double-free" as rules are called: "DoubleFree". */
static json_t *rule_name(const char *name) {
    char out[64];
    size_t length = 0;
    bool upper = true;
    for (; *name && length + 1 < sizeof out; name++) {
        if (*name == '-') {
            upper = true;
            continue;
        }
        out[length++] = upper && *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name;
        upper = false;
    }
    out[length] = '\0';
    return json_string(out);
}

static json_t *rule_json(unsigned code, const char *name, const char *meaning, const char *advice) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:{s:s}}", "id", rule_id(code), "name",
                     rule_name(name), "shortDescription", message(name), "fullDescription",
                     message(meaning), "help", message(advice), "defaultConfiguration", "level",
                     "error");
}

static json_t *tool_json(void) {
    json_t *rules = json_array();
    json_array_append_new(rules,
                          rule_json(0, "crash",
                                    "The program died of a signal that no fault of the "
                                    "heap explains.",
                                    "Look at the report: it says where, and what the registers "
                                    "point to."));
    for (unsigned i = 0; hak_words_fault_at(i); i++) {
        const struct hak_fault_words *words = hak_words_fault_at(i);
        json_array_append_new(rules,
                              rule_json(words->code, words->name, words->meaning, words->advice));
    }
    return json_pack("{s:{s:s, s:s, s:o}}", "driver", "name", "hakmem", "version", HAK_VERSION,
                     "rules", rules);
}

static json_t *bases_json(struct view *view) {
    struct hak_text uri = {0};
    hak_text_add(&uri, "file://");
    add_uri(&uri, sources_root(view));
    hak_text_add(&uri, "/");
    json_t *bases = json_pack("{s:{s:s}}", BASE_ID, "uri", hak_text_string(&uri));
    hak_text_free(&uri);
    return bases;
}

char *findings_sarif(struct view *view, const struct findings *findings) {
    struct writer w = {.view = view, .artifacts = json_array()};
    json_t *results = json_array();
    for (size_t i = 0; i < findings->count; i++)
        json_array_append_new(results, result_json(&w, findings, &findings->list[i]));
    json_t *run =
        json_pack("{s:o, s:[{s:b}], s:o, s:o, s:s, s:o}", "tool", tool_json(), "invocations",
                  "executionSuccessful", true, "originalUriBaseIds", bases_json(view), "artifacts",
                  w.artifacts, "columnKind", "utf16CodeUnits", "results", results);
    return hak_json_print(
        json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run));
}
