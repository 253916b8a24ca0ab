/* Stands in for the kernel's word about the size of its pages: WIDE_PAGES bytes, by which it is
 * compiled. The environment cannot tell: hakmem-debug.so asks before libc knows it. */
#include <elf.h>

unsigned long getauxval(unsigned long type);

unsigned long getauxval(unsigned long type) {
    return type == AT_PAGESZ ? WIDE_PAGES : 0;
}
