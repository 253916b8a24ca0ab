/* Compares hakmem's walks with libgcc's, in frames of every kind that aarch64 has: an argument
 * names the case. Says what differs, and how many stacks were compared. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>
#include "unwind/code.h"
#include "unwind/modules.h"
#include "unwind/splice.h"
#include "unwind/unwind.h"

enum { FRAMES = 400 };

struct stack {
    uintptr_t ips[FRAMES];
    size_t count;
};

static unsigned compared, wrong, least, most, tried, spliced, kept;

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *stack_) {
    struct stack *stack = stack_;
    if (stack->count < FRAMES)
        stack->ips[stack->count++] = _Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static void show(const char *name, const struct stack *stack) {
    for (size_t i = 0; i < stack->count; i++) {
        Dl_info info = {0};
        bool is_named = dladdr((void *)(stack->ips[i] - 1), &info) && info.dli_sname;
        printf("  %s %2zu %#lx %s\n", name, i, (unsigned long)stack->ips[i],
               is_named         ? info.dli_sname
               : info.dli_fname ? info.dli_fname
                                : "?");
    }
}

/* Is there no call frame information for it? In the PLT libgcc goes no further. */
struct dwarf_bases {
    void *text, *data, *function;
};
extern const void *_Unwind_Find_FDE(void *pc, struct dwarf_bases *bases);
static bool has_no_fde(uintptr_t pc) {
    struct dwarf_bases bases;
    return !_Unwind_Find_FDE((void *)pc, &bases);
}

/* Behind the frames that are left out the stacks have to be the same. An outermost 0 is no frame.
 */
static void match(const struct stack *ours, const struct stack *theirs, size_t skip_ours,
                  size_t skip_theirs, enum hak_unwind_end end, enum hak_unwind_end expected) {
    size_t our_frames = ours->count - skip_ours, their_frames = theirs->count - skip_theirs;
    while (their_frames > 0 && theirs->ips[skip_theirs + their_frames - 1] == 0)
        their_frames--;
    bool is_cut = their_frames < our_frames && their_frames > 0 &&
                  has_no_fde(theirs->ips[skip_theirs + their_frames - 1]);
    bool is_same = ours->count > skip_ours && theirs->count > skip_theirs &&
                   (our_frames == their_frames || is_cut) &&
                   memcmp(ours->ips + skip_ours, theirs->ips + skip_theirs,
                          their_frames * sizeof *theirs->ips) == 0;
    compared++;
    least = our_frames < least ? (unsigned)our_frames : least;
    most = our_frames > most ? (unsigned)our_frames : most;
    if (is_same && end == expected)
        return;
    if (wrong++ == 0) {
        printf("end %d, expected %d\n", end, expected);
        show("ours  ", ours);
        show("theirs", theirs);
    }
}

/* These functions stand for hakmem's own, whose frames are left out. */
#define COMPARES __attribute__((noinline, section("compares")))
extern const char __start_compares[], __stop_compares[];

/* The same stack by the splice: what of the thread's last one stands is kept. Its words have to be
 * `ours` from the program's frames on. */
