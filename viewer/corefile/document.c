/* Makes the head of every JSON answer: the process and its allocator. */
#include "options.h"
#include <jansson.h>
#include "report/words/words.h"
#include "viewer/capture/capture.h"
#include "viewer/corefile/parts.h"

const char *core_level_word(const struct core_blocks *blocks) {
    if (blocks->tables.table[0].half == HAK_LAYOUT_PLAIN)
        return "none";
    uint64_t level = core_level(blocks);
    return level == HAK_CHECK_TRACE    ? "trace"
           : level == HAK_CHECK_NORMAL ? "normal"
           : level == HAK_CHECK_LIGHT  ? "light"
                                       : "unknown";
}

json_t *core_document(const struct view *view, const struct core_blocks *blocks) {
    const struct core_memory *core = &blocks->memory;
    json_t *document = view_json_document(view), *process = json_object(), *own = json_object();
    hak_json_set(
        process, NUMBER("pid", (uint64_t)core->pid), TEXT("name", core->name),
        KNOWN("threads", !core->is_live, core->thread_count),
        JSON("signal", core->signal ? json_string(hak_words_signal(core->signal)) : json_null()),
        ADDRESS("fault_address", core->has_fault_address ? core->fault_address : 0),
        FLAG("is_cut_off", core->is_truncated));
    hak_json_set(document, JSON("process", process));
    hak_json_set(own, TEXT("file", blocks->tables.table[0].file->path),
                 TEXT("version", blocks->tables.table[0].built),
                 WORD("level", core_level_word(blocks)));
    return hak_json_set(document, JSON("allocator", own));
}

const char *core_lack(const struct core_blocks *blocks) {
    bool is_damaged = false;
    for (int i = 0; i < blocks->tables.count; i++)
        is_damaged |= blocks->half[i].is_damaged;
    if (blocks->memory.is_truncated)
        return "the core is cut off: its end is missing, and the answer may be wrong";
    if (is_damaged)
        return "the allocator's lists are damaged: one leads back into itself, or holds more than "
               "there is memory; the answer may be wrong";
    return blocks->memory.missing
               ? "the core leaves out memory that was asked for: the answer may be wrong"
               : NULL;
}

bool core_print_json(const struct core_blocks *blocks, json_t *document) {
    const char *lack = core_lack(blocks);
    return view_print_json(hak_json_print(
        hak_json_set(document, JSON("incomplete", lack ? json_string(lack) : json_null()))));
}
