// Gives back by free what new[] allocated.
#include <cstdlib>

static char *make_name() {
    return new char[24];
}

int main() {
    char *name = make_name();
    std::free(name);
    return 0;
}
