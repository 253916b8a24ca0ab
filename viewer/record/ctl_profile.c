/* `ctl PID profile`: reads the sampled heap profile out of the program's memory, makes a store of
 * it, and has `top` or `export` answer from that. */
#include "viewer/record/ctl.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/corefile.h"
#include "viewer/record/ctl_serve.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "collector/kernel/kernel.h"
#include "collector/sampled/sampled.h"

#define SECOND_NS ((uint64_t)1000000000)
#define POLL_NS   (SECOND_NS / 10)
#define PATH_ROOM 4096
#define PULL_PART 20 /* of the time goes into reading, while it waits */

enum shape { AS_TABLE, AS_PPROF, AS_COLLAPSED, AS_STORE };

/* The profile while it is read. */
struct profiling {
    const struct view *view;
    struct ctl_target *target;
    struct hak_pull_memory memory;
    enum shape shape;
    const char *output;              /* NULL = stdout */
    uint64_t for_ns;                 /* 0 = it is read once */
    struct hak_sampled_pull pull[2]; /* at the begin, and at the end */
    int pulls;
    struct hak_pull_modules modules;
    bool has_ended;
    int client;           /* a socket: who asks may hang up while this waits; 0 = nobody does */
    bool has_hung_up;     /* before the time was over */
    char title[128];      /* "process 4711 server" */
    char file[PATH_ROOM]; /* the program's */
    char *command_line;
};

/* ---- what is asked -----------------------------------------------------------------------------
 */

static const char *const shapes[] = {
    [AS_PPROF] = "pprof", [AS_COLLAPSED] = "collapsed", [AS_STORE] = "store"};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static bool has_ending(const char *name, size_t length, const char *ending) {
    size_t bytes = strlen(ending);
    return length > bytes && strncmp(name + length - bytes, ending, bytes) == 0;
}

/* The shape that a file's name says; AS_TABLE: none. */
static enum shape shape_of_name(const char *name) {
    static const struct {
        const char *ending;
        enum shape shape;
    } endings[] = {{".pb", AS_PPROF},         {".pprof", AS_PPROF},   {".collapsed", AS_COLLAPSED},
                   {".folded", AS_COLLAPSED}, {".txt", AS_COLLAPSED}, {".db", AS_STORE}};
    size_t length = strlen(name);
    if (has_ending(name, length, ".gz"))
        length -= 3;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (has_ending(name, length, endings[i].ending) &&
            (endings[i].shape != AS_STORE || !name[length]))
            return endings[i].shape;
    return AS_TABLE;
}

/* Reads --format, or takes what the output's name says. False: the error is printed. */
static bool read_shape(struct profiling *p) {
    const char *typed = view_value(p->view, "format");
    struct nearest nearest = {.typed = typed};
    for (int i = AS_PPROF; i < SHAPES && typed; i++) {
        nearest_offer(&nearest, shapes[i]);
        if (strcmp(shapes[i], typed) == 0)
            p->shape = (enum shape)i;
    }
    if (typed && p->shape == AS_TABLE) {
        view_error("ctl: --format %s: pprof, collapsed or store was expected%s", typed,
                   nearest_words(&nearest, ""));
        return false;
    }
    if (!typed && p->output)
        p->shape = shape_of_name(p->output);
    if (p->output && p->shape == AS_TABLE) {
        view_error("ctl: -o %s: its name does not end in .pb.gz, .folded or .db; --format says "
                   "what to write",
                   p->output);
        return false;
    }
    return true;
}

/* Reads the options. False: the error is printed. */
static bool read_profile_options(struct profiling *p) {
    const char *output = view_value(p->view, "output"), *time = view_value(p->view, "for");
    p->output = output && strcmp(output, "-") != 0 ? output : NULL;
    if (!read_shape(p) || (time && !view_read_duration("for", time, &p->for_ns)))
        return false;
    if (time && !p->for_ns) {
        view_error("ctl: --for %s: a time above 0 was expected", time);
        return false;
    }
    if (p->shape == AS_STORE && !p->output) {
        view_error("ctl: --format store needs -o FILE");
        return false;
    }
    if (p->view->json && p->shape != AS_TABLE) {
        view_error("ctl: --json is another form of the table; %s has none", shapes[p->shape]);
        return false;
    }
    return !p->output || view_sink_check(p->output);
}

/* ---- reading it --------------------------------------------------------------------------------
 */

static bool read_target(void *context, uint64_t address, void *to, size_t bytes) {
    return bytes == 0 || ctl_read(context, address, to, bytes);
}

