// A program that puts its own operator new(size_t) and operator delete(void *) in the place of the
// library's, as many do: a header in front of each block. The standard lets all other forms go
// through these two; if one did not, a block with a header would be freed without, or the other way
// round. With -DALIGNED also the aligned pair.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <cstdint>
#include <vector>

static int taken, given;
static void *volatile kept;
static volatile std::size_t huge = SIZE_MAX / 2;

static const std::size_t header = 64;

void *operator new(std::size_t bytes) {
    if (bytes > huge / 2)
        throw std::bad_alloc();
    taken++;
    char *start = static_cast<char *>(std::malloc(bytes + header));
    std::memcpy(start, "mine", 5);
    return start + header;
}

void operator delete(void *block) noexcept {
    if (!block)
        return;
    given++;
    char *start = static_cast<char *>(block) - header;
    if (std::memcmp(start, "mine", 5) != 0) {
        std::puts("operator delete was given a block that operator new did not make");
        std::abort();
    }
    std::free(start);
}

#ifdef ALIGNED
void *operator new(std::size_t bytes, std::align_val_t alignment) {
    if (bytes > huge / 2)
        throw std::bad_alloc();
    taken++;
    std::size_t wide = static_cast<std::size_t>(alignment) < header ? header : static_cast<std::size_t>(alignment);
    return static_cast<char *>(std::aligned_alloc(wide, bytes + 2 * wide)) + wide;
}
void operator delete(void *block, std::align_val_t alignment) noexcept {
    given++;
    std::size_t wide = static_cast<std::size_t>(alignment) < header ? header : static_cast<std::size_t>(alignment);
    std::free(static_cast<char *>(block) - wide);
}
#endif

int main() {
    const std::align_val_t wide{128};
    ::operator delete(kept = ::operator new(10), std::size_t{10});
    ::operator delete(kept = ::operator new(10, std::nothrow), std::nothrow);
    ::operator delete[](kept = ::operator new[](10));
    ::operator delete[](kept = ::operator new[](10), std::size_t{10});
    ::operator delete[](kept = ::operator new[](10, std::nothrow), std::nothrow);
    ::operator delete(kept = ::operator new(10, wide), wide);
    ::operator delete(kept = ::operator new(10, wide, std::nothrow), std::size_t{10}, wide);
    ::operator delete[](kept = ::operator new[](10, wide), wide);
    ::operator delete[](kept = ::operator new[](10, wide, std::nothrow), std::size_t{10}, wide);
    ::operator delete[](kept = ::operator new[](10, wide), wide, std::nothrow);
    std::printf("nothrow of a throwing one: %p %p\n", ::operator new(huge, std::nothrow),
                ::operator new[](huge, std::nothrow));
#ifdef ALIGNED
    std::printf("aligned nothrow of a throwing one: %p %p\n", ::operator new(huge, wide, std::nothrow),
                ::operator new[](huge, wide, std::nothrow));
#endif
    {
        std::vector<std::string> words(1000, "a string that does not fit into itself");
        kept = words.data();
    }
    std::printf("taken %d, given %d\n", taken, given);
    return 0;
}
