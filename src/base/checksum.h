/* CRC-32C (Castagnoli), the checksum at the end of every chunk and posting. */
#ifndef HAK_BASE_CHECKSUM_H
#define HAK_BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32C of `bytes` bytes at `data` (RFC 3720, appendix B.4: reflected, 0x82f63b78, initial
 * and final value all ones). Any thread. */
uint32_t hak_crc32c(const void *data, size_t bytes);

/* Computes the same without the processor's instruction for it, as on one that has none. */
uint32_t hak_crc32c_by_tables(const void *data, size_t bytes);

#endif
