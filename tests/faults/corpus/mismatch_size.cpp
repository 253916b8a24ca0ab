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

SHAPE(base_without_virtual_destructor) {
    delete hidden<Base>(new Derived);
}
SHAPE(unique_pointer_to_base) {
    std::unique_ptr<Base> owner(hidden<Base>(new Padded));
}

SHAPE(vector_of_bases) {
    std::vector<Base *> bases = {new Base, new Derived};
    for (Base *base : bases)
        delete hidden(base);
}

SHAPE(smaller_type) {
    delete reinterpret_cast<short *>(hidden(new double));
}
SHAPE(larger_type) {
    delete reinterpret_cast<Derived *>(hidden(new Base));
}
SHAPE(too_small) {
    operator delete(hidden(static_cast<char *>(operator new(200))), 199);
}
SHAPE(too_large) {
    operator delete(hidden(static_cast<char *>(operator new(201))), 202);
}
SHAPE(array_too_small) {
    operator delete[](hidden(static_cast<char *>(operator new[](203))), 20);
}

SHAPE(another_alignment) {
    operator delete(hidden(static_cast<char *>(operator new(204, std::align_val_t(64)))),
                    std::align_val_t(32));
}

SHAPE(aligned_and_another_size) {
    operator delete(hidden(static_cast<char *>(operator new(256, std::align_val_t(64)))), 192,
                    std::align_val_t(64));
}

SHAPE(mid) {
    operator delete(hidden(static_cast<char *>(operator new(7000))), 7001);
}
SHAPE(large) {
    operator delete(hidden(static_cast<char *>(operator new(70000))), 80000);
}

RUN_ONE()
