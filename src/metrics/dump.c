/* Writes a process's counters to hakmem.NAME.PID.csv when it ends: one line for each that is not 0.
 *
 * Inside the ending program: raw system calls only, no memory but what is here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "metrics/count.h"
#include "options.h"
#include "platform/platform.h"
#include "platform/raw_call.h"

enum { LINES_BYTES = 8192, LINE_BYTES = 256, PATH_BYTES = 4096 };

static char directory[PATH_BYTES], program[PATH_BYTES]; /* "" = not known */
static struct hak_counters_sum sum;
static bool is_done;

struct lines {
    long file;
    size_t length;
    bool failed;
    char text[LINES_BYTES];
};

static void flush(struct lines *lines) {
    size_t done = 0;
    while (done < lines->length && !lines->failed) {
        long wrote = hak_raw_call(SYS_write, lines->file, (long)(lines->text + done),
                                  (long)(lines->length - done), 0, 0, 0);
        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote != -EINTR)
            lines->failed = true;
    }
    lines->length = 0;
}

static size_t add_text(char *to, size_t at, size_t capacity, const char *text) {
    while (*text && at + 1 < capacity)
        to[at++] = *text++;
    to[at] = 0;
    return at;
}

static size_t add_number(char *to, size_t at, size_t capacity, uint64_t number) {
    char digits[24];
    unsigned first = sizeof digits;
    digits[--first] = 0;
    do
        digits[--first] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    return add_text(to, at, capacity, digits + first);
}

/* metric,class,slot_bytes,value; class and slot_bytes are empty where there is none. */
static void add_line(struct lines *lines, unsigned metric, unsigned class_index, uint64_t value) {
    if (lines->length + LINE_BYTES > sizeof lines->text)
        flush(lines);
    char *to = lines->text;
    size_t end = sizeof lines->text, at = lines->length;
    at = add_text(to, at, end, hak_metric_name(metric));
    at = add_text(to, at, end, ",");
    if (class_index < HAK_CLASSES) {
        at = add_number(to, at, end, class_index);
        at = add_text(to, at, end, ",");
        at = add_number(to, at, end, hak_class_bytes(class_index));
    } else {
        at = add_text(to, at, end, ",");
    }
    at = add_text(to, at, end, ",");
    at = add_number(to, at, end, value);
    lines->length = add_text(to, at, end, "\n");
}

void hak_counters_dump_start(void) {
    if (!hak_options.front_dump)
        return;
    long got = hak_raw_call(SYS_getcwd, (long)directory, sizeof directory, 0, 0, 0, 0);
    directory[got > 0 ? got - 1 : 0] = 0;
    got = hak_raw_call(SYS_readlink, (long)"/proc/self/exe", (long)program, sizeof program - 1, 0,
                       0, 0);
    program[got > 0 ? got : 0] = 0;
}

static void name_file(char *path, size_t capacity) {
    const char *name = strrchr(program, '/');
    size_t at = add_text(path, 0, capacity, directory[0] ? directory : ".");
    at = add_text(path, at, capacity, "/hakmem.");
    at = add_text(path, at, capacity, name ? name + 1 : program);
    at = add_text(path, at, capacity, ".");
    at = add_number(path, at, capacity, (uint64_t)hak_raw_call(SYS_getpid, 0, 0, 0, 0, 0, 0));
    (void)add_text(path, at, capacity, ".csv");
}

static void say_failed(const char *path, long error) {
    char line[PATH_BYTES + LINE_BYTES];
    size_t at = add_text(line, 0, sizeof line, "hakmem: the counters cannot be written to ");
    at = add_text(line, at, sizeof line, path);
    at = add_text(line, at, sizeof line, error == EEXIST ? ": there is such a file" : ": error ");
    if (error != EEXIST)
        at = add_number(line, at, sizeof line, (uint64_t)error);
    at = add_text(line, at, sizeof line, "\n");
    hak_write_error(line, at);
}

void hak_counters_dump(void) {
    static struct lines lines; /* one process, once; a child that exits has its own copy */
    char path[PATH_BYTES + LINE_BYTES];
    if (!hak_options.front_dump || is_done)
        return;
    is_done = true;
    name_file(path, sizeof path);
    lines.file = hak_raw_call(SYS_openat, AT_FDCWD, (long)path,
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600, 0, 0);
    if (lines.file < 0) {
        say_failed(path, -lines.file);
        return;
    }
    hak_counters_sum(&sum);
    lines.length = add_text(lines.text, 0, sizeof lines.text, "metric,class,slot_bytes,value\n");
    for (unsigned m = 0; m < HAK_METRICS; m++)
        for (unsigned k = 0; k < HAK_METRIC_CLASSES; k++)
            if (sum.cells[k][m])
                add_line(&lines, m, k, sum.cells[k][m]);
    flush(&lines);
    if (lines.failed)
        say_failed(path, ENOSPC);
    hak_close(lines.file);
}
