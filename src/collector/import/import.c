/* Reads files of rings, checks as much as it can, and has the worker store them. */
#include "collector/import/import.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "symbols/debug_file.h"
#include "base/bytes.h"
#include "collector/kernel/kernel.h"
#include "decode/decode.h"
#include "collector/worker/worker.h"

#define PIECE_BYTES       ((size_t)256 << 10)
#define BYTES_MAX         ((uint64_t)1 << 30)
#define MODULES_LOOKED_AT 2000

struct file {
    const char *path;
    int copy; /* memfd, -1 = the worker's */
    uint64_t session_id, start_ns;
    struct hak_hello hello;
};

/* Sets import->why to the path and a reason. Returns false. */
__attribute__((format(printf, 3, 4))) static bool
refuse(struct hak_import *import, const char *path, const char *format, ...) {
    char reason[600];
    va_list list;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    snprintf(import->why, sizeof import->why, "%.400s%s", path, reason);
    return false;
}

/* Copies the data; holes stay holes. False: it cannot be read, errno says why. */
static bool copy_bytes(int from, int to, uint64_t bytes) {
    char *piece = malloc(PIECE_BYTES);
    bool good = piece != NULL;
    for (uint64_t at = 0; good && at < bytes;) {
        off_t data = lseek(from, (off_t)at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        if (data > (off_t)at)
            at = (uint64_t)data;
        if (at >= bytes)
            break;
        size_t wanted = bytes - at < PIECE_BYTES ? (size_t)(bytes - at) : PIECE_BYTES;
        ssize_t got = pread(from, piece, wanted, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0)
            break; /* it was cut meanwhile */
        good = got > 0 && pwrite(to, piece, (size_t)got, (off_t)at) == got;
        at += got > 0 ? (uint64_t)got : 0;
    }
    free(piece);
    return good;
}

/* Reads the file's header and checks magic, size and version. False, and refused: it cannot be read
 * as one. */
static bool check_header(struct hak_import *import, const char *path, int fd,
                         struct hak_session *s) {
    size_t bytes = hak_read_fully(fd, s, sizeof *s);
    if (bytes < sizeof s->magic || s->magic != HAK_SESSION_MAGIC)
        return refuse(
            import, path,
            " is not a file of rings: it does not begin with HAKSES01. Files of rings are "
            "named hakmem.PROGRAM.PID.rings");
    if (bytes < sizeof *s)
        return refuse(import, path,
                      " is cut off in its header, after %zu of %zu bytes: nothing can be read",
                      bytes, sizeof *s);
    if (s->version != HAK_SESSION_VERSION || s->header_bytes != sizeof *s)
        return refuse(import, path,
                      " is of another version of hakmem (%u, header of %u bytes; this one reads "
                      "%u, %zu): use the hakmem-trace of the hakmem-debug.so that wrote it",
                      s->version, s->header_bytes, HAK_SESSION_VERSION, sizeof *s);
    enum hak_processor processor;
    if (!hak_processor_of(s->machine, &processor))
        return refuse(import, path,
                      " is of a processor that this hakmem does not know (ELF machine %u; it knows "
                      "x86-64, %u, and aarch64, %u): use the hakmem-trace of the hakmem-debug.so "
                      "that wrote it",
                      s->machine, EM_X86_64, EM_AARCH64);
    if (s->overwrites != 1)
        return refuse(import, path, " is a session that a collector reads, not a file of rings");
    if (s->total_bytes > BYTES_MAX || s->total_bytes < sizeof *s)
        return refuse(import, path,
                      " is broken: its header says that it has %llu bytes; at most 1 GiB was "
                      "expected",
                      (unsigned long long)s->total_bytes);
    return true;
}

/* Appends to import->note, behind "; " if there is something; what has no room is cut. */
__attribute__((format(printf, 2, 3))) static void note(struct hak_import *import,
                                                       const char *format, ...) {
    size_t length = strlen(import->note);
    va_list list;
    if (length > 0)
        length += (size_t)snprintf(import->note + length, sizeof import->note - length, "; ");
    if (length >= sizeof import->note)
        return;
    va_start(list, format);
    vsnprintf(import->note + length, sizeof import->note - length, format, list);
    va_end(list);
}

/* Opens a file of rings, checks it, and copies it into memory. False, and refused. */
static bool open_file(struct hak_import *import, struct file *file) {
    static struct hak_session header;
    struct stat about;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &about) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return refuse(import, file->path, " cannot be read: %s", strerror(error));
    }
    bool good = S_ISREG(about.st_mode)
                    ? check_header(import, file->path, fd, &header)
                    : refuse(import, file->path, " is not a file of rings, not even a file");
    uint64_t bytes = (uint64_t)about.st_size;
    if (good && bytes < header.total_bytes)
        note(import, "%.200s is cut off after %llu of %llu bytes: the rest is counted as lost",
             file->path, (unsigned long long)bytes, (unsigned long long)header.total_bytes);
    if (good) {
        bytes = bytes < header.total_bytes ? bytes : header.total_bytes;
        file->copy = memfd_create("hakmem import", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (file->copy < 0 || ftruncate(file->copy, (off_t)header.total_bytes) != 0 ||
            !copy_bytes(fd, file->copy, bytes))
            good = refuse(import, file->path, " cannot be read: %s%s", strerror(errno),
                          errno == EMFILE ? " (ulimit -n; or import fewer at a time)" : "");
        file->session_id = header.session_id;
        file->start_ns = header.monotonic_start_ns;
    }
    close(fd);
    return good;
}

