/* Tests of the table of modules for an ld.so without _dl_find_object: the same as with it. */
#include "unit/platform/objects_test.c"
