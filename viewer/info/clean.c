/* `info --clean`: the old captures of this folder, and their removal. */
#include "viewer/info/parts.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "viewer/capture/capture.h"
#include "report/words/words.h"

#define PATTERN        "hakmem.*.db"
#define SETTLE_SECONDS 60 /* an unfinished store that was changed since may get a new worker */

enum keep { IS_OLD, IS_NEWEST, IS_WRITTEN };

/* A file that is a store, as it was when it was looked at. */
struct capture {
    char *path, *program;
    uint64_t bytes; /* with its -wal and -shm */
    struct stat about;
    enum keep keep;
    bool is_removed;
};

struct captures {
    struct capture *list;
    size_t count, files; /* stores, and all files of such a name */
};

static const char *const companions[] = {"-wal", "-shm"};
#define COMPANIONS (sizeof companions / sizeof companions[0])

/* "app.db-wal" into `out`; false when it is no file, or too long. */
static bool find_companion(const char *path, size_t i, char *out, size_t room, struct stat *about) {
    int length = snprintf(out, room, "%s%s", path, companions[i]);
    return length > 0 && (size_t)length < room && lstat(out, about) == 0 && S_ISREG(about->st_mode);
}

/* The bytes of the capture and of what SQLite keeps beside it. */
static uint64_t bytes_with_companions(const struct capture *c) {
    char path[PATH_MAX];
    struct stat about;
    uint64_t bytes = (uint64_t)c->about.st_size;
    for (size_t i = 0; i < COMPANIONS; i++)
        if (find_companion(c->path, i, path, sizeof path, &about))
            bytes += (uint64_t)about.st_size;
    return bytes;
}

/* Reads what a capture is and whether it is still written. False: the file is no store that can be
 * read (by its application_id, never by its name). */
static bool look_at(const char *path, struct capture *c) {
    struct hak_store_reader *reader = NULL;
    struct hak_store_summary summary;
    *c = (struct capture){0};
    if (lstat(path, &c->about) != 0 || !S_ISREG(c->about.st_mode) ||
        hak_store_open(path, &reader) != 0)
        return false;
    bool is_read = hak_store_summarise(reader, &summary) == 0;
    if (is_read) {
        bool may_go_on =
            summary.ended_early && time(NULL) - c->about.st_mtim.tv_sec < SETTLE_SECONDS;
        c->keep = summary.being_written || may_go_on ? IS_WRITTEN : IS_OLD;
        c->path = strdup(path);
        c->program = hak_database_meta(hak_store_database(reader), "command_line");
    }
    hak_store_close(reader);
    if (c->path)
        c->bytes = bytes_with_companions(c);
    return c->path != NULL;
}

/* The capture changed last first. */
static int newest_first(const void *a, const void *b) {
    const struct capture *x = a, *y = b;
    const struct timespec *s = &x->about.st_mtim, *t = &y->about.st_mtim;
    if (s->tv_sec != t->tv_sec)
        return s->tv_sec < t->tv_sec ? 1 : -1;
    if (s->tv_nsec != t->tv_nsec)
        return s->tv_nsec < t->tv_nsec ? 1 : -1;
    return strcmp(x->path, y->path);
}

/* Finds the captures here; the newest that is not being written is kept. False, and said. */
static bool find_all(struct captures *all) {
    glob_t found = {0};
    int result = glob(PATTERN, 0, NULL, &found);
    all->files = result == 0 ? found.gl_pathc : 0;
    all->list = calloc(all->files + 1, sizeof *all->list);
    for (size_t i = 0; all->list && i < all->files; i++)
        all->count += look_at(found.gl_pathv[i], &all->list[all->count]);
    if (all->list && all->count > 0) {
        qsort(all->list, all->count, sizeof *all->list, newest_first);
        size_t newest = 0;
        while (newest < all->count && all->list[newest].keep == IS_WRITTEN)
            newest++;
        if (newest < all->count)
            all->list[newest].keep = IS_NEWEST;
    }
    globfree(&found);
    if (!all->list || result == GLOB_NOSPACE)
        view_error("out of memory");
    return all->list && result != GLOB_NOSPACE;
}

static void free_all(struct captures *all) {
    for (size_t i = 0; all->list && i < all->count; i++) {
        free(all->list[i].path);
        free(all->list[i].program);
    }
    free(all->list);
}

/* Removes an old capture if it has not changed, the file first: its -wal without it is waste, while
 * it without its -wal has lost something. False: printed. */
