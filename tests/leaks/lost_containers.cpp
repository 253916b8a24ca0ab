// Objects that C++ containers and raw pointers held. LOST direct 3 96 indirect 2 400
#include <memory>
#include <string>
#include <vector>
#include "leaks.h"

struct holder {
    std::vector<char> bytes;
    holder() : bytes(200) {}
};

static __attribute__((noinline)) void forget(void) {
    std::vector<char *> pointers;
    pointers.push_back(new char[48]());
    use(pointers[0]);
    use(new holder);
    use(new holder);
}

int main() {
    forget();
    forget_frames();
    return 0;
}
