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

enum { TEXT_BYTES = 1 << 20, WORD_BYTES = 24 };

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
    return true;
}

static void make_step(const struct sequence_step *s) {
    volatile char *p = block[s->block] + (s->verb == SEQUENCE_CHURN ? 0 : s->a);
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
    default:
        _exit(3);
    }
}

/* The steps of one thread that follow one another. */
struct part {
    int first, end;
};

static void *make_part(void *context) {
    const struct part *part = context;
    for (int i = part->first; i < part->end; i++)
        make_step(&steps[i]);
    return NULL;
}

int player_make_sequence(void) {
    struct part part = {0};
    block[0] = fixed;
    if (!read_steps())
        return 3;
    for (; part.first < step_count; part.first = part.end) {
        uint32_t thread = steps[part.first].thread;
        pthread_t handle;
        for (part.end = part.first; part.end < step_count && steps[part.end].thread == thread;)
            part.end++;
        if (thread == 1)
            make_part(&part);
        else if (pthread_create(&handle, NULL, make_part, &part) != 0 ||
                 pthread_join(handle, NULL) != 0)
            return 3;
    }
    return 0;
}
