/* `run`: records a program and its children, reports their faults, returns its status. */
#include "viewer/record/record.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/fleet.h"
#include "viewer/profile/profile.h"
#include "viewer/record/cores.h"
#include "viewer/record/run.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "report/words/words.h"
#include "collector/keeper/keeper.h"
#include "collector/kernel/kernel.h"
#include "store/writer/writer.h"
#include "trace/session.h"
#include "options.h"

#define COMMIT_WAIT_MS 10000
#define PEAK_MS        700 /* within which the peak is found, or not */
#define THIRD_S        5   /* so long a third signal may come after `run` has said that it leaves */
#define LOOK_US        100000
#define KIB            1024

struct outcome {
    int program_status; /* the program's own, or 128 + its signal */
    uint64_t events, faults, crashes, known;
    uint64_t unstored;   /* events that the store could not take, reports too */
    uint64_t unreported; /* reports alone, which it could not take or did not get */
    bool awaits_report;  /* a fault is seen that has none yet */
    bool read;           /* the store could be read */
    bool committed;
    bool is_cut;         /* the recording was ended while processes live */
    bool is_left_said;   /* that the program is left alone, and recorded on */
    bool is_refused;     /* it came to the collector, which made no store for it */
    bool makes_baseline; /* the one that was given did not exist */
    uint32_t live, sessions;
    const char *why; /* the status is not the program's own, nor that of its faults; else NULL */
};

static bool is_light(const struct view *view) {
    const char *check = view_variable_value(view, "CHECK");
    return check && strcmp(check, "light") == 0 && !run_keeps_allocator(view);
}

/* No store is made, nor for a fault. */
static bool keeps_none(const struct view *view) {
    const char *trace = view_variable_value(view, "TRACE");
    return trace && strcmp(trace, "off") == 0;
}

/* Nothing is recorded but faults. */
static bool is_off(const struct view *view) {
    return is_light(view) || keeps_none(view);
}

/* Sets the file of reports: "" = stderr. */
static bool prepare_log(const struct view *view, pid_t pid, const char *store, char *log) {
    const char *option = view_variable_value(view, "LOG");
    if (option && option[0])
        return run_expand_path(option, view->argument[0], pid, log, RUN_CI_PATH) &&
               run_check_log(log);
    if (option || !view_given(view, "ci"))
        return true;
    run_ci_beside(store, ".log", log, RUN_CI_PATH);
    if (view_given(view, "force"))
        unlink(log); /* of the store that is replaced */
    return run_check_log(log);
}

/* Says before the program starts that level light looks for no leaks, where the user asked for
 * them: a status without a leak would be taken for an answer. */
static void print_leakless(const struct view *view) {
    const char *leaks = view_variable_value(view, "LEAKS");
    if (is_light(view) && leaks && strcmp(leaks, "0") != 0)
        view_write(stderr,
                   "hakmem: %s: level light looks for no leaks; --check normal or trace does\n",
                   view_given(view, "leaks") ? "--leaks" : "HAKMEM_LEAKS");
}

static bool start_program(struct view *view, const struct run_files *files, const int *stdio,
                          struct run_child *child, struct run_ci *ci, struct fleet_early *early,
                          struct hak_keeper **keeper, char *path, size_t bytes) {
    char error[512] = "", log[RUN_CI_PATH] = "";
    print_leakless(view);
    if (!run_child_fork(child, view, files, stdio))
        return false;
    if (!run_settle_store(view, child->pid, path, bytes)) {
        run_child_cancel(child);
        return false;
    }
    if (!prepare_log(view, child->pid, path, log) || !run_ci_settle(view, child->pid, path, ci)) {
        run_child_cancel(child);
        return false;
    }
    struct hak_keeper_options options = {.collect_path = files->collect,
                                         .store_path = path,
                                         .log_path = log,
                                         .color = view->color_when,
                                         .replace_store = view_given(view, "force")};
    fleet_early_begin(early, view, path);
    if (hak_keeper_start(&options, keeper, error, sizeof error) != 0) {
        view_error("%s: %s", run_name(), error);
        fleet_early_end(early);
        run_child_cancel(child);
        return false;
    }
    if (run_child_start(child, hak_keeper_socket_name(*keeper), path))
        return true;
    fleet_early_end(early);
    hak_keeper_stop(*keeper, 1000);
    return false;
}