/* Whether a process still writes into the file. One that executed another program is alive, but
 * writes into this file no more. */
static bool is_written(const struct hak_process_entry *entry) {
    struct hak_peer peer;
    uint32_t state = atomic_load(&entry->state);
    return (state == HAK_PROCESS_LIVE || state == HAK_PROCESS_ENDED) && entry->start_time != 0 &&
           atomic_load(&entry->exec_state) == HAK_EXEC_NONE && hak_peer_read(entry->pid, &peer) &&
           peer.start_time == entry->start_time && !peer.has_ended;
}

/* Looks at the copy's process table, and takes the first process as the one that said hello. A
 * state other than DONE: broken, or still written. */
static enum hak_import_state check_processes(struct hak_import *import, struct file *file) {
    struct hak_mapping map;
    int copy = dup(file->copy);
    const char *why = copy < 0 ? strerror(errno) : hak_mapping_open(&map, copy);
    if (why) {
        refuse(import, file->path, " is broken, and nothing can be read: %s", why);
        return HAK_IMPORT_UNREADABLE;
    }
    const struct hak_process_entry *first = hak_mapping_process(&map, 0);
    file->hello = (struct hak_hello){.magic = HAK_HELLO_MAGIC,
                                     .version = HAK_SESSION_VERSION,
                                     .pid = first->pid,
                                     .start_time = first->start_time,
                                     .pid_space = first->pid_space,
                                     .total_bytes = map.bytes};
    bool good = true;
    for (uint32_t i = 0, count = hak_mapping_process_count(&map); i < count && good; i++) {
        const struct hak_process_entry *entry = hak_mapping_process(&map, i);
        if (is_written(entry))
            good = refuse(import, file->path,
                          " is still written by process %d: wait for its end, or end it (kill -9 "
                          "will do), and import it then",
                          (int)entry->pid);
    }
    hak_mapping_close(&map);
    return good ? HAK_IMPORT_DONE : HAK_IMPORT_ALIVE;
}

static int by_start(const void *a, const void *b) {
    const struct file *x = a, *y = b;
    return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

/* Checks that no two files are of the same session. False, and refused: a recording is there
 * twice. */
static bool check_all_differ(struct hak_import *import, const struct file *files, int count) {
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++)
            if (files[i].session_id == files[k].session_id)
                return refuse(import, files[i].path,
                              " and %.400s are the same recording: name it "
                              "once",
                              files[k].path);
    return true;
}

