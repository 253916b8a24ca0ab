/* The session memory as a file, for a program that finds no collector: `hakmem-trace import` makes
 * a store of it later.
 *
 *   DIRECTORY/hakmem.app.4711.rings, .2.rings ...   beside where the store would be
 *   $TMPDIR/..., /tmp/...                           where that cannot be written */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include "metrics/block.h"
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/memory/environment.h"
#include "trace/memory/proc.h"
#include "trace/memory/make.h"
#include "trace/protocol.h"
#include "platform/line.h"
#include "platform/path.h"
#include "unwind/modules.h"

enum { NAMES = 100, PIECE_BYTES = 64 << 10 };

/* The bytes of the file: as memory allows, at most HAKMEM_TRACE_MAX. */
static uint64_t file_bytes(void) {
    uint64_t bytes = hak_memory_bytes_allowed();
    if (bytes > HAK_SESSION_BYTES_FILE)
        bytes = HAK_SESSION_BYTES_FILE;
    if (bytes > hak_options.trace_max_bytes && hak_options.trace_max_bytes)
        bytes = hak_options.trace_max_bytes & ~(uint64_t)(HAK_PAGE_BYTES - 1);
    return bytes;
}

/* Writes zeros into the file where the file system cannot take its blocks beforehand. 0, or the
 * errno. */
static long write_zeros(int file, uint64_t bytes) {
    char *zeros = hak_raw_map(PIECE_BYTES);
    long error = zeros ? 0 : ENOMEM;
    for (uint64_t at = 0; at < bytes && error == 0;) {
        uint64_t piece = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
        long wrote = hak_raw_call(SYS_pwrite64, file, zeros, piece, at);
        if (wrote > 0)
            at += (uint64_t)wrote;
        else if (wrote != -EINTR)
            error = wrote < 0 ? -wrote : EIO;
    }
    if (zeros)
        hak_raw_unmap(zeros, PIECE_BYTES);
    return error;
}

/* Has the file's blocks allocated, so that writing cannot fail. 0 or an errno. */
static long take_blocks(int file, uint64_t bytes) {
    long result;
    do
        result = hak_raw_call(SYS_fallocate, file, 0, 0, bytes);
    while (result == -EINTR);
    return result == -EOPNOTSUPP || result == -ENOSYS ? write_zeros(file, bytes) : -result;
}

/* Fills the new `file` and maps it: with half as much each time, as long as it is too much. */
static long fill_file(int file, struct hak_session_memory *memory) {
    long error = EFBIG;
    for (uint64_t total = file_bytes(); total >= HAK_SESSION_BYTES_MIN;
         total = total / 2 & ~(uint64_t)(HAK_PAGE_BYTES - 1)) {
        error = take_blocks(file, total);
        if (error == 0) {
            (void)hak_raw_call(SYS_ftruncate, file, total);
            error = hak_memory_map(file, total, memory);
        }
        if (error != ENOSPC && error != EDQUOT && error != ENOMEM)
            break;
        (void)hak_raw_call(SYS_ftruncate, file);
    }
    return error;
}

static void copy_text(char *to, const char *from) {
    memcpy(to, from, strlen(from) + 1);
}

/* Makes the file STEM.rings, STEM.2.rings, ...; `path` has room for the ending. 0, or the error. */
static long make_at(char *path, size_t stem, struct hak_session_memory *memory) {
    long made = -EEXIST;
    for (uint64_t number = 1; made == -EEXIST && number <= NAMES; number++) {
        struct hak_line ending = {0};
        if (number > 1) {
            hak_line_add(&ending, ".");
            hak_line_number(&ending, number);
        }
        hak_line_add(&ending, ".rings");
        if (stem + ending.length >= HAK_PATH_BYTES)
            return ENAMETOOLONG;
        copy_text(path + stem, hak_line_text(&ending));
        made = hak_raw_call(SYS_openat, AT_FDCWD, path,
                            O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
    }
    if (made < 0)
        return -made;
    memory->file = hak_lift_file(made);
    long error = memory->file < 0 ? EMFILE : fill_file(memory->file, memory);
    if (error) {
        (void)hak_raw_call(SYS_unlinkat, AT_FDCWD, path);
        hak_close(memory->file);
    }
    return error;
}

static size_t stem_of(const char *path) {
    size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".db") == 0 ? length - 3 : length;
}

/* Puts `folder` before the last part of `name`; false when it does not fit. */
static bool join(char *path, const char *folder, const char *name) {
    size_t bytes = strlen(folder);
    const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
    if (bytes + strlen(base) + 2 > HAK_PATH_BYTES)
        return false;
    memmove(path, folder, bytes); /* NOLINT(bugprone-not-null-terminated-result) */
    path[bytes] = '/';
    copy_text(path + bytes + 1, base);
    return true;
}

