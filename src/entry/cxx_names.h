/* Defines hak_cxx (cxx.h) with HAK_CXX_BOUND as the way of binding and HAK_CXX_FIND as what looks
 * further; included once in each library. */
#ifndef HAK_ENTRY_CXX_NAMES_H
#define HAK_ENTRY_CXX_NAMES_H

#include "entry/cxx.h"

/* As the C++ ABI mangles and declares them; here with plain pointers. */
extern void (*_ZSt15get_new_handlerv(void))(void) HAK_CXX_BOUND; /* NOLINT */
extern void _ZSt17__throw_bad_allocv(void) HAK_CXX_BOUND;        /* NOLINT */
extern void *__cxa_begin_catch(void *exception) HAK_CXX_BOUND;   /* NOLINT */
extern void __cxa_end_catch(void) HAK_CXX_BOUND;                 /* NOLINT */
extern void _Unwind_SetGR(void *context, int number, unsigned long value) HAK_CXX_BOUND;
extern void _Unwind_SetIP(void *context, unsigned long value) HAK_CXX_BOUND;

const struct hak_cxx hak_cxx = {
    .get_new_handler = _ZSt15get_new_handlerv,
    .throw_bad_alloc = _ZSt17__throw_bad_allocv,
    .begin_catch = __cxa_begin_catch,
    .end_catch = __cxa_end_catch,
    .set_register = _Unwind_SetGR,
    .set_ip = _Unwind_SetIP,
    .find = HAK_CXX_FIND,
};

#endif
