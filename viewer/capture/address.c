/* Reads an address (hex, [FILE:]SYMBOL+OFFSET, p:N, @fault, @fault:N) or a moment as a person types
 * it. */
#include "viewer/capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "viewer/capture/address.h"
#include "report/words/words.h"
#include "hop.h"

struct allocation {
    uint64_t left;
    struct hak_event event;
    bool found;
};

/* Counts down to the wanted allocation. 1 ends the scan: it is this event. */
static int count_allocation(void *context, const struct hak_event *event) {
    struct allocation *wanted = context;
    if (event->kind == HAK_REALLOC && event->place == HAK_PLACE_LIVE)
        return 0; /* in place: no new block */
    if (--wanted->left > 0)
        return 0;
    wanted->event = *event;
    wanted->found = true;
    return 1;
}

/* p:N: finds the Nth allocation. False, and said. */
static bool nth_allocation(struct view *view, const char *text, uint32_t process,
                           struct hak_event *out) {
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || n == 0 || errno) {
        view_error("p:%s: the number of an allocation was expected, from 1", text);
        return false;
    }
    struct allocation wanted = {.left = n};
    struct hak_filter filter = {.class_index = -1,
                                .process = process,
                                .kind_mask_low = 1ull << HAK_MALLOC | 1ull << HAK_REALLOC};
    int error = hak_store_scan(view->reader, &filter, false, count_allocation, &wanted);
    if (error < 0) {
        view_store_error(view, error);
        return false;
    }
    if (!wanted.found) {
        struct hak_text where = {0};
        hak_text_add_name(&where, view->store_path);
        if (process != 0) {
            hak_text_add(&where, ": process ");
            view_add_process(&where, view, process);
        }
        view_error("p:%llu: %s %s %s only", n, hak_text_string(&where),
                   process != 0 ? "made" : "holds",
                   hak_words_count(n - wanted.left, "allocation", "allocations"));
        hak_text_free(&where);
        return false;
    }
    *out = wanted.event;
    return true;
}

/* @fault:N: finds the event of the Nth fault. False, and said. */
static bool nth_fault(struct view *view, const char *text, struct hak_event *out) {
    char *end;
    errno = 0;
    unsigned long n = *text == ':' ? strtoul(text + 1, &end, 10) : 1;
    bool is_number = *text == ':' && end != text + 1 && !*end && n > 0 && n <= UINT32_MAX && !errno;
    if (*text && !is_number) {
        view_error("@fault%s: @fault:N was expected, N from 1", text);
        return false;
    }
    struct hak_fault_words_row fault;
    if (!hak_lookup_fault(view->reader, (uint32_t)n, &fault)) {
        view_error("@fault%s: %s holds %s", text, view->store_path,
                   view->summary.faults == 0
                       ? "no fault"
                       : hak_words_count(view->summary.faults, "fault only", "faults only"));
        return false;
    }
    if (hak_store_event(view->reader, fault.event, out) != 1 || out->address == 0) {
        view_error("@fault%s: fault %lu was found at no address", text, n);
        return false;
    }
    return true;
}

bool view_read_address(struct view *view, const char *text, uint32_t process,
                       struct view_place *out) {
    struct hak_event event;
    *out = (struct view_place){0};
    if (strncmp(text, "p:", 2) == 0 || strncmp(text, "@fault", 6) == 0) {
        bool found = text[0] == 'p' ? nth_allocation(view, text + 2, process, &event)
                                    : nth_fault(view, text + 6, &event);
        if (!found)
            return false;
        *out = (struct view_place){event.address, event.id, event.process};
        return true;
    }
    const char *digits = strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
    if (*digits && strspn(digits, "0123456789abcdefABCDEF") == strlen(digits)) {
        if (strlen(digits) > 16) {
            view_error("%s: an address has at most 16 digits", text);
            return false;
        }
        out->address = strtoull(digits, NULL, 16);
        return true;
    }
    return view_find_symbol_address(view, text, &out->address);
}

/* ---- moments ----------------------------------------------------------------------------------
 */

/* The event of the mark `name`: the `number`th, 0 = the last; 0 when there is none. Pools that the
 * program named stand in the same table. `*count`: marks of that name that were looked at. */