/* Counts events that the program wrote, and reports, which a full or failing disk did not take;
 * reports also where the collector did not get them. */
static void count_unstored(const struct view *view, struct outcome *outcome) {
    const struct hak_database *db = hak_store_database(view->reader);
    outcome->unstored = hak_database_number(db,
                                            "SELECT sum(count) FROM loss WHERE reason IN "
                                            "('" HAK_LOSS_DISK_FULL "', '" HAK_LOSS_STORE_FAILED
                                            "', '" HAK_LOSS_UNSTORED "')",
                                            0);
    outcome->unreported = hak_database_number(
        db, "SELECT sum(count) FROM loss WHERE reason = '" HAK_LOSS_UNSTORED "'", 0);
}

/* Counts the faults that have an event and no report: a collector may have died over one. While the
 * capture is being written it may come yet. False, and said. */
static bool count_unreported(const struct view *view, struct outcome *outcome) {
    uint64_t count;
    if (view_count_unreported(view, 0, &count) != 0)
        return false;
    outcome->awaits_report = count > 0;
    if (count > outcome->unreported && !view->summary.being_written)
        outcome->unreported = count;
    return true;
}

/* Opens the store and tells what is in it that the job should fail for. */
static void count_faults(struct view *view, const char *path, struct findings *findings,
                         struct outcome *outcome) {
    if (hak_store_open(path, &view->reader) != 0 ||
        hak_store_summarise(view->reader, &view->summary) != 0)
        return;
    view->store_path = strdup(path);
    outcome->events = view->summary.events;
    count_unstored(view, outcome);
    if (!findings_gather(view, 0, findings) || !findings_gather_reported(view, 0, findings))
        return;
    findings->may_lack_baseline = outcome->makes_baseline;
    if (!findings_compare(view, findings))
        return;
    for (size_t i = 0; i < findings->count; i++)
        outcome->crashes += findings->list[i].kind == FINDING_CRASH;
    outcome->faults = findings_count_new(findings);
    outcome->known = findings_count_known(findings);
    outcome->read = count_unreported(view, outcome);
}

/* The pool inside a program that was recorded that hides small blocks from hakmem, in words for the
 * user: "CPython's own pool hides small blocks". NULL: there is none that could be switched off, or
 * it was. */
static const char *inner_pool(struct view *view) {
    const struct inner_pool *pool;
    for (int at = 0; (pool = pools_next(view, &at)) != NULL;)
        if (pool->variable)
            return pool->words;
    return NULL;
}

/* "2 processes still run and are still recorded: 4711 nginx, 4712 nginx". */
static void print_live(const struct view *view, uint32_t live) {
    enum { NAMED = 8 };
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT pid, program FROM process WHERE end_kind = 0 ORDER BY id",
                                 "reading processes");
    view_write(stderr, "hakmem: %s", hak_words_count(live, "process", "processes"));
    view_write(stderr, "%s",
               live == 1 ? " still runs and is still recorded"
                         : " still run and are still recorded");
    for (int named = 0; named < NAMED && hak_query_next(&q); named++)
        view_write(stderr, "%s%d %s", named ? ", " : ": ", (int)hak_query_number(&q, 0),
                   hak_words_path(hak_query_text(&q, 1), 1, false));
    hak_query_end(&q);
    view_write(stderr, "%s\n", live > NAMED ? ", ..." : "");
}

/* "peak 1.2 GiB at 12.4 s, ...": the memory that the program held. Nothing is known of blocks that
 * are not recorded. */
