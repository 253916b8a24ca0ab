/* Reads a document of findings, or of a heap profile, from disk, and refuses all that document.c
 * would not write. */
#include "viewer/fleet/document.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "store/source.h"
#include "viewer/fleet/stack.h"

enum { TEXT_BYTES = 512 << 10 }; /* a text with all its escapes */

/* Reads a number. False: none, or above `most`. */
static bool read_number(const json_t *object, const char *name, uint64_t most, uint64_t *out) {
    const json_t *value = json_object_get(object, name);
    *out = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) >= 0 && *out <= most;
}

/* Finds a text. False: none, or too long. */
static bool read_text(const json_t *object, const char *name, const char **out) {
    const json_t *value = json_object_get(object, name);
    *out = json_string_value(value);
    return *out && json_string_length(value) <= TEXT_BYTES;
}

/* Reads an object as JSON text, which the document keeps. False: it is none, or longer than
 * TEXT_BYTES. */
static bool read_object(struct document *d, const json_t *object, const char *name, int place,
                        const char **out) {
    const json_t *value = json_object_get(object, name);
    char *text = json_is_object(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    d->text[d->pull ? 0 : 2 * d->runs + (uint32_t)place] = text;
    *out = text;
    return text && strlen(text) <= TEXT_BYTES;
}

/* Reads a finding. False: it is not as a push writes it. */
static bool read_finding(const json_t *object, struct hak_remote_finding *out) {
    uint64_t number = 0, code = 0;
    bool is_good =
        read_number(object, "number", INT32_MAX, &number) &&
        read_number(object, "code", INT32_MAX, &code) &&
        read_number(object, "count", INT64_MAX, &out->count) &&
        read_number(object, "address", INT64_MAX, &out->address) &&
        read_text(object, "fingerprint", &out->fingerprint) &&
        read_text(object, "name", &out->name) && read_text(object, "headline", &out->headline) &&
        read_text(object, "place", &out->place) && read_text(object, "report", &out->report);
    out->number = (uint32_t)number;
    out->code = (uint32_t)code;
    return is_good;
}

/* Reads a run's findings. False: not as a push writes them. */
static bool read_findings(struct document *d, const json_t *list, struct hak_remote_run *run) {
    run->findings = (uint32_t)json_array_size(list);
    run->finding = d->finding + d->findings;
    if (!json_is_array(list) || json_array_size(list) > DOCUMENT_FINDINGS - d->findings)
        return false;
    for (uint32_t i = 0; i < run->findings; i++)
        if (!read_finding(json_array_get(list, i), &d->finding[d->findings++]))
            return false;
    return true;
}

/* Reads a run. False: not as a push writes it. */
static bool read_run(struct document *d, const json_t *object) {
    struct hak_remote_run *run = &d->run[d->runs];
    const json_t *rate = json_object_get(object, "rate");
    uint64_t at = 0;
    bool has_words = read_object(d, object, "labels", 0, &run->labels) &&
                     read_object(d, object, "summary", 1, &run->summary);
    d->runs++;
    run->rate = json_number_value(rate);
    if (!has_words || !json_is_number(rate) || !isfinite(run->rate) ||
        !read_number(object, "run", INT64_MAX, &run->run) ||
        !read_number(object, "at_us", INT64_MAX / 1024, &at) ||
        !read_number(object, "pid", INT64_MAX, &run->pid) ||
        !read_number(object, "capture", INT64_MAX, &run->capture))
        return false;
    run->at_us = (int64_t)at;
    return read_text(object, "host", &run->host) && read_text(object, "program", &run->program) &&
           read_text(object, "command", &run->command) && read_text(object, "build", &run->build) &&
           read_text(object, "version", &run->version) && read_text(object, "level", &run->level) &&
           read_text(object, "hakmem", &run->hakmem) &&
           read_findings(d, json_object_get(object, "findings"), run);
}

/* Reads all runs. False: no memory, or not as a push writes them. */
static bool read_runs(struct document *d, const json_t *list) {
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > DOCUMENT_RUNS)
        return false;
    d->run = calloc(count + 1, sizeof *d->run);
    d->finding = calloc(DOCUMENT_FINDINGS, sizeof *d->finding);
    d->text = calloc(2 * count + 1, sizeof *d->text);
    d->has_no_memory = !d->run || !d->finding || !d->text;
    if (d->has_no_memory)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_run(d, json_array_get(list, i)))
            return false;
    return true;
}

/* Reads the sums of a stack. False: not as a push writes them; `*before` is the number of the stack
 * before it, as they stand in order. */
