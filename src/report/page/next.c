/* NEXT: the commands that lead on, each to be typed as it stands. */
#include "report/page/parts.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether the first `length` bytes of `path` are the folder in which the program works. */
static bool is_program_folder(const struct report_page *page, const char *path, size_t length) {
    char link[64], folder[4096];
    int pid = hak_lookup_pid(page->r, page->context.process);
    snprintf(link, sizeof link, "/proc/%d/cwd", pid);
    ssize_t got = pid > 0 ? readlink(link, folder, sizeof folder) : -1;
    return got > 0 && (size_t)got == length && memcmp(folder, path, length) == 0;
}

/* Adds the -s option for commands to type; none for a store that is found without it, as the newest
 * one here: not when one of the commands makes a newer one. */
static void add_store_option(struct hak_text *text, const struct report_page *page,
                             bool is_newest) {
    const char *path = page->context.store_path, *slash = strrchr(path, '/');
    if (slash && is_program_folder(page, path, (size_t)(slash - path)))
        path = slash + 1;
    bool is_default = strncmp(path, "hakmem.", 7) == 0 && !strchr(path, '/');
    if (!path[0] || (is_default && is_newest))
        return;
    hak_text_add(text, " -s ");
    hak_text_add_argument(text, path);
}

/* Adds the program's command line, quoted for a shell; false where it is not known whole. */
static bool add_program(struct hak_text *text, const struct report_page *page) {
    const char *at = page->context.arguments;
    size_t bytes = at ? page->context.argument_bytes : 0;
    if (bytes == 0 || at[bytes - 1] != '\0')
        return false; /* cut short */
    for (const char *end = at + bytes; at < end; at += strlen(at) + 1) {
        hak_text_add(text, " ");
        hak_text_add_argument(text, at);
    }
    return true;
}

/* Begins a command in a line of its own; the first one stands behind the heading. */
static void begin_command_line(struct hak_text *text, int *lines) {
    if ((*lines)++ > 0) {
        hak_text_add(text, "\n");
        hak_text_fill(text, ' ', REPORT_COLUMN);
    }
}

/* Appends a command line "hakmem-trace COMMAND -- PROGRAM ARGUMENTS   # why"; nothing if the
 * program's line is not known. */
static void add_command(struct hak_text *text, const struct report_page *page, int *lines,
                        const struct hak_text *command, const char *why) {
    struct hak_text program = {0};
    if (add_program(&program, page) && program.bytes) {
        begin_command_line(text, lines);
        hak_text_add(text, "hakmem-trace ");
        hak_text_add_text(text, command);
        hak_text_add(text, " --");
        hak_text_add_text(text, &program);
        hak_text_add(text, "   # %s", why);
    }
    hak_text_free(&program);
}

/* A line with `hakmem-trace run OPTIONS -- program`, and why. */
static void add_run(struct hak_text *text, const struct report_page *page, int *lines,
                    const char *options, const char *why) {
    struct hak_text command = {0};
    hak_text_add(&command, "run %s", options);
    add_command(text, page, lines, &command, why);
    hak_text_free(&command);
}

/* The same run with tags that stop at the instruction. */
static void add_synchronous(struct hak_text *text, const struct report_page *page, int *lines) {
    struct hak_text program = {0};
    if (add_program(&program, page) && program.bytes) {
        begin_command_line(text, lines);
        hak_text_add(text, "HAKMEM_TAGS=sync hakmem-trace run --");
        hak_text_add_text(text, &program);
        hak_text_add(text, "   # stops at the instruction");
    }
    hak_text_free(&program);
}

/* Begins with the block of this report, where the store will have it; else it finds one first. */
static void add_hunt(struct hak_text *text, const struct report_page *page, int *lines,
                     const char *why) {
    struct hak_text command = {0};
    hak_text_add(&command, "hunt");
    bool has_block = page->words && page->context.fault_row != 0;
    if (has_block && page->context.store_path && page->context.store_path[0]) {
        add_store_option(&command, page, false);
        hak_text_add(&command, " --fault %u", page->context.fault_row);
    }
    add_command(text, page, lines, &command, why);
    hak_text_free(&command);
}

