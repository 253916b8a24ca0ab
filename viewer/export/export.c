/* `export FORMAT`: reads what is wanted, and hands over to the format. */
#include "viewer/export/export.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "viewer/capture/capture.h"
#include "viewer/export/parts.h"
#include "viewer/findings/findings.h"

/* The options that a format takes. */
enum {
    TAKES_KNOWN = 1,    /* --baseline, --suppressions, --sources */
    TAKES_SPAN = 2,     /* --between */
    TAKES_MOMENT = 4,   /* --at */
    TAKES_STACKS = 8,   /* --focus, --ignore, --all */
    TAKES_MEASURE = 16, /* --by */
    TAKES_KEY = 32,     /* --per */
    TAKES_THREAD = 64,
    TAKES_EVENTS = 128, /* --events */
    TAKES_SHORT = 256,  /* --short-lived */
    OF_PROFILE = TAKES_SPAN | TAKES_MOMENT | TAKES_STACKS | TAKES_THREAD | TAKES_SHORT,
    OF_LOG = TAKES_SPAN | TAKES_THREAD | TAKES_EVENTS,
};

struct format {
    const char *name;
    char *(*make)(struct view *view, const struct findings *findings);
    int (*write)(struct export *e);
    int (*write_events)(struct export *e); /* with --events */
    int takes;
    bool is_binary, is_packed; /* is_packed: always gzip */
    bool is_whole;             /* asks for all that came and went, at a moment, too */
    bool reads_itself;         /* what it writes are no rows of the profile */
    bool has_sides;            /* of two captures or moments, which it opens itself */
};

static const struct format formats[] = {
    {.name = "junit", .make = findings_junit, .takes = TAKES_KNOWN},
    {.name = "sarif", .make = findings_sarif, .takes = TAKES_KNOWN},
    {.name = "codequality", .make = findings_code_quality, .takes = TAKES_KNOWN},
    {.name = "collapsed",
     .write = export_collapsed,
     .takes = OF_PROFILE | TAKES_MEASURE | TAKES_KEY},
    {.name = "collapsed-diff",
     .write = export_difference,
     .takes = OF_PROFILE | TAKES_MEASURE | TAKES_KEY,
     .has_sides = true},
    {.name = "speedscope",
     .write = export_speedscope,
     .takes = OF_PROFILE | TAKES_MEASURE | TAKES_KEY,
     .is_whole = true},
    {.name = "pprof",
     .write = export_pprof,
     .takes = OF_PROFILE | TAKES_MEASURE,
     .is_binary = true,
     .is_packed = true,
     .is_whole = true},
    {.name = "pprof-text", .write = export_pprof_text, .takes = OF_PROFILE, .is_whole = true},
    {.name = "perfetto",
     .write = export_perfetto,
     .takes = OF_PROFILE,
     .is_binary = true,
     .is_whole = true},
    {.name = "heaptrack",
     .write = export_heaptrack,
     .takes = TAKES_SPAN | TAKES_STACKS,
     .reads_itself = true},
    {.name = "sqlite", .write = export_sqlite, .is_binary = true, .reads_itself = true},
    {.name = "csv",
     .write = export_csv,
     .write_events = export_log_csv,
     .takes = OF_PROFILE | TAKES_EVENTS,
     .is_whole = true},
    {.name = "jsonl",
     .write = export_jsonl,
     .write_events = export_log_jsonl,
     .takes = OF_PROFILE | TAKES_EVENTS,
     .is_whole = true},
};
#define FORMATS (sizeof formats / sizeof *formats)

static const struct {
    const char *name;
    int takes;
} options[] = {
    {"baseline", TAKES_KNOWN},    {"suppressions", TAKES_KNOWN}, {"leak-growth", TAKES_KNOWN},
    {"sources", TAKES_KNOWN},     {"between", TAKES_SPAN},       {"at", TAKES_MOMENT},
    {"focus", TAKES_STACKS},      {"ignore", TAKES_STACKS},      {"all", TAKES_STACKS},
    {"short-lived", TAKES_SHORT}, {"by", TAKES_MEASURE},         {"per", TAKES_KEY},
    {"thread", TAKES_THREAD},     {"events", TAKES_EVENTS},
};

/* Refuses a picture, which is no format for another tool but a page of our own; false: `name` is
 * none. */
static bool refuse_picture(const struct view *view, const char *name) {
    static const char *const pictures[] = {"svg", "flamegraph", "flame", "html"};
    struct hak_text text = {0};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        if (strcmp(name, pictures[i]) == 0) {
            hak_text_add(&text,
                         "export %s: a page with the flame graph is made by: hakmem-trace html",
                         name);
            view_add_store_option(&text, view);
            hak_text_add(&text, "; the folded stacks of one for other tools are `collapsed`");
            view_error_text(&text);
            return true;
        }
    return false;
}

/* The format of this name; NULL, and said with the nearest one: none. */
static const struct format *find_format(const struct view *view, const char *name) {
    if (refuse_picture(view, name))
        return NULL;
    struct nearest nearest = {.typed = name};
    struct hak_text all = {0};
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0) {
            hak_text_free(&all);
            return &formats[i];
        }
        nearest_offer(&nearest, formats[i].name);
        hak_text_add(&all, "%s%s", i == 0 ? "" : i + 1 < FORMATS ? ", " : " or ", formats[i].name);
    }
    view_error("export %s: %s was expected%s", name, hak_text_string(&all),
               nearest_words(&nearest, ""));
    hak_text_free(&all);
    return NULL;
}

