// A host of plug-ins: a message that a plug-in made with malloc is deleted by the host.

// plugin: compiled a second time with -DPLUGIN, as plugin_host.so beside the program

#include <cstdlib>
#include <cstring>

extern "C" {

/* A plug-in's answer to the host: who is to free it is not said anywhere, which is the mistake. */
struct Message {
    int code;
    char text[60];
};

struct Filter {
    const char *name;
    int (*start)(void **state);
    Message *(*apply)(void *state, const char *line);
    void (*stop)(void *state);
};
}

#ifdef PLUGIN

namespace {

struct State {
    unsigned lines = 0;
    unsigned found = 0;
};

int start_filter(void **state) {
    *state = new State;
    return 0;
}

Message *apply_filter(void *pointer, const char *line) {
    auto *state = static_cast<State *>(pointer);
    state->lines++;
    const char *where = std::strstr(line, "error");
    if (where == nullptr)
        return nullptr;
    state->found++;
    auto *message = static_cast<Message *>(std::malloc(sizeof(Message)));
    if (message == nullptr)
        return nullptr;
    message->code = static_cast<int>(state->found);
    std::strncpy(message->text, where, sizeof message->text - 1);
    message->text[sizeof message->text - 1] = '\0';
    return message;
}

void stop_filter(void *pointer) {
    delete static_cast<State *>(pointer);
}

} // namespace

extern "C" __attribute__((visibility("default")))
const Filter hak_test_filter = {"errors", start_filter, apply_filter, stop_filter};

#else

#include <algorithm>
#include <cstdio>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace host {

class Library {
  public:
    explicit Library(const std::string &path)
        : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
        if (handle_ == nullptr)
            throw std::runtime_error(dlerror());
    }
    ~Library() { dlclose(handle_); }
    Library(const Library &) = delete;
    Library &operator=(const Library &) = delete;

    template <typename Type> const Type &symbol(const char *name) const {
        const void *found = dlsym(handle_, name);
        if (found == nullptr)
            throw std::runtime_error(dlerror());
        return *static_cast<const Type *>(found);
    }

  private:
    void *handle_;
};

class Plugin {
  public:
    explicit Plugin(const std::string &path)
        : library_(path), filter_(library_.symbol<Filter>("hak_test_filter")) {
        if (filter_.start(&state_) != 0)
            throw std::runtime_error("the plug-in does not start");
    }
    ~Plugin() { filter_.stop(state_); }

    std::string name() const { return filter_.name; }
    Message *apply(const std::string &line) { return filter_.apply(state_, line.c_str()); }

  private:
    Library library_;
    const Filter &filter_;
    void *state_ = nullptr;
};

/* The messages of all plug-ins, by their code. */
class Inbox {
  public:
    void put(const std::string &from, Message *message) {
        auto &own = messages_[from];
        own.push_back(message);
        if (own.size() > 3)
            drop_oldest(own);
    }

    ~Inbox() {
        for (auto &[from, messages] : messages_)
            while (!messages.empty())
                drop_oldest(messages);
    }

    size_t count() const {
        size_t all = 0;
        for (const auto &[from, messages] : messages_)
            all += messages.size();
        return all;
    }

  private:
    static void drop_oldest(std::vector<Message *> &messages) {
        delete messages.front(); // WRONG: it was made by malloc, in the plug-in
        messages.erase(messages.begin());
    }

    std::map<std::string, std::vector<Message *>> messages_;
};

class Host {
  public:
    void load(const std::string &path) { plugins_.push_back(std::make_unique<Plugin>(path)); }

    size_t run(std::istream &input) {
        std::string line;
        size_t lines = 0;
        while (std::getline(input, line)) {
            lines++;
            for (const auto &plugin : plugins_)
                if (Message *message = plugin->apply(line))
                    inbox_.put(plugin->name(), message);
        }
        return lines;
    }

    const Inbox &inbox() const { return inbox_; }

  private:
    std::vector<std::unique_ptr<Plugin>> plugins_;
    Inbox inbox_;
};

} // namespace host

int main(int, char **argv) {
    host::Host filters;
    try {
        filters.load(std::string(argv[0]) + ".so");
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    std::ostringstream log;
    for (int i = 0; i < 12; i++)
        log << "request " << i << (i % 2 ? ": error 404\n" : ": done\n");
    std::istringstream input(log.str());
    const size_t lines = filters.run(input);
    std::printf("%zu lines, %zu messages\n", lines, filters.inbox().count());
    return 0;
}

#endif
