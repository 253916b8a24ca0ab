/* Can PROGRAM be recorded? Looked at before anything is started, so that no capture is silently
 * empty. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define INTERPRETERS_MAX 5 /* as the kernel: a script whose interpreter is a script ... */

static bool is_program(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

/* Finds `name` as execvp would. */
static bool find_program(const char *name, char *out) {
    const char *path = getenv("PATH");
    struct stat about;
    if (strchr(name, '/')) {
        snprintf(out, PATH_MAX, "%s", name);
        if (is_program(out))
            return true;
        if (stat(out, &about) != 0)
            view_error("run: %s: %s", name, strerror(errno));
        else if (S_ISDIR(about.st_mode))
            view_error("run: %s is a directory, no program", name);
        else
            view_error("run: %s may not be executed (chmod +x would allow it)", name);
        return false;
    }
    if (!path || !path[0])
        path = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        snprintf(out, PATH_MAX, "%.*s%s%s", (int)length, path, length > 0 ? "/" : "", name);
        if (is_program(out))
            return true;
        if (path[length] == '\0')
            break;
        path += length + 1;
    }
    view_error("run: no program '%s' in PATH", name);
    return false;
}

static bool changes_rights(const char *path) {
    struct stat about;
    if (stat(path, &about) != 0)
        return false;
    const char *what = NULL;
    if ((about.st_mode & S_ISUID) && about.st_uid != geteuid())
        what = "is set-user-id";
    else if ((about.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
             about.st_gid != getegid())
        what = "is set-group-id";
    else if (geteuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
        what = "has file capabilities";
    if (what)
        view_error("run: %s %s, so the loader ignores hakmem; run a copy without these rights, or "
                   "run it as their owner",
                   path, what);
    return what != NULL;
}

/* What the dynamic section and symbols say that is in the way; NULL = nothing. */
static const char *foreign_allocator(Elf *elf) {
    Elf_Scn *section = NULL;
    while ((section = elf_nextscn(elf, section))) {
        GElf_Shdr header;
        Elf_Data *data;
        if (!gelf_getshdr(section, &header) || header.sh_entsize == 0 ||
            (header.sh_type != SHT_DYNAMIC && header.sh_type != SHT_DYNSYM) ||
            !(data = elf_getdata(section, NULL)))
            continue;
        size_t count = (size_t)(header.sh_size / header.sh_entsize);
        for (size_t i = 0; i < count; i++) {
            GElf_Dyn dynamic;
            GElf_Sym symbol;
            const char *name = NULL;
            if (header.sh_type == SHT_DYNAMIC) {
                if (gelf_getdyn(data, (int)i, &dynamic) && dynamic.d_tag == DT_NEEDED)
                    name = elf_strptr(elf, header.sh_link, (size_t)dynamic.d_un.d_val);
                if (name && (strstr(name, "libasan") || strstr(name, "libtsan") ||
                             strstr(name, "liblsan") || strstr(name, "clang_rt.asan") ||
                             strstr(name, "clang_rt.tsan")))
                    return "is built with a sanitizer, which replaces malloc itself; build it "
                           "without -fsanitize";
                continue;
            }
            if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF)
                continue;
            name = elf_strptr(elf, header.sh_link, symbol.st_name);
            if (name && (strcmp(name, "__asan_init") == 0 || strcmp(name, "__tsan_init") == 0))
                return "is built with a sanitizer, which replaces malloc itself; build it without "
                       "-fsanitize";
            if (name && strcmp(name, "malloc") == 0 && GELF_ST_TYPE(symbol.st_info) == STT_FUNC)
                return "has a malloc of its own inside, which comes before any other; build it "
                       "without that";
        }
    }
    return NULL;
}

static bool check_elf(const char *path, int fd) {
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    const char *trouble = NULL;
    char interpreter[PATH_MAX] = "";
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header)) {
        trouble = "is cut short: its ELF header cannot be read";
    } else if (gelf_getclass(elf) != ELFCLASS64) {
        trouble = "is a 32-bit program; hakmem-debug.so is for 64-bit x86-64 programs";
    } else if (header.e_machine != EM_X86_64) {
        trouble = "is for another processor; hakmem-debug.so is for x86-64";
    } else {
        size_t count = 0;
        elf_getphdrnum(elf, &count);
        for (size_t i = 0; i < count; i++) {
            GElf_Phdr segment;
            if (!gelf_getphdr(elf, (int)i, &segment) || segment.p_type != PT_INTERP)
                continue;
            size_t bytes =
                segment.p_filesz < sizeof interpreter ? segment.p_filesz : sizeof interpreter - 1;
            if (pread(fd, interpreter, bytes, (off_t)segment.p_offset) < 0)
                interpreter[0] = '\0';
        }
        if (!interpreter[0])
            trouble = "is statically linked, so nothing can get between it and its malloc; link it "
                      "dynamically";
        else if (!strstr(interpreter, "ld-linux-x86-64"))
            trouble = "is linked against another C library than glibc; hakmem-debug.so needs glibc";
        else
            trouble = foreign_allocator(elf);
    }
    elf_end(elf);
    if (trouble)
        view_error("run: %s %s", path, trouble);
    return trouble == NULL;
}

static bool check_file(const char *path, int depth);

/* "#!/usr/bin/env python3": the program that will really run is behind env. */
static bool check_script(const char *path, char *line, int depth) {
    char program[PATH_MAX];
    char *rest = NULL;
    line[strcspn(line, "\r\n")] = '\0';
    char *interpreter = strtok_r(line + 2, " \t", &rest);
    if (!interpreter) {
        view_error("run: %s: its first line names no interpreter", path);
        return false;
    }
    const char *base = strrchr(interpreter, '/');
    char *argument = strtok_r(NULL, " \t", &rest);
    if (base && strcmp(base, "/env") == 0) {
        while (argument && (argument[0] == '-' || strchr(argument, '=')))
            argument = strtok_r(NULL, " \t", &rest);
        if (argument)
            return find_program(argument, program) && check_file(program, depth + 1);
    }
    if (!is_program(interpreter)) {
        view_error("run: %s: its interpreter %s cannot be executed: %s", path, interpreter,
                   strerror(errno));
        return false;
    }
    return check_file(interpreter, depth + 1);
}

static bool check_file(const char *path, int depth) {
    char head[512] = {0};
    if (depth > INTERPRETERS_MAX) {
        view_error("run: %s: too many interpreters of interpreters", path);
        return false;
    }
    if (changes_rights(path))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        /* A program may be executable and not readable; then it just has to be tried. */
        return errno == EACCES;
    }
    ssize_t got = pread(fd, head, sizeof head - 1, 0);
    bool good;
    if (got >= 2 && memcmp(head, "#!", 2) == 0) {
        good = check_script(path, head, depth);
    } else if (got >= 4 && memcmp(head, "\177ELF", 4) == 0) {
        good = check_elf(path, fd);
    } else {
        view_error("run: %s is no program: neither an ELF file nor a script that begins with #!",
                   path);
        good = false;
    }
    close(fd);
    return good;
}

bool run_target_check(const char *program) {
    char path[PATH_MAX];
    return find_program(program, path) && check_file(path, 0);
}
