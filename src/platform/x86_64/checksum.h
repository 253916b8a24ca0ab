/* Computes CRC-32C by the instruction of x86-64 (SSE 4.2), eight bytes at a time. */
#ifndef HAK_PLATFORM_X86_64_CHECKSUM_H
#define HAK_PLATFORM_X86_64_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool processor_has_crc32c(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_by_instruction(const void *data,
                                                                        size_t bytes) {
    const uint8_t *p = data;
    uint64_t crc = 0xffffffffu;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    while (bytes--)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *p++);
    return ~(uint32_t)crc;
}

#endif
