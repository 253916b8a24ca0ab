/* A thread's list is given a pointer that lies in no SuperSlab: HAKMEM_INJECT=no-superslab:20. */
#include "cells.h"

int main(void) {
    return run_worker();
}