static void add_process_words(struct hak_text *text, const struct profiling *p) {
    hak_text_add(text, "ctl: process %d (", (int)p->target->pid);
    hak_text_add_name(text, p->target->name);
    hak_text_add(text, ") ");
}

/* Prints that the process has no profile, and how it gets one. */
static int say_no_profile(const struct profiling *p) {
    struct hak_text text = {0};
    add_process_words(&text, p);
    hak_text_add(&text, "keeps no heap profile");
    if (ctl_is_light(p->target))
        hak_text_add(&text, ": HAKMEM_HEAP_PROFILE=0 switched it off");
    else if (!p->target->address)
        hak_text_add(&text, ": start it with HAKMEM_HEAP_PROFILE=512K, or another rate");
    else
        hak_text_add(&text, ": start it with HAKMEM_CHECK=light (HAKMEM_HEAP_PROFILE sets the "
                            "rate)");
    view_error_text(&text);
    return VIEW_USAGE;
}

/* Prints why there is no profile to be shown. Returns the exit status. */
static int say_unread(const struct profiling *p, enum hak_pull_state state, uint64_t rate,
                      const char *why) {
    struct hak_text text = {0};
    add_process_words(&text, p);
    if (state == HAK_PULL_NO_SAMPLE)
        hak_text_add(&text,
                     "has no sample so far: it has allocated little yet (one in %s is sampled)",
                     hak_words_size(rate));
    else if (state == HAK_PULL_OTHER_VERSION)
        hak_text_add(&text, "has a heap profile of another version of hakmem: %s", why);
    else if (state == HAK_PULL_NO_MEMORY)
        hak_text_add(&text, "has a heap profile for which there is no memory here");
    else
        hak_text_add(&text, "has a heap profile that cannot be read: %s", why);
    view_error_text(&text);
    return state == HAK_PULL_NO_SAMPLE ? VIEW_INCOMPLETE : VIEW_UNREADABLE;
}

/* Reads the path of the process's program; its name where that cannot be read. */
static void read_program(const struct ctl_target *t, char path[PATH_ROOM]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)t->shown);
    ssize_t length = readlink(link, path, PATH_ROOM - 1);
    if (length > 0)
        path[length] = 0;
    else
        snprintf(path, PATH_ROOM, "%s", t->name);
}

/* The arguments joined by spaces, "" where they cannot be read; the caller frees. */
static char *read_command_line(const struct ctl_target *t) {
    size_t bytes = 0;
    char *text = hak_proc_read(t->shown, "cmdline", &bytes);
    for (size_t i = 0; text && i + 1 < bytes; i++)
        if (!text[i])
            text[i] = i + 2 < bytes || text[i + 1] ? ' ' : 0;
    return text ? text : strdup("");
}

/* Reads the profile into `out`, its modules, and what the program is. 0, or an exit status: the
 * error is printed. */
static int pull_first(struct profiling *p, struct hak_sampled_pull *out) {
    char why[200];
    if (!ctl_profile_table(p->target))
        return say_no_profile(p);
    enum hak_pull_state state =
        hak_pull_table(&p->memory, ctl_profile_table(p->target), view_now_ns(), out, why);
    if (state != HAK_PULL_DONE)
        return say_unread(p, state, out->rate, why);
    if (!hak_pull_list_modules(&p->memory, p->target->shown, &p->modules)) {
        view_error("ctl: the modules of process %d cannot be read", (int)p->target->pid);
        return VIEW_UNREADABLE;
    }
    read_program(p->target, p->file);
    p->command_line = read_command_line(p->target);
    return 0;
}

/* Reads it again, in the place of the last time's; where that fails that stays. False: the process
 * has ended, or is another program now. */
static bool pull_again(struct profiling *p) {
    struct hak_sampled_pull pull;
    struct hak_pull_modules modules;
    char why[200];
    if (!ctl_look(p->target) || !ctl_profile_table(p->target))
        return false;
    if (hak_pull_table(&p->memory, ctl_profile_table(p->target), view_now_ns(), &pull, why) !=
        HAK_PULL_DONE) {
        hak_pull_free(&pull);
        return ctl_look(p->target);
    }
    hak_pull_free(&p->pull[1]);
    p->pull[1] = pull;
    p->pulls = 2;
    if (hak_pull_list_modules(&p->memory, p->target->shown, &modules)) {
        hak_pull_free_modules(&p->modules);
        p->modules = modules;
    } else {
        hak_pull_free_modules(&modules);
    }
    return true;
}

/* ---- --for -------------------------------------------------------------------------------------
 */

