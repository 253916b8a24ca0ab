/* Checks the state that a recorder that comes and goes must keep, from the one thread that it has
 * to use. Prints "ready", a line for whatever changed, and "all as it was" at SIGTERM.
 *
 *   kept registers   all registers, vector and x87 ones too, in a loop
 *   kept tiles       these and the tiles of AMX, where processor and kernel have them
 *   kept calls       the same over system calls that a stop interrupts
 *   kept process     errno, signal mask, handlers, alternate stack, dlerror, working directory
 *   kept modules     order and places of modules, search path, what names mean,
 *                    which file a name opens */
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;
static int wrong;

static void note_end(int number) {
    is_over = number;
}

static void expect(bool holds, const char *what) {
    if (!holds && wrong++ < 20)
        fprintf(stderr, "changed: %s\n", what);
}

/* ---- registers ------------------------------------------------------------------------------- */

enum {
    GENERAL = 15, /* all but rsp */
    AREA_BYTES = 12288,
    XMM = 1 << 1,
    STATE_WANTED = 1 << 0 | XMM | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 7, /* x87, SSE, AVX, AVX-512 */
    TILE_FORM = 17,
    TILES = 18,
    PARTS = 19,
};

struct state {
    uint64_t general[GENERAL];
    uint64_t carry;
    _Alignas(64) unsigned char area[AREA_BYTES];
};

/* Fills all registers from `due`, counts `loops` down or makes system calls, and says in `got` what
 * they hold. */
void hold(const struct state *due, struct state *got, struct state *own, uint64_t loops,
          uint64_t mask);
void hold_over_calls(const struct state *due, struct state *got, struct state *own, uint64_t nap_ns,
                     uint64_t mask);
_Static_assert(offsetof(struct state, area) == 128, "see below");

#define BEGIN                                                                                      \
    "    .cfi_startproc\n"                                                                         \
    "    push %rbx\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    push %rbp\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    push %r12\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    push %r13\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    push %r14\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    push %r15\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    .cfi_rel_offset %rbx, 40\n .cfi_rel_offset %rbp, 32\n .cfi_rel_offset %r12, 24\n"         \
    "    .cfi_rel_offset %r13, 16\n .cfi_rel_offset %r14, 8\n .cfi_rel_offset %r15, 0\n"           \
    "    sub $40, %rsp\n .cfi_adjust_cfa_offset 40\n"                                              \
    "    mov %rcx, (%rsp)\n" /* loops, or seconds */                                               \
    "    movq $0, 8(%rsp)\n"                                                                       \
    "    mov %rsi, 16(%rsp)\n" /* got */                                                           \
    "    mov %rdx, 24(%rsp)\n" /* own */                                                           \
    "    mov %r8, 32(%rsp)\n"  /* mask */                                                          \
    "    mov %rdi, %rbx\n mov %rdx, %rbp\n"                                                        \
    "    mov %r8d, %eax\n xor %edx, %edx\n"                                                        \
    "    xsave64 128(%rbp)\n"                                                                      \
    "    xrstor64 128(%rbx)\n"                                                                     \
    "    mov %rbx, %rax\n"                                                                         \
    "    mov 8(%rax), %rbx\n mov 16(%rax), %rcx\n mov 24(%rax), %rdx\n mov 32(%rax), %rsi\n"       \
    "    mov 40(%rax), %rdi\n mov 48(%rax), %rbp\n mov 56(%rax), %r8\n mov 64(%rax), %r9\n"        \
    "    mov 72(%rax), %r10\n mov 80(%rax), %r11\n mov 88(%rax), %r12\n mov 96(%rax), %r13\n"      \
    "    mov 104(%rax), %r14\n mov 112(%rax), %r15\n mov (%rax), %rax\n"                           \
    "    stc\n"
