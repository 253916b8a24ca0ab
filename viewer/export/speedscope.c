/* speedscope's JSON (https://www.speedscope.app/file-format-schema.json): a profile of the type
 * "sampled" for each measure, which share their frames. */
#include "viewer/export/parts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "report/words/words.h"

#define SCHEMA   "https://www.speedscope.app/file-format-schema.json"
#define MEASURES 5

struct frames {
    uint32_t *of_label; /* number of a label's frame + 1, 0 = it has none yet */
    uint32_t room;
    json_t *list;
};

static const struct {
    const char *name, *unit;
} measures[MEASURES] = {{"live bytes", "bytes"},
                        {"live blocks", "none"},
                        {"allocated bytes", "bytes"},
                        {"allocations", "none"},
                        {"short-lived allocations", "none"}};

/* The index of the measure that is shown first: what `top` would be sorted by. */
static int first_measure(const struct export *e) {
    bool is_span = view_given(e->view, "between");
    switch (e->query.by) {
    case PROFILE_BYTES:
        return is_span ? 2 : 0;
    case PROFILE_BLOCKS:
        return is_span ? 3 : 1;
    case PROFILE_CALLS:
        return 3;
    case PROFILE_SHORT_LIVED:
        return 4;
    default:
        return 2;
    }
}

static uint64_t value_of(const struct profile_sums *sums, int measure) {
    const uint64_t values[MEASURES] = {sums->live.bytes, sums->live.blocks, sums->came.bytes,
                                       sums->came.blocks, sums->brief.blocks};
    return values[measure];
}

static json_t *frame_json(const struct export *e, const struct profile_place *place) {
    const struct profile_label *label = &e->places.label[place->label[e->query.per]];
    json_t *object = json_object();
    struct hak_text name = {0};
    if (e->query.per == PROFILE_FILE || e->query.per == PROFILE_MODULE)
        profile_add_name(&name, label, e->query.per);
    else
        export_add_name(&name, &place->frame);
    hak_json_set(object, TEXT("name", hak_text_string(&name)));
    hak_text_free(&name);
    if (label->file[0])
        hak_json_set(object, TEXT("file", label->file));
    else if (label->module[0])
        hak_json_set(object, TEXT("file", label->module));
    if (e->query.per == PROFILE_LINE && label->line)
        hak_json_set(object, NUMBER("line", label->line));
    return object;
}

/* The index of the place's frame in the list, where it is added if it is new. */
static uint32_t number_frame(struct export *e, struct frames *f, uint32_t number) {
    const struct profile_place *place = &e->places.place[number];
    uint32_t label = place->label[e->query.per];
    if (!hak_growing_reach(&f->of_label, label, &f->room, sizeof *f->of_label)) {
        e->failed = true;
        return 0;
    }
    if (!f->of_label[label]) {
        json_array_append_new(f->list, frame_json(e, place));
        f->of_label[label] = (uint32_t)json_array_size(f->list);
    }
    return f->of_label[label] - 1;
}

static json_t *profile_json(struct export *e, struct frames *f, int measure) {
    json_t *samples = json_array(), *weights = json_array();
    uint64_t sum = 0;
    for (uint32_t i = 0; i < e->rows; i++) {
        uint64_t value = value_of(&e->row[i].sums, measure);
        if (!value || !export_find_path(e, &e->row[i]))
            continue;
        json_t *stack = json_array();
        for (uint32_t k = e->path.count; k-- > 0;)
            json_array_append_new(stack, json_integer(number_frame(e, f, e->path.place[k])));
        json_array_append_new(samples, stack);
        json_array_append_new(weights, json_integer((json_int_t)value));
        sum += value;
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:o}", "type", "sampled", "name",
                     measures[measure].name, "unit", measures[measure].unit, "startValue", 0,
                     "endValue", (json_int_t)sum, "samples", samples, "weights", weights);
}

int export_speedscope(struct export *e) {
    struct frames f = {.list = json_array()};
    json_t *profiles = json_array();
    int left_out = view_sampled_rate(e->view) ? 1 : 0; /* short-lived blocks are not known */
    for (int i = 0; i < MEASURES - left_out; i++)
        json_array_append_new(profiles, profile_json(e, &f, i));
    free(f.of_label);
    json_t *document =
        json_pack("{s:s, s:s, s:o, s:i, s:{s:o}, s:o}", "$schema", SCHEMA, "exporter",
                  "hakmem-trace", "name", hak_json_text(e->view->store_path), "activeProfileIndex",
                  first_measure(e), "shared", "frames", f.list, "profiles", profiles);
    char *text = hak_json_dump(document, JSON_COMPACT);
    json_decref(document);
    e->failed |= !text;
    if (text) {
        view_sink_add_bytes(e->sink, text, strlen(text));
        view_sink_add_bytes(e->sink, "\n", 1);
    }
    free(text);
    return export_say_errors(e);
}
