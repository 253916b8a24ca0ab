/* Looks at a program's file: can hakmem-debug.so get into it, and will its malloc be called there?
 */
#include "collector/target/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "arch.h"

#define INTERPRETERS_MAX 5 /* as the kernel: a script whose interpreter is a script ... */

/* Fills in what is wrong with the file, as reason and consequence. Returns false. */
__attribute__((format(printf, 4, 5))) static bool refuse(struct hak_target_trouble *trouble,
                                                         const char *file, const char *consequence,
                                                         const char *reason, ...) {
    va_list arguments;
    va_start(arguments, reason);
    snprintf(trouble->file, sizeof trouble->file, "%s", file);
    vsnprintf(trouble->reason, sizeof trouble->reason, reason, arguments);
    va_end(arguments);
    trouble->consequence = consequence;
    trouble->gives_rights = false;
    return false;
}

static bool is_program(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* ---- finding it ------------------------------------------------------------------------------ */

/* Whether the path can be executed; false: `trouble` says why not. */
static bool check_path(const char *path, struct hak_target_trouble *trouble) {
    struct stat about;
    if (is_program(path))
        return true;
    if (stat(path, &about) != 0)
        return refuse(trouble, path, "", ": %s", strerror(errno));
    if (S_ISDIR(about.st_mode))
        return refuse(trouble, path, ", not a program", " is a directory");
    return refuse(trouble, path, " (chmod +x would allow it)", " may not be executed");
}

bool hak_target_find(const char *name, char *path, struct hak_target_trouble *trouble) {
    *trouble = (struct hak_target_trouble){.consequence = ""};
    const char *directories = getenv("PATH");
    if (strchr(name, '/')) {
        snprintf(path, PATH_MAX, "%s", name);
        return check_path(path, trouble);
    }
    if (!directories || !directories[0])
        directories = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(directories, ":");
        snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, directories, length > 0 ? "/" : "", name);
        if (is_program(path))
            return true;
        if (directories[length] == '\0')
            break;
        directories += length + 1;
    }
    return refuse(trouble, "", "", "no program '%s' in PATH", name);
}

/* ---- the rights that it would get ------------------------------------------------------------ */

/* Whether the rights of a file would count: not on file systems that are mounted so, and for
 * processes that gave up getting any. */
static bool gives_rights(const char *path) {
    struct statvfs file_system;
    if (statvfs(path, &file_system) == 0 && (file_system.f_flag & ST_NOSUID))
        return false;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

/* Checks that the program gets no rights of its file, for which ld.so ignores preloads. False:
 * `trouble` says which. */
static bool check_rights(const char *path, struct hak_target_trouble *trouble) {
    struct stat about;
    if (stat(path, &about) != 0 || !gives_rights(path))
        return true;
    const char *what = NULL;
    if ((about.st_mode & S_ISUID) && about.st_uid != getuid())
        what = "is set-user-id";
    else if ((about.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
             about.st_gid != getgid())
        what = "is set-group-id";
    else if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        what = "has file capabilities";
    if (!what)
        return true;
    refuse(
        trouble, path,
        ", so the loader ignores hakmem; run a copy without these rights, or run it as their owner",
        " %s", what);
    trouble->gives_rights = true;
    return false;
}

/* ---- ELF ------------------------------------------------------------------------------------- */

/* Whether the library is one of a sanitizer. */
static bool is_sanitizer(const char *library) {
    static const char *const parts[] = {"libasan",       "libtsan",        "liblsan",
                                        "libhwasan",     "clang_rt.asan",  "clang_rt.tsan",
                                        "clang_rt.lsan", "clang_rt.hwasan"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(library, parts[i]))
            return true;
    return false;
}

/* The parts of a program that come before any preloaded malloc, as a set. */
enum inside { SANITIZER = 1, SANITIZER_NAME = 2, MALLOC = 4 };

/* SANITIZER if the entry names a sanitizer's library as needed, else 0. */
static unsigned look_at_needed(Elf *elf, const GElf_Shdr *header, Elf_Data *data, int i) {
    GElf_Dyn dynamic;
    if (!gelf_getdyn(data, i, &dynamic) || dynamic.d_tag != DT_NEEDED)
        return 0;
    const char *name = elf_strptr(elf, header->sh_link, (size_t)dynamic.d_un.d_val);
    return name && is_sanitizer(name) ? SANITIZER : 0;
}

/* A name of a sanitizer's alone says little: a program may ask weakly whether it is in one. */
static bool look_at_symbol(void *context, const char *name, const GElf_Sym *symbol) {
    static const char *const starts[] = {"__asan_", "__tsan_", "__msan_", "__lsan_", "__hwasan_"};
    unsigned *found = context;
    bool is_defined = symbol->st_shndx != SHN_UNDEF;
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        size_t length = strlen(starts[s]);
        if (strncmp(name, starts[s], length) != 0)
            continue;
        if (strcmp(name + length, "init") != 0)
            *found |= SANITIZER_NAME;
        else if (is_defined) /* asked for weakly, it is hakmem's own question */
            *found |= SANITIZER;
    }
    if (is_defined && strcmp(name, "malloc") == 0 && GELF_ST_TYPE(symbol->st_info) == STT_FUNC)
        *found |= MALLOC;
    return true;
}

/* Flags of what the program has inside: a sanitizer, its symbols, a malloc of its own. */
static unsigned look_inside(Elf *elf) {
    unsigned found = 0;
    GElf_Shdr header;
    for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
        Elf_Data *data;
        if (!gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
            header.sh_type != SHT_DYNAMIC || !(data = elf_getdata(section, NULL)))
            continue;
        int count = (int)(header.sh_size / header.sh_entsize);
        for (int i = 0; i < count; i++)
            found |= look_at_needed(elf, &header, data, i);
    }
    hak_elf_each_symbol(elf, SHT_DYNSYM, look_at_symbol, &found);
    return found;
}

