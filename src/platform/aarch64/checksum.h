/* Computes CRC-32C by the instruction of aarch64 (FEAT_CRC32), eight bytes at a time. */
#ifndef HAK_PLATFORM_AARCH64_CHECKSUM_H
#define HAK_PLATFORM_AARCH64_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static bool processor_has_crc32c(void) {
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

static uint32_t crc32c_by_instruction(const void *data, size_t bytes) {
    const uint8_t *p = data;
    uint32_t crc = 0xffffffffu;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    }
    while (bytes--)
        __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((uint32_t)*p++));
    return ~crc;
}

#endif
