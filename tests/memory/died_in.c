/* Names the code in which a signal ends a program under a limit: `died_in -v|-d KIB PRELOAD PROGRAM
 * [ARGUMENT...]` starts it with the soft limit of address space (-v) or of data (-d) in KiB and
 * with PRELOAD as LD_PRELOAD, and prints the file whose mapping the instruction pointer lies in
 * when a fault's signal comes, or "no signal" when the program ends by itself. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_up(const char *what) {
    perror(what);
    exit(125);
}

static void start(int resource, rlim_t bytes, const char *preload, char **arguments) {
    struct rlimit limit;
    setenv("LD_PRELOAD", preload, 1);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    getrlimit(resource, &limit);
    limit.rlim_cur = bytes;
    setrlimit(resource, &limit);
    execv(arguments[0], arguments);
    _exit(127);
}

/* Prints the file, or "nothing", that is mapped where the stopped process `id` executes. */
static void print_place(pid_t id) {
    char path[64], line[4352], file[4097] = "nothing";
    struct user_regs_struct registers;
    unsigned long start, end;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)id);
    FILE *maps = fopen(path, "r");
    if (!maps || ptrace(PTRACE_GETREGS, id, NULL, &registers) != 0)
        give_up("died_in: cannot look at the program");
    while (fgets(line, sizeof line, maps)) {
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && registers.rip >= start &&
            registers.rip < end)
            (void)!sscanf(line, "%*s %*s %*s %*s %*s %4096[^\n]", file);
    }
    fclose(maps);
    puts(file);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fputs("usage: died_in -v|-d KIB PRELOAD PROGRAM [ARGUMENT...]\n", stderr);
        return 125;
    }
    pid_t id = fork();
    if (id < 0)
        give_up("died_in: fork");
    if (id == 0)
        start(strcmp(argv[1], "-v") == 0 ? RLIMIT_AS : RLIMIT_DATA,
              strtoul(argv[2], NULL, 10) * 1024, argv[3], argv + 4);
    int status;
    while (waitpid(id, &status, 0) == id && WIFSTOPPED(status)) {
        int sent = WSTOPSIG(status);
        if (sent == SIGSEGV || sent == SIGBUS || sent == SIGILL || sent == SIGABRT) {
            print_place(id);
            kill(id, SIGKILL);
            return 0;
        }
        ptrace(PTRACE_CONT, id, NULL, (void *)(long)(sent == SIGTRAP ? 0 : sent));
    }
    puts("no signal");
    return 0;
}
