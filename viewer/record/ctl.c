/* `ctl`: reads hakmem's state in a running program, and sends it requests (trace/control.h). The
 * program's memory is read and written from outside. */
#include "viewer/record/ctl.h"
#include "viewer/capture/capture.h"
#include "viewer/record/ctl_stats.h"
#include "viewer/record/record.h"

#include <jansson.h>
#include <string.h>
#include "report/words/words.h"

enum { WAIT_SECONDS = 10, SECONDS_MAX = 1 << 30 };

struct ctl_word {
    const char *name;
    int (*run)(const struct view *view, struct ctl_target *t, uint64_t seconds);
};

/* ---- answers ----------------------------------------------------------------------------------
 */

/* Prints the answer, as a line or as a document with the program's status and the request; takes
 * both. Returns `status`, or VIEW_UNREADABLE if that fails. */
static int answer(const struct view *view, struct ctl_target *t, struct hak_text *line,
                  json_t *asked, int status) {
    bool is_printed;
    if (view->json) {
        json_t *document = view_json_document(view);
        hak_text_free(line);
        hak_json_set(document, JSON("program", ctl_json(t)), JSON("asked", asked));
        is_printed = view_print_json(hak_json_print(document));
    } else {
        json_decref(asked);
        is_printed = view_print(line);
    }
    return is_printed ? status : VIEW_UNREADABLE;
}

/* The begin of an answer's line: "process 4711 server: ". */
static struct hak_text line_of(const struct ctl_target *t) {
    struct hak_text line = {0};
    hak_text_add(&line, "process %d ", (int)t->pid);
    hak_text_add_name(&line, t->name);
    hak_text_add(&line, ": ");
    return line;
}

static json_t *asked_for(const char *word) {
    return hak_json_object(WORD("word", word));
}

/* ---- status, figures and store
 * -------------------------------------------------------------------------
 */

static int show_status(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    (void)seconds;
    return ctl_print_status(view, t) ? VIEW_OK : VIEW_UNREADABLE;
}

static int show_stats(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    (void)seconds;
    return ctl_show_stats(view, t);
}

static int say_no_collector(const struct ctl_target *t) {
    view_error("ctl: process %d could start no collector that stores", (int)t->pid);
    return VIEW_INCOMPLETE;
}

/* Refuses a process that was started with HAKMEM_TRACE=off. 0, or an exit status. */
static int check_stores(const struct ctl_target *t) {
    if (t->control.stores_faults)
        return 0;
    view_error("ctl: process %d was started with HAKMEM_TRACE=off: it stores nothing", (int)t->pid);
    return VIEW_USAGE;
}

/* Has a process of level light start its collector and store from now on. Returns the exit status;
 * VIEW_USAGE for every other level. */
static int store_now(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    if (!ctl_is_light(t)) {
        view_error("ctl: process %d %s%s; store is for level light", (int)t->pid,
                   t->store[0] ? "is stored while it runs, in " : "is not recorded", t->store);
        return VIEW_USAGE;
    }
    int status = check_stores(t);
    status = status ? status : ctl_ask(t, HAK_CONTROL_STORE, "", seconds);
    if (status)
        return status;
    if (t->control.result != HAK_CONTROL_DONE)
        return say_no_collector(t);
    return show_status(view, t, seconds);
}

/* Refuses, for the request `word`, a process that is not recorded. 0, or an exit status. */
static int need_recorded(const struct ctl_target *t, const char *word) {
    if (ctl_is_recorded(t))
        return 0;
    view_error("ctl: process %d is not recorded, and %s is of a record: HAKMEM_TRACE=off, or it "
               "found no collector",
               (int)t->pid, word);
    return VIEW_USAGE;
}

/* Waits until all records that the process has written are stored; level light starts its store.
 * Returns the exit status. */
static int flush(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    uint64_t records = 0;
    if (ctl_is_light(t))
        return store_now(view, t, seconds);
    int status = need_recorded(t, "flush");
    status = status ? status : ctl_flush(t, seconds, &records);
    if (status)
        return status;
    struct hak_text line = line_of(t);
    hak_text_add(&line, "all of its %s in %s\n",
                 hak_words_count(records, "record is", "records are"), t->store);
    json_t *asked = asked_for("flush");
    hak_json_set(asked, NUMBER("records", records));
    return answer(view, t, &line, asked, VIEW_OK);
}

