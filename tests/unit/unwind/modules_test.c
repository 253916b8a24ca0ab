/* Tests of src/unwind/modules.c: modules are told of once, with path and build-id, and an unload is
 * noticed inside dlclose, before anything can take the place, whoever asked for it. */
#include "unwind/modules.h"
#include <dlfcn.h>
#include <iconv.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "trace/stacks/stacks.h"
#include "trace/trace.h"
#include "unwind/unwind.h"
#include "unit/suite.h"

enum { NODES = 1 << 20, TOLD_MAX = 512, FRAMES = 256 };

/* The facts that the module list told. */
struct told {
    bool loaded;
    char path[256];
    uint8_t build_id[64];
    size_t build_id_bytes;
    uint64_t load_bias, map_start, map_end;
    uint32_t generation;
};
static struct told told[TOLD_MAX];
static unsigned told_count;

static void note_load(const char *path, const uint8_t *build_id, size_t build_id_bytes,
                      uint64_t load_bias, uint64_t map_start, uint64_t map_end,
                      uint32_t generation) {
    struct told *t = &told[told_count++ % TOLD_MAX];
    *t = (struct told){.loaded = true,
                       .build_id_bytes = build_id_bytes,
                       .load_bias = load_bias,
                       .map_start = map_start,
                       .map_end = map_end,
                       .generation = generation};
    strncpy(t->path, path, sizeof t->path - 1);
    if (build_id)
        memcpy(t->build_id, build_id, build_id_bytes);
}

static void note_unload(uint64_t map_start, uint64_t map_end, uint32_t mark, uint32_t generation) {
    hak_stacks_forget(map_start, map_end, mark);
    told[told_count++ % TOLD_MAX] = (struct told){.map_start = map_start, .generation = generation};
}

/* ---- the program's malloc family, as hakmem-debug.so has it: every call takes its stack ---------
 */

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

static bool watching;
static uint8_t flags;
static unsigned from_loader;

/* Inlined at any optimisation: the family alone lies where stacks are passed over. */
static inline __attribute__((always_inline)) void take_stack(void *caller) {
    if (!watching)
        return;
    from_loader += hak_called_by_loader((uintptr_t)caller);
    (void)hak_stack_here(false, &flags);
}

#define FAMILY __attribute__((noinline, section("hak_tracer_text")))
FAMILY void *malloc(size_t bytes) {
    take_stack(__builtin_return_address(0));
    return __libc_malloc(bytes);
}
FAMILY void *calloc(size_t count, size_t bytes) {
    take_stack(__builtin_return_address(0));
    return __libc_calloc(count, bytes);
}
FAMILY void *realloc(void *block, size_t bytes) {
    take_stack(__builtin_return_address(0));
    return __libc_realloc(block, bytes);
}
FAMILY void free(void *block) {
    if (block)
        take_stack(__builtin_return_address(0));
    __libc_free(block);
}

static struct hak_node *nodes;
static _Atomic uint32_t node_count;
static _Atomic uint64_t no_stack;
extern const char __start_hak_tracer_text[], __stop_hak_tracer_text[];

