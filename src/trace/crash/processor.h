/* Names the numbers that a report reads: exceptions, as x86-64 numbers them, also of other
 * processors, and how an operand is scaled. */
#ifndef HAK_TRACE_PROCESSOR_H
#define HAK_TRACE_PROCESSOR_H

/* struct hak_incident's `trap`. */
enum hak_exception {
    HAK_EXCEPTION_STACK = 12,      /* no address, by way of rbp or rsp */
    HAK_EXCEPTION_PROTECTION = 13, /* no address, by way of another register */
    HAK_EXCEPTION_PAGE = 14,
    HAK_EXCEPTION_X87 = 16, /* pending from an instruction before */
};

/* Bits of its `trap_error` with HAK_EXCEPTION_PAGE. */
enum hak_page_error {
    HAK_PAGE_ERROR_WRITE = 2,
    HAK_PAGE_ERROR_FETCH = 16,
};

enum { HAK_INDEX_SCALE_MAX = 8 }; /* by which an operand multiplies its index */

#endif