/* Reads the path of the program's dynamic loader, "" when it has none; cut at `capacity`. */
static void read_interpreter(Elf *elf, int fd, char *interpreter, size_t capacity) {
    size_t count = 0;
    interpreter[0] = '\0';
    elf_getphdrnum(elf, &count);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr segment;
        if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_INTERP)
            continue;
        size_t bytes = segment.p_filesz < capacity ? segment.p_filesz : capacity - 1;
        ssize_t got = pread(fd, interpreter, bytes, (off_t)segment.p_offset);
        interpreter[got > 0 ? got : 0] = '\0';
    }
}

/* Checks that glibc's loader starts the program and that it has no sanitizer. False: `trouble` says
 * why; has_malloc is set in any case. */
static bool check_loaded(const char *path, Elf *elf, int fd, struct hak_target_trouble *trouble) {
    char interpreter[PATH_MAX];
    read_interpreter(elf, fd, interpreter, sizeof interpreter);
    if (!interpreter[0])
        return refuse(trouble, path,
                      ", so nothing can get between it and its malloc; link it dynamically",
                      " is statically linked");
    if (!strstr(interpreter, HAK_LOADER_NAME))
        return refuse(trouble, path, "; hakmem-debug.so needs glibc",
                      " is linked against another C library than glibc");
    unsigned inside = look_inside(elf);
    trouble->has_malloc = (inside & (SANITIZER | MALLOC)) != 0;
    if ((inside & SANITIZER) || (inside & (MALLOC | SANITIZER_NAME)) == (MALLOC | SANITIZER_NAME))
        return refuse(trouble, path, ", which replaces malloc itself; build it without -fsanitize",
                      " is built with a sanitizer");
    if (inside & MALLOC)
        return refuse(trouble, path, ", which comes before any other; build it without that",
                      " has a malloc of its own inside");
    return true;
}

/* Checks an ELF file: 64 bits, for this processor, loaded dynamically. False: `trouble` says why.
 */
static bool check_elf(const char *path, int fd, struct hak_target_trouble *trouble) {
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool good;
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
        good = refuse(trouble, path, ": its ELF header cannot be read", " is cut short");
    else if (gelf_getclass(elf) != ELFCLASS64)
        good = refuse(trouble, path, "; hakmem-debug.so is for 64-bit " HAK_ARCH_WORDS " programs",
                      " is a 32-bit program");
    else if (header.e_machine != HAK_ELF_MACHINE)
        good = refuse(trouble, path, "; hakmem-debug.so is for " HAK_ARCH_WORDS,
                      " is for another processor");
    else
        good = check_loaded(path, elf, fd, trouble);
    elf_end(elf);
    return good && check_rights(path, trouble);
}

