/* Smart pointers own objects, arrays, C memory and each other, and give them back by the right
 * call. */
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

struct Base {
    virtual ~Base() = default;
    int number = 1;
};
struct Derived : Base {
    std::string name = "a name that does not fit into the object itself";
};

SHAPE(unique) {
    std::unique_ptr<Base> base = std::make_unique<Derived>();
    std::unique_ptr<int[]> numbers(new int[30]);
    numbers[29] = 1;
    std::unique_ptr<char, void (*)(void *)> text(strdup("freed by free"), free);
    std::unique_ptr<FILE, int (*)(FILE *)> file(fopen("/dev/null", "r"), fclose);
    auto moved = std::move(base);
    moved.reset(new Base);
    Base *released = moved.release();
    delete released;
}

SHAPE(shared) {
    auto first = std::make_shared<Derived>();
    std::shared_ptr<Base> second = first;
    std::weak_ptr<Base> weak = second;
    first.reset();
    second.reset();
    require(weak.expired() && !weak.lock(), "gone");
    std::shared_ptr<char> array(new char[50], std::default_delete<char[]>());
    std::shared_ptr<void> any(malloc(10), free);
    std::shared_ptr<Base> counted(new Derived);
    std::shared_ptr<int> member(counted, &counted->number);
    counted.reset();
    ++*member;
}

struct Child;
struct Parent {
    std::vector<std::shared_ptr<Child>> children;
};
struct Child {
    std::weak_ptr<Parent> parent;
    std::string name = std::string(40, 'c');
};

SHAPE(parents_and_children) {
    auto parent = std::make_shared<Parent>();
    for (int i = 0; i < 20; i++) {
        parent->children.push_back(std::make_shared<Child>());
        parent->children.back()->parent = parent;
    }
}

struct Self : std::enable_shared_from_this<Self> {
    std::function<int()> later() {
        return [self = shared_from_this()] { return self->number; };
    }
    int number = 5;
};

SHAPE(owned_by_a_function) {
    std::function<int()> later = std::make_shared<Self>()->later();
    require(later() == 5, "still there");
}

static std::unique_ptr<Derived> of_the_program;
static std::shared_ptr<std::vector<int>> of_the_program_too;

SHAPE(until_the_end) {
    of_the_program = std::make_unique<Derived>();
    of_the_program_too = std::make_shared<std::vector<int>>(100, 1);
}

RUN_ALL()
