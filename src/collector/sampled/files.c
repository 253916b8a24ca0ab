/* Names the files of HAKMEM_HEAP_PROFILE_DUMP, and removes the oldest of them. */
#include "collector/sampled/files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/kernel/kernel.h"
#include "store/reader/reader.h"

#define NUMBER_MOST 99999999u
#define SECOND_NS   ((uint64_t)1000000000)
#define PREFIX      "hakmem-heap."
enum {
    NAME_MOST = 100,
    DIGITS = 4,
    REMAINS_S = 600, /* an unfinished file that nobody has written for so long */
};

/* ---- names ----------------------------------------------------------------------------------- */

void hak_dump_files_begin(struct hak_dump_files *files, const struct hak_heap_dump *head) {
    const char *slash = strrchr(head->program, '/');
    const char *program = slash ? slash + 1 : head->program;
    files->of = head;
    snprintf(files->name, sizeof files->name, PREFIX "%.*s.%d.", NAME_MOST,
             program[0] ? program : "program", (int)head->pid);
    snprintf(files->temporary, sizeof files->temporary, "%s/.%s%d.%llx", head->directory,
             files->name, (int)getpid(), (unsigned long long)head->realtime_ns);
}

/* Reads digits and what ends them. 0: it is no number, or too large. */
static uint32_t read_number(const char *text, const char *ending) {
    char *end;
    if (*text < '0' || *text > '9')
        return 0;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    return errno == 0 && number <= NUMBER_MOST && strcmp(end, ending) == 0 ? (uint32_t)number : 0;
}

/* The number of a file of the process's name; 0: it has another. */
static uint32_t number_of_file(const struct hak_dump_files *files, const char *file) {
    size_t begin = strlen(files->name);
    return strncmp(file, files->name, begin) == 0 ? read_number(file + begin, ".db") : 0;
}

/* Cuts the last part off, behind a dot. NULL: there is none. */
static char *cut_part(char *name) {
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
    return dot ? dot + 1 : NULL;
}

/* The pid in the name of a finished file of any process; 0: it has another name. */
static pid_t pid_of_file(const char *file) {
    char name[NAME_MAX + 1];
    if (strncmp(file, PREFIX, sizeof PREFIX - 1) != 0 || strlen(file) > NAME_MAX)
        return 0;
    memcpy(name, file, strlen(file) + 1);
    const char *ending = cut_part(name), *number = cut_part(name), *pid = cut_part(name);
    bool is_one = pid && strcmp(ending, "db") == 0 && read_number(number, "");
    return is_one ? (pid_t)read_number(pid, "") : 0;
}

/* The collector's pid in the name of an unfinished file, or of one that SQLite puts beside it; 0:
 * it has another name. */
static pid_t collector_of_file(const char *file) {
    char name[NAME_MAX + 1];
    if (strncmp(file, "." PREFIX, sizeof PREFIX) != 0 || strlen(file) > NAME_MAX)
        return 0;
    memcpy(name, file, strlen(file) + 1);
    const char *time = cut_part(name), *own = cut_part(name), *pid = cut_part(name);
    size_t digits = time ? strspn(time, "0123456789abcdef") : 0;
    bool is_one = pid && digits && (!time[digits] || time[digits] == '-') && read_number(pid, "");
    return is_one ? (pid_t)read_number(own, "") : 0;
}

static bool path_in(const struct hak_dump_files *files, const char *file,
                    char path[HAK_DUMP_PATH_BYTES]) {
    return snprintf(path, HAK_DUMP_PATH_BYTES, "%s/%s", files->of->directory, file) <
           HAK_DUMP_PATH_BYTES;
}

