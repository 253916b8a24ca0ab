/* Stands in for the kernel's word about the size of its pages: WIDE_PAGES bytes. */
#include <elf.h>
#include <stdlib.h>

unsigned long getauxval(unsigned long type);

unsigned long getauxval(unsigned long type) {
    const char *bytes = getenv("WIDE_PAGES");
    return type == AT_PAGESZ ? (bytes ? strtoul(bytes, NULL, 10) : 4096) : 0;
}