/* Shows how much of the time is over. */
static void show_wait(const struct profiling *p, uint64_t begin_ns, uint64_t now_ns) {
    const struct hak_progress progress = {.doing = "waiting",
                                          .unit = "s",
                                          .done = (now_ns - begin_ns) / SECOND_NS,
                                          .total = (p->for_ns + SECOND_NS - 1) / SECOND_NS};
    view_progress(&progress);
}

/* Whether nobody waits for the answer any more, or the client says that it sends no more: both look
 * alike here. */
static bool look_at_client(struct profiling *p) {
    struct pollfd one = {.fd = p->client, .events = POLLRDHUP};
    p->has_hung_up =
        p->client && poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR));
    return p->has_hung_up;
}

/* Waits for the time of --for, Ctrl-C or the program's end, which may come at any time: the profile
 * is read again and again meanwhile, for a twentieth of the time. */
static void wait_and_pull(struct profiling *p) {
    uint64_t begin = view_now_ns(), now = begin, due = begin;
    view_heed_interrupt();
    while (!p->has_ended && now < begin + p->for_ns && !view_is_interrupted() &&
           !look_at_client(p)) {
        uint64_t left = begin + p->for_ns - now;
        const struct timespec rest = {.tv_nsec = (long)(left < POLL_NS ? left : POLL_NS)};
        nanosleep(&rest, NULL);
        now = view_now_ns();
        show_wait(p, begin, now);
        p->has_ended = now >= due ? !pull_again(p) : !ctl_look(p->target);
        due = now >= due ? now + (view_now_ns() - now) * PULL_PART : due;
    }
    if (!p->has_ended)
        p->has_ended = !pull_again(p);
    view_progress_clear();
    view_forget_interrupt(); /* it ended the wait, not the answer */
    if (!p->has_ended)
        return;
    struct hak_text text = {0};
    add_process_words(&text, p);
    hak_text_add(&text, "ended after %s; this is what was read last, after %s",
                 hak_words_time(now - p->pull[0].ns),
                 hak_words_time(p->pull[p->pulls - 1].ns - p->pull[0].ns));
    view_error_text(&text);
}

/* ---- the store ---------------------------------------------------------------------------------
 */

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Makes the store of what was read. 0, or an error of the store. */
static int make_sampled_store(struct profiling *p, const char *path, uint64_t *first_end) {
    static const char *const levels[] = {NULL, "trace", "normal", "light"};
    uint32_t level = p->target->control.level;
    struct hak_sampled_program program = {
        .pid = p->target->pid,
        .start_time = p->target->start_time,
        .monotonic_ns = clock_ns(CLOCK_MONOTONIC),
        .realtime_ns = clock_ns(CLOCK_REALTIME),
        .program = p->file,
        .command_line = p->command_line ? p->command_line : "",
        .level = level < sizeof levels / sizeof *levels ? levels[level] : NULL,
        .has_ended = p->has_ended,
        .module = p->modules.module,
        .modules = p->modules.modules};
    return hak_sampled_store(&program, p->pull, p->pulls, path, false, first_end);
}

