/* A thread's list is given a block of another size class: HAKMEM_INJECT=wrong-class:20. */
#include "cells.h"

int main(void) {
    return run_worker();
}
