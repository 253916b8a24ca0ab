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

SHAPE(vector_grown_pointer_written) {
    std::vector<int> numbers(10);
    int *third = &numbers[3];
    numbers.resize(1000);
    *hidden(third) = 3;
}

SHAPE(vector_grown_iterator_read) {
    std::vector<int> numbers(10, 1);
    auto position = numbers.begin();
    numbers.push_back(11);
    printf("%d\n", *hidden(&*position) == 1);
}

SHAPE(vector_grown_while_walked) {
    std::vector<long> numbers = {1, 2, 3};
    long *end = numbers.data() + 3;
    for (long *number = numbers.data(); number != end; number++) {
        numbers.push_back(4);
        *hidden(number) = 5;
    }
}

SHAPE(vector_shrunk) {
    std::vector<char> bytes(1000, 'b');
    char *first = bytes.data();
    bytes.resize(10);
    bytes.shrink_to_fit();
    *hidden(first) = 's';
}

SHAPE(list_node_erased) {
    std::list<int> numbers = {1, 2, 3};
    auto second = std::next(numbers.begin());
    int *number = &*second;
    numbers.erase(second);
    *hidden(number) = 4;
}

SHAPE(list_erased_in_loop) {
    std::list<int> numbers = {1, 2, 3, 4};
    for (auto position = numbers.begin(); position != numbers.end(); ++position)
        if (*position == 2)
            numbers.erase(position);
}

SHAPE(map_erased_in_loop) {
    std::map<int, std::string> names = {{1, "one"}, {2, "two"}, {3, "three"}};
    for (auto position = names.begin(); position != names.end(); ++position)
        if (position->first == 2)
            names.erase(position);
}

SHAPE(map_value_erased) {
    std::unordered_map<int, long> values = {{1, 10}, {2, 20}};
    long *value = &values[2];
    values.erase(2);
    *hidden(value) = 21;
}

SHAPE(string_grown) {
    std::string text(40, 's');
    char *letters = &text[0];
    text.append(400, 't');
    letters = hidden(letters);
    letters[3] = 'u';
}

SHAPE(view_of_a_temporary) {
    std::string_view view = std::string(50, 'v') + "!";
    printf("%d\n", *static_cast<char *>(opaque(const_cast<char *>(view.data()))) == 'v');
}

SHAPE(c_string_of_a_temporary) {
    const char *text = (std::string(60, 'c') + "!").c_str();
    printf("%zu\n", strlen(static_cast<char *>(opaque(const_cast<char *>(text)))));
}

SHAPE(container_destroyed) {
    int *first;
    {
        std::vector<int> numbers(80, 1);
        first = numbers.data();
    }
    *hidden(first) = 2;
}

SHAPE(deque_popped) {
    std::deque<int> numbers(2000, 1);
    int *first = &numbers.front();
    numbers.erase(numbers.begin(), numbers.begin() + 1500);
    *hidden(first) = 2;
}

SHAPE(vector_swapped_away) {
    std::vector<int> numbers(90, 1);
    int *first = numbers.data();
    std::vector<int>().swap(numbers);
    *hidden(first) = 2;
}

SHAPE(moved_from_by_pointer) {
    auto first = std::make_unique<std::string>(70, 'm');
    std::string *raw = first.get();
    auto second = std::move(first);
    second.reset();
    raw = hidden(raw);
    *reinterpret_cast<char *>(raw) = 'w';
}

/* The 320 doubles lie in one block of 2,560 bytes, beside others. */
SHAPE(vector_grown_reference_written) {
    static std::vector<double> others[64];
    for (auto &other : others)
        other.resize(320);
    double &last = others[31].back();
    others[31].push_back(1.0);
    *hidden(&last) = 2.0;
}

RUN_ONE()
