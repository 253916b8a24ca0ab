// Resizes by realloc what new[] allocated.
#include <cstdlib>

int main() {
    char *buffer = new char[100];
    buffer = static_cast<char *>(std::realloc(buffer, 200));
    std::free(buffer);
    return 0;
}
