// One call of each kind, in a known order, each block of a size of its own: kinds.sh looks whether
// the record names them all.
#include <malloc.h>
#include <cstdlib>
#include <new>

extern "C" void free_sized(void *, std::size_t) __attribute__((weak));
extern "C" void free_aligned_sized(void *, std::size_t, std::size_t) __attribute__((weak));
static void *volatile block;

int main() {
    const std::align_val_t wide{64};
    free(block = malloc(1001));
    free(block = calloc(1, 1002));
    free(block = memalign(64, 1003));
    block = nullptr;
    free(block = realloc(block, 1004));
    free_sized(block = malloc(1005), 1005);
    free_aligned_sized(block = aligned_alloc(64, 1006), 64, 1006);
    ::operator delete(block = ::operator new(1007));
    ::operator delete(block = ::operator new(1008, std::nothrow), std::size_t{1008});
    ::operator delete[](block = ::operator new[](1009));
    ::operator delete[](block = ::operator new[](1010), std::size_t{1010});
    ::operator delete(block = ::operator new(1011, wide), wide);
    ::operator delete(block = ::operator new(1012, wide), std::size_t{1012}, wide);
    ::operator delete[](block = ::operator new[](1013, wide), wide);
    ::operator delete[](block = ::operator new[](1014, wide), std::size_t{1014}, wide);
    return 0;
}
