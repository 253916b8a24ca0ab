/* Finds the process that is meant, and says so when it had to choose one. */
#include "viewer/capture/capture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "report/words/words.h"
#include "store/history/history.h"

/* Appends the processes that the question finds, at most VIEW_PROCESSES_MAX in all. False: the
 * store cannot be read, which is said. */
static bool find_rows(struct view *view, const char *sql, long long number,
                      struct view_processes *out) {
    struct hak_query q =
        hak_ask(hak_store_database(view->reader), sql, "reading processes", (uint64_t)number);
    while (out->count < VIEW_PROCESSES_MAX && hak_query_next(&q))
        out->row[out->count++] = hak_query_id(&q, 0);
    return view_end_query(view, &q, true) == 0;
}

/* Reads a number and moves the text behind it. False: it is none. */
static bool read_number(const char **text, long long *out) {
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Says that --process is wrong. Returns false. */
static bool refuse_value(const struct view *view, const char *value) {
    view_error("--process %s: a pid (4711), the Nth process with a pid (4711#2) or a row (#7) was "
               "expected; `hakmem-trace info --all` lists those of %s",
               value, view->store_path);
    return false;
}

bool view_read_process(struct view *view, struct view_processes *out) {
    const char *value = view_value(view, "process"), *at = value;
    long long number, nth = 0;
    *out = (struct view_processes){0};
    if (!value)
        return true;
    bool is_row = *at == '#';
    at += is_row;
    if (!read_number(&at, &number))
        return refuse_value(view, value);
    if (!is_row && *at == '#') {
        at++;
        if (!read_number(&at, &nth) || nth == 0)
            return refuse_value(view, value);
    }
    if (*at)
        return refuse_value(view, value);
    out->by_pid = !is_row;
    if (!is_row &&
        !find_rows(view, "SELECT id FROM process WHERE pid = ?1 ORDER BY id DESC", number, out))
        return false;
    if (out->count == 0 && nth == 0) {
        out->is_row_instead = !is_row;
        out->by_pid = false;
        if (!find_rows(view, "SELECT id FROM process WHERE id = ?1", number, out))
            return false;
    }
    if (out->count > 0 && nth > out->count) {
        view_error("--process %s: %s in %s had the pid %lld", value,
                   hak_words_count((uint64_t)out->count, "process only", "processes only"),
                   view->store_path, number);
        return false;
    }
    if (nth > 0 && out->count > 0) {
        out->row[0] = out->row[out->count - nth];
        out->count = 1;
    }
    if (out->count == 0) {
        view_error("--process %s: no such process in %s; `hakmem-trace info --all` lists them",
                   value, view->store_path);
        return false;
    }
    return true;
}

void view_add_process_name(struct hak_text *text, struct view *view, uint32_t row) {
    uint64_t v[3]; /* the pid, how many had it, which of these it is */
    hak_database_numbers(hak_store_database(view->reader),
                         "SELECT p.pid, count(*), sum(q.id <= ?1) FROM process p"
                         " JOIN process q ON q.pid = p.pid WHERE p.id = ?1",
                         row, v, 3);
    hak_text_add(text, "%lld", (long long)v[0]);
    if (v[1] > 1)
        hak_text_add(text, "#%lld", (long long)v[2]);
}

/* The name that a command line begins with, and the word behind it where that is no option: "git
 * gc", "make", "python3 job.py". */
static void add_program(struct hak_text *text, const char *line) {
    int first = (int)strcspn(line, " "), second = 0;
    const char *name = line;
    for (int i = 0; i < first; i++)
        if (line[i] == '/')
            name = line + i + 1;
    const char *behind = line + first + strspn(line + first, " ");
    if (behind[0] != '-' && strcspn(behind, " ") <= 16)
        second = (int)strcspn(behind, " ");
    struct hak_text words = {0};
    hak_text_add(&words, "%.*s%s%.*s", (int)(line + first - name), name, second ? " " : "", second,
                 behind);
    hak_text_add_name(text, words.bytes);
    hak_text_free(&words);
}

void view_add_process(struct hak_text *text, struct view *view, uint32_t row) {
    struct hak_query q = hak_ask(hak_store_database(view->reader),
                                 "SELECT program, command_line FROM process WHERE id = ?1",
                                 "reading processes", row);
    view_add_process_name(text, view, row);
    if (hak_query_next(&q)) {
        hak_text_add(text, " (");
        if (hak_query_text(&q, 1)[0])
            add_program(text, hak_query_text(&q, 1));
        else
            hak_text_add_name(text, hak_words_path(hak_query_text(&q, 0), 1, false));
        hak_text_add(text, ")");
    }
    hak_query_end(&q);
}

void view_say_which_process(struct view *view, const struct view_processes *all, uint32_t row) {
    struct hak_text text = {0};
    if (all->is_row_instead) {
        hak_text_add(&text, "no process had the pid %u; row #%u is used: ", row, row);
        view_add_process(&text, view, row);
        view_error_text(&text);
    }
    if (!all->by_pid || all->count < 2)
        return;
    hak_text_add(&text, "%d processes had this pid: ", all->count);
    for (int i = all->count - 1, said = 0; i >= 0; i--, said++) {
        if (said == 4 && i > 0) {
            hak_text_add(&text, ", ...");
            i = 0;
        }
        hak_text_add(&text, said ? ", " : "");
        view_add_process(&text, view, all->row[i]);
    }
    hak_text_add(&text, "; ");
    view_add_process_name(&text, view, row);
    hak_text_add(&text, " is used; --process chooses another");
    view_error_text(&text);
}

bool view_choose_process(struct view *view, uint32_t *row) {
    struct view_processes all;
    *row = 0;
    if (!view_read_process(view, &all))
        return false;
    if (all.count == 0)
        return true;
    *row = all.row[0];
    view_say_which_process(view, &all, *row);
    return true;
}

/* Lists the processes that had a block at `address`, last use first; `is_all` false: perhaps
 * others. Returns how many. */
static int processes_at(struct view *view, uint64_t address, uint32_t *row, bool *is_all) {
    struct hak_block_key keys[VIEW_BLOCKS_MAX];
    int count = hak_store_blocks_at(view->reader, address, 0, keys, VIEW_BLOCKS_MAX), processes = 0;
    *is_all = count < VIEW_BLOCKS_MAX;
    for (int i = 0; i < count; i++) {
        bool seen = false;
        for (int k = 0; k < processes && !seen; k++)
            seen = row[k] == keys[i].process;
        if (!seen)
            row[processes++] = keys[i].process;
    }
    return processes;
}

void view_say_which_process_at(struct view *view, uint64_t address, uint32_t row) {
    uint32_t rows[VIEW_BLOCKS_MAX];
    bool is_all = true;
    int count =
        row == 0 || view->summary.processes < 2 ? 1 : processes_at(view, address, rows, &is_all);
    if (count < 2)
        return;
    struct hak_text text = {0};
    hak_text_add(&text, "%d%s processes had a block there: ", count, is_all ? "" : " or more");
    view_add_process(&text, view, row);
    hak_text_add(&text, " is shown, the last to use it; --process chooses another: ");
    for (int i = 0, said = 0; i < count && said < 4; i++) {
        if (rows[i] == row)
            continue;
        hak_text_add(&text, said++ ? ", " : "");
        view_add_process(&text, view, rows[i]);
    }
    if (count > 5)
        hak_text_add(&text, ", ...");
    view_error_text(&text);
}

int view_choose_busiest(struct view *view, const char *does, uint32_t *row) {
    uint32_t count = view->summary.processes + 1;
    uint64_t *events = *row ? NULL : calloc(count, sizeof *events);
    int error = events ? hak_store_tally_processes(view->reader, events, count) : 0;
    if (!*row && !events)
        error = hak_store_no_memory(view->store_path);
    if (error < 0) {
        free(events);
        return view_store_error(view, error);
    }
    for (uint32_t i = 1; events && i < count; i++)
        if (events[i] > (*row ? events[*row] : 0))
            *row = i;
    free(events);
    if (view->summary.processes > 1 && !view_given(view, "process")) {
        struct hak_text text = {0};
        hak_text_add(&text, "of %s, ",
                     hak_words_count(view->summary.processes, "process", "processes"));
        view_add_process(&text, view, *row);
        hak_text_add(&text, " has the most events and %s; --process chooses another", does);
        view_error_text(&text);
    }
    return 0;
}
