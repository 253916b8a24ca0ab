/* Every way to allocate, given back by every way that is not its own. */
#include <cstdlib>
#include <malloc.h>
#include <new>
#include "shapes.h"

static const std::align_val_t alignment{64};

static void *from_malloc() {
    return opaque(malloc(120));
}
static void *from_calloc() {
    return opaque(calloc(11, 11));
}
static void *from_realloc() {
    return opaque(realloc(malloc(10), 122));
}
static void *from_strdup() {
    return opaque(strdup("a string of the heap"));
}
static void *from_aligned_alloc() {
    return opaque(aligned_alloc(64, 128));
}
static void *from_new() {
    return opaque(operator new(123));
}
static void *from_new_array() {
    return opaque(operator new[](124));
}
static void *from_new_nothrow() {
    return opaque(operator new(125, std::nothrow));
}
static void *from_new_array_nothrow() {
    return opaque(operator new[](126, std::nothrow));
}
static void *from_aligned_new() {
    return opaque(operator new(192, alignment));
}
static void *from_aligned_new_array() {
    return opaque(operator new[](256, alignment));
}

static void malloc_delete() {
    operator delete(from_malloc());
}
static void malloc_delete_array() {
    operator delete[](from_malloc());
}
static void malloc_delete_sized() {
    operator delete(from_malloc(), 120);
}
static void malloc_delete_aligned() {
    operator delete(from_malloc(), alignment);
}
static void malloc_delete_nothrow() {
    operator delete(from_malloc(), std::nothrow);
}
static void calloc_delete() {
    operator delete(from_calloc());
}
static void calloc_delete_array() {
    operator delete[](from_calloc());
}
static void realloc_delete() {
    operator delete(from_realloc());
}
static void realloc_delete_array() {
    operator delete[](from_realloc());
}
static void strdup_delete() {
    operator delete(from_strdup());
}
static void strdup_delete_array() {
    operator delete[](from_strdup());
}
static void aligned_alloc_delete() {
    operator delete(from_aligned_alloc());
}
static void aligned_alloc_delete_aligned() {
    operator delete(from_aligned_alloc(), alignment);
}
static void aligned_alloc_delete_array() {
    operator delete[](from_aligned_alloc());
}
static void new_free() {
    free(from_new());
}
static void new_delete_array() {
    operator delete[](from_new());
}
static void new_realloc() {
    free(realloc(from_new(), 300));
}
static void new_nothrow_free() {
    free(from_new_nothrow());
}
static void new_nothrow_delete_array() {
    operator delete[](from_new_nothrow());
}
static void new_array_free() {
    free(from_new_array());
}
static void new_array_delete() {
    operator delete(from_new_array());
}
static void new_array_delete_sized() {
    operator delete(from_new_array(), 124);
}
static void new_array_realloc() {
    free(realloc(from_new_array(), 300));
}
static void new_array_nothrow_delete() {
    operator delete(from_new_array_nothrow());
}
static void aligned_new_free() {
    free(from_aligned_new());
}
static void aligned_new_delete() {
    operator delete(from_aligned_new());
}
static void aligned_new_delete_array_aligned() {
    operator delete[](from_aligned_new(), alignment);
}
static void aligned_new_array_delete_aligned() {
    operator delete(from_aligned_new_array(), alignment);
}
static void aligned_new_array_free() {
    free(from_aligned_new_array());
}
static void new_delete_aligned() {
    operator delete(from_new(), alignment);
}

static const struct shape shapes[] = {
    {"malloc_delete", malloc_delete},
    {"malloc_delete_array", malloc_delete_array},
    {"malloc_delete_sized", malloc_delete_sized},
    {"malloc_delete_aligned", malloc_delete_aligned},
    {"malloc_delete_nothrow", malloc_delete_nothrow},
    {"calloc_delete", calloc_delete},
    {"calloc_delete_array", calloc_delete_array},
    {"realloc_delete", realloc_delete},
    {"realloc_delete_array", realloc_delete_array},
    {"strdup_delete", strdup_delete},
    {"strdup_delete_array", strdup_delete_array},
    {"aligned_alloc_delete", aligned_alloc_delete},
    {"aligned_alloc_delete_aligned", aligned_alloc_delete_aligned},
    {"aligned_alloc_delete_array", aligned_alloc_delete_array},
    {"new_free", new_free},
    {"new_delete_array", new_delete_array},
    {"new_realloc", new_realloc},
    {"new_nothrow_free", new_nothrow_free},
    {"new_nothrow_delete_array", new_nothrow_delete_array},
    {"new_array_free", new_array_free},
    {"new_array_delete", new_array_delete},
    {"new_array_delete_sized", new_array_delete_sized},
    {"new_array_realloc", new_array_realloc},
    {"new_array_nothrow_delete", new_array_nothrow_delete},
    {"aligned_new_free", aligned_new_free},
    {"aligned_new_delete", aligned_new_delete},
    {"aligned_new_delete_array_aligned", aligned_new_delete_array_aligned},
    {"aligned_new_array_delete_aligned", aligned_new_array_delete_aligned},
    {"aligned_new_array_free", aligned_new_array_free},
    {"new_delete_aligned", new_delete_aligned},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