COMPARES static void splice(const struct stack *ours) {
    enum { LIMIT = 1000, VERSION = 1 };
    struct hak_thread_stacks *all =
        hak_thread_stacks ? hak_thread_stacks : hak_splice_begin(VERSION, LIMIT);
    struct hak_walk_place place = hak_place_above(__builtin_frame_address(0));
    struct hak_last_stack *last = &all->last;
    struct hak_stack_memory memory;
    hak_own_text.start[0] = (uintptr_t)__start_compares;
    hak_own_text.bytes[0] = (uintptr_t)(__stop_compares - __start_compares);
    hak_stack_memory_begin(&memory, place.sp);
    if (memory.span == 0)
        return; /* another stack */
    tried++;
    if (!hak_splice_leave_own(all, &hak_stack_bounds, &place))
        return;
    int fresh = hak_splice_walk(all, last, &hak_stack_bounds, place,
                                hak_splice_compare(last, 0, hak_place_at(&place)));
    if (fresh < 0)
        return;
    spliced++;
    kept += last->kept;
    uint32_t at = last->kept;
    for (; fresh > 0; at++)
        hak_splice_put(last, at, &all->fresh[--fresh], at ? hak_frame_sp(last, at - 1) : 0);
    last->count = at;
    last->found[at] = (struct hak_found_word){0, 0};
    size_t first = 0;
    while (first < ours->count && hak_is_own_text(ours->ips[first]))
        first++;
    bool is_same = ours->count - first == at && last->end == HAK_UNWIND_COMPLETE;
    for (uint32_t i = 0; is_same && i < at; i++)
        is_same = last->found[at - 1 - i].value == ours->ips[first + i];
    if (is_same || wrong++ > 0)
        return;
    printf("%u frames, %zu by the walk\n", at, ours->count - first);
    struct stack other = {.count = at < FRAMES ? at : FRAMES};
    for (size_t i = 0; i < other.count; i++)
        other.ips[i] = last->found[at - 1 - i].value;
    show("walked ", ours);
    show("spliced", &other);
}

/* The first frame of both that is the same lies in the caller of compare(). */
COMPARES void compare_ending(enum hak_unwind_end expected) {
    struct stack ours, theirs = {.count = 0};
    enum hak_unwind_end end;
    ours.count = hak_unwind_here(ours.ips, FRAMES, &end);
    _Unwind_Backtrace(note, &theirs);
    match(&ours, &theirs, 1, 1, end, expected);
    splice(&ours);
    __asm__ volatile("" : : : "memory");
}
COMPARES void compare(void) {
    compare_ending(HAK_UNWIND_COMPLETE);
    __asm__ volatile("" : : : "memory");
}

/* ---- frames of C ---- */

#define NOINLINE __attribute__((noinline, noclone))

static volatile int sink;

NOINLINE static int recurse(int depth) {
    volatile char room[48];
    room[depth % 48] = (char)depth;
    if (depth == 0)
        compare();
    else
        sink += recurse(depth - 1);
    return room[depth % 48] + sink;
}

NOINLINE static int with_room_of_its_own(int depth, size_t bytes) {
    volatile char *room = __builtin_alloca(bytes);
    room[bytes - 1] = (char)depth;
    if (depth == 0)
        compare();
    else
        sink += with_room_of_its_own(depth - 1, bytes + 56);
    return room[bytes - 1] + sink;
}

NOINLINE static int with_a_large_frame(int depth) {
    volatile char room[200000];
    room[depth] = 1;
    if (depth == 0)
        compare();
    else
        sink += with_a_large_frame(depth - 1);
    return room[depth];
}

/* Registers that calls preserve are saved only where they are needed (shrink wrapping). */
NOINLINE static long wraps_shrunk(long a, long b, long c, long d) {
    if (a < 0)
        return b + c;
    long e = (long)recurse((int)a), f = (long)recurse(0), g = a * b, h = b * c, i = c * d;
    compare();
    return e + f + g * h - i + d;
}

NOINLINE static int many_arguments(int a, int b, int c, int d, int e, int f, int g, int h, int i,
                                   int j, int k) {
    compare();
    return a + b + c + d + e + f + g + h + i + j + k + recurse(2);
}

NOINLINE static int aligned(int depth) {
    _Alignas(256) volatile char room[256];
    room[0] = (char)depth;
    if (depth == 0)
        compare();
    else
        sink += aligned(depth - 1);
    return room[0];
}

static int by_compare(const void *a, const void *b) {
    compare();
    return *(const int *)a - *(const int *)b;
}

