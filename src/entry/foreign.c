/* A pointer that none of our layers knows: passed on, left alone, or the end of the program. */
#include "entry/entry.h"

#include <dlfcn.h>
#include "entry/external_guard.h"
#include "platform/address.h"

/* Linked statically there is no other allocator, and no dlsym. */
#pragma weak dlsym

static void (*libc_free)(void *);

void hak_entry_start_foreign(void) {
    if (dlsym)
        libc_free = (void (*)(void *))dlsym(RTLD_NEXT, "__libc_free");
}

static const char *why_bad(const void *pointer) {
    if (hak_large_containing(pointer))
        return "is inside a block or in no block; free what malloc returned";
    switch (hak_address_kind_of(pointer)) {
    case HAK_ADDRESS_UNMAPPED:
        return "is no memory; free what malloc returned";
    case HAK_ADDRESS_STACK:
        return "is on the stack; free what malloc returned";
    case HAK_ADDRESS_CODE:
    case HAK_ADDRESS_STATIC:
        return "is code or static data; free what malloc returned";
    case HAK_ADDRESS_C_HEAP:
    case HAK_ADDRESS_UNKNOWN:
        break;
    }
    return NULL;
}

void hak_entry_blame_foreign(user_t user) {
    if (hak_large_keeps(user.p))
        hak_die("double-free", user.p, "is free already; some code freed it twice");
    const char *why = hak_is_debug_build ? NULL : why_bad(user.p);
    if (why)
        hak_die("bad-free", user.p, why);
}

void hak_entry_free_foreign(user_t user, const void *caller) {
    bool is_glibc = libc_free && hak_address_kind_of(user.p) == HAK_ADDRESS_C_HEAP;
    if (!is_glibc)
        hak_entry_blame_foreign(user);
    hak_external_guard_note(user.p, caller, is_glibc ? HAK_EXTERNAL_GLIBC : HAK_EXTERNAL_UNKNOWN);
    if (is_glibc)
        libc_free(user.p);
}
