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

SHAPE(of_new) {
    hidden(new Item);
}
SHAPE(of_new_array) {
    hidden(new char[153]);
}

static void fail() {
    throw std::runtime_error("no way on");
}

SHAPE(on_the_way_of_an_exception) {
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

SHAPE(constructor_that_throws) {
    try {
        Half half;
    } catch (const std::exception &) {
    }
}

SHAPE(vector_of_pointers) {
    std::vector<char *> texts;
    for (int i = 0; i < 5; i++)
        texts.push_back(hidden(new char[156]));
}

SHAPE(vector_cleared) {
    static std::vector<char *> texts;
    texts.push_back(hidden(new char[157]));
    texts.clear();
    texts.shrink_to_fit();
}

SHAPE(map_value_replaced) {
    static std::map<int, char *> texts;
    texts[1] = hidden(new char[158]);
    texts[1] = nullptr;
}

SHAPE(released) {
    std::unique_ptr<char[]> owner(hidden(new char[159]));
    owner.release();
}

struct Linked {
    std::shared_ptr<Linked> other;
    char bytes[100] = "";
};

SHAPE(cycle_of_shared_pointers) {
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
SHAPE(destructor_not_called) {
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

SHAPE(assignment_forgets_the_old) {
    Assigned first, second;
    first = second;
}

SHAPE(string_in_raw_memory) {
    void *memory = malloc(sizeof(std::string));
    new (memory) std::string(163, 's');
    free(memory);
}

SHAPE(static_pointer_overwritten) {
    static Item *item;
    item = hidden(new Item);
    item = nullptr;
}

SHAPE(nothrow) {
    hidden(new (std::nothrow) char[164]);
}

struct alignas(64) Aligned {
    char bytes[192] = "";
};

SHAPE(aligned) {
    hidden(new Aligned);
}

RUN_ONE()
