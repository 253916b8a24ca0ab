/* Looks at a program's ELF file, by system calls alone, and tells the keeper of one that cannot be
 * recorded. */
#include "tree/exec_look.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "platform/line.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/collector/collector.h"
#include "trace/memory/memory.h"
#include "tree/exec_fit.h"

enum { HEAD_BYTES = 1024, DYNAMIC_ENTRIES = 128, NAME_BYTES = 64, SCRIPTS_MAX = 5 };

/* The program headers of a 64-bit ELF file, as far as they lie in its first bytes. */
struct segments {
    const unsigned char *first;
    unsigned count;
};

static Elf64_Phdr segment_at(const struct segments *segments, unsigned i) {
    Elf64_Phdr segment;
    memcpy(&segment, segments->first + i * sizeof segment, sizeof segment);
    return segment;
}

/* Finds the program headers in `head`, the first `bytes` of the file. False when it does not hold
 * all of them. */
static bool find_segments(const unsigned char *head, long bytes, struct segments *out) {
    Elf64_Ehdr elf;
    if (bytes < (long)sizeof elf)
        return false;
    memcpy(&elf, head, sizeof elf);
    if (elf.e_phentsize != sizeof(Elf64_Phdr) || elf.e_phoff > (uint64_t)bytes ||
        elf.e_phnum > ((uint64_t)bytes - elf.e_phoff) / sizeof(Elf64_Phdr))
        return false;
    *out = (struct segments){head + elf.e_phoff, elf.e_phnum};
    return true;
}

static long read_at(long file, void *to, size_t bytes, uint64_t offset) {
    return hak_raw_call(SYS_pread64, file, to, bytes, offset);
}

/* Whether the program's interpreter is another than glibc's; false, too, if its name cannot be
 * read. */
static bool has_other_loader(long file, const Elf64_Phdr *interpreter) {
    char name[NAME_BYTES];
    long got = read_at(file, name, sizeof name - 1, interpreter->p_offset);
    if (got <= 0)
        return false;
    name[(uint64_t)got < interpreter->p_filesz ? (uint64_t)got : interpreter->p_filesz] = 0;
    return !memmem(name, strlen(name), HAK_LOADER_NAME, strlen(HAK_LOADER_NAME));
}

/* Where the byte that will lie at `address` lies in the file; 0 = nowhere. */
static uint64_t offset_of(const struct segments *segments, uint64_t address) {
    for (unsigned i = 0; i < segments->count; i++) {
        Elf64_Phdr load = segment_at(segments, i);
        if (load.p_type == PT_LOAD && address >= load.p_vaddr &&
            address - load.p_vaddr < load.p_filesz)
            return address - load.p_vaddr + load.p_offset;
    }
    return 0;
}

/* Whether the program needs the library of AddressSanitizer, by the DT_NEEDED entries of its
 * dynamic segment. */
