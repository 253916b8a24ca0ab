/* Keeps the list of modules that stacks run through, and notices when one is unloaded. */
#include "unwind/modules.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include "platform/path.h"
#include "platform/raw_call.h"
#include "unwind/rules.h"
#include "platform/objects.h"

enum module_state { MODULE_FILLING = 0, MODULE_LIVE, MODULE_GONE, MODULE_STATES = 4 };

/* An entry is used again when its module is gone. `state` holds how often, so that a reader sees
 * when what it read belongs to another module: MODULE_STATES * uses + enum module_state. */
struct module {
    struct module *next;
    _Atomic uint64_t state;
    uint32_t mark; /* the listener's mark when the module was new */
    struct hak_object object;
};

enum { FIRST_MODULES = 128, BLOCK_MODULES = 1024, PATH_BYTES = 4096 };

/* Where new entries come from: the static block first, then mapped ones. */
struct block {
    _Atomic uint32_t used;
    uint32_t capacity;
    struct module *module;
};

static struct module first_modules[FIRST_MODULES];
static struct block first_block = {.capacity = FIRST_MODULES, .module = first_modules};
static _Atomic(struct block *) newest_block = &first_block;
static _Atomic(struct module *) newest_module;
_Atomic uint32_t hak_modules_unloads;
static char program_path[PATH_BYTES];

struct hak_loader_range hak_loader_range;

static uint32_t mark_nothing(void) {
    return 0;
}

/* The listener while nobody listens: passes over a module that was loaded. */
static void hear_of_load(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                         uint64_t load_bias, uint64_t map_start, uint64_t map_end,
                         uint32_t generation) {
    (void)path;
    (void)build_id;
    (void)build_id_bytes;
    (void)load_bias;
    (void)map_start;
    (void)map_end;
    (void)generation;
}

/* The listener while nobody listens: passes over a module that was unloaded. */
static void hear_of_unload(uint64_t map_start, uint64_t map_end, uint32_t mark,
                           uint32_t generation) {
    (void)map_start;
    (void)map_end;
    (void)mark;
    (void)generation;
}
static const struct hak_modules_listener nobody = {mark_nothing, hear_of_load, hear_of_unload};
static const struct hak_modules_listener *listener = &nobody;

static inline bool is_live(uint64_t state) {
    return state % MODULE_STATES == MODULE_LIVE;
}

/* Whether the entry was in this state all the time, so that what was read of it is of one module.
 */
static inline bool is_still(const struct module *m, uint64_t state) {
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&m->state, memory_order_relaxed) == state;
}

/* An entry of a module that is gone, now being filled; NULL when there is none. */
static struct module *take_gone(void) {
    for (struct module *m = atomic_load(&newest_module); m; m = m->next) {
        uint64_t state = atomic_load_explicit(&m->state, memory_order_relaxed);
        if (state % MODULE_STATES == MODULE_GONE &&
            atomic_compare_exchange_strong(&m->state, &state,
                                           state - MODULE_GONE + MODULE_STATES)) {
            atomic_thread_fence(memory_order_release); /* before the fields: see is_still */
            return m;
        }
    }
    return NULL;
}

/* A fresh entry, never given back, in the list and being filled; NULL when no memory is left. */
static struct module *take_fresh(void) {
    for (;;) {
        struct block *block = atomic_load(&newest_block);
        uint32_t index = atomic_fetch_add(&block->used, 1);
        if (index < block->capacity) {
            struct module *entry = &block->module[index];
            entry->next = atomic_load(&newest_module);
            while (!atomic_compare_exchange_weak(&newest_module, &entry->next, entry))
                ;
            return entry;
        }
        size_t bytes = sizeof(struct block) + BLOCK_MODULES * sizeof(struct module);
        struct block *more = hak_raw_map(bytes);
        if (!more)
            return NULL;
        more->capacity = BLOCK_MODULES;
        more->module = (struct module *)(more + 1);
        if (!atomic_compare_exchange_strong(&newest_block, &block, more))
            hak_raw_unmap(more, bytes);
    }
}

/* The build-id of the module whose ELF header is mapped at `map_start`: its bytes and their number
 * in `bytes`, or NULL. Reads only what the program headers say is mapped. */
