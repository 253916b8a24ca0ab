/* Names stack nodes that lie in no module by what JIT compilers left, when all processes have
 * ended:
 *
 *   nodes --> addresses of each process, with when they came --> jitdump, map --> frames
 *
 * The store has one name for an address, whichever process it was in: where two processes have
 * different code there the name of the first is marked as reused. */
#include "collector/capture/made_code.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/growing.h"
#include "collector/capture/resolve.h"
#include "collector/kernel/kernel.h"
#include "symbols/jit_names.h"
#include "trace/frame_node.h"

void hak_made_code_mark(struct hak_made_code *made, uint32_t nodes, uint64_t ns) {
    if (made->mark_count && made->marks[made->mark_count - 1].nodes == nodes)
        return;
    if (made->mark_count == HAK_MADE_MARKS) {
        for (uint32_t i = 0; i < HAK_MADE_MARKS / 2; i++)
            made->marks[i] = made->marks[2 * i + 1];
        made->mark_count = HAK_MADE_MARKS / 2;
    }
    made->marks[made->mark_count++] = (struct hak_made_mark){ns, nodes};
}

void hak_made_code_when(const struct hak_made_code *made, uint32_t id, uint64_t *from_ns,
                        uint64_t *until_ns) {
    uint32_t low = 0, high = made->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (made->marks[middle].nodes < id)
            low = middle + 1;
        else
            high = middle;
    }
    *until_ns = low < made->mark_count ? made->marks[low].ns : UINT64_MAX;
    /* A node may lie in the program's ring for longer than one commit takes. */
    *from_ns = low > 1 ? made->marks[low - 2].ns : 0;
}

/* An address in no module, its process, and its first node. */
struct made_address {
    uint32_t process, node;
    uint64_t address;
};
struct made_addresses {
    struct made_address *list;
    uint32_t count, capacity;
};

/* Compares by process, address and node, for sorting. */
static int by_value(const void *left, const void *right) {
    const struct made_address *a = left, *b = right;
    if (a->process != b->process)
        return a->process < b->process ? -1 : 1;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

/* Sorts the addresses ascending and keeps each of a process once. */
static void tidy(struct made_addresses *made) {
    uint32_t kept = 0;
    if (made->count)
        qsort(made->list, made->count, sizeof *made->list, by_value);
    for (size_t i = 0; i < made->count; i++)
        if (kept == 0 || made->list[kept - 1].process != made->list[i].process ||
            made->list[kept - 1].address != made->list[i].address)
            made->list[kept++] = made->list[i];
    made->count = kept;
}

/* Adds the address of the call before a node's ip; a full list is tidied first, and grows if that
 * did not halve it. False without memory. */
static bool add_address(struct made_addresses *made, const struct hak_node_row *n) {
    if (made->count == made->capacity) {
        tidy(made);
        if (2 * (uint64_t)made->count >= made->capacity &&
            !hak_growing_make_room(&made->list, made->capacity, &made->capacity,
                                   sizeof *made->list))
            return false;
    }
    /* The call before the return address is meant. */
    made->list[made->count++] = (struct made_address){n->process, n->id, n->ip - 1};
    return true;
}

/* Lists the addresses of all nodes that lie in no module and are no frames of an interpreter. */
static void list_addresses(struct hak_resolve *r, const struct hak_rows *rows,
                           struct made_addresses *made) {
    struct hak_node_row n;
    memset(r->recent, 0, HAK_RESOLVE_RECENT * sizeof *r->recent);
    for (uint32_t id = 1; hak_rows_node(rows, id, &n); id++) {
        uint64_t key, *recent = hak_resolve_recent(r, &n, &key);
        if (*recent == key)
            continue;
        *recent = key;
        if (hak_frame_node_kind(n.ip) == HAK_FRAME_NODE_NONE &&
            !hak_rows_module_of(rows, n.process, n.generation, n.ip) && !add_address(made, &n))
            break;
    }
    memset(r->recent, 0, HAK_RESOLVE_RECENT * sizeof *r->recent);
    tidy(made);
}

/* Words for people on a process's files. */
struct said {
    char words[512];
};

/* Appends to `said` what is wrong with a file of names: of another machine, broken entries, cut
 * off. */
static void say_file(struct said *said, const char *file, const struct hak_jit_reading *reading) {
    size_t at = strlen(said->words);
    if (reading->is_other)
        snprintf(said->words + at, sizeof said->words - at, "; %s is none of this machine", file);
    else if (reading->broken)
        snprintf(said->words + at, sizeof said->words - at,
                 "; %s has %llu broken entries, which are passed over", file,
                 (unsigned long long)reading->broken);
    at = strlen(said->words);
    if (reading->is_cut)
        snprintf(said->words + at, sizeof said->words - at,
                 "; %s ends within an entry or is too long", file);
}

/* Opens the process's files anew in the place of those that an earlier worker had open: /tmp as
 * this process sees it. NULL: the process is of another pid namespace, or none can be opened. */
static struct hak_made_files *own_files(const struct hak_process_info *p) {
    uint64_t own = hak_pid_namespace_own();
    if (p->pid_space && own && p->pid_space != own)
        return NULL;
    return hak_made_files_open(getpid());
}

/* Whether another program of the capture had the process's id later: that has the map now. */
static bool has_successor(const struct hak_rows *rows, uint32_t process) {
    const struct hak_process_info *p = &rows->processes[process - 1];
    for (uint32_t i = process; i < rows->process_count; i++)
        if (rows->processes[i].row.pid == p->row.pid &&
            rows->processes[i].pid_space == p->pid_space)
            return true;
    return false;
}

/* The files of the process, else of the one that it was forked from with its code. NULL: none are
 * there. */
static struct hak_made_files *files_of(struct hak_rows *rows, uint32_t process) {
    for (uint32_t id = process; id;) {
        struct hak_process_info *p = &rows->processes[id - 1];
        if (!p->made_files && !has_successor(rows, id))
            p->made_files = own_files(p);
        hak_rows_settle_made_files(rows, id);
        if (p->made_files)
            return p->made_files;
        struct hak_process_info *parent = hak_rows_process_info(rows, p->row.parent);
        id = parent && p->row.parent < id && parent->row.session == p->row.session ? p->row.parent
                                                                                   : 0;
    }
    return NULL;
}

/* Reads names of the places from the process's jitdumps and perf map, and notes what was wrong with
 * them; a map that a later program has is left alone. */
static void read_files(struct hak_rows *rows, uint32_t process, struct hak_jit_place *places,
                       size_t count, struct said *said) {
    struct hak_made_files *files = files_of(rows, process);
    if (!files)
        return;
    for (int i = 0; i < HAK_MADE_DUMPS; i++)
        if (files->dumps[i] >= 0) {
            struct hak_jit_reading reading = hak_jit_read_dump(files->dumps[i], places, count);
            say_file(said, "its jitdump", &reading);
        }
    if (files->map >= 0 && !has_successor(rows, process)) {
        struct hak_jit_reading reading = hak_jit_read_map(files->map, places, count);
        say_file(said, "its perf map", &reading);
    }
    if (files->refused) {
        size_t at = strlen(said->words);
        snprintf(said->words + at, sizeof said->words - at, "; a file with names %s: not read",
                 files->refused);
    }
}

/* Puts the names of one process. Returns how many places have one. */
static size_t keep_names(struct hak_resolve *r, const struct hak_jit_place *places, size_t count) {
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = places[i].address + 1, place = 0, key = hak_resolve_key(0, offset);
        if (!places[i].name)
            continue;
        named++;
        struct hak_symbol symbol = hak_jit_symbol(&places[i], &r->made.strings);
        uint32_t before = hak_index_find(&r->done, key, &place);
        if (!before) {
            if (hak_resolve_keep_frame(r, 0, offset, 0, &symbol))
                hak_index_add(&r->done, key, r->pending_count);
            continue;
        }
        struct hak_frame_row *first = before <= r->pending_count ? &r->pending[before - 1] : NULL;
        if (first && first->module == 0 && first->offset == offset &&
            strcmp(first->function, symbol.function) != 0 &&
            !strstr(first->function, HAK_REUSED_MARK))
            first->function = hak_strings_mark(&r->made.strings, first->function, HAK_REUSED_MARK);
    }
    return named;
}

