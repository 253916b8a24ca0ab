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

static void local_object() {
    int number = 5;
    delete static_cast<int *>(opaque(&number));
}

static void static_object() {
    delete static_cast<int *>(opaque(&static_number));
}

static void local_array() {
    char text[30] = "on the stack";
    delete[] static_cast<char *>(opaque(text));
}

static void second_base() {
    Second *second = new Both;
    delete static_cast<Second *>(opaque(second));
}

static void member() {
    Both *both = new Both;
    delete static_cast<int *>(opaque(&both->own));
}

static void element_of_an_array() {
    int *numbers = new int[20];
    delete static_cast<int *>(opaque(&numbers[4]));
}

static void element_of_a_vector() {
    std::vector<long> numbers(10);
    delete static_cast<long *>(opaque(&numbers[3]));
}

static void placed_on_the_stack() {
    alignas(Both) char memory[sizeof(Both)];
    Both *both = new (memory) Both;
    delete static_cast<Both *>(opaque(both));
}

static void unique_pointer_to_local() {
    long number = 6;
    std::unique_ptr<long> owner(static_cast<long *>(opaque(&number)));
}

static void shared_pointer_to_member() {
    auto both = std::make_shared<Both>();
    std::shared_ptr<int> owner(static_cast<int *>(opaque(&both->own)));
}

struct Named {
    std::string name = "named";
};

/* The count of its elements lies in front of them: what delete frees is not what new[] returned. */
static void array_with_a_count() {
    Named *named = new Named[3];
    delete static_cast<Named *>(opaque(named));
}

static void c_string_of_a_string() {
    std::string text(100, 't');
    delete[] static_cast<char *>(opaque(&text[10]));
}

static const struct shape shapes[] = {
    {"local_object", local_object},
    {"static_object", static_object},
    {"local_array", local_array},
    {"second_base", second_base},
    {"member", member},
    {"element_of_an_array", element_of_an_array},
    {"element_of_a_vector", element_of_a_vector},
    {"placed_on_the_stack", placed_on_the_stack},
    {"unique_pointer_to_local", unique_pointer_to_local},
    {"shared_pointer_to_member", shared_pointer_to_member},
    {"array_with_a_count", array_with_a_count},
    {"c_string_of_a_string", c_string_of_a_string},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