/* ---- mark -------------------------------------------------------------------------------------
 */

/* One line of text that `mark:NAME` can name again. */
static bool check_mark_name(const char *name) {
    size_t bytes = strlen(name);
    if (bytes == 0 || bytes > HAK_CONTROL_NAME) {
        view_error("ctl: a mark's name has 1 to %d bytes, this one %zu", HAK_CONTROL_NAME, bytes);
        return false;
    }
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            view_error("ctl: a mark's name is one line of text without control characters");
            return false;
        }
    return true;
}

/* A mark is found in the store when its event is committed: whoever asks next finds it. */
static int await_mark(struct ctl_target *t, const char *name, uint64_t seconds) {
    uint64_t records;
    int status = t->session ? ctl_flush(t, seconds, &records) : 0;
    if (status) {
        struct hak_text text = {0};
        hak_text_add(&text, "ctl: mark \"");
        hak_text_add_name(&text, name);
        hak_text_add(&text, "\" is set, but not stored yet");
        view_error_text(&text);
    }
    return status;
}

/* Sets a mark in the program's record, and waits until it is stored. Returns the exit status. */
static int set_mark(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    if (view->argument_count < 3) {
        view_error("ctl: mark needs a NAME");
        return VIEW_USAGE;
    }
    const char *name = view->argument[2];
    int status = !check_mark_name(name) ? VIEW_USAGE
                 : ctl_is_light(t)      ? check_stores(t)
                                        : need_recorded(t, "mark");
    status = status ? status : ctl_ask(t, HAK_CONTROL_MARK, name, seconds);
    if (status)
        return status;
    if (t->control.result != HAK_CONTROL_DONE)
        return ctl_is_light(t) ? say_no_collector(t) : need_recorded(t, "mark");
    status = await_mark(t, name, seconds);
    if (status)
        return status;
    struct hak_text line = line_of(t);
    hak_text_add(&line, "mark \"");
    hak_text_add_name(&line, name);
    hak_text_add(&line, "\" is in its record\n");
    json_t *asked = asked_for("mark");
    hak_json_set(asked, TEXT("name", name));
    return answer(view, t, &line, asked, VIEW_OK);
}

/* ---- stop and start ---------------------------------------------------------------------------
 */

/* Stops recording, or guarding of level light, or lets it go on. Returns the exit status. */
static int switch_recording(const struct view *view, struct ctl_target *t, uint64_t seconds,
                            enum hak_control_ask ask) {
    bool stops = ask == HAK_CONTROL_STOP;
    const char *word = stops ? "stop" : "start";
    int status = ctl_is_light(t) ? 0 : need_recorded(t, word);
    status = status ? status : ctl_ask(t, ask, "", seconds);
    if (status)
        return status;
    if (t->control.result != HAK_CONTROL_DONE)
        return need_recorded(t, word);
    struct hak_text line = line_of(t);
    hak_text_add(&line, "%s %s%s\n", ctl_is_light(t) ? "guarding blocks" : "recording",
                 t->control.found ? "was " : "",
                 !stops             ? t->control.found ? "not stopped" : "goes on"
                 : t->control.found ? "stopped already"
                                    : "is stopped; checks go on");
    json_t *asked = asked_for(word);
    hak_json_set(asked, FLAG("was_so", t->control.found != 0));
    return answer(view, t, &line, asked, VIEW_OK);
}

static int stop_recording(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    return switch_recording(view, t, seconds, HAK_CONTROL_STOP);
}

static int start_recording(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    return switch_recording(view, t, seconds, HAK_CONTROL_START);
}

/* ---- sweep and leaks --------------------------------------------------------------------------
 */

/* Prints why the process cannot do `word`. Returns VIEW_USAGE. */
static int say_not_here(const struct ctl_target *t, const char *word) {
    view_error("ctl: process %d cannot be asked for %s: %s", (int)t->pid, word,
               t->control.is_kept ? "hakmem-record.so records, and checks nothing"
               : ctl_is_light(t)  ? "level light knows its guarded blocks alone"
                                  : "level trace has no bytes around blocks; sweeps are of level "
                                    "normal");
    return VIEW_USAGE;
}

