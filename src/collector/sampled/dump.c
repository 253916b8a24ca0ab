/* Makes a store of the copy of its heap profile that a program left (heap_profile/dump.h). */
#include "collector/sampled/sampled.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/link/link.h"
#include "collector/sampled/files.h"
#include "heap_profile/dump.h"
#include "report/text/text.h"
#include "store/error.h"

enum { NICE = 10 };

struct dump {
    int file;
    struct hak_heap_dump head;
    char *maps;
    struct hak_map_line *line;
    uint32_t lines, line_room;
    struct hak_dump_files files;
};

/* ---- reading the copy ------------------------------------------------------------------------ */

static bool read_copy(const struct dump *d, uint64_t at, void *to, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        ssize_t got = pread(d->file, (char *)to + done, bytes - done, (off_t)(at + done));
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

/* Reads the part of a mapped file that lies at `address` in the program. */
static bool read_mapped(const struct dump *d, uint64_t address, void *to, size_t bytes) {
    for (uint32_t i = 0; i < d->lines; i++) {
        const struct hak_map_line *m = &d->line[i];
        if (address < m->start || address >= m->end || bytes > m->end - address)
            continue;
        int file =
            m->path[0] == '/' ? open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
        struct stat about;
        bool is_read =
            file >= 0 && fstat(file, &about) == 0 && S_ISREG(about.st_mode) &&
            pread(file, to, bytes, (off_t)(m->offset + (address - m->start))) == (ssize_t)bytes;
        if (file >= 0)
            close(file);
        return is_read;
    }
    return false;
}

/* Whether the range lies in an array of the program; sets its place in the copy. */
static bool is_in_array(uint64_t address, size_t bytes, const void *start, uint64_t array_bytes,
                        uint64_t copied_at, uint64_t *at) {
    uint64_t offset = address - (uintptr_t)start;
    if (address < (uintptr_t)start || offset > array_bytes || bytes > array_bytes - offset)
        return false;
    *at = copied_at + offset;
    return true;
}

/* Reads the program's memory as far as the copy has it. */
static bool read_dump(void *context, uint64_t address, void *to, size_t bytes) {
    const struct dump *d = context;
    const struct hak_heap_profile *p = &d->head.profile;
    uint64_t sites = (uint64_t)p->site_count * sizeof *p->sites;
    uint64_t nodes = (uint64_t)p->node_count * sizeof *p->nodes, at = 0;
    if (address == d->head.table && bytes == sizeof *p) {
        memcpy(to, p, bytes);
        return true;
    }
    if (is_in_array(address, bytes, p->sites, sites, d->head.sites_at, &at) ||
        is_in_array(address, bytes, p->nodes, nodes, d->head.nodes_at, &at))
        return read_copy(d, at, to, bytes);
    return read_mapped(d, address, to, bytes);
}

/* Reads the head. False: it is none of this version. */
static bool read_dump_head(struct dump *d) {
    static const char magic[sizeof d->head.magic] = HAK_HEAP_DUMP_MAGIC;
    struct hak_heap_dump *head = &d->head;
    if (!read_copy(d, 0, head, sizeof *head) || memcmp(head->magic, magic, sizeof magic) != 0 ||
        head->version != HAK_HEAP_DUMP_VERSION || head->bytes != sizeof *head ||
        head->command_line_bytes > HAK_HEAP_DUMP_PATH ||
        head->maps_bytes > 2 * (uint64_t)HAK_HEAP_DUMP_MAPS_MOST)
        return false;
    head->directory[HAK_HEAP_DUMP_PATH - 1] = head->program[HAK_HEAP_DUMP_PATH - 1] = '\0';
    head->command_line[HAK_HEAP_DUMP_PATH - 1] = '\0';
    for (uint32_t i = 0; i + 1 < head->command_line_bytes; i++)
        if (!head->command_line[i])
            head->command_line[i] = ' ';
    return true;
}

/* Reads the mappings. False: no memory. Lines that are not whole end them. */
static bool read_dump_maps(struct dump *d) {
    size_t bytes = d->head.maps_bytes;
    d->maps = calloc(bytes + 1, 1);
    if (!d->maps || !read_copy(d, d->head.maps_at, d->maps, bytes))
        return false;
    for (char *line = d->maps, *next; *line; line = next) {
        next = strchr(line, '\n');
        struct hak_map_line one;
        if (!next)
            break;
        next++;
        if (!hak_map_line_read(&one, line))
            break;
        if (!hak_growing_make_room(&d->line, d->lines, &d->line_room, sizeof *d->line))
            return false;
        d->line[d->lines++] = one;
    }
    return true;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Makes the store of what was read. 0, or an error of the store. */
static int make_dump_store(struct dump *d, const struct hak_sampled_pull *pull,
                           const struct hak_pull_modules *modules) {
    static const char *const levels[] = {NULL, "trace", "normal", "light"};
    struct hak_sampled_program program = {
        .pid = d->head.pid,
        .start_time = d->head.start_time,
        .monotonic_ns = d->head.monotonic_ns,
        .realtime_ns = d->head.realtime_ns,
        .program = d->head.program,
        .command_line = d->head.command_line,
        .level = d->head.level < sizeof levels / sizeof *levels ? levels[d->head.level] : NULL,
        .module = modules->module,
        .modules = modules->modules};
    return hak_sampled_store(&program, pull, 1, d->files.temporary, true, NULL);
}

/* Reads the copy and writes its file. False: `why` says why there is none. */
static bool write_dump(struct dump *d, struct hak_text *why) {
    struct hak_pull_memory memory = {read_dump, d};
    struct hak_sampled_pull pull;
    struct hak_pull_modules modules = {0};
    char reason[200];
    struct stat about;
    if (stat(d->head.directory, &about) != 0) {
        hak_text_add(why, "%s", strerror(errno));
        return false;
    }
    enum hak_pull_state state =
        hak_pull_table(&memory, d->head.table, d->head.monotonic_ns, &pull, reason);
    bool is_written = false;
    if (state != HAK_PULL_DONE)
        hak_text_add(why, "its copy cannot be read: %s", reason);
    else if (!hak_pull_find_modules(&memory, d->line, d->lines, &modules))
        hak_text_add(why, "no memory");
    else if (make_dump_store(d, &pull, &modules) != 0)
        hak_text_add(why, "%s", hak_store_message());
    else if (!(is_written = hak_dump_files_give_number(&d->files)))
        hak_text_add(why, "%s", strerror(errno));
    if (!is_written)
        hak_dump_files_drop(&d->files);
    hak_pull_free(&pull);
    hak_pull_free_modules(&modules);
    return is_written;
}

/* ---- the process ----------------------------------------------------------------------------- */

/* Says in the copy, which the program has mapped, what became of it. */
static void tell(const struct dump *d, uint32_t state) {
    (void)!pwrite(d->file, &state, sizeof state, offsetof(struct hak_heap_dump, state));
}

/* Says in it who writes: where this process is killed, the program need not wait for it. */
static void sign(const struct dump *d) {
    int32_t self = getpid();
    (void)!pwrite(d->file, &self, sizeof self, offsetof(struct hak_heap_dump, writer));
}

/* Goes behind the program, unless a filter of system calls came with it: such a service may be
 * killed for that (systemd's SystemCallFilter=~@resources). */
static void be_nice(void) {
    if (prctl(PR_GET_SECCOMP) == 0)
        (void)setpriority(PRIO_PROCESS, 0, NICE);
}

int hak_dump_main(int file) {
    static struct dump d;
    struct hak_text why = {0};
    d.file = file;
    if (!read_dump_head(&d))
        return 2;
    sign(&d);
    be_nice();
    hak_dump_files_begin(&d.files, &d.head);
    hak_dump_files_remove_remains(&d.files);
    bool is_written = false;
    if (read_dump_maps(&d))
        is_written = write_dump(&d, &why);
    else
        hak_text_add(&why, "no memory");
    if (is_written)
        hak_dump_files_remove_oldest(&d.files);
    else if (!d.head.is_quiet)
        hak_say("HAKMEM_HEAP_PROFILE_DUMP: no heap profile is written to %s: %s; the program goes "
                "on, and later failures are counted alone",
                d.head.directory, hak_text_string(&why));
    tell(&d, is_written ? HAK_HEAP_DUMP_WRITTEN : HAK_HEAP_DUMP_FAILED);
    hak_text_free(&why);
    free(d.line);
    free(d.maps);
    return is_written ? 0 : 1;
}
