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

SHAPE(malloc_delete) {
    operator delete(from_malloc());
}
SHAPE(malloc_delete_array) {
    operator delete[](from_malloc());
}
SHAPE(malloc_delete_sized) {
    operator delete(from_malloc(), 120);
}
SHAPE(malloc_delete_aligned) {
    operator delete(from_malloc(), alignment);
}
SHAPE(malloc_delete_nothrow) {
    operator delete(from_malloc(), std::nothrow);
}
SHAPE(calloc_delete) {
    operator delete(from_calloc());
}
SHAPE(calloc_delete_array) {
    operator delete[](from_calloc());
}
SHAPE(realloc_delete) {
    operator delete(from_realloc());
}
SHAPE(realloc_delete_array) {
    operator delete[](from_realloc());
}
SHAPE(strdup_delete) {
    operator delete(from_strdup());
}
SHAPE(strdup_delete_array) {
    operator delete[](from_strdup());
}
SHAPE(aligned_alloc_delete) {
    operator delete(from_aligned_alloc());
}
SHAPE(aligned_alloc_delete_aligned) {
    operator delete(from_aligned_alloc(), alignment);
}
SHAPE(aligned_alloc_delete_array) {
    operator delete[](from_aligned_alloc());
}
SHAPE(new_free) {
    free(from_new());
}
SHAPE(new_delete_array) {
    operator delete[](from_new());
}
SHAPE(new_realloc) {
    free(realloc(from_new(), 300));
}
SHAPE(new_nothrow_free) {
    free(from_new_nothrow());
}
SHAPE(new_nothrow_delete_array) {
    operator delete[](from_new_nothrow());
}
SHAPE(new_array_free) {
    free(from_new_array());
}
SHAPE(new_array_delete) {
    operator delete(from_new_array());
}
SHAPE(new_array_delete_sized) {
    operator delete(from_new_array(), 124);
}
SHAPE(new_array_realloc) {
    free(realloc(from_new_array(), 300));
}
SHAPE(new_array_nothrow_delete) {
    operator delete(from_new_array_nothrow());
}
SHAPE(aligned_new_free) {
    free(from_aligned_new());
}
SHAPE(aligned_new_delete) {
    operator delete(from_aligned_new());
}
SHAPE(aligned_new_delete_array_aligned) {
    operator delete[](from_aligned_new(), alignment);
}
SHAPE(aligned_new_array_delete_aligned) {
    operator delete(from_aligned_new_array(), alignment);
}
SHAPE(aligned_new_array_free) {
    free(from_aligned_new_array());
}
SHAPE(new_delete_aligned) {
    operator delete(from_new(), alignment);
}

RUN_ONE()
