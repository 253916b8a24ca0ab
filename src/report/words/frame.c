/* Frames of a stack for people: which are the program's own, which belong to a library or only wrap
 * the allocator, and which frame one line names.
 *
 * A wrapper is recognised by its name and its place: at the inner end of the stack, with nothing
 * but hakmem, libraries and other wrappers further in. Its name ends in malloc, calloc, realloc,
 * strdup, free and the like, and the part before that is a word by which allocators are called (x,
 * js_def, vim, PyMem), or it is allocate, deallocate, operator new or operator delete. So xmalloc
 * and js_def_malloc are wrappers, session_free is not. */
#include "report/words/words.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include "fault_codes.h"

/* ---- libraries ---------------------------------------------------------------------------------
 */

/* The library of the C or C++ runtime that the module is; NULL: none. */
static const char *library_of_module(const char *module) {
    static const struct {
        const char *file, *name;
    } libraries[] = {
        {"libc.so", "libc"},       {"libc-", "libc"},
        {"libm.so", "libc"},       {"libm-", "libc"},
        {"libpthread", "libc"},    {"libdl.so", "libc"},
        {"libdl-", "libc"},        {"librt.so", "libc"},
        {"librt-", "libc"},        {"libstdc++.so", "libstdc++"},
        {"libc++.so", "libc++"},   {"libc++abi.so", "libc++"},
        {"libgcc_s.so", "libgcc"}, {"ld-linux", "ld.so"},
    };
    const char *slash = strrchr(module, '/');
    for (size_t i = 0; slash && i < sizeof libraries / sizeof *libraries; i++)
        if (hak_words_starts_with(slash + 1, libraries[i].file))
            return libraries[i].name;
    return NULL;
}

/* The C++ library is instantiated in the program, too: by the file of the code, else by its name.
 * So are hakmem's own classes. */
static const char *library_of_code(const struct hak_frame *frame) {
    const char *file = frame->file ? frame->file : "";
    const char *own = strstr(file, "hakmem_pools.hpp");
    if (own && strcmp(own, "hakmem_pools.hpp") == 0 && (own == file || own[-1] == '/'))
        return "hakmem";
    const char *function = frame->function ? frame->function : "";
    if (strstr(file, "/include/c++/"))
        return strstr(file, "/c++/v1/") ? "libc++" : "libstdc++";
    if (file[0] == '/' && !strstr(file, "/include/"))
        return NULL; /* the program's own std::hash<Key> */
    struct hak_text name = {0};
    hak_words_add_bare_function(&name, function, "");
    const char *bare = hak_text_string(&name);
    bool is_library = hak_words_starts_with(bare, "std::") ||
                      hak_words_starts_with(bare, "__gnu_cxx::") ||
                      hak_words_starts_with(bare, "__cxxabiv1::") ||
                      hak_words_starts_with(bare, "operator new") ||
                      hak_words_starts_with(bare, "operator delete");
    hak_text_free(&name);
    return !is_library ? NULL : strstr(function, "std::__1::") ? "libc++" : "libstdc++";
}

/* Whether a function is one that nobody wrote (symbols/strings.h marks it): its line is not the
 * reader's. */
static bool is_implicit(const struct hak_frame *frame) {
    const char *function = frame->function ? frame->function : "";
    size_t length = strlen(function), mark = strlen(HAK_IMPLICIT_MARK);
    return length > mark && strcmp(function + length - mark, HAK_IMPLICIT_MARK) == 0;
}

const char *hak_words_library(const struct hak_frame *frame) {
    if (frame->is_hakmem)
        return NULL;
    if (is_implicit(frame))
        return "the compiler";
    const char *library = frame->module ? library_of_module(frame->module) : NULL;
    return library ? library : library_of_code(frame);
}

/* ---- interpreters ------------------------------------------------------------------------------
 */

bool hak_words_has_python(const struct hak_frame *frames, int count) {
    for (int i = 0; i < count; i++) {
        const char *file = frames[i].file ? frames[i].file : "";
        size_t length = strlen(file);
        bool is_in_no_module = !frames[i].module || !frames[i].module[0];
        if (is_in_no_module && !frames[i].is_hakmem &&
            (hak_words_starts_with(file, "<frozen ") ||
             (length > 3 && strcmp(file + length - 3, ".py") == 0)))
            return true;
    }
    return false;
}

bool hak_words_is_interpreter(const struct hak_frame *frame) {
    const char *slash = frame->module ? strrchr(frame->module, '/') : NULL;
    return slash &&
           (hak_words_starts_with(slash + 1, "libpython") ||
            hak_words_starts_with(slash + 1, "python") || strstr(frame->module, "/lib-dynload/"));
}

/* ---- wrappers ----------------------------------------------------------------------------------
 */

