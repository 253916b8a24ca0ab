/* Asks for an object of Python that lies in a block with a memory tag (tests/arm/tags.sh). The
 * processor ignores the tag here: nothing is compared. */
#include <stdio.h>
#include "memory_tags.h"
#include "trace/python/frames.h"

int main(void) {
    static uintptr_t object = 5;
    uintptr_t tagged = (uintptr_t)&object | (uintptr_t)5 << HAK_TAG_SHIFT;
    uintptr_t unmapped = (uintptr_t)0x1000 | (uintptr_t)5 << HAK_TAG_SHIFT;
    hak_tags.are_known = true;
    printf("%d %d\n", hak_python_can_read(tagged, sizeof object), hak_python_can_read(unmapped, 8));
    return 0;
}
