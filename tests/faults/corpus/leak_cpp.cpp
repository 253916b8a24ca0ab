/* Objects that C++ programs lose: on the way of an exception, in containers of pointers, in cycles.
 */
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include "shapes.h"

struct Item {
    char bytes[152] = "";
};

template <typename Type> static Type *hidden(Type *pointer) {
    return static_cast<Type *>(opaque(pointer));
}

static void of_new() {
    hidden(new Item);
}
static void of_new_array() {
    hidden(new char[153]);
}

static void fail() {
    throw std::runtime_error("no way on");
}

static void on_the_way_of_an_exception() {
    try {
        char *text = hidden(new char[154]);
        fail();
        delete[] text;
    } catch (const std::exception &) {
    }
}

struct Half {
    char *first;
    Half() : first(hidden(new char[155])) { fail(); }
    ~Half() { delete[] first; }
};

static void constructor_that_throws() {
    try {
        Half half;
    } catch (const std::exception &) {
    }
}

static void vector_of_pointers() {
    std::vector<char *> texts;
    for (int i = 0; i < 5; i++)
        texts.push_back(hidden(new char[156]));
}

static void vector_cleared() {
    static std::vector<char *> texts;
    texts.push_back(hidden(new char[157]));
    texts.clear();
    texts.shrink_to_fit();
}

static void map_value_replaced() {
    static std::map<int, char *> texts;
    texts[1] = hidden(new char[158]);
    texts[1] = nullptr;
}

static void released() {
    std::unique_ptr<char[]> owner(hidden(new char[159]));
    owner.release();
}

struct Linked {
    std::shared_ptr<Linked> other;
    char bytes[100] = "";
};

static void cycle_of_shared_pointers() {
    auto first = std::make_shared<Linked>(), second = std::make_shared<Linked>();
    first->other = second;
    second->other = first;
}

struct Plain {
    int number = 1;
    char padding[60] = "";
};
struct Full : Plain {
    char *text = hidden(new char[160]);
    ~Full() { delete[] text; }
};

/* Deletes it as what it is not: with the same size, so that only the member's memory is lost. */
static void destructor_not_called() {
    void *full = new Full;
    operator delete(opaque(full));
}

struct Assigned {
    char *text = hidden(new char[161]);
    Assigned &operator=(const Assigned &) {
        text = hidden(new char[162]);
        return *this;
    }
    ~Assigned() { delete[] text; }
};

static void assignment_forgets_the_old() {
    Assigned first, second;
    first = second;
}

static void string_in_raw_memory() {
    void *memory = malloc(sizeof(std::string));
    new (memory) std::string(163, 's');
    free(memory);
}

static void static_pointer_overwritten() {
    static Item *item;
    item = hidden(new Item);
    item = nullptr;
}

static void nothrow() {
    hidden(new (std::nothrow) char[164]);
}

struct alignas(64) Aligned {
    char bytes[192] = "";
};

static void aligned() {
    hidden(new Aligned);
}

static const struct shape shapes[] = {
    {"of_new", of_new},
    {"of_new_array", of_new_array},
    {"on_the_way_of_an_exception", on_the_way_of_an_exception},
    {"constructor_that_throws", constructor_that_throws},
    {"vector_of_pointers", vector_of_pointers},
    {"vector_cleared", vector_cleared},
    {"map_value_replaced", map_value_replaced},
    {"released", released},
    {"cycle_of_shared_pointers", cycle_of_shared_pointers},
    {"destructor_not_called", destructor_not_called},
    {"assignment_forgets_the_old", assignment_forgets_the_old},
    {"string_in_raw_memory", string_in_raw_memory},
    {"static_pointer_overwritten", static_pointer_overwritten},
    {"nothrow", nothrow},
    {"aligned", aligned},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