#define END                                                                                        \
    "    push %rax\n .cfi_adjust_cfa_offset 8\n"                                                   \
    "    mov 24(%rsp), %rax\n"                                                                     \
    "    mov %rbx, 8(%rax)\n mov %rcx, 16(%rax)\n mov %rdx, 24(%rax)\n mov %rsi, 32(%rax)\n"       \
    "    mov %rdi, 40(%rax)\n mov %rbp, 48(%rax)\n mov %r8, 56(%rax)\n mov %r9, 64(%rax)\n"        \
    "    mov %r10, 72(%rax)\n mov %r11, 80(%rax)\n mov %r12, 88(%rax)\n mov %r13, 96(%rax)\n"      \
    "    mov %r14, 104(%rax)\n mov %r15, 112(%rax)\n"                                              \
    "    setc 120(%rax)\n"                                                                         \
    "    mov %rax, %rbx\n"                                                                         \
    "    pop %rax\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    mov %rax, (%rbx)\n"                                                                       \
    "    mov 32(%rsp), %eax\n xor %edx, %edx\n"                                                    \
    "    xsave64 128(%rbx)\n"                                                                      \
    "    mov 24(%rsp), %rbp\n"                                                                     \
    "    xrstor64 128(%rbp)\n"                                                                     \
    "    add $40, %rsp\n .cfi_adjust_cfa_offset -40\n"                                             \
    "    pop %r15\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    pop %r14\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    pop %r13\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    pop %r12\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    pop %rbp\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    pop %rbx\n .cfi_adjust_cfa_offset -8\n"                                                   \
    "    ret\n"                                                                                    \
    "    .cfi_endproc\n"

/* dec leaves the carry flag alone. The loop's last 128 bytes below rsp are the function's own, too.
 */
__asm__(".text\n.globl hold\n.type hold, @function\nhold:\n" BEGIN
        "    mov %rax, -8(%rsp)\n mov %r15, -128(%rsp)\n"
        "1:  decq (%rsp)\n"
        "    jnz 1b\n"
        "    mov -8(%rsp), %rax\n mov -128(%rsp), %r15\n" END ".size hold, .-hold\n");

/* The kernel changes rax, rcx and r11 alone: nanosleep(8(%rsp), NULL) of (%rsp) ns, which go the
 * other way around. */
__asm__(".text\n.globl hold_over_calls\n.type hold_over_calls, @function\nhold_over_calls:\n" BEGIN
        "    push %rax\n .cfi_adjust_cfa_offset 8\n push %rcx\n .cfi_adjust_cfa_offset 8\n"
        "    push %r11\n .cfi_adjust_cfa_offset 8\n push %rdi\n .cfi_adjust_cfa_offset 8\n"
        "    push %rsi\n .cfi_adjust_cfa_offset 8\n"
        "    pushq 40(%rsp)\n .cfi_adjust_cfa_offset 8\n pushq $0\n .cfi_adjust_cfa_offset 8\n"
        "    mov %rsp, %rdi\n mov $0, %esi\n mov $35, %eax\n"
        "    syscall\n"
        "    lea 16(%rsp), %rsp\n .cfi_adjust_cfa_offset -16\n"
        "    pop %rsi\n .cfi_adjust_cfa_offset -8\n pop %rdi\n .cfi_adjust_cfa_offset -8\n"
        "    pop %r11\n .cfi_adjust_cfa_offset -8\n pop %rcx\n .cfi_adjust_cfa_offset -8\n"
        "    pop %rax\n .cfi_adjust_cfa_offset -8\n" END
        ".size hold_over_calls, .-hold_over_calls\n");

/* Where component `number` of the state lies in the area. */
static unsigned place_of(unsigned number, unsigned *bytes) {
    unsigned size, offset, c, d;
    __cpuid_count(0xd, number, size, offset, c, d);
    *bytes = size;
    return offset;
}

static uint64_t state_mask(void) {
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low & STATE_WANTED;
}

/* Eight tiles of 16 rows of 64 bytes, as LDTILECFG takes it. */
static void fill_tile_form(unsigned char *form) {
    memset(form, 0, 64);
    form[0] = 1;
    for (unsigned i = 0; i < 8; i++) {
        form[16 + 2 * i] = 64;
        form[48 + i] = 16;
    }
}

