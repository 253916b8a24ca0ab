/* Tells findings that are known from those that are news. */
#include "collector/findings/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "collector/session/client.h"
#include "collector/worker/worker.h"
#include "base/array.h"

#define ERROR_BYTES (HAK_PATH_BYTES + 512)

static void say(const char *problem, const char *consequence) {
    char line[2 * HAK_PATH_BYTES];
    snprintf(line, sizeof line, "%s; %s", problem, consequence);
    hak_worker_say(line);
}

static struct hak_suppressions *find_suppressions(const struct hak_judge *judge, const char *path) {
    for (uint32_t i = 0; path[0] && i < judge->suppressions_count; i++)
        if (strcmp(judge->suppressions[i]->path, path) == 0)
            return judge->suppressions[i];
    return NULL;
}

static struct hak_baseline *find_baseline(const struct hak_judge *judge, const char *path) {
    for (uint32_t i = 0; path[0] && i < judge->baselines_count; i++)
        if (strcmp(judge->baselines[i]->path, path) == 0)
            return judge->baselines[i];
    return NULL;
}

/* One transaction of its own. */
static void store(struct hak_worker *w, const struct hak_suppressions *of,
                  const struct hak_suppression *one, uint64_t used) {
    struct hak_suppression_row row = {
        .path = of->path, .text = one->text, .line = one->line, .used = used};
    if (hak_store_put_suppression(w->writer, &row) != 0)
        return; /* nothing but a count is lost */
}

static void store_all(struct hak_worker *w, const struct hak_suppressions *of) {
    if (!w->writer || hak_store_begin(w->writer) != 0)
        return;
    for (uint32_t i = 0; i < of->count; i++)
        store(w, of, &of->list[i], 0);
    if (hak_store_commit(w->writer) != 0)
        hak_store_rollback(w->writer);
}

static void store_use(struct hak_worker *w, const struct hak_suppressions *of,
                      const struct hak_suppression *one) {
    if (!w->writer || hak_store_begin(w->writer) != 0)
        return;
    store(w, of, one, 1);
    if (hak_store_commit(w->writer) != 0)
        hak_store_rollback(w->writer);
}

/* A FIFO that nobody writes is waited for without end. */
static bool is_fifo(const char *path, char *error, size_t bytes) {
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISFIFO(about.st_mode))
        return false;
    snprintf(error, bytes, "%s: a FIFO, and no file", path);
    return true;
}

/* One that cannot be read is remembered as empty, so that it is told once. */
static void take_suppressions(struct hak_worker *w, const char *path) {
    static char error[ERROR_BYTES]; /* one worker thread */
    struct hak_judge *judge = &w->judge;
    struct hak_suppressions *made = is_fifo(path, error, sizeof error)
                                        ? NULL
                                        : hak_suppressions_load(path, error, sizeof error);
    if (!made) {
        say(error, "nothing is suppressed");
        made = hak_suppressions_parse(path, "", error, sizeof error);
    }
    if (!made || !hak_array_make_room(&judge->suppressions, judge->suppressions_count,
                                      &judge->suppressions_capacity, sizeof made)) {
        hak_suppressions_free(made);
        return;
    }
    judge->suppressions[judge->suppressions_count++] = made;
    store_all(w, made);
}

static void take_baseline(struct hak_worker *w, const char *path) {
    static char error[ERROR_BYTES];
    struct hak_judge *judge = &w->judge;
    struct hak_baseline *made = is_fifo(path, error, sizeof error)
                                    ? NULL
                                    : hak_baseline_load(path, false, error, sizeof error);
    if (!made) {
        say(error, "every fault is new");
        made = calloc(1, sizeof *made);
        if (made && !(made->path = strdup(path))) {
            free(made);
            made = NULL;
        }
    }
    if (!made || !hak_array_make_room(&judge->baselines, judge->baselines_count,
                                      &judge->baselines_capacity, sizeof made)) {
        hak_baseline_free(made);
        return;
    }
    judge->baselines[judge->baselines_count++] = made;
}

void hak_judge_take(struct hak_worker *worker, const struct hak_client *client) {
    const char *suppressions = client->map.suppressions_path, *baseline = client->map.baseline_path;
    if (!client->map.is_own_user) /* of what is read already it has the use */
        return;
    if (suppressions[0] == '/' && !find_suppressions(&worker->judge, suppressions))
        take_suppressions(worker, suppressions);
    if (baseline[0] == '/' && !find_baseline(&worker->judge, baseline))
        take_baseline(worker, baseline);
}

void hak_judge_free(struct hak_judge *judge) {
    for (uint32_t i = 0; i < judge->suppressions_count; i++)
        hak_suppressions_free(judge->suppressions[i]);
    for (uint32_t i = 0; i < judge->baselines_count; i++)
        hak_baseline_free(judge->baselines[i]);
    free((void *)judge->suppressions);
    free((void *)judge->baselines);
    *judge = (struct hak_judge){0};
}

enum hak_answer hak_worker_judge(struct hak_worker *worker, const struct hak_client *client,
                                 unsigned code, const char *fingerprint,
                                 const struct hak_frame *frames, int count,
                                 const struct hak_frame *allocated, int allocated_count) {
    if (code == 0) /* the program ends by its signal, and everybody should know why */
        return HAK_ANSWER_NEW;
    struct hak_suppressions *suppressions =
        find_suppressions(&worker->judge, client->map.suppressions_path);
    struct hak_suppression *one = hak_suppressions_match(suppressions, code, frames, count);
    if (!one && allocated)
        one = hak_suppressions_match(suppressions, code, allocated, allocated_count);
    if (one) {
        store_use(worker, suppressions, one);
        return HAK_ANSWER_SUPPRESSED;
    }
    return hak_baseline_find(find_baseline(&worker->judge, client->map.baseline_path), fingerprint)
               ? HAK_ANSWER_BASELINE
               : HAK_ANSWER_NEW;
}
