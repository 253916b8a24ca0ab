/* Writes past the end of what operator new gave, of containers' memory and of smart pointers'
 * arrays. */
#include <algorithm>
#include <memory>
#include <new>
#include <numeric>
#include <string>
#include <vector>
#include "shapes.h"

struct Point {
    int x, y, z;
};

SHAPE(of_new) {
    char *letter = static_cast<char *>(opaque(new char));
    letter[1] = 'n';
    delete letter;
}

SHAPE(object) {
    Point *point = static_cast<Point *>(opaque(new Point));
    (&point->x)[3] = 1;
    delete point;
}

SHAPE(of_new_array) {
    int *number = static_cast<int *>(opaque(new int[10]));
    for (int i = 0; i <= 10; i++)
        number[i] = i;
    delete[] number;
}

SHAPE(of_new_nothrow) {
    char *text = static_cast<char *>(opaque(new (std::nothrow) char[12]));
    strcpy(text, "twelve chars");
    delete[] text;
}

struct alignas(64) Line {
    char bytes[64];
};

SHAPE(of_aligned_new) {
    Line *line = static_cast<Line *>(opaque(new Line));
    memset(line->bytes, 'l', 65);
    delete line;
}

SHAPE(of_aligned_new_array) {
    Line *lines = static_cast<Line *>(opaque(new Line[2]));
    memset(static_cast<void *>(lines), 'l', 129);
    delete[] lines;
}

struct Counted {
    std::string name;
    Counted() : name("short") {}
};

SHAPE(array_of_objects) {
    Counted *counted = new Counted[3];
    memset(opaque(reinterpret_cast<char *>(&counted[3])), 'c', 4);
    delete[] counted;
}

SHAPE(vector_index) {
    std::vector<int> numbers(13);
    int *first = static_cast<int *>(opaque(&numbers[0]));
    (void)first;
    numbers[13] = 1;
}

SHAPE(vector_data) {
    std::vector<char> bytes(50);
    memset(opaque(bytes.data()), 'v', 51);
}

SHAPE(vector_reserved_only) {
    std::vector<long> numbers;
    numbers.reserve(7);
    long *slot = static_cast<long *>(opaque(numbers.data()));
    slot[7] = 1;
}

SHAPE(string_data) {
    std::string text(60, 's');
    strcpy(static_cast<char *>(opaque(&text[0])), std::string(64, 't').c_str());
}

SHAPE(copy_into_short_vector) {
    std::vector<short> from(33), to(32);
    std::iota(from.begin(), from.end(), 1);
    std::copy(from.begin(), from.end(), to.begin());
    opaque(to.data());
}

SHAPE(unique_array) {
    std::unique_ptr<char[]> text(new char[20]);
    strcpy(static_cast<char *>(opaque(text.get())), "twenty characters!!!");
}

SHAPE(shared_object) {
    std::shared_ptr<Point> point(new Point);
    (static_cast<int *>(opaque(&point->x)))[3] = 1;
}

SHAPE(iterator_past_the_end) {
    std::vector<int> numbers(9, 1);
    auto past = numbers.end();
    opaque(numbers.data());
    *past = 2;
}

RUN_ONE()
