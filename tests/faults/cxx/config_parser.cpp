// A parser of configuration files: the text of a line is copied into a buffer that has no room for
// its end.

// optimise: -O2

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace config {

/* A value as the C library under this program wants it: its text lies behind the head. */
struct RawValue {
    size_t length = 0;
    char text[1];
};

struct FreeRaw {
    void operator()(RawValue *value) const { std::free(value); }
};
using RawPointer = std::unique_ptr<RawValue, FreeRaw>;

class Error : public std::runtime_error {
  public:
    Error(size_t line, const std::string &what)
        : std::runtime_error("line " + std::to_string(line) + ": " + what) {}
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
        text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.remove_suffix(1);
    return text;
}

/* Takes the quotes off a value, and the backslashes in it. */
std::string unquoted(std::string_view text, size_t line) {
    if (text.size() < 2 || text.front() != '"')
        return std::string(text);
    if (text.back() != '"')
        throw Error(line, "no closing quote");
    std::string plain;
    for (size_t i = 1; i + 1 < text.size(); i++) {
        if (text[i] == '\\' && i + 2 < text.size())
            i++;
        plain.push_back(text[i]);
    }
    return plain;
}

/* The value on the heap, in one piece. */
__attribute__((noinline)) RawPointer make_raw(const std::string &value) {
    const size_t bytes = offsetof(RawValue, text) + value.size();
    auto *raw =
        static_cast<RawValue *>(std::malloc(bytes)); // ALLOCATED: the end of the text has no room
    if (raw == nullptr)
        throw std::bad_alloc();
    raw->length = value.size();
    std::memcpy(raw->text, value.c_str(), value.size() + 1);
    return RawPointer(raw);
}

class File {
  public:
    void parse(std::istream &input) {
        std::string line, section = "main";
        size_t number = 0;
        while (std::getline(input, line)) {
            number++;
            const std::string_view text = trimmed(line);
            if (text.empty() || text.front() == '#')
                continue;
            if (text.front() == '[') {
                if (text.back() != ']')
                    throw Error(number, "no closing bracket");
                section = std::string(trimmed(text.substr(1, text.size() - 2)));
                continue;
            }
            const size_t equals = text.find('=');
            if (equals == std::string_view::npos)
                throw Error(number, "neither a section nor NAME = VALUE");
            set(section, std::string(trimmed(text.substr(0, equals))),
                unquoted(trimmed(text.substr(equals + 1)), number));
        }
    }

    const char *get(const std::string &section, const std::string &name) const {
        const auto found_section = sections_.find(section);
        if (found_section == sections_.end())
            return nullptr;
        const auto found = found_section->second.find(name);
        return found == found_section->second.end() ? nullptr : found->second->text;
    }

    long number(const std::string &section, const std::string &name, long otherwise) const {
        const char *text = get(section, name);
        return text == nullptr ? otherwise : std::strtol(text, nullptr, 0);
    }

    bool flag(const std::string &section, const std::string &name) const {
        const char *text = get(section, name);
        return text != nullptr && (std::strcmp(text, "yes") == 0 || std::strcmp(text, "1") == 0);
    }

    std::set<std::string> names() const {
        std::set<std::string> all;
        for (const auto &[section, values] : sections_)
            for (const auto &value : values)
                all.insert(section + "." + value.first);
        return all;
    }

    void set(const std::string &section, const std::string &name, const std::string &value) {
        sections_[section][name] = make_raw(value);
    }

  private:
    std::map<std::string, std::map<std::string, RawPointer>> sections_;
};

} // namespace config

static const char example[] = "# a server\n"
                              "listen = 0.0.0.0:8080\n"
                              "threads = 8\n"
                              "\n"
                              "[log]\n"
                              "file = \"/var/log/a \\\"quoted\\\" name.log\"\n"
                              "level = 3\n"
                              "colour = yes\n"
                              "[database]\n"
                              "address = db.example.net\n"
                              "pool = 16\n";

int main() {
    config::File file;
    std::istringstream input(example);
    try {
        file.parse(input);
    } catch (const config::Error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    std::vector<std::string> lines;
    for (const std::string &name : file.names()) {
        const size_t dot = name.find('.');
        lines.push_back(name + " is " + file.get(name.substr(0, dot), name.substr(dot + 1)));
    }
    for (const std::string &line : lines)
        std::printf("%s\n", line.c_str());
    std::printf("%ld threads, %ld connections, colour %d\n", file.number("main", "threads", 1),
                file.number("database", "pool", 4), file.flag("log", "colour"));
    std::fflush(stdout);
    file.set("main", "threads", "12");
    return 0;
}
