/* Names the numbers of an x86-64 processor that a report reads: exceptions, instructions, stack. */
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

enum {
    HAK_INSTRUCTION_BYTES_MAX = 15,
    HAK_INDEX_SCALE_MAX = 8,  /* by which an operand multiplies its index */
    HAK_RED_ZONE_BYTES = 128, /* below rsp, that a function may use */
};

#endif
