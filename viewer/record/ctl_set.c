/* `ctl PID set NAME=VALUE`: changes a setting of the allocator in a running process.
 *
 *   decay, guard,  a word that slow paths and looks read anyway is written; no answer is needed
 *   profile
 *   purge          a number grows; the next thread at a slow path serves it, and says so
 *
 * The words lie where the library's own table says (viewer/corefile/settings.c). Calls corefile,
 * and the parts of ctl.h. One thread. */
#include "viewer/record/ctl_stats.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "heap_profile/table.h"
#include "options.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/corefile.h"

enum { SET_POLL_US = 20000, SET_POLLS_OF_A_SECOND = 1000000 / SET_POLL_US };
#define DECAY_MOST_NS (UINT64_C(3600) * 1000000000)
#define SAMPLE_NEVER  UINT64_MAX /* guard/choose/sample.h */
#define SAMPLE_MOST   43690u     /* the mean of what a look's counter of 16 bits can hold */
#define MILLION       1000000.0

struct setter {
    const struct view *view;
    struct ctl_target *target;
    struct core_settings settings;
    uint64_t seconds;
    const char *value;
    json_t *answer;        /* {"name": ...} */
    struct hak_text words; /* behind the setting's name */
};

/* ---- words in the process -------------------------------------------------------------------- */

static bool read_number(const struct setter *s, uint64_t address, void *number, size_t bytes) {
    return ctl_read(s->target, address, number, bytes);
}

/* Writes a word of the process. 0, or an exit status: the error is printed. */
static int write_number(const struct setter *s, uint64_t address, const void *number,
                        size_t bytes) {
    if (ctl_write(s->target, address, number, bytes))
        return 0;
    view_error("ctl: the memory of process %d cannot be written: %s", (int)s->target->pid,
               strerror(errno));
    return VIEW_USAGE;
}

/* Exchanges a word of 8 bytes. 0, or an exit status. */
static int exchange(const struct setter *s, uint64_t address, uint64_t new, uint64_t *old) {
    if (!read_number(s, address, old, sizeof *old)) {
        view_error("ctl: the memory of process %d cannot be read", (int)s->target->pid);
        return VIEW_USAGE;
    }
    return write_number(s, address, &new, sizeof new);
}

/* ---- decay ----------------------------------------------------------------------------------- */

/* Reads "2s", "1.5s", "100ms", "30us" or "0". False: it is none, or more than an hour. */
static bool read_decay(const char *value, uint64_t *ns) {
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}};
    char *end;
    double number = strtod(value, &end);
    if (end == value || value[strspn(value, "0123456789.")] != *end || !(number >= 0))
        return false;
    double unit = number > 0 ? 0 : 1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].name) == 0)
            unit = units[i].ns;
    if (unit == 0 || (unit == 1 && *end) || number * unit > (double)DECAY_MOST_NS)
        return false;
    *ns = (uint64_t)(number * unit);
    return true;
}

static int set_decay(struct setter *s) {
    uint64_t ns, old = 0;
    if (!read_decay(s->value, &ns)) {
        view_error("ctl: set decay=TIME takes 0 to 3600s, as 500ms, 2s or 30us, and not '%s'",
                   s->value);
        return VIEW_USAGE;
    }
    double ns_of_tick = ctl_ns_of_tick();
    int status = exchange(s, s->settings.purge_delay, (uint64_t)((double)ns / ns_of_tick), &old);
    uint64_t old_ns = (uint64_t)((double)(old < (uint64_t)1 << 48 ? old : 0) * ns_of_tick);
    hak_json_set(s->answer, NUMBER("old_ns", old_ns), NUMBER("new_ns", ns));
    hak_text_add(&s->words, "was %.1f ms, ", (double)old_ns / MILLION);
    hak_text_add(&s->words, "is %.1f ms", (double)ns / MILLION);
    return status;
}

/* ---- guard ----------------------------------------------------------------------------------- */

/* Appends a rate as HAKMEM_GUARD has it. */
static void add_rate(struct hak_text *text, uint64_t every) {
    hak_text_add(text, "sample:%" PRIu64, every);
}