static bool path_of_number(const struct hak_dump_files *files, uint32_t number,
                           char path[HAK_DUMP_PATH_BYTES]) {
    char file[HAK_DUMP_NAME_BYTES + 16];
    snprintf(file, sizeof file, "%s%0*u.db", files->name, DIGITS, number);
    return path_in(files, file, path);
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* Looks at one name. False: enough, there is no memory. */
typedef bool visit_function(const struct hak_dump_files *files, const char *file, void *context);

/* Visits all names in the folder. False: it cannot be read, or a visit ended it. */
static bool visit_folder(const struct hak_dump_files *files, visit_function *visit, void *context) {
    const struct dirent *entry;
    bool goes_on = true;
    DIR *folder = opendir(files->of->directory);
    if (!folder)
        return false;
    while (goes_on && (entry = readdir(folder)) != NULL)
        goes_on = visit(files, entry->d_name, context);
    closedir(folder);
    return goes_on;
}

/* ---- the process's own ----------------------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b) {
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

struct numbers {
    uint32_t *number;
    uint32_t count, room;
};

static bool add_number(const struct hak_dump_files *files, const char *file, void *context) {
    struct numbers *to = context;
    uint32_t number = number_of_file(files, file);
    if (!number)
        return true;
    if (!hak_growing_make_room(&to->number, to->count, &to->room, sizeof number))
        return false;
    to->number[to->count++] = number;
    return true;
}

/* Lists the numbers of all files of the process's name, lowest first. False: the folder cannot be
 * read, or there is no memory. */
static bool list_numbers(const struct hak_dump_files *files, struct numbers *out) {
    bool is_whole = visit_folder(files, add_number, out);
    if (out->count > 0)
        qsort(out->number, out->count, sizeof *out->number, compare_numbers);
    return is_whole;
}

bool hak_dump_files_give_number(const struct hak_dump_files *files) {
    struct numbers all = {0};
    char path[HAK_DUMP_PATH_BYTES];
    bool is_listed = list_numbers(files, &all), is_named = false;
    uint32_t number = is_listed && all.count > 0 ? all.number[all.count - 1] : 0;
    free(all.number);
    if (!is_listed)
        return false;
    errno = EEXIST;
    while (!is_named && errno == EEXIST && number < NUMBER_MOST) {
        if (!path_of_number(files, ++number, path))
            errno = ENAMETOOLONG;
        else
            is_named = renameat2(AT_FDCWD, files->temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
        if (!is_named && errno == EINVAL) /* a file system without it */
            is_named = link(files->temporary, path) == 0 && unlink(files->temporary) == 0;
    }
    return is_named;
}

void hak_dump_files_drop(const struct hak_dump_files *files) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[HAK_DUMP_PATH_BYTES + 16];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(path, sizeof path, "%s%s", files->temporary, endings[i]);
        unlink(path);
    }
}

/* ---- whose a file is ------------------------------------------------------------------------- */

/* Looks at a file of the user's own. False: it is none. */
static bool look_at_own(const char *path, struct stat *about) {
    return lstat(path, about) == 0 && S_ISREG(about->st_mode) && about->st_uid == geteuid();
}

/* Reads the process of a store of a heap profile. False: it is none, or of several. */
static bool read_owner(const char *path, struct hak_known_process *owner) {
    struct hak_store_reader *reader;
    struct stat about;
    int owners = 0;
    if (!look_at_own(path, &about) || hak_store_open(path, &reader) != 0)
        return false;
    if (hak_store_sampled_rate(reader)) {
        struct hak_query q = hak_ask(hak_store_database(reader),
                                     "SELECT pid, start_time FROM process", "reading the process");
        for (; hak_query_next(&q); owners++)
            *owner = (struct hak_known_process){.pid = (pid_t)hak_query_number(&q, 0),
                                                .start_time = hak_query_number(&q, 1)};
        if (hak_query_end(&q) != 0)
            owners = 0;
    }
    hak_store_close(reader);
    return owners == 1;
}

/* Whether a process has that pid which was there already when the file was last written. A folder
 * has hundreds of files of processes that have ended: no look at /proc is waited for (proc.h) where
 * the kernel knows no such pid. */
static bool was_there(pid_t pid, const struct stat *about) {
    struct hak_peer peer;
    if (kill(pid, 0) != 0 && errno == ESRCH)
        return false;
    enum hak_peer_answer answer = hak_peer_ask(pid, &peer);
    if (answer != HAK_PEER_THERE)
        return answer != HAK_PEER_GONE;
    uint64_t written_ns =
        (uint64_t)about->st_mtim.tv_sec * SECOND_NS + (uint64_t)about->st_mtim.tv_nsec;
    uint64_t birth_ns = peer.start_time * (SECOND_NS / (uint64_t)sysconf(_SC_CLK_TCK));
    uint64_t age_ns = hak_time_kernel_ns(CLOCK_BOOTTIME) - birth_ns;
    return !peer.has_ended && written_ns >= hak_time_kernel_ns(CLOCK_REALTIME) - age_ns;
}

/* ---- too many -------------------------------------------------------------------------------- */

