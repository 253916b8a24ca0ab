/* Looks at a program's ELF file, by system calls alone, for what LD_PRELOAD would do to it. */
#include "tree/exec_fit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "trace/memory/memory.h"
#include "trace/keeper/keeper.h"
#include "tree/elf_head.h"

enum {
    HEAD_BYTES = 1024,
    DYNAMIC_ENTRIES = 128,
    NAME_BYTES = 64,
    LIBRARY_BYTES = 1024,
    SCRIPTS_MAX = 5
};

static const char variable_name[] = "LD_PRELOAD=", library_name[] = "hakmem-debug.so";

/* ---- the variable ---------------------------------------------------------------------------- */

static const char *preload_of(char *const environment[]) {
    for (char *const *variable = environment; *variable; variable++)
        if (strncmp(*variable, variable_name, sizeof variable_name - 1) == 0)
            return *variable + sizeof variable_name - 1;
    return NULL;
}

/* The next name of the list at `*at`, which goes on behind it; its length, 0 at the end. */
static size_t next_name(const char **name, const char **at) {
    *at += strspn(*at, " :");
    *name = *at;
    *at += strcspn(*at, " :");
    return (size_t)(*at - *name);
}

static bool is_ours(const char *name, size_t length) {
    size_t bytes = sizeof library_name - 1;
    return length >= bytes && memcmp(name + length - bytes, library_name, bytes) == 0 &&
           (length == bytes || name[length - bytes - 1] == '/');
}

static size_t find_ours(const char *preload, const char **name) {
    size_t length;
    for (const char *at = preload; (length = next_name(name, &at)) > 0;)
        if (is_ours(*name, length))
            return length;
    return 0;
}

char *const *hak_exec_without(char *const environment[], char **list, char *text) {
    size_t count = 0;
    for (char *const *variable = environment; *variable; variable++) {
        const char *name, *at = *variable + sizeof variable_name - 1;
        size_t length;
        list[count] = *variable;
        if (strncmp(*variable, variable_name, sizeof variable_name - 1) == 0) {
            char *end = text + sizeof variable_name - 1;
            memcpy(text, variable_name, sizeof variable_name);
            while ((length = next_name(&name, &at)) > 0) {
                if (is_ours(name, length))
                    continue;
                if (end > text + sizeof variable_name - 1)
                    *end++ = ':';
                memcpy(end, name, length);
                end += length;
            }
            *end = 0;
            list[count] = text;
            if (end == text + sizeof variable_name - 1)
                continue; /* nothing is left of it */
        }
        count++;
    }
    list[count] = NULL;
    return list;
}

/* ---- the file -------------------------------------------------------------------------------- */

static long read_at(long file, void *to, size_t bytes, uint64_t offset) {
    return hak_raw_call(SYS_pread64, file, (long)to, (long)bytes, (long)offset, 0, 0);
}

static bool has_other_loader(long file, const Elf64_Phdr *interpreter) {
    char name[NAME_BYTES];
    long got = read_at(file, name, sizeof name - 1, interpreter->p_offset);
    if (got <= 0)
        return false;
    name[(uint64_t)got < interpreter->p_filesz ? (uint64_t)got : interpreter->p_filesz] = 0;
    return !strstr(name, "ld-linux-x86-64");
}

/* Where the byte that will lie at `address` lies in the file; 0 = nowhere. */
static uint64_t offset_of(const struct hak_segments *segments, uint64_t address) {
    for (unsigned i = 0; i < segments->count; i++) {
        Elf64_Phdr load = hak_segment_at(segments, i);
        if (load.p_type == PT_LOAD && address >= load.p_vaddr &&
            address - load.p_vaddr < load.p_filesz)
            return address - load.p_vaddr + load.p_offset;
    }
    return 0;
}

static bool needs_address_sanitizer(long file, const struct hak_segments *segments,
                                    const Elf64_Phdr *dynamic) {
    Elf64_Dyn entry[DYNAMIC_ENTRIES];
    uint64_t room = dynamic->p_filesz < sizeof entry ? dynamic->p_filesz : sizeof entry;
    long got = read_at(file, entry, room, dynamic->p_offset);
    size_t count = got > 0 ? (size_t)got / sizeof *entry : 0;
    uint64_t strings = 0;
    for (size_t i = 0; i < count && entry[i].d_tag != DT_NULL; i++)
        if (entry[i].d_tag == DT_STRTAB)
            strings = offset_of(segments, entry[i].d_un.d_ptr);
    for (size_t i = 0; strings && i < count && entry[i].d_tag != DT_NULL; i++) {
        char name[NAME_BYTES];
        if (entry[i].d_tag != DT_NEEDED ||
            (got = read_at(file, name, sizeof name - 1, strings + entry[i].d_un.d_val)) <= 0)
            continue;
        name[got] = 0;
        if (strncmp(name, "libasan.so", 10) == 0 || strncmp(name, "libclang_rt.asan", 16) == 0)
            return true;
    }
    return false;
}

