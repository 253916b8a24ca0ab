// A server as people write them in C++: requests over a socket, sessions in a map, workers with queues. One request of many asks for a
// session that is not there, and a worker goes through a null pointer. It talks to itself over a socket pair; when the last request is
// sent all others are served, and nobody allocates or frees any more.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

struct Session {
    std::string user;
    std::vector<std::string> log;
    char page[3000];
};

class Sessions {
  public:
    Session *open(const std::string &user) {
        std::lock_guard<std::mutex> guard(lock_);
        auto session = std::make_unique<Session>();
        session->user = user;
        return (sessions_[user] = std::move(session)).get();
    }
    void close(const std::string &user) {
        std::lock_guard<std::mutex> guard(lock_);
        sessions_.erase(user);
    }
    Session *find(const std::string &user) {
        std::lock_guard<std::mutex> guard(lock_);
        auto found = sessions_.find(user);
        return found == sessions_.end() ? nullptr : found->second.get();
    }

  private:
    std::mutex lock_;
    std::map<std::string, std::unique_ptr<Session>> sessions_;
};

class Server {
  public:
    explicit Server(int workers) {
        for (int i = 0; i < workers; i++)
            threads_.emplace_back([this] { work(); });
    }
    ~Server() {
        for (auto &thread : threads_)
            thread.join();
    }
    void submit(std::string request) {
        std::lock_guard<std::mutex> guard(lock_);
        queue_.push_back(std::move(request));
        changed_.notify_one();
    }
    int served() const { return served_; }

  private:
    void work() {
        for (;; served_++) {
            std::unique_lock<std::mutex> guard(lock_);
            changed_.wait(guard, [this] { return !queue_.empty(); });
            std::string request = std::move(queue_.front());
            queue_.pop_front();
            guard.unlock();
            serve(request);
        }
    }
    void serve(const std::string &request) {
        std::string verb = request.substr(0, request.find(' ')), user = request.substr(request.find(' ') + 1);
        if (verb == "open")
            sessions_.open(user);
        else if (verb == "close")
            sessions_.close(user);
        else
            note(sessions_.find(user), request);
    }
    void note(Session *session, const std::string &what) {
        std::lock_guard<std::mutex> guard(notes_);
        session->log.push_back("served " + what + " for " + session->user);
    }

    Sessions sessions_;
    std::atomic<int> served_{0};
    std::mutex lock_, notes_;
    std::condition_variable changed_;
    std::deque<std::string> queue_;
    std::vector<std::thread> threads_;
};

void send_line(int to, const std::string &line) {
    std::string text = line + "\n";
    for (size_t sent = 0; sent < text.size();)
        sent += static_cast<size_t>(write(to, text.data() + sent, text.size() - sent));
}

void be_clients(int to, const Server *server) {
    const std::string last = "note user299 of a long text that does not fit into the string itself";
    int sent = 0;
    for (int i = 0; i < 300; i++) {
        send_line(to, "open user" + std::to_string(i)), sent++;
        if (i % 3 == 0)
            send_line(to, "close user" + std::to_string(i)), sent++;
    }
    while (server->served() < sent)
        usleep(100);
    if (write(to, last.data(), last.size()) > 0)
        (void)!write(to, "\n", 1);
    pause();
}

} // namespace

int main() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 2;
    Server server(3);
    std::thread clients(be_clients, ends[1], &server);
    std::string line;
    for (char c; read(ends[0], &c, 1) == 1;)
        if (c != '\n') {
            line += c;
        } else {
            server.submit(line);
            line.clear();
        }
    clients.join();
}