static bool remove_one(struct capture *c) {
    char path[PATH_MAX];
    struct stat about;
    struct capture now;
    bool is_same = look_at(c->path, &now) && now.keep == IS_OLD &&
                   now.about.st_ino == c->about.st_ino && now.about.st_dev == c->about.st_dev;
    free(now.path);
    free(now.program);
    if (!is_same) {
        view_error("%s has changed in the meantime and is kept", c->path);
        return false;
    }
    if (unlink(c->path) != 0) {
        view_error("%s cannot be removed: %s", c->path, strerror(errno));
        return false;
    }
    c->is_removed = true;
    for (size_t i = 0; i < COMPANIONS; i++)
        if (find_companion(c->path, i, path, sizeof path, &about) && unlink(path) != 0)
            view_error("%s cannot be removed: %s", path, strerror(errno));
    return true;
}

/* ---- for people and as JSON -------------------------------------------------------------------
 */

/* "3 d", "5 h", "12 min", "40 s". */
static void add_age(struct hak_text *text, const struct capture *c) {
    int64_t seconds = time(NULL) - c->about.st_mtim.tv_sec;
    if (seconds < 0)
        seconds = 0;
    if (seconds >= 2 * 86400)
        hak_text_add(text, "%lld d", (long long)(seconds / 86400));
    else if (seconds >= 2 * 3600)
        hak_text_add(text, "%lld h", (long long)(seconds / 3600));
    else if (seconds >= 2 * 60)
        hak_text_add(text, "%lld min", (long long)(seconds / 60));
    else
        hak_text_add(text, "%lld s", (long long)seconds);
}

/* The captures as rows: as text those that are old. */
static struct answer answer_of(struct view *view, const struct captures *all) {
    static const char *const keeps[] = {
        [IS_OLD] = "old", [IS_NEWEST] = "newest", [IS_WRITTEN] = "being written"};
    struct answer answer = answer_begin(view, view->json);
    for (size_t i = 0; i < all->count; i++) {
        const struct capture *c = &all->list[i];
        if (c->keep != IS_OLD && !view->json)
            continue;
        answer_row(&answer, STRING("<capture", "path", c->path),
                   DATA_OF("program", c->program ? hak_json_text(c->program) : json_null()),
                   UNIT("size", hak_words_size, "bytes", c->bytes), MADE("age", add_age, c),
                   CELL("<program", c->program ? c->program : ""),
                   DATA(NUMBER("changed", c->about.st_mtim.tv_sec)),
                   DATA(WORD("state", keeps[c->keep])), DATA(FLAG("removed", c->is_removed)));
    }
    return answer;
}

/* The captures that stay, and why. */
static void add_kept(struct hak_text *text, const struct captures *all) {
    static const char *const why[] = {[IS_NEWEST] = "the newest", [IS_WRITTEN] = "being written"};
    int kept = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->list[i].keep == IS_OLD)
            continue;
        hak_text_add(text, "%s%s (%s)", kept++ ? ", " : "Kept: ", all->list[i].path,
                     why[all->list[i].keep]);
    }
    if (kept)
        hak_text_add(text, ".\n");
}

/* Prints what was removed, or would be. */
static void print_clean(struct view *view, const struct captures *all) {
    struct answer answer = answer_of(view, all);
    struct hak_text text = {0};
    if (answer.list) {
        view_print_json(
            hak_json_print(hak_json_set(view_json_document(view), JSON("captures", answer.list))));
        return;
    }
    uint64_t old = 0, bytes = 0, removed = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct capture *c = &all->list[i];
        removed += c->is_removed;
        old += c->keep == IS_OLD;
        if (view_given(view, "yes") ? c->is_removed : c->keep == IS_OLD)
            bytes += c->bytes;
    }
    answer_print(&text, &answer);
    if (old == 0)
        hak_text_add(&text, "No old capture here: of %s " PATTERN ", %s of hakmem.\n",
                     hak_words_count(all->files, "file", "files"),
                     hak_words_count(all->count, "is a store", "are stores"));
    else if (view_given(view, "yes"))
        hak_text_add(&text, "%s removed, %s.\n",
                     hak_words_count(removed, "capture was", "captures were"),
                     hak_words_size(bytes));
    else
        hak_text_add(&text, "%s of %s; `hakmem-trace info --clean --yes` removes %s.\n",
                     hak_words_count(old, "old capture", "old captures"), hak_words_size(bytes),
                     old == 1 ? "it" : "them");
    add_kept(&text, all);
    view_print(&text);
}

int info_clean(struct view *view) {
    struct captures all = {0};
    bool good = true;
    if (view_given(view, "store")) {
        view_error("info --clean looks at all captures " PATTERN
                   " of this folder; --store cannot be used with it");
        return VIEW_USAGE;
    }
    if (!find_all(&all)) {
        free_all(&all);
        return VIEW_USAGE;
    }
    for (size_t i = 0; view_given(view, "yes") && i < all.count; i++)
        if (all.list[i].keep == IS_OLD)
            good &= remove_one(&all.list[i]);
    print_clean(view, &all);
    free_all(&all);
    return good ? VIEW_OK : VIEW_UNREADABLE;
}
