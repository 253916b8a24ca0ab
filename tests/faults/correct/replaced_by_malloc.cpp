/* operator new is malloc and delete is free, as many programs have it: so delete may follow malloc.
 */
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include "../corpus/shapes.h"

void *operator new(size_t size) {
    void *block = malloc(size == 0 ? 1 : size);
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}
void *operator new[](size_t size) {
    return operator new(size);
}
void operator delete(void *block) noexcept {
    free(block);
}
void operator delete[](void *block) noexcept {
    free(block);
}
void operator delete(void *block, size_t) noexcept {
    free(block);
}
void operator delete[](void *block, size_t) noexcept {
    free(block);
}

int main() {
    std::map<std::string, std::string> names;
    for (int i = 0; i < 300; i++)
        names[std::to_string(i)] = std::string(static_cast<size_t>(i), 'm');
    delete static_cast<char *>(opaque(malloc(10)));
    free(opaque(new char[20]));
    delete static_cast<int *>(opaque(new int[3]));
    puts("all one family");
    return 0;
}
