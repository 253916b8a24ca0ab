/* The seccomp sandbox that the program has put itself into, as far as others must know of it. */
#ifndef HAK_TREE_SANDBOX_H
#define HAK_TREE_SANDBOX_H

#include <stdbool.h>
#include "block.h"

/* True when a program executed now could not say hello to the keeper. Signal safe. */
HAK_HIDDEN bool hak_sandbox_bars_hello(void);

#endif
