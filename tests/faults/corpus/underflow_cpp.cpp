/* Writes in front of what operator new gave, and of containers' memory. */
#include <memory>
#include <string>
#include <vector>
#include "shapes.h"

static void of_new() {
    int *number = static_cast<int *>(opaque(new int(5)));
    number[-1] = 4;
    delete number;
}

static void of_new_array() {
    char *text = static_cast<char *>(opaque(new char[90]));
    text[-1] = 'u';
    delete[] text;
}

static void vector_index() {
    std::vector<int> numbers(23);
    opaque(numbers.data());
    long index = -1;
    numbers[index] = 1;
}

static void iterator_in_front() {
    std::vector<long> numbers(11);
    auto position = numbers.begin();
    opaque(numbers.data());
    *--position = 1;
}

static void string_index() {
    std::string text(70, 's');
    char *first = static_cast<char *>(opaque(&text[0]));
    *(first - 1) = 'u';
}

static void unique_array() {
    std::unique_ptr<double[]> numbers(new double[6]);
    double *first = static_cast<double *>(opaque(numbers.get()));
    for (int i = 5; i >= -1; i--)
        first[i] = 1;
}

struct alignas(32) Wide {
    char bytes[32];
};

static void of_aligned_new() {
    Wide *wide = static_cast<Wide *>(opaque(new Wide));
    wide->bytes[static_cast<long>(-3)] = 'w';
    delete wide;
}

static const struct shape shapes[] = {
    {"of_new", of_new},
    {"of_new_array", of_new_array},
    {"vector_index", vector_index},
    {"iterator_in_front", iterator_in_front},
    {"string_index", string_index},
    {"unique_array", unique_array},
    {"of_aligned_new", of_aligned_new},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
