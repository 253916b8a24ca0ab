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
    uint32_t first, end;
};

static bool next_part(const struct sequence *s, struct part *part) {
    part->first = part->end;
    if (part->first == s->count)
        return false;
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
    bool is_given = s->a && s->verb >= SEQUENCE_REALLOC && s->verb <= SEQUENCE_DELETE_ARRAY_SIZED;
    if (is_given) { /* the compiler is not to see the offset */
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

/* Is `b` the same as `a` with the next block? */
static bool follows(const struct sequence_step *a, const struct sequence_step *b) {
    return a->verb == b->verb && a->a == b->a && a->b == b->b && b->block == a->block + 1;
}

static void add_part(struct hak_text *text, const struct sequence *s, const struct part *part,
                     uint32_t number) {
    hak_text_add(text, "\nstatic void *");
    add_name(text, &s->step[part->first], number);
    hak_text_add(text, "(void *unused) {\n");
    for (uint32_t i = part->first, end; i < part->end; i = end) {
        const struct sequence_step *made = &s->step[i].made;
        end = i + 1;
        while (end < part->end && follows(&s->step[end - 1].made, &s->step[end].made))
            end++;
        bool is_loop = end - i > 2 && !(made->a && made->verb >= SEQUENCE_REALLOC &&
                                        made->verb <= SEQUENCE_DELETE_ARRAY_SIZED);
        end = is_loop ? end : i + 1;
        hak_text_add(text, "    ");
        if (is_loop)
            hak_text_add(text, "for (int n = %u; n <= %u; n++)\n        ", made->block,
                         s->step[end - 1].made.block);
        add_statement(text, made, is_loop);
        hak_text_add(text, "\n");
    }
    hak_text_add(text, "    return unused;\n}\n");
}

static void add_main(struct hak_text *text, const struct sequence *s) {
    uint32_t number = 0;
    struct part part = {0};
    hak_text_add(text, "\nint main(void) {\n    block[0] = fixed;\n");
    while (next_part(s, &part)) {
        bool is_thread = s->step[part.first].made.thread != 1;
        hak_text_add(text, is_thread ? "    in_thread(" : "    ");
        add_name(text, &s->step[part.first], ++number);
        hak_text_add(text, is_thread ? ");\n" : "(NULL);\n");
    }
    hak_text_add(text, "    return 0;\n}\n");
}

struct needs {
    bool threads, symbols, beside, usable, seen, at;
    uint32_t blocks;
};

static struct needs needs_of(const struct sequence *s) {
    struct needs needs = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sequence_step *made = &s->step[i].made;
        const char *statement = statements[made->verb];
        needs.threads |= made->thread != 1;
        needs.symbols |= strstr(statement, "find(") != NULL;
        needs.beside |= strstr(statement, "beside") != NULL;
        needs.usable |= made->verb == SEQUENCE_USABLE;
        needs.seen |= strstr(statement, "seen") != NULL;
        needs.at |=
            made->a && made->verb >= SEQUENCE_REALLOC && made->verb <= SEQUENCE_DELETE_ARRAY_SIZED;
        needs.blocks = made->block > needs.blocks ? made->block : needs.blocks;
    }
    return needs;
}

void program_add(struct hak_text *text, const struct reduction *r) {
    const struct sequence *s = &r->best;
    struct needs needs = needs_of(s);
    hak_text_add(text, "/* HKM-%u, hop %s. Made by hakmem-trace reduce.\n *\n", r->wanted.code,
                 r->wanted.hop);
    hak_text_add(text, " *     cc -Wall -g -o reduced FILE.c%s\n *     HAKMEM_CHECK=normal ",
                 needs.threads ? " -lpthread" : "");
    setting_add(text, &r->setting);
    hak_text_add(text, "LD_PRELOAD=hakmem-debug.so ./reduced\n");
    if (r->setting.inject)
        hak_text_add(text, " *\n * " REDUCE_INJECTED "\n");
    hak_text_add(text, " */\n");
    hak_text_add(
        text, "#define _GNU_SOURCE\n%s%s%s#include <stdlib.h>\n%s\n",
        needs.symbols ? "#include <dlfcn.h>\n" : "", needs.usable ? "#include <malloc.h>\n" : "",
        needs.threads ? "#include <pthread.h>\n" : "", needs.beside ? "#include <string.h>\n" : "");
    hak_text_add(text, "static char fixed[256];\nstatic char *volatile block[%u];\n",
                 needs.blocks + 1);
    if (needs.at)
        hak_text_add(text, "static char *volatile at;\n");
    if (needs.beside)
        hak_text_add(text, "static char beside[%d];\n", SEQUENCE_BESIDE_BYTES);
    if (needs.seen)
        hak_text_add(text, "volatile char seen;\n");
    if (needs.symbols)
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
    if (needs.threads)
        hak_text_add(text, "\nstatic void in_thread(void *steps(void *)) {\n"
                           "    pthread_t thread;\n"
                           "    if (pthread_create(&thread, NULL, steps, NULL) != 0)\n"
                           "        exit(3);\n"
                           "    pthread_join(thread, NULL);\n"
                           "}\n");
    struct part part = {0};
    uint32_t number = 0;
    while (next_part(s, &part))
        add_part(text, s, &part, ++number);
    add_main(text, s);
}