/* Whether the options that were typed are for this format; else prints which is not. */
static bool fits(const struct view *view, const struct format *format) {
    bool has_events = view_given(view, "events");
    int takes = has_events && format->write_events ? OF_LOG : format->takes;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (view_given(view, options[i].name) && !(options[i].takes & takes)) {
            view_error("export %s%s has no --%s", format->name,
                       has_events && format->write_events ? " --events" : "", options[i].name);
            return false;
        }
    char words[64];
    snprintf(words, sizeof words, "export %s%s", format->name,
             format->has_sides ? " --between A B" : "");
    if ((!format->has_sides || view_given(view, "between")) && !view_check_no_capture(view, words))
        return false;
    int most = format->has_sides ? 2 : takes & TAKES_SPAN ? 1 : 0;
    if (view->argument_count > most) {
        view_error("unexpected argument '%s'", view->argument[most]);
        return false;
    }
    return true;
}

/* A file's name that ends so is written compressed. */
static bool is_gzip_name(const char *path) {
    size_t length = path ? strlen(path) : 0;
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

static bool is_to_file(const char *output) {
    return output && output[0] && strcmp(output, "-") != 0;
}

/* Whether `output` is the file that this option has read. */
static bool is_file_of(const struct view *view, const char *option, const char *output) {
    const char *read_from = view_value(view, option);
    struct stat in, out;
    return read_from && is_to_file(output) && stat(read_from, &in) == 0 &&
           stat(output, &out) == 0 && in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}

/* Opens the output. False, and said: it would overwrite an input, or put binary data on a
 * terminal. */
static bool open_output(const struct view *view, const struct format *format,
                        struct view_sink *sink) {
    static const char *const inputs[] = {"baseline", "suppressions"};
    const char *output = view_value(view, "output");
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        if (is_file_of(view, inputs[i], output)) {
            view_error("export %s: %s is what --%s names, and is not overwritten; name another "
                       "file",
                       format->name, output, inputs[i]);
            return false;
        }
    if (format->is_binary && !is_to_file(output) && isatty(STDOUT_FILENO)) {
        view_error("export %s: the file is binary, and stdout is a terminal; -o FILE names one",
                   format->name);
        return false;
    }
    return view_sink_open(sink, output, format->is_packed || is_gzip_name(output));
}

/* ---- findings ----------------------------------------------------------------------------------
 */

/* Writes the findings, compared with baseline and suppressions. Returns the exit status. */
static int write_findings(struct view *view, const struct format *format, struct view_sink *sink) {
    struct findings findings;
    uint32_t process;
    if (!view_choose_process(view, &process))
        return view_question_status();
    if (!findings_gather(view, process, &findings) ||
        !findings_gather_reported(view, process, &findings)) {
        findings_free(&findings);
        return VIEW_UNREADABLE;
    }
    int status = VIEW_USAGE;
    if (findings_compare(view, &findings)) {
        char *document = format->make(view, &findings);
        if (document)
            view_sink_add_bytes(sink, document, strlen(document));
        else
            view_error("out of memory");
        status = document ? VIEW_OK : VIEW_USAGE;
        free(document);
    }
    findings_free(&findings);
    return status;
}

/* ---- the profile and the log -------------------------------------------------------------------
 */

/* Writes the profile or the log. Returns the exit status. */
static int write_profile(struct view *view, const struct format *format, struct view_sink *sink) {
    struct export e = {
        .view = view,
        .sink = sink,
        .query = {.per = PROFILE_FUNCTION, .by = PROFILE_BYTES, .at = {.kind = VIEW_AT_PEAK}}};
    int status = 0;
    bool is_log = view_given(view, "events");
    if (!is_log && !format->has_sides && !format->reads_itself)
        status = export_read(&e, format->is_whole);
    if (status == 0)
        status = is_log ? format->write_events(&e) : format->write(&e);
    if (status == 0)
        status = export_say_errors(&e);
    if (status == 0 && !format->has_sides)
        status = view_say_completeness(view);
    export_free(&e);
    return status;
}

/* Writes the file whole or not at all, and says on a terminal how large it is. */
static int write_format(struct view *view, const struct format *format) {
    static struct view_sink sink; /* too large for a stack frame */
    if (!open_output(view, format, &sink))
        return VIEW_USAGE;
    int status =
        format->make ? write_findings(view, format, &sink) : write_profile(view, format, &sink);
    bool is_whole = (status == VIEW_OK || status == VIEW_INCOMPLETE) && !view_is_interrupted();
    bool is_written = view_sink_close(&sink, is_whole);
    if (is_written)
        view_sink_say(&sink, view->title ? view->title : view->store_path);
    return is_whole && !is_written ? VIEW_USAGE : status;
}

int command_export(struct view *view) {
    const struct format *format = find_format(view, view->argument[0]);
    if (!format)
        return VIEW_USAGE;
    view->argument++; /* what is behind the format belongs to its options */
    view->argument_count--;
    if (!fits(view, format))
        return VIEW_USAGE;
    int status = format->has_sides ? VIEW_OK : view_open(view);
    return status ? status : write_format(view, format);
}
