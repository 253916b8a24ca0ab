/* Defines hak_cxx (cxx.h) with HAK_CXX_BOUND as the way of binding and HAK_CXX_FIND as the further
 * lookup; included once in each library. */
#ifndef HAK_ENTRY_CXX_NAMES_H
#define HAK_ENTRY_CXX_NAMES_H

#include "entry/cxx.h"

/* As the C++ ABI mangles and declares them; here with plain pointers. */
extern hak_get_new_handler _ZSt15get_new_handlerv HAK_CXX_BOUND;   /* NOLINT */
extern hak_throw_bad_alloc _ZSt17__throw_bad_allocv HAK_CXX_BOUND; /* NOLINT */
extern hak_begin_catch __cxa_begin_catch HAK_CXX_BOUND;            /* NOLINT */
extern hak_end_catch __cxa_end_catch HAK_CXX_BOUND;                /* NOLINT */
extern hak_set_register _Unwind_SetGR HAK_CXX_BOUND;
extern hak_set_ip _Unwind_SetIP HAK_CXX_BOUND;

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
