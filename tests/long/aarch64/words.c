/* words COUNT SEED: prints random instructions of AArch64, most of them loads and stores, and what
 * the decoder says of them. A line each: bytes as llvm-mc takes them, and behind a tabulator
 * whether it is known and how many operands it has. The first one follows: read, written, unknown,
 * tags; bytes, base, index, scale, part of the index, displacement, the base's two moves, whether
 * it is near the pc. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "decode/decode.h"

/* A word of a kind that i chooses: a few are any, many have all those bits set that should be. */
static uint32_t choose(uint32_t word, long i) {
    if (i % 4 != 0)
        word = (word & ~0x0a000000u) | 0x08000000;
    switch (i % 16) {
    case 1:
        return word | 0x1f7c00;
    case 2: /* tags */
        return (word & ~0xff000000u) | 0xd9000000;
    case 3: /* structures of vectors */
        return (word & ~0xbe000000u) | 0x0c000000;
    case 5: /* caches */
        return (word & 0xfff) | 0xd50b7000;
    default:
        return word;
    }
}

static void print(const struct hak_decoded *found, bool is_known) {
    const struct hak_operand *operand = found->operands;
    printf("%d %u", is_known, found->count);
    if (found->count > 0)
        printf(" %c%c%c%c %u %d %d %u %d %" PRId64 " %d %d %d", operand->reads ? 'r' : '-',
               operand->writes ? 'w' : '-', operand->is_unknown ? '?' : '-',
               operand->is_tags ? 't' : '-', operand->bytes, operand->base, operand->index,
               operand->scale, (int)operand->index_part, operand->displacement, operand->moves,
               operand->moved_by, operand->is_of_rip);
    printf("\n");
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    uint64_t random = strtoull(argv[2], NULL, 10);
    for (long i = atol(argv[1]); i > 0; i--) {
        struct hak_decoded found;
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t word = choose((uint32_t)(random >> 32), i);
        uint8_t code[] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                          (uint8_t)(word >> 24)};
        printf("0x%02x 0x%02x 0x%02x 0x%02x\t", code[0], code[1], code[2], code[3]);
        print(&found, hak_decode_aarch64(code, sizeof code, 64, &found));
    }
    return 0;
}
