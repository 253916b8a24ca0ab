/* Writes in front of what operator new gave, and of containers' memory. */
#include <memory>
#include <string>
#include <vector>
#include "shapes.h"

SHAPE(of_new) {
    int *number = static_cast<int *>(opaque(new int(5)));
    number[-1] = 4;
    delete number;
}

SHAPE(of_new_array) {
    char *text = static_cast<char *>(opaque(new char[90]));
    text[-1] = 'u';
    delete[] text;
}

SHAPE(vector_index) {
    std::vector<int> numbers(23);
    opaque(numbers.data());
    long index = -1;
    numbers[index] = 1;
}

SHAPE(iterator_in_front) {
    std::vector<long> numbers(11);
    auto position = numbers.begin();
    opaque(numbers.data());
    *--position = 1;
}

SHAPE(string_index) {
    std::string text(70, 's');
    char *first = static_cast<char *>(opaque(&text[0]));
    *(first - 1) = 'u';
}

SHAPE(unique_array) {
    std::unique_ptr<double[]> numbers(new double[6]);
    double *first = static_cast<double *>(opaque(numbers.get()));
    for (int i = 5; i >= -1; i--)
        first[i] = 1;
}

struct alignas(32) Wide {
    char bytes[32];
};

SHAPE(of_aligned_new) {
    Wide *wide = static_cast<Wide *>(opaque(new Wide));
    wide->bytes[static_cast<long>(-3)] = 'w';
    delete wide;
}

RUN_ONE()
