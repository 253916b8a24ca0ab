/* The bytes around the pointer of a fault, for the report. Closed pages are read, too: the kernel
 * gives them by /proc/self/mem. */
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include "platform/platform.h"
#include "platform/raw_call.h"
#include "trace/crash/crash.h"

#define ROW_BYTES 16u
#define ROWS      (HAK_REPORT_BYTES / ROW_BYTES)

static bool copy_open(uint64_t from, uint8_t *to) {
    struct iovec local = {to, ROW_BYTES}, remote = {(void *)(uintptr_t)from, ROW_BYTES};
    long pid = hak_raw_call(SYS_getpid);
    return hak_raw_call(SYS_process_vm_readv, pid, &local, 1, &remote, 1) == ROW_BYTES;
}

static bool copy_closed(uint64_t from, uint8_t *to) {
    long file = hak_open("/proc/self/mem");
    if (file < 0)
        return false;
    long got = hak_raw_call(SYS_pread64, file, to, ROW_BYTES, from);
    hak_close(file);
    return got == ROW_BYTES;
}

void hak_crash_copy_bytes(struct hak_report_request *area) {
    uint64_t focus = hak_facts_focus(&area->facts);
    area->bytes_address = 0;
    area->bytes_known = 0;
    if (focus < HAK_REPORT_BYTES || focus >> HAK_ADDRESS_BITS != 0)
        return;
    area->bytes_address = (focus & ~(uint64_t)(ROW_BYTES - 1)) - ROW_BYTES;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t from = area->bytes_address + i * ROW_BYTES;
        uint8_t *to = area->bytes + i * ROW_BYTES;
        if (copy_open(from, to) || copy_closed(from, to))
            area->bytes_known |= 1u << i;
    }
}
