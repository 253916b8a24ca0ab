/* Methods and members of objects that were deleted. */
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include "shapes.h"

class Shape {
  public:
    virtual ~Shape() = default;
    virtual int corners() const { return sides; }
    void set_sides(int count) { sides = count; }
    int get_sides() const { return sides; }
    int sides = 0;
    char name[20] = "shape";
};
class Square : public Shape {
  public:
    Square() { sides = 4; }
    int corners() const override { return 4; }
};

template <typename Type> static Type *hidden(Type *pointer) {
    return static_cast<Type *>(opaque(pointer));
}

SHAPE(method_writes) {
    Shape *shape = hidden(new Shape);
    delete shape;
    hidden(shape)->set_sides(3);
}

SHAPE(method_reads) {
    Shape *shape = hidden(new Shape);
    delete shape;
    printf("%d\n", hidden(shape)->get_sides() == 0);
}

SHAPE(virtual_call) {
    Shape *shape = hidden<Shape>(new Square);
    delete shape;
    printf("%d\n", hidden(shape)->corners());
}

SHAPE(raw_of_a_reset_owner) {
    auto owner = std::make_unique<Square>();
    Square *raw = owner.get();
    owner.reset();
    hidden(raw)->set_sides(5);
}

SHAPE(raw_of_a_shared_owner) {
    Square *raw;
    {
        auto owner = std::make_shared<Square>();
        raw = owner.get();
    }
    hidden(raw)->set_sides(6);
}

SHAPE(reference_captured) {
    std::function<void()> later;
    {
        auto number = std::make_unique<int>(1);
        int &reference = *number;
        later = [&reference] { *hidden(&reference) = 2; };
    }
    later();
}

class Deleting {
  public:
    void finish() {
        delete this;
        hidden(this)->finished = true;
    }
    bool finished = false;
    char padding[40] = "";
};

SHAPE(deletes_itself) {
    hidden(new Deleting)->finish();
}

static const std::string &longest(const std::vector<std::string> &texts) {
    return texts.front();
}

SHAPE(reference_to_element_of_temporary) {
    const std::string &text = longest({std::string(50, 'l')});
    const std::string *pointer = &text;
    printf("%zu\n", static_cast<std::string *>(opaque(const_cast<std::string *>(pointer)))->size());
}

SHAPE(array_deleted) {
    int *numbers = hidden(new int[50]);
    delete[] numbers;
    hidden(numbers)[20] = 1;
}

SHAPE(argument_of_a_thread) {
    auto *shape = hidden(new Shape);
    delete shape;
    std::thread([shape] { hidden(shape)->set_sides(7); }).join();
}

SHAPE(weak_pointer_ignored) {
    struct Observer {
        Shape *watched;
    } observer;
    {
        auto owner = std::make_shared<Shape>();
        observer.watched = owner.get();
    }
    snprintf(hidden(observer.watched)->name, 20, "gone");
}

RUN_ONE()
