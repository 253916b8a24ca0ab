/* The parts of a C++ runtime that operator new needs: the new_handler, std::bad_alloc, and
 * catching.
 *
 * hakmem links no C++ library. It looks these up only when memory has run out or a program has put
 * operators of its own in the place of ours:
 *
 *   1. among what the loader (libhakmem.so) or linker (libhakmem.a) bound to hak_cxx
 *   2. in the module of the caller and what that needs, so that of two runtimes the right
 *      one throws
 *   3. in a runtime that was loaded out of sight (a C program's plugin, dlopen with RTLD_LOCAL)
 *
 * libhakmem.so refers to the names weakly (cxx_weak.c), libhakmem.a strongly (cxx_strong.c, which
 * stands for cxx_weak.c there), since a weak name pulls nothing out of libstdc++.a.
 *
 * Thread and signal safety: any thread; not in signal handlers (dlsym takes the loader's lock). */
#ifndef HAK_ENTRY_CXX_H
#define HAK_ENTRY_CXX_H

#include <stdbool.h>
#include <stddef.h>
#include "block.h"

/* The names of the C++ ABI as they are bound; NULL where they are not. */
typedef void hak_new_handler(void);
typedef hak_new_handler *hak_get_new_handler(void); /* std::get_new_handler() */
typedef void hak_throw_bad_alloc(void);             /* std::__throw_bad_alloc() */
typedef void *hak_begin_catch(void *exception);
typedef void hak_end_catch(void);
typedef void hak_set_register(void *context, int number, unsigned long value);
typedef void hak_set_ip(void *context, unsigned long value);

struct hak_cxx {
    hak_get_new_handler *get_new_handler;
    hak_throw_bad_alloc *throw_bad_alloc;
    hak_begin_catch *begin_catch;
    hak_end_catch *end_catch;
    hak_set_register *set_register;
    hak_set_ip *set_ip;
    /* Looks for a name as 2. and 3. above say, or (is_beside) in the module of `caller` alone; NULL
     * in libhakmem.a, where there is nothing but what was bound. */
    void *(*find)(const char *name, void *bound, const void *caller, bool is_beside);
};
HAK_HIDDEN extern const struct hak_cxx hak_cxx;

/* The new_handler that the program installed (of the runtime of `caller`, an address in the
 * program); NULL = none, or no C++ runtime. */
HAK_HIDDEN hak_new_handler *hak_cxx_new_handler(const void *caller);

/* Throws std::bad_alloc of the runtime of `caller`; ends the program with one line where there is
 * none. */
HAK_HIDDEN _Noreturn void hak_cxx_throw_bad_alloc(const void *caller);

/* True when hak_cxx_try can catch: the functions of the unwinder that it needs can be found. They
 * cannot where a program has its own unwinder linked into it (-static-libgcc). */
HAK_HIDDEN bool hak_cxx_can_catch(const void *caller);

/* Calls `call`(`argument`); false when it threw: the exception is caught and gone, as in
 * try { call(argument); } catch (...) {}. The end of a thread goes on through it. */
HAK_HIDDEN bool hak_cxx_try(void (*call)(void *), void *argument);

#endif
