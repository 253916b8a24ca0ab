/* A thread's list is given a block twice: HAKMEM_INJECT=double-push:20. */
#include "cells.h"

int main(void) {
    return run_worker();
}