/* The part of `name` that allocators have: "malloc" of "js_def_malloc0"; NULL = none. */
static const char *find_call(const char *name, size_t *length) {
    static const char *const calls[] = {"reallocarray", "malloc", "calloc", "realloc", "zalloc",
                                        "strndup",      "strdup", "memdup", "alloc",   "free"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        size_t bytes = strlen(calls[i]);
        if (*length >= bytes && strncasecmp(name + *length - bytes, calls[i], bytes) == 0) {
            *length -= bytes;
            return calls[i];
        }
    }
    return NULL;
}

/* Cuts a last digit, or a last word such as _clear, _array, _or_die, that varies a call:
 * js_malloc_rt and mrb_realloc_simple are quickjs's and mruby's. False: there is none. */
static bool cut_variant(const char *name, size_t *length) {
    static const char *const ends[] = {"_clear", "_zero",   "_array", "_id",      "_or_die",
                                       "_n",     "_impl",   "_try",   "_aligned", "_fail",
                                       "_rt",    "_simple", "_"};
    if (*length > 0 && isdigit((unsigned char)name[*length - 1])) {
        --*length;
        return true;
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t bytes = strlen(ends[i]);
        if (*length > bytes && strncmp(name + *length - bytes, ends[i], bytes) == 0) {
            *length -= bytes;
            return true;
        }
    }
    return false;
}

/* Whether a name has nothing but words by which allocators are called: "js_def_", "PyMem_", "x". */
static bool is_allocators_name(const char *name, size_t length) {
    static const char *const words[] = {
        "mem",     "memory",   "raw",    "def",     "default", "safe", "sys",     "std",
        "my",      "heap",     "base",   "vim",     "nasm",    "lua",  "luam",    "perl",
        "pymem",   "pyobject", "object", "sqlite",  "sqlite3", "try",  "checked", "wrap",
        "wrapped", "internal", "do",     "safesys", "really",  "must", "ecalloc", "fail",
        "debug",   "dbg",      "global", "util",    "zend",    "mrb",  "ruby"};
    size_t at = 0;
    while (at < length) {
        size_t word = strcspn(name + at, "_:");
        if (word > length - at)
            word = length - at;
        bool known = word <= 2; /* x, g, js, or nothing */
        for (size_t i = 0; i < sizeof words / sizeof *words && !known; i++)
            known = strlen(words[i]) == word && strncasecmp(name + at, words[i], word) == 0;
        if (!known)
            return false;
        at += word + 1;
    }
    return true;
}

/* Whether a class's member alloc or free is the allocator's: "Arena::", "my::PoolAllocator::". */
static bool is_allocators_class(const char *name, size_t length) {
    static const char *const words[] = {"alloc", "arena", "pool", "heap", "mem"};
    for (size_t at = 0; at < length; at++)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (at + strlen(words[i]) <= length &&
                strncasecmp(name + at, words[i], strlen(words[i])) == 0)
                return true;
    return false;
}

/* Whether a function's name is a wrapper's of the allocator, for a frame that stands where the
 * allocator was called. */
static bool is_called_wrapper(const char *function) {
    static const char *const members[] = {"allocate", "deallocate", "reallocate", "do_allocate",
                                          "do_deallocate"};
    struct hak_text bare = {0};
    hak_words_add_bare_function(&bare, function, "");
    const char *name = hak_text_string(&bare), *last = name;
    for (const char *at = strstr(last, "::"); at; at = strstr(last, "::"))
        last = at + 2;
    bool is_member = hak_words_starts_with(last, "operator new") ||
                     hak_words_starts_with(last, "operator delete");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        is_member |= strcmp(last, members[i]) == 0;
    size_t length = strlen(last);
    bool found = find_call(last, &length) != NULL;
    while (!found && cut_variant(last, &length))
        found = find_call(last, &length) != NULL;
    /* alloc alone may be anything's; malloc is the allocator's with any word before it. */
    size_t left = length;
    bool is_malloc = found && (hak_words_starts_with(last + left, "malloc") ||
                               hak_words_starts_with(last + left, "calloc") ||
                               hak_words_starts_with(last + left, "realloc") ||
                               hak_words_starts_with(last + left, "zalloc"));
    bool is_own = last == name || is_allocators_class(name, (size_t)(last - name));
    bool result = is_member || is_malloc || (found && is_own && is_allocators_name(last, length));
    hak_text_free(&bare);
    return result;
}

/* Whether a function is a program's own name for malloc or free, wherever it stands: xmalloc,
 * zcalloc, g_malloc0, sqlite3_realloc64, xfree. Fingerprints leave these out, so this list stays as
 * it is. */
static bool is_wrapper(const char *function) {
    static const struct {
        const char *word;
        size_t prefix_most; /* session_free is no wrapper */
    } words[] = {{"malloc", 8}, {"calloc", 8},  {"realloc", 8}, {"reallocarray", 8},
                 {"strdup", 8}, {"strndup", 8}, {"memdup", 8},  {"free", 2}};
    size_t length = strlen(function);
    while (length > 0 && function[length - 1] >= '0' && function[length - 1] <= '9')
        length--;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t bytes = strlen(words[i].word);
        if (length > bytes && length - bytes <= words[i].prefix_most &&
            strncasecmp(function + length - bytes, words[i].word, bytes) == 0)
            return true;
    }
    return false;
}