/* Writes the store that -o names, and says how large it is. Returns the exit status. */
static int write_sampled_store(struct profiling *p) {
    struct stat about;
    struct hak_text line = {0};
    uint64_t first_end;
    if (make_sampled_store(p, p->output, &first_end) != 0) {
        view_error("ctl: %s", hak_store_message());
        return VIEW_USAGE;
    }
    uint64_t bytes = stat(p->output, &about) == 0 ? (uint64_t)about.st_size : 0;
    hak_text_add(&line, "%s  %s, of %s\n", p->output, hak_words_size(bytes), p->title);
    return !view_print(&line) ? VIEW_UNREADABLE : p->has_ended ? VIEW_INCOMPLETE : VIEW_OK;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

/* Has another command answer from the store at `path`. Returns the exit status. */
static int ask_command(struct profiling *p, char *path, uint64_t first_end) {
    char between[32], *arguments[20];
    int count = 0;
    const char *color = view_value(p->view, "color");
    snprintf(between, sizeof between, "#%llu", (unsigned long long)first_end);
#define GIVE(word) (arguments[count++] = (char *)(uintptr_t)(word))
    GIVE("hakmem-trace");
    GIVE(p->shape == AS_TABLE ? "top" : "export");
    if (p->shape != AS_TABLE)
        GIVE(shapes[p->shape]);
    GIVE("--store");
    GIVE(path);
    if (p->shape != AS_TABLE && p->output) {
        GIVE("--output");
        GIVE(p->output);
    }
    if (p->pulls == 2) {
        GIVE("--between");
        GIVE(between);
        GIVE("end");
    }
    if (p->pulls == 2 && p->shape == AS_COLLAPSED) { /* growth has no width */
        GIVE("--by");
        GIVE("bytes");
    }
    if (p->view->json)
        GIVE("--json");
    if (!p->view->wants_pager)
        GIVE("--no-pager");
    if (color) {
        GIVE("--color");
        GIVE(color);
    }
#undef GIVE
    struct view asked = {0};
    int status = view_parse(&asked, view_used_commands(), count, arguments);
    asked.title = p->title;
    if (status < 0)
        status = asked.command->run(&asked);
    view_close(&asked);
    view_parse_end(&asked);
    return status;
}

/* Answers from a store that is gone afterwards. Returns the exit status. */
static int answer_from_store(struct profiling *p) {
    const char *folder = view_folder_make("ctl");
    char path[PATH_ROOM + 16];
    uint64_t first_end = 0;
    if (!folder)
        return VIEW_USAGE;
    snprintf(path, sizeof path, "%s/profile.db", folder);
    int status = VIEW_USAGE;
    if (make_sampled_store(p, path, &first_end) == 0)
        status = ask_command(p, path, first_end);
    else
        view_error("ctl: %s", hak_store_message());
    view_folder_remove();
    return status == VIEW_OK && p->has_ended ? VIEW_INCOMPLETE : status;
}

/* Checks --serve, --anywhere and --token. False: the error is printed. */
static bool check_serving(const struct view *view) {
    static const char *const others[] = {"output", "format", "for", "json"};
    struct ctl_door door;
    if (!view_given(view, "serve")) {
        view_error("ctl: --%s is of --serve ADDRESS",
                   view_given(view, "token") ? "token" : "anywhere");
        return false;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (view_given(view, others[i])) {
            view_error("ctl: --serve takes no --%s: each request says what it asks", others[i]);
            return false;
        }
    return ctl_read_door(view, &door);
}

static bool is_serving(const struct view *view) {
    return view_given(view, "serve") || view_given(view, "anywhere") || view_given(view, "token");
}

bool ctl_check_profile(const struct view *view) {
    struct profiling p = {.view = view};
    return is_serving(view) ? check_serving(view) : read_profile_options(&p);
}

/* Reads the profile, twice where it is to wait, and answers. Returns the exit status. */
static int pull_and_answer(struct profiling *p) {
    snprintf(p->title, sizeof p->title, "process %d %s", (int)p->target->pid, p->target->name);
    int status = pull_first(p, &p->pull[0]);
    if (status == 0) {
        p->pulls = 1;
        if (p->for_ns)
            wait_and_pull(p);
        if (p->has_hung_up)
            view_error("ctl: the client closed its side of the connection before ?seconds= were "
                       "over");
        if (!p->client || (!p->has_ended && !p->has_hung_up))
            status = p->shape == AS_STORE ? write_sampled_store(p) : answer_from_store(p);
        else
            status = VIEW_UNREADABLE; /* that was said */
    }
    hak_pull_free(&p->pull[0]);
    hak_pull_free(&p->pull[1]);
    hak_pull_free_modules(&p->modules);
    free(p->command_line);
    return status;
}

/* Looks for the table of a process that runs under libhakmem.so. False: nothing of hakmem is in it,
 * and that was said. */
static bool find_settings(struct ctl_target *t) {
    struct core_settings settings;
    struct hak_text error = {0};
    bool is_found = core_settings_find(t->shown, &settings, &error);
    if (is_found)
        (void)ctl_find_profile(t, settings.heap_profile);
    else
        view_error("ctl: %s", hak_text_string(&error));
    hak_text_free(&error);
    return is_found;
}

int ctl_profile(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    struct profiling p = {.view = view, .target = t, .memory = {read_target, t}};
    (void)seconds;
    if (!t->address && !find_settings(t))
        return VIEW_USAGE;
    if (is_serving(view))
        return ctl_profile_table(t) ? ctl_serve(view, t) : say_no_profile(&p);
    return read_profile_options(&p) ? pull_and_answer(&p) : VIEW_USAGE;
}

int ctl_write_pprof(const struct view *view, struct ctl_target *t, uint64_t for_ns, int client) {
    struct profiling p = {.view = view,
                          .target = t,
                          .memory = {read_target, t},
                          .shape = AS_PPROF,
                          .for_ns = for_ns,
                          .client = client};
    if (ctl_look(t))
        return pull_and_answer(&p);
    struct hak_text text = {0};
    add_process_words(&text, &p);
    hak_text_add(&text, "has ended, or is another program now");
    view_error_text(&text);
    return VIEW_UNREADABLE;
}
