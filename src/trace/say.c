/* Makes lines for stderr without stdio. */
#include "trace/say.h"
#include <errno.h>
#include "platform/raw_call.h"

void hak_text_add(struct hak_text *text, const char *string) {
    while (string && *string && text->length < sizeof text->bytes)
        text->bytes[text->length++] = *string++;
}

static void add_in_base(struct hak_text *text, uint64_t number, unsigned base) {
    char digits[24];
    unsigned at = sizeof digits;
    digits[--at] = 0;
    do
        digits[--at] = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    hak_text_add(text, digits + at);
}

void hak_text_add_number(struct hak_text *text, uint64_t number) {
    add_in_base(text, number, 10);
}

void hak_text_add_hex(struct hak_text *text, uint64_t number) {
    hak_text_add(text, "0x");
    add_in_base(text, number, 16);
}

const char *hak_text_end(struct hak_text *text) {
    if (text->length == sizeof text->bytes)
        text->length--;
    text->bytes[text->length] = 0;
    return text->bytes;
}

void hak_text_say(struct hak_text *text) {
    hak_text_say_into(text, 2);
}

void hak_text_say_into(struct hak_text *text, long file) {
    size_t done = 0;
    while (done < text->length) {
        long wrote = hak_raw_call(SYS_write, file, (long)(text->bytes + done),
                                  (long)(text->length - done), 0, 0, 0);
        if (wrote == -EINTR)
            continue;
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    text->length = 0;
}

void hak_text_add_error(struct hak_text *text, long error) {
    static const struct {
        int error;
        const char *words;
    } known[] = {
        {ENOENT, "no such file"},
        {EACCES, "no access"},
        {EPERM, "not permitted"},
        {ENOMEM, "no memory"},
        {EMFILE, "too many open files"},
        {ENFILE, "too many open files in the system"},
        {ENOSYS, "no such system call"},
        {EAGAIN, "no answer in time, or too many processes"},
        {ECONNREFUSED, "nobody listens"},
        {ENOEXEC, "not a program for this machine"},
        {EFBIG, "too large"},
        {EPIPE, "it ended"},
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error) {
            hak_text_add(text, known[i].words);
            return;
        }
    hak_text_add(text, "error ");
    hak_text_add_number(text, (uint64_t)error);
}
