/* Iterators, references and pointers into containers that have moved or dropped their elements. */
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include "shapes.h"

template <typename Type> static Type *hidden(Type *pointer) {
    return static_cast<Type *>(opaque(pointer));
}

static void vector_grown_pointer_written() {
    std::vector<int> numbers(10);
    int *third = &numbers[3];
    numbers.resize(1000);
    *hidden(third) = 3;
}

static void vector_grown_iterator_read() {
    std::vector<int> numbers(10, 1);
    auto position = numbers.begin();
    numbers.push_back(11);
    printf("%d\n", *hidden(&*position) == 1);
}

static void vector_grown_while_walked() {
    std::vector<long> numbers = {1, 2, 3};
    long *end = numbers.data() + 3;
    for (long *number = numbers.data(); number != end; number++) {
        numbers.push_back(4);
        *hidden(number) = 5;
    }
}

static void vector_shrunk() {
    std::vector<char> bytes(1000, 'b');
    char *first = bytes.data();
    bytes.resize(10);
    bytes.shrink_to_fit();
    *hidden(first) = 's';
}

static void list_node_erased() {
    std::list<int> numbers = {1, 2, 3};
    auto second = std::next(numbers.begin());
    int *number = &*second;
    numbers.erase(second);
    *hidden(number) = 4;
}

static void list_erased_in_loop() {
    std::list<int> numbers = {1, 2, 3, 4};
    for (auto position = numbers.begin(); position != numbers.end(); ++position)
        if (*position == 2)
            numbers.erase(position);
}

static void map_erased_in_loop() {
    std::map<int, std::string> names = {{1, "one"}, {2, "two"}, {3, "three"}};
    for (auto position = names.begin(); position != names.end(); ++position)
        if (position->first == 2)
            names.erase(position);
}

static void map_value_erased() {
    std::unordered_map<int, long> values = {{1, 10}, {2, 20}};
    long *value = &values[2];
    values.erase(2);
    *hidden(value) = 21;
}

static void string_grown() {
    std::string text(40, 's');
    char *letters = &text[0];
    text.append(400, 't');
    letters = hidden(letters);
    letters[3] = 'u';
}

static void view_of_a_temporary() {
    std::string_view view = std::string(50, 'v') + "!";
    printf("%d\n", *static_cast<char *>(opaque(const_cast<char *>(view.data()))) == 'v');
}

static void c_string_of_a_temporary() {
    const char *text = (std::string(60, 'c') + "!").c_str();
    printf("%zu\n", strlen(static_cast<char *>(opaque(const_cast<char *>(text)))));
}

static void container_destroyed() {
    int *first;
    {
        std::vector<int> numbers(80, 1);
        first = numbers.data();
    }
    *hidden(first) = 2;
}

static void deque_popped() {
    std::deque<int> numbers(2000, 1);
    int *first = &numbers.front();
    numbers.erase(numbers.begin(), numbers.begin() + 1500);
    *hidden(first) = 2;
}

static void vector_swapped_away() {
    std::vector<int> numbers(90, 1);
    int *first = numbers.data();
    std::vector<int>().swap(numbers);
    *hidden(first) = 2;
}

static void moved_from_by_pointer() {
    auto first = std::make_unique<std::string>(70, 'm');
    std::string *raw = first.get();
    auto second = std::move(first);
    second.reset();
    raw = hidden(raw);
    *reinterpret_cast<char *>(raw) = 'w';
}

/* The 320 doubles lie in one block of 2,560 bytes, beside others. */
static void vector_grown_reference_written() {
    static std::vector<double> others[64];
    for (auto &other : others)
        other.resize(320);
    double &last = others[31].back();
    others[31].push_back(1.0);
    *hidden(&last) = 2.0;
}

static const struct shape shapes[] = {
    {"vector_grown_pointer_written", vector_grown_pointer_written},
    {"vector_grown_iterator_read", vector_grown_iterator_read},
    {"vector_grown_while_walked", vector_grown_while_walked},
    {"vector_shrunk", vector_shrunk},
    {"list_node_erased", list_node_erased},
    {"list_erased_in_loop", list_erased_in_loop},
    {"map_erased_in_loop", map_erased_in_loop},
    {"map_value_erased", map_value_erased},
    {"string_grown", string_grown},
    {"view_of_a_temporary", view_of_a_temporary},
    {"c_string_of_a_temporary", c_string_of_a_temporary},
    {"container_destroyed", container_destroyed},
    {"deque_popped", deque_popped},
    {"vector_swapped_away", vector_swapped_away},
    {"moved_from_by_pointer", moved_from_by_pointer},
    {"vector_grown_reference_written", vector_grown_reference_written},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
