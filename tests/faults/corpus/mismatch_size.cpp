/* delete is told another size or alignment than new was asked for. */
#include <memory>
#include <new>
#include <vector>
#include "shapes.h"

struct Base {
    int number = 1;
};
struct Derived : Base {
    long more[5] = {};
};
struct Padded : Base {
    char name[100] = "";
};

template <typename Type> static Type *hidden(Type *pointer) {
    return static_cast<Type *>(opaque(pointer));
}

static void base_without_virtual_destructor() {
    delete hidden<Base>(new Derived);
}
static void unique_pointer_to_base() {
    std::unique_ptr<Base> owner(hidden<Base>(new Padded));
}

static void vector_of_bases() {
    std::vector<Base *> bases = {new Base, new Derived};
    for (Base *base : bases)
        delete hidden(base);
}

static void smaller_type() {
    delete reinterpret_cast<short *>(hidden(new double));
}
static void larger_type() {
    delete reinterpret_cast<Derived *>(hidden(new Base));
}
static void too_small() {
    operator delete(hidden(static_cast<char *>(operator new(200))), 199);
}
static void too_large() {
    operator delete(hidden(static_cast<char *>(operator new(201))), 202);
}
static void array_too_small() {
    operator delete[](hidden(static_cast<char *>(operator new[](203))), 20);
}

static void another_alignment() {
    operator delete(hidden(static_cast<char *>(operator new(204, std::align_val_t(64)))),
                    std::align_val_t(32));
}

static void aligned_and_another_size() {
    operator delete(hidden(static_cast<char *>(operator new(256, std::align_val_t(64)))), 192,
                    std::align_val_t(64));
}

static void mid() {
    operator delete(hidden(static_cast<char *>(operator new(7000))), 7001);
}
static void large() {
    operator delete(hidden(static_cast<char *>(operator new(70000))), 80000);
}

static const struct shape shapes[] = {
    {"base_without_virtual_destructor", base_without_virtual_destructor},
    {"unique_pointer_to_base", unique_pointer_to_base},
    {"vector_of_bases", vector_of_bases},
    {"smaller_type", smaller_type},
    {"larger_type", larger_type},
    {"too_small", too_small},
    {"too_large", too_large},
    {"array_too_small", array_too_small},
    {"another_alignment", another_alignment},
    {"aligned_and_another_size", aligned_and_another_size},
    {"mid", mid},
    {"large", large},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
