/* Iterators, references and pointers that the standard keeps valid are used after the container
 * changed. */
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>
#include "../corpus/shapes.h"

SHAPE(vector_with_room) {
    std::vector<int> numbers;
    numbers.reserve(1000);
    numbers.push_back(1);
    int &first = numbers.front();
    auto position = numbers.begin();
    for (int i = 1; i < 1000; i++)
        numbers.push_back(i);
    first = *position + 1;
    require(numbers[0] == 2, "the same element");
    std::vector<int> swapped;
    swapped.swap(numbers);
    require(*position == 2, "iterators follow a swap");
}

SHAPE(list_spliced) {
    std::list<std::string> from(20, std::string(50, 'f')), to;
    auto third = std::next(from.begin(), 3);
    std::string *text = &*third;
    to.splice(to.end(), from, third);
    from.clear();
    text->append("still there");
    require(to.back().size() > 50 && third == to.begin(), "the node moved along");
}

SHAPE(tree_erased_around) {
    std::map<int, std::string> names;
    for (int i = 0; i < 100; i++)
        names[i] = std::string(40, 'n');
    std::string &kept = names[50];
    auto position = names.find(50);
    names.erase(names.begin(), position);
    names.erase(std::next(position), names.end());
    kept += "!";
    require(position->second.size() == 41 && names.size() == 1, "it alone is left");
    std::set<std::string> texts = {"a text long enough to lie in the heap",
                                   "and another one of that kind"};
    auto node = texts.extract(texts.begin());
    node.value() += "changed";
    texts.insert(std::move(node));
}

SHAPE(hashed_and_rehashed) {
    std::unordered_map<int, std::string> names;
    std::string *first = &(names[0] = std::string(60, 'h'));
    for (int i = 1; i < 5000; i++)
        names[i] = "short";
    first->append("references survive a rehash");
    require(names[0].size() > 60, "the same string");
}

SHAPE(deque_at_both_ends) {
    std::deque<std::string> texts(1, std::string(30, 'd'));
    std::string &middle = texts.front();
    for (int i = 0; i < 500; i++) {
        texts.push_back("back");
        texts.push_front("front");
    }
    middle += "!";
    for (int i = 0; i < 500; i++)
        texts.pop_front();
    require(texts.front().size() == 31, "found again");
}

SHAPE(moved_containers) {
    std::vector<std::unique_ptr<int>> from;
    for (int i = 0; i < 10; i++)
        from.push_back(std::make_unique<int>(i));
    int *seventh = from[7].get();
    std::vector<std::unique_ptr<int>> to = std::move(from);
    from.push_back(std::make_unique<int>(70));
    require(*seventh == 7 && to[7].get() == seventh, "the objects stayed where they were");
}

RUN_ALL()
