/* A sequence as a C program. Steps that differ in their block alone are a loop. */
#include "viewer/reduce/parts.h"

#include <ctype.h>
#include <string.h>
#include "report/words/words.h"

static const char *const statements[] = {
#define VERB(name, word, statement) statement,
    SEQUENCE_VERBS(VERB)
#undef VERB
};

/* Steps that stand in one function: of one thread, and one function of the program. */
struct part {
    uint32_t first, end, number;
};

static bool next_part(const struct sequence *s, struct part *part) {
    part->first = part->end;
    if (part->first == s->count)
        return false;
    part->number++;
    const struct step *first = &s->step[part->first];
    while (part->end < s->count && s->step[part->end].made.thread == first->made.thread &&
           strcmp(s->step[part->end].function, first->function) == 0)
        part->end++;
    return true;
}

/* "parse_line_3": of a name's letters and digits up to its arguments. */
static void add_name(struct hak_text *text, const struct step *step, uint32_t number) {
    char name[48];
    size_t used = 0;
    for (const char *c = step->function; *c && *c != '(' && used < sizeof name - 1; c++)
        if (isalnum((unsigned char)*c) || (used > 0 && name[used - 1] != '_'))
            name[used++] = isalnum((unsigned char)*c) ? *c : '_';
    name[used] = '\0';
    hak_text_add(text, "%s%s_%u", isdigit((unsigned char)name[0]) ? "f" : "",
                 used ? name : "function", number);
}

/* A statement with its letters in the places of numbers. */
static void add_statement(struct hak_text *text, const struct sequence_step *s, bool is_loop) {
    char block[32], pointer[64];
    snprintf(block, sizeof block, is_loop ? "block[n]" : "block[%u]", s->block);
    if (s->a && verb_takes_pointer(s->verb)) { /* the compiler is not to see the offset */
        hak_text_add(text, "at = %s + %lld;\n    ", block, (long long)s->a);
        snprintf(pointer, sizeof pointer, "at");
    } else if (s->a)
        snprintf(pointer, sizeof pointer, "(%s + %lld)", block, (long long)s->a);
    else
        snprintf(pointer, sizeof pointer, "%s", block);
    const char *statement = statements[s->verb];
    char before = ' ';
    for (const char *c = statement; *c; before = *c++) {
        bool is_letter = !isalnum((unsigned char)before) && before != '_' && before != '\'' &&
                         !isalnum((unsigned char)c[1]) && c[1] != '_';
        if (is_letter && *c == 'V')
            hak_text_add(text, "%s", block);
        else if (is_letter && *c == 'P')
            hak_text_add(text, "%s", pointer);
        else if (is_letter && (*c == 'A' || *c == 'B'))
            hak_text_add(text, "%lld", (long long)(*c == 'A' ? s->a : s->b));
        else
            hak_text_add(text, "%c", *c);
    }
}

/* The function's name, with its part's number. */
static void add_call(struct hak_text *text, const struct sequence *s, const struct part *part) {
    hak_text_add(text, "    ");
    add_name(text, &s->step[part->first], part->number);
    hak_text_add(text, "();\n");
}

static void add_part(struct hak_text *text, const struct sequence *s, const struct part *part) {
    hak_text_add(text, "\nstatic void ");
    add_name(text, &s->step[part->first], part->number);
    hak_text_add(text, "(void) {\n");
    for (uint32_t i = part->first, end; i < part->end; i = end) {
        const struct sequence_step *made = &s->step[i].made;
        end = i + 1;
        while (end < part->end && step_follows(&s->step[end - 1].made, &s->step[end].made))
            end++;
        bool is_loop = end - i > 2 && !(made->a && verb_takes_pointer(made->verb));
        end = is_loop ? end : i + 1;
        hak_text_add(text, "    ");
        if (is_loop)
            hak_text_add(text, "for (int n = %u; n <= %u; n++)\n        ", made->block,
                         s->step[end - 1].made.block);
        add_statement(text, made, is_loop);
        hak_text_add(text, "\n");
    }
    hak_text_add(text, "}\n");
}

/* ---- threads -----------------------------------------------------------------------------------
 * main hands the turn on to a thread for each part of it, and waits until it has the turn back. */

static bool has_thread(const struct sequence *s, uint32_t from, uint32_t end, uint32_t thread) {
    for (uint32_t i = from; i < end; i++)
        if (s->step[i].made.thread == thread)
            return true;
    return false;
}

