/* Exceptions pass through functions that own memory, are kept, nested, and thrown by threads. */
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

struct Large : std::runtime_error {
    std::string details;
    char padding[500] = "";
    explicit Large(const std::string &what) : std::runtime_error(what), details(300, 'd') {}
};

static void descend(int depth) {
    std::vector<std::string> held(5, std::string(60, 'h'));
    auto owner = std::make_unique<char[]>(100);
    if (depth == 0)
        throw Large("from below, with a text that is long enough for the heap");
    descend(depth - 1);
}

SHAPE(through_owners) {
    for (int i = 0; i < 20; i++)
        try {
            descend(i);
        } catch (const std::exception &caught) {
            require(strlen(caught.what()) > 20, "its text");
        }
}

SHAPE(rethrown_and_nested) {
    try {
        try {
            descend(3);
        } catch (...) {
            std::throw_with_nested(std::runtime_error("around it"));
        }
    } catch (const std::exception &caught) {
        try {
            std::rethrow_if_nested(caught);
        } catch (const Large &inner) {
            require(inner.details.size() == 300, "its details");
        }
    }
}

static std::exception_ptr kept;

SHAPE(kept_for_later) {
    try {
        descend(1);
    } catch (...) {
        kept = std::current_exception();
    }
    try {
        std::rethrow_exception(kept);
    } catch (const Large &) {
    }
}

SHAPE(from_other_threads) {
    std::vector<std::future<int>> answers;
    for (int i = 0; i < 8; i++)
        answers.push_back(std::async(std::launch::async, [i] {
            if (i % 2 == 0)
                descend(i);
            return i;
        }));
    int failures = 0;
    for (auto &answer : answers)
        try {
            answer.get();
        } catch (const Large &) {
            failures++;
        }
    require(failures == 4, "four of eight");
}

RUN_ALL()
