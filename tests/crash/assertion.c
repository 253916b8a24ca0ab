/* An assertion fails. */
#include <assert.h>
#include <stdlib.h>

static void check_size(size_t size) {
    assert(size > 100);
}

int main(void) {
    check_size(42);
    return 0;
}
