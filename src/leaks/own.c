/* Where hakmem's own module and thread-local memory lie: nothing in them is the program's. */
#include <link.h>
#include "leaks/leaks.h"
#include "platform/platform.h"

struct hak_leak_own hak_leak_own;

static int find_own(struct dl_phdr_info *info, size_t size, void *context) {
    uintptr_t here = (uintptr_t)&hak_leak_own, tp;
    uintptr_t start = UINTPTR_MAX, end = 0, tls_bytes = 0;
    (void)size, (void)context;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
        if (segment->p_type == PT_TLS)
            tls_bytes = segment->p_memsz;
        if (segment->p_type != PT_LOAD)
            continue;
        start = from < start ? from : start;
        end = to > end ? to : end;
    }
    if (here < start || here >= end)
        return 0;
    __asm__("movq %%fs:0, %0" : "=r"(tp));
    hak_leak_own.module_start = start & ~(HAK_PAGE_BYTES - 1);
    hak_leak_own.module_end = HAK_PAGES_OF(end);
    if (info->dlpi_tls_data && tls_bytes) {
        hak_leak_own.tls_offset = tp - (uintptr_t)info->dlpi_tls_data;
        hak_leak_own.tls_bytes = tls_bytes;
    }
    return 1;
}

void hak_leak_find_own(void) {
    dl_iterate_phdr(find_own, NULL);
}
