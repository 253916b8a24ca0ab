/* Objects are deleted twice: copied without a copy constructor, owned by two smart pointers. */
#include <memory>
#include <stdexcept>
#include <vector>
#include "shapes.h"

/* Owns its text and says nothing of copies. */
class Buffer {
  public:
    explicit Buffer(size_t size) : text(new char[size]) {}
    ~Buffer() { delete[] static_cast<char *>(opaque(text)); }
    char *text;
};

SHAPE(copied) {
    Buffer first(92);
    Buffer second = first;
}

SHAPE(assigned) {
    Buffer first(93), second(94);
    second = first;
}

static char first_letter(Buffer buffer) {
    return *buffer.text;
}

SHAPE(passed_by_value) {
    Buffer buffer(95);
    *buffer.text = 'b';
    if (first_letter(buffer) == 'b')
        opaque(&buffer);
}

SHAPE(vector_of_owners) {
    std::vector<Buffer> buffers;
    buffers.reserve(1);
    buffers.push_back(Buffer(96));
}

SHAPE(two_unique_pointers) {
    int *number = static_cast<int *>(opaque(new int(1)));
    std::unique_ptr<int> first(number), second(number);
}

SHAPE(two_shared_pointers) {
    long *number = static_cast<long *>(opaque(new long(1)));
    std::shared_ptr<long> first(number), second(number);
}

SHAPE(deleted_and_owned) {
    std::unique_ptr<double> number(new double(2));
    delete static_cast<double *>(opaque(number.get()));
}

SHAPE(array_deleted_twice) {
    int *numbers = static_cast<int *>(opaque(new int[24]));
    delete[] numbers;
    delete[] static_cast<int *>(opaque(numbers));
}

SHAPE(object_deleted_twice) {
    int *number = static_cast<int *>(opaque(new int(3)));
    delete number;
    delete static_cast<int *>(opaque(number));
}

SHAPE(in_handler_and_behind) {
    char *text = static_cast<char *>(opaque(new char[97]));
    try {
        throw std::runtime_error("on the way");
    } catch (const std::exception &) {
        delete[] text;
    }
    delete[] static_cast<char *>(opaque(text));
}

struct Parent {
    int *child;
    ~Parent() { delete static_cast<int *>(opaque(child)); }
};

SHAPE(child_deleted_before_its_parent) {
    Parent parent = {new int(4)};
    delete static_cast<int *>(opaque(parent.child));
}

/* Its move constructor leaves the old owner as it was. */
struct Moved {
    char *text = new char[98];
    Moved() = default;
    Moved(Moved &&other) : text(other.text) {}
    ~Moved() { delete[] static_cast<char *>(opaque(text)); }
};

SHAPE(moved_and_still_owned) {
    Moved first;
    Moved second(std::move(first));
}

SHAPE(elements_deleted_twice) {
    std::vector<int *> numbers;
    for (int i = 0; i < 4; i++)
        numbers.push_back(new int(i));
    std::vector<int *> same = numbers;
    for (int *number : numbers)
        delete static_cast<int *>(opaque(number));
    for (int *number : same)
        delete static_cast<int *>(opaque(number));
}

RUN_ONE()
