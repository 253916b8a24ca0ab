/* Finds hakmem's own module and thread-local memory: nothing in them is the program's. */
#include "leaks/leaks.h"
#include "platform/module.h"
#include "platform/platform.h"

struct hak_leak_own hak_leak_own;

/* Finds hakmem's module and its thread-local data; 1 ends the search. */
static int find_own(struct dl_phdr_info *info, size_t size, void *context) {
    struct hak_module module;
    (void)size;
    (void)context;
    hak_read_module(info, &module);
    if (!hak_module_holds(&module, &hak_leak_own))
        return 0;
    hak_leak_own.module_start = module.start & ~(HAK_PAGE_BYTES - 1);
    hak_leak_own.module_end = HAK_PAGES_OF(module.end);
    if (info->dlpi_tls_data && module.tls_bytes) {
        hak_leak_own.tls_offset = hak_thread_pointer() - (uintptr_t)info->dlpi_tls_data;
        hak_leak_own.tls_bytes = module.tls_bytes;
    }
    return 1;
}

void hak_leak_find_own(void) {
    dl_iterate_phdr(find_own, NULL);
}
