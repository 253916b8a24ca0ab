/* Tests of src/unwind/modules.c without ld.so's help: the same as with it. */
#include "unit/unwind/modules_test.c"