/* Says which modules' files are not those that ran: their functions have no names in the store. */
static void note_modules(struct hak_import *import, const struct hak_worker *w) {
    static struct hak_debug_file file;
    uint32_t strangers = 0;
    const char *first = "";
    for (uint32_t i = 0; i < w->capture.rows.module_count && i < MODULES_LOOKED_AT; i++) {
        const struct hak_module_row *row = &w->capture.rows.modules[i].row;
        if (row->path[0] != '/' || row->image != row->id) /* it was seen */
            continue;
        hak_debug_file_open(&file, row->path, row->build_id, 0, w->capture.rows.started_ns);
        if (file.own.fd < 0 && strangers++ == 0)
            first = row->path;
        hak_debug_file_close(&file);
    }
    if (strangers == 1)
        note(import, "%.300s has changed or is missing since it ran: its functions have no names",
             first);
    else if (strangers > 1)
        note(import,
             "%u modules, the first %.300s, have changed or are missing since they ran: their "
             "functions have no names",
             strangers, first);
}

/* Stores all files by a worker of this process. Returns how that ended, with import->why if not
 * DONE. */
static enum hak_import_state store_files(struct hak_import *import, struct file *files, int count) {
    static struct hak_worker worker;
    if (!hak_worker_make(&worker)) {
        snprintf(import->why, sizeof import->why, "out of memory");
        return HAK_IMPORT_NO_STORE;
    }
    worker.imports = true;
    snprintf(worker.config.store_path, sizeof worker.config.store_path, "%s", import->store_path);
    worker.config.replace_store = import->replace_store;
    enum hak_import_state state = HAK_IMPORT_DONE;
    for (int i = 0; i < count && state == HAK_IMPORT_DONE; i++) {
        const char *why = hak_worker_add(&worker, (uint32_t)i + 1, &files[i].hello,
                                         files[i].hello.pid, files[i].copy);
        files[i].copy = -1;
        if (why) {
            refuse(import, files[i].path, " is broken, and nothing can be read: %s", why);
            state = HAK_IMPORT_UNREADABLE;
        } else if (!worker.capture.writer) {
            snprintf(import->why, sizeof import->why, "%.1000s", hak_store_message());
            state = HAK_IMPORT_NO_STORE;
        }
    }
    snprintf(import->store_path, sizeof import->store_path, "%s", worker.capture.path);
    if (state == HAK_IMPORT_DONE) {
        hak_worker_store_files(&worker);
        note_modules(import, &worker);
    } else if (worker.capture.writer) {
        hak_store_finish(worker.capture.writer);
    }
    hak_worker_free(&worker);
    return state;
}

enum hak_import_state hak_import_files(struct hak_import *import, char *const *paths, int count) {
    struct file *files = calloc((size_t)count, sizeof *files);
    enum hak_import_state state = HAK_IMPORT_DONE;
    import->why[0] = import->note[0] = 0;
    struct rlimit descriptors; /* one for each file */
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
        descriptors.rlim_cur = descriptors.rlim_max;
        setrlimit(RLIMIT_NOFILE, &descriptors);
    }
    if (!files) {
        snprintf(import->why, sizeof import->why, "out of memory");
        return HAK_IMPORT_UNREADABLE;
    }
    for (int i = 0; i < count; i++)
        files[i] = (struct file){.path = paths[i], .copy = -1};
    for (int i = 0; i < count && state == HAK_IMPORT_DONE; i++)
        state = open_file(import, &files[i]) ? check_processes(import, &files[i])
                                             : HAK_IMPORT_UNREADABLE;
    if (state == HAK_IMPORT_DONE && !check_all_differ(import, files, count))
        state = HAK_IMPORT_UNREADABLE;
    if (state == HAK_IMPORT_DONE) {
        qsort(files, (size_t)count, sizeof *files, by_start);
        state = store_files(import, files, count);
    }
    for (int i = 0; i < count; i++)
        if (files[i].copy >= 0)
            close(files[i].copy);
    free(files);
    return state;
}
