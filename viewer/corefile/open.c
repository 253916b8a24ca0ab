/* Reads a core file with libelf: its ranges, the mapped files, the threads, the signal. */
#include "viewer/corefile/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"
#include "base/sorted.h"

#define MAPPINGS_MAX 1000000u

/* ---- ranges ---------------------------------------------------------------------------------- */

/* Adds a range of memory; a part that the file lacks makes the core truncated. */
static void add_range(struct core_memory *core, const GElf_Phdr *part) {
    /* Nothing lies in the highest page of all: an address behind a range is an address, too. */
    if (part->p_memsz == 0 ||
        part->p_vaddr + part->p_memsz + CORE_PAGE_BYTES < part->p_vaddr + CORE_PAGE_BYTES)
        return;
    uint64_t stored = part->p_filesz < part->p_memsz ? part->p_filesz : part->p_memsz;
    uint64_t there = part->p_offset < core->file_bytes ? core->file_bytes - part->p_offset : 0;
    core->is_truncated |= stored > there;
    core->range[core->range_count++] =
        (struct core_range){.start = part->p_vaddr,
                            .end = part->p_vaddr + part->p_memsz,
                            .stored = stored < there ? stored : there,
                            .offset = part->p_offset,
                            .is_readable = (part->p_flags & PF_R) != 0,
                            .is_writable = (part->p_flags & PF_W) != 0,
                            .is_executable = (part->p_flags & PF_X) != 0};
}

/* Ranges of a well-made core do not overlap; of others the later ones go. */
static void drop_overlaps(struct core_memory *core) {
    size_t kept = 0;
    hak_sort_by_first(core->range, core->range_count, sizeof *core->range);
    for (size_t i = 0; i < core->range_count; i++)
        if (kept == 0 || core->range[i].start >= core->range[kept - 1].end)
            core->range[kept++] = core->range[i];
    core->range_count = kept;
}

/* ---- notes ----------------------------------------------------------------------------------- */

static uint64_t word_at(const char *bytes, unsigned number) {
    uint64_t word;
    memcpy(&word, bytes + number * sizeof word, sizeof word);
    return word;
}

/* Adds a thread with its registers; the first one's signal is the process's. */
static void read_thread(struct core_memory *core, const char *bytes, size_t count) {
    const struct core_machine *machine = core->machine;
    int16_t signal;
    if (count < machine->status_bytes)
        return;
    if (!hak_growing_make_room(&core->thread, core->thread_count, &core->thread_room,
                               sizeof *core->thread))
        return;
    const char *registers = bytes + CORE_STATUS_REGISTERS;
    struct core_thread *thread = &core->thread[core->thread_count++];
    *thread = (struct core_thread){.ip = word_at(registers, machine->ip),
                                   .sp = word_at(registers, machine->sp),
                                   .word_count = machine->general_count + machine->vector_count};
    if (machine->tp != CORE_NO_REGISTER)
        thread->tp = word_at(registers, machine->tp);
    for (unsigned i = 0; i < machine->general_count; i++)
        thread->words[i] = word_at(registers, machine->general[i]);
    memcpy(&thread->tid, bytes + CORE_STATUS_PID, sizeof thread->tid);
    memcpy(&signal, bytes + CORE_STATUS_SIGNAL, sizeof signal);
    if (core->thread_count == 1)
        core->signal = (uint32_t)signal;
}

/* Follows the thread that it is of. */
static void read_vectors(struct core_memory *core, const char *bytes, size_t count) {
    const struct core_machine *machine = core->machine;
    size_t wanted = machine->vector_count * sizeof(uint64_t);
    if (count < machine->vectors_at + wanted || core->thread_count == 0)
        return;
    memcpy(core->thread[core->thread_count - 1].words + machine->general_count,
           bytes + machine->vectors_at, wanted);
}

/* Likewise. */
static void read_thread_pointer(struct core_memory *core, const char *bytes, size_t count) {
    if (count >= sizeof(uint64_t) && core->thread_count > 0)
        core->thread[core->thread_count - 1].tp = word_at(bytes, 0);
}

/* Notes where the random bytes lie that the kernel gives to a program: its first frames end before
 * them. */