static bool needs_address_sanitizer(long file, const struct segments *segments,
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

/* Sets why hakmem cannot be in the program: another C library, a sanitizer. One without an
 * interpreter is statically linked, and unrecorded. */
static void look_at_segments(long file, const struct segments *segments,
                             struct hak_exec_look *out) {
    bool has_loader = false;
    for (unsigned i = 0; i < segments->count && !out->misfit; i++) {
        Elf64_Phdr segment = segment_at(segments, i);
        has_loader = has_loader || segment.p_type == PT_INTERP;
        if (segment.p_type == PT_INTERP && has_other_loader(file, &segment))
            out->misfit = "it is linked against another C library than glibc";
        if (segment.p_type == PT_DYNAMIC && needs_address_sanitizer(file, segments, &segment))
            out->misfit = "it is built with a sanitizer";
    }
    if (!has_loader)
        out->unrecorded = "it is statically linked";
}

static bool is_of_another_user(const struct stat *about) {
    long user = hak_raw_call(SYS_getuid);
    return (about->st_mode & S_ISUID) && user >= 0 && about->st_uid != (uint32_t)user;
}

/* Sets why hakmem cannot be in the ELF file that begins with `head`, or why that is not recorded:
 * 32 bits, its segments, set-user-id. */
static void look_at_head(long file, const unsigned char *head, long bytes, const struct stat *about,
                         struct hak_exec_look *out) {
    struct segments segments;
    if (head[EI_CLASS] == ELFCLASS32)
        out->misfit = "it is a 32-bit program";
    else if (find_segments(head, bytes, &segments))
        look_at_segments(file, &segments, out);
    if (!out->unrecorded && is_of_another_user(about))
        out->unrecorded = "it is set-user-id" HAK_NOTE_NOT_BELOW;
}

/* Asked before it is opened: a FIFO would wait for a writer, or let one go on that waits. */
static bool is_regular(const char *path, struct stat *about) {
    return hak_raw_call(SYS_newfstatat, AT_FDCWD, path, about) == 0 && S_ISREG(about->st_mode);
}

/* Looks at the program, or at the interpreter that a script's first line names, up to SCRIPTS_MAX
 * of them; sets the reasons against hakmem in `out`, which stays as it is for a file that cannot be
 * read. */
static void look_at_program(const char *path, int depth, struct hak_exec_look *out) {
    _Alignas(8) unsigned char head[HEAD_BYTES];
    struct stat about;
    long file = depth <= SCRIPTS_MAX && is_regular(path, &about) ? hak_open(path) : -1;
    if (file < 0)
        return;
    long bytes = read_at(file, head, sizeof head - 1, 0);
    bool is_elf = bytes > EI_CLASS && memcmp(head, ELFMAG, SELFMAG) == 0;
    if (is_elf)
        look_at_head(file, head, bytes, &about, out);
    hak_close(file);
    if (is_elf || bytes < 3 || memcmp(head, "#!", 2) != 0)
        return;
    head[bytes] = 0;
    struct hak_byte_reader reader = HAK_EXEC_READER;
    char *interpreter = (char *)head + 2 + hak_exec_span(&reader, (char *)head + 2, " \t", true);
    interpreter[hak_exec_span(&reader, interpreter, " \t\r\n", false)] = 0;
    if (interpreter[0] == '/')
        look_at_program(interpreter, depth + 1, out);
    out->unrecorded = NULL; /* a script says nothing of itself */
}

struct hak_exec_look hak_exec_look(const char *path) {
    struct hak_exec_look out = {NULL, NULL};
    if (path)
        look_at_program(path, 0, &out);
    return out;
}

/* Tells the keeper that the program at `path` was executed and not recorded, with `reason` and
 * `ending`. Of a long path the end is left out, never of the reason. */
static void report_unrecorded(const char *path, const char *reason, const char *ending, int child) {
    static const char between[] = ", which was not recorded: ";
    struct hak_line line = {.length = 0};
    size_t room =
        sizeof((struct hak_hello *)0)->text - 1 - strlen(between) - strlen(reason) - strlen(ending);
    char name[sizeof((struct hak_hello *)0)->text]; /* another thread may close the path's page */
    name[hak_exec_copy_text(name, path, sizeof name - 1)] = 0;
    hak_line_add(&line, "executed ");
    hak_line_add_name(&line, name);
    line.length = line.length < room ? line.length : room;
    hak_line_add(&line, between);
    hak_line_add(&line, reason);
    hak_line_add(&line, ending);
    (void)hak_collector_tell_unrecorded(hak_current.keeper_name, hak_line_text(&line), child);
}

void hak_exec_tell(const char *path, const struct hak_exec_look *about, int child) {
    struct stat file;
    const char *reason = about->misfit ? about->misfit : about->unrecorded;
    if (!reason || !path || hak_collector_is_given_up()) /* nobody listens any more */
        return;
    if (hak_current_ready() && hak_current.keeper_name[0] && is_regular(path, &file) &&
        (file.st_mode & 0111))
        report_unrecorded(path, reason, about->misfit ? HAK_NOTE_NOT_BELOW : "", child);
}