/* The function that a thread runs: its parts, each in its turn. */
static void add_thread(struct hak_text *text, const struct sequence *s, uint32_t thread) {
    struct part part = {0};
    if (!has_thread(s, 0, s->count, thread))
        return;
    hak_text_add(text, "\nstatic void *thread%u(void *unused) {\n", thread);
    while (next_part(s, &part)) {
        if (s->step[part.first].made.thread != thread)
            continue;
        hak_text_add(text, "    wait_for_turn(%u);\n", part.number);
        add_call(text, s, &part);
        hak_text_add(text, "    turn = 0;\n");
    }
    hak_text_add(text, "    return unused;\n}\n");
}

/* Adds main's lines for a part of another thread. */
static void add_turn(struct hak_text *text, const struct sequence *s, const struct part *part) {
    uint32_t thread = s->step[part->first].made.thread;
    if (!has_thread(s, 0, part->first, thread))
        hak_text_add(text,
                     "    if (pthread_create(&thread[%u], NULL, thread%u, NULL) != 0)\n"
                     "        return 3;\n",
                     thread, thread);
    hak_text_add(text, "    turn = %u;\n    wait_for_turn(0);\n", part->number);
    if (!has_thread(s, part->end, s->count, thread))
        hak_text_add(text, "    pthread_join(thread[%u], NULL);\n", thread);
}

static void add_main(struct hak_text *text, const struct sequence *s) {
    struct part part = {0};
    hak_text_add(text, "\nint main(void) {\n");
    if (program_needs_threads(s))
        hak_text_add(text, "    pthread_t thread[%u];\n", sequence_last_thread(s) + 1);
    hak_text_add(text, "    block[0] = fixed;\n");
    while (next_part(s, &part))
        if (s->step[part.first].made.thread == 1)
            add_call(text, s, &part);
        else
            add_turn(text, s, &part);
    hak_text_add(text, "    return 0;\n}\n");
}

/* ---- the head ----------------------------------------------------------------------------------
 */

struct needs {
    bool threads, symbols, beside, usable, seen, at, pools, places;
    uint32_t blocks;
};

static struct needs needs_of(const struct sequence *s) {
    struct needs needs = {.blocks = sequence_last_block(s)};
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sequence_step *made = &s->step[i].made;
        const char *statement = statements[made->verb];
        needs.threads |= made->thread != 1;
        needs.symbols |= strstr(statement, "find(") != NULL;
        needs.beside |= strstr(statement, "beside") != NULL;
        needs.usable |= made->verb == SEQUENCE_USABLE;
        needs.seen |= strstr(statement, "seen") != NULL;
        needs.pools |= verb_is_of_pool(made->verb);
        needs.places |= strstr(statement, "place[") != NULL;
        needs.at |= made->a && verb_takes_pointer(made->verb);
    }
    return needs;
}

bool program_needs_operators(const struct sequence *sequence) {
    return needs_of(sequence).symbols;
}

bool program_needs_threads(const struct sequence *sequence) {
    return needs_of(sequence).threads;
}

/* The user's command, in a comment: it must not end it, nor seem to begin another one. */
static void add_command(struct hak_text *text, const char *command) {
    for (const char *c = command; *c; c++) {
        bool is_mark = c > command && ((*c == '/' && c[-1] == '*') || (*c == '*' && c[-1] == '/'));
        hak_text_add(text, "%s%c", is_mark ? " " : "", (unsigned char)*c < ' ' ? ' ' : *c);
    }
}

void program_add_seen(struct hak_text *text, const char *before, const struct seen *seen) {
    const struct {
        const char *who, *says;
    } lines[] = {{"hakmem", seen->hakmem},
                 {"address sanitizer", seen->sanitizer},
                 {"glibc", seen->libc},
                 {"glibc, MALLOC_CHECK_=3", seen->libc_checks}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        hak_text_add(text, "%s%s: ", before, lines[i].who);
        add_command(text, lines[i].says);
        hak_text_add(text, "\n");
    }
}