static bool read_stack(const json_t *object, uint64_t *before, struct hak_remote_stack *out) {
    const json_t *variance = json_object_get(object, "live_variance");
    out->live_variance = json_number_value(variance);
    if (!read_text(object, "frames", &out->frames) || !json_is_number(variance) ||
        !isfinite(out->live_variance) || out->live_variance < 0)
        return false;
    out->stack = fleet_stack_number(out->frames);
    bool is_in_order = out->stack > *before;
    *before = out->stack;
    return is_in_order && read_number(object, "live_blocks", INT64_MAX, &out->live_blocks) &&
           read_number(object, "live_bytes", INT64_MAX, &out->live_bytes) &&
           read_number(object, "allocated_blocks", INT64_MAX, &out->allocated_blocks) &&
           read_number(object, "allocated_bytes", INT64_MAX, &out->allocated_bytes) &&
           read_number(object, "freed_blocks", INT64_MAX, &out->freed_blocks) &&
           read_number(object, "freed_bytes", INT64_MAX, &out->freed_bytes);
}

/* Reads a heap profile's stacks. False: no memory, or not as a push writes them. */
static bool read_stacks(struct document *d, const json_t *list) {
    size_t count = json_array_size(list);
    uint64_t before = 0;
    if (!json_is_array(list) || count > DOCUMENT_STACKS + 1)
        return false;
    d->stack = calloc(count + 1, sizeof *d->stack);
    d->has_no_memory |= !d->stack;
    if (!d->stack)
        return false;
    d->pull->stack = d->stack;
    d->pull->stacks = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        if (!read_stack(json_array_get(list, i), &before, &d->stack[i]))
            return false;
    return true;
}

/* Reads a heap profile. False: no memory, or not as a push writes it. */
static bool read_pull(struct document *d, const json_t *object) {
    uint64_t at = 0, began = 0;
    struct hak_remote_pull *pull = d->pull = calloc(1, sizeof *d->pull);
    d->text = calloc(1, sizeof *d->text);
    d->has_no_memory = !pull || !d->text;
    if (d->has_no_memory || !read_object(d, object, "labels", 0, &pull->labels) ||
        !read_number(object, "run", INT64_MAX, &pull->run) ||
        !read_number(object, "pull", INT64_MAX, &pull->pull) ||
        !read_number(object, "at_us", INT64_MAX / 1000, &at) ||
        !read_number(object, "began_us", INT64_MAX / 1000, &began) ||
        !read_number(object, "pid", INT64_MAX, &pull->pid) ||
        !read_number(object, "rate", INT64_MAX, &pull->rate) ||
        !read_number(object, "unsampled", INT64_MAX, &pull->unsampled))
        return false;
    pull->at_us = (int64_t)at;
    pull->began_us = (int64_t)began;
    return read_text(object, "host", &pull->host) && read_text(object, "program", &pull->program) &&
           read_text(object, "build", &pull->build) &&
           read_text(object, "version", &pull->version) &&
           read_text(object, "hakmem", &pull->hakmem) &&
           read_stacks(d, json_object_get(object, "stacks"));
}

/* jansson takes a text for a wrong one where its allocations fail: they are watched. */
static bool has_failed;

/* malloc for jansson, which notes a failure. */
static void *allocate(size_t bytes) {
    void *made = malloc(bytes);
    has_failed |= !made;
    return made;
}

/* Reads the document's fields and runs. False: it is none, with the reason in `why` (a
 * constant). */
static bool read_fields(const char *text, size_t bytes, struct document *out, const char **why) {
    uint64_t version;
    *out = (struct document){.json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL)};
    *why = "it is no JSON";
    if (!json_is_object(out->json))
        return false;
    *why = "it is of another version";
    if (!read_number(out->json, "hakmem_push", 2, &version) || version == 0)
        return false;
    *why = "it is not as a push writes it";
    return read_text(out->json, "to", &out->url) && hak_source_is_url(out->url) &&
           read_number(out->json, "left_out", INT64_MAX, &out->left_out) &&
           read_number(out->json, "cut", INT64_MAX, &out->cut) &&
           (version == 1 ? read_runs(out, json_object_get(out->json, "runs"))
                         : read_pull(out, json_object_get(out->json, "pull")));
}

bool document_read(const char *text, size_t bytes, struct document *out, const char **why) {
    json_malloc_t before;
    json_free_t release;
    json_get_alloc_funcs(&before, &release);
    json_set_alloc_funcs(allocate, free);
    has_failed = false;
    bool is_read = read_fields(text, bytes, out, why);
    json_set_alloc_funcs(before, release);
    out->has_no_memory |= has_failed;
    return is_read && !out->has_no_memory;
}

void document_free(struct document *d) {
    for (uint32_t i = 0; d->text && i < (d->pull ? 1 : 2 * d->runs); i++)
        free(d->text[i]);
    free(d->text);
    free(d->run);
    free(d->finding);
    free(d->pull);
    free(d->stack);
    json_decref(d->json);
    *d = (struct document){0};
}