static void fill(struct state *due, uint64_t mask) {
    enum { HEADER_AT = 512, FCW = 0x027f, MXCSR = 0x7f80, XMM_AT = 160, ST_AT = 32 };
    memset(due, 0, sizeof *due);
    for (unsigned i = 0; i < GENERAL; i++)
        due->general[i] = 0x0102030405060708u * (i + 3);
    due->carry = 1;
    uint16_t control = FCW;
    uint32_t rounding = MXCSR;
    memcpy(due->area, &control, sizeof control);
    due->area[4] = 0xff; /* all x87 registers are in use */
    memcpy(due->area + 24, &rounding, sizeof rounding);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned byte = 0; byte < 10; byte++)
            due->area[ST_AT + 16 * i + byte] = (unsigned char)(i * 10 + byte + 1);
    for (unsigned byte = 0; byte < 256; byte++)
        due->area[XMM_AT + byte] = (unsigned char)(byte * 7 + 1);
    for (unsigned number = 2; number < PARTS; number++) {
        unsigned bytes, at = place_of(number, &bytes);
        for (unsigned byte = 0; (mask >> number & 1) && byte < bytes; byte++)
            due->area[at + byte] = (unsigned char)(byte * 11 + number);
        if (number == TILE_FORM && (mask >> number & 1))
            fill_tile_form(due->area + at);
    }
    memcpy(due->area + HEADER_AT, &mask, sizeof mask);
}

static void hold_registers(bool over_calls, uint64_t more) {
    enum { LOOPS = 300000, NAP_NS = 500000, LEGACY_BYTES = 416, MASK_AT = 28 };
    static struct state due, got, own;
    uint64_t mask = state_mask() | more;
    fill(&due, mask);
    while (!is_over) {
        memset(&got, 0, sizeof got);
        memset(&own, 0, sizeof own);
        if (over_calls)
            hold_over_calls(&due, &got, &own, NAP_NS, mask);
        else
            hold(&due, &got, &own, LOOPS, mask);
        memcpy(got.area + MASK_AT, due.area + MASK_AT,
               4); /* what mxcsr may hold, by the processor */
        expect(memcmp(due.general, got.general, sizeof due.general) == 0, "general registers");
        expect(got.carry == 1, "the carry flag");
        expect(memcmp(due.area, got.area, 32) == 0, "control words of x87 and SSE");
        expect(memcmp(due.area + 32, got.area + 32, LEGACY_BYTES - 32) == 0,
               "x87 and SSE registers");
        for (unsigned number = 2; number < PARTS; number++) {
            unsigned bytes, at = place_of(number, &bytes);
            if (mask >> number & 1)
                expect(memcmp(due.area + at, got.area + at, bytes) == 0,
                       number < TILE_FORM ? "AVX registers" : "tiles");
        }
    }
}

/* The parts of tiles that the thread may use from now on; 0: there are none. */
static uint64_t tiles(void) {
    enum { REQUEST_PERMISSION = 0x1023 };
    unsigned low, high, bytes, at = place_of(TILES, &bytes);
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    uint64_t parts = low & (1 << TILE_FORM | 1 << TILES);
    return parts && at + bytes <= AREA_BYTES &&
                   syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILES) == 0
               ? parts
               : 0;
}

/* ---- the process ----------------------------------------------------------------------------- */

struct process {
    sigset_t mask;
    stack_t alternate;
    struct sigaction action[65];
    char directory[4096];
    mode_t umask;
    struct rlimit stack;
};

static void look(struct process *p) {
    memset(p, 0, sizeof *p);
    sigprocmask(SIG_SETMASK, NULL, &p->mask);
    sigaltstack(NULL, &p->alternate);
    for (int number = 1; number < 65; number++)
        (void)sigaction(number, NULL, &p->action[number]);
    if (!getcwd(p->directory, sizeof p->directory))
        abort();
    umask(p->umask = umask(0));
    getrlimit(RLIMIT_STACK, &p->stack);
}

static bool is_same_action(const struct sigaction *a, const struct sigaction *b) {
    return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags &&
           memcmp(&a->sa_mask, &b->sa_mask, 8) == 0;
}

static void look_at_process(void) {
    static struct process due, now;
    static char alternate[1 << 16];
    sigset_t some;
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigaddset(&some, SIGRTMIN + 3);
    sigprocmask(SIG_BLOCK, &some, NULL);
    look(&due);
    while (!is_over) {
        (void)dlopen("no such file", RTLD_NOW); /* dlerror speaks of it, whatever comes between */
        errno = 77;
        for (volatile int i = 0; i < 300000; i++)
            continue;
        expect(errno == 77, "errno");
        const char *said = dlerror();
        expect(said && strstr(said, "no such file"), "dlerror");
        (void)dlerror();
        for (volatile int i = 0; i < 300000; i++)
            continue;
        expect(dlerror() == NULL, "dlerror that has nothing to say");
        free(malloc(10));
        look(&now);
        expect(memcmp(&due.mask, &now.mask, sizeof due.mask) == 0, "the signal mask");
        expect(due.alternate.ss_sp == now.alternate.ss_sp &&
                   due.alternate.ss_flags == now.alternate.ss_flags,
               "the alternate stack");
        for (int number = 1; number < 65; number++)
            expect(is_same_action(&due.action[number], &now.action[number]), "a signal handler");
        expect(strcmp(due.directory, now.directory) == 0, "the working directory");
        expect(due.umask == now.umask, "the umask");
        expect(due.stack.rlim_cur == now.stack.rlim_cur, "a limit");
    }
}