static void read_auxiliary(struct core_memory *core, const void *bytes, size_t count) {
    Elf64_auxv_t entry;
    for (size_t at = 0; at + sizeof entry <= count; at += sizeof entry) {
        memcpy(&entry, (const char *)bytes + at, sizeof entry);
        if (entry.a_type == AT_RANDOM)
            core->main_stack = entry.a_un.a_val;
    }
}

/* Reads the process's number and name from a core's note; one too short is passed over. */
static void read_process(struct core_memory *core, const void *bytes, size_t count) {
    struct elf_prpsinfo info;
    if (count < sizeof info)
        return;
    memcpy(&info, bytes, sizeof info);
    core->pid = info.pr_pid;
    memcpy(core->name, info.pr_fname, sizeof info.pr_fname);
}

/* Reads the signal that ended the process, and the address it faulted at. */
static void read_signal(struct core_memory *core, const void *bytes, size_t count) {
    siginfo_t info;
    if (count < sizeof info)
        return;
    memcpy(&info, bytes, sizeof info);
    if (core->thread_count <= 1 && info.si_signo)
        core->signal = (uint32_t)info.si_signo;
    if (info.si_signo == SIGSEGV || info.si_signo == SIGBUS) {
        /* A pointer that is no address at all faults without one. */
        core->has_fault_address = info.si_code > 0 && info.si_code != SI_KERNEL;
        core->fault_address = (uintptr_t)info.si_addr;
    }
}

int core_find_or_add_file(struct core_memory *core, const char *path, uint64_t start,
                          uint64_t offset) {
    if (core->file_count > 0 && strcmp(core->file[core->file_count - 1].path, path) == 0)
        return (int)core->file_count - 1;
    if (!hak_growing_make_room(&core->file, core->file_count, &core->file_room, sizeof *core->file))
        return -1;
    char *copy = strdup(path);
    if (!copy)
        return -1;
    core->file[core->file_count] =
        (struct core_file){.path = copy, .start = offset == 0 ? start : 0, .fd = -1};
    return (int)core->file_count++;
}

/* Reads which files were mapped where from the core's note: count, page size, {start, end, offset
 * in pages} for each, then the names. */
static void read_files(struct core_memory *core, const char *bytes, size_t length) {
    uint64_t head[2], row[3];
    if (core->mapping || length < sizeof head)
        return;
    memcpy(head, bytes, sizeof head);
    uint64_t count = head[0], page = head[1];
    if (count > MAPPINGS_MAX || count > (length - sizeof head) / sizeof row)
        return;
    core->mapping = calloc(count + 1, sizeof *core->mapping);
    const char *name = bytes + sizeof head + count * sizeof row, *end = bytes + length;
    for (uint64_t i = 0; i < count && core->mapping; i++) {
        const char *stop = memchr(name, 0, (size_t)(end - name));
        if (!stop)
            break;
        memcpy(row, bytes + sizeof head + i * sizeof row, sizeof row);
        int file = row[0] < row[1] ? core_find_or_add_file(core, name, row[0], row[2]) : -1;
        if (file >= 0)
            core->mapping[core->mapping_count++] =
                (struct core_mapping){row[0], row[1], row[2] * page, (uint32_t)file};
        name = stop + 1;
    }
    hak_sort_by_first(core->mapping, core->mapping_count, sizeof *core->mapping);
}

/* Reads all notes: threads, their vectors and thread pointers, auxiliary vector, process, signal,
 * files. */
