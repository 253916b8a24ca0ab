/* Makes a sequence (sequence.h) that it reads from standard input. It allocates nothing itself. */
#include "player/sequence.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "player/player.h"

typedef void *take(size_t);
typedef void *take_aligned(size_t, size_t);
typedef void drop(void *);
typedef void drop_sized(void *, size_t);
typedef void create(const void *, const char *);
typedef void pool_redzone(const void *, size_t, size_t);
typedef void pool_allow(const void *, const char *, const char *);
typedef void pool_move(const void *, const void *, const char *);
typedef void pool_alloc(const void *, const void *, size_t);
typedef void pool_free(const void *, const void *);
typedef void pool_end(const void *);

enum { TEXT_BYTES = 64 * SEQUENCE_STEPS_MAX, WORD_BYTES = 24 };

static struct sequence_step steps[SEQUENCE_STEPS_MAX];
static int step_count;
static char text[TEXT_BYTES];
static char *volatile block[SEQUENCE_STEPS_MAX + 1];
static char fixed[256];
static char beside[SEQUENCE_BESIDE_BYTES];
static volatile char seen;

static const char *const words[] = {
#define VERB(name, word, statement) word,
    SEQUENCE_VERBS(VERB)
#undef VERB
};

static const char *const places[] = {
#define PLACE(name, word) word,
    SEQUENCE_PLACES(PLACE)
#undef PLACE
};

static const char *place_at(size_t number) {
    return number < SEQUENCE_PLACE_COUNT ? places[number] : "";
}

/* Is A of the verb no offset? */
static bool has_no_offset(enum sequence_verb verb) {
    return verb == SEQUENCE_CHURN || verb == SEQUENCE_POOL_REDZONE || verb == SEQUENCE_POOL_ALLOW;
}

static void *find(const char *symbol) {
    void *found = dlsym(RTLD_DEFAULT, symbol);
    if (!found)
        _exit(3);
    return found;
}

static bool read_line(char *line, struct sequence_step *step) {
    char word[WORD_BYTES];
    long a, b;
    if (sscanf(line, "%u %23s %u %ld %ld", &step->thread, word, &step->block, &a, &b) != 5 ||
        step->block > SEQUENCE_STEPS_MAX)
        return false;
    step->a = a;
    step->b = b;
    for (int i = 0; i < SEQUENCE_VERB_COUNT; i++)
        if (strcmp(words[i], word) == 0) {
            step->verb = (enum sequence_verb)i;
            return true;
        }
    return false;
}

static bool read_steps(void) {
    size_t bytes = 0;
    ssize_t got;
    while ((got = read(STDIN_FILENO, text + bytes, sizeof text - 1 - bytes)) > 0)
        bytes += (size_t)got;
    char *rest, *line = strtok_r(text, "\n", &rest);
    for (; line && step_count < SEQUENCE_STEPS_MAX; line = strtok_r(NULL, "\n", &rest))
        if (!read_line(line, &steps[step_count++]))
            return false;
    return !line && got == 0 && bytes < sizeof text - 1; /* all of it */
}