static uint64_t find_mark(struct view *view, const char *name, uint64_t number, uint64_t *count) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader),
                "SELECT event FROM mark WHERE name = ?1 ORDER BY event", "reading marks");
    uint64_t found = 0;
    if (q.statement)
        sqlite3_bind_text(q.statement, 1, name, -1, SQLITE_TRANSIENT);
    while (hak_query_next(&q)) {
        struct hak_event event;
        uint64_t id = hak_query_number(&q, 0);
        if (hak_store_event(view->reader, id, &event) == 1 && event.kind != HAK_MARK)
            continue;
        ++*count;
        if (number == 0 || number == *count)
            found = id;
    }
    view_end_query(view, &q, true);
    return found;
}

/* A mark that a program has just set is stored by the next commit of its collector, which are four
 * each second: where the capture is being written, that is waited for. Returns as find_mark. */
static uint64_t await_mark(struct view *view, const char *name, uint64_t *count) {
    enum { TRIES = 50, TRY_US = 20000 };
    uint64_t found = 0;
    for (int i = 0; i < TRIES && !found && view->summary.being_written; i++) {
        usleep(TRY_US);
        *count = 0;
        found = find_mark(view, name, 0, count);
        if (view_look_again(view) != 0 || view_is_interrupted())
            break;
    }
    return found;
}

/* Finds the event of "NAME" or "NAME#2"; the whole is looked for first, since a name may end so.
 * False: printed. */
static bool when_marked(struct view *view, const char *option, const char *text, uint64_t *id) {
    uint64_t count = 0, number = 0;
    const char *hash = strrchr(text, '#');
    char *name = strdup(text), *end = NULL;
    *id = name ? find_mark(view, name, 0, &count) : 0;
    if (name && *id == 0 && hash && hash[1] >= '1' && hash[1] <= '9') {
        number = strtoull(hash + 1, &end, 10);
        if (*end == '\0') {
            name[hash - text] = '\0';
            *id = find_mark(view, name, number, &count);
        }
    }
    if (name && *id == 0 && !count)
        *id = await_mark(view, text, &count);
    if (*id == 0 && count)
        view_error("--%s mark:%s: the capture has %s of that name", option, text,
                   hak_words_count(count, "mark", "marks"));
    else if (*id == 0)
        view_error("--%s mark:%s: the capture has no mark of that name; `hakmem-trace events "
                   "--kind MARK` lists them",
                   option, text);
    free(name);
    return *id != 0;
}

/* Reads "1.5", "1.5s", "200ms" or "30us" as ns; false: it is none of these. */
static bool read_time(const char *text, uint64_t *ns) {
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    double unit = strcmp(end, "") == 0 || strcmp(end, "s") == 0 ? 1e9
                  : strcmp(end, "ms") == 0                      ? 1e6
                  : strcmp(end, "us") == 0                      ? 1e3
                                                                : 0;
    if (end == text || unit <= 0 || !(value >= 0 && value * unit < 9e18) || errno)
        return false;
    *ns = (uint64_t)(value * unit + 0.5);
    return true;
}

/* Reads "50%" as a moment: so much of the time from the first event to the last one; false: it is
 * none. */
static bool read_share(const struct view *view, const char *text, uint64_t *ns) {
    const struct hak_store_summary *s = &view->summary;
    char *end;
    double value = strtod(text, &end);
    if (text[0] < '0' || text[0] > '9' || strcmp(end, "%") != 0 || !(value >= 0 && value <= 100))
        return false;
    uint64_t span = s->last_ns > s->first_ns ? s->last_ns - s->first_ns : 0;
    *ns = value < 100 ? s->first_ns + (uint64_t)((double)span * value / 100) : s->last_ns;
    return true;
}

/* Reads "#N". False: it is none. */
static bool read_event(const char *text, uint64_t *id) {
    char *end;
    errno = 0;
    if (text[0] != '#' || text[1] < '0' || text[1] > '9')
        return false;
    *id = strtoull(text + 1, &end, 10);
    return *end == '\0' && !errno;
}

bool view_read_when(struct view *view, const char *option, const char *text, uint64_t *ns,
                    uint64_t *id) {
    if (strncmp(text, "mark:", 5) == 0)
        return when_marked(view, option, text + 5, id);
    if (read_event(text, id) || read_time(text, ns) || read_share(view, text, ns))
        return true;
    bool has_words = strcmp(option, "at") == 0 || strcmp(option, "between") == 0;
    view_error("--%s %s: %sseconds (1.5), 200ms, 30us, 50%%, #EVENT or mark:NAME was expected",
               option, text, has_words ? "peak, start, end, " : "");
    return false;
}

bool view_read_duration(const char *option, const char *text, uint64_t *ns) {
    if (read_time(text, ns))
        return true;
    view_error("--%s %s: seconds (1.5), 200ms or 30us was expected", option, text);
    return false;
}
