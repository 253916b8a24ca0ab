/* `core`: reads the core file and hands over to what was asked. */
#include "viewer/corefile/corefile.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "options.h"
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/parts.h"

/* Reads which core or process is asked for: a number that is no file's name is a process. False:
 * --memory is wrong, and that was said. */
static bool read_source(const struct view *view, struct core_source *source) {
    uint64_t fd = 0;
    const char *name = view->argument[0];
    bool is_pid = name[0] && strspn(name, "0123456789") == strlen(name) && strlen(name) < 10 &&
                  access(name, F_OK) != 0;
    *source = (struct core_source){.path = name,
                                   .program = view->argument_count > 1 ? view->argument[1] : NULL,
                                   .pid = is_pid ? atoi(name) : 0,
                                   .fd = -1};
    if (!view_given(view, "memory"))
        return true;
    if (!is_pid || !view_read_number(view, "memory", &fd) || fd > INT32_MAX) {
        view_error("--memory N: an open descriptor of /proc/PID/mem, for a process");
        return false;
    }
    source->fd = (int)fd;
    return true;
}

/* Adds a live block to two sums: blocks, bytes. */
static void sum_live_block(const struct core_block *block, void *context) {
    uint64_t *sums = context;
    sums[0]++;
    sums[1] += block->state ? block->asked_bytes : block->bytes;
}

/* The process and the signal that ended it. */
static void add_process(struct hak_text *text, const struct core_memory *core) {
    hak_text_add(text, "process    %" PRId32 " %s", core->pid, core->name);
    if (core->is_live)
        hak_text_add(text, ", which is there\n");
    else
        hak_text_add(text, ", %s\n", hak_words_count(core->thread_count, "thread", "threads"));
    if (!core->signal)
        return;
    hak_text_add(text, "ended by   %s", hak_words_signal(core->signal));
    if (core->has_fault_address)
        hak_text_add(text, " at 0x%" PRIx64, core->fault_address);
    hak_text_add(text, "\n");
}

/* core: prints process, allocator and live blocks. Returns the exit status. */
static int say_summary(struct view *view, struct core_blocks *blocks, uint64_t address) {
    struct hak_text text = {0};
    uint64_t sums[2] = {0};
    (void)address;
    core_each_live(blocks, sum_live_block, sums);
    if (view->json) {
        json_t *document = core_document(view, blocks), *live = json_object();
        hak_json_set(live, NUMBER("blocks", sums[0]), NUMBER("bytes", sums[1]));
        hak_json_set(document, JSON("live", live));
        return core_print_json(blocks, document) ? VIEW_OK : VIEW_UNREADABLE;
    }
    bool is_plain = blocks->tables.table[0].half == HAK_LAYOUT_PLAIN;
    add_process(&text, &blocks->memory);
    hak_text_add(&text, "allocator  %s", core_file_name(blocks->tables.table[0].file));
    hak_text_add(&text, " %s, %s%s\n", blocks->tables.table[0].built,
                 is_plain ? "without checks" : "level ", is_plain ? "" : core_level_word(blocks));
    hak_text_add(&text, "live       %s, %s\n", hak_words_count(sums[0], "block", "blocks"),
                 hak_words_bytes(sums[1]));
    return view_print(&text) ? VIEW_OK : VIEW_UNREADABLE;
}

/* The questions, by their options. */
static const struct question {
    const char *option; /* NULL: where none is given */
    bool takes_address;
    int (*answer)(struct view *view, struct core_blocks *blocks, uint64_t address);
} questions[] = {
    {"why", true, core_why},           {"owner", true, core_owner},
    {"block", true, core_block_lives}, {"history", true, core_block_history},
    {"layers", false, core_layers},    {"check", false, core_check},
    {"top", false, core_top},          {"leaks", false, core_leaks},
    {NULL, false, say_summary},
};

/* The one question that is asked, or that for the summary if none is; NULL: there are two, and that
 * was said. */
static const struct question *read_question(const struct view *view) {
    const struct question *found = NULL, *each = questions;
    for (; each->option; each++) {
        if (!view_given(view, each->option))
            continue;
        if (found) {
            view_error("core: --%s and --%s are two questions", found->option, each->option);
            return NULL;
        }
        found = each;
    }
    return found ? found : each;
}

/* Reads an address: a number in hex, with 0x or without, or @fault: where the process stopped.
 * False: printed. */
static bool read_address(const struct view *view, const char *option,
                         const struct core_memory *core, uint64_t *address) {
    const char *text = view_value(view, option);
    char *end = NULL;
    if (strcmp(text, "@fault") == 0) {
        *address = core->fault_address;
        if (!core->has_fault_address)
            view_error("--%s @fault: the process did not end by an access to memory", option);
        return core->has_fault_address;
    }
    errno = 0;
    *address = strtoull(text, &end, 16);
    if (errno == 0 && *text && *text != '-' && !*end)
        return true;
    view_error("--%s %s: expected an address in hex, or @fault", option, text);
    return false;
}

bool core_is_of(const char *path, int32_t pid, uint32_t signal) {
    struct hak_text why = {0};
    struct core_memory core;
    bool is_its = core_memory_open(&core, path, NULL, &why) && core.pid == pid &&
                  core.signal == signal && !core.is_live;
    core_memory_close(&core);
    hak_text_free(&why);
    return is_its;
}

/* Opens the core or process, and answers the question. A lack of the core makes the answer
 * incomplete. An exit status. */
int command_core(struct view *view) {
    struct core_blocks blocks;
    struct core_source source;
    uint64_t address = 0;
    const struct question *question = read_question(view);
    if (!question || !read_source(view, &source))
        return VIEW_USAGE;
    int status = core_blocks_open(&blocks, &source);
    if (status == 0 && question->takes_address &&
        !read_address(view, question->option, &blocks.memory, &address))
        status = VIEW_USAGE;
    view_start_pager(view);
    if (status == 0)
        status = question->answer(view, &blocks, address);
    const char *lack = core_lack(&blocks);
    if ((status <= VIEW_FAULT || status == VIEW_INCOMPLETE) && lack) {
        view_error("%s", lack);
        status = status == VIEW_OK ? VIEW_INCOMPLETE : status;
    }
    core_blocks_close(&blocks);
    return status;
}
