// Gives back by delete what a C library allocated by malloc.
#include <cstdlib>
#include <cstring>

extern "C" char *library_copy(const char *text) {
    return std::strcpy(static_cast<char *>(std::malloc(std::strlen(text) + 1)), text);
}

int main() {
    char *copy = library_copy("a copy of this text");
    delete copy;
    return 0;
}
