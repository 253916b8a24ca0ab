/* The program replaces operator new and delete: below them is malloc, and mixed use is its own
 * affair. */
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

static size_t count;

void *operator new(size_t size) {
    count++;
    void *block = malloc(size + 16);
    if (block == nullptr)
        throw std::bad_alloc();
    return static_cast<char *>(block) + 16;
}

void operator delete(void *block) noexcept {
    if (block != nullptr)
        free(static_cast<char *>(block) - 16);
}

void operator delete(void *block, size_t) noexcept {
    operator delete(block);
}

int main() {
    {
        std::vector<std::string> texts;
        for (int i = 0; i < 300; i++)
            texts.push_back(std::string(static_cast<size_t>(i), 'r'));
        auto shared = std::make_shared<std::string>(100, 's');
        /* One family for all: new[] goes through the replaced operator new. */
        delete static_cast<int *>(opaque(new int[20]));
        delete[] static_cast<int *>(opaque(new int));
    }
    require(count > 250, "the program's own operator was called");
    puts("replaced");
    return 0;
}
