/* Finds modules by address, with ld.so's help or by a table of all that are loaded.
 *
 *   ld.so                                       here
 *   dlopen: maps, links, allocates  ----------> a new table, published whole
 *   dlclose: unmaps, unlinks, frees ----------> the same
 *                                               lookup: the table that is published now
 *
 * Before glibc 2.35 nothing tells of an address's module without a lock. There the words by which
 * ld.so calls the program's malloc, calloc, realloc and free lead to functions of ours, which go on
 * to where they led. In dlopen it allocates after it has linked the last module that it brings and
 * before it runs any of their code; in dlclose it frees what a module had after it was unlinked,
 * and lets nobody else load before. So at each of these calls the thread that changes the list of
 * modules looks at it by dl_iterate_phdr, whose lock is recursive and which this thread may hold
 * already. Other calls of ld.so (memory of threads, lazy binding) come while r_state of _r_debug
 * says that nothing changes, and do not look.
 *
 * Tables lie in slots. The word `current` names the slot and the ticket of the table; tickets are
 * drawn under ld.so's lock, so they have the order of what was seen, and an older table never takes
 * a newer one's place. A lookup reads the slot and then asks whether it still holds that table; a
 * slot is filled anew only when it is not the current one. Memory of tables is never given back. */
#include "platform/objects.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include "platform/module.h"
#include "platform/raw_call.h"
#include "platform/symbols.h"

/* tests/tools/old_loader.h names one that no ld.so has. */
#ifndef HAK_FIND_OBJECT_NAME
#define HAK_FIND_OBJECT_NAME "_dl_find_object"
#endif

/* ---- ld.so's own answer ---------------------------------------------------------------------- */

/* struct dl_find_object of glibc 2.35 and later. */
struct loader_answer {
    unsigned long long flags;
    const void *map_start, *map_end;
    const struct link_map *link_map;
    const uint8_t *eh_frame;
    unsigned long long reserved[7];
};
typedef int find_function(void *, struct loader_answer *);

/* NULL: not looked for. */
static _Atomic(find_function *) find_object;

/* Stands in `find_object` where ld.so has none. */
static int find_nothing(void *address, struct loader_answer *answer) {
    (void)address;
    (void)answer;
    return -1;
}

/* Finds ld.so's list of modules without asking ld.so anything. NULL: the kernel has not said where
 * ld.so lies, as for a program that was started by ld.so's own name. */
static const struct r_debug *read_list(void) {
    uintptr_t base = getauxval(AT_BASE);
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)base;
    struct hak_module loader;
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return NULL;
    struct dl_phdr_info info = {.dlpi_addr = base,
                                .dlpi_phdr = (const ElfW(Phdr) *)(base + header->e_phoff),
                                .dlpi_phnum = header->e_phnum};
    hak_read_module(&info, &loader);
    return hak_symbol_in(&loader, "_r_debug");
}

/* Notes _dl_find_object for the next calls; `found` NULL: one that finds nothing. */
static find_function *keep_function(void *found) {
    find_function *function = found ? (find_function *)found : find_nothing;
    atomic_store(&find_object, function);
    return function;
}

/* Looks for _dl_find_object in ld.so's list, at a lookup that comes before hak_objects_start: then
 * only ld.so has run so far, and its list stands. Without it, or without the list, a function that
 * finds nothing. */
static HAK_COLD find_function *look_for_function(void) {
    const struct r_debug *list = read_list();
    void *found = NULL;
    if (!list)
        return find_nothing;
    for (const struct link_map *map = list->r_map; map && !found; map = map->l_next) {
        struct hak_module module = {.bias = map->l_addr};
        hak_read_dynamic(map->l_ld, &module);
        found = hak_symbol_in(&module, HAK_FIND_OBJECT_NAME);
    }
    return keep_function(found);
}

/* ---- tables ---------------------------------------------------------------------------------- */

enum { SLOTS = 32, SLOT_BITS = 8, FIRST_CAPACITY = 128 };
enum { SLOT_FREE, SLOT_FILLING, SLOT_PUBLISHED };

struct entry {
    uintptr_t start, end, bias;
    const char *name;
    const uint8_t *eh_frame;
    const void *segments; /* program headers: a module's own place of them */
    uintptr_t number;     /* another one for each module; the same for all parts of the program */
};

struct table {
    _Atomic uint64_t word; /* as in `current` while it is published; else 0 */
    _Atomic uint32_t state;
    uint32_t count, capacity;
    unsigned long long adds, subs; /* ld.so's counters */
    struct entry *entry;           /* sorted by start */
};