static void read_core_notes(struct core_memory *core, Elf *elf, const GElf_Phdr *part) {
    if (part->p_offset > core->file_bytes || part->p_filesz > core->file_bytes - part->p_offset)
        core->is_truncated = true;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)part->p_offset, part->p_filesz,
                                          part->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    GElf_Nhdr note;
    size_t name, bytes;
    bool is_first = true;
    for (size_t at = 0; data && (at = gelf_getnote(data, at, &note, &name, &bytes)) > 0;) {
        const char *start = (const char *)data->d_buf + bytes;
        const char *owner = (const char *)data->d_buf + name;
        if (note.n_type == NT_ARM_TLS && core->machine->tp == CORE_NO_REGISTER &&
            note.n_namesz == sizeof "LINUX" && memcmp(owner, "LINUX", sizeof "LINUX") == 0)
            read_thread_pointer(core, start, note.n_descsz);
        if (note.n_namesz != sizeof "CORE" || memcmp(owner, "CORE", sizeof "CORE") != 0)
            continue;
        if (is_first)
            core->is_of_kernel = note.n_type == NT_PRSTATUS;
        is_first = false;
        if (note.n_type == NT_PRSTATUS)
            read_thread(core, start, note.n_descsz);
        else if (note.n_type == NT_FPREGSET)
            read_vectors(core, start, note.n_descsz);
        else if (note.n_type == NT_AUXV)
            read_auxiliary(core, start, note.n_descsz);
        else if (note.n_type == NT_PRPSINFO)
            read_process(core, start, note.n_descsz);
        else if (note.n_type == NT_SIGINFO)
            read_signal(core, start, note.n_descsz);
        else if (note.n_type == NT_FILE)
            read_files(core, start, note.n_descsz);
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

/* Reads the core's headers and notes. False, with the reason: it is no core of a
 * machine that is known, or memory is out. */
static bool take_apart(struct core_memory *core, Elf *elf, struct hak_text *error) {
    GElf_Ehdr header;
    GElf_Phdr part;
    size_t parts = 0;
    if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
        hak_text_add(error, "%s is no core file: it is no ELF file", core->path);
        return false;
    }
    if (header.e_type != ET_CORE) {
        hak_text_add(error, "%s is no core file: it is %s", core->path,
                     header.e_type == ET_EXEC || header.e_type == ET_DYN
                         ? "a program or library; the core comes first, then PROGRAM"
                         : "another kind of ELF file");
        return false;
    }
    core->machine = core_machine_of(header.e_machine);
    if (!core->machine || gelf_getclass(elf) != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB) {
        hak_text_add(error, "%s is a core file of another machine than x86-64 and aarch64",
                     core->path);
        return false;
    }
    if (elf_getphdrnum(elf, &parts) != 0 || parts == 0) {
        hak_text_add(error, "%s is cut off: it has no program headers", core->path);
        return false;
    }
    core->range = calloc(parts, sizeof *core->range);
    core->cached = calloc(CORE_CACHED, sizeof *core->cached);
    if (!core->range || !core->cached) {
        hak_text_add(error, "out of memory");
        return false;
    }
    for (size_t i = 0; i < parts && i <= INT32_MAX; i++) {
        if (!gelf_getphdr(elf, (int)i, &part)) {
            core->is_truncated = true;
            break;
        }
        if (part.p_type == PT_LOAD)
            add_range(core, &part);
        else if (part.p_type == PT_NOTE)
            read_core_notes(core, elf, &part);
    }
    drop_overlaps(core);
    if (core->mapping_count == 0) {
        hak_text_add(error, "%s %s", core->path,
                     core->is_truncated ? "is cut off: not even the list of mapped files is in it"
                                        : "has no list of mapped files (note NT_FILE)");
        return false;
    }
    return true;
}

bool core_memory_open(struct core_memory *core, const char *path, const char *program,
                      struct hak_text *error) {
    struct stat about;
    *core = (struct core_memory){.program = program};
    core->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (strlen(path) < sizeof core->path)
        strcpy(core->path, path);
    if (core->fd < 0 || fstat(core->fd, &about) != 0) {
        hak_text_add(error, "%s cannot be opened: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(about.st_mode)) {
        hak_text_add(error, "%s is no core file: it is no plain file", path);
        return false;
    }
    core->file_bytes = (uint64_t)about.st_size;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(core->fd, ELF_C_READ, NULL);
    if (!elf) {
        hak_text_add(error, "%s is no core file: %s", path, elf_errmsg(-1));
        return false;
    }
    bool is_read = take_apart(core, elf, error);
    elf_end(elf);
    return is_read;
}

void core_memory_close(struct core_memory *core) {
    for (size_t i = 0; i < core->file_count; i++) {
        if (core->file[i].fd >= 0)
            close(core->file[i].fd);
        free(core->file[i].path);
    }
    free(core->range);
    free(core->file);
    free(core->mapping);
    free(core->thread);
    free(core->cached);
    if (core->fd >= 0)
        close(core->fd);
}