static void begin(void) {
    nodes = mmap(NULL, NODES * sizeof *nodes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    static const struct hak_modules_listener listener = {hak_stacks_node_count, note_load,
                                                         note_unload};
    hak_modules_start(&listener);
    hak_stacks_start(&(struct hak_stacks_setup){.nodes = nodes,
                                                .node_capacity = NODES,
                                                .node_count = &node_count,
                                                .no_stack = &no_stack,
                                                .depth = 64,
                                                .own_start = (uintptr_t)__start_hak_tracer_text,
                                                .own_end = (uintptr_t)__stop_hak_tracer_text});
    watching = true;
}

/* The last that was told of a path that holds `part`, loaded; NULL when there is none. */
static const struct told *find_load(const char *part) {
    for (unsigned i = told_count; i-- > 0;)
        if (told[i].loaded && strstr(told[i].path, part))
            return &told[i];
    return NULL;
}

static const struct told *find_unload(uint64_t map_start) {
    for (unsigned i = told_count; i-- > 0;)
        if (!told[i].loaded && told[i].map_start == map_start)
            return &told[i];
    return NULL;
}

/* For dl_iterate_phdr: the build-id of libc as the program headers say. */
static int read_libc_id(struct dl_phdr_info *info, size_t size, void *result) {
    (void)size;
    if (!strstr(info->dlpi_name, "libc.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_NOTE)
            continue;
        const char *at = (const char *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        const char *end = at + info->dlpi_phdr[i].p_memsz;
        while (at < end) {
            const ElfW(Nhdr) *note = (const void *)at;
            if (note->n_type == 3 && note->n_descsz == 20)
                memcpy(result, at + sizeof *note + 4, 20);
            at += sizeof *note + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 3) & ~3u);
        }
    }
    return 1;
}

TEST(what_is_loaded_at_start_is_told) {
    uint8_t id[20] = {0};
    const struct told *libc = find_load("/libc.so"), *own = find_load("modules_test");
    ck_assert_ptr_nonnull(libc);
    ck_assert_ptr_nonnull(own);
    ck_assert_ptr_nonnull(find_load("ld-linux"));
    ck_assert_int_eq(dl_iterate_phdr(read_libc_id, id), 1);
    ck_assert_uint_eq(libc->build_id_bytes, 20);
    ck_assert_mem_eq(libc->build_id, id, 20);
    uintptr_t here = (uintptr_t)find_load;
    ck_assert(here >= own->map_start && here < own->map_end);
    ck_assert_uint_eq(own->generation, 0);
    unsigned before = told_count;
    free(malloc(10));
    ck_assert_uint_eq(told_count, before);
    hak_modules_announce_all();
    ck_assert_uint_gt(told_count, before + 2);
}

/* libz takes its memory by way of a function of ours, so that stacks run through it. */
static uint32_t id_through_libz;
static void *allocate_for_libz(void *unused, unsigned count, unsigned bytes) {
    (void)unused;
    id_through_libz = hak_stack_here(false, &flags);
    return __libc_calloc(count, bytes);
}
static void free_for_libz(void *unused, void *block) {
    (void)unused;
    __libc_free(block);
}

struct z_stream_start { /* the part of z_stream that is set here; 112 bytes in all */
    void *in[6], *message, *state;
    void *(*allocate)(void *, unsigned, unsigned);
    void (*free)(void *, void *);
    void *rest[4];
};

static void use_libz(void *libz) {
    int (*init)(void *, const char *, int) =
        (int (*)(void *, const char *, int))dlsym(libz, "inflateInit_");
    int (*end)(void *) = (int (*)(void *))dlsym(libz, "inflateEnd");
    struct z_stream_start stream = {.allocate = allocate_for_libz, .free = free_for_libz};
    ck_assert_int_eq(init(&stream, "1.2.13", (int)sizeof stream), 0);
    end(&stream);
}

/* The first node of stack `id` that lies in [start, end). */
static uint32_t node_in(uint32_t id, uint64_t start, uint64_t end) {
    while (id != 0 && !(nodes[id].ip >= start && nodes[id].ip < end))
        id = nodes[id].parent;
    return id;
}

TEST(unloading_is_noticed_within_dlclose) {
    uint32_t last_node = 0;
    for (uint32_t round = 0; round < 4; round++) {
        void *libz = dlopen("libz.so.1", RTLD_NOW);
        ck_assert_ptr_nonnull(libz);
        use_libz(libz);
        struct told load = *find_load("libz.so");
        ck_assert_uint_eq(load.generation, round);
        ck_assert_uint_eq(hak_modules_generation(), round);
        uint32_t node = node_in(id_through_libz, load.map_start, load.map_end);
        ck_assert_uint_ne(node, 0);
        ck_assert_uint_ne(node, last_node);
        ck_assert_uint_eq(nodes[node].owner, round);
        last_node = node;
        unsigned before = told_count;
        ck_assert_int_eq(dlclose(libz), 0);
        ck_assert_uint_gt(told_count, before);
        ck_assert_uint_eq(find_unload(load.map_start)->generation, round + 1);
        ck_assert_uint_eq(hak_modules_generation(), round + 1);
    }
    ck_assert_uint_gt(from_loader, 0);
}

/* glibc loads and unloads converters by itself; nothing of that passes through dlopen or dlclose.
 */
TEST(unloading_by_libc_itself_is_noticed) {
    unsigned before = from_loader;
    for (int round = 0; round < 20; round++) {
        iconv_t converter = iconv_open("UTF-8", round % 2 ? "EUC-KR" : "EUC-JP");
        char text[] = "abc", out[16], *in_at = text, *out_at = out;
        size_t in_bytes = 3, out_bytes = sizeof out;
        ck_assert(converter != (iconv_t)-1);
        iconv(converter, &in_at, &in_bytes, &out_at, &out_bytes);
        iconv_close(converter);
        /* whatever is live in the list is loaded */
        hak_modules_check();
    }
    ck_assert_uint_gt(from_loader, before);
}

TEST(a_frame_is_named_by_its_module_while_that_is_loaded) {
    struct hak_code_place place[FRAMES];
    struct hak_module module;
    void *libz = dlopen("libz.so.1", RTLD_NOW);
    ck_assert_ptr_nonnull(libz);
    use_libz(libz);
    struct told load = *find_load("libz.so");
    bool is_found = false;
    for (size_t i = 0, count = hak_stack_places(id_through_libz, place, FRAMES); i < count; i++)
        if (place[i].path && strstr(place[i].path, "libz.so")) {
            is_found = true;
            ck_assert_uint_lt(place[i].offset, load.map_end - load.load_bias);
            ck_assert_uint_eq(place[i].build_id_bytes, load.build_id_bytes);
            ck_assert_mem_eq(place[i].build_id, load.build_id, load.build_id_bytes);
        }
    ck_assert(is_found);
    ck_assert_uint_le(hak_stack_places(id_through_libz, place, 2), 2);
    ck_assert(hak_module_at(load.map_start, &module));
    ck_assert_uint_eq(module.load_bias, load.load_bias);
    ck_assert(!hak_module_at((uintptr_t)&module, &module)); /* a stack is no module */
    ck_assert_int_eq(dlclose(libz), 0);
    hak_modules_check();
    ck_assert(!hak_module_at(load.map_start, &module));
}

/* Such modules are not found without ld.so's help. */
#if !defined HAK_FIND_OBJECT_NAME && __GLIBC_PREREQ(2, 35)
TEST(another_namespace) {
    void *libz = dlmopen(LM_ID_NEWLM, "libz.so.1", RTLD_NOW);
    ck_assert_ptr_nonnull(libz);
    use_libz(libz);
    struct told load = *find_load("libz.so");
    ck_assert_uint_ne(node_in(id_through_libz, load.map_start, load.map_end), 0);
    ck_assert_int_eq(dlclose(libz), 0);
    ck_assert_ptr_nonnull(find_unload(load.map_start));
}
#endif

TEST(many_modules) {
    static char of[3000];
    unsigned before = told_count;
    for (uintptr_t i = 0; i < 3000; i++) {
        struct hak_object object = {.start = (uintptr_t)1 << 44 | i << 16,
                                    .end = (uintptr_t)1 << 44 | (i + 1) << 16,
                                    .name = "/nowhere/libmany.so",
                                    .module = &of[i]};
        hak_module_note(&object);
        hak_module_note(&object);
    }
    ck_assert_uint_eq(told_count, before + 3000);
    hak_modules_check(); /* none of them is really there */
    ck_assert_uint_eq(hak_modules_generation(), 3000);
}

RUN_TESTS(.set_up = begin)