static void make_step(const struct sequence_step *s) {
    volatile char *p = block[s->block] + (has_no_offset(s->verb) ? 0 : s->a);
    char *to = (char *)p;
    size_t a = (size_t)s->a, b = (size_t)s->b;
    char *volatile *v = &block[s->block];
    switch (s->verb) {
    case SEQUENCE_MALLOC:
        *v = malloc(a);
        break;
    case SEQUENCE_CALLOC:
        *v = calloc(1, a);
        break;
    case SEQUENCE_ALIGNED:
        *v = aligned_alloc(b, a);
        break;
    case SEQUENCE_NEW:
        *v = ((take *)find("_Znwm"))(a);
        break;
    case SEQUENCE_NEW_ARRAY:
        *v = ((take *)find("_Znam"))(a);
        break;
    case SEQUENCE_NEW_ALIGNED:
        *v = ((take_aligned *)find("_ZnwmSt11align_val_t"))(a, b);
        break;
    case SEQUENCE_NEW_ARRAY_ALIGNED:
        *v = ((take_aligned *)find("_ZnamSt11align_val_t"))(a, b);
        break;
    case SEQUENCE_REALLOC:
        *v = realloc(to, b);
        break;
    case SEQUENCE_FREE:
        free(to);
        break;
    case SEQUENCE_DELETE:
        ((drop *)find("_ZdlPv"))(to);
        break;
    case SEQUENCE_DELETE_ARRAY:
        ((drop *)find("_ZdaPv"))(to);
        break;
    case SEQUENCE_DELETE_SIZED:
        ((drop_sized *)find("_ZdlPvm"))(to, b);
        break;
    case SEQUENCE_DELETE_ARRAY_SIZED:
        ((drop_sized *)find("_ZdaPvm"))(to, b);
        break;
    case SEQUENCE_DELETE_ALIGNED:
        ((drop_sized *)find("_ZdlPvSt11align_val_t"))(to, b);
        break;
    case SEQUENCE_DELETE_ARRAY_ALIGNED:
        ((drop_sized *)find("_ZdaPvSt11align_val_t"))(to, b);
        break;
    case SEQUENCE_WRITE:
        for (size_t i = 0; i < b; i++)
            p[i] = 'A';
        break;
    case SEQUENCE_READ:
        seen = p[b];
        break;
    case SEQUENCE_FOLLOW:
        seen = **(volatile char *volatile *)to;
        break;
    case SEQUENCE_COPY_IN:
        memcpy(to, beside, b);
        break;
    case SEQUENCE_COPY_OUT:
        memcpy(beside, to, b);
        break;
    case SEQUENCE_COUNT:
        *(long *)to = (long)b;
        break;
    case SEQUENCE_CHURN:
        for (size_t n = 0; n < b; n++)
            free(malloc(a));
        break;
    case SEQUENCE_USABLE:
        seen = (char)malloc_usable_size(to);
        break;
    case SEQUENCE_POOL_CREATE:
        ((create *)find("hak_pool_create"))(*v, "pool");
        break;
    case SEQUENCE_POOL_REDZONE:
        ((pool_redzone *)find("hak_pool_redzone"))(*v, a, b);
        break;
    case SEQUENCE_POOL_ALLOW:
        ((pool_allow *)find("hak_pool_allow"))(*v, place_at(a), place_at(b));
        break;
    case SEQUENCE_POOL_MOVE:
        ((pool_move *)find("hak_pool_move"))(*v, to, place_at(b));
        break;
    case SEQUENCE_POOL_ALLOC:
        ((pool_alloc *)find("hak_pool_alloc"))(*v, to, b);
        break;
    case SEQUENCE_POOL_FREE:
        ((pool_free *)find("hak_pool_free"))(block[b <= SEQUENCE_STEPS_MAX ? b : 0], to);
        break;
    case SEQUENCE_POOL_RESET:
        ((pool_end *)find("hak_pool_reset"))(*v);
        break;
    case SEQUENCE_POOL_DESTROY:
        ((pool_end *)find("hak_pool_destroy"))(*v);
        break;
    default:
        _exit(3);
    }
}

/* ---- turns -------------------------------------------------------------------------------------
 * The main thread goes through the steps. It gives the turn to the thread of others, up to the step
 * of another thread, and waits until it has the turn back. */

/* The step from which on a thread has the turn, plus 1; 0: the main thread has it. */
static uint32_t turn;

static void set_turn(uint32_t to) {
    __atomic_store_n(&turn, to, __ATOMIC_RELEASE);
    player_wake(&turn);
}

static uint32_t wait_while(uint32_t value) {
    while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) == value)
        player_sleep_while(&turn, value);
    return __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
}

/* Makes the steps of one thread from `first` on, up to those of another one. Returns the next. */
static int make_part(int first) {
    int i = first;
    for (; i < step_count && steps[i].thread == steps[first].thread; i++)
        make_step(&steps[i]);
    return i;
}

/* The next step of the thread of step `of`, from `from` on; step_count = none. */
static int next_of(int of, int from) {
    while (from < step_count && steps[from].thread != steps[of].thread)
        from++;
    return from;
}

static void *make_thread(void *context) {
    int first = (int)((struct sequence_step *)context - steps);
    for (int next = first; next < step_count;) {
        for (uint32_t now = 0; now != (uint32_t)next + 1;)
            now = wait_while(now);
        next = next_of(first, make_part(next));
        set_turn(0);
    }
    return NULL;
}

int player_make_sequence(void) {
    static pthread_t handle[SEQUENCE_STEPS_MAX]; /* of the thread that begins with the step */
    block[0] = fixed;
    if (!read_steps())
        return 3;
    for (int i = 0, end; i < step_count; i = end) {
        if (steps[i].thread == 1) {
            end = make_part(i);
            continue;
        }
        int first = next_of(i, 0);
        for (end = i; end < step_count && steps[end].thread == steps[i].thread;)
            end++;
        if (first == i && pthread_create(&handle[i], NULL, make_thread, &steps[i]) != 0)
            return 3;
        set_turn((uint32_t)i + 1);
        wait_while((uint32_t)i + 1);
        if (next_of(i, end) == step_count && pthread_join(handle[first], NULL) != 0)
            return 3;
    }
    return 0;
}
