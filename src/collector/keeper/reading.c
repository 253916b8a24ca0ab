/* Finds the file that a worker died of. */
#include "collector/keeper/reading.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/kernel/kernel.h"
#include "trace/stat_line.h"

#define READ_SECONDS   7 /* of processor time */
#define READ_WALL_MS   120000
#define SUSPECT_DEATHS 3 /* one after the other, by a signal that proves nothing */
#define UNREADABLE_MAX 8 /* then no file is read any more */

void hak_read_watch_begin(struct hak_read_watch *r, int page, pid_t reader) {
    if (r->page >= 0)
        close(r->page);
    r->page = page;
    r->reader = reader;
    r->overdue = -1;
    memset(r->reads, 0, sizeof r->reads);
}

/* Whether the file is listed as one that is not read any more. */
static bool is_unreadable(const struct hak_read_watch *r, const struct hak_read_file *file) {
    for (uint32_t i = 0; i < r->count; i++)
        if (strcmp(r->unreadable[i].file.path, file->path) == 0 &&
            strcmp(r->unreadable[i].file.build_id, file->build_id) == 0)
            return true;
    return false;
}

/* Lists a file that ended a worker, with why; behind UNREADABLE_MAX of them a last entry stands for
 * all other files. */
static void add_unreadable(struct hak_read_watch *r, const struct hak_read_file *file,
                           const char *why) {
    if (r->count > UNREADABLE_MAX || is_unreadable(r, file) ||
        !hak_growing_make_room(&r->unreadable, r->count, &r->capacity, sizeof *r->unreadable))
        return;
    struct hak_unreadable *u = &r->unreadable[r->count++];
    *u = (struct hak_unreadable){.file = *file};
    snprintf(u->why, sizeof u->why, "%s", why);
    if (r->count == UNREADABLE_MAX) {
        struct hak_read_file all = {.path = ""};
        add_unreadable(r, &all, "no other file is read any more, after so many of them");
    }
}

/* Processor time of a thread in seconds, -1 = not known. */
static double processor_seconds(pid_t process, pid_t thread) {
    char path[64], text[1024];
    uint64_t user, kernel;
    snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)process, (int)thread);
    (void)hak_proc_read_text(path, text, sizeof text);
    if (!hak_stat_number(text, HAK_STAT_USER_TICKS, &user) ||
        !hak_stat_number(text, HAK_STAT_KERNEL_TICKS, &kernel))
        return -1;
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

void hak_read_watch_look(struct hak_read_watch *r) {
    struct hak_read_file file;
    uint64_t serial, now = hak_time_ms();
    pid_t thread;
    for (int i = 0; r->overdue < 0 && i < HAK_READERS; i++) {
        struct hak_watched_read *read = &r->reads[i];
        if (!hak_reading_look(r->page, i, &file, &serial, &thread))
            continue;
        double used = processor_seconds(r->reader, thread);
        if (serial != read->serial)
            *read = (struct hak_watched_read){serial, now, used};
        bool is_over =
            used >= 0 && read->seconds >= 0 ? used - read->seconds >= READ_SECONDS : false;
        if (!is_over && now - read->since_ms < READ_WALL_MS)
            continue;
        r->overdue = i;
        add_unreadable(r, &file, "reading its debug information did not come to an end");
        kill(r->reader, SIGKILL);
    }
}

static bool proves_something(int signal) {
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE ||
           signal == SIGILL || signal == SIGTRAP;
}

/* Suspects the file that was being read when a worker ended without a proof; after SUSPECT_DEATHS
 * in a row with the same one it is not read any more. */
static void suspect(struct hak_read_watch *r) {
    struct hak_read_file file;
    uint64_t serial;
    pid_t thread;
    int i = 0;
    while (i < HAK_READERS && !hak_reading_look(r->page, i, &file, &serial, &thread))
        i++;
    bool is_same = i < HAK_READERS && strcmp(file.path, r->suspect.path) == 0 &&
                   strcmp(file.build_id, r->suspect.build_id) == 0;
    r->suspect_deaths = i == HAK_READERS ? 0 : is_same ? r->suspect_deaths + 1 : 1;
    if (i < HAK_READERS)
        r->suspect = file;
    if (r->suspect_deaths >= SUSPECT_DEATHS)
        add_unreadable(r, &file,
                       "the collector ended each time that it read its debug information");
}

bool hak_read_watch_end(struct hak_read_watch *r, int wait_status) {
    char why[sizeof r->unreadable->why];
    struct hak_read_file file;
    uint64_t serial;
    pid_t thread;
    int deadly = hak_reading_deadly(r->page);
    int signal = wait_status >= 0 && WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    bool is_proven = r->overdue >= 0;
    if (r->page < 0)
        return false;
    if (!is_proven && deadly >= 0 && (wait_status < 0 || proves_something(signal)) &&
        hak_reading_look(r->page, deadly, &file, &serial, &thread)) {
        if (signal)
            snprintf(why, sizeof why,
                     "the collector was ended by signal %d (%s) while it read its debug "
                     "information",
                     signal, strsignal(signal));
        else
            snprintf(why, sizeof why, "the collector ended while it read its debug information");
        add_unreadable(r, &file, why);
        is_proven = true;
    } else if (!is_proven) {
        suspect(r);
    }
    close(r->page);
    r->page = -1;
    r->overdue = -1;
    return is_proven;
}

void hak_unreadable_message(const struct hak_unreadable *file, struct hak_link_message *m) {
    *m = (struct hak_link_message){.type = HAK_LINK_UNREADABLE};
    snprintf(m->store_path, sizeof m->store_path, "%s", file->file.path);
    snprintf(m->log_path, sizeof m->log_path, "%s", file->file.build_id);
    snprintf(m->hello.text, sizeof m->hello.text, "%s", file->why);
}
