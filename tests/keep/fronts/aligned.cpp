// An aligned operator new, whose size is no multiple of the alignment.
#include <cstdint>
#include <cstdio>
#include <new>

struct alignas(64) line {
    char bytes[64];
};

int main() {
    void *odd = ::operator new(100, std::align_val_t{64});
    line *lines = new line[3];
    std::printf("odd %p\nremainders %d %d\n", odd, int(reinterpret_cast<std::uintptr_t>(odd) % 64),
                int(reinterpret_cast<std::uintptr_t>(lines) % 64));
    ::operator delete(odd, std::align_val_t{64});
    delete[] lines;
}
