/* A new handler gives back a reserve when memory is at its end, and new tries again. */
#include <cstdint>
#include <new>
#include <stdexcept>
#include <vector>
#include "../corpus/shapes.h"

static char *reserve;
static int calls;

static void release_reserve() {
    calls++;
    delete[] reserve;
    reserve = nullptr;
    std::set_new_handler(nullptr);
}

SHAPE(handler_called_once) {
    reserve = new char[100000];
    std::set_new_handler(release_reserve);
    try {
        opaque(operator new(SIZE_MAX / 4));
    } catch (const std::bad_alloc &) {
        calls += 10;
    }
    require(calls == 11, "once, then bad_alloc");
}

SHAPE(length_errors) {
    int caught = 0;
    try {
        std::vector<long> numbers;
        numbers.reserve(numbers.max_size() + 1);
    } catch (const std::length_error &) {
        caught++;
    }
    volatile long count = -1;
    try {
        delete[] new long[static_cast<size_t>(count)];
    } catch (const std::bad_alloc &) {
        caught++;
    }
    require(caught == 2, "both were caught");
}

RUN_ALL()
