/* Opens the files that JIT compilers leave for perf, and decides whether to trust them. */
#include "collector/capture/made_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/maps.h"
#include "collector/kernel/kernel.h"

#define OPEN_MAX_PROCESSES 256
#define LOOK_NS            200000000u
#define LOOKS_MAX          50

static uint32_t open_count;

/* The effective user of a process; this process's own where /proc does not tell. */
static uid_t user_of(pid_t pid) {
    char path[64], text[2048];
    unsigned real, effective;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    const char *line = hak_proc_read_text(path, text, sizeof text) ? strstr(text, "\nUid:") : NULL;
    return line && sscanf(line, "\nUid: %u %u", &real, &effective) == 2 ? effective : geteuid();
}

struct hak_made_files *hak_made_files_open(pid_t pid) {
    if (pid <= 0 || open_count >= OPEN_MAX_PROCESSES)
        return NULL;
    struct hak_made_files *files = malloc(sizeof *files);
    if (!files)
        return NULL;
    *files = (struct hak_made_files){.tmp = -1, .map = -1, .dumps = {-1, -1}};
    files->cwd = hak_proc_open(pid, "cwd");
    files->user = user_of(pid);
    int root = hak_proc_open(pid, "root");
    if (root >= 0) {
        files->tmp = openat(root, "tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(root);
    }
    open_count++;
    return files;
}

/* Opens a file that may be believed. -1: there is none; `refused` says when one is there. */
static int open_plain(struct hak_made_files *files, int folder, const char *name,
                      uint64_t began_ns) {
    struct stat about;
    int fd =
        folder >= 0 ? openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW) : -1;
    if (fd < 0)
        return -1;
    const char *why = NULL;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        why = "is no plain file";
    else if (about.st_uid != geteuid() && about.st_uid != files->user)
        why = "is another user's";
    else if ((uint64_t)about.st_mtim.tv_sec * 1000000000u + (uint64_t)about.st_mtim.tv_nsec <
             began_ns)
        why = "is older than the process";
    if (!why)
        return fd;
    files->refused = why;
    close(fd);
    return -1;
}

/* Takes over a jitdump's descriptor, unless the same file is open already or HAK_MADE_DUMPS are:
 * then it is closed. */
static void keep_dump(struct hak_made_files *files, int fd) {
    struct stat about, other;
    for (int i = 0; fd >= 0 && i < HAK_MADE_DUMPS; i++) {
        if (files->dumps[i] < 0) {
            files->dumps[i] = fd;
            return;
        }
        if (fstat(fd, &about) == 0 && fstat(files->dumps[i], &other) == 0 &&
            about.st_dev == other.st_dev && about.st_ino == other.st_ino)
            break;
    }
    if (fd >= 0)
        close(fd);
}

/* Keeps the jitdump that a line of /proc/PID/maps maps as code, as its writer does for perf to see:
 * opens that very file. Other lines are passed over. */
static void keep_mapped(struct hak_made_files *files, int root, char *line) {
    struct hak_map_line mapped;
    struct stat about;
    if (!hak_map_line_read(&mapped, line) || !mapped.is_executable || mapped.path[0] != '/')
        return;
    const char *name = strrchr(mapped.path, '/') + 1;
    size_t length = strlen(name);
    if (strncmp(name, "jit-", 4) != 0 || length < 9 || strcmp(name + length - 5, ".dump") != 0)
        return;
    int fd = open_plain(files, root, mapped.path + 1, 0);
    if (fd >= 0 &&
        (fstat(fd, &about) != 0 || about.st_ino != mapped.inode || about.st_dev != mapped.device)) {
        close(fd);
        return;
    }
    keep_dump(files, fd);
}

void hak_made_files_look(struct hak_made_files *files, pid_t pid) {
    uint64_t now = hak_time_ns();
    if (files->is_settled || pid <= 0 || now < files->next_look_ns || files->looks >= LOOKS_MAX ||
        files->dumps[0] >= 0)
        return;
    files->next_look_ns = now + LOOK_NS;
    files->looks++;
    int root = hak_proc_open(pid, "root");
    char *maps = root >= 0 ? hak_proc_read(pid, "maps", NULL) : NULL;
    for (char *line = maps, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strstr(line, "/jit-"))
            keep_mapped(files, root, line);
    }
    free(maps);
    if (root >= 0)
        close(root);
}

static void close_one(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void hak_made_files_settle(struct hak_made_files *files, pid_t inner, uint64_t began_ns) {
    char name[64];
    if (files->is_settled)
        return;
    files->is_settled = true;
    snprintf(name, sizeof name, "perf-%d.map", (int)inner);
    files->map = open_plain(files, files->tmp, name, began_ns);
    snprintf(name, sizeof name, "jit-%d.dump", (int)inner);
    keep_dump(files, open_plain(files, files->cwd, name, began_ns));
    close_one(&files->tmp);
    close_one(&files->cwd);
    open_count--;
}

void hak_made_files_close(struct hak_made_files *files) {
    if (!files)
        return;
    close_one(&files->tmp);
    close_one(&files->cwd);
    close_one(&files->map);
    for (int i = 0; i < HAK_MADE_DUMPS; i++)
        close_one(&files->dumps[i]);
    open_count -= !files->is_settled;
    free(files);
}
