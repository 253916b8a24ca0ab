/* Memcheck's macros where hakmem takes Valgrind's place (valgrind.h beside this file): those about
 * pools tell hakmem. The rest is about single accesses, which hakmem does not see, and gives what
 * it gives without Valgrind. */
#ifndef HAKMEM_MEMCHECK_H
#define HAKMEM_MEMCHECK_H

#include "valgrind.h"

#ifndef __MEMCHECK_H
#define __MEMCHECK_H
#define VALGRIND_MAKE_MEM_NOACCESS(address, bytes)               hak_valgrind_answer(0)
#define VALGRIND_MAKE_MEM_UNDEFINED(address, bytes)              hak_valgrind_answer(0)
#define VALGRIND_MAKE_MEM_DEFINED(address, bytes)                hak_valgrind_answer(0)
#define VALGRIND_MAKE_MEM_DEFINED_IF_ADDRESSABLE(address, bytes) hak_valgrind_answer(0)
#define VALGRIND_CREATE_BLOCK(address, bytes, name)              hak_valgrind_answer(0)
#define VALGRIND_DISCARD(block)                                  hak_valgrind_answer(0)
#define VALGRIND_CHECK_MEM_IS_ADDRESSABLE(address, bytes)        hak_valgrind_answer(0)
#define VALGRIND_CHECK_MEM_IS_DEFINED(address, bytes)            hak_valgrind_answer(0)
#define VALGRIND_CHECK_VALUE_IS_DEFINED(value)                   hak_valgrind_answer(0)
#define VALGRIND_DO_LEAK_CHECK                                   VALGRIND_DO_CLIENT_REQUEST_STMT(0, 0, 0, 0, 0, 0)
#define VALGRIND_DO_ADDED_LEAK_CHECK                             VALGRIND_DO_LEAK_CHECK
#define VALGRIND_DO_CHANGED_LEAK_CHECK                           VALGRIND_DO_LEAK_CHECK
#define VALGRIND_DO_QUICK_LEAK_CHECK                             VALGRIND_DO_LEAK_CHECK
#define VALGRIND_COUNT_LEAKS(lost, dubious, reached, suppressed)                                   \
    do {                                                                                           \
        (lost) = (dubious) = (reached) = (suppressed) = 0;                                         \
    } while (0)
#define VALGRIND_COUNT_LEAK_BLOCKS(lost, dubious, reached, suppressed)                             \
    VALGRIND_COUNT_LEAKS(lost, dubious, reached, suppressed)
#define VALGRIND_GET_VBITS(address, bits, bytes)                       ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_SET_VBITS(address, bits, bytes)                       ((unsigned)hak_valgrind_answer(0))
#define VALGRIND_DISABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, bytes) hak_valgrind_answer(0)
#define VALGRIND_ENABLE_ADDR_ERROR_REPORTING_IN_RANGE(address, bytes)  hak_valgrind_answer(0)
#endif

#endif
