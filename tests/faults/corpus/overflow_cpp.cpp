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

static void of_new() {
    char *letter = static_cast<char *>(opaque(new char));
    letter[1] = 'n';
    delete letter;
}

static void object() {
    Point *point = static_cast<Point *>(opaque(new Point));
    (&point->x)[3] = 1;
    delete point;
}

static void of_new_array() {
    int *number = static_cast<int *>(opaque(new int[10]));
    for (int i = 0; i <= 10; i++)
        number[i] = i;
    delete[] number;
}

static void of_new_nothrow() {
    char *text = static_cast<char *>(opaque(new (std::nothrow) char[12]));
    strcpy(text, "twelve chars");
    delete[] text;
}

struct alignas(64) Line {
    char bytes[64];
};

static void of_aligned_new() {
    Line *line = static_cast<Line *>(opaque(new Line));
    memset(line->bytes, 'l', 65);
    delete line;
}

static void of_aligned_new_array() {
    Line *lines = static_cast<Line *>(opaque(new Line[2]));
    memset(static_cast<void *>(lines), 'l', 129);
    delete[] lines;
}

struct Counted {
    std::string name;
    Counted() : name("short") {}
};

static void array_of_objects() {
    Counted *counted = new Counted[3];
    memset(opaque(reinterpret_cast<char *>(&counted[3])), 'c', 4);
    delete[] counted;
}

static void vector_index() {
    std::vector<int> numbers(13);
    int *first = static_cast<int *>(opaque(&numbers[0]));
    (void)first;
    numbers[13] = 1;
}

static void vector_data() {
    std::vector<char> bytes(50);
    memset(opaque(bytes.data()), 'v', 51);
}

static void vector_reserved_only() {
    std::vector<long> numbers;
    numbers.reserve(7);
    long *slot = static_cast<long *>(opaque(numbers.data()));
    slot[7] = 1;
}

static void string_data() {
    std::string text(60, 's');
    strcpy(static_cast<char *>(opaque(&text[0])), std::string(64, 't').c_str());
}

static void copy_into_short_vector() {
    std::vector<short> from(33), to(32);
    std::iota(from.begin(), from.end(), 1);
    std::copy(from.begin(), from.end(), to.begin());
    opaque(to.data());
}

static void unique_array() {
    std::unique_ptr<char[]> text(new char[20]);
    strcpy(static_cast<char *>(opaque(text.get())), "twenty characters!!!");
}

static void shared_object() {
    std::shared_ptr<Point> point(new Point);
    (static_cast<int *>(opaque(&point->x)))[3] = 1;
}

static void iterator_past_the_end() {
    std::vector<int> numbers(9, 1);
    auto past = numbers.end();
    opaque(numbers.data());
    *past = 2;
}

static const struct shape shapes[] = {
    {"of_new", of_new},
    {"object", object},
    {"of_new_array", of_new_array},
    {"of_new_nothrow", of_new_nothrow},
    {"of_aligned_new", of_aligned_new},
    {"of_aligned_new_array", of_aligned_new_array},
    {"array_of_objects", array_of_objects},
    {"vector_index", vector_index},
    {"vector_data", vector_data},
    {"vector_reserved_only", vector_reserved_only},
    {"string_data", string_data},
    {"copy_into_short_vector", copy_into_short_vector},
    {"unique_array", unique_array},
    {"shared_object", shared_object},
    {"iterator_past_the_end", iterator_past_the_end},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
