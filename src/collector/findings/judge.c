/* Tells findings that are known from those that are news. */
#include "collector/findings/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/growing.h"
#include "collector/link/link.h"
#include "collector/session/session.h"

#define ERROR_BYTES (HAK_PATH_BYTES + 512)

/* The file of suppressions, or baseline, that was read from `path`; NULL: none was. */
static const struct hak_judge_file *find_file(const struct hak_judge *judge, const char *path,
                                              bool is_baseline) {
    for (uint32_t i = 0; i < judge->count; i++)
        if (judge->files[i].is_baseline == is_baseline && strcmp(judge->files[i].path, path) == 0)
            return &judge->files[i];
    return NULL;
}

/* Puts `count` suppressions of a file, `used` more times. */
static void store_suppressions(struct hak_capture *capture, const struct hak_suppressions *of,
                               const struct hak_suppression *first, uint32_t count, uint64_t used) {
    if (!hak_capture_begin(capture))
        return;
    for (uint32_t i = 0; i < count; i++) {
        struct hak_suppression_row row = {
            .path = of->path, .text = first[i].text, .line = first[i].line, .used = used};
        (void)hak_store_put_suppression(capture->writer, &row); /* a count is lost */
    }
    hak_capture_end(capture, 0);
}

/* Whether the path is a FIFO, with that as `error`: one that nobody writes is waited for without
 * end. */
static bool is_fifo(const char *path, char *error, size_t bytes) {
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISFIFO(about.st_mode))
        return false;
    snprintf(error, bytes, "%s: a FIFO, and no file", path);
    return true;
}

/* Reads a file of suppressions or a baseline, once, and stores what it has. One that cannot be read
 * is remembered, so that it is told once. */
static void read_file(struct hak_judge *judge, struct hak_capture *capture, const char *path,
                      bool is_baseline) {
    static char error[ERROR_BYTES]; /* one worker thread */
    if (path[0] != '/' || find_file(judge, path, is_baseline) ||
        !hak_growing_make_room(&judge->files, judge->count, &judge->capacity, sizeof *judge->files))
        return;
    struct hak_judge_file file = {.path = strdup(path), .is_baseline = is_baseline};
    if (!file.path)
        return;
    if (is_fifo(path, error, sizeof error))
        ;
    else if (is_baseline)
        file.baseline = hak_baseline_load(path, false, error, sizeof error);
    else
        file.suppressions = hak_suppressions_load(path, error, sizeof error);
    if (file.suppressions)
        store_suppressions(capture, file.suppressions, file.suppressions->list,
                           file.suppressions->count, 0);
    else if (!file.baseline)
        hak_say("%s; %s", error, is_baseline ? "every fault is new" : "nothing is suppressed");
    judge->files[judge->count++] = file;
}

void hak_judge_read(struct hak_judge *judge, struct hak_capture *capture,
                    const struct hak_client *client) {
    if (!client->map.is_own_user) /* it uses the files that are read already */
        return;
    read_file(judge, capture, client->map.head.suppressions_path, false);
    read_file(judge, capture, client->map.head.baseline_path, true);
}

void hak_judge_free(struct hak_judge *judge) {
    for (uint32_t i = 0; i < judge->count; i++) {
        hak_suppressions_free(judge->files[i].suppressions);
        hak_baseline_free(judge->files[i].baseline);
        free(judge->files[i].path);
    }
    free(judge->files);
    *judge = (struct hak_judge){0};
}

enum hak_answer hak_judge_ask(const struct hak_judge *judge, struct hak_capture *capture,
                              const struct hak_client *client, unsigned code,
                              const char *fingerprint, const struct hak_frame *frames, int count,
                              const struct hak_frame *allocated, int allocated_count) {
    if (code == 0) /* the program ends by its signal, and everybody should know why */
        return HAK_ANSWER_NEW;
    const struct hak_judge_file *file = find_file(judge, client->map.head.suppressions_path, false);
    struct hak_suppressions *suppressions = file ? file->suppressions : NULL;
    struct hak_suppression *one = hak_suppressions_match(suppressions, code, frames, count);
    if (!one && allocated)
        one = hak_suppressions_match(suppressions, code, allocated, allocated_count);
    if (one) {
        store_suppressions(capture, suppressions, one, 1, 1);
        return HAK_ANSWER_SUPPRESSED;
    }
    file = find_file(judge, client->map.head.baseline_path, true);
    return file && hak_baseline_find(file->baseline, fingerprint) ? HAK_ANSWER_BASELINE
                                                                  : HAK_ANSWER_NEW;
}

const struct hak_baseline_entry *hak_judge_find_entry(const struct hak_judge *judge,
                                                      const struct hak_client *client,
                                                      const char *fingerprint, uint64_t *growth) {
    const struct hak_session *head = &client->map.head;
    const struct hak_judge_file *file = find_file(judge, head->baseline_path, true);
    *growth = head->leak_growth ? head->leak_growth - 1 : HAK_LEAK_GROWTH;
    return file ? hak_baseline_find(file->baseline, fingerprint) : NULL;
}

enum hak_answer hak_judge_ask_block(struct hak_judge *judge, const struct hak_judge_block *block) {
    if (block->base == 0)
        return block->answer;
    if (block->answer != HAK_ANSWER_NEW) {
        judge->blocks[judge->blocks_known++ % HAK_JUDGE_BLOCKS] = *block;
        return block->answer;
    }
    for (uint32_t i = 0; i < HAK_JUDGE_BLOCKS && i < judge->blocks_known; i++) {
        const struct hak_judge_block *known = &judge->blocks[i];
        if (known->process == block->process && known->base == block->base &&
            known->birth == block->birth)
            return known->answer;
    }
    return HAK_ANSWER_NEW;
}
