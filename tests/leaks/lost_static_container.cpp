// A static container is destroyed before the end; what its pointers led to is lost then.
// LOST direct 2 160 indirect 0 0
#include <vector>
#include "leaks.h"

static std::vector<char *> pointers;

int main() {
    pointers.push_back(static_cast<char *>(take(80)));
    pointers.push_back(static_cast<char *>(take(80)));
    forget_frames();
    return 0;
}
