/* Blocks that the libraries of C and C++ take for themselves, by their stacks: the pool that
 * libstdc++ keeps for exceptions when memory is gone, and the buffers of streams. */
#include "report/words/words.h"

#include <string.h>

static bool is_library(const struct hak_frame *frame, const char *name) {
    const char *library = hak_words_library(frame);
    return library && strcmp(library, name) == 0;
}

/* Whether the block is libstdc++'s emergency pool: it takes one block as it is loaded, when ld.so
 * calls its constructor. Where it is linked into the program the constructor has its name. */
static bool is_emergency_pool(const struct hak_frame *frames, int count, int first) {
    int i = first;
    if (strstr(frames[first].function, "(anonymous namespace)::pool::pool("))
        return true;
    while (i < count && is_library(&frames[i], "libstdc++"))
        i++;
    return i > first && i < count && is_library(&frames[i], "ld.so");
}

/* Names the buffer of a stream; false: it is none. Glibc gives a stream its buffer when it is first
 * read or written: the call of the program is the outermost of libc's frames. */
static bool add_stream(struct hak_text *text, const struct hak_frame *frames, int count,
                       int first) {
    int last = first;
    bool is_buffer = false;
    for (; last < count && is_library(&frames[last], "libc"); last++)
        is_buffer |= strstr(frames[last].function, "doalloc") != NULL;
    if (!is_buffer)
        return false;
    const char *call = frames[last - 1].function;
    call += hak_words_starts_with(call, "__GI_") ? strlen("__GI_") : 0; /* libc's own name of it */
    call += hak_words_starts_with(call, "_IO_") ? strlen("_IO_") : strspn(call, "_");
    hak_text_add(text, "stdio buffer%s%s", call[0] ? " of " : "", call);
    return true;
}

bool hak_words_add_runtime(struct hak_text *text, const struct hak_frame *frames, int count) {
    int first = hak_words_program_frame(frames, count);
    if (first < 0 || !frames[first].function)
        return false;
    if (!is_emergency_pool(frames, count, first))
        return add_stream(text, frames, count, first);
    hak_text_add(text, "libstdc++ emergency pool");
    return true;
}