/* Removes the oldest of the process's files until HAK_HEAP_DUMP_FILES are there. */
static void remove_own(const struct hak_dump_files *files) {
    struct numbers all = {0};
    struct hak_known_process owner;
    char path[HAK_DUMP_PATH_BYTES];
    if (list_numbers(files, &all))
        for (uint32_t i = 0; i + HAK_HEAP_DUMP_FILES < all.count; i++)
            if (path_of_number(files, all.number[i], path) && read_owner(path, &owner) &&
                owner.pid == files->of->pid && owner.start_time == files->of->start_time)
                unlink(path);
    free(all.number);
}

struct ended_file {
    struct timespec written;
    char name[NAME_MAX + 1];
};
struct ended_files {
    struct ended_file *file;
    uint32_t count, room;
};

static int compare_ages(const void *a, const void *b) {
    const struct ended_file *one = a, *other = b;
    if (one->written.tv_sec != other->written.tv_sec)
        return one->written.tv_sec < other->written.tv_sec ? -1 : 1;
    if (one->written.tv_nsec != other->written.tv_nsec)
        return one->written.tv_nsec < other->written.tv_nsec ? -1 : 1;
    return strcmp(one->name, other->name);
}

static bool add_ended(const struct hak_dump_files *files, const char *name, void *context) {
    struct ended_files *to = context;
    char path[HAK_DUMP_PATH_BYTES];
    struct stat about;
    pid_t pid = pid_of_file(name);
    if (!pid || !path_in(files, name, path) || !look_at_own(path, &about) || was_there(pid, &about))
        return true;
    if (!hak_growing_make_room(&to->file, to->count, &to->room, sizeof *to->file))
        return false;
    struct ended_file *file = &to->file[to->count++];
    file->written = about.st_mtim;
    memcpy(file->name, name, strlen(name) + 1);
    return true;
}

/* Lists the files of all processes that have ended, by their names and times, the oldest first.
 * False: the folder cannot be read, or there is no memory. */
static bool list_ended(const struct hak_dump_files *files, struct ended_files *out) {
    bool is_whole = visit_folder(files, add_ended, out);
    if (out->count > 0)
        qsort(out->file, out->count, sizeof *out->file, compare_ages);
    return is_whole;
}

/* Whether a file was removed, by whomever: other collectors may be at it, too. */
static bool is_gone(const char *path) {
    struct stat about;
    return lstat(path, &about) != 0 && errno == ENOENT;
}

/* Whether no process is the owner any more. One that cannot be looked at may still be it. */
static bool has_gone(const struct hak_known_process *owner) {
    struct hak_peer peer;
    enum hak_peer_answer answer = hak_peer_ask(owner->pid, &peer);
    return answer == HAK_PEER_GONE ||
           (answer == HAK_PEER_THERE && peer.start_time != owner->start_time);
}

/* Removes the oldest files of processes that have ended until HAK_HEAP_DUMP_ENDED are there. */
static void remove_ended(const struct hak_dump_files *files) {
    struct ended_files all = {0};
    struct hak_known_process owner;
    char path[HAK_DUMP_PATH_BYTES];
    if (list_ended(files, &all))
        for (uint32_t i = 0, left = all.count; i < all.count && left > HAK_HEAP_DUMP_ENDED; i++)
            if (path_in(files, all.file[i].name, path)) {
                if (read_owner(path, &owner) && owner.start_time != 0 && has_gone(&owner))
                    unlink(path);
                left -= is_gone(path);
            }
    free(all.file);
}

void hak_dump_files_remove_oldest(const struct hak_dump_files *files) {
    remove_own(files);
    remove_ended(files);
}

static bool remove_remain(const struct hak_dump_files *files, const char *file, void *context) {
    const time_t *last = context;
    char path[HAK_DUMP_PATH_BYTES];
    struct stat about;
    pid_t collector = collector_of_file(file);
    if (collector && path_in(files, file, path) && look_at_own(path, &about) &&
        about.st_mtim.tv_sec < *last && !was_there(collector, &about))
        unlink(path);
    return true;
}

void hak_dump_files_remove_remains(const struct hak_dump_files *files) {
    time_t last = (time_t)(hak_time_kernel_ns(CLOCK_REALTIME) / SECOND_NS) - REMAINS_S;
    (void)visit_folder(files, remove_remain, &last);
}