static const uint8_t *find_build_id(uintptr_t map_start, uintptr_t map_end, uintptr_t load_bias,
                                    size_t *bytes) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)map_start;
    if (map_end - map_start < sizeof *header || !hak_raw_readable(map_start) ||
        memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_phentsize != sizeof(Elf64_Phdr))
        return NULL;
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(map_start + header->e_phoff);
    uint64_t first_bytes = 4096; /* the first page is mapped in any case */
    if (header->e_phoff + (uint64_t)header->e_phnum * sizeof *segment > first_bytes)
        return NULL;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        uintptr_t at = load_bias + segment[i].p_vaddr;
        if (segment[i].p_type != PT_NOTE || at < map_start || at >= map_end ||
            segment[i].p_filesz > map_end - at || !hak_raw_readable(at))
            continue;
        for (uintptr_t end = at + segment[i].p_filesz; end - at >= sizeof(Elf64_Nhdr);) {
            const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
            uintptr_t name = at + sizeof *note;
            uintptr_t content = name + ((note->n_namesz + (uintptr_t)3) & ~(uintptr_t)3);
            uintptr_t next = content + ((note->n_descsz + (uintptr_t)3) & ~(uintptr_t)3);
            if (next > end || next <= at)
                break;
            if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 &&
                memcmp((const void *)name, "GNU", 4) == 0) {
                *bytes = note->n_descsz;
                return (const uint8_t *)content;
            }
            at = next;
        }
    }
    return NULL;
}

/* Is this part of a live module? */
static bool is_noted(const struct hak_object *object) {
    for (struct module *m = atomic_load(&newest_module); m; m = m->next) {
        uint64_t state = atomic_load(&m->state);
        if (is_live(state) && m->object.module == object->module &&
            object->start >= m->object.start && object->end <= m->object.end && is_still(m, state))
            return true;
    }
    return false;
}

/* Writes the working folder and `name` into `path`, as ld.so keeps names as they were asked for;
 * NULL when that is not possible. */
static const char *make_absolute(char *path, const char *name) {
    long bytes = hak_raw_call(SYS_getcwd, (long)path, PATH_BYTES, 0, 0, 0, 0);
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    size_t name_bytes = strlen(name) + 1;
    if (bytes <= 1 || path[0] != '/' || (size_t)bytes + name_bytes > PATH_BYTES)
        return NULL;
    path[bytes - 1] = '/';
    memcpy(path + bytes, name, name_bytes);
    return path;
}

/* Tells the listener that a module was loaded: absolute path (the program's if it has no name),
 * build ID, bias and addresses. */
static void announce(const struct module *m) {
    const struct hak_object *object = &m->object;
    const char *name = object->name, *absolute = NULL;
    size_t id_bytes = 0;
    const uint8_t *id = find_build_id(object->start, object->end, object->bias, &id_bytes);
    if (!name || !name[0])
        name = program_path;
    char *path = name[0] != '/' && strchr(name, '/') ? hak_raw_map(PATH_BYTES) : NULL;
    if (path)
        absolute = make_absolute(path, name);
    listener->loaded(absolute ? absolute : name, id, id_bytes, object->bias, object->start,
                     object->end, hak_modules_generation());
    if (path)
        hak_raw_unmap(path, PATH_BYTES);
}

/* Notes a module and tells the listener, unless it is noted already or no memory is left. Two
 * threads may both do this for one module; told twice does no harm. */
void hak_module_note(const struct hak_object *object) {
    if (!object->module || is_noted(object))
        return;
    struct module *entry = take_gone();
    if (!entry)
        entry = take_fresh();
    if (!entry)
        return;
    entry->object = *object;
    entry->mark = listener->mark();
    announce(entry);
    atomic_fetch_add(&entry->state, MODULE_LIVE - MODULE_FILLING);
}

bool hak_module_at(uintptr_t address, struct hak_module *out) {
    for (const struct module *m = atomic_load(&newest_module); m; m = m->next) {
        uint64_t state = atomic_load(&m->state);
        struct hak_object seen = m->object;
        if (!is_live(state) || address - seen.start >= seen.end - seen.start || !is_still(m, state))
            continue;
        *out = (struct hak_module){.load_bias = seen.bias,
                                   .path = seen.name && seen.name[0] ? seen.name : program_path};
        out->build_id = find_build_id(seen.start, seen.end, seen.bias, &out->build_id_bytes);
        return true;
    }
    return false;
}

void hak_modules_announce_all(void) {
    for (struct module *m = atomic_load(&newest_module); m; m = m->next) {
        if (!is_live(atomic_load(&m->state)))
            continue;
        m->mark = 0; /* the listener counts anew */
        announce(m);
    }
}

