/* Finds the other allocators in the process, and the one that owns a pointer.
 *
 *   dl_iterate_phdr --> a module with the functions of a family below?
 *
 *   family     asked whether a pointer is its own        given back with   bytes told by
 *   glibc      (platform/address.h, by the block's head) __libc_free       malloc_usable_size
 *   mimalloc   mi_is_in_heap_region                      mi_free           mi_usable_size
 *   tcmalloc   MallocExtension_GetOwnership              tc_free           tc_malloc_size
 *   others     cannot be asked (jemalloc looks behind a pointer that is not its own)
 *
 * Functions are found in the modules' own symbol tables, since dlsym takes the loader's lock, which
 * a thread may hold that waits for the one that frees. Modules are looked through when the first
 * such pointer is freed, and again at a later one after a library was loaded or unloaded.
 *
 * Ownership: a table of the process, filled by one thread at a time; readers take no lock.
 *
 * Thread safety: any thread; allocates nothing, keeps errno. Not in signal handlers. */
#ifndef HAK_ENTRY_ALLOCATORS_H
#define HAK_ENTRY_ALLOCATORS_H

#include "block.h"

enum hak_external_owner {
    HAK_EXTERNAL_GLIBC,    /* passed on to its free */
    HAK_EXTERNAL_MIMALLOC, /* the same */
    HAK_EXTERNAL_TCMALLOC, /* the same */
    HAK_EXTERNAL_UNKNOWN,  /* left alone */
    HAK_EXTERNAL_OWNERS
};

/* The owner of the block `pointer`, which is none of ours. Its memory is read only where it can
 * be. */
HAK_HIDDEN HAK_COLD enum hak_external_owner hak_allocators_owner(const void *pointer);

/* Bytes that the program may use of a block of `owner`; 0 = not known. */
HAK_HIDDEN HAK_COLD size_t hak_allocators_bytes(enum hak_external_owner owner, const void *pointer);

/* Gives a block back to its owner; nothing for UNKNOWN. */
HAK_HIDDEN HAK_COLD void hak_allocators_free(enum hak_external_owner owner, void *pointer);

/* The owner's name in reports: "glibc", "mimalloc", "tcmalloc". */
HAK_HIDDEN const char *hak_allocators_name(enum hak_external_owner owner);

/* The file name of the `index`th module with a malloc and free that cannot be asked whose a pointer
 * is; NULL where there are no more. */
HAK_HIDDEN const char *hak_allocators_silent(unsigned index);

/* True when each module with a malloc can be asked, as hak_allocators_owner just was: a pointer
 * that none of them owns is no block. */
HAK_HIDDEN bool hak_allocators_are_known(void);

/* In the child of a fork, on its only thread. */
HAK_HIDDEN void hak_allocators_after_fork(void);

#endif