/* Reads "sample:N". False: it is none, or too large. */
static bool read_rate(const char *value, uint64_t *every) {
    static const char before[] = "sample:";
    char *end;
    if (strncmp(value, before, sizeof before - 1) != 0)
        return false;
    value += sizeof before - 1;
    errno = 0;
    *every = strtoull(value, &end, 10);
    return *value >= '0' && *value <= '9' && !*end && errno == 0 && *every <= SAMPLE_MOST;
}

static int set_guard(struct setter *s) {
    uint64_t every, old = 0, address = s->settings.sample_every;
    if (!read_rate(s->value, &every)) {
        view_error("ctl: set guard=sample:N takes one call in N, 1 to %u, or 0: as many as a "
                   "hundredth of the time pays for; and not '%s'",
                   SAMPLE_MOST, s->value);
        return VIEW_USAGE;
    }
    if (!address) {
        view_error("ctl: process %d is not at level light, whose blocks guard= chooses",
                   (int)s->target->pid);
        return VIEW_USAGE;
    }
    if (!read_number(s, address, &old, sizeof old) || old == SAMPLE_NEVER) {
        view_error("ctl: process %d was started with HAKMEM_GUARD=off: it guards no block",
                   (int)s->target->pid);
        return VIEW_USAGE;
    }
    int status = exchange(s, address, every, &old);
    hak_json_set(s->answer, NUMBER("old_every", old & INT64_MAX), NUMBER("new_every", every));
    hak_text_add(&s->words, "was ");
    add_rate(&s->words, old);
    hak_text_add(&s->words, ", is ");
    add_rate(&s->words, every);
    return status;
}

/* ---- profile --------------------------------------------------------------------------------- */

/* Reads a rate as HAKMEM_HEAP_PROFILE has it, from 1. False: it is none. */
static bool read_bytes_of_rate(const char *value, uint64_t *rate) {
    static struct hak_options options;
    const char *expected;
    bool is_read = hak_option_parse(&options, "HEAP_PROFILE", value, &expected);
    *rate = options.heap_profile_rate;
    return is_read && *rate != 0;
}

static int set_profile(struct setter *s) {
    uint64_t rate, old = 0;
    if (!read_bytes_of_rate(s->value, &rate)) {
        view_error("ctl: set profile=RATE takes the mean bytes between two samples, 1 to 1024G, as "
                   "64K, and not '%s'",
                   s->value);
        return VIEW_USAGE;
    }
    if (!s->target->address)
        (void)ctl_find_profile(s->target, s->settings.heap_profile);
    uint64_t table = ctl_profile_table(s->target);
    if (!table) {
        view_error("ctl: process %d keeps no heap profile: start it with %s", (int)s->target->pid,
                   s->target->address ? "HAKMEM_CHECK=light, and without HAKMEM_HEAP_PROFILE=0"
                                      : "HAKMEM_HEAP_PROFILE=512K, or another rate");
        return VIEW_USAGE;
    }
    int status = exchange(s, table + offsetof(struct hak_heap_profile, rate), rate, &old);
    hak_json_set(s->answer, NUMBER("old_rate", old), NUMBER("new_rate", rate));
    hak_text_add(&s->words, "was one in %s, ", hak_words_size(old));
    hak_text_add(&s->words, "is one in %s", hak_words_size(rate));
    return status;
}

/* ---- purge ----------------------------------------------------------------------------------- */

/* Says that no thread has served the purge, which is taken back. Returns VIEW_INCOMPLETE. */
static int say_not_served(const struct setter *s, uint32_t before) {
    uint32_t served;
    if (read_number(s, s->settings.purge_served, &served, sizeof served))
        (void)write_number(s, s->settings.purge_asked, &before, sizeof before);
    view_error("ctl: process %d has not given back within %s: no thread of it comes to a slow path "
               "of malloc or free (%s); nothing is asked of it any more",
               (int)s->target->pid, hak_words_count(s->seconds, "second", "seconds"),
               ctl_silence(s->target));
    return VIEW_INCOMPLETE;
}

