/* Reads the file of HAKMEM_GUARD=only: and finds its stacks again. */
#include "guard/choose/only.h"

#include <stdatomic.h>
#include <string.h>
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/trace.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    RULES_MAX = 256,
    FRAMES_MAX = 4096,
    ID_BYTES_MAX = 32,
    VERDICT_BITS = 16,
    EXPECTED_BESIDE = 1, /* blocks before and behind the one that is expected: threads take turns */
    DEPTH_MAX = 64       /* frames of a rule */
};

struct frame {
    uint64_t offset;
    const char *name; /* of the module's file, without folders; NULL = any frame */
    uint8_t id_bytes; /* 0 = it has none, and `name` decides */
    uint8_t id[ID_BYTES_MAX];
};

struct rule {
    uint32_t first, frames;
    uint64_t from, to; /* numbers of its blocks, from 1 */
    uint64_t size;     /* 0 = any */
    uint64_t thread;   /* 0 = any */
    uint64_t watch;    /* bytes behind a block's last one that a debug register watches */
    uint64_t number;   /* of the block at which damage is expected, 0 = not known */
    _Atomic uint64_t met;
};

/* Contents of the file; zero = nothing is chosen. */
static struct only {
    char *text; /* ended by NUL */
    struct frame *frame;
    struct rule *rule;
    uint32_t frames, rules;
    _Atomic uint64_t *verdict; /* stack id << 32 | rule + 1, or 0 for none of them */
} only;

/* ---- the file ---------------------------------------------------------------------------------
 */

static bool refuse(const char *path, const char *why) {
    const char *parts[] = {"hakmem: HAKMEM_GUARD=only:", path, ": ", why, "; no block is guarded"};
    hak_options_say(parts, sizeof parts / sizeof *parts);
    only = (struct only){0};
    return false;
}

static bool read_text(const char *path) {
    long file = hak_open(path), got = 0;
    size_t length = 0;
    only.text = file >= 0 ? hak_raw_map(FILE_BYTES_MAX + 1) : NULL;
    while (only.text && length < FILE_BYTES_MAX &&
           (got = hak_read(file, only.text + length, FILE_BYTES_MAX - length)) > 0)
        length += (size_t)got;
    hak_close(file);
    return only.text && got >= 0 && length < FILE_BYTES_MAX && strlen(only.text) == length;
}

