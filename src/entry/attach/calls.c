/* The functions that stand in for those of the malloc family while hakmem-attach.so records: each
 * calls the one that the program's calls came to before, and records it.
 *
 * Whether a call is recorded is asked before and after it: a recording may end and another begin
 * while a thread waits in the allocator. */
#include <errno.h>
#include <string.h>
#include "entry/attach/attach.h"
#include "entry/keep/keep.h"
#include "trace/trace.h"
#include "unwind/modules.h"
#include "platform/objects.h"

struct hak_keep_next hak_keep_next;
_Atomic uint8_t hak_keep_bell;
static int (*next_dlclose)(void *handle);

void hak_keep_answer(void) {
    if (atomic_exchange(&hak_keep_bell, 0))
        hak_trace_serve_asked();
}

/* Records a block that the program's allocator handed out, and returns it. NULL is recorded as a
 * failed call. */
static inline void *taken(void *user, size_t bytes, enum hak_subkind by, hak_call_t call) {
    if (hak_attach_enter()) {
        (void)hak_keep_taken(
            user, &(struct hak_hand_out){.asked_bytes = bytes, .subkind = by, .call = call});
        hak_attach_leave();
    }
    return user;
}

static void *attach_malloc(size_t bytes) {
    return taken(hak_keep_next.malloc(bytes), bytes, HAK_BY_MALLOC, HAK_CALL);
}

static void *attach_calloc(size_t count, size_t bytes) {
    return taken(hak_keep_next.calloc(count, bytes), count * bytes, HAK_BY_CALLOC, HAK_CALL);
}

/* Records the block's end, then has the program's allocator free it. */
static void attach_free(void *pointer) {
    size_t bytes;
    if (hak_attach_enter()) {
        (void)hak_keep_given(pointer, hak_free_by(HAK_GIVEN_BY_FREE), HAK_CALL, &bytes);
        hak_attach_leave();
    }
    hak_keep_next.free(pointer);
}

/* As in entry/keep/family.c: the old life ends before the call. */
struct resize {
    void *pointer;
    size_t bytes, old_bytes;
    uint32_t recording; /* in which its old block was known; 0 = in none */
    hak_call_t call;
};

/* Records the old block's end before realloc, since another thread may get its address. */
static void begin_resize(struct resize *r) {
    enum hak_record_kind kind = r->bytes ? HAK_REALLOC_FROM : hak_free_by(HAK_GIVEN_BY_REALLOC);
    if (!r->pointer || !hak_attach_enter())
        return;
    if (hak_keep_given(r->pointer, kind, r->call, &r->old_bytes))
        r->recording = hak_attach_thread->seen;
    hak_attach_leave();
}

/* Records the new block. If realloc failed, the old block is recorded as living again. */
static void end_resize(const struct resize *r, void *user) {
    bool has_failed = !user && (r->bytes != 0 || !r->pointer);
    if (!hak_attach_enter())
        return;
    bool is_known = r->recording == hak_attach_thread->seen;
    struct hak_hand_out how = {.asked_bytes = r->bytes,
                               .subkind = HAK_BY_REALLOC,
                               .moved_from = user_from(is_known ? r->pointer : NULL),
                               .call = r->call};
    if (user || has_failed)
        (void)hak_keep_taken(user, &how);
    if (has_failed && is_known) {
        how.asked_bytes = r->old_bytes;
        (void)hak_keep_taken(r->pointer, &how);
    }
    hak_attach_leave();
}

/* Has the program's allocator resize the block, with records before and after. */
static void *attach_realloc(void *pointer, size_t bytes) {
    struct resize r = {.pointer = pointer, .bytes = bytes, .call = HAK_CALL};
    begin_resize(&r);
    void *user = hak_keep_next.realloc(pointer, bytes);
    end_resize(&r, user);
    return user;
}

static void *attach_memalign(size_t alignment, size_t bytes) {
    return taken(hak_keep_next.memalign(alignment, bytes), bytes, HAK_BY_ALIGNED, HAK_CALL);
}

static void *attach_aligned_alloc(size_t alignment, size_t bytes) {
    return taken(hak_keep_next.aligned_alloc(alignment, bytes), bytes, HAK_BY_ALIGNED, HAK_CALL);
}

static int attach_posix_memalign(void **result, size_t alignment, size_t bytes) {
    int error = hak_keep_next.posix_memalign(result, alignment, bytes);
    (void)taken(error == 0 ? *result : NULL, bytes, HAK_BY_ALIGNED, HAK_CALL);
    return error;
}

static void *attach_valloc(size_t bytes) {
    return taken(hak_keep_next.valloc(bytes), bytes, HAK_BY_ALIGNED, HAK_CALL);
}

static void *attach_pvalloc(size_t bytes) {
    return taken(hak_keep_next.pvalloc(bytes), bytes, HAK_BY_ALIGNED, HAK_CALL);
}

/* Calls the program's dlclose and looks through the modules anew, as another may take the place of
 * the one that went: ld.so's own calls of free do not come here. */
static int attach_dlclose(void *handle) {
    int result = next_dlclose(handle);
    if (hak_attach_enter()) {
        hak_objects_look();
        hak_modules_check();
        hak_attach_leave();
    }
    return result;
}

/* clang-format off */
#define STANDS_IN(function) {.name = #function, .ours = (uintptr_t)attach_##function}
/* clang-format on */
struct hak_import hak_attach_imports[HAK_ATTACH_IMPORTS] = {
    STANDS_IN(malloc),        STANDS_IN(free),           STANDS_IN(calloc), STANDS_IN(realloc),
    STANDS_IN(aligned_alloc), STANDS_IN(posix_memalign), STANDS_IN(valloc), STANDS_IN(pvalloc),
    STANDS_IN(memalign),      STANDS_IN(dlclose),
};

bool hak_attach_find_next(void) {
    void *const functions[HAK_ATTACH_IMPORTS] = {
        &hak_keep_next.malloc,  &hak_keep_next.free,          &hak_keep_next.calloc,
        &hak_keep_next.realloc, &hak_keep_next.aligned_alloc, &hak_keep_next.posix_memalign,
        &hak_keep_next.valloc,  &hak_keep_next.pvalloc,       &hak_keep_next.memalign,
        &next_dlclose,
    };
    struct hak_object of_malloc, of_size;
    for (unsigned i = 0; i < HAK_ATTACH_IMPORTS; i++) {
        struct hak_import *import = &hak_attach_imports[i];
        import->next = hak_imports_find(import->name);
        /* dlclose is libdl's before glibc 2.34: a program that has none closes nothing. */
        if (!import->next && functions[i] != &next_dlclose)
            return false;
        memcpy(functions[i], &import->next, sizeof import->next);
    }
    if (!hak_object_find((uintptr_t)hak_keep_next.malloc, &of_malloc) || !of_malloc.module)
        return false;
    hak_keep_next.module = of_malloc.name[0] ? of_malloc.name : program_invocation_name;
    hak_imports_look(hak_attach_imports, HAK_ATTACH_IMPORTS);
    uintptr_t size = hak_imports_find("malloc_usable_size");
    hak_keep_next.has_sizes =
        size && hak_object_find(size, &of_size) && of_size.module == of_malloc.module;
    memcpy(&hak_keep_next.malloc_usable_size, &size, sizeof size);
    hak_keep_next.tells_sizes = hak_keep_next.has_sizes;
    hak_keep_next.is_glibc = false; /* blocks come and go past us: no free is known to be wrong */
    return true;
}
