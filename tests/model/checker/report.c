/* Prints a schedule that is an error. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "search.h"

void model_name(const void *address, const char *name) {
    for (unsigned i = 0; i < NAMES_MAX; i++)
        if (!search()->names[i].name || search()->names[i].address == address) {
            search()->names[i].address = address;
            search()->names[i].name = name;
            return;
        }
}

const char *report_name_of(const void *address) {
    static char text[128];
    for (unsigned i = 0; i < NAMES_MAX && search()->names[i].name; i++)
        if (search()->names[i].address == address)
            return search()->names[i].name;
    Dl_info info;
    if (dladdr(address, &info) && info.dli_sname)
        snprintf(text, sizeof text, "%s+%td", info.dli_sname,
                 (const char *)address - (const char *)info.dli_saddr);
    else
        snprintf(text, sizeof text, "%p", address);
    return text;
}

static const char *const op_words[] = {
    [OP_BEGIN] = "begins", [OP_LOAD] = "loads",
    [OP_STORE] = "stores", [OP_CHANGE] = "changes",
    [OP_FENCE] = "fence",  [OP_WAIT] = "sleeps on",
    [OP_WAKE] = "wakes",   [OP_MAPPING] = "maps or unmaps",
    [OP_LOCK] = "takes",
};

/* "function at file:line" by addr2line. */
void report_where(const void *where) {
    char command[256], line[256];
    Dl_info info;
    if (!dladdr(where, &info) || !info.dli_fbase)
        return;
    size_t offset = (size_t)((const char *)where - (const char *)info.dli_fbase) - 1;
    snprintf(command, sizeof command, "addr2line -sfie /proc/%d/exe 0x%zx 2>/dev/null", getpid(),
             offset);
    FILE *pipe = popen(command, "r");
    bool is_function = true;
    while (pipe && fgets(line, sizeof line, pipe)) {
        line[strcspn(line, "\n")] = 0;
        printf(is_function ? " <- %s" : " %s", line);
        is_function = !is_function;
    }
    if (pipe)
        pclose(pipe);
}

static void print_label(unsigned number, const struct label *label) {
    unsigned thread = label->choice % THREADS_MAX;
    if (label->choice >= THREADS_MAX)
        printf("%4u  thread %u's store reaches %s", number, thread,
               report_name_of(label->op.address));
    else
        printf("%4u  thread %u %s %s", number, thread, op_words[label->op.kind],
               label->op.address ? report_name_of(label->op.address) : "");
    if (label->op.address && label->op.kind != OP_MAPPING)
        printf(" (word now %#llx)", (unsigned long long)label->value);
    if (label->choice < THREADS_MAX && label->op.where)
        report_where(label->op.where);
    printf("\n");
}

_Noreturn void model_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    model->is_running = false;
    fflush(stdout);
    printf("%s: ", model->scenario ? model->scenario->name : "model");
    vprintf(format, arguments);
    va_end(arguments);
    printf("\nafter this schedule:\n");
    unsigned printed = 0;
    for (unsigned d = 0; d < search()->depth; d++)
        print_label(++printed, &search()->nodes[d].label);
    fflush(stdout);
    _exit(1);
}