static void frames_of_c(void) {
    int numbers[8] = {5, 2, 7, 1, 9, 3, 8, 4};
    recurse(0);
    recurse(200);
    with_room_of_its_own(40, 16);
    with_a_large_frame(5);
    wraps_shrunk(3, 1, 2, 5);
    many_arguments(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    aligned(20);
    qsort(numbers, 8, sizeof *numbers, by_compare);
}

/* ---- frames of assembler, with CFI ---- */

void call_saved_above(void (*function)(void)), call_without_fp(void (*function)(void)),
    call_reversed(void (*function)(void)), call_moved(void (*function)(void)),
    call_computed(void (*function)(void)), call_signed(void (*function)(void)),
    call_odd_base(void (*function)(void));

static void frames_of_assembler(void) {
    call_saved_above(compare);
    call_without_fp(compare);
    call_reversed(compare);
    call_moved(compare);
    call_computed(compare);
    call_signed(compare);
    call_odd_base(compare);
}

/* ---- signals ---- */

static unsigned handled;

/* The handler's stack, and the one from the interrupted instruction on. */
static void on_signal(int number, siginfo_t *info, void *context) {
    struct stack ours, theirs = {.count = 0};
    struct hak_registers registers;
    enum hak_unwind_end end;
    (void)number, (void)info;
    handled++;
    ours.count = hak_unwind_here(ours.ips, FRAMES, &end);
    _Unwind_Backtrace(note, &theirs);
    match(&ours, &theirs, 1, 1, end, HAK_UNWIND_COMPLETE);
    hak_registers_from_context(&registers, context);
    size_t interrupted = 0;
    struct stack from;
    while (interrupted < theirs.count &&
           theirs.ips[interrupted] != registers.value[HAK_REGISTER_IP])
        interrupted++;
    from.count = hak_unwind_from(&registers, from.ips, FRAMES, &end);
    if (interrupted < theirs.count)
        match(&from, &theirs, 0, interrupted, end, HAK_UNWIND_COMPLETE);
    else if (wrong++ == 0)
        printf("the interrupted instruction is not in libgcc's stack\n"), show("theirs", &theirs);
}

/* No call, no frame: the return address is in x30. */
NOINLINE static int leaf(int *p) {
    __asm__ volatile("udf #0" : : "r"(p) : "memory");
    return *p;
}
static void skip(int number, siginfo_t *info, void *context) {
    on_signal(number, info, context);
    ((ucontext_t *)context)->uc_mcontext.pc += 4;
}

NOINLINE static void prepare(int number, void (*handler)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaction(number, &action, NULL);
}

NOINLINE static int raises(int depth) {
    volatile int here = depth;
    if (depth == 0)
        raise(SIGUSR1);
    else
        sink += raises(depth - 1);
    return here + sink;
}

static void signals(void) {
    int number = 7;
    stack_t other = {.ss_sp = malloc(1 << 18), .ss_size = 1 << 18};
    for (int i = 0; i < 2; i++) {
        prepare(SIGUSR1, on_signal, i ? SA_ONSTACK : 0);
        prepare(SIGILL, skip, i ? SA_ONSTACK : 0);
        raises(4);
        leaf(&number);
        sigaltstack(&other, NULL);
    }
    if (handled != 4)
        wrong++, printf("%u signals\n", handled);
}

/* Every instruction of what a timer interrupts: prologues, epilogues, libc. */
static void *spin(void *unused) {
    int numbers[64];
    (void)unused;
    for (int i = 0; i < 64; i++)
        numbers[i] = i * 37 % 64;
    while (handled < 2000) {
        qsort(numbers, 64, sizeof *numbers, (int (*)(const void *, const void *))strcmp);
        for (int i = 0; i < 64; i++)
            numbers[i] = (int)((unsigned)numbers[i] * 1103515245u + 12345u) >> 4 & 0xffff;
        sink += snprintf((char[64]){0}, 64, "%d %f", numbers[0], numbers[1] * 1.5);
    }
    return NULL;
}
static void on_timer(int number, siginfo_t *info, void *context) {
    on_signal(number, info, context);
}
static void timers(void) {
    const struct itimerspec often = {{0, 200000}, {0, 200000}};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_t timer;
    prepare(SIGALRM, on_timer, 0);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &often, NULL);
    spin(NULL);
    timer_delete(timer);
}

/* ---- threads, contexts, modules ---- */