/* Why hakmem must not be loaded into it, NULL: it may. */
static const char *find_reason(long file, const unsigned char *head, long bytes) {
    struct hak_segments segments;
    if (head[EI_CLASS] == ELFCLASS32)
        return "it is a 32-bit program";
    if (!hak_find_segments(head, bytes, &segments))
        return NULL;
    for (unsigned i = 0; i < segments.count; i++) {
        Elf64_Phdr segment = hak_segment_at(&segments, i);
        if (segment.p_type == PT_INTERP && has_other_loader(file, &segment))
            return "it is linked against another C library than glibc";
        if (segment.p_type == PT_DYNAMIC && needs_address_sanitizer(file, &segments, &segment))
            return "it is built with a sanitizer";
    }
    return NULL;
}

/* True for a regular file that can be read: opening a FIFO would wait for its other end. */
static bool open_file(const char *path, long *file) {
    struct stat about;
    if (hak_raw_call(SYS_newfstatat, AT_FDCWD, (long)path, (long)&about, 0, 0, 0) != 0 ||
        !S_ISREG(about.st_mode))
        return false;
    *file = hak_raw_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    return *file >= 0;
}

/* Looks at the program, or at the interpreter that a script's first line names. */
static const char *look(const char *path, int depth) {
    _Alignas(8) unsigned char head[HEAD_BYTES];
    long file;
    if (depth > SCRIPTS_MAX || !open_file(path, &file))
        return NULL;
    long bytes = read_at(file, head, sizeof head - 1, 0);
    bool is_elf = bytes > EI_CLASS && memcmp(head, ELFMAG, SELFMAG) == 0;
    const char *reason = is_elf ? find_reason(file, head, bytes) : NULL;
    (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
    if (is_elf || bytes < 3 || memcmp(head, "#!", 2) != 0)
        return reason;
    head[bytes] = 0;
    char *interpreter = (char *)head + 2 + strspn((char *)head + 2, " \t");
    interpreter[strcspn(interpreter, " \t\r\n")] = 0;
    return interpreter[0] == '/' ? look(interpreter, depth + 1) : NULL;
}

/* Not by access(): it goes by the real user, ld.so's open by the effective one. */
static bool is_out_of_reach(const char *name, size_t length) {
    char path[LIBRARY_BYTES];
    if (name[0] != '/' || length >= sizeof path)
        return false;
    memcpy(path, name, length);
    path[length] = 0;
    long file = hak_raw_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (file >= 0)
        (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
    return file == -2 /* ENOENT */ || file == -13 /* EACCES */ || file == -20 /* ENOTDIR */;
}

/* ---- both ------------------------------------------------------------------------------------ */

const char *hak_exec_find(const char *name, char *found) {
    enum { SEE = 1 /* faccessat's X_OK */ };
    const char *folders = "/bin:/usr/bin";
    if (!name || !hak_exec_can_read(name))
        return NULL;
    if (strchr(name, '/'))
        return name;
    for (char **variable = hak_environment(); *variable; variable++)
        if (strncmp(*variable, "PATH=", 5) == 0)
            folders = *variable + 5;
    size_t bytes = strlen(name) + 1;
    for (const char *end; *folders; folders = *end ? end + 1 : end) {
        end = strchrnul(folders, ':');
        size_t length = (size_t)(end - folders);
        if (length == 0 || length + 1 + bytes > HAK_EXEC_FOUND_BYTES)
            continue;
        memcpy(found, folders, length);
        found[length] = '/';
        memcpy(found + length + 1, name, bytes);
        if (hak_raw_call(SYS_faccessat, AT_FDCWD, (long)found, SEE, 0, 0, 0) == 0)
            return found;
    }
    return NULL;
}

size_t hak_exec_unfit(const char *path, char *const environment[], const char **why) {
    const char *name, *preload;
    if (!environment || !hak_exec_can_read(environment))
        return 0;
    preload = preload_of(environment);
    size_t length = preload ? find_ours(preload, &name) : 0;
    if (length == 0 || strlen(preload) + sizeof variable_name > HAK_EXEC_PRELOAD_BYTES)
        return 0;
    *why = hak_keeper_is_given_up()        ? "the collector was killed"
           : is_out_of_reach(name, length) ? "hakmem-debug.so is out of its reach"
           : path                          ? look(path, 0)
                                           : NULL;
    if (!*why)
        return 0;
    size_t count = 1;
    while (environment[count - 1])
        count++;
    return count;
}
