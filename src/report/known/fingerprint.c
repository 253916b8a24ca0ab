/* Makes the fingerprint of a finding from its code and the program's innermost functions. */
#include "report/known/fingerprint.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "report/words/words.h"

/* ---- frames ------------------------------------------------------------------------------------
 */

/* Appends what of a frame stays the same in another build: function and file's name, else module
 * and offset. */
static void add_frame(struct hak_text *text, const struct hak_frame *frame) {
    const char *function = frame->function ? frame->function : "";
    const char *file = frame->file ? frame->file : "";
    const char *module = frame->module ? frame->module : "";
    if (function[0]) {
        /* The last part: where a function was inlined, debug information may have no more of it. */
        struct hak_text name = {0};
        hak_words_add_bare_function(&name, function, "");
        const char *last = hak_text_string(&name);
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

/* Appends the first frames that tell, at most HAK_FINGERPRINT_FRAMES. Returns how many. */
static int add_frames(struct hak_text *text, const struct hak_frame *frames, int count,
                      bool go_betweens) {
    int added = 0;
    for (int i = 0; i < count && added < HAK_FINGERPRINT_FRAMES; i++) {
        if (hak_words_is_start(&frames[i]) || (!go_betweens && hak_words_is_go_between(&frames[i])))
            continue;
        add_frame(text, &frames[i]);
        added++;
    }
    return added;
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv), 64 bits: no defence against a deliberate
 * clash. */
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
    unsigned long long value = hash(hak_text_string(&text), text.length);
    if (code)
        snprintf(out, HAK_FINGERPRINT_BYTES, "HKM-%u:%016llx", code, value);
    else
        snprintf(out, HAK_FINGERPRINT_BYTES, "crash:%016llx", value);
    hak_text_free(&text);
}
