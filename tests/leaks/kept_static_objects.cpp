// Static objects of C++, with destructors and without, containers and their nodes. KEPT
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "leaks.h"

static std::vector<std::string> names{"a name that is too long for the small buffer", "b"};
static std::map<int, std::string> numbers;
static auto *const forever = new std::vector<int>(100);
static thread_local std::unique_ptr<std::string> local;

struct base {
    virtual ~base() = default;
    int number = 1;
};
struct other {
    virtual ~other() = default;
    int number = 2;
};
struct derived : base, other {};
static other *second_base = new derived; // a pointer into the middle
static derived *with_cookie = new derived[3];

int main() {
    numbers[1] = "another text that is too long for the small buffer";
    local = std::make_unique<std::string>(100, 'x');
    use(forever);
    use(second_base);
    use(with_cookie);
    forget_frames();
    return 0;
}