static void print_headline(struct view *view) {
    struct hak_text text = {0};
    profile_add_headline(&text, view, PEAK_MS, run_child_stop_signal());
    if (text.length)
        view_write(stderr, "hakmem: %s\n", hak_text_string(&text));
    hak_text_free(&text);
}

/* "; hakmem-trace hunt -- ./app checks reads in all, to the byte". */
static void add_hunt(struct hak_text *text, const struct view *view) {
    hak_text_add(text, "; hakmem-trace hunt --");
    for (int i = 0; view->argument[i]; i++) {
        hak_text_add(text, " ");
        hak_text_add_argument(text, view->argument[i]);
    }
    hak_text_add(text, " checks reads in all, to the byte");
}

/* Says how much was checked, and how to check more. */
static void print_checked(struct view *view, const struct outcome *outcome) {
    struct view_checked checked;
    struct hak_text text = {0};
    if (view_read_checked(view, &checked) < 0)
        return;
    bool is_looked = checked.level != VIEW_CHECK_NONE && checked.level != VIEW_CHECK_KEPT;
    run_say_unscanned(view, &checked);
    view_add_checked(&text, &checked);
    if (checked.level == VIEW_CHECK_TRACE)
        hak_text_add(&text, "; level normal checks them");
    else if (is_looked)
        add_hunt(&text, view);
    const char *seen = outcome->crashes > 0 ? "no fault of the heap seen: " : "no fault seen: ";
    view_write(stderr, "hakmem: %s%s\n", is_looked ? seen : "", hak_text_string(&text));
    hak_text_free(&text);
}

static void print_closing_lines(struct view *view, const struct outcome *outcome) {
    if (view->json || !isatty(STDERR_FILENO) || !outcome->read)
        return;
    view_write(stderr, "hakmem: %s, ", hak_words_count(outcome->events, "event", "events"));
    if (outcome->faults > 0)
        view_write(stderr, "%s, ", hak_words_count(outcome->faults, "fault", "faults"));
    if (outcome->known > 0)
        view_write(stderr, "%s known, ", hak_words_number(outcome->known));
    view_write(stderr, "%s\n", view_path_from_here(view->store_path));
    if (outcome->live > 0)
        print_live(view, outcome->live);
    if (inner_pool(view))
        view_write(stderr, "hakmem: %s; --pools=malloc shows them\n", inner_pool(view));
    if (!is_off(view))
        print_headline(view);
    if (outcome->faults == 0 && outcome->unreported == 0 && !outcome->awaits_report &&
        view->summary.unrecorded == 0)
        print_checked(view, outcome);
}

/* True where the user asked for debug registers, by --watch or HAKMEM_WATCH. */
static bool is_watch_asked(const struct view *view) {
    const char *watch = view_variable_value(view, "WATCH");
    return watch && watch[0] && strcmp(watch, "0") != 0;
}

/* Says why no debug register watched, so that nobody who asks for them is left to believe that they
 * did. A run without a store is not told by its processes: what the machine does is tried here. */
static void print_unwatched(struct view *view, const struct outcome *outcome) {
    bool is_asked = is_watch_asked(view);
    char *note = is_asked && outcome->read ? view_read_unwatched(view) : NULL;
    if (!note && is_asked && is_off(view) && run_registers_are_deaf())
        note = strdup(hak_words_unwatched(HAK_UNWATCHED_DEAF));
    if (note)
        view_write(stderr, "hakmem: %s: no debug register watches: %s\n",
                   view_given(view, "watch") ? "--watch" : "HAKMEM_WATCH", note);
    free(note);
}

/* Says that level light came without a fault to the end, which the user did not ask for by a
 * signal, and made no store, where one was named: such a file would be an earlier run's. */
