/* Callables with large and shared captures are stored, copied, replaced while they run, and
 * dropped. */
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

SHAPE(stored_and_copied) {
    std::vector<std::function<size_t()>> functions;
    for (size_t i = 0; i < 200; i++) {
        std::string text(i, 'f');
        functions.push_back([text, i] { return text.size() - i; });
    }
    auto copies = functions;
    functions.clear();
    for (auto &function : copies)
        require(function() == 0, "each has its text");
}

SHAPE(bound) {
    auto add = [](const std::string &left, const std::string &right) { return left + right; };
    auto greet = std::bind(add, std::string(50, 'g'), std::placeholders::_1);
    require(greet("!").size() == 51, "joined");
}

SHAPE(replaces_itself) {
    auto current = std::make_shared<std::function<void()>>();
    int calls = 0;
    *current = [current_weak = std::weak_ptr<std::function<void()>>(current), &calls] {
        calls++;
        if (auto self = current_weak.lock()) {
            auto keep = *self; /* what runs must outlive its replacement */
            *self = nullptr;
        }
    };
    auto running = *current;
    running();
    require(calls == 1 && !*current, "ran once and is gone");
}

class Subject {
  public:
    using Listener = std::function<void(int)>;
    int subscribe(Listener listener) {
        listeners[next] = std::move(listener);
        return next++;
    }
    void unsubscribe(int key) { listeners.erase(key); }
    void tell(int value) {
        auto copies = listeners;
        for (auto &entry : copies)
            entry.second(value);
    }

  private:
    std::map<int, Listener> listeners;
    int next = 0;
};

SHAPE(unsubscribed_while_told) {
    Subject subject;
    int sum = 0, key = -1;
    std::string capture(60, 'c');
    key = subject.subscribe([&, capture](int value) {
        sum += value;
        subject.unsubscribe(key);
    });
    subject.subscribe([&sum](int value) { sum += 10 * value; });
    subject.tell(1);
    subject.tell(1);
    require(sum == 21, "once and twice");
}

RUN_ALL()
