/* A profile for pprof: Go's sample types of a heap, with modules, addresses, inlined functions. */
#include "viewer/export/parts.h"

#include <stdlib.h>
#include <string.h>
#include "base/growing.h"
#include "made/pprof.pb-c.h"
#include "viewer/export/message.h"
#include "viewer/export/stacks.h"

/* The first four as Go's runtime has them; the last two with --between alone. */
static const struct {
    const char *type, *unit;
} types[] = {{"alloc_objects", "count"},       {"alloc_space", "bytes"},
             {"inuse_objects", "count"},       {"inuse_space", "bytes"},
             {"short_lived_objects", "count"}, {"short_lived_space", "bytes"},
             {"grown_objects", "count"},       {"grown_space", "bytes"}};
enum { ALLOC_OBJECTS, ALLOC_SPACE, INUSE_OBJECTS, INUSE_SPACE, SHORT_OBJECTS, SHORT_SPACE };
enum { GROWN_OBJECTS = 6, GROWN_SPACE, TYPES };

struct pprof {
    struct export *export;
    bool is_span; /* --between was given */
    struct message_texts texts;
    struct export_sites sites;
    uint32_t *mapping; /* of each module its number, 0 = it is not written */
    uint32_t mappings;
    uint32_t *function; /* of each place its number, 0 = it is not written */
    uint32_t functions, function_room;
    struct hak_index by_function; /* (name, file) */
    uint32_t written;             /* sites */
    uint64_t *location;           /* of the sample at hand */
    uint32_t location_room;
    bool failed;
};

/* ---- pieces ------------------------------------------------------------------------------------
 */

static void write_piece(struct pprof *p, const Hakmem__Pprof__Profile *piece) {
    p->failed |= !message_write(p->export->sink, &piece->base);
}

/* Place of a text, which is freed, in string_table; "" is the first. */
static int64_t index_text(struct pprof *p, struct hak_text *text) {
    bool is_new;
    uint32_t number = message_number_text(&p->texts, text, &is_new);
    p->failed |= p->texts.failed;
    if (number && is_new) {
        Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
        piece.n_string_table = 1;
        piece.string_table = &p->texts.text[number - 1];
        write_piece(p, &piece);
    }
    return number;
}

/* The text's number in the string table, in which a text of the program is made visible. */
static int64_t index_words(struct pprof *p, const char *words) {
    struct hak_text text = {0};
    hak_text_add_name(&text, words);
    return index_text(p, &text);
}

static void write_empty_text(struct pprof *p) {
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    char none[1] = "", *texts[1] = {none};
    piece.n_string_table = 1;
    piece.string_table = texts;
    write_piece(p, &piece);
}

/* ---- what is sampled ---------------------------------------------------------------------------
 */

static int count_types(const struct pprof *p) {
    int left_out = view_sampled_rate(p->export->view) ? GROWN_OBJECTS - SHORT_OBJECTS : 0;
    return (p->is_span ? TYPES : GROWN_OBJECTS) - left_out;
}

/* The type of the `i`th value: a sampled profile, as Go's, knows no short-lived blocks. */
static int type_at(const struct pprof *p, int i) {
    bool is_behind = i >= SHORT_OBJECTS && view_sampled_rate(p->export->view);
    return is_behind ? i + GROWN_OBJECTS - SHORT_OBJECTS : i;
}

/* The index of the type of value that pprof shows first, by `--by` and whether a span is asked
 * for. */
static int default_type(const struct pprof *p) {
    switch (p->export->query.by) {
    case PROFILE_BYTES:
        return p->is_span ? ALLOC_SPACE : INUSE_SPACE;
    case PROFILE_BLOCKS:
        return p->is_span ? ALLOC_OBJECTS : INUSE_OBJECTS;
    case PROFILE_CALLS:
        return ALLOC_OBJECTS;
    case PROFILE_SHORT_LIVED:
        return SHORT_OBJECTS;
    default:
        return p->is_span ? GROWN_SPACE : ALLOC_SPACE;
    }
}

/* Declares the values of a sample. */
static void write_types(struct pprof *p) {
    for (int i = 0; i < count_types(p); i++) {
        Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
        Hakmem__Pprof__ValueType type = HAKMEM__PPROF__VALUE_TYPE__INIT, *one = &type;
        type.type_text = index_words(p, types[type_at(p, i)].type);
        type.unit_text = index_words(p, types[type_at(p, i)].unit);
        piece.n_sample_type = 1;
        piece.sample_type = &one;
        write_piece(p, &piece);
    }
}

