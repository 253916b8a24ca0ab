/* Finds, in a running process, the words of the allocator that may be set from outside. */
#include "viewer/corefile/corefile.h"

#include "viewer/corefile/parts.h"

bool core_settings_find(int32_t pid, struct core_settings *settings, struct hak_text *error) {
    static struct core_tables tables;
    struct core_memory memory;
    const struct core_table *checks;
    *settings = (struct core_settings){0};
    bool is_found =
        core_memory_open_live(&memory, pid, -1, error) && core_tables_find(&memory, &tables, error);
    if (is_found) {
        const struct core_table *t = core_find_serving(&tables, &checks);
        uint64_t purge = t->root[HAK_ROOT_purge];
        settings->purge_delay = t->root[HAK_ROOT_purge_delay];
        settings->purge_asked = core_place(t, purge, HAK_AT_purge_asked);
        settings->purge_served = core_place(t, purge, HAK_AT_purge_served);
        settings->given_back = t->root[HAK_ROOT_given_back];
        settings->sample_every = checks && t != checks ? checks->root[HAK_ROOT_sample_every] : 0;
        settings->heap_profile = checks ? 0 : t->root[HAK_ROOT_heap_profile];
    }
    core_memory_close(&memory);
    return is_found;
}
