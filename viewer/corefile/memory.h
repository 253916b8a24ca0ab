/* The memory of a dead process: its core file, and the mapped file for pages that the core leaves
 * out; or of a living one (live.c).
 *
 *   address --> range --in the core--> bytes
 *                     --left out, file's own--> the file, if its first page is that of the core
 *                     --neither--> missing
 *
 * A core is data from outside: every offset and length is looked at before use. Missing bytes read
 * as zero and are counted. For one thread. */
#ifndef HAK_VIEWER_COREFILE_MEMORY_H
#define HAK_VIEWER_COREFILE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "report/text/text.h"
#include "viewer/corefile/machine.h"

#define CORE_PAGE_BYTES 4096u
#define CORE_CACHED     4096u /* pages */

/* A stretch of addresses, of the same kind all through. */
struct core_range {
    uint64_t start, end;
    uint64_t stored; /* bytes from `start` on that are in the core */
    uint64_t offset; /* where, in the core */
    bool is_readable, is_writable, is_executable;
};

/* A file that was mapped, as the core names it. */
struct core_file {
    char *path;
    uint64_t start;  /* where its first byte lies */
    int fd;          /* -1 = not opened yet, -2 = not to be used */
    const char *why; /* it is not to be used */
};

/* A part of a file as it was mapped. */
struct core_mapping {
    uint64_t start, end, file_offset;
    uint32_t file;
};

struct core_thread {
    int32_t tid;
    uint64_t ip, sp;
    uint64_t tp;                     /* its thread pointer; 0 = not known */
    uint64_t words[CORE_WORDS_MOST]; /* general registers, in no order; halves of vector registers,
                                      * 0 where the core lacks them */
    uint32_t word_count;
};

struct core_page {
    uint64_t page; /* address + 1; 0 = none */
    uint8_t bytes[CORE_PAGE_BYTES];
};

struct core_memory {
    int fd;
    const struct core_machine *machine;
    uint64_t file_bytes;
    bool is_truncated;
    bool is_live;      /* no core: a process that is there */
    bool is_of_kernel; /* its first note is a thread; that of gdb and others is the process */
    char path[4096];
    const char *program; /* stands in for any mapped file that begins as it does; NULL = none */
    struct core_range *range;
    size_t range_count;
    struct core_file *file;
    size_t file_count;
    uint32_t file_room, range_room, mapping_room; /* the last two: of a living one */
    struct core_mapping *mapping;                 /* ascending */
    size_t mapping_count;
    struct core_thread *thread; /* the one that got the signal first */
    size_t thread_count;
    uint32_t thread_room;
    int32_t pid;
    uint32_t signal;     /* it ended by; 0 = none */
    uint64_t main_stack; /* an address in the stack that the kernel made; 0 = not known */
    bool has_fault_address;
    uint64_t fault_address;
    char name[17];
    uint64_t missing; /* reads that found nothing */
    struct core_page *cached;
};

/* Opens a core file. False: `error` says in words why it cannot be read. Close it in any case. */
bool core_memory_open(struct core_memory *core, const char *path, const char *program,
                      struct hak_text *error);
/* Opens the memory of a process that is there, through `fd`, an open /proc/PID/mem of a debugger's;
 * -1: it is opened here. False, with the reason in `error`. */
bool core_memory_open_live(struct core_memory *core, int32_t pid, int fd, struct hak_text *error);

/* Closes the core and its mapped files, and frees all tables. */
void core_memory_close(struct core_memory *core);

/* Copies `bytes` bytes from `address` on. False: some of them are nowhere; those are zero. */
bool core_read(struct core_memory *core, uint64_t address, void *to, size_t bytes);
/* A little-endian number of 1 to 8 bytes, 0 where it is missing. */
uint64_t core_number(struct core_memory *core, uint64_t address, unsigned bytes);
static inline uint64_t core_pointer(struct core_memory *core, uint64_t address) {
    return core_number(core, address, 8);
}

/* Looks whether the range at `address` was saved, where bytes from there on cannot all be zero.
 * gdb's generate-core-file leaves out a range with a page that it cannot read, as guard markers are
 * (MADV_GUARD_INSTALL): it reads as zero from start to end, and is missing from now on. The kernel
 * saves all pages but closed ones, so what is zero in its core was zero. */
void core_forget_unsaved(struct core_memory *core, uint64_t address);

/* The range, and the mapped part of a file, that hold an address; NULL = none does. */
const struct core_range *core_range_at(const struct core_memory *core, uint64_t address);
const struct core_mapping *core_mapping_at(const struct core_memory *core, uint64_t address);

/* Bytes of memory that can be read without a file: nothing that lies in it is longer. */
uint64_t core_stored_bytes(const struct core_memory *core);

/* The number of the file `path`, of which byte `offset` lies at `start`: mappings of one file
 * follow each other. -1: no memory. (open.c) */
int core_find_or_add_file(struct core_memory *core, const char *path, uint64_t start,
                          uint64_t offset);
/* The path, without its folders. */
const char *core_file_name(const struct core_file *file);

#endif
