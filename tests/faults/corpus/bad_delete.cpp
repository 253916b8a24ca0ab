/* delete is given what new never returned: members, bases, locals, elements. */
#include <memory>
#include <string>
#include <vector>
#include "shapes.h"

struct First {
    long first[3];
};
struct Second {
    long second[3];
};
struct Both : First, Second {
    int own;
};

static int static_number;

SHAPE(local_object) {
    int number = 5;
    delete static_cast<int *>(opaque(&number));
}

SHAPE(static_object) {
    delete static_cast<int *>(opaque(&static_number));
}

SHAPE(local_array) {
    char text[30] = "on the stack";
    delete[] static_cast<char *>(opaque(text));
}

SHAPE(second_base) {
    Second *second = new Both;
    delete static_cast<Second *>(opaque(second));
}

SHAPE(member) {
    Both *both = new Both;
    delete static_cast<int *>(opaque(&both->own));
}

SHAPE(element_of_an_array) {
    int *numbers = new int[20];
    delete static_cast<int *>(opaque(&numbers[4]));
}

SHAPE(element_of_a_vector) {
    std::vector<long> numbers(10);
    delete static_cast<long *>(opaque(&numbers[3]));
}

SHAPE(placed_on_the_stack) {
    alignas(Both) char memory[sizeof(Both)];
    Both *both = new (memory) Both;
    delete static_cast<Both *>(opaque(both));
}

SHAPE(unique_pointer_to_local) {
    long number = 6;
    std::unique_ptr<long> owner(static_cast<long *>(opaque(&number)));
}

SHAPE(shared_pointer_to_member) {
    auto both = std::make_shared<Both>();
    std::shared_ptr<int> owner(static_cast<int *>(opaque(&both->own)));
}

struct Named {
    std::string name = "named";
};

/* The count of its elements lies in front of them: what delete frees is not what new[] returned. */
SHAPE(array_with_a_count) {
    Named *named = new Named[3];
    delete static_cast<Named *>(opaque(named));
}

SHAPE(c_string_of_a_string) {
    std::string text(100, 't');
    delete[] static_cast<char *>(opaque(&text[10]));
}

RUN_ONE()