static void *in_thread(void *unused) {
    recurse(30);
    frames_of_assembler();
    return unused;
}
static void threads(void) {
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, in_thread, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
}

static void modules(void) {
    for (int i = 0; i < 20; i++) {
        void *module = dlopen("./module.so", RTLD_NOW);
        void (*call)(void (*)(void)) =
            module ? (void (*)(void (*)(void)))dlsym(module, "call_through") : NULL;
        if (!call) {
            wrong++, printf("%s\n", dlerror());
            return;
        }
        call(compare);
        dlclose(module);
        hak_modules_check();
    }
}

/* ---- lazy binding ---- */

/* libgcc cannot step over it. A resolver is called in it; what lies outside of it was noted before.
 */
static struct stack outside;
static bool ends_outside(const struct stack *ours) {
    size_t same = 0;
    while (same < ours->count && same < outside.count &&
           ours->ips[ours->count - 1 - same] == outside.ips[outside.count - 1 - same])
        same++;
    return outside.count > 3 && same + 1 >= outside.count && ours->count > outside.count;
}
NOINLINE static void note_outside(void) {
    outside.count = 0;
    _Unwind_Backtrace(note, &outside);
    while (outside.count > 0 && outside.ips[outside.count - 1] == 0)
        outside.count--;
    memmove(outside.ips, outside.ips + 1, --outside.count * sizeof *outside.ips);
}
static void compare_outside(enum hak_unwind_end expected) {
    struct stack ours;
    enum hak_unwind_end end;
    ours.count = hak_unwind_here(ours.ips, FRAMES, &end);
    compared++;
    if ((ends_outside(&ours) && end == expected) || wrong++ > 0)
        return;
    printf("end %d\n", end);
    show("ours   ", &ours);
    show("outside", &outside);
}
NOINLINE void compare_lazily(void) {
    compare_outside(HAK_UNWIND_COMPLETE);
    __asm__ volatile("" : : : "memory");
}
NOINLINE static int binds_lazily(int depth, void (*call)(void (*)(void))) {
    volatile char room[80];
    room[depth] = 1;
    if (depth == 0) {
        note_outside();
        call(compare_lazily);
    } else {
        sink += binds_lazily(depth - 1, call);
    }
    return room[depth];
}
static void lazy(void) {
    void *module = dlopen("./module.so", RTLD_LAZY);
    void (*call)(void (*)(void)) = (void (*)(void (*)(void)))dlsym(module, "call_resolver");
    binds_lazily(6, call);
    dlclose(module);
}

/* ---- code without CFI ---- */

NOINLINE void compare_bare(void) {
    compare_outside(HAK_UNWIND_BY_FRAMES);
    __asm__ volatile("" : : : "memory");
}
void call_bare(void (*function)(void)), call_barely(void (*function)(void));
int call_bare_compiled(void (*function)(void), int depth);
NOINLINE static int bare_below(int depth) {
    volatile char room[80];
    room[depth] = 1;
    if (depth == 0) {
        note_outside();
        call_bare(compare_bare);
        call_barely(compare_bare);
        call_bare_compiled(compare_bare, 5);
    } else {
        sink += bare_below(depth - 1);
    }
    return room[depth];
}

static void bare(void) {
    bare_below(0);
    bare_below(10);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {{"c", frames_of_c},   {"assembler", frames_of_assembler},
             {"signals", signals}, {"timers", timers},
             {"threads", threads}, {"modules", modules},
             {"lazy", lazy},       {"bare", bare}};

int main(int argc, char **argv) {
    hak_modules_start(NULL);
    for (int i = 1; i < argc; i++) {
        compared = wrong = most = tried = spliced = kept = 0, least = FRAMES;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
            if (strcmp(cases[k].name, argv[i]) == 0)
                cases[k].run();
        printf("%s: %u stacks of %u to %u frames, %u differ; %u of %u spliced, %u frames kept\n",
               argv[i], compared, most ? least : 0, most, wrong, spliced, tried, kept);
    }
    return 0;
}
