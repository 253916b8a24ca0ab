/* Every container of the standard library grows, shrinks, is walked, erased from, moved and
 * swapped. */
#include <algorithm>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>
#include "../corpus/shapes.h"

SHAPE(vectors) {
    std::vector<int> numbers;
    for (int i = 0; i < 5000; i++) {
        numbers.push_back(i);
        numbers[numbers.size() - 1]++;
        numbers.back()--;
    }
    require(std::accumulate(numbers.begin(), numbers.end(), 0L) == 12497500, "the sum");
    numbers.erase(std::remove_if(numbers.begin(), numbers.end(), [](int n) { return n % 3 == 0; }),
                  numbers.end());
    numbers.shrink_to_fit();
    numbers.insert(numbers.begin() + 10, 100, 7);
    std::vector<int> moved = std::move(numbers);
    moved.data()[moved.capacity() > moved.size() ? moved.size() - 1 : 0] = 1;
    std::vector<bool> bits(1001, true);
    bits.resize(3000);
}

SHAPE(whole_capacity) {
    std::vector<char> bytes;
    bytes.reserve(77);
    bytes.assign(bytes.capacity(), 'c');
    std::string text;
    text.reserve(100);
    text.assign(text.capacity(), 's');
    text.data()[text.size()] = 0;
    require(strlen(text.c_str()) == text.size(), "closed by a zero");
}

SHAPE(lists) {
    std::list<std::string> names;
    for (int i = 0; i < 500; i++)
        names.push_back("a name that is longer than what fits into the object " +
                        std::to_string(i));
    for (auto position = names.begin(); position != names.end();)
        position = position->back() % 2 == 0 ? names.erase(position) : std::next(position);
    names.sort();
    std::list<std::string> others;
    others.splice(others.begin(), names, names.begin(), std::next(names.begin(), 20));
    names.merge(others);
    std::forward_list<int> forward(100, 1);
    forward.remove(1);
}

SHAPE(maps) {
    std::map<int, std::string> names;
    std::unordered_map<std::string, std::vector<int>> groups;
    for (int i = 0; i < 2000; i++) {
        names[i * 7919 % 2003] = std::string(static_cast<size_t>(i % 60), 'm');
        groups[std::to_string(i % 300)].push_back(i);
    }
    for (auto position = names.begin(); position != names.end();)
        if (position->first % 2 == 0)
            position = names.erase(position);
        else
            ++position;
    int &kept = names[1001].empty() ? groups["7"][0] : groups["8"][0];
    groups.rehash(5000);
    kept++;
    auto node = names.extract(names.begin());
    node.key() = -1;
    names.insert(std::move(node));
    std::multiset<int> numbers;
    for (int i = 0; i < 500; i++)
        numbers.insert(i % 40);
    numbers.erase(7);
    std::unordered_set<long> longs;
    for (long i = 0; i < 3000; i++)
        longs.insert(i * i);
}

SHAPE(queues) {
    std::deque<std::string> texts;
    for (int i = 0; i < 3000; i++) {
        texts.push_front("front and long enough for the heap");
        texts.push_back("back and long enough for the heap");
        if (i % 3 == 0)
            texts.pop_front();
    }
    std::string &first = texts.front();
    texts.push_back("references stay valid in a deque");
    first += "!";
    std::priority_queue<int> numbers;
    for (int i = 0; i < 1000; i++)
        numbers.push(i * 31 % 1000);
    while (!numbers.empty())
        numbers.pop();
}

SHAPE(nested) {
    std::map<std::string, std::vector<std::map<int, std::string>>> tree;
    for (int i = 0; i < 100; i++)
        tree["branch number " + std::to_string(i % 10)].push_back(
            {{i, std::string(50, 'n')}, {i + 1, "short"}});
    auto copy = tree;
    tree.clear();
    std::swap(tree, copy);
    require(tree.size() == 10 && copy.empty(), "swapped");
}

RUN_ALL()
