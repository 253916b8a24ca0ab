// An LRU cache of sessions: a reference to a session is used after a later insertion evicted it.
#include <cstdio>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace web {

struct Session {
    std::string user;
    std::string address;
    std::vector<std::string> visited;
    unsigned requests = 0;
    long last_seen = 0;
};

/* The newest at the front of the list; the map leads from a key to its place in the list. */
template <typename Key, typename Value, typename Hash = std::hash<Key>> class LruCache {
  public:
    explicit LruCache(size_t capacity) : capacity_(capacity) {
        if (capacity == 0)
            throw std::invalid_argument("LruCache: a capacity of 0");
    }

    Value *find(const Key &key) {
        auto found = places_.find(key);
        if (found == places_.end())
            return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return found->second->second.get();
    }

    Value &put(const Key &key, std::unique_ptr<Value> value) {
        if (auto found = places_.find(key); found != places_.end()) {
            found->second->second = std::move(value);
            entries_.splice(entries_.begin(), entries_, found->second);
            return *found->second->second;
        }
        while (entries_.size() >= capacity_)
            evict();
        entries_.emplace_front(key, std::move(value));
        places_[key] = entries_.begin();
        return *entries_.front().second;
    }

    size_t size() const { return entries_.size(); }
    size_t evicted() const { return evicted_; }

  private:
    void evict() {
        places_.erase(entries_.back().first);
        entries_.pop_back();
        evicted_++;
    }

    using Entry = std::pair<Key, std::unique_ptr<Value>>;
    std::list<Entry> entries_;
    std::unordered_map<Key, typename std::list<Entry>::iterator, Hash> places_;
    size_t capacity_;
    size_t evicted_ = 0;
};

/* The request that came over the line, as far as sessions need it. */
struct Request {
    std::string cookie;
    std::string user;
    std::string address;
    std::string path;
    std::string on_behalf_of; // the cookie of another session, or empty
};

class Server {
  public:
    explicit Server(size_t sessions) : sessions_(sessions) {}

    void handle(const Request &request) {
        Session &own = session_of(request.cookie, request.user, request.address);
        own.requests++;
        own.last_seen = ++clock_;
        if (!request.on_behalf_of.empty())
            delegate(own, request);
        visit(own, request.path);
    }

    size_t sessions() const { return sessions_.size(); }
    size_t evicted() const { return sessions_.evicted(); }

  private:
    Session &session_of(const std::string &cookie, const std::string &user,
                        const std::string &address) {
        if (Session *known = sessions_.find(cookie))
            return *known;
        auto session = std::make_unique<Session>();
        session->user = user;
        session->address = address;
        session->visited.reserve(4);
        session->last_seen = clock_;
        return sessions_.put(cookie, std::move(session));
    }

    /* The request counts for the other session, too; the own one may have to leave the cache for
     * it. */
    void delegate(const Session &own, const Request &request) {
        Session &other = session_of(request.on_behalf_of, own.user + " for another", own.address);
        other.requests++;
        other.last_seen = clock_;
        Session &audit = session_of("audit", "auditor", "internal");
        audit.requests++;
        visit(audit, request.path);
    }

    /* Keeps the last four paths. */
    static void visit(Session &session, const std::string &path) {
        if (session.visited.size() == 4) // WRONG: the session was evicted by delegate
            session.visited.erase(session.visited.begin());
        session.visited.push_back(path);
    }

    LruCache<std::string, Session> sessions_;
    long clock_ = 0;
};

} // namespace web

namespace {

web::Request request(const std::string &cookie, const std::string &path,
                     const std::string &other = "") {
    web::Request made;
    made.cookie = cookie;
    made.user = "user of " + cookie;
    made.address = "192.0.2." + std::to_string(path.size());
    made.path = path;
    made.on_behalf_of = other;
    return made;
}

} // namespace

int main() {
    web::Server large(64), small(2);
    for (int i = 0; i < 50; i++) {
        const std::string cookie = "cookie-" + std::to_string(i);
        large.handle(request(cookie, "/index.html"));
        large.handle(request(cookie, "/profile", i % 5 == 0 ? "cookie-0" : ""));
    }
    std::printf("large: %zu sessions, %zu evicted\n", large.sessions(), large.evicted());
    small.handle(request("anna", "/"));
    small.handle(request("bert", "/"));
    small.handle(request("anna", "/orders"));
    small.handle(request("anna", "/orders/17", "carl"));
    std::printf("small: %zu sessions, %zu evicted\n", small.sessions(), small.evicted());
    return 0;
}