static void print_storeless(const struct view *view, const struct outcome *outcome,
                            const char *path) {
    if (is_light(view) && !keeps_none(view) && view_given(view, "store") &&
        outcome->sessions == 0 && !outcome->is_refused &&
        !run_child_was_told_to_end(outcome->program_status))
        view_write(stderr,
                   "hakmem: --store: level light makes a store only for a fault, and none came: "
                   "nothing was written to %s\n",
                   view_path_from_here(path));
}

/* Says that another malloc served a program, so that nothing of its blocks was looked at. */
static void print_unserved(struct view *view, const struct outcome *outcome) {
    char *note = outcome->read ? view_read_unserved(view) : NULL;
    if (note)
        view_error("run: %s", note);
    free(note);
}

/* `run` leaves the program, whose records come into the store at `path`: says so, and waits for a
 * signal that ends the recording, too, as long as a process lives. */
static void await_third(struct view *view, const struct run_child *child, struct hak_keeper *keeper,
                        const char *path, struct outcome *outcome) {
    uint64_t due_ms = hak_time_ms() + THIRD_S * 1000;
    if (run_child_is_cut() || outcome->live == 0 || !path[0])
        return;
    outcome->is_left_said = true;
    view_error("run: a second signal came, and the program did not end by the first: process %d "
               "(%s) goes on, and is recorded into %s; a third within %d s ends the recording",
               (int)child->pid, view->argument[0], view_path_from_here(path), THIRD_S);
    while (outcome->live > 0 && outcome->committed && !run_child_is_cut() &&
           hak_time_ms() < due_ms) {
        usleep(LOOK_US);
        outcome->committed = hak_keeper_wait_committed(keeper, COMMIT_WAIT_MS, &outcome->live) == 0;
    }
}

/* `run` was ended before the program: says that the program goes on, and whether it is recorded. */
static void print_left(struct view *view, const struct run_child *child,
                       const struct outcome *outcome, const char *path) {
    struct hak_peer peer;
    bool lives = hak_peer_read(child->pid, &peer) && !peer.has_ended;
    bool is_untold = is_off(view) && lives && !outcome->is_left_said;
    bool names_store = outcome->is_cut || !keeps_none(view);
    if (outcome->is_cut ? !outcome->read : !is_untold)
        return;
    const char *how = outcome->is_cut    ? "unrecorded; what it did until now is in"
                      : keeps_none(view) ? "unrecorded, as it was started"
                                         : "and its next report starts a collector and goes into";
    view_error("run: a %s signal came, and the program did not end by the first: process %d (%s) "
               "goes on, %s%s%s",
               outcome->is_cut ? "third" : "second", (int)child->pid, view->argument[0], how,
               names_store ? " " : "", names_store ? view_path_from_here(path) : "");
}

static bool print_run_json(struct view *view, const struct outcome *outcome, int status) {
    json_t *document = hak_json_set(
        view_json_document(view), NUMBER("events", outcome->events),
        NUMBER("faults", outcome->faults), NUMBER("known", outcome->known),
        NUMBER("crashes", outcome->crashes), NUMBER("program_status", outcome->program_status),
        NUMBER("status", status), FLAG("committed", outcome->committed),
        NUMBER("live_processes", outcome->live));
    struct view_checked checked;
    bool is_known = outcome->read && view_read_checked(view, &checked) == 0;
    if (outcome->unreported)
        hak_json_set(document, NUMBER("unreported", outcome->unreported));
    if (outcome->why)
        hak_json_set(document, TEXT("why", outcome->why));
    return view_print_json(hak_json_print(hak_json_set(
        document, JSON("checked", is_known ? view_checked_json(&checked) : json_null()))));
}