static void add_head(struct hak_text *text, const struct reduction *r, bool has_threads,
                     const struct seen *seen) {
    if (r->check) {
        hak_text_add(text, "/* Made by hakmem-trace reduce --check '");
        add_command(text, r->check);
        hak_text_add(text, "'.\n *\n *     cc -Wall -g -o reduced FILE.c%s\n",
                     has_threads ? " -lpthread" : "");
    } else {
        hak_text_add(text, "/* HKM-%u, hop %s. Made by hakmem-trace reduce.\n *\n", r->wanted.code,
                     r->wanted.hop);
        hak_text_add(text, " *     cc -Wall -g -o reduced FILE.c%s\n *     HAKMEM_CHECK=normal ",
                     has_threads ? " -lpthread" : "");
        setting_add(text, &r->setting);
        hak_text_add(text, "LD_PRELOAD=hakmem-debug.so ./reduced\n");
    }
    if (r->setting.inject)
        hak_text_add(text, " *\n * " REDUCE_INJECTED "\n");
    if (r->stopped)
        hak_text_add(text, " *\n * It may not be the shortest: it was stopped.\n");
    if (seen) {
        hak_text_add(text, " *\n * Run when it was written:\n");
        program_add_seen(text, " *     ", seen);
    }
    hak_text_add(text, " */\n");
}

static void add_operators(struct hak_text *text) {
    hak_text_add(text, "\n/* C++'s operators, which the allocator has. */\n"
                       "typedef void *take(size_t);\n"
                       "typedef void *take_aligned(size_t, size_t);\n"
                       "typedef void drop(void *);\n"
                       "typedef void drop_sized(void *, size_t);\n\n"
                       "static void *find(const char *symbol) {\n"
                       "    void *found = dlsym(RTLD_DEFAULT, symbol);\n"
                       "    if (!found)\n"
                       "        exit(3);\n"
                       "    return found;\n"
                       "}\n");
}

static void add_places(struct hak_text *text) {
    static const char *const places[] = {
#define PLACE(name, word) word,
        SEQUENCE_PLACES(PLACE)
#undef PLACE
    };
    hak_text_add(text, "static const char *const place[] = {");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        hak_text_add(text, "%s\"%s\"", i > 0 ? ", " : "", places[i]);
    hak_text_add(text, "};\n");
}

static void add_pool_calls(struct hak_text *text) {
    static const char *const calls[] = {"create(const void *pool, const char *name)",
                                        "redzone(const void *pool, size_t before, size_t behind)",
                                        "allow(const void *pool, const char *from, const char *to)",
                                        "alloc(const void *pool, const void *piece, size_t bytes)",
                                        "free(const void *pool, const void *piece)",
                                        "move(const void *pool, const void *piece, const char *to)",
                                        "reset(const void *pool)",
                                        "destroy(const void *pool)"};
    hak_text_add(text, "\n/* hakmem.h has them. */\n");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        hak_text_add(text, "void hak_pool_%s __attribute__((weak));\n", calls[i]);
}

void program_add(struct hak_text *text, const struct reduction *r, const struct sequence *s,
                 const struct seen *seen) {
    struct needs needs = needs_of(s);
    struct part part = {0};
    add_head(text, r, needs.threads, seen);
    hak_text_add(text, "#define _GNU_SOURCE\n%s%s%s#include <stdlib.h>\n%s\n",
                 needs.symbols ? "#include <dlfcn.h>\n" : "",
                 needs.usable ? "#include <malloc.h>\n" : "",
                 needs.threads ? "#include <pthread.h>\n#include <sched.h>\n"
                                 "#include <stdatomic.h>\n"
                               : "",
                 needs.beside ? "#include <string.h>\n" : "");
    hak_text_add(text, "static char fixed[256];\nstatic char *volatile block[%u];\n",
                 needs.blocks + 1);
    if (needs.at)
        hak_text_add(text, "static char *volatile at;\n");
    if (needs.beside)
        hak_text_add(text,
                     "static char beside[%d];\n"
                     "static void *(*volatile copy)(void *, const void *, size_t) = memcpy; /* a "
                     "call, in any case */\n",
                     SEQUENCE_BESIDE_BYTES);
    if (needs.seen)
        hak_text_add(text, "volatile char seen;\n");
    if (needs.places)
        add_places(text);
    if (needs.pools)
        add_pool_calls(text);
    if (needs.symbols)
        add_operators(text);
    if (needs.threads)
        hak_text_add(text, "\n/* The part that runs now; 0: main, which hands the turn on in the "
                           "order of the record. */\n"
                           "static atomic_uint turn;\n\n"
                           "static void wait_for_turn(unsigned part) {\n"
                           "    while (turn != part)\n"
                           "        sched_yield();\n"
                           "}\n");
    while (next_part(s, &part))
        add_part(text, s, &part);
    for (uint32_t thread = 2; thread <= sequence_last_thread(s); thread++)
        add_thread(text, s, thread);
    add_main(text, s);
}
