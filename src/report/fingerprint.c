/* Makes the fingerprint of a finding from its code and the program's innermost functions. */
#include "report/fingerprint.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "report/words.h"

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

/* ---- names -------------------------------------------------------------------------------------
 */

/* Behind what begins with the bracket at `at`, up to which all of its kind are closed. */
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
    if (!starts_with(at, "operator"))
        return 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (starts_with(at + 8, signs[i]))
            return 8 + strlen(signs[i]);
    return 0;
}

/* Compilers and linkers write these behind the name of a copy of a function. */
static bool is_clone_suffix(const char *at) {
    static const char *const words[] = {".part.",     ".isra.", ".constprop.", ".cold",
                                        ".lto_priv.", ".llvm.", ".clone.",     ".localalias",
                                        ".resolver",  "@"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts_with(at, words[i]))
            return true;
    return false;
}

/* Rust's "::h0123456789abcdef", which changes with each build. */
static bool is_rust_hash(const char *at) {
    if (!starts_with(at, "::h"))
        return false;
    for (int i = 3; i < 19; i++)
        if (!isxdigit((unsigned char)at[i]))
            return false;
    return at[19] == '\0';
}

/* "{lambda(int)#1}" without what stands in parentheses. */
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

void hak_words_add_bare_function(struct hak_text *text, const char *function,
                                 const char *arguments) {
    struct hak_text name = {0};
    hak_text_add(&name, "%s", "");
    for (const char *at = function; *at;) {
        size_t sign = operator_length(at);
        if (sign > 0) {
            hak_text_add(&name, "%.*s", (int)sign, at);
            at += sign;
        } else if (starts_with(at, "(anonymous namespace)")) {
            hak_text_add(&name, "(anonymous)");
            at += sizeof "(anonymous namespace)" - 1;
        } else if (starts_with(at, " [") || is_clone_suffix(at) || is_rust_hash(at)) {
            break;
        } else if (*at == '<' || starts_with(at, " <")) {
            at = skip_brackets(at + (*at == ' '), '<', '>');
            hak_text_add(&name, "%s", arguments);
        } else if (*at == '[') {
            at = skip_brackets(at, '[', ']');
        } else if (*at == '{') {
            at = add_braces(&name, at);
        } else if (*at == '(') {
            /* The parameters end a name; those of a function around a lambda do not. */
            const char *next = skip_brackets(at, '(', ')');
            if (starts_with(next, " const"))
                next += sizeof " const" - 1;
            if (!starts_with(next, "::"))
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

void hak_fingerprint_add_function(struct hak_text *text, const char *function) {
    hak_words_add_bare_function(text, function, "");
}

/* ---- frames ------------------------------------------------------------------------------------
 */

static void add_frame(struct hak_text *text, const struct hak_frame *frame) {
    const char *function = frame->function ? frame->function : "";
    const char *file = frame->file ? frame->file : "";
    const char *module = frame->module ? frame->module : "";
    if (function[0]) {
        /* The last part: where a function was inlined, debug information may have no more of it. */
        struct hak_text name = {0};
        hak_fingerprint_add_function(&name, function);
        const char *last = name.bytes ? name.bytes : "";
        for (const char *at = strstr(last, "::"); at; at = strstr(last, "::"))
            last = at + 2;
        const char *base = hak_words_path(file, 1, false);
        hak_text_add_bytes(text, last, strlen(last));
        hak_text_add_bytes(text, "@", 1);
        hak_text_add_bytes(text, base, strlen(base));
        hak_text_add_bytes(text, "\n", 1);
        hak_text_free(&name);
        return;
    }
    if (!module[0]) { /* code made at run time lies anywhere */
        hak_text_add(text, "?\n");
        return;
    }
    const char *base = hak_words_path(module, 1, false);
    hak_text_add_bytes(text, base, strlen(base));
    hak_text_add(text, "+%llx\n", (unsigned long long)frame->module_offset);
}

static int add_frames(struct hak_text *text, const struct hak_frame *frames, int count,
                      bool go_betweens) {
    int added = 0;
    for (int i = 0; i < count && added < HAK_FINGERPRINT_FRAMES; i++) {
        if (hak_words_is_way_in(&frames[i]) ||
            (!go_betweens && hak_words_is_go_between(&frames[i])))
            continue;
        add_frame(text, &frames[i]);
        added++;
    }
    return added;
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv), 64 bits: not against who wants a clash. */
static uint64_t hash(const char *bytes, size_t length) {
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    return value;
}

void hak_fingerprint(char out[HAK_FINGERPRINT_BYTES], unsigned code, unsigned signal,
                     const struct hak_frame *frames, int count) {
    struct hak_text text = {0};
    hak_text_add(&text, "1 %u %u\n", code, code ? 0 : signal);
    /* A program that lies in libc's own frames alone still has some. */
    if (add_frames(&text, frames, count, false) == 0)
        add_frames(&text, frames, count, true);
    unsigned long long value = hash(text.bytes ? text.bytes : "", text.length);
    if (code)
        snprintf(out, HAK_FINGERPRINT_BYTES, "HKM-%u:%016llx", code, value);
    else
        snprintf(out, HAK_FINGERPRINT_BYTES, "crash:%016llx", value);
    hak_text_free(&text);
}