/* ---- frames ------------------------------------------------------------------------------------
 */

bool hak_words_is_start(const struct hak_frame *frame) {
    static const char *const names[] = {"_start", "start_thread", "clone",
                                        "clone3", "__clone",      "__clone3"};
    if (frame->is_hakmem) /* its wrapper around a thread's function */
        return true;
    for (size_t i = 0; frame->function && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(frame->function, names[i]) == 0)
            return true;
    return frame->function && hak_words_starts_with(frame->function, "__libc_start");
}

bool hak_words_is_go_between(const struct hak_frame *frame) {
    return (hak_words_library(frame) && !is_implicit(frame)) ||
           (frame->function && is_wrapper(frame->function));
}

int hak_words_program_frame(const struct hak_frame *frames, int count) {
    for (int i = 0; i < count; i++)
        if (!frames[i].is_hakmem)
            return i;
    return -1;
}

/* Finds the first frame of the program's that is no wrapper; `count` = none is. */
static int first_of_program(const struct hak_frame *frames, int count) {
    bool is_call = count > 0 && !frames[0].is_interrupted;
    bool has_python = hak_words_has_python(frames, count);
    for (int i = 0; i < count; i++) {
        const char *function = frames[i].function ? frames[i].function : "";
        if (frames[i].is_hakmem || hak_words_is_start(&frames[i]) ||
            hak_words_library(&frames[i]) || (has_python && hak_words_is_interpreter(&frames[i])) ||
            (is_call && !frames[i].is_accused &&
             (is_wrapper(function) || is_called_wrapper(function))))
            continue;
        return i;
    }
    return count;
}

void hak_words_accuse_caller(unsigned code, struct hak_frame *frames, int count) {
    int i = 0;
    if (code != HAK_FAULT_ALLOC_DEALLOC_MISMATCH && code != HAK_FAULT_NEW_DELETE_TYPE_MISMATCH &&
        code != HAK_FAULT_POOL_MISMATCH)
        return;
    while (i < count && (frames[i].is_hakmem || hak_words_library(&frames[i])))
        i++;
    if (i < count)
        frames[i].is_accused = true;
}

/* Whether no frame of this frame's module has a source line. */
static bool is_foreign(const struct hak_frame *frames, int count, const struct hak_frame *frame) {
    for (int i = 0; i < count; i++)
        if (frames[i].file && frames[i].file[0] && frames[i].module && frame->module &&
            strcmp(frames[i].module, frame->module) == 0)
            return false;
    return true;
}

enum hak_frame_role hak_words_frame_role(const struct hak_frame *frames, int count, int i) {
    const struct hak_frame *frame = &frames[i];
    if (frame->is_hakmem)
        return HAK_FRAME_OWN;
    if (hak_words_is_start(frame))
        return HAK_FRAME_START;
    if (hak_words_library(frame))
        return HAK_FRAME_LIBRARY;
    return i < first_of_program(frames, count) ? HAK_FRAME_WRAPPER : HAK_FRAME_PROGRAM;
}

int hak_words_telling_frame(const struct hak_frame *frames, int count) {
    int first = first_of_program(frames, count);
    if (first < count && frames[first].file && frames[first].file[0])
        return first;
    /* A module without a single line here (a plug-in, a stripped library) leaves the place to the
     * code around it that has some. */
    for (int i = first; i < count; i++)
        if (frames[i].file && frames[i].file[0] && !frames[i].is_hakmem &&
            !hak_words_library(&frames[i]) && is_foreign(frames, count, &frames[first]))
            return i;
    if (first < count)
        return first;
    for (int i = 0; i < count; i++) /* wrappers alone */
        if (!frames[i].is_hakmem && !hak_words_is_start(&frames[i]) &&
            !hak_words_library(&frames[i]))
            return i;
    return hak_words_program_frame(frames, count);
}

static bool is_same_code(const struct hak_frame *a, const struct hak_frame *b) {
    return strcmp(a->function, b->function) == 0 && strcmp(a->file, b->file) == 0 &&
           a->line == b->line && (a->line > 0 || a->module_offset == b->module_offset);
}

int hak_words_differing_frame(const struct hak_frame *frames, int count,
                              const struct hak_frame *others, int other_count) {
    int i = count - 1, k = other_count - 1;
    for (; i >= 0 && k >= 0 && is_same_code(&frames[i], &others[k]); i--)
        k--;
    return i < 0 && k >= 0 && count > 0 ? 0 : i;
}

void hak_words_add_frame(struct hak_text *text, const struct hak_frame *frame, int column,
                         int parts) {
    hak_words_add_function(text, frame->function);
    hak_text_tab(text, column);
    if (frame->is_hakmem)
        hak_text_add(text, "hakmem ");
    hak_words_add_location(text, frame, parts);
}
