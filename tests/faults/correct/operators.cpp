/* operator new and delete in all their forms, each block given back by a form of its family. */
#include <cstdint>
#include <new>
#include "../corpus/shapes.h"

static const std::align_val_t wide{128};

SHAPE(every_pair) {
    for (size_t size = 0; size < 3000; size = size * 2 + 3) {
        operator delete(operator new(size));
        operator delete(operator new(size), size);
        operator delete(operator new(size), std::nothrow);
        operator delete(operator new(size, std::nothrow));
        operator delete(operator new(size, std::nothrow), size);
        operator delete[](operator new[](size));
        operator delete[](operator new[](size), size);
        operator delete[](operator new[](size, std::nothrow));
        operator delete[](operator new[](size, std::nothrow), std::nothrow);
        operator delete(operator new(size, wide), wide);
        operator delete(operator new(size, wide), size, wide);
        operator delete(operator new(size, wide, std::nothrow), wide);
        operator delete(operator new(size, wide), wide, std::nothrow);
        operator delete[](operator new[](size, wide), wide);
        operator delete[](operator new[](size, wide), size, wide);
        operator delete[](operator new[](size, wide, std::nothrow), wide);
    }
    operator delete(nullptr);
    operator delete[](nullptr, 7);
    operator delete(nullptr, wide);
}

struct Trivial {
    int number;
};
struct Counted {
    static int alive;
    char bytes[24];
    Counted() { alive++; }
    ~Counted() { alive--; }
};
int Counted::alive;
struct alignas(64) Aligned {
    char bytes[100];
    ~Aligned() { bytes[99] = 0; }
};

SHAPE(expressions) {
    delete static_cast<Trivial *>(opaque(new Trivial));
    delete[] static_cast<Trivial *>(opaque(new Trivial[9]));
    delete static_cast<Counted *>(opaque(new Counted));
    delete[] static_cast<Counted *>(opaque(new Counted[9]));
    delete[] static_cast<Counted *>(opaque(new Counted[0]));
    delete static_cast<Aligned *>(opaque(new Aligned));
    delete[] static_cast<Aligned *>(opaque(new Aligned[5]));
    delete[] static_cast<char *>(opaque(new char[0]));
    delete[] static_cast<int(*)[4]>(opaque(new int[3][4]));
    require(Counted::alive == 0, "each destructor ran");
}

SHAPE(placement) {
    alignas(Counted) char memory[sizeof(Counted) * 3];
    Counted *counted = new (memory) Counted;
    counted->~Counted();
    void *block = malloc(sizeof(Counted));
    counted = new (block) Counted;
    counted->~Counted();
    free(block);
    char *bytes = new char[sizeof(Aligned) + 64];
    auto place = (reinterpret_cast<uintptr_t>(bytes) + 63) / 64 * 64;
    Aligned *aligned = new (reinterpret_cast<void *>(place)) Aligned;
    aligned->~Aligned();
    delete[] bytes;
}

SHAPE(without_memory) {
    require(new (std::nothrow) char[PTRDIFF_MAX - 1000] == nullptr, "none");
    bool thrown = false;
    try {
        opaque(operator new(SIZE_MAX / 2));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    require(thrown, "bad_alloc");
}

/* A class that takes its memory from malloc itself. */
struct OwnMemory {
    int number[20];
    static void *operator new(size_t size) { return malloc(size); }
    static void operator delete(void *block) { free(block); }
    static void *operator new[](size_t size) { return calloc(1, size); }
    static void operator delete[](void *block) { free(block); }
};

SHAPE(operators_of_a_class) {
    delete static_cast<OwnMemory *>(opaque(new OwnMemory));
    delete[] static_cast<OwnMemory *>(opaque(new OwnMemory[4]));
}

struct Throws {
    char bytes[60];
    Throws() { throw 1; }
};

SHAPE(constructor_throws) {
    for (int i = 0; i < 5; i++)
        try {
            delete new Throws;
        } catch (int) {
        }
    try {
        delete[] new Throws[3];
    } catch (int) {
    }
}

RUN_ALL()