/* Waits until what the program wrote is in the store, and reads the result. */
static void finish(struct view *view, const struct run_child *child, struct hak_keeper *keeper,
                   char *path, size_t bytes, struct findings *findings, struct outcome *outcome) {
    outcome->sessions = hak_keeper_sessions(keeper);
    outcome->committed = hak_keeper_wait_committed(keeper, COMMIT_WAIT_MS, &outcome->live) == 0;
    run_child_reap(child); /* before its descendants are waited for, which may wait for that */
    if (outcome->live > 0 && view_given(view, "wait") && !run_child_has_left(child)) {
        hak_keeper_wait_for_live(keeper, COMMIT_WAIT_MS, run_child_stop_signal());
        outcome->committed = hak_keeper_wait_committed(keeper, COMMIT_WAIT_MS, &outcome->live) == 0;
    }
    if (outcome->live > 0 && run_child_is_init()) {
        /* They will not outlive this process; the keeper starts its worker again. */
        run_child_end_all();
        outcome->committed = hak_keeper_wait_committed(keeper, COMMIT_WAIT_MS, &outcome->live) == 0;
    }
    hak_keeper_store_path(keeper, path, bytes);
    if (run_child_has_left(child))
        await_third(view, child, keeper, path, outcome);
    outcome->is_refused = outcome->sessions > 0 && !path[0];
    if (outcome->is_refused)
        outcome->sessions = 0;
    int patience_ms = outcome->committed ? COMMIT_WAIT_MS : 0;
    outcome->is_cut = run_child_is_cut() && outcome->live > 0;
    enum hak_store_end end = outcome->is_cut ? hak_keeper_cut(keeper, patience_ms)
                                             : hak_keeper_stop(keeper, patience_ms);
    if (end == HAK_STORE_BEHIND)
        outcome->committed = false;
    if (outcome->sessions > 0)
        count_faults(view, path, findings, outcome);
}

/* Says why the answer is no other one, and keeps that for the JSON. Returns `status`. */
__attribute__((format(printf, 3, 4))) static int settle(struct outcome *outcome, int status,
                                                        const char *format, ...) {
    static char why[PATH_MAX + 512];
    va_list list;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    view_error("%s: %s", run_name(), why);
    outcome->why = why;
    return status;
}

/* The limit of file sizes that the program may raise its own to. */
static uint64_t file_limit(void) {
    struct rlimit limit = {.rlim_max = RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &limit);
    return limit.rlim_max;
}

static int settle_status(const struct view *view, struct outcome *outcome, int exit_code) {
    if (is_off(view) && outcome->faults == 0)
        return outcome->program_status; /* a session is made for a fault alone */
    if (outcome->is_refused) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program was not recorded: the collector could not take its record; "
                      "where the reason is known, it stands above");
    }
    if (outcome->sessions == 0 && run_child_was_told_to_end(outcome->program_status))
        return outcome->program_status; /* before it could allocate */
    if (outcome->sessions == 0 && run_target_unreadable()) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program was not recorded: %s may be executed but not read, so it "
                      "could not be checked first (is it static, or set-id?); make it readable",
                      run_target_unreadable());
    }
    if (outcome->sessions == 0 && file_limit() < HAK_SESSION_BYTES_MIN) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program was not recorded: the limit of file sizes (ulimit -f) is %llu "
                      "KiB, and its record needs %llu KiB; raise the limit",
                      (unsigned long long)(file_limit() / KIB),
                      (unsigned long long)(HAK_SESSION_BYTES_MIN / KIB));
    }
    if (outcome->sessions == 0) {
        return settle(
            outcome, VIEW_INCOMPLETE,
            "the program was not recorded: %s was not loaded into it "
            "(LD_PRELOAD was dropped on the way, or memory for the record is not allowed)",
            run_library(view));
    }
    if (outcome->faults > 0 && is_light(view) && !view_given(view, "exitcode"))
        return outcome->program_status;
    if (outcome->faults > 0)
        return exit_code;
    if (!outcome->committed) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program ended, but its last records were not stored: nothing was "
                      "written to the store for %d s; the capture is incomplete",
                      COMMIT_WAIT_MS / 1000);
    }
    if (!outcome->read) {
        return settle(outcome, VIEW_UNREADABLE, "the capture cannot be read: %s",
                      hak_store_message());
    }
    if (view->summary.ended_early) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program ended, but the end of its record could not be written; the "
                      "capture is incomplete");
    }
    if (outcome->unreported > 0 && outcome->unstored <= outcome->unreported) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program ended, but %s of its faults not stored; the capture is "
                      "incomplete",
                      hak_words_count(outcome->unreported, "report was", "reports were"));
    }
    if (outcome->unstored > 0) {
        return settle(outcome, VIEW_INCOMPLETE,
                      "the program ended, but %s of its record did not fit on the disk; the "
                      "capture is incomplete",
                      hak_words_count(outcome->unstored, "event", "events"));
    }
    return outcome->program_status;
}

