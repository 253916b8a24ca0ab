/* malloc, free and calloc of hakmem-debug.so: every call goes through the checks, or to the plain
 * half in level light. */
#include <stdlib.h>
#include "entry/debug/way.h"

HAK_OWN_NAME(malloc);

/* After start.c's constructor. Asking what ld.so bound costs nothing; a look-up by name would be
 * one part in a hundred of a start. */
__attribute__((constructor(102))) static void look_for_another(void) {
    const char *bound = (const char *)(uintptr_t)&malloc;
    __asm__("" : "+r"(bound));
    if (HAK_UNLIKELY(bound != hak_own_malloc))
        hak_entry_note_other_malloc();
}

HAK_BEHIND_TEST void *allocate_checked(size_t bytes) {
    struct hak_hand_out how = {.asked_bytes = bytes, .subkind = HAK_BY_MALLOC, .call = HAK_CALL};
    return hak_entry_allocate(&how);
}

/* The debug build's malloc, by way.h; at level light the plain half's. */
HAK_EXPORT void *malloc(size_t bytes) {
    HAK_IN_LIGHT(light_malloc(bytes));
    return allocate_checked(bytes);
}

HAK_BEHIND_TEST void *allocate_zeroed_checked(size_t count, size_t bytes) {
    size_t all_bytes;
    if (HAK_UNLIKELY(__builtin_mul_overflow(count, bytes, &all_bytes)))
        all_bytes = SIZE_MAX; /* refused below */
    struct hak_hand_out how = {
        .asked_bytes = all_bytes, .subkind = HAK_BY_CALLOC, .call = HAK_CALL};
    void *user = hak_entry_allocate(&how);
    return hak_entry_zero(user, all_bytes, how.class_index);
}

/* The debug build's calloc: as malloc, and zeroed where the memory is not fresh. An overflow is
 * refused as too large. */
HAK_EXPORT void *calloc(size_t count, size_t bytes) {
    HAK_IN_LIGHT(light_calloc(count, bytes));
    return allocate_zeroed_checked(count, bytes);
}

HAK_BEHIND_TEST void free_checked(void *pointer) {
    hak_entry_free(hak_entry_later(pointer), HAK_GIVEN_BY_FREE);
}

HAK_EXPORT void free(void *pointer) {
    HAK_IN_LIGHT(light_free(pointer));
    free_checked(pointer);
}

/* Frees a block for C23's sized forms: size and alignment are the program's word for what it asked,
 * and are checked against the block's own. */
HAK_IN_PLACE void free_claimed(void *pointer, enum hak_given by, size_t bytes, size_t alignment) {
    HAK_IN_LIGHT(light_free(pointer));
    hak_entry_claim(user_from(pointer), by, bytes, alignment);
    hak_entry_free(pointer, by);
}

HAK_EXPORT void free_sized(void *pointer, size_t bytes);
HAK_EXPORT void free_sized(void *pointer, size_t bytes) {
    free_claimed(pointer, HAK_GIVEN_BY_FREE_SIZED, bytes, 0);
}

HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes);
HAK_EXPORT void free_aligned_sized(void *pointer, size_t alignment, size_t bytes) {
    free_claimed(pointer, HAK_GIVEN_BY_FREE_ALIGNED_SIZED, bytes, alignment);
}

/* Gone from glibc's headers since 2.26; programs that were linked before still call it. */
HAK_EXPORT void cfree(void *pointer);
HAK_EXPORT void cfree(void *pointer) {
    HAK_IN_LIGHT(light_free(pointer));
    hak_entry_free(pointer, HAK_GIVEN_BY_FREE);
}

HAK_LIBC_NAME(malloc);
HAK_LIBC_NAME(free);
HAK_LIBC_NAME(calloc);
