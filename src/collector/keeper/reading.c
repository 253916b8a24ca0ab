/* Which files the worker is not to read any more: one that killed it, or held it for ever.
 *
 *   worker dies --> the page says in which read (symbols/reading.h) --> unreadable --> next worker
 *   worker reads one file for READ_SECONDS of processor time ------> killed, the same
 *
 * A worker killed by somebody's SIGKILL proves nothing against the file that it was reading then;
 * that it dies in the same one again and again does. */
#include "collector/keeper/keeper_state.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/array.h"
#include "trace/stat_line.h"

#define READ_SECONDS   7 /* of processor time */
#define READ_WALL_MS   120000
#define SUSPECT_DEATHS 3 /* one after the other, by a signal that proves nothing */
#define UNREADABLE_MAX 8 /* then no file is read any more */

void hak_keeper_take_page(struct hak_keeper *k, int page, pid_t reader) {
    if (k->reading_page >= 0)
        close(k->reading_page);
    k->reading_page = page;
    k->reader = reader;
    k->overdue = -1;
    memset(k->reads, 0, sizeof k->reads);
}

static bool is_unreadable(const struct hak_keeper *k, const struct hak_read_file *file) {
    for (uint32_t i = 0; i < k->unreadable_count; i++)
        if (strcmp(k->unreadable[i].file.path, file->path) == 0 &&
            strcmp(k->unreadable[i].file.build_id, file->build_id) == 0)
            return true;
    return false;
}

static void add_unreadable(struct hak_keeper *k, const struct hak_read_file *file,
                           const char *why) {
    if (k->unreadable_count > UNREADABLE_MAX || is_unreadable(k, file) ||
        !hak_array_make_room(&k->unreadable, k->unreadable_count, &k->unreadable_capacity,
                             sizeof *k->unreadable))
        return;
    struct hak_unreadable *u = &k->unreadable[k->unreadable_count++];
    *u = (struct hak_unreadable){.file = *file};
    snprintf(u->why, sizeof u->why, "%s", why);
    if (k->unreadable_count == UNREADABLE_MAX) {
        struct hak_read_file all = {.path = ""};
        add_unreadable(k, &all, "no other file is read any more, after so many of them");
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

void hak_keeper_watch_reading(struct hak_keeper *k) {
    struct hak_read_file file;
    uint64_t serial, now = hak_time_ms();
    pid_t thread;
    for (int i = 0; k->link >= 0 && k->overdue < 0 && i < HAK_READERS; i++) {
        struct hak_watched_read *r = &k->reads[i];
        if (!hak_reading_look(k->reading_page, i, &file, &serial, &thread))
            continue;
        double used = processor_seconds(k->reader, thread);
        if (serial != r->serial)
            *r = (struct hak_watched_read){serial, now, used};
        bool is_over = used >= 0 && r->seconds >= 0 ? used - r->seconds >= READ_SECONDS : false;
        if (!is_over && now - r->since_ms < READ_WALL_MS)
            continue;
        k->overdue = i;
        add_unreadable(k, &file, "reading its debug information did not come to an end");
        kill(k->reader, SIGKILL);
    }
}

static bool proves_something(int signal) {
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGFPE ||
           signal == SIGILL || signal == SIGTRAP;
}

/* Without a proof: the file that was read, when it was the same the last times. */
static void suspect(struct hak_keeper *k) {
    struct hak_read_file file;
    uint64_t serial;
    pid_t thread;
    int i = 0;
    while (i < HAK_READERS && !hak_reading_look(k->reading_page, i, &file, &serial, &thread))
        i++;
    bool is_same = i < HAK_READERS && strcmp(file.path, k->suspect.path) == 0 &&
                   strcmp(file.build_id, k->suspect.build_id) == 0;
    k->suspect_deaths = i == HAK_READERS ? 0 : is_same ? k->suspect_deaths + 1 : 1;
    if (i < HAK_READERS)
        k->suspect = file;
    if (k->suspect_deaths >= SUSPECT_DEATHS)
        add_unreadable(k, &file,
                       "the collector ended each time that it read its debug information");
}

void hak_keeper_judge_reading(struct hak_keeper *k, int wait_status) {
    char why[sizeof k->unreadable->why];
    struct hak_read_file file;
    uint64_t serial;
    pid_t thread;
    int deadly = hak_reading_deadly(k->reading_page);
    int signal = wait_status >= 0 && WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
    if (k->reading_page < 0)
        return;
    if (k->overdue >= 0) {
        k->worker_due_ms = 0;
    } else if (deadly >= 0 && (wait_status < 0 || proves_something(signal)) &&
               hak_reading_look(k->reading_page, deadly, &file, &serial, &thread)) {
        if (signal)
            snprintf(why, sizeof why,
                     "the collector was ended by signal %d (%s) while it read its debug "
                     "information",
                     signal, strsignal(signal));
        else
            snprintf(why, sizeof why, "the collector ended while it read its debug information");
        add_unreadable(k, &file, why);
        k->worker_due_ms = 0;
    } else {
        suspect(k);
    }
    close(k->reading_page);
    k->reading_page = -1;
    k->overdue = -1;
}

bool hak_keeper_tell_unreadable(struct hak_keeper *k) {
    static struct hak_link_message m; /* one keeper thread in a process */
    for (uint32_t i = 0; i < k->unreadable_count; i++) {
        const struct hak_unreadable *u = &k->unreadable[i];
        m = (struct hak_link_message){.type = HAK_LINK_UNREADABLE};
        snprintf(m.store_path, sizeof m.store_path, "%s", u->file.path);
        snprintf(m.log_path, sizeof m.log_path, "%s", u->file.build_id);
        snprintf(m.hello.text, sizeof m.hello.text, "%s", u->why);
        if (hak_link_send(k->link, &m, -1) != 0)
            return false;
    }
    return true;
}
