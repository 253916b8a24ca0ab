/* A thread's list is given the user pointer where the base was due: HAKMEM_INJECT=offset16:20. */
#include "cells.h"

int main(void) {
    return run_worker();
}