static int wait_for_program(struct run_child *child, struct record_part *part,
                            const char *collect) {
    if (part) {
        part->program = child->pid;
        part->has_started = true;
    }
    int how = run_child_wait(child, part == NULL);
    int status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    if (part) {
        part->program = 0;
        part->program_status = status;
        part->program_signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    }
    if (part && part->left)
        run_left_end(part->left, collect);
    return status;
}

int command_run(struct view *view) {
    return record_run(view, NULL);
}

int record_run(struct view *view, struct record_part *part) {
    /* Not on the stack: a program may be run with a very small one (ulimit -s). */
    static struct run_files files;
    static struct run_ci ci;
    static char path[2 * PATH_MAX], asked[2 * PATH_MAX];
    struct run_child child;
    struct hak_keeper *keeper = NULL;
    struct outcome outcome = {0};
    struct findings findings = {0};
    uint64_t exit_code = VIEW_FAULT;
    struct fleet_early early = {0};
    if (part && part->command)
        run_set_name(part->command);
    if (!view_read_number(view, "exitcode", &exit_code) || !run_options_check(view) ||
        (!part && !fleet_settle_run(view, &early.url)))
        return VIEW_USAGE;
    if (exit_code > 255) {
        view_error("run --exitcode %s: 0 to 255 was expected", view_value(view, "exitcode"));
        return VIEW_USAGE;
    }
    if (part && part->left)
        record_adopt_left();
    if (!run_ci_check(view, !part, &ci) || !run_open_pools(view) ||
        !run_target_check(view->argument[0]) || !run_find_files(view, &files) ||
        !start_program(view, &files, part ? part->stdio : NULL, &child, &ci, &early, &keeper, path,
                       sizeof path))
        return VIEW_USAGE;
    memcpy(asked, path, sizeof asked);
    outcome.makes_baseline = ci.baseline[0] != '\0';
    outcome.program_status = wait_for_program(&child, part, files.collect);
    fleet_early_end(&early);
    finish(view, &child, keeper, path, sizeof path, &findings, &outcome);
    int status = settle_status(view, &outcome, (int)exit_code);
    if (part) {
        part->is_recorded = outcome.read;
        part->live = outcome.live;
    } else {
        if (run_child_has_left(&child)) {
            print_left(view, &child, &outcome, path[0] ? path : asked);
        } else {
            print_closing_lines(view, &outcome);
            print_storeless(view, &outcome, asked);
        }
        print_unwatched(view, &outcome);
        print_unserved(view, &outcome);
    }
    /* Without a record a store is made for a fault alone: none is no finding. */
    bool can_tell = outcome.read || (is_off(view) && outcome.sessions == 0);
    if (can_tell && !run_ci_finish(view, &ci, &findings) && status == 0)
        status = VIEW_USAGE; /* a job that expects the files must not pass without them */
    if (!run_core_finish(view) && status == 0)
        status = VIEW_USAGE;
    if (early.url && outcome.read)
        fleet_push_run(view, &findings, &early);
    findings_free(&findings);
    if (*run_child_stop_signal()) {
        status = 128 + *run_child_stop_signal();
        outcome.why = NULL; /* of another status */
    }
    if (view->json)
        print_run_json(view, &outcome, status);
    return status;
}