/* Writes the profile's time, duration and subject. */
static void write_facts(struct pprof *p) {
    struct export *e = p->export;
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    Hakmem__Pprof__ValueType period = HAKMEM__PPROF__VALUE_TYPE__INIT;
    struct hak_text what = {0};
    struct profile_query asked = e->query;
    uint64_t begin = export_begin_ns(e), to = export_moment_ns(e);
    uint64_t from = p->is_span ? e->facts.from_ns : 0;
    asked.is_span = p->is_span;
    hak_text_add(&what, "hakmem: ");
    profile_add_when(&what, &asked);
    hak_text_add(&what, " in ");
    view_add_extent_of(&what, e->view, e->query.process);
    int64_t comment = index_text(p, &what);
    piece.n_comment_text = 1;
    piece.comment_text = &comment;
    piece.time_nanos = begin ? (int64_t)(begin + from) : 0;
    piece.duration_nanos = to > from ? (int64_t)(to - from) : 0;
    period.type_text = index_words(p, "space");
    period.unit_text = index_words(p, "bytes");
    piece.period_type = &period;
    uint64_t rate = view_sampled_rate(e->view);
    piece.period = rate ? (int64_t)rate : 1;
    piece.default_sample_type_text = index_words(p, types[default_type(p)].type);
    write_piece(p, &piece);
}

/* ---- code --------------------------------------------------------------------------------------
 */

/* The number of a module's mapping: forked processes have the same ones. */
static uint32_t number_mapping(struct pprof *p, const struct export_module *m) {
    struct export *e = p->export;
    uint32_t at = (uint32_t)(m - e->module);
    for (uint32_t i = 0; i < e->modules && !p->mapping[at]; i++)
        if (p->mapping[i] && export_is_same_mapping(&e->module[i], m))
            p->mapping[at] = p->mapping[i];
    if (p->mapping[at])
        return p->mapping[at];
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    Hakmem__Pprof__Mapping mapping = HAKMEM__PPROF__MAPPING__INIT, *one = &mapping;
    mapping.id = p->mapping[at] = ++p->mappings;
    mapping.memory_start = m->start;
    mapping.memory_limit = m->end;
    mapping.filename_text = index_words(p, m->path);
    mapping.build_id_text = index_words(p, m->build_id);
    mapping.has_functions = mapping.has_filenames = true; /* all that is known is here */
    mapping.has_line_numbers = mapping.has_inline_frames = true;
    piece.n_mapping = 1;
    piece.mapping = &one;
    write_piece(p, &piece);
    return p->mappings;
}

/* Writes the program's mapping first, which pprof takes for the program. */
static void write_program(struct pprof *p) {
    struct export *e = p->export;
    const struct export_process *first = NULL;
    for (uint32_t i = 0; i < e->processes && !first; i++)
        if (!e->query.process || e->process[i].row == e->query.process)
            first = &e->process[i];
    for (uint32_t i = 0; i < e->modules && first; i++)
        if (e->module[i].process == first->row && strcmp(e->module[i].path, first->program) == 0) {
            number_mapping(p, &e->module[i]);
            return;
        }
}

/* The function's number; a new one is written first. */
static uint32_t write_function(struct pprof *p, int64_t name, int64_t file) {
    uint64_t key = (uint64_t)name << 32 | (uint64_t)file, at = 0;
    uint32_t number = hak_index_find(&p->by_function, key, &at);
    if (number)
        return number;
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    Hakmem__Pprof__Function function = HAKMEM__PPROF__FUNCTION__INIT, *one = &function;
    p->failed |= !hak_index_add(&p->by_function, key, ++p->functions);
    function.id = p->functions;
    function.name_text = function.system_name_text = name;
    function.filename_text = file;
    piece.n_function = 1;
    piece.function = &one;
    write_piece(p, &piece);
    return p->functions;
}

/* write_function of a place, once. */
static uint32_t number_function(struct pprof *p, uint32_t place) {
    if (!hak_growing_reach(&p->function, place, &p->function_room, sizeof *p->function)) {
        p->failed = true;
        return 0;
    }
    if (!p->function[place]) {
        const struct hak_frame *frame = &p->export->places.place[place].frame;
        struct hak_text name = {0};
        export_add_name(&name, frame);
        int64_t name_text = index_text(p, &name);
        p->function[place] = write_function(p, name_text, index_words(p, frame->file));
    }
    return p->function[place];
}

