/* Runs a program in which the kernel refuses memory to hakmem: `fail_call [OPTION...] PROGRAM
 * [ARGUMENT...]`.
 *
 *   --first N      the first call that fails, counted from 1 (0, the default: none)
 *   --count K      so many fail in a row (1)
 *   --preload L    LD_PRELOAD of the program
 *   --seen FILE    the number of calls that were seen is written there
 *
 * Counted are mmap, mprotect, mremap, munmap, madvise and memfd_create of the program, its threads
 * and its forked children that are made by code of libhakmem.so or hakmem-debug.so for itself, not
 * for the program (the section hak_program_calls); those that fail give ENOMEM and are not carried
 * out. Done with ptrace, so that nothing for it is in the libraries. The status is the program's,
 * or 128 and the number of the signal that ended it. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { tasks_max = 256 };

struct task {
    pid_t id;
    bool in_call, fails;
};
static struct task tasks[tasks_max];
static long first, count = 1, seen;
static bool counts; /* from the program's exec on */
static uintptr_t text_start, text_end;
static uintptr_t program_start, program_end; /* where hakmem makes the program's own calls */

static void give_up(const char *what) {
    perror(what);
    exit(125);
}

static struct task *task_of(pid_t id) {
    struct task *unused = NULL;
    for (int i = 0; i < tasks_max; i++) {
        if (tasks[i].id == id)
            return &tasks[i];
        if (!tasks[i].id && !unused)
            unused = &tasks[i];
    }
    if (!unused)
        give_up("fail_call: too many threads");
    *unused = (struct task){.id = id};
    return unused;
}

/* Looks in the library at `path`, whose code is mapped from `offset` on at text_start. */
static void find_program_calls(const char *path, unsigned long offset) {
    struct stat status;
    int file = open(path, O_RDONLY);
    const char *bytes = file < 0 || fstat(file, &status) != 0
                            ? MAP_FAILED
                            : mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        give_up(path);
    close(file);
    const Elf64_Ehdr *head = (const void *)bytes;
    const Elf64_Shdr *section = (const void *)(bytes + head->e_shoff);
    const char *names = bytes + section[head->e_shstrndx].sh_offset;
    program_start = program_end = 0;
    for (int i = 0; i < head->e_shnum; i++)
        if (strcmp(names + section[i].sh_name, "hak_program_calls") == 0) {
            program_start = text_start + section[i].sh_offset - offset;
            program_end = program_start + section[i].sh_size;
        }
    munmap((void *)(uintptr_t)bytes, (size_t)status.st_size);
}

/* Finds the library's code; it lies at one place until the next exec. */
static void find_text(pid_t id) {
    char path[64], line[4352];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)id);
    FILE *file = fopen(path, "r");
    while (file && !text_end && fgets(line, sizeof line, file)) {
        unsigned long start, end, offset;
        char rights[5];
        if (!strstr(line, "/libhakmem.so") && !strstr(line, "/hakmem-debug.so\n"))
            continue;
        if (sscanf(line, "%lx-%lx %4s %lx", &start, &end, rights, &offset) == 4 &&
            rights[2] == 'x') {
            text_start = start;
            text_end = end;
            line[strcspn(line, "\n")] = 0;
            find_program_calls(strchr(line, '/'), offset);
        }
    }
    if (file)
        fclose(file);
}

static bool is_memory_call(long number) {
    return number == SYS_mmap || number == SYS_mprotect || number == SYS_mremap ||
           number == SYS_munmap || number == SYS_madvise || number == SYS_memfd_create;
}

static void at_call(struct task *task) {
    struct user_regs_struct registers;
    task->in_call = !task->in_call;
    if (ptrace(PTRACE_GETREGS, task->id, NULL, &registers) != 0)
        return;
    if (!task->in_call) {
        if (task->fails) {
            registers.rax = (unsigned long)-ENOMEM;
            ptrace(PTRACE_SETREGS, task->id, NULL, &registers);
        }
        task->fails = false;
        return;
    }
    if (!counts || !is_memory_call((long)registers.orig_rax))
        return;
    if (!text_end)
        find_text(task->id);
    if (registers.rip < text_start || registers.rip >= text_end)
        return;
    if (registers.rip >= program_start && registers.rip < program_end)
        return;
    seen++;
    if (first && seen >= first && seen < first + count) {
        task->fails = true;
        registers.orig_rax = (unsigned long)-1;
        ptrace(PTRACE_SETREGS, task->id, NULL, &registers);
    }
}

static int watch(pid_t program) {
    int status, result = 125;
    for (;;) {
        pid_t id = waitpid(-1, &status, __WALL);
        if (id < 0)
            return result;
        struct task *task = task_of(id);
        if (!WIFSTOPPED(status)) {
            if (id == program)
                result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            task->id = 0;
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) {
            at_call(task);
            signal = 0;
        } else if (event == PTRACE_EVENT_EXEC) {
            counts = true;
            text_start = text_end = 0;
            signal = 0;
        } else if (event != 0 || signal == SIGSTOP) {
            signal = 0;
        }
        ptrace(PTRACE_SYSCALL, id, NULL, (void *)(long)signal);
    }
}

static pid_t start(char **arguments, const char *preload) {
    pid_t program = fork();
    if (program == 0) {
        if (preload)
            setenv("LD_PRELOAD", preload, 1);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    int status;
    if (program < 0 || waitpid(program, &status, 0) != program || !WIFSTOPPED(status))
        give_up("fail_call: fork");
    if (ptrace(PTRACE_SETOPTIONS, program, NULL,
               (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE |
                        PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL)) != 0)
        give_up("fail_call: ptrace");
    ptrace(PTRACE_SYSCALL, program, NULL, NULL);
    return program;
}

int main(int argc, char **argv) {
    const char *preload = NULL, *seen_file = NULL;
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--first") == 0)
            first = atol(argv[at + 1]);
        else if (strcmp(argv[at], "--count") == 0)
            count = atol(argv[at + 1]);
        else if (strcmp(argv[at], "--preload") == 0)
            preload = argv[at + 1];
        else if (strcmp(argv[at], "--seen") == 0)
            seen_file = argv[at + 1];
        else
            break;
    }
    if (at >= argc) {
        fputs("usage: fail_call [--first N] [--count K] [--preload L] [--seen FILE] PROGRAM...\n",
              stderr);
        return 125;
    }
    int result = watch(start(argv + at, preload));
    FILE *file = seen_file ? fopen(seen_file, "w") : NULL;
    if (file) {
        fprintf(file, "%ld\n", seen);
        fclose(file);
    }
    return result;
}
