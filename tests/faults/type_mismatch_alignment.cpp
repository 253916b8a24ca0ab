// Allocates for an alignment of 64 and gives back without one.
#include <new>

int main() {
    void *line = ::operator new(100, std::align_val_t{64});
    ::operator delete(line);
    return 0;
}
