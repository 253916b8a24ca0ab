/* Errors of the system in words, without strerror, which allocates and translates. */
#include "trace/collector/say.h"
#include <errno.h>
#include <string.h>
#include "trace/collector/collector.h"

/* Appends the error in words, or its number. */
static void add_error(struct hak_line *line, long error) {
    static const struct {
        int error;
        const char *words;
    } known[] = {
        {ENOENT, "no such file"},
        {EACCES, "no access"},
        {ENOTDIR, "no folder"},
        {EROFS, "it is read-only"},
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
        {ECONNRESET, "it ended"},
    };
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error) {
            hak_line_add(line, known[i].words);
            return;
        }
    hak_line_add(line, "error ");
    hak_line_number(line, (uint64_t)error);
}

void hak_say_reason(struct hak_line *to, const struct hak_collector_failure *failure) {
    hak_line_add(to, failure->what);
    if (failure->detail) {
        hak_line_add(to, ": ");
        hak_line_add_name(to, failure->detail);
    }
    if (failure->error) {
        hak_line_add(to, " (");
        add_error(to, failure->error);
        hak_line_add(to, ")");
    }
}

void hak_collector_say_why(const struct hak_collector_failure *failure, char *to, size_t bytes) {
    struct hak_line line = {0};
    hak_say_reason(&line, failure);
    size_t length = strnlen(hak_line_text(&line), bytes - 1);
    memcpy(to, hak_line_text(&line), length);
    to[length] = 0;
}
