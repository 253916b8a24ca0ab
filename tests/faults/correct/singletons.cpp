/* Objects that live until the process ends: statics with and without destructors, in every order.
 */
#include <map>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

struct Registry {
    std::map<std::string, std::vector<int>> entries;
    ~Registry() { entries.clear(); }
    static Registry &get() {
        static Registry *only = new Registry; /* never deleted, on purpose */
        return *only;
    }
};

static std::vector<std::string> before_main(100, std::string(60, 'b'));
static std::string *never_deleted = new std::string(200, 'n');

struct Late {
    std::string text = std::string(80, 'l');
    ~Late() { Registry::get().entries["late"].assign(50, 1); }
};

static Late late;

struct Counter {
    char *bytes = new char[64];
    ~Counter() {
        char *copy = new char[128];
        memcpy(copy, bytes, 64);
        delete[] bytes;
        delete[] copy;
    }
};

static Counter &counter() {
    static Counter only;
    return only;
}

int main() {
    for (int i = 0; i < 200; i++)
        Registry::get().entries[std::to_string(i)].push_back(i);
    memset(counter().bytes, 'c', 64);
    before_main.resize(1000);
    never_deleted->append("and used");
    printf("%zu\n", before_main.size() + never_deleted->size() + late.text.size());
    return 0;
}