/* ---- a script -------------------------------------------------------------------------------- */

static bool check_file(const char *path, int depth, struct hak_target_trouble *trouble);

/* Checks the interpreter of a script: of "#!/usr/bin/env python3" the program that will really run,
 * behind env. False: `trouble` says why. */
static bool check_script(const char *path, char *line, int depth,
                         struct hak_target_trouble *trouble) {
    char program[PATH_MAX];
    char *rest = NULL;
    line[strcspn(line, "\r\n")] = '\0';
    char *interpreter = strtok_r(line + 2, " \t", &rest);
    if (!interpreter)
        return refuse(trouble, path, "", ": its first line names no interpreter");
    const char *base = strrchr(interpreter, '/');
    char *argument = strtok_r(NULL, " \t", &rest);
    if (base && strcmp(base, "/env") == 0) {
        while (argument && (argument[0] == '-' || strchr(argument, '=')))
            argument = strtok_r(NULL, " \t", &rest);
        if (argument)
            return hak_target_find(argument, program, trouble) &&
                   check_file(program, depth + 1, trouble);
    }
    if (!is_program(interpreter))
        return refuse(trouble, path, "", ": its interpreter %s cannot be executed: %s", interpreter,
                      strerror(errno));
    return check_file(interpreter, depth + 1, trouble);
}

/* Checks a file by its content: an ELF file, a script, or a text that /bin/sh would run, with
 * INTERPRETERS_MAX in a row at most. False: `trouble` says why; one that is only unreadable is
 * right. */
static bool check_file(const char *path, int depth, struct hak_target_trouble *trouble) {
    char head[512] = {0};
    if (depth > INTERPRETERS_MAX)
        return refuse(trouble, path, "", ": too many interpreters of interpreters");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a FIFO */
    if (fd < 0) {
        /* It may be executable and not readable; then it just has to be tried. */
        int error = errno;
        trouble->unreadable = error == EACCES;
        snprintf(trouble->file, sizeof trouble->file, "%s", path);
        return trouble->unreadable ? check_rights(path, trouble)
                                   : refuse(trouble, path, "", ": %s", strerror(error));
    }
    ssize_t got = pread(fd, head, sizeof head - 1, 0);
    bool good;
    if (got >= 2 && memcmp(head, "#!", 2) == 0)
        good = check_script(path, head, depth, trouble);
    else if (got >= 4 && memcmp(head, "\177ELF", 4) == 0)
        good = check_elf(path, fd, trouble);
    else if (got >= 0 && !memchr(head, '\0', (size_t)got)) /* execvp gives a text to /bin/sh */
        good = check_file("/bin/sh", depth + 1, trouble);
    else
        good = refuse(trouble, path, ": neither an ELF file nor a script", " is not a program");
    close(fd);
    return good;
}

bool hak_target_check(const char *path, struct hak_target_trouble *trouble) {
    *trouble = (struct hak_target_trouble){.consequence = ""};
    return check_file(path, 0, trouble);
}

/* Where the symbols called malloc are; the linker makes a hidden one local. */
struct malloc_symbols {
    bool is_inside, is_asked_for;
};

static bool look_for_malloc(void *context, const char *name, const GElf_Sym *symbol) {
    struct malloc_symbols *found = context;
    if (strcmp(name, "malloc") != 0)
        return true;
    if (symbol->st_shndx == SHN_UNDEF)
        found->is_asked_for = true;
    else if (GELF_ST_TYPE(symbol->st_info) == STT_FUNC)
        found->is_inside = true;
    return !found->is_asked_for;
}

bool hak_target_hides_malloc(const char *path) {
    struct hak_elf_file file;
    struct malloc_symbols found = {false, false};
    if (!hak_elf_open(&file, path, ELF_C_READ))
        return false;
    hak_elf_each_symbol(file.elf, SHT_SYMTAB, look_for_malloc, &found);
    hak_elf_close(&file);
    return found.is_inside && !found.is_asked_for;
}

/* ---- which build it is ----------------------------------------------------------------------- */

void hak_target_build_id(const char *path, char id[HAK_BUILD_ID_TEXT]) {
    struct hak_elf_file file;
    id[0] = '\0';
    if (!hak_elf_open(&file, path, ELF_C_READ))
        return;
    hak_elf_build_id(file.elf, id);
    hak_elf_close(&file);
}
