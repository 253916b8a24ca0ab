/* Owners with copies, moves, virtual and several bases; sized deletes tell the true size. */
#include <any>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include "../corpus/shapes.h"

class Buffer {
  public:
    explicit Buffer(size_t count) : size(count), bytes(new char[count]) {}
    Buffer(const Buffer &other) : size(other.size), bytes(new char[other.size]) {
        memcpy(bytes, other.bytes, size);
    }
    Buffer(Buffer &&other) noexcept
        : size(other.size), bytes(std::exchange(other.bytes, nullptr)) {}
    Buffer &operator=(Buffer other) {
        std::swap(bytes, other.bytes);
        std::swap(size, other.size);
        return *this;
    }
    ~Buffer() { delete[] bytes; }
    size_t size;
    char *bytes;
};

static Buffer passed(Buffer buffer) {
    return buffer;
}

SHAPE(copies_and_moves) {
    std::vector<Buffer> buffers;
    for (size_t i = 1; i < 100; i++) {
        buffers.emplace_back(i);
        memset(buffers.back().bytes, 'b', i);
    }
    Buffer first = buffers[3], second = passed(first);
    first = std::move(second);
    second = first;
    std::vector<Buffer> copy = buffers;
    buffers.erase(buffers.begin() + 10, buffers.begin() + 50);
}

struct First {
    virtual ~First() = default;
    long first[3] = {};
};
struct Second {
    virtual ~Second() = default;
    long second[3] = {};
};
struct Both : First, Second {
    std::string name = std::string(50, 'b');
};
struct Root {
    virtual ~Root() = default;
    int root = 1;
};
struct Left : virtual Root {
    long left[10] = {};
};
struct Right : virtual Root {
    long right[20] = {};
};
struct Diamond : Left, Right {
    long own[30] = {};
};

SHAPE(bases) {
    delete static_cast<First *>(new Both);
    delete static_cast<Second *>(new Both);
    delete static_cast<Root *>(new Diamond);
    delete static_cast<Right *>(new Diamond);
    std::vector<std::unique_ptr<Root>> roots;
    roots.push_back(std::make_unique<Left>());
    roots.push_back(std::make_unique<Right>());
    roots.push_back(std::make_unique<Diamond>());
}

struct Incomplete;
void destroy(Incomplete *object);
struct Incomplete {
    int number = 1;
};
void destroy(Incomplete *object) {
    delete object;
}

SHAPE(of_other_kinds) {
    destroy(new Incomplete);
    ::operator delete(static_cast<void *>(new int));
    std::any any = std::string(100, 'a');
    any = std::vector<int>(50, 1);
    std::variant<int, std::string> variant = std::string(100, 'v');
    variant = 5;
    std::optional<std::string> optional(std::string(100, 'o'));
    optional.reset();
}

struct Node {
    std::unique_ptr<Node> next;
    explicit Node(std::unique_ptr<Node> rest) : next(std::move(rest)) {}
};

SHAPE(deletes_itself) {
    struct Task {
        std::string name = std::string(40, 't');
        void finish() { delete this; }
    };
    (new Task)->finish();
    std::unique_ptr<Node> list;
    for (int i = 0; i < 1000; i++)
        list = std::make_unique<Node>(std::move(list));
}

RUN_ALL()
