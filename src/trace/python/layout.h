/* The places of CPython's frames and code, by version: offsets in bytes. */
#ifndef HAK_TRACE_PYTHON_LAYOUT_H
#define HAK_TRACE_PYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include "block.h"

struct hak_python_layout {
    uint8_t minor;             /* of 3.x */
    uint8_t has_control_frame; /* thread -> control frame -> frame, else thread -> frame */
    uint8_t has_entry_mark;    /* a byte of the frame; else a frame of the C stack lies below */
    uint8_t thread_frame;      /* in the thread's state: control frame, or frame */
    uint8_t control_frame;     /* in the control frame */
    uint8_t code, previous, instruction, mark;           /* in a frame; mark: entry, or owner */
    uint8_t first_line, file, name, lines, instructions; /* in a code object */
    uint8_t version;                /* in one: 32 bits that no other code has; 0 = there are none */
    uint8_t text_bytes, wide_bytes; /* of a string's head: ASCII, others */
};

enum {
    HAK_PYTHON_OWNER_C_STACK = 3, /* and above: 3.14 has two such */
    HAK_PYTHON_TYPE = 8,          /* in an object */
    HAK_PYTHON_SIZE = 16,         /* in an object of variable size, also a string's length */
    HAK_PYTHON_STATE = 32,        /* in a string */
    HAK_PYTHON_BYTES = 32,        /* in a bytes object: where they begin */
    HAK_PYTHON_THREAD_BYTES = 160,
    HAK_PYTHON_FRAME_BYTES = 80
};

/* The interpreter of the process. */
struct hak_python {
    const struct hak_python_layout *layout; /* NULL = none that is known */
    void *(*this_thread)(void);             /* its PyGILState_GetThisThreadState */
    uintptr_t code_type, text_type, bytes_type;
    uintptr_t evaluate, evaluate_bytes; /* _PyEval_EvalFrameDefault */
};

enum hak_python_there { HAK_PYTHON_NONE, HAK_PYTHON_OTHER_VERSION, HAK_PYTHON_KNOWN };

/* Finds the Python interpreter among the loaded modules, with the layout of its version. */
HAK_HIDDEN enum hak_python_there hak_python_find(struct hak_python *python);

#endif
