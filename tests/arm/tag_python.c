/* Asks for an object of Python that lies in a block with a memory tag (tests/arm/tags.sh). The
 * processor ignores the tag here: nothing is compared. The kernel takes such addresses where it is
 * asked to, as hakmem does. */
#include <stdio.h>
#include <sys/prctl.h>
#include "memory_tags.h"
#include "trace/python/frames.h"

int main(void) {
    static uintptr_t object = 5;
    uintptr_t tagged = (uintptr_t)&object | (uintptr_t)5 << HAK_TAG_SHIFT;
    uintptr_t unmapped = (uintptr_t)0x1000 | (uintptr_t)5 << HAK_TAG_SHIFT;
    hak_tags.are_known = true;
    if (prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0) != 0)
        return 2;
    printf("%d %d\n", hak_python_can_read(tagged, sizeof object), hak_python_can_read(unmapped, 8));
    return 0;
}
