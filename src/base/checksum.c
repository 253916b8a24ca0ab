/* CRC-32C by the processor's own instruction (SSE 4.2), or by eight tables where it has none: no
 * instruction set is needed to read a store. */
#include "base/checksum.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include "arch.h"
#include HAK_ARCH_FILE(checksum.h)

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT, processor_once = PTHREAD_ONCE_INIT;
static bool has_instruction;

/* Tables of CRC32C (polynomial 0x82f63b78): [k] is for a byte with k bytes behind it. */
static void make_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

/* Computes it by slicing by eight: F. Berry, M. Kounavis, "Novel table lookup-based algorithms for
 * high-performance CRC generation", IEEE Transactions on Computers 57 (2008). */
uint32_t hak_crc32c_by_tables(const void *data, size_t bytes) {
    pthread_once(&table_once, make_table);
    const uint8_t *p = data;
    uint32_t crc = 0xffffffffu;
    for (; bytes >= 8; bytes -= 8, p += 8) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + 4, 4);
        low ^= crc;
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
              table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
    }
    while (bytes--)
        crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

static void ask_processor(void) {
    has_instruction = processor_has_crc32c();
}

uint32_t hak_crc32c(const void *data, size_t bytes) {
    pthread_once(&processor_once, ask_processor);
    return has_instruction ? crc32c_by_instruction(data, bytes) : hak_crc32c_by_tables(data, bytes);
}