/* Has the process look for leaked or damaged blocks, and says how many there are. Returns
 * VIEW_FAULT if there are any, else the exit status. */
static int find_blocks(const struct view *view, struct ctl_target *t, uint64_t seconds,
                       enum hak_control_ask ask, const char *word, const char *what) {
    int status = ctl_ask(t, ask, "", seconds);
    if (status)
        return status;
    if (t->control.result == HAK_CONTROL_NOT_HERE)
        return say_not_here(t, word);
    if (t->control.result != HAK_CONTROL_DONE) {
        view_error("ctl: process %d could not look for %s blocks; a line on its stderr says why, "
                   "or another look or report was under way",
                   (int)t->pid, what);
        return VIEW_INCOMPLETE;
    }
    uint64_t found = t->control.found;
    struct hak_text line = line_of(t);
    if (found)
        hak_text_add(&line, "%s %s %s found, and reported where its reports go\n",
                     hak_words_number(found), what, found == 1 ? "block was" : "blocks were");
    else
        hak_text_add(&line, "no %s block was found\n", what);
    json_t *asked = asked_for(word);
    hak_json_set(asked, NUMBER("found", found));
    return answer(view, t, &line, asked, found ? VIEW_FAULT : VIEW_OK);
}

static int sweep(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    return find_blocks(view, t, seconds, HAK_CONTROL_SWEEP, "sweep", "damaged");
}

static int find_leaks(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    return find_blocks(view, t, seconds, HAK_CONTROL_LEAKS, "leaks", "lost");
}

/* ---- the command ------------------------------------------------------------------------------
 */

static const struct ctl_word words[] = {
    {"status", show_status}, {"start", start_recording}, {"stop", stop_recording},
    {"mark", set_mark},      {"flush", flush},           {"sweep", sweep},
    {"leaks", find_leaks},   {"store", store_now},       {"profile", ctl_profile},
    {"stats", show_stats},   {"set", ctl_set},
};
enum { WORDS = sizeof words / sizeof *words };

/* The request of this name; NULL: there is none, and the nearest is printed. */
static const struct ctl_word *find_word(const char *name) {
    struct nearest nearest = {.typed = name};
    for (size_t i = 0; i < WORDS; i++) {
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
        nearest_offer(&nearest, words[i].name);
    }
    view_error(
        "ctl: '%s' is none of status, start, stop, mark, flush, sweep, leaks, store, profile, "
        "stats and set%s",
        name, nearest_words(&nearest, ""));
    return NULL;
}

int command_ctl(struct view *view) {
    static struct ctl_target target;
    static const char *const of_profile[] = {"output", "format",   "for",
                                             "serve",  "anywhere", "token"};
    uint64_t seconds = WAIT_SECONDS;
    const struct ctl_word *word =
        find_word(view->argument_count > 1 ? view->argument[1] : "status");
    if (!word || !view_read_number(view, "timeout", &seconds))
        return VIEW_USAGE;
    seconds = seconds < SECONDS_MAX ? seconds : SECONDS_MAX;
    if (view->argument_count > 2 && word->run != set_mark && word->run != ctl_set) {
        view_error("ctl: %s takes no '%s'", word->name, view->argument[2]);
        return VIEW_USAGE;
    }
    for (size_t i = 0; i < sizeof of_profile / sizeof *of_profile; i++)
        if (word->run != ctl_profile && view_given(view, of_profile[i])) {
            view_error("ctl: %s takes no --%s; that is of profile", word->name, of_profile[i]);
            return VIEW_USAGE;
        }
    if (word->run == ctl_profile && !ctl_check_profile(view))
        return VIEW_USAGE;
    if (view_given(view, "prometheus") && word->run != show_stats) {
        view_error("ctl: --prometheus is for stats");
        return VIEW_USAGE;
    }
    bool reads_heap = word->run == show_stats || word->run == ctl_set ||
                      word->run == ctl_profile; /* of libhakmem.so, too, which has no words */
    if (!(reads_heap ? ctl_find_any : ctl_find)(&target, view->argument[0]))
        return VIEW_USAGE;
    return word->run(view, &target, seconds);
}