/* Finds the place where the store would be; for programs executed by one that has made a file, the
 * place beside that. False: the path is empty or too long. */
static bool find_place(char *asked) {
    static char program[HAK_PATH_BYTES];
    const char *folder = hak_options.session;
    size_t word = sizeof HAK_SESSION_RINGS - 1;
    hak_modules_program(program, sizeof program);
    if (!hak_path_expand(asked, HAK_PATH_BYTES, hak_option_text(HAK_INDEX_TRACE_FILE), NULL,
                         program) ||
        !asked[0])
        return false;
    if (strncmp(folder, HAK_SESSION_RINGS, word) != 0 || folder[word] != '/' ||
        hak_option_text(HAK_INDEX_TRACE_FILE)[0] == '/')
        return true;
    static char name[HAK_PATH_BYTES];
    copy_text(name, asked);
    return join(asked, folder + word, name);
}

/* $TMPDIR if it is absolute, else /tmp. */
static const char *temporary_folder(void) {
    for (char **variable = hak_environment(); (variable = hak_environment_next(variable));
         variable++)
        if (strncmp(*variable, "TMPDIR=/", 8) == 0)
            return *variable + 7;
    return "/tmp";
}

/* Makes the file where it is asked for, else in a temporary folder. 0, or the first error. */
static long make_somewhere(struct hak_session_memory *memory, char *path) {
    static char asked[HAK_PATH_BYTES];
    if (!find_place(asked))
        return ENAMETOOLONG;
    copy_text(path, asked);
    long first = make_at(path, stem_of(path), memory);
    long error = first;
    const char *folders[] = {temporary_folder(), "/tmp"};
    for (int i = 0; i < 2 && error; i++)
        if (join(path, folders[i], asked))
            error = make_at(path, stem_of(path), memory);
    return error ? first : 0;
}

int hak_memory_make_file(struct hak_session_memory *memory, char *path) {
    struct rlimit before;
    hak_memory_lift_file_limit(&before);
    long error = make_somewhere(memory, path);
    hak_memory_restore_file_limit(&before);
    if (error)
        return (int)error;
    hak_memory_fill(memory);
    memory->session->overwrites = 1;
    return 0;
}

/* Gives the whole pages between back to the file system. */
static void give_back(char *from, const char *to) {
    uintptr_t start = ((uintptr_t)from + HAK_PAGE_BYTES - 1) & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    uintptr_t end = (uintptr_t)to & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    if (start < end)
        (void)hak_raw_call(SYS_madvise, start, end - start, MADV_REMOVE);
}

/* Gives back the part of a ring that no record was ever written to. */
static void trim_ring(char *base, uint64_t total_bytes, const struct hak_ring_entry *ring) {
    uint64_t head = atomic_load(&ring->head), bytes = ring->capacity * HAK_RECORD_BYTES;
    if (atomic_load(&ring->state) == HAK_RING_FREE || head >= ring->capacity ||
        ring->offset > total_bytes || bytes > total_bytes - ring->offset)
        return;
    give_back(base + ring->offset + head * HAK_RECORD_BYTES, base + ring->offset + bytes);
}

void hak_memory_trim_file(struct hak_session *session, uint64_t total_bytes) {
    char *base = (char *)session;
    const struct hak_ring_entry *rings = (const void *)(base + session->ring_offset);
    uint64_t nodes = atomic_load(&session->node_count), extents = session->extent_count;
    uint64_t rings_used = atomic_load(&session->rings_high);
    uint64_t blocks = atomic_load(&session->metrics_high);
    uint64_t processes = atomic_load(&session->processes_high);
    while (extents > 0 && !atomic_load(&session->extent_taken[extents - 1]))
        extents--;
    give_back(base + session->process_offset + processes * sizeof(struct hak_process_entry),
              base + session->ring_offset);
    give_back(base + session->ring_offset + rings_used * sizeof *rings,
              base + session->node_offset);
    if (nodes < session->node_capacity)
        give_back(base + session->node_offset + nodes * sizeof(struct hak_node),
                  base + session->report_offset);
    uint64_t counters = session->extent_offset - session->metrics_blocks * HAK_COUNTERS_BYTES;
    if (blocks < session->metrics_blocks)
        give_back(base + counters + blocks * HAK_COUNTERS_BYTES, base + session->extent_offset);
    give_back(base + session->extent_offset + extents * HAK_EXTENT_BYTES, base + total_bytes);
    for (uint64_t i = 0; i < rings_used && i < HAK_RINGS; i++)
        trim_ring(base, total_bytes, &rings[i]);
}