/* Has the process give back what it can spare, and waits for the first thread that does. */
static int purge_now(struct setter *s) {
    uint32_t before = 0, served = 0;
    uint64_t given_before = 0, given = 0;
    if (strcmp(s->value, "now") != 0) {
        view_error("ctl: set purge=now takes 'now', and not '%s'", s->value);
        return VIEW_USAGE;
    }
    if (!read_number(s, s->settings.purge_asked, &before, sizeof before) ||
        !read_number(s, s->settings.given_back, &given_before, sizeof given_before)) {
        view_error("ctl: the memory of process %d cannot be read", (int)s->target->pid);
        return VIEW_USAGE;
    }
    uint32_t asked = before + 1;
    int status = write_number(s, s->settings.purge_asked, &asked, sizeof asked);
    for (uint64_t left = s->seconds * SET_POLLS_OF_A_SECOND; status == 0; left--) {
        if (!read_number(s, s->settings.purge_served, &served, sizeof served)) {
            view_error("ctl: process %d ended while it was asked", (int)s->target->pid);
            return VIEW_USAGE;
        }
        if (served == asked)
            break;
        if (left == 0)
            return say_not_served(s, before);
        usleep(SET_POLL_US);
    }
    (void)read_number(s, s->settings.given_back, &given, sizeof given);
    given = given > given_before ? given - given_before : 0;
    hak_json_set(s->answer, NUMBER("given_back_bytes", given));
    hak_text_add(&s->words, "gave back %s; other threads do at their next slow paths",
                 hak_words_size(given));
    return status;
}

/* ---- the word -------------------------------------------------------------------------------- */

/* Another setting has a row here, and its address in struct core_settings. */
static const struct {
    const char *name;
    int (*set)(struct setter *s);
} settings[] = {
    {"decay", set_decay}, {"purge", purge_now}, {"guard", set_guard}, {"profile", set_profile}};

/* Prints the answer and frees it. Returns the exit status. */
static int print_set(struct setter *s, const char *name) {
    const struct ctl_target *t = s->target;
    bool is_printed;
    if (s->view->json) {
        json_t *document = view_json_document(s->view);
        json_t *process = hak_json_object(NUMBER("pid", t->pid), TEXT("name", t->name));
        hak_text_free(&s->words);
        hak_json_set(document, JSON("process", process), JSON("set", s->answer));
        is_printed = view_print_json(hak_json_print(document));
    } else {
        struct hak_text line = {0};
        hak_text_add(&line, "process %d %s: %s ", (int)t->pid, t->name, name);
        hak_text_add_text(&line, &s->words);
        hak_text_add(&line, "\n");
        hak_text_free(&s->words);
        json_decref(s->answer);
        is_printed = view_print(&line);
    }
    return is_printed ? VIEW_OK : VIEW_UNREADABLE;
}

int ctl_set(const struct view *view, struct ctl_target *t, uint64_t seconds) {
    struct setter s = {.view = view, .target = t, .seconds = seconds};
    const char *typed = view->argument_count > 2 ? view->argument[2] : "";
    size_t bytes = strcspn(typed, "=");
    for (size_t i = 0; i < sizeof settings / sizeof *settings && typed[bytes]; i++) {
        struct hak_text error = {0};
        if (strlen(settings[i].name) != bytes || memcmp(settings[i].name, typed, bytes) != 0)
            continue;
        if (!core_settings_find(t->shown, &s.settings, &error)) {
            view_error("ctl: %s", hak_text_string(&error));
            hak_text_free(&error);
            return VIEW_USAGE;
        }
        s.value = typed + bytes + 1;
        s.answer = hak_json_object(WORD("name", settings[i].name));
        int status = settings[i].set(&s);
        if (status == 0)
            return print_set(&s, settings[i].name);
        json_decref(s.answer);
        hak_text_free(&s.words);
        return status;
    }
    view_error("ctl: set takes decay=TIME, purge=now, guard=sample:N or profile=RATE, and not '%s'",
               typed);
    return VIEW_USAGE;
}
