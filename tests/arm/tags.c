/* Commits generated faults, each in a process of its own, and looks whether hakmem-debug.so stops
 * the process at the very access; and each one's good twin, which it must not accuse
 * (tests/arm/tags.sh).
 *
 *     tags FIRST COUNT [large|light] [late]   cases FIRST to FIRST + COUNT - 1, the odd ones good;
 * prints what went wrong, then how many there were. late: accesses are found later, and carried out
 *
 * A case is made by its number alone: blocks of one size, of which some are freed; then an access
 * right behind one of them, over its end, right in front, after its free, or after its free while a
 * later block lies there, up to 14 lives later; or a free by such a pointer. Large blocks also come
 * by calloc and realloc; longer ones than WHOLE_BYTES have tags at their borders alone. In level
 * light a block ends where malloc_usable_size says, and fewer lives are certain. */
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { BEHIND, IN_FRONT, FREED, REUSED, FREED_AGAIN, KINDS };
static const char *const kind_names[] = {"behind", "in front", "freed", "reused", "freed again"};

/* One instruction each: where a report must say that the thread stands. */
#define ACCESS(name, instruction)                                                                  \
    extern void name(uintptr_t);                                                                   \
    __asm__(".globl " #name "\n" #name ": " instruction "\n\tret\n");
ACCESS(read_1, "ldrb w1, [x0]")
ACCESS(read_2, "ldrh w1, [x0]")
ACCESS(read_4, "ldr w1, [x0]")
ACCESS(read_8, "ldr x1, [x0]")
ACCESS(read_16, "ldr q1, [x0]")
ACCESS(read_32, "ldp q1, q2, [x0]")
ACCESS(write_1, "strb wzr, [x0]")
ACCESS(write_2, "strh wzr, [x0]")
ACCESS(write_4, "str wzr, [x0]")
ACCESS(write_8, "str xzr, [x0]")
ACCESS(write_16, "str q1, [x0]")
ACCESS(write_32, "stp q1, q2, [x0]")
enum { WIDTHS = 6 };
static void (*const accesses[])(uintptr_t) = {
    read_1,  read_2,  read_4,  read_8,  read_16,  read_32,
    write_1, write_2, write_4, write_8, write_16, write_32,
};

static uint64_t state;
static unsigned draw(unsigned below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

struct wanted {
    enum kind kind;
    unsigned lives, size, bytes;
    int offset;
    uintptr_t address, pc;
};

static uintptr_t address_of(uintptr_t pointer) {
    return pointer & (((uintptr_t)1 << 56) - 1);
}

enum { BLOCKS = 24, TRIES = 20000, LARGE_TRIES = 50, LARGE_BYTES = 32768, WHOLE_BYTES = 1 << 20 };
enum {
    PAGE = 4096,
    MOST_HOLES = 2000,
    MORE_THAN_QUARANTINE = 12,
    BEHIND_BYTES = 31 /* of a large block's mapping, behind the bytes asked for */
};
static char *blocks[BLOCKS];
static int is_large, is_light, is_late;

static unsigned draw_size(enum kind kind) {
    if (is_light && draw(3) == 0)
        return LARGE_BYTES + draw(draw(2) ? LARGE_BYTES : WHOLE_BYTES - LARGE_BYTES + 1);
    if (!is_large)
        return draw(8) == 0 ? 1 + draw(30000) : draw(2) ? 16 * (1 + draw(64)) : 1 + draw(1200);
    if (draw(4) == 0 && kind != REUSED && kind != FREED_AGAIN)
        return WHOLE_BYTES + 1 + draw(2 * WHOLE_BYTES);
    return LARGE_BYTES + draw(draw(2) ? LARGE_BYTES : WHOLE_BYTES - LARGE_BYTES + 1);
}

/* A block by malloc, or by another call of the family. */
static char *make(unsigned size) {
    unsigned other = is_large || is_light ? draw(6) : 5;
    char *block = other > 2    ? malloc(size)
                  : other == 2 ? calloc(1, size)
                               : malloc(draw_size(FREED));
    if (other < 2)
        block = realloc(block, size);
    memset(block, 1, size < 64 ? size : 64);
    memset(block + size - (size < 64 ? size : 64), 1, size < 64 ? size : 64);
    return block;
}

/* Takes closed pages at the address, where nothing is mapped yet. */
static void take_pages(uintptr_t address, size_t bytes) {
    void *taken = mmap((void *)address, bytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (taken != MAP_FAILED && (uintptr_t)taken != address)
        munmap(taken, bytes);
}

/* Has the next mapping at the place that the kernel chooses, the highest that is long enough, or
 * the lowest (vm.legacy_va_layout). qemu-user 7.2 asks its kernel for the place behind the last
 * mapping, so that old places came back by chance alone: where something is mapped there, it takes
 * what the kernel gives. [hole, hole + bytes) is left as it is. */
static void let_kernel_place(uintptr_t hole, size_t bytes) {
    char *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page, PAGE);
    if ((uintptr_t)page - hole >= bytes)
        take_pages((uintptr_t)page, 2 * PAGE);
}

/* The same of a large block, in level normal: its place becomes a hole of its own length, between
 * pages that are taken; then blocks that stay fill the holes that come before it, and it. Few are
 * freed, as tags of the last 256 freed large blocks alone are remembered. */
static char *next_large_life(char *block, unsigned size) {
    char *others[MORE_THAN_QUARANTINE], *next;
    uintptr_t place = address_of((uintptr_t)block);
    for (unsigned i = 0; i < MORE_THAN_QUARANTINE; i++)
        others[i] = malloc(size);
    free(block);
    for (unsigned i = 0; i < MORE_THAN_QUARANTINE; i++)
        free(others[i]);
    take_pages(place / PAGE * PAGE - PAGE, PAGE);
    take_pages((place + size + BEHIND_BYTES + PAGE - 1) / PAGE * PAGE, PAGE);
    for (unsigned holes = 0; holes < MOST_HOLES; holes++) {
        let_kernel_place(place / PAGE * PAGE, size);
        next = malloc(size);
        if (address_of((uintptr_t)next) == place)
            return next;
    }
    _exit(4);
}

/* Frees the block, then others until it has left quarantine, and allocates until one lies in its
 * place again. NULL: level light has put none of its large ones there. */
static char *next_life(char *block, unsigned size) {
    if (is_large)
        return next_large_life(block, size);
    char *others[BLOCKS], *next = NULL;
    uintptr_t place = address_of((uintptr_t)block);
    for (unsigned i = 0; i < BLOCKS; i++)
        others[i] = malloc(size);
    free(block);
    for (unsigned tries = 0; tries < (is_light ? LARGE_TRIES : TRIES); tries++) {
        next = malloc(size);
        if (address_of((uintptr_t)next) == place)
            return next;
        free(others[tries % BLOCKS]);
        others[tries % BLOCKS] = next;
    }
    if (!is_light) /* where it may be guarded */
        _exit(4);
    return NULL;
}

/* Says what is about to happen, then does it. */
static void commit(unsigned number, int out) {
    struct wanted wanted = {.kind = number / 2 % KINDS};
    int is_good = number % 2;
    state = number / 2 * 2654435761u + 12345;
    if (is_large)
        let_kernel_place(0, 0);
    unsigned width = draw(WIDTHS), bytes = 1u << width, is_write = draw(2);
    unsigned size = draw_size(wanted.kind);
    unsigned least = bytes < 8 ? 8 : bytes;
    if (size < least)
        size = least;
    for (unsigned i = 0; i < BLOCKS; i++)
        blocks[i] = is_large || is_light ? make(size) : malloc(size);
    for (unsigned i = 0; i < BLOCKS / 4; i++) {
        unsigned which = draw(BLOCKS - 1);
        free(blocks[which]);
        blocks[which] = NULL;
    }
    char *block = blocks[BLOCKS - 1], *old = block;
    wanted.size = size;
    wanted.bytes = bytes;
    wanted.offset = (int)draw(size - bytes + 1);
    /* A guarded block of level light may begin at any even address. */
    uintptr_t end = (uintptr_t)block + (is_light ? malloc_usable_size(block) : size);
    int to_end = (int)((end + 15) / 16 * 16 - (uintptr_t)block);
    int over = wanted.kind == BEHIND && !is_good && bytes > 1 && draw(4) == 0;
    if (wanted.kind == BEHIND && !is_good)
        wanted.offset = over ? to_end - 1 - (int)draw(bytes - 1) : to_end + (int)draw(16);
    if (wanted.kind == IN_FRONT && !is_good)
        wanted.offset = -1 - (int)((uintptr_t)block % 16) - (int)draw(16);
    if (wanted.kind == FREED && !is_good)
        free(block);
    if (wanted.kind == REUSED || wanted.kind == FREED_AGAIN) {
        unsigned lives = 1 + draw(!is_light ? 14 : size < LARGE_BYTES ? 6 : 4);
        char *next = block;
        while (wanted.lives < lives && (next = next_life(block, size))) {
            block = next;
            wanted.lives++;
        }
        if (!next) {
            wanted.kind = FREED;
            block = old = make(size);
            if (!is_good)
                free(block);
        }
    }
    char *by = is_good ? block : old;
    wanted.address = address_of(
        (uintptr_t)by + (wanted.kind == FREED_AGAIN ? 0 : (uintptr_t)(intptr_t)wanted.offset));
    if (over) /* the first byte that is not the block's */
        wanted.address = address_of((uintptr_t)by + (uintptr_t)to_end);
    wanted.pc = (uintptr_t)accesses[width + WIDTHS * is_write];
    if (write(out, &wanted, sizeof wanted) != sizeof wanted)
        _exit(3);
    if (wanted.kind == FREED_AGAIN)
        free(by);
    else
        accesses[width + WIDTHS * is_write]((uintptr_t)by + (uintptr_t)(intptr_t)wanted.offset);
}

static uint64_t number_behind(const char *text, const char *words) {
    const char *at = strstr(text, words);
    return at ? strtoull(at + strlen(words), NULL, 16) : 0;
}

/* Whether a report's address is that of the access. Where the access runs into the next page and
 * that is closed, the processor names its first byte: pages come before tags. */
static int is_there(uint64_t address, const struct wanted *wanted) {
    return address == wanted->address ||
           (wanted->kind != FREED_AGAIN && address % 4096 == 0 && address > wanted->address &&
            address < wanted->address + wanted->bytes);
}

static unsigned again; /* cases in which a later block lies in the place */

/* Runs the case in a child; 1: it was found, and by the right name; 0: by another one; -1: not at
 * all, or not there. */
static int try(unsigned number) {
    static char text[1 << 16];
    int said[2], result[2], status;
    size_t length = 0;
    ssize_t got;
    struct wanted wanted = {0};
    if (pipe(said) || pipe(result))
        exit(2);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(said[1], 2);
        commit(number, result[1]);
        exit(0);
    }
    close(said[1]);
    close(result[1]);
    while (length < sizeof text - 1 &&
           (got = read(said[0], text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = 0;
    got = read(result[0], &wanted, sizeof wanted);
    close(said[0]);
    close(result[0]);
    waitpid(child, &status, 0);
    again += wanted.kind == REUSED || wanted.kind == FREED_AGAIN;
    int is_good = number % 2, is_right, is_named;
    const char *name = wanted.kind == BEHIND        ? "HKM-301"
                       : wanted.kind == IN_FRONT    ? "HKM-302"
                       : wanted.kind == FREED_AGAIN ? "HKM-202"
                                                    : "HKM-304";
    if (is_good) {
        is_right =
            got == sizeof wanted && length == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        is_named = 1;
    } else {
        uint64_t pc = number_behind(text, "    #0 ");
        is_right = got == sizeof wanted && status != 0 && strstr(text, "hakmem: HKM-") &&
                   is_there(number_behind(text, " at "), &wanted) &&
                   (wanted.kind == FREED_AGAIN || pc == wanted.pc);
        is_named = strstr(text, name) != NULL;
        if (is_late) { /* the signal says that there was one, or a report has the damage */
            is_right = got == sizeof wanted && status != 0 && strstr(text, "hakmem: ");
            is_named =
                strstr(text, "used a pointer with a wrong memory tag") || strstr(text, "HKM-");
        }
    }
    if (!is_right || (!is_named && getenv("TAGS_SAY")))
        printf(
            "case %u, %s%s, size %u, offset %d, %u lives, at %#lx by %#lx, status %#x:\n%.1500s\n",
            number, kind_names[wanted.kind], is_good ? " (good)" : "", wanted.size, wanted.offset,
            wanted.lives, (unsigned long)wanted.address, (unsigned long)wanted.pc, (unsigned)status,
            text);
    return is_right ? is_named : -1;
}

int main(int count, char **arguments) {
    unsigned first = count > 1 ? (unsigned)atoi(arguments[1]) : 0,
             cases = count > 2 ? (unsigned)atoi(arguments[2]) : 1;
    unsigned named = 0, failed = 0;
    is_large = count > 3 && strcmp(arguments[3], "large") == 0;
    is_light = count > 3 && strcmp(arguments[3], "light") == 0;
    is_late = count > 3 && strcmp(arguments[count - 1], "late") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0); /* what an interrupted run has found is there */
    for (unsigned i = first; i < first + cases; i++) {
        int result = try(i);
        named += result == 1;
        failed += result < 0;
    }
    printf("%u cases, %u failed, %u named, %u of blocks in whose place a later one lies\n", cases,
           failed, named, again);
    return failed != 0;
}