static _Alignas(HAK_PAGE_BYTES_MOST) struct entry first_entries[FIRST_CAPACITY];
static struct table slots[SLOTS] = {{.capacity = FIRST_CAPACITY, .entry = first_entries}};
static _Atomic uint64_t current; /* ticket << SLOT_BITS | slot; 0 = no table yet */
static _Atomic uint64_t tickets;
static _Atomic uintptr_t numbers;

static struct table *table_of(uint64_t word) {
    return &slots[word & ((1 << SLOT_BITS) - 1)];
}

/* The last entry that begins at `address` or before it, if it holds it. */
static const struct entry *search_entries(const struct entry *entry, uint32_t count,
                                          uintptr_t address) {
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && address < entry[low - 1].end ? &entry[low - 1] : NULL;
}

/* Whether the table was published as `word` all the time, so that what was read of it is one
 * table's. */
static inline bool is_still(const struct table *table, uint64_t word) {
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&table->word, memory_order_relaxed) == word;
}

/* Copies what the newest table has for `address`. */
static bool look_up(uintptr_t address, struct entry *result) {
    *result = (struct entry){0};
    for (;;) {
        uint64_t word = atomic_load(&current);
        const struct table *table = table_of(word);
        if (word == 0)
            return false;
        /* The slot may be filled anew in between; then what was read is not used. */
        const struct entry *found =
            search_entries(*(struct entry *const volatile *)&table->entry,
                           *(const volatile uint32_t *)&table->count, address);
        if (found)
            *result = *found;
        if (is_still(table, word))
            return found != NULL;
    }
}

/* Claims a free table to be filled; NULL: all are in use. */
static struct table *take_slot(void) {
    for (unsigned i = 0; i < SLOTS; i++) {
        uint32_t state = SLOT_FREE;
        if (atomic_load(&slots[i].state) == SLOT_FREE &&
            atomic_compare_exchange_strong(&slots[i].state, &state, SLOT_FILLING)) {
            atomic_thread_fence(memory_order_release); /* before the entries: see is_still */
            return &slots[i];
        }
    }
    return NULL;
}

/* Makes room for one more entry; false: no memory is left. */
static bool has_room(struct table *table) {
    if (table->count < table->capacity)
        return true;
    uint32_t more = table->capacity ? 4 * table->capacity : FIRST_CAPACITY;
    struct entry *entry = hak_raw_map(more * sizeof *entry);
    if (!entry)
        return false;
    memcpy(entry, table->entry, table->count * sizeof *entry);
    table->entry = entry;
    table->capacity = more;
    return true;
}

/* Adds a range of an object, in whole pages; an empty one adds nothing. False: no room. */
static bool add_entry(struct table *table, const struct dl_phdr_info *info, uintptr_t start,
                      uintptr_t end, const uint8_t *eh_frame) {
    const uintptr_t page = HAK_PAGE_BYTES;
    if (start >= end)
        return true;
    if (!has_room(table))
        return false;
    table->entry[table->count++] = (struct entry){.start = start & ~(page - 1),
                                                  .end = (end + page - 1) & ~(page - 1),
                                                  .bias = info->dlpi_addr,
                                                  .name = info->dlpi_name,
                                                  .eh_frame = eh_frame,
                                                  .segments = info->dlpi_phdr};
    return true;
}

/* Adds a module's ranges: one, as ld.so maps it; of the program, which the kernel has mapped, one
 * for each segment, as the pages in a hole between two may belong to another. False: no memory. */
