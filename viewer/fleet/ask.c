/* Puts questions together, asks them, and reads the answer's cells. */
#include "viewer/fleet/ask.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "report/words/words.h"
#include "store/error.h"
#include "viewer/capture/capture.h"
#include "viewer/fleet/when.h"

enum { BRACED_RUNS, BRACED_FINDINGS, BRACED_LIMIT, BRACED_WORDS }; /* what stands in braces */

/* ---- the server -------------------------------------------------------------------------------
 */

int fleet_open(struct fleet *fleet, struct view *view, uint64_t limit, bool writes) {
    char *why = NULL;
    *fleet = (struct fleet){.view = view, .url = fleet_need_url(view), .limit = limit};
    if (!fleet->url || !view_read_number(view, "limit", &fleet->limit))
        return VIEW_USAGE;
    if (fleet->limit == 0 || fleet->limit > FLEET_ROWS_MAX)
        fleet->limit = FLEET_ROWS_MAX;
    fleet->remote = fleet_load_remote();
    if (!fleet->remote) {
        view_fail(hak_store_message());
        return VIEW_UNREADABLE;
    }
    int error = fleet->remote->asking_open(fleet->url, writes, &fleet->asking, &fleet->name, &why);
    if (error)
        view_fail(why ? why : "out of memory");
    free(why);
    return error ? VIEW_UNREADABLE : 0;
}

void fleet_close(struct fleet *fleet) {
    if (fleet->asking)
        fleet->remote->asking_close(fleet->asking);
    free(fleet->name);
    *fleet = (struct fleet){0};
}

int fleet_ask(struct fleet *fleet, struct fleet_question *question, const char *doing,
              hak_remote_row *row, void *context) {
    char *why = NULL;
    int status = question->has_failed ? VIEW_USAGE : VIEW_OK;
    if (!status && question->sql.failed) {
        view_error("out of memory");
        status = VIEW_UNREADABLE;
    }
    if (!status &&
        fleet->remote->ask(fleet->asking, hak_text_string(&question->sql), question->value,
                           question->values, doing, row, context, &why) != 0) {
        view_fail(why ? why : "out of memory");
        status = VIEW_UNREADABLE;
    }
    free(why);
    for (int i = 0; i < question->owned_count; i++)
        free(question->owned[i]);
    for (int i = 0; i < BRACED_WORDS; i++)
        free(question->said[i]);
    hak_text_free(&question->sql);
    *question = (struct fleet_question){0};
    return status;
}

/* ---- questions --------------------------------------------------------------------------------
 */

void fleet_question_add(struct fleet_question *question, const char *format, ...) {
    va_list list;
    va_start(list, format);
    hak_text_vadd(&question->sql, format, list);
    va_end(list);
}