void hak_modules_forget_all(void) {
    for (struct module *m = atomic_load(&newest_module); m; m = m->next) {
        uint64_t state = atomic_load(&m->state);
        if (is_live(state))
            (void)atomic_compare_exchange_strong(&m->state, &state,
                                                 state - MODULE_LIVE + MODULE_GONE);
    }
    (void)atomic_fetch_add(&hak_modules_unloads, 1);
    hak_rules_forget();
}

void hak_modules_check(void) {
    for (struct module *m = atomic_load(&newest_module); m; m = m->next) {
        struct hak_object now;
        uint64_t state = atomic_load(&m->state);
        if (!is_live(state))
            continue;
        struct module seen = {.object = m->object, .mark = m->mark};
        if (hak_object_find(seen.object.start, &now) && now.module == seen.object.module)
            continue;
        if (!atomic_compare_exchange_strong(&m->state, &state, state - MODULE_LIVE + MODULE_GONE))
            continue;
        uint32_t generation = atomic_fetch_add(&hak_modules_unloads, 1) + 1;
        hak_rules_forget();
        listener->unloaded(seen.object.start, seen.object.end, seen.mark, generation);
    }
}

/* For dl_iterate_phdr: notes the module with all its segments. (A program with holes between its
 * segments is known as an object by each of them only.) */
static int note_loaded(struct dl_phdr_info *info, size_t size, void *unused) {
    struct hak_object object;
    uintptr_t start = UINTPTR_MAX, end = 0;
    (void)size;
    (void)unused;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t to = from + info->dlpi_phdr[i].p_memsz;
        if (info->dlpi_phdr[i].p_type != PT_LOAD)
            continue;
        start = from < start ? from : start;
        end = to > end ? to : end;
    }
    start &= ~(uintptr_t)(HAK_PAGE_BYTES - 1);
    if (start < end && hak_object_find(start, &object)) {
        object.start = start;
        object.end = HAK_PAGES_OF(end);
        hak_module_note(&object);
    }
    return 0;
}

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Whether `executed` is a link to the program's file, whose own name is another: redis-server,
 * where the file is redis-check-rdb. A name that stands in the other (python3 of python3.13) is
 * none, nor is a script's, nor a link of the kernel's (/proc/self/exe, /dev/fd/3 of fexecve). */
static bool is_another_name(const char *executed, const char *file) {
    struct stat about, program;
    const char *name = last_part(executed), *own = last_part(file);
    return strcmp(name, own) != 0 && !memmem(own, strlen(own), name, strlen(name)) &&
           !memmem(name, strlen(name), own, strlen(own)) && strncmp(executed, "/proc/", 6) != 0 &&
           strncmp(executed, "/dev/fd/", 8) != 0 &&
           hak_raw_call(SYS_newfstatat, AT_FDCWD, executed, &about, 0) == 0 &&
           hak_raw_call(SYS_newfstatat, AT_FDCWD, "/proc/self/exe", &program, 0) == 0 &&
           about.st_dev == program.st_dev && about.st_ino == program.st_ino;
}

void hak_modules_program(char *to, size_t capacity) {
    size_t known = strnlen(program_path, sizeof program_path);
    if (to != program_path && known > 0 && known < capacity) {
        memcpy(to, program_path, known + 1); /* a sandbox may allow no question by now */
        return;
    }
    long bytes = hak_raw_call(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", to, capacity - 1);
    const char *executed = (const char *)getauxval(AT_EXECFN);
    if (bytes > 0) {
        to[bytes] = 0;
        if (executed && strcmp(executed, to) != 0 && is_another_name(executed, to))
            bytes = 0;
        else
            executed = NULL;
    }
    size_t length = bytes > 0 ? (size_t)bytes : 0;
    while (executed && executed[0] == '.' && executed[1] == '/')
        executed += 2;
    if (executed && executed[0] != '/') {
        hak_path_here(to, capacity - 1);
        length = strlen(to);
        to[length++] = '/';
    }
    for (; executed && *executed && length < capacity - 1; executed++)
        to[length++] = *executed;
    to[length] = 0;
}

void hak_modules_start(const struct hak_modules_listener *wanted) {
    hak_objects_start();
    listener = wanted ? wanted : &nobody;
    hak_rules_watch(hak_module_note);
    hak_modules_program(program_path, sizeof program_path);
    struct hak_object loader;
    uintptr_t loader_base = getauxval(AT_BASE);
    if (loader_base != 0 && hak_object_find(loader_base, &loader)) {
        hak_loader_range.low = loader.start;
        hak_loader_range.span = loader.end - loader.start;
    }
    hak_modules_announce_all();
    dl_iterate_phdr(note_loaded, NULL);
}
