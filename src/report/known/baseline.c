/* Reads, asks, changes and writes baselines. */
#include "report/known/baseline.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "base/growing.h"
#include "base/bytes.h"

/* A member that is a count; 0: it is missing, or something else. */
static uint64_t count_of(const json_t *object, const char *name) {
    json_int_t value = json_integer_value(json_object_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

/* Appends an entry, whose texts are of `object`, the reference to which it takes over. False
 * without memory. */
static bool append(struct hak_baseline *to, json_t *object) {
    if (!hak_growing_make_room(&to->list, to->count, &to->capacity, sizeof *to->list)) {
        json_decref(object);
        return false;
    }
    to->list[to->count++] = (struct hak_baseline_entry){
        .fingerprint = hak_json_string(object, "fingerprint"),
        .name = hak_json_string(object, "name"),
        .place = hak_json_string(object, "place"),
        .program = hak_json_string(object, "program"),
        .note = hak_json_string(object, "note"),
        .first_seen = hak_json_string(object, "first_seen"),
        .blocks = count_of(object, "blocks"),
        .bytes = count_of(object, "bytes"),
        .object = object,
    };
    return true;
}

/* Entries of one fingerprint stay in the order of the file. */
static int by_fingerprint(const void *a, const void *b) {
    const struct hak_baseline_entry *first = a, *second = b;
    int order = strcmp(first->fingerprint, second->fingerprint);
    return order ? order : (first->line > second->line) - (first->line < second->line);
}

/* Sorts by fingerprint, and notes the order of the file in `line`. */
static void sort(struct hak_baseline *baseline) {
    for (size_t i = 0; i < baseline->count; i++)
        baseline->list[i].line = i;
    if (baseline->count > 1)
        qsort(baseline->list, baseline->count, sizeof *baseline->list, by_fingerprint);
    baseline->sorted = baseline->count;
}

/* Keeps the first of each fingerprint: two branches added it, and a merge kept both. */
static void drop_repeated(struct hak_baseline *baseline) {
    uint32_t kept = 0;
    for (size_t i = 0; i < baseline->count; i++)
        if (kept > 0 &&
            strcmp(baseline->list[kept - 1].fingerprint, baseline->list[i].fingerprint) == 0)
            json_decref(baseline->list[i].object);
        else
            baseline->list[kept++] = baseline->list[i];
    baseline->count = baseline->sorted = kept;
}

/* Fills `to` from a document. False: `error` is written. */
static bool take_document(struct hak_baseline *to, const json_t *document, char *error,
                          size_t bytes) {
    const json_t *version = json_object_get(document, "hakmem_baseline");
    const json_t *findings = json_object_get(document, "findings");
    if (!json_is_integer(version) || !json_is_array(findings)) {
        snprintf(error, bytes,
                 "%s: not a baseline: {\"hakmem_baseline\": %d, \"findings\": [...]} was "
                 "expected; `hakmem-trace faults --write-baseline FILE` writes one",
                 to->path, HAK_BASELINE_VERSION);
        return false;
    }
    if (json_integer_value(version) != HAK_BASELINE_VERSION) {
        snprintf(error, bytes,
                 "%s: the baseline has version %lld, and this hakmem reads %d; use a newer hakmem",
                 to->path, (long long)json_integer_value(version), HAK_BASELINE_VERSION);
        return false;
    }
    for (size_t i = 0; i < json_array_size(findings); i++) {
        json_t *object = json_array_get(findings, i);
        const char *fingerprint = hak_json_string(object, "fingerprint");
        if (!fingerprint[0]) {
            snprintf(error, bytes, "%s: finding %zu of the baseline has no \"fingerprint\"",
                     to->path, i + 1);
            return false;
        }
        if (!append(to, json_incref(object))) {
            snprintf(error, bytes, "%s: out of memory", to->path);
            return false;
        }
    }
    sort(to);
    drop_repeated(to);
    return true;
}

struct hak_baseline *hak_baseline_load(const char *path, bool may_be_missing, char *error,
                                       size_t error_bytes) {
    struct hak_baseline *made = calloc(1, sizeof *made);
    if (!made || !(made->path = strdup(path))) {
        snprintf(error, error_bytes, "%s: out of memory", path);
        free(made);
        return NULL;
    }
    FILE *file = fopen(path, "re");
    if (!file && errno == ENOENT) {
        made->is_missing = true;
        if (may_be_missing)
            return made;
    }
    json_error_t trouble = {.text = ""};
    json_t *document = file ? json_loadf(file, JSON_REJECT_DUPLICATES, &trouble) : NULL;
    bool good = false;
    if (!file)
        snprintf(error, error_bytes, "%s: the baseline cannot be read: %s%s", path, strerror(errno),
                 made->is_missing ? "; `hakmem-trace faults --write-baseline FILE` writes one"
                                  : "");
    else if (!document)
        snprintf(error, error_bytes, "%s:%d: the baseline is not JSON: %s", path, trouble.line,
                 trouble.text);
    else
        good = take_document(made, document, error, error_bytes);
    json_decref(document);
    if (file)
        fclose(file);
    if (!good) {
        hak_baseline_free(made);
        return NULL;
    }
    return made;
}

void hak_baseline_free(struct hak_baseline *baseline) {
    if (!baseline)
        return;
    for (size_t i = 0; i < baseline->count; i++)
        json_decref(baseline->list[i].object);
    free(baseline->list);
    free(baseline->path);
    free(baseline);
}

struct hak_baseline_entry *hak_baseline_find(const struct hak_baseline *baseline,
                                             const char *fingerprint) {
    size_t from = 0, to = baseline ? baseline->sorted : 0;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(baseline->list[middle].fingerprint, fingerprint);
        if (order == 0)
            return &baseline->list[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (size_t i = baseline ? baseline->sorted : 0; baseline && i < baseline->count; i++)
        if (strcmp(baseline->list[i].fingerprint, fingerprint) == 0)
            return &baseline->list[i];
    return NULL;
}

bool hak_baseline_add(struct hak_baseline *baseline, const char *fingerprint, const char *name,
                      const char *place, const char *program, const char *first_seen) {
    json_t *object =
        hak_json_object(TEXT("fingerprint", fingerprint), TEXT("name", name), TEXT("place", place),
                        TEXT("program", program), TEXT("note", ""), TEXT("first_seen", first_seen));
    if (json_object_size(object) < 6) { /* memory ran out */
        json_decref(object);
        return false;
    }
    if (!append(baseline, object))
        return false;
    baseline->list[baseline->count - 1].seen = true;
    return true;
}

void hak_baseline_set_leak(struct hak_baseline_entry *entry, uint64_t blocks, uint64_t bytes) {
    entry->blocks = blocks;
    entry->bytes = bytes;
    hak_json_set(entry->object, NUMBER("blocks", blocks), NUMBER("bytes", bytes));
}

static bool is_more(uint64_t old, uint64_t now, uint64_t percent) {
    return (unsigned __int128)now * 100 > (unsigned __int128)old * (100 + percent);
}

bool hak_baseline_has_grown(const struct hak_baseline_entry *entry, uint64_t blocks, uint64_t bytes,
                            uint64_t percent) {
    return entry->blocks > 0 &&
           (is_more(entry->blocks, blocks, percent) || is_more(entry->bytes, bytes, percent));
}

void hak_baseline_add_growth(struct hak_text *text, uint64_t old_blocks, uint64_t old_bytes,
                             uint64_t blocks, uint64_t bytes) {
    hak_text_add(text, "grew from %s ", hak_words_count(old_blocks, "block", "blocks"));
    hak_text_add(text, "(%s) to ", hak_words_bytes(old_bytes));
    hak_text_add(text, "%s ", hak_words_count(blocks, "block", "blocks"));
    hak_text_add(text, "(%s)", hak_words_bytes(bytes));
}

size_t hak_baseline_prune(struct hak_baseline *baseline,
                          bool (*ran)(void *context, const char *program), void *context) {
    uint32_t kept = 0, before = baseline->count, sorted = 0;
    for (size_t i = 0; i < before; i++) {
        struct hak_baseline_entry *entry = &baseline->list[i];
        if (!entry->seen && ran(context, entry->program))
            json_decref(entry->object);
        else
            baseline->list[kept++] = *entry;
        if (i < baseline->sorted)
            sorted = kept;
    }
    baseline->count = kept;
    baseline->sorted = sorted;
    return before - kept;
}

/* The baseline as JSON, for the caller to free. NULL without memory. */
static char *print(const struct hak_baseline *baseline) {
    json_t *findings = json_array();
    for (size_t i = 0; i < baseline->count; i++)
        json_array_append(findings, baseline->list[i].object);
    bool is_whole = json_array_size(findings) == baseline->count;
    json_t *document =
        json_pack("{s:i, s:o}", "hakmem_baseline", HAK_BASELINE_VERSION, "findings", findings);
    char *text = hak_json_print(document);
    if (is_whole)
        return text;
    free(text);
    return NULL;
}

bool hak_baseline_write(struct hak_baseline *baseline, char *error, size_t error_bytes) {
    sort(baseline);
    char *text = print(baseline);
    bool good = text && hak_replace_file(baseline->path, text);
    if (!text)
        snprintf(error, error_bytes, "%s: out of memory", baseline->path);
    else if (!good)
        snprintf(error, error_bytes, "%s: the baseline cannot be written: %s", baseline->path,
                 strerror(errno));
    free(text);
    return good;
}
