/* Writes a process's counters to hakmem.NAME.PID.csv when it ends: one line for each that is not 0.
 *
 * Inside the ending program: raw system calls only, no memory but what is here. */
#include <errno.h>
#include <fcntl.h>
#include "metrics/count.h"
#include "options.h"
#include "platform/line.h"
#include "platform/path.h"
#include "platform/raw_call.h"

enum { FIELDS_BYTES = 128, PATH_BYTES = 4096 };

static char directory[PATH_BYTES], program[PATH_BYTES]; /* "" = not known */
static struct hak_counters_sum sum;
static bool is_done;

/* Adds a line metric,class,slot_bytes,value; class and slot_bytes are empty where there is none. */
static void add_line(struct hak_line *line, unsigned metric, unsigned class_index, uint64_t value) {
    hak_line_add(line, hak_metric_name(metric));
    if (class_index < HAK_CLASSES) {
        hak_line_say(line, ",", class_index, "");
        hak_line_say(line, ",", hak_class_bytes(class_index), "");
    } else {
        hak_line_add(line, ",,");
    }
    hak_line_say(line, ",", value, "\n");
}

/* Writes the heading and all counts that are not 0. Returns 0 or an errno. */
static long write_all(long file) {
    struct hak_line line = {.length = 0};
    long error = 0;
    hak_line_add(&line, "metric,class,slot_bytes,value\n");
    for (unsigned m = 0; m < HAK_METRICS; m++)
        for (unsigned k = 0; k < HAK_METRIC_CLASSES && !error; k++) {
            if (sum.cells[k][m])
                add_line(&line, m, k, sum.cells[k][m]);
            if (line.length + FIELDS_BYTES > sizeof line.text)
                error = hak_line_write(&line, file);
        }
    return error ? error : hak_line_write(&line, file);
}

void hak_counters_dump_start(void) {
    if (!hak_options.front_dump)
        return;
    hak_path_here(directory, sizeof directory);
    long got =
        hak_raw_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", program, sizeof program - 1);
    program[got > 0 ? got : 0] = 0;
}

/* Says on stderr that the counters cannot be written, and why. */
static void say_failed(const char *path, long error) {
    struct hak_line line = {.length = 0};
    hak_line_add(&line, "hakmem: the counters cannot be written to ");
    hak_line_add_name(&line, path);
    if (error == EEXIST)
        hak_line_add(&line, ": there is such a file");
    else
        hak_line_say(&line, ": error ", (uint64_t)error, "");
    hak_line_end(&line);
}

/* At exit, once, with HAKMEM_TINY_FRONT_DUMP: writes the sums of all threads into a new CSV file.
 * Says failures on stderr. */
void hak_counters_dump(void) {
    static char path[PATH_BYTES]; /* exit may be called on a thread with a small stack */
    if (!hak_options.front_dump || is_done)
        return;
    is_done = true;
    if (!hak_path_expand(path, sizeof path, "hakmem.%e.%p.csv", directory[0] ? directory : ".",
                         program)) {
        say_failed(directory, ENAMETOOLONG);
        return;
    }
    long file = hak_raw_call(SYS_openat, AT_FDCWD, path,
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        say_failed(path, -file);
        return;
    }
    hak_counters_sum(&sum);
    long error = write_all(file);
    if (error)
        say_failed(path, error);
    hak_close(file);
}
