// An arena under standard containers: it rounds a piece up after it has looked whether the piece
// fits.

// optimise: -O2
// place: some blocks are of libstdc++
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace json {

/* Gives out pieces of chunks; all of them go back at once. */
class Arena {
  public:
    explicit Arena(size_t chunk_bytes) : chunk_bytes_(chunk_bytes) {}
    ~Arena() {
        for (char *chunk : chunks_)
            std::free(chunk);
    }
    Arena(const Arena &) = delete;
    Arena &operator=(const Arena &) = delete;

    void *take(size_t bytes) {
        if (chunks_.empty() || used_ + bytes > room_)
            grow(bytes);
        void *piece = chunks_.back() + used_;
        used_ += (bytes + 15) & ~static_cast<size_t>(15);
        taken_ += bytes;
        std::memset(piece, 0,
                    (bytes + 15) &
                        ~static_cast<size_t>(15)); // the slack, too: up to 15 bytes too many
        return piece;
    }

    size_t taken() const { return taken_; }
    size_t chunks() const { return chunks_.size(); }

  private:
    __attribute__((noinline)) void grow(size_t bytes) {
        const size_t room = bytes > chunk_bytes_ ? bytes : chunk_bytes_;
        auto *chunk = static_cast<char *>(
            std::malloc(room)); // ALLOCATED: the last piece is cleared past its end
        if (chunk == nullptr)
            throw std::bad_alloc();
        chunks_.push_back(chunk);
        room_ = room;
        used_ = 0;
    }

    size_t chunk_bytes_;
    std::vector<char *> chunks_;
    size_t room_ = 0;
    size_t used_ = 0;
    size_t taken_ = 0;
};

template <typename Type> class ArenaAllocator {
  public:
    using value_type = Type;

    explicit ArenaAllocator(Arena &arena) : arena_(&arena) {}
    template <typename Other>
    ArenaAllocator(const ArenaAllocator<Other> &other) : arena_(other.arena()) {}

    Type *allocate(size_t count) { return static_cast<Type *>(arena_->take(count * sizeof(Type))); }
    void deallocate(Type *, size_t) {}
    Arena *arena() const { return arena_; }

    template <typename Other> bool operator==(const ArenaAllocator<Other> &other) const {
        return arena_ == other.arena();
    }
    template <typename Other> bool operator!=(const ArenaAllocator<Other> &other) const {
        return arena_ != other.arena();
    }

  private:
    Arena *arena_;
};

template <typename Type> using List = std::vector<Type, ArenaAllocator<Type>>;
using Text = std::basic_string<char, std::char_traits<char>, ArenaAllocator<char>>;

struct Value {
    enum class Kind { Null, Number, Text, List };

    explicit Value(Arena &arena)
        : text(ArenaAllocator<char>(arena)), items(ArenaAllocator<Value>(arena)) {}

    Kind kind = Kind::Null;
    double number = 0;
    Text text;
    List<Value> items;
};

class Parser {
  public:
    Parser(Arena &arena, const std::string &input) : arena_(arena), at_(input.c_str()) {}

    Value parse() {
        skip_space();
        Value value(arena_);
        if (*at_ == '[')
            parse_list(value);
        else if (*at_ == '"')
            parse_text(value);
        else if (std::strncmp(at_, "null", 4) == 0)
            at_ += 4;
        else
            parse_number(value);
        return value;
    }

  private:
    void skip_space() {
        while (*at_ == ' ' || *at_ == '\n')
            at_++;
    }

    void parse_number(Value &value) {
        char *end;
        value.kind = Value::Kind::Number;
        value.number = std::strtod(at_, &end);
        if (end == at_)
            throw std::runtime_error(std::string("not a value: ") + at_);
        at_ = end;
    }

    void parse_text(Value &value) {
        const char *end = std::strchr(++at_, '"');
        if (end == nullptr)
            throw std::runtime_error("a text without end");
        value.kind = Value::Kind::Text;
        value.text.assign(at_, end);
        at_ = end + 1;
    }

    void parse_list(Value &value) {
        value.kind = Value::Kind::List;
        at_++;
        for (skip_space(); *at_ != ']'; skip_space()) {
            value.items.push_back(parse());
            skip_space();
            if (*at_ == ',')
                at_++;
            else if (*at_ != ']')
                throw std::runtime_error("neither , nor ]");
        }
        at_++;
    }

    Arena &arena_;
    const char *at_;
};

double sum(const Value &value) {
    double total = value.kind == Value::Kind::Number ? value.number : 0;
    for (const Value &item : value.items)
        total += sum(item);
    return total;
}

size_t letters(const Value &value) {
    size_t total = value.text.size();
    for (const Value &item : value.items)
        total += letters(item);
    return total;
}

} // namespace json

/* A list of rows behind a title; a title of 1,100 letters is a piece larger than a chunk. */
static std::string make_document(unsigned rows, size_t title) {
    std::string document = "[\"" + std::string(title, 'x') + "\", ";
    for (unsigned i = 0; i < rows; i++)
        document += (i != 0 ? ", [" : "[") + std::to_string(i) + ", \"the name of row number " +
                    std::to_string(i * i) + "\", null, " + std::to_string(i) + ".5]";
    return document + "]";
}

int main() {
    size_t chunks = 0;
    for (unsigned rows = 1; rows < 24; rows++) { // the last one has a long title
        json::Arena arena(1000);
        const std::string document = make_document(rows, rows < 23 ? 20 : 1100);
        json::Parser parser(arena, document);
        const json::Value value = parser.parse();
        chunks += arena.chunks();
        if (rows % 8 == 0)
            std::printf("%u rows: sum %.1f, %zu letters, %zu bytes\n", rows, json::sum(value),
                        json::letters(value), arena.taken());
    }
    std::printf("%zu chunks\n", chunks);
    return 0;
}
