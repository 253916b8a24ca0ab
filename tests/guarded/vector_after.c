/* Copies 16 bytes from each multiple of 16 of a block of 40 bytes, as a compiler has it that knows
 * how malloc's memory is aligned: the last eight of them lie past it. */
#include <emmintrin.h>
#include <stdlib.h>
#include "busy.h"

static int sum_of(const char *block, int count) {
    __m128i sum = _mm_setzero_si128();
    for (int i = 0; i < count; i++)
        sum = _mm_add_epi8(sum, _mm_load_si128((const __m128i *)(const void *)(block + 16 * i)));
    return _mm_cvtsi128_si32(sum);
}

int main(void) {
    be_busy();
    char *block = calloc(1, 40);
    int sum = sum_of(block, 3);
    free(block);
    return sum == 12345;
}
