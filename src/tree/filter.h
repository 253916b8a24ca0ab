/* Finds the answer of a seccomp filter to a system call, by running it as the kernel does. */
#ifndef HAK_TREE_FILTER_H
#define HAK_TREE_FILTER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/filter.h>
#include "block.h"

struct hak_filter {
    const struct sock_filter *code; /* was readable: the program hands it to the kernel */
    uint32_t count;                 /* instructions; at most 4,096 are looked at */
};

/* True when the filter lets call `number` (x86-64) with these arguments through, be it logged. An
 * answer that ends the process, raises a signal, asks another process or gives an errno does not
 * let it through, and neither does a filter that cannot be read just then. Another that the kernel
 * would refuse lets everything through. Signal safe. */
HAK_HIDDEN bool hak_filter_allows(const struct hak_filter *filter, long number,
                                  const uint64_t arguments[6]);

#endif