/* A piece of SQL that holds for the next seven calls. */
static const char *make_piece(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *make_piece(const char *format, ...) {
    static char piece[8][96];
    static unsigned next;
    char *out = piece[next++ % 8];
    va_list list;
    va_start(list, format);
    vsnprintf(out, sizeof piece[0], format, list);
    va_end(list);
    return out;
}

/* Adds a value and returns its place in the text; too many make the question fail. */
static const char *add_value(struct fleet_question *question, struct hak_remote_cell value) {
    question->sql.failed |= question->values == FLEET_VALUES;
    if (!question->sql.failed)
        question->value[question->values++] = value;
    return make_piece("$%d", question->values);
}

const char *fleet_question_text(struct fleet_question *question, const char *text) {
    return add_value(question, (struct hak_remote_cell){
                                   .kind = HAK_REMOTE_STRING, .text = text, .bytes = strlen(text)});
}

const char *fleet_question_number(struct fleet_question *question, int64_t number) {
    return add_value(question,
                     (struct hak_remote_cell){.kind = HAK_REMOTE_INTEGER, .number = number});
}

/* The time in UTC; `*rest`: its microseconds. */
static struct tm in_utc(int64_t us, int *rest) {
    int64_t seconds = us / FLEET_SECOND_US - (us % FLEET_SECOND_US < 0);
    struct tm utc = {0};
    time_t at = (time_t)seconds;
    *rest = (int)(us - seconds * FLEET_SECOND_US);
    gmtime_r(&at, &utc);
    return utc;
}

const char *fleet_sql_moment(int64_t us) {
    int rest;
    struct tm utc = in_utc(us, &rest);
    return make_piece("TIMESTAMP WITH TIME ZONE '%04d-%02d-%02d %02d:%02d:%02d.%06d+00:00'",
                      utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                      utc.tm_sec, rest);
}

const char *fleet_sql_month(int64_t us) {
    int rest;
    struct tm utc = in_utc(us, &rest);
    return make_piece("DATE '%04d-%02d-01'", utc.tm_year + 1900, utc.tm_mon + 1);
}

/* Limits the time by an option, and the months with it; nothing without the option. The question
 * has failed if the option is wrong. */
static void add_time_range(struct fleet_question *question, const struct fleet *fleet,
                           const char *option, const char *relation) {
    const char *typed = view_value(fleet->view, option);
    int64_t seconds;
    if (!typed)
        return;
    if (!fleet_read_when(option, typed, time(NULL), &seconds)) {
        question->has_failed = true;
        return;
    }
    /* The month first: whole partitions are left out by it. */
    fleet_question_add(question, " AND r.month %s %s AND r.at %s %s",
                       relation[0] == '<' ? "<=" : ">=", fleet_sql_month(seconds * FLEET_SECOND_US),
                       relation, fleet_sql_moment(seconds * FLEET_SECOND_US));
}

/* Adds a text as a value that the question frees, and returns its place; NULL: no memory, and the
 * question has failed. */
static const char *add_owned(struct fleet_question *question, char *text) {
    question->sql.failed |= !text;
    if (!text)
        return "";
    question->owned[question->owned_count++] = text;
    return fleet_question_text(question, text);
}

/* Adds a condition: `labels` has the member as push writes it, with or without a blank: `between`.
 */
static void add_member(struct fleet_question *question, const char *key, const char *value,
                       const char *between) {
    json_t *left = hak_json_text(key), *right = hak_json_text(value);
    char *first = json_dumps(left, JSON_ENCODE_ANY), *last = json_dumps(right, JSON_ENCODE_ANY);
    char *made = NULL;
    if (!first || !last || asprintf(&made, "%s%s%s", first, between, last) < 0)
        made = NULL;
    fleet_question_add(question, "position(%s IN r.labels) > 0", add_owned(question, made));
    json_decref(left);
    json_decref(right);
    free(first);
    free(last);
}

/* Limits by one label KEY=VALUE; `version` is compared with a column of its own. Anything else is
 * an error, said, and the question has failed. */
static void add_label(struct fleet_question *question, const char *typed) {
    const char *equal = strchr(typed, '=');
    if (!equal || equal == typed) {
        view_error("--label %s: KEY=VALUE was expected, as `push --label` has it", typed);
        question->has_failed = true;
        return;
    }
    if (strncmp(typed, "version=", strlen("version=")) == 0) { /* has a column of its own */
        fleet_question_add(question, " AND r.version = %s", add_owned(question, strdup(equal + 1)));
        return;
    }
    char *key = strndup(typed, (size_t)(equal - typed));
    question->sql.failed |= !key;
    fleet_question_add(question, " AND (");
    add_member(question, key ? key : "", equal + 1, ":");
    fleet_question_add(question, " OR ");
    add_member(question, key ? key : "", equal + 1, ": ");
    fleet_question_add(question, ")");
    free(key);
}

/* Adds the condition that a run has all the labels that were typed, which stand on lines of their
 * own. */
static void add_labels(struct fleet_question *question, const char *typed) {
    int count = 0;
    for (const char *at = typed; at; count++) {
        size_t length = strcspn(at, "\n");
        char *label = strndup(at, length);
        if (count == FLEET_LABELS) {
            view_error("--label was given more than %d times", FLEET_LABELS);
            question->has_failed = true;
        }
        if (!label || question->has_failed) {
            question->sql.failed |= !label;
            free(label);
            return;
        }
        add_label(question, label);
        free(label);
        at = at[length] ? at + length + 1 : NULL;
    }
}

/* Limits by a program: its path, or the name of its file. */
static void add_program(struct fleet_question *question, const char *typed) {
    struct hak_text pattern = {0};
    hak_text_add(&pattern, "%%/");
    for (const char *at = typed; *at; at++) {
        if (strchr("%_\\", *at)) /* of LIKE */
            hak_text_add_bytes(&pattern, "\\", 1);
        hak_text_add_bytes(&pattern, at, 1);
    }
    fleet_question_add(question, " AND (r.program = %s", fleet_question_text(question, typed));
    fleet_question_add(question, " OR r.program LIKE %s)",
                       add_owned(question, hak_text_take(&pattern)));
}

/* Limits by versions that stand on lines of their own: any of them. */
static void add_releases(struct fleet_question *question, const char *typed) {
    int count = 0;
    for (const char *at = typed; at; count++) {
        size_t length = strcspn(at, "\n");
        if (count == FLEET_RELEASES) {
            view_error("--release was given more than %d times", FLEET_RELEASES);
            question->has_failed = true;
            return;
        }
        fleet_question_add(question, "%sr.version = %s", count ? " OR " : " AND (",
                           add_owned(question, strndup(at, length)));
        at = at[length] ? at + length + 1 : NULL;
    }
    if (count)
        fleet_question_add(question, ")");
}

/* Adds the condition that the build of a run begins with what was typed. */
static void add_build_is(struct fleet_question *question, const char *typed) {
    fleet_question_add(question, "substring(r.build FROM 1 FOR CAST(%s AS INTEGER)) = ",
                       fleet_question_number(question, (int64_t)strlen(typed)));
    fleet_question_add(question, "%s", fleet_question_text(question, typed));
}

void fleet_question_add_version(struct fleet_question *question, const char *typed) {
    fleet_question_add(question, "(r.version = %s OR ", fleet_question_text(question, typed));
    add_build_is(question, typed);
    fleet_question_add(question, ")");
}

/* Limits the runs by --since, --until, --host, --build (its first characters), --program, --release
 * and --label. */
static void add_runs(struct fleet_question *question, const struct fleet *fleet) {
    const char *build = view_value(fleet->view, "build");
    const char *host = view_value(fleet->view, "host");
    add_time_range(question, fleet, "since", ">=");
    add_time_range(question, fleet, "until", "<");
    if (host)
        fleet_question_add(question, " AND r.host = %s", fleet_question_text(question, host));
    if (build) {
        fleet_question_add(question, " AND ");
        add_build_is(question, build);
    }
    if (view_value(fleet->view, "program"))
        add_program(question, view_value(fleet->view, "program"));
    add_releases(question, view_value(fleet->view, "release"));
    add_labels(question, view_value(fleet->view, "label"));
}

/* Leaves out findings that a build before (or from) the one of the option had. Without a word in
 * the option the question has failed; without the option nothing is left out. */
static void add_since(struct fleet_question *question, const struct fleet *fleet,
                      const char *option, const char *relation) {
    const char *typed = view_value(fleet->view, option);
    if (!typed)
        return;
    if (!*typed) {
        view_error("--%s: a build or a version was expected", option);
        question->has_failed = true;
        return;
    }
    /* Builds are in the order in which each was first seen: old ones still run beside new ones. */
    fleet_question_add(question,
                       " AND NOT EXISTS (SELECT 1 FROM hakmem.finding g JOIN hakmem.run q ON"
                       " q.run = g.run AND q.month = g.month JOIN (SELECT r.build, min(r.at) AS"
                       " began FROM hakmem.run r" FLEET_WHERE " GROUP BY r.build) b ON b.build ="
                       " q.build WHERE g.fingerprint = f.fingerprint AND b.began %s"
                       " (SELECT min(r.at) FROM hakmem.run r" FLEET_WHERE " AND ",
                       relation);
    fleet_question_add_version(question, typed);
    fleet_question_add(question, "))");
}

/* Limits the findings by fingerprint and --new-since, --gone-since. */
static void add_findings(struct fleet_question *question, const struct fleet *fleet,
                         const char *fingerprint) {
    if (fingerprint)
        fleet_question_add(question, " AND f.fingerprint = %s",
                           fleet_question_text(question, fingerprint));
    add_since(question, fleet, "new-since", "<");
    add_since(question, fleet, "gone-since", ">=");
}

/* Puts a limit in the place of its mark; the second time the same text and arguments. */
static void add_braced(struct fleet_question *question, const struct fleet *fleet,
                       const char *fingerprint, int mark) {
    size_t from = question->sql.length;
    if (question->said[mark]) {
        fleet_question_add(question, "%s", question->said[mark]);
        return;
    }
    if (mark == BRACED_RUNS)
        add_runs(question, fleet);
    else if (mark == BRACED_FINDINGS)
        add_findings(question, fleet, fingerprint);
    else
        fleet_question_add(question, "%s", fleet_question_number(question, (int64_t)fleet->limit));
    if (!question->sql.failed)
        question->said[mark] = strdup(hak_text_string(&question->sql) + from);
    question->sql.failed |= !question->said[mark];
}

void fleet_question_add_all(struct fleet_question *question, const struct fleet *fleet,
                            const char *fingerprint, const char *sql) {
    static const char *const mark[] = {
        [BRACED_RUNS] = "{runs}", [BRACED_FINDINGS] = "{findings}", [BRACED_LIMIT] = "{limit}"};
    while (*sql) {
        size_t plain = strcspn(sql, "{");
        int i = 0;
        hak_text_add_bytes(&question->sql, sql, plain);
        sql += plain;
        while (i < BRACED_WORDS && strncmp(sql, mark[i], strlen(mark[i])) != 0)
            i++;
        if (i < BRACED_WORDS) {
            add_braced(question, fleet, fingerprint, i);
            sql += strlen(mark[i]);
        } else if (*sql)
            hak_text_add_bytes(&question->sql, sql++, 1);
    }
}

/* ---- cells ------------------------------------------------------------------------------------
 */

uint64_t fleet_number(const struct hak_remote_cell *cell) {
    return cell->kind == HAK_REMOTE_INTEGER && cell->number > 0 ? (uint64_t)cell->number : 0;
}

uint64_t fleet_estimate(const struct hak_remote_cell *cell) {
    if (cell->kind != HAK_REMOTE_REAL_NUMBER || !(cell->real > 0))
        return 0;
    return cell->real < 9e18 ? (uint64_t)(cell->real + 0.5) : (uint64_t)9e18;
}

const char *fleet_time(int64_t seconds) {
    static char line[4][32];
    static unsigned next;
    char *out = line[next++ % 4];
    struct tm when;
    time_t at = (time_t)seconds;
    if (!gmtime_r(&at, &when) || !strftime(out, sizeof line[0], "%Y-%m-%d %H:%M", &when))
        *out = 0;
    return out;
}

json_t *fleet_json_time(int64_t seconds) {
    char line[40] = "";
    struct tm when;
    time_t at = (time_t)seconds;
    if (gmtime_r(&at, &when))
        strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ", &when);
    return json_string(line);
}

void fleet_add_build(struct hak_text *text, const char *build, const char *version) {
    if (version && *version)
        hak_text_add_name(text, version);
    else if (build && *build)
        hak_text_add(text, "build %.8s", build);
    else
        hak_text_add(text, "no build-id");
}

json_t *fleet_json_build(const char *build, const char *version) {
    return hak_json_object(TEXT("build", build ? build : ""),
                           TEXT("version", version ? version : ""));
}

/* ---- answers ----------------------------------------------------------------------------------
 */

json_t *fleet_document(const struct fleet *fleet, const char *word) {
    return hak_json_set(view_json_document(fleet->view), TEXT("server", fleet->name),
                        WORD("word", word));
}

int fleet_print_document(json_t *document) {
    return view_print_json(hak_json_print(document)) ? VIEW_OK : VIEW_UNREADABLE;
}

void fleet_add_limit(struct hak_text *text, uint64_t all) {
    if (all <= FLEET_ROWS_MAX)
        hak_text_add(text, "--limit 0 shows all of them\n");
    else
        hak_text_add(text, "--limit 0 shows the first %s; filters show the other %s\n",
                     hak_words_number(FLEET_ROWS_MAX), hak_words_number(all - FLEET_ROWS_MAX));
}

int fleet_print_table(const struct fleet *fleet, struct hak_text *text, struct answer *answer,
                      uint64_t shown, uint64_t all, const char *one, const char *many) {
    if (!shown)
        hak_text_add(text, "no %s that match were pushed to ", many);
    else if (shown < all)
        hak_text_add(text, "the first %s of %s on ", hak_words_number(shown),
                     hak_words_count(all, one, many));
    else
        hak_text_add(text, "%s on ", hak_words_count(all, one, many));
    hak_text_add_name(text, fleet->name);
    hak_text_add(text, "%s\n", shown ? "" : "; all filters together were asked for");
    if (shown)
        hak_text_add(text, "\n");
    if (shown)
        answer_print(text, answer);
    if (shown && shown < all) {
        hak_text_add(text, "\n");
        fleet_add_limit(text, all);
    }
    view_start_pager(fleet->view);
    return view_print(text) ? VIEW_OK : VIEW_UNREADABLE;
}

int fleet_print_answer(const struct fleet *fleet, struct answer *answer, const char *one,
                       const char *word) {
    struct hak_text text = {0};
    if (!answer->list)
        return fleet_print_table(fleet, &text, answer, answer->rows, answer->all, one, word);
    json_t *document = hak_json_set(fleet_document(fleet, word), NUMBER("all", answer->all));
    json_object_set(document, word, answer->list);
    return fleet_print_document(document);
}