static bool add_module(struct table *table, const struct dl_phdr_info *info) {
    bool is_program = !info->dlpi_name || !info->dlpi_name[0];
    uintptr_t start = 0, end = 0;
    const uint8_t *eh_frame = NULL;
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
            eh_frame = (const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
    for (unsigned i = 0; i < info->dlpi_phnum; i++) { /* in ascending order */
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        if (end != 0 && is_program && from > end + HAK_PAGE_BYTES) {
            if (!add_entry(table, info, start, end, eh_frame))
                return false;
            end = 0;
        }
        start = end == 0 ? from : start;
        end = from + info->dlpi_phdr[i].p_memsz;
    }
    return add_entry(table, info, start, end, eh_frame);
}

/* Sorts the modules by start, as a shell sort: ld.so's order is nearly that of the addresses,
 * downwards in groups. */
static void sort(struct entry *entry, uint32_t count) {
    uint32_t gap = 1;
    while (gap < count / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (uint32_t i = gap; i < count; i++) {
            struct entry moved = entry[i];
            uint32_t at = i;
            for (; at >= gap && entry[at - gap].start > moved.start; at -= gap)
                entry[at] = entry[at - gap];
            entry[at] = moved;
        }
}

/* Finds the part of the program in front of entry `at`, which is one, too; NULL: it is the first
 * one, or another module. */
static const struct entry *part_before(const struct table *table, uint32_t at) {
    const struct entry *entry = &table->entry[at];
    if (entry->name && entry->name[0])
        return NULL;
    for (uint32_t i = at; i-- > 0;)
        if (table->entry[i].segments == entry->segments)
            return &table->entry[i];
    return NULL;
}

/* Gives modules that the published table has their numbers, and others new ones. */
static void number_modules(struct table *table, const struct table *before) {
    uint32_t known = before ? before->count : 0;
    for (uint32_t i = 0, at = 0; i < table->count; i++) {
        struct entry *entry = &table->entry[i];
        const struct entry *part = part_before(table, i);
        while (at < known && before->entry[at].start < entry->start)
            at++;
        const struct entry *old = at < known ? &before->entry[at] : NULL;
        bool is_same = old && old->start == entry->start && old->end == entry->end &&
                       old->name == entry->name && old->segments == entry->segments;
        entry->number = part      ? part->number
                        : is_same ? old->number
                                  : atomic_fetch_add(&numbers, 1) + 1;
    }
}

struct looking {
    struct table *table; /* being filled; NULL: nothing has changed, or there is no room */
    uint64_t ticket;     /* 0: not begun */
    bool is_whole;
};

/* Sorts the new table and makes it the current one, unless another thread has published a later
 * one; then it is dropped. */
static void publish(const struct looking *looking) {
    struct table *table = looking->table;
    uint64_t word = looking->ticket << SLOT_BITS | (uint64_t)(table - slots);
    sort(table->entry, table->count);
    for (uint64_t before = atomic_load(&current);;) {
        if (before >> SLOT_BITS > looking->ticket) { /* another thread saw what came later */
            atomic_store(&table->state, SLOT_FREE);
            return;
        }
        number_modules(table, before ? table_of(before) : NULL);
        atomic_store(&table->state, SLOT_PUBLISHED);
        atomic_store(&table->word, word);
        if (atomic_compare_exchange_strong(&current, &before, word)) {
            if (before) {
                atomic_store(&table_of(before)->word, 0);
                atomic_store(&table_of(before)->state, SLOT_FREE);
            }
            return;
        }
    }
}

/* Adds a module to the table that is made, for dl_iterate_phdr, under ld.so's lock; at the first
 * one it finds out whether anything changed. */
static int visit_object(struct dl_phdr_info *info, size_t size, void *context) {
    struct looking *looking = context;
    (void)size;
    if (looking->ticket == 0) {
        struct looking first = {.ticket = atomic_fetch_add(&tickets, 1) + 1, .is_whole = true};
        uint64_t word = atomic_load(&current);
        const struct table *now = table_of(word);
        bool is_same = word != 0 && now->adds == info->dlpi_adds && now->subs == info->dlpi_subs &&
                       is_still(now, word);
        *looking = first;
        looking->table = is_same ? NULL : take_slot();
        if (!looking->table)
            return 1;
        looking->table->count = 0;
        looking->table->adds = info->dlpi_adds;
        looking->table->subs = info->dlpi_subs;
    }
    looking->is_whole = add_module(looking->table, info);
    return !looking->is_whole;
}

/* ---- ld.so's calls --------------------------------------------------------------------------- */

/* ld.so's; NULL: it is not watched. */
static const volatile struct r_debug *changes;
/* The parent's ld.so was in the midst of a change by a thread that is not here. */
static _Atomic bool is_inherited;

void hak_objects_look(void) {
    struct looking looking = {0};
    if (atomic_load(&find_object) != find_nothing)
        return;
    (void)dl_iterate_phdr(visit_object, &looking);
    if (!looking.table)
        return;
    if (looking.is_whole)
        publish(&looking);
    else
        atomic_store(&looking.table->state, SLOT_FREE);
}

/* Looks at the modules, at each call of ld.so, if its list is just being changed. */
static inline void look_at_change(void) {
    if (HAK_LIKELY(changes->r_state == RT_CONSISTENT))
        atomic_store_explicit(&is_inherited, false, memory_order_relaxed);
    else if (!atomic_load_explicit(&is_inherited, memory_order_relaxed))
        hak_objects_look();
}

void hak_objects_after_fork(void) {
    if (changes && changes->r_state != RT_CONSISTENT)
        atomic_store(&is_inherited, true);
}

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

/* Each ends in a jump, so that the caller is still ld.so. */
static void *malloc_for_loader(size_t bytes) {
    look_at_change();
    return next_malloc(bytes);
}
static void *calloc_for_loader(size_t count, size_t bytes) {
    look_at_change();
    return next_calloc(count, bytes);
}
static void *realloc_for_loader(void *block, size_t bytes) {
    look_at_change();
    return next_realloc(block, bytes);
}
static void free_for_loader(void *block) {
    look_at_change();
    next_free(block);
}

/* Makes the word lead to `ours`; it may lie in what ld.so has closed. */
static void lead(_Atomic uintptr_t *word, uintptr_t ours, const struct hak_module *loader) {
    uintptr_t page = (uintptr_t)word & ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    bool is_closed = page >= loader->read_only_start && page < loader->read_only_end;
    if (is_closed && hak_raw_call(SYS_mprotect, page, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE) != 0)
        return;
    atomic_store(word, ours);
    if (is_closed)
        (void)hak_raw_call(SYS_mprotect, page, HAK_PAGE_BYTES, PROT_READ);
}

/* Leads ld.so's own calls of the malloc family here: up to glibc 2.30 the words are in its PLT,
 * then its __rtld_malloc and the like. */
static void lead_calls(const struct hak_module *loader, const struct dl_phdr_info *info) {
    const struct {
        const char *name;
        void *next;
        uintptr_t ours;
    } calls[] = {{"malloc", &next_malloc, (uintptr_t)malloc_for_loader},
                 {"calloc", &next_calloc, (uintptr_t)calloc_for_loader},
                 {"realloc", &next_realloc, (uintptr_t)realloc_for_loader},
                 {"free", &next_free, (uintptr_t)free_for_loader}};
    enum { CALLS = sizeof calls / sizeof *calls };
    uintptr_t found[CALLS];
    for (unsigned i = 0; i < CALLS; i++) {
        found[i] = (uintptr_t)hak_symbol_first(calls[i].name);
        memcpy(calls[i].next, &found[i], sizeof found[i]);
    }
    for (unsigned s = 0; s < info->dlpi_phnum; s++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[s];
        uintptr_t at = (info->dlpi_addr + segment->p_vaddr + 7) & ~(uintptr_t)7;
        uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W))
            continue;
        for (; at + sizeof(uintptr_t) <= end; at += sizeof(uintptr_t))
            for (unsigned i = 0; i < CALLS; i++)
                if (found[i] && atomic_load((_Atomic uintptr_t *)at) == found[i])
                    lead((_Atomic uintptr_t *)at, calls[i].ours, loader);
    }
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Finds, for dl_iterate_phdr, ld.so: the module where its list of modules is defined; notes the
 * list and leads its calls here. */
static int visit_loader(struct dl_phdr_info *info, size_t size, void *unused) {
    struct hak_module module;
    (void)size;
    (void)unused;
    hak_read_module(info, &module);
    const struct r_debug *list = hak_symbol_in(&module, "_r_debug");
    if (!list || !hak_module_holds(&module, list) || !hak_symbol_in(&module, "__tls_get_addr"))
        return 0;
    changes = list;
    lead_calls(&module, info);
    return 1;
}

void hak_objects_start(void) {
    static _Atomic bool is_started;
    if (atomic_exchange(&is_started, true))
        return;
    if (!atomic_load(&find_object))
        (void)keep_function(hak_symbol_of_libc(HAK_FIND_OBJECT_NAME));
    if (atomic_load(&find_object) != find_nothing)
        return;
    (void)dl_iterate_phdr(visit_loader, NULL);
    hak_objects_look();
}

/* ---- the answer ------------------------------------------------------------------------------ */

bool hak_object_find(uintptr_t address, struct hak_object *object) {
    find_function *find = atomic_load_explicit(&find_object, memory_order_acquire);
    if (HAK_UNLIKELY(!find))
        find = look_for_function();
    if (HAK_UNLIKELY(find == find_nothing)) {
        struct entry found;
        if (!look_up(address, &found))
            return false;
        *object = (struct hak_object){found.start, found.end,      found.bias,
                                      found.name,  found.eh_frame, (const void *)found.number};
        return true;
    }
    struct loader_answer answer;
    if (find((void *)address, &answer) != 0)
        return false;
    const struct link_map *map = answer.link_map;
    *object = (struct hak_object){.start = (uintptr_t)answer.map_start,
                                  .end = (uintptr_t)answer.map_end,
                                  .bias = map ? map->l_addr : 0,
                                  .name = map ? map->l_name : "",
                                  .eh_frame = answer.eh_frame,
                                  .module = map};
    return true;
}