/* ---- modules --------------------------------------------------------------------------------- */

static const char *const names[] = {"malloc",      "free",   "dlopen", "pthread_create",
                                    "zlibVersion", "strdup", "environ"};
enum { NAMES = sizeof names / sizeof *names, LISTED = 64 };

struct modules {
    unsigned count;
    uintptr_t at[LISTED];
    void *first[NAMES], *next[NAMES];
    char paths[4096];
    char opened[4096];
};

static int list(struct dl_phdr_info *info, size_t bytes, void *context) {
    struct modules *m = context;
    (void)bytes;
    if (m->count < LISTED)
        m->at[m->count] = info->dlpi_addr;
    m->count++;
    return 0;
}

static void look_up(struct modules *m) {
    Dl_serinfo head, *all;
    memset(m, 0, sizeof *m);
    dl_iterate_phdr(list, m);
    for (unsigned i = 0; i < NAMES; i++) {
        m->first[i] = dlsym(RTLD_DEFAULT, names[i]);
        m->next[i] = dlsym(RTLD_NEXT, names[i]);
    }
    void *self = dlopen(NULL, RTLD_NOW);
    if (!self || dlinfo(self, RTLD_DI_SERINFOSIZE, &head) != 0)
        abort();
    all = calloc(1, head.dls_size);
    memcpy(all, &head, sizeof head < head.dls_size ? sizeof head : head.dls_size);
    if (dlinfo(self, RTLD_DI_SERINFOSIZE, all) != 0 || dlinfo(self, RTLD_DI_SERINFO, all) != 0)
        abort();
    for (unsigned i = 0; i < all->dls_cnt; i++) {
        strncat(m->paths, all->dls_serpath[i].dls_name, sizeof m->paths - strlen(m->paths) - 2);
        strcat(m->paths, ":");
    }
    free(all);
    dlclose(self);
    /* By name alone, as its RUNPATH has it. */
    void *plugin = dlopen("libz.so.1", RTLD_LAZY);
    struct link_map *map;
    if (plugin && dlinfo(plugin, RTLD_DI_LINKMAP, &map) == 0)
        snprintf(m->opened, sizeof m->opened, "%s", map->l_name);
    if (plugin)
        dlclose(plugin);
}

static void look_at_modules(void) {
    static struct modules due, now;
    look_up(&due);
    printf("%s\n%s\n", due.paths, due.opened);
    fflush(stdout);
    while (!is_over) {
        for (volatile int i = 0; i < 300000; i++)
            continue;
        look_up(&now);
        unsigned more = now.count - due.count; /* the recorder's library, behind all others */
        expect(more <= 1, "the number of modules");
        expect(memcmp(due.at, now.at, due.count * sizeof *due.at) == 0, "the order of modules");
        expect(memcmp(due.first, now.first, sizeof due.first) == 0, "what names mean");
        expect(memcmp(due.next, now.next, sizeof due.next) == 0, "what names mean behind");
        expect(strcmp(due.paths, now.paths) == 0, "the search path");
        expect(strcmp(due.opened, now.opened) == 0, "which file a name opens");
        expect(!dlsym(RTLD_DEFAULT, "hak_attach_begin"), "names that were not there");
        expect(!getenv("LD_PRELOAD") && !getenv("HAKMEM_SESSION"), "the environment");
    }
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    signal(SIGTERM, note_end);
    puts("ready");
    fflush(stdout);
    if (strcmp(what, "registers") == 0 || strcmp(what, "calls") == 0)
        hold_registers(what[0] == 'c', 0);
    else if (strcmp(what, "tiles") == 0)
        hold_registers(false, tiles());
    else if (strcmp(what, "process") == 0)
        look_at_process();
    else if (strcmp(what, "modules") == 0)
        look_at_modules();
    else
        return 2;
    puts(wrong ? "not as it was" : "all as it was");
    return 0;
}
