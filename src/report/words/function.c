/* A function's name for people and for fingerprints: without parameters, template arguments, return
 * type and suffixes of clones, and no longer than a line takes. */
#include "report/words/words.h"

#include <ctype.h>
#include <string.h>

/* Finds where the part ends that begins with the bracket at `at`: behind the bracket that closes
 * the first. */
static const char *skip_brackets(const char *at, char open, char close) {
    int depth = 0;
    for (; *at; at++) {
        depth += *at == open;
        depth -= *at == close;
        if (depth == 0)
            return at + 1;
    }
    return at;
}

/* The bytes of "operator<<", "operator()", ... at `at`, whose brackets open nothing; 0 = none is
 * there. */
static size_t operator_length(const char *at) {
    static const char *const signs[] = {"()", "<<=", ">>=", "<=>", "->*", "<<", ">>",
                                        "<=", ">=",  "->",  "<",   ">",   "[]"};
    if (!hak_words_starts_with(at, "operator"))
        return 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (hak_words_starts_with(at + 8, signs[i]))
            return 8 + strlen(signs[i]);
    return 0;
}

/* Whether a suffix begins here that compilers and linkers write behind the name of a copy of a
 * function. */
static bool is_clone_suffix(const char *at) {
    static const char *const words[] = {".part.",     ".isra.", ".constprop.", ".cold",
                                        ".lto_priv.", ".llvm.", ".clone.",     ".localalias",
                                        ".resolver",  "@"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (hak_words_starts_with(at, words[i]))
            return true;
    return false;
}

/* Whether Rust's "::h0123456789abcdef" ends the name here, which changes with each build. */
static bool is_rust_hash(const char *at) {
    if (!hak_words_starts_with(at, "::h"))
        return false;
    for (int i = 3; i < 19; i++)
        if (!isxdigit((unsigned char)at[i]))
            return false;
    return at[19] == '\0';
}

/* Adds "{lambda(int)#1}" without the part in parentheses; returns where it ends. */
static const char *add_braces(struct hak_text *text, const char *at) {
    while (*at && *at != '}') {
        if (*at == '(') {
            at = skip_brackets(at, '(', ')');
        } else if (*at == '<') {
            at = skip_brackets(at, '<', '>');
        } else {
            hak_text_add_bytes(text, at, 1);
            at++;
        }
    }
    if (*at)
        hak_text_add(text, "}");
    return *at ? at + 1 : at;
}

/* The bytes of a name at `at` with which none of the parts below begins: each would be compared
 * with all of them. */
static size_t plain_length(const char *at) {
    size_t length = 0;
    while (at[length] != 'o' && (isalnum((unsigned char)at[length]) || at[length] == '_'))
        length++;
    return length;
}

void hak_words_add_bare_function(struct hak_text *text, const char *function,
                                 const char *arguments) {
    struct hak_text name = {0};
    hak_text_add(&name, "%s", "");
    for (const char *at = function; *at;) {
        size_t plain = plain_length(at);
        if (plain > 0) {
            hak_text_add_bytes(&name, at, plain);
            at += plain;
            continue;
        }
        size_t sign = operator_length(at);
        if (sign > 0) {
            hak_text_add(&name, "%.*s", (int)sign, at);
            at += sign;
        } else if (hak_words_starts_with(at, "(anonymous namespace)")) {
            hak_text_add(&name, "(anonymous)");
            at += sizeof "(anonymous namespace)" - 1;
        } else if (hak_words_starts_with(at, " [") || is_clone_suffix(at) || is_rust_hash(at)) {
            break;
        } else if (*at == '<' || hak_words_starts_with(at, " <")) {
            at = skip_brackets(at + (*at == ' '), '<', '>');
            hak_text_add(&name, "%s", arguments);
        } else if (*at == '[') {
            at = skip_brackets(at, '[', ']');
        } else if (*at == '{') {
            at = add_braces(&name, at);
        } else if (*at == '(') {
            /* The parameters end a name; those of a function around a lambda do not. */
            const char *next = skip_brackets(at, '(', ')');
            if (hak_words_starts_with(next, " const"))
                next += sizeof " const" - 1;
            if (!hak_words_starts_with(next, "::"))
                break;
            at = next;
        } else if (*at == ' ' && name.length >= 8 &&
                   strcmp(name.bytes + name.length - 8, "operator") == 0) {
            hak_text_add_bytes(&name, at, strcspn(at, "(")); /* a conversion, or new */
            break;
        } else if (*at == ' ') {
            name.length = 0; /* before it stood the return type */
            at++;
        } else {
            hak_text_add_bytes(&name, at, 1);
            at++;
        }
    }
    hak_text_add_text(text, &name);
    hak_text_free(&name);
}

#define NAME_LOOKED_AT 4096 /* bytes of a name that a hostile store may have made long */
#define NAME_WHOLE     44   /* bytes of a name that is shown as it is */
#define NAME_SHOWN     64   /* bytes of a shortened one */

/* Appends `name`, shortened in front and then at its end. */
static void add_shortened(struct hak_text *text, const char *name) {
    const char *shown = name;
    /* Outer namespaces go first; the function's own name stays. */
    while (strlen(shown) > NAME_SHOWN && strstr(shown, "::"))
        shown = strstr(shown, "::") + 2;
    hak_text_add(text, "%s", shown != name ? "...::" : "");
    if (strlen(shown) > 2 * NAME_SHOWN) {
        struct hak_text end = {0};
        hak_text_add(&end, "%.*s...", NAME_SHOWN, shown);
        hak_text_add_name(text, hak_text_string(&end));
        hak_text_free(&end);
    } else {
        hak_text_add_name(text, shown);
    }
}

/* Appends a function's name without arguments and template arguments, shortened; NAME_LOOKED_AT
 * bytes of it at most are looked at. */
static void add_short_function(struct hak_text *text, const char *function) {
    struct hak_text name = {0};
    char looked_at[NAME_LOOKED_AT + 1];
    size_t length = strnlen(function, NAME_LOOKED_AT);
    memcpy(looked_at, function, length);
    looked_at[length] = '\0';
    hak_words_add_bare_function(&name, looked_at, "<...>");
    add_shortened(text, name.bytes && name.length > 0 ? name.bytes : looked_at);
    hak_text_free(&name);
}

void hak_words_add_function(struct hak_text *text, const char *function) {
    if (!function || !function[0])
        hak_text_add(text, "??");
    else if (strnlen(function, NAME_LOOKED_AT) <= NAME_WHOLE && !strstr(function, "std::__cxx11::"))
        hak_text_add_name(text, function);
    else
        add_short_function(text, function);
}

void hak_words_add_called(struct hak_text *text, const char *function) {
    bool has_parameters = strchr(function, '(') != NULL;
    if (has_parameters)
        add_short_function(text, function);
    else
        hak_words_add_function(text, function);
    /* A name with a blank is a script's or a JIT compiler's. */
    if (has_parameters || !strchr(function, ' '))
        hak_text_add(text, "()");
}
