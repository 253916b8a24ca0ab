/* Looks at a program's ELF header with system calls alone: is it static, 32-bit, set-id? */
#include "tree/exec_look.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include "platform/raw_call.h"
#include "trace/memory/memory.h"
#include "trace/keeper/keeper.h"
#include "tree/elf_head.h"

enum { HEAD_BYTES = 1024 };

/* True when the program headers, as far as they lie in the file's first bytes, name a loader; also
 * when they lie elsewhere, which is not looked for. */
static bool may_have_loader(const unsigned char *head, long bytes) {
    struct hak_segments segments;
    if (!hak_find_segments(head, bytes, &segments))
        return true;
    for (unsigned i = 0; i < segments.count; i++)
        if (hak_segment_at(&segments, i).p_type == PT_INTERP)
            return true;
    return false;
}

/* Why the program cannot be recorded; NULL: nothing is in the way, as far as this looks. */
static const char *find_reason(long file, const struct stat *about) {
    _Alignas(8) unsigned char head[HEAD_BYTES];
    long bytes = hak_raw_call(SYS_read, file, (long)head, sizeof head, 0, 0, 0);
    if (bytes < (long)sizeof(Elf64_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0)
        return NULL;
    if (head[EI_CLASS] != ELFCLASS64)
        return "it is a 32-bit program";
    if (!may_have_loader(head, bytes))
        return "it is statically linked";
    long user = hak_raw_call(SYS_getuid, 0, 0, 0, 0, 0, 0);
    if ((about->st_mode & S_ISUID) && user >= 0 && about->st_uid != (uint32_t)user)
        return "it is set-user-id" HAK_NOTE_NOT_BELOW;
    return NULL;
}

/* `ending` follows the reason. */
static void tell(const char *path, const char *reason, const char *ending, int child) {
    static const char before[] = "executed ", between[] = ", which was not recorded: ";
    char text[sizeof((struct hak_hello *)0)->text];
    size_t reason_bytes = strlen(reason), ending_bytes = strlen(ending);
    size_t room = sizeof text - sizeof before - sizeof between - reason_bytes - ending_bytes;
    size_t path_bytes = strnlen(path, room);
    char *at = text;
    memcpy(at, before, sizeof before - 1);
    at += sizeof before - 1;
    memcpy(at, path, path_bytes);
    at += path_bytes;
    memcpy(at, between, sizeof between - 1);
    at += sizeof between - 1;
    memcpy(at, reason, reason_bytes);
    memcpy(at + reason_bytes, ending, ending_bytes + 1);
    (void)hak_keeper_tell_unrecorded(hak_current.keeper_name, text, child);
}

/* Asked before it is opened: a FIFO would wait for a writer, or let one go on that waits. */
static bool is_program(const char *path, struct stat *about) {
    return hak_raw_call(SYS_newfstatat, AT_FDCWD, (long)path, (long)about, 0, 0, 0) == 0 &&
           S_ISREG(about->st_mode) && (about->st_mode & 0111);
}

void hak_exec_look(const char *path, const char *why, int child) {
    struct stat about;
    if (hak_keeper_is_given_up()) /* nobody listens any more */
        return;
    if (!path || !hak_current_ready() || !hak_current.keeper_name[0] || !is_program(path, &about))
        return;
    if (why) {
        tell(path, why, HAK_NOTE_NOT_BELOW, child);
        return;
    }
    long file = hak_raw_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    const char *reason = file >= 0 ? find_reason(file, &about) : NULL;
    if (file >= 0)
        (void)hak_raw_call(SYS_close, file, 0, 0, 0, 0, 0);
    if (reason)
        tell(path, reason, "", child);
}