/* A crash by the content of memory, not by a request of the program. */
static bool is_from_memory(const struct report_page *page) {
    return page->context.signal == SIGSEGV || page->context.signal == SIGBUS;
}

/* The run looked at its blocks after every call: no other one tells the time of damage more
 * closely, and the whole stacks of the calls before and after it lead on. */
static bool is_swept_closely(const struct report_page *page) {
    return page->words && report_is_found_late(page) && !page->context.is_trace &&
           page->request->sweep_every == 1;
}

/* Adds commands that run the program again with options that would show more than this run could.
 */
static void add_runs(struct hak_text *text, const struct report_page *page, int *lines) {
    bool is_trace = page->context.is_trace;
    bool is_open = page->words ? page->wrong_step == WRONG_UNKNOWN && !report_is_of_pool(page)
                               : is_from_memory(page);
    bool is_symptom = report_is_by_function(page) && page->facts->damaged_bytes > 0;
    bool is_late = page->words && report_is_found_late(page); /* hunt is the first command */
    if (report_is_late_tag(page))
        add_synchronous(text, page, lines);
    else if (page->words && (report_is_proved_by_word(page) || is_symptom))
        add_hunt(text, page, lines, "stops at the instruction");
    else if (!page->words && is_from_memory(page) && !page->context.is_light)
        add_hunt(text, page, lines, "checks reads and writes of all blocks");
    else if (is_trace && is_open && !is_late)
        add_run(text, page, lines, "--check normal", "checks what level trace only records");
    if (page->context.is_light)
        add_run(text, page, lines, "--check normal",
                "checks every block, and records what led to it");
    else if (page->request->is_unrecorded)
        add_run(text, page, lines, "--trace on", "records what led to it");
}

/* Adds a command with the store's option, in a line of its own. */
static void add_question(struct hak_text *text, const struct report_page *page, int *lines,
                         const char *question, bool is_newest) {
    begin_command_line(text, lines);
    hak_text_add(text, "hakmem-trace %s", question);
    add_store_option(text, page, is_newest);
}

void report_next(struct hak_text *text, const struct report_page *page) {
    struct hak_text runs = {0};
    char question[64];
    int lines = 0, run_lines = 1;
    add_runs(&runs, page, &run_lines);
    hak_text_add(text, "  NEXT              ");
    if (page->words && report_is_found_late(page) && !report_is_of_pool(page))
        add_hunt(text, page, &lines, "stops at the instruction");
    bool is_newest = run_lines == 1 && lines == 0;
    if (page->r && page->words && page->facts->found_address != 0 && page->story) {
        snprintf(question, sizeof question, "why 0x%" PRIx64, page->facts->found_address);
        add_question(text, page, &lines, question, is_newest);
    } else if (page->r && !page->words && !page->request->is_unrecorded) {
        add_question(text, page, &lines, "events --tail 20", is_newest);
        add_question(text, page, &lines, "info", is_newest);
    }
    if (page->words) {
        begin_command_line(text, &lines);
        hak_text_add(text, "hakmem-trace explain HKM-%u", page->words->code);
    } else if (lines == 0) {
        hak_text_add(text, "hakmem-trace run --help");
    }
    if (is_swept_closely(page) && page->r && page->context.fault_row != 0) {
        snprintf(question, sizeof question, "faults %" PRIu32 " --stacks", page->context.fault_row);
        add_question(text, page, &run_lines, question, is_newest);
        hak_text_add(text, "   # whole stacks of what was done before and after the write");
    }
    hak_text_add_text(text, &runs);
    hak_text_add(text, "\n");
    hak_text_free(&runs);
}
