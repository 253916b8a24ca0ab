// new T[0] of a type with a destructor: the program has only the address behind the cookie, which
// is the block's end. KEPT
#include "leaks.h"

struct thing {
    ~thing() { use(this); }
    int number = 1;
};

static thing *volatile none[20];

int main() {
    for (auto &one : none)
        one = new thing[0];
    forget_frames();
    return 0;
}