/* Adds a line on a process to the report: how many of its places have names and what was said of
 * its files. Without memory it is left out. */
static void add_report(struct hak_made_code *made, const struct hak_process_row *p, size_t named,
                       size_t count, const struct said *said) {
    size_t before = made->report ? strlen(made->report) : 0;
    char line[sizeof said->words + 128];
    int bytes =
        snprintf(line, sizeof line, "%sprocess %u (pid %d): %zu of %zu places have names%s",
                 before ? "\n" : "", (unsigned)p->id, (int)p->pid, named, count, said->words);
    char *longer =
        bytes > 0 && before < 65536 ? realloc(made->report, before + (size_t)bytes + 1) : NULL;
    if (!longer)
        return;
    memcpy(longer + before, line, (size_t)bytes + 1);
    made->report = longer;
}

/* Finds names of a process's places in made code from its files, keeps them, and reports if there
 * were any or something was wrong. */
static void name_process(struct hak_resolve *r, struct hak_rows *rows,
                         const struct made_address *made, size_t count) {
    struct hak_process_info *p = hak_rows_process_info(rows, made[0].process);
    struct hak_jit_place *places = p ? calloc(count, sizeof *places) : NULL;
    if (!places)
        return;
    struct said said = {""};
    for (size_t i = 0; i < count; i++) {
        places[i].address = made[i].address;
        hak_made_code_when(&r->made, made[i].node, &places[i].from_ns, &places[i].until_ns);
    }
    read_files(rows, made[0].process, places, count, &said);
    size_t named = keep_names(r, places, count);
    if (named || said.words[0])
        add_report(&r->made, &p->row, named, count, &said);
    hak_jit_places_clear(places, count);
    free(places);
}

void hak_resolve_made_code(struct hak_resolve *resolve, struct hak_rows *rows) {
    struct made_addresses made = {0};
    if (!resolve->made.is_seen && resolve->next_node >= rows->node_count)
        return;
    list_addresses(resolve, rows, &made);
    for (size_t i = 0; i < made.count;) {
        size_t first = i;
        while (i < made.count && made.list[i].process == made.list[first].process)
            i++;
        name_process(resolve, rows, &made.list[first], i - first);
    }
    free(made.list);
}
