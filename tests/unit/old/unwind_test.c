/* Tests of the unwinder without ld.so's help: the same as with it. */
#include "unit/unwind/unwind_test.c"