static const char *skip_blanks(const char *at) {
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of `base`; NULL: there is none, or there are too many. */
static const char *read_number(const char *at, int base, uint64_t *out) {
    const char *start = at;
    for (*out = 0; digit_of(*at) < base; at++)
        if (__builtin_mul_overflow(*out, (uint64_t)base, out) ||
            __builtin_add_overflow(*out, (uint64_t)digit_of(*at), out))
            return NULL;
    return at == start ? NULL : at;
}

/* "stack from=2 to=9 size=40 thread=3 watch=1 number=5": each of them may be left out. */
static bool read_stack(const char *at) {
    struct rule *rule = &only.rule[only.rules];
    if (only.rules == RULES_MAX)
        return false;
    *rule = (struct rule){.first = only.frames, .from = 1, .to = UINT64_MAX};
    only.rules++;
    while (*(at = skip_blanks(at))) {
        static const char *const names[] = {
            "from=", "to=", "size=", "thread=", "watch=", "number="};
        uint64_t *const fields[] = {&rule->from,   &rule->to,    &rule->size,
                                    &rule->thread, &rule->watch, &rule->number};
        enum { FIELDS = sizeof names / sizeof *names };
        unsigned i = 0;
        while (i < FIELDS && strncmp(at, names[i], strlen(names[i])) != 0)
            i++;
        if (i == FIELDS || !(at = read_number(at + strlen(names[i]), 10, fields[i])) ||
            (*at && *at != ' ' && *at != '\t'))
            return false;
    }
    return rule->watch <= UINT16_MAX;
}

static const char *read_id(const char *at, struct frame *frame) {
    if (at[0] == '-')
        return at + 1;
    for (; digit_of(at[0]) < 16 && digit_of(at[1]) < 16; at += 2) {
        if (frame->id_bytes == ID_BYTES_MAX)
            return NULL;
        frame->id[frame->id_bytes++] = (uint8_t)(digit_of(at[0]) << 4 | digit_of(at[1]));
    }
    return frame->id_bytes ? at : NULL;
}

static const char *name_in(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "0x1161 BUILD-ID PATH", or "*" for any frame. */
static bool read_frame(const char *at) {
    struct frame *frame = &only.frame[only.frames];
    if (only.rules == 0 || only.frames == FRAMES_MAX ||
        only.rule[only.rules - 1].frames == DEPTH_MAX)
        return false;
    *frame = (struct frame){0};
    if (strcmp(at, "*") != 0) {
        if (at[0] != '0' || at[1] != 'x' || !(at = read_number(at + 2, 16, &frame->offset)) ||
            *at != ' ' || !(at = read_id(skip_blanks(at), frame)) || *at != ' ')
            return false;
        frame->name = name_in(skip_blanks(at));
        if (!frame->name[0])
            return false;
    }
    only.frames++;
    only.rule[only.rules - 1].frames++;
    return true;
}

/* One line, ended by NUL in the place of its '\n'. */
static bool read_line(const char *line) {
    const char *at = skip_blanks(line);
    if (!*at || *at == '#')
        return true;
    if (at == line && strncmp(at, "stack", 5) == 0 && (!at[5] || at[5] == ' '))
        return read_stack(at + 5);
    return at != line && read_frame(at);
}

static bool read_lines(void) {
    static const char head[] = "hakmem-only 1\n";
    if (strncmp(only.text, head, sizeof head - 1) != 0)
        return false;
    for (char *line = only.text + sizeof head - 1; *line;) {
        char *end = strchr(line, '\n');
        if (!end)
            return false; /* cut off */
        *end = '\0';
        if (!read_line(line))
            return false;
        line = end + 1;
    }
    for (uint32_t i = 0; i < only.rules; i++)
        if (only.rule[i].frames == 0)
            return false; /* it would be every stack */
    return true;
}

bool hak_only_start(const char *path) {
    only = (struct only){0};
    if (!read_text(path))
        return refuse(path, "it cannot be read");
    only.frame = hak_raw_map(FRAMES_MAX * sizeof *only.frame);
    only.rule = hak_raw_map(RULES_MAX * sizeof *only.rule);
    only.verdict = hak_raw_map(sizeof *only.verdict << VERDICT_BITS);
    if (!only.frame || !only.rule || !only.verdict)
        return refuse(path, "there is no memory for it");
    if (!read_lines())
        return refuse(path, "it is not as `hakmem-trace hunt` writes it");
    return true;
}

/* ---- stacks ------------------------------------------------------------------------------------
 */

static bool is_frame(const struct frame *due, const struct hak_code_place *found) {
    if (!due->name)
        return true;
    if (found->offset != due->offset)
        return false;
    if (due->id_bytes && found->build_id_bytes)
        return due->id_bytes == found->build_id_bytes &&
               memcmp(due->id, found->build_id, due->id_bytes) == 0;
    return found->path && strcmp(due->name, name_in(found->path)) == 0;
}

/* The first rule whose frames are the stack's innermost ones, counted from 1; 0 = none. */
static uint32_t find_rule(uint32_t stack, bool is_partial) {
    struct hak_code_place place[DEPTH_MAX];
    uint32_t count = (uint32_t)hak_stack_places(stack, place, DEPTH_MAX);
    for (uint32_t r = 0; r < only.rules && count > 0; r++) {
        const struct rule *rule = &only.rule[r];
        uint32_t frames = rule->frames < count ? rule->frames : count, i = 0;
        if (count < rule->frames && !is_partial)
            continue;
        while (i < frames && is_frame(&only.frame[rule->first + i], &place[i]))
            i++;
        if (i == frames)
            return r + 1;
    }
    return 0;
}

static uint32_t verdict_of(uint32_t stack, bool is_partial) {
    _Atomic uint64_t *place = &only.verdict[stack & ((1u << VERDICT_BITS) - 1)];
    uint64_t known = atomic_load_explicit(place, memory_order_relaxed);
    if (HAK_LIKELY(known >> 32 == stack))
        return (uint32_t)known;
    uint32_t rule = find_rule(stack, is_partial);
    atomic_store_explicit(place, (uint64_t)stack << 32 | rule, memory_order_relaxed);
    return rule;
}

static bool is_expected(const struct rule *rule, uint64_t number) {
    return rule->number != 0 && number + EXPECTED_BESIDE >= rule->number &&
           number - EXPECTED_BESIDE <= rule->number;
}

bool hak_only_chooses(uint32_t stack, bool is_partial, size_t asked_bytes, uint32_t thread,
                      struct hak_only_choice *choice) {
    if (only.rules == 0 || stack == 0)
        return false;
    uint32_t number = verdict_of(stack, is_partial);
    if (number == 0)
        return false;
    struct rule *rule = &only.rule[number - 1];
    if ((rule->size && rule->size != asked_bytes) || (rule->thread && rule->thread != thread))
        return false;
    uint64_t met = atomic_fetch_add_explicit(&rule->met, 1, memory_order_relaxed) + 1;
    *choice = (struct hak_only_choice){(uint16_t)rule->watch, is_expected(rule, met)};
    return met >= rule->from && met <= rule->to;
}
