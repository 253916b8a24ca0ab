// An event bus: a handler subscribes while the bus calls its handlers, and the vector that it
// walks grows.
// room: what system calls left in registers
// optimise: -O2

#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace bus {

struct Event {
    std::string topic;
    std::string payload;
    unsigned sequence = 0;
};

struct Subscription {
    unsigned id = 0;
    std::string name;
    std::function<void(const Event &)> handler;
    unsigned delivered = 0;
};

class Topic {
  public:
    unsigned subscribe(std::string name, std::function<void(const Event &)> handler) {
        Subscription subscription;
        subscription.id = next_id_++;
        subscription.name = std::move(name);
        subscription.handler = std::move(handler);
        subscriptions_.push_back(std::move(subscription));
        return subscriptions_.back().id;
    }

    bool unsubscribe(unsigned id) {
        for (size_t i = 0; i < subscriptions_.size(); i++)
            if (subscriptions_[i].id == id) {
                subscriptions_.erase(subscriptions_.begin() + static_cast<std::ptrdiff_t>(i));
                return true;
            }
        return false;
    }

    void publish(const Event &event);

    size_t size() const { return subscriptions_.size(); }
    unsigned delivered() const { return delivered_; }

  private:
    std::vector<Subscription> subscriptions_;
    unsigned next_id_ = 1;
    unsigned delivered_ = 0;
};

/* Calls the handlers in the order in which they subscribed. */
void Topic::publish(const Event &event) {
    for (Subscription &subscription :
         subscriptions_) { // a handler that subscribes moves the vector
        subscription.handler(event);
        subscription.delivered++; // WRONG: written through a reference into the old array
        delivered_++;
    }
}

class Bus {
  public:
    Topic &topic(const std::string &name) {
        auto found = topics_.find(name);
        if (found == topics_.end())
            found = topics_.emplace(name, std::make_unique<Topic>()).first;
        return *found->second;
    }

    void publish(const std::string &name, std::string payload) {
        Event event;
        event.topic = name;
        event.payload = std::move(payload);
        event.sequence = ++sequence_;
        topic(name).publish(event);
    }

    size_t topics() const { return topics_.size(); }

  private:
    std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;
    unsigned sequence_ = 0;
};

/* Counts words of what it is sent. */
class WordCounter {
  public:
    explicit WordCounter(Bus &events, const std::string &topic) {
        events.topic(topic).subscribe("word counter",
                                      [this](const Event &event) { count(event.payload); });
    }

    void count(std::string_view text) {
        bool inside = false;
        for (const char c : text) {
            if (c == ' ')
                inside = false;
            else if (!inside) {
                inside = true;
                words_++;
            }
        }
    }

    unsigned words() const { return words_; }

  private:
    unsigned words_ = 0;
};

/* Keeps the last lines, and asks for more topics when it sees their names. */
class Recorder {
  public:
    explicit Recorder(Bus &events) : events_(events) {}

    void follow(const std::string &topic) {
        events_.topic(topic).subscribe("recorder of " + topic,
                                       [this](const Event &event) { record(event); });
    }

    const std::vector<std::string> &lines() const { return lines_; }

  private:
    void record(const Event &event) {
        lines_.push_back(event.topic + ": " + event.payload);
        static const char asks[] = "follow ";
        if (event.payload.compare(0, std::strlen(asks), asks) == 0)
            follow(event.payload.substr(std::strlen(asks)));
    }

    Bus &events_;
    std::vector<std::string> lines_;
};

} // namespace bus

int main() {
    bus::Bus events;
    bus::WordCounter counter(events, "log");
    bus::Recorder recorder(events);
    recorder.follow("log");
    events.publish("log", "the service has started");
    events.publish("log", "follow metrics");
    events.publish("metrics", "load 0.4");
    for (int i = 0; i < 5; i++)
        events.publish("log", "request number " + std::to_string(i));
    // "log" has two subscriptions; a third one does not fit into its array.
    events.publish("log", "follow log");
    events.publish("log", "after that");
    std::printf("%u words, %zu lines, %zu topics, %u delivered\n", counter.words(),
                recorder.lines().size(), events.topics(), events.topic("log").delivered());
    return 0;
}
