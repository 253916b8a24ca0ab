/* The name of a Python frame, as a node: function, file and line. */
#ifndef HAK_TRACE_PYTHON_TEXT_H
#define HAK_TRACE_PYTHON_TEXT_H

#include "trace/python/frames.h"

/* The id of its line node; 0: it is no code as the layout says, or there is no room. */
HAK_HIDDEN uint32_t hak_python_name(const struct hak_python *python,
                                    const struct hak_python_frame *frame);

#endif
