/* The library that mismatch_types.cpp loads. */
#include <cstdlib>

extern "C" char *library_make_with_new() {
    return new char[151];
}

extern "C" void library_release_with_free(void *block) {
    free(block);
}