/* Writes a site: its address, and the lines inlined there. */
static void write_location(struct pprof *p, uint32_t number) {
    struct export *e = p->export;
    const struct export_site *site = &p->sites.site[number - 1];
    const struct profile_code *code = site->code == UINT32_MAX ? NULL : &e->places.code[site->code];
    const struct export_module *module = code ? export_find_module(e, code) : NULL;
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    Hakmem__Pprof__Location location = HAKMEM__PPROF__LOCATION__INIT, *one = &location;
    Hakmem__Pprof__Line *lines = calloc(site->count, sizeof *lines);
    Hakmem__Pprof__Line **list = calloc(site->count, sizeof *list);
    p->failed |= !lines || !list;
    for (uint32_t i = 0; i < site->count && !p->failed; i++) {
        uint32_t place = p->sites.place[site->first + i];
        hakmem__pprof__line__init(&lines[i]);
        lines[i].function_id = number_function(p, place);
        lines[i].line = e->places.place[place].frame.line;
        list[i] = &lines[i];
    }
    location.id = number;
    location.mapping_id = module ? number_mapping(p, module) : 0;
    location.address = code ? code->ip : 0;
    location.n_line = site->count;
    location.line = list;
    piece.n_location = 1;
    piece.location = &one;
    if (!p->failed)
        write_piece(p, &piece);
    free(lines);
    free((void *)list);
}

/* ---- samples -----------------------------------------------------------------------------------
 */

/* The values of a sample, by type. */
static void list_values(int64_t value[TYPES], const struct profile_sums *s) {
    value[ALLOC_OBJECTS] = (int64_t)s->came.blocks;
    value[ALLOC_SPACE] = (int64_t)s->came.bytes;
    value[INUSE_OBJECTS] = (int64_t)s->live.blocks;
    value[INUSE_SPACE] = (int64_t)s->live.bytes;
    value[SHORT_OBJECTS] = (int64_t)s->brief.blocks;
    value[SHORT_SPACE] = (int64_t)s->brief.bytes;
    value[GROWN_OBJECTS] = profile_growth_blocks(s);
    value[GROWN_SPACE] = profile_growth_bytes(s);
}

/* Sets the label by which several processes are told apart; false: there is one. */
static bool set_label(struct pprof *p, const struct export_row *row, Hakmem__Pprof__Label *label) {
    struct hak_text name = {0};
    if (p->export->view->summary.processes < 2)
        return false;
    view_add_process(&name, p->export->view, row->process);
    label->key_text = index_words(p, "process");
    label->str_text = index_text(p, &name);
    return true;
}

/* Writes a row; its new sites are written first. */
static void write_sample(struct pprof *p, const struct export_row *row) {
    Hakmem__Pprof__Profile piece = HAKMEM__PPROF__PROFILE__INIT;
    Hakmem__Pprof__Sample sample = HAKMEM__PPROF__SAMPLE__INIT, *one = &sample;
    Hakmem__Pprof__Label label = HAKMEM__PPROF__LABEL__INIT, *only = &label;
    int64_t value[TYPES];
    list_values(value, &row->sums);
    for (int i = 0; i < count_types(p); i++)
        value[i] = value[type_at(p, i)];
    while (p->written < p->sites.sites && !p->failed)
        write_location(p, ++p->written);
    for (uint32_t i = 0; i < p->sites.count && !p->failed; i++) {
        p->failed |=
            !hak_growing_make_room(&p->location, i, &p->location_room, sizeof *p->location);
        if (!p->failed)
            p->location[i] = p->sites.of_path[i];
    }
    sample.n_location_id = p->sites.count;
    sample.location_id = p->location;
    sample.n_value = (size_t)count_types(p);
    sample.value = value;
    sample.n_label = set_label(p, row, &label);
    sample.label = &only;
    piece.n_sample = 1;
    piece.sample = &one;
    if (!p->failed)
        write_piece(p, &piece);
}

static bool is_sample_empty(const struct profile_sums *s) {
    return !s->came.blocks && !s->came.bytes && !s->live.blocks && !s->brief.blocks &&
           !profile_growth_bytes(s) && !profile_growth_blocks(s);
}

int export_pprof(struct export *e) {
    struct pprof p = {.export = e, .is_span = view_given(e->view, "between")};
    int status = export_read_processes(e);
    if (status == 0)
        status = export_read_modules(e);
    p.mapping = calloc(e->modules + 1, sizeof *p.mapping);
    p.failed = !p.mapping;
    if (status == 0 && !p.failed) {
        write_empty_text(&p);
        write_types(&p);
        write_facts(&p);
        write_program(&p);
    }
    for (uint32_t i = 0; i < e->rows && status == 0 && !p.failed; i++) {
        if (is_sample_empty(&e->row[i].sums))
            continue;
        if (!export_find_path(e, &e->row[i]))
            break;
        p.failed |= !export_find_sites(&p.sites, &e->path);
        if (!p.failed)
            write_sample(&p, &e->row[i]);
    }
    e->failed |= p.failed;
    message_free_texts(&p.texts);
    export_free_sites(&p.sites);
    hak_index_free(&p.by_function);
    free(p.mapping);
    free(p.function);
    free(p.location);
    return status;
}
