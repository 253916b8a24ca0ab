/* Containers with allocators of their own: malloc's, an arena's, a counting one, those of std::pmr.
 */
#include <cstdlib>
#include <list>
#include <map>
#include <memory_resource>
#include <scoped_allocator>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

template <typename Type> struct FromMalloc {
    using value_type = Type;
    FromMalloc() = default;
    template <typename Other> FromMalloc(const FromMalloc<Other> &) {}
    Type *allocate(size_t count) { return static_cast<Type *>(malloc(count * sizeof(Type))); }
    void deallocate(Type *block, size_t) { free(block); }
    template <typename Other> bool operator==(const FromMalloc<Other> &) const { return true; }
    template <typename Other> bool operator!=(const FromMalloc<Other> &) const { return false; }
};

SHAPE(from_malloc) {
    std::vector<int, FromMalloc<int>> numbers;
    for (int i = 0; i < 1000; i++)
        numbers.push_back(i);
    std::map<int, int, std::less<int>, FromMalloc<std::pair<const int, int>>> squares;
    for (int i = 0; i < 500; i++)
        squares[i] = i * i;
    std::basic_string<char, std::char_traits<char>, FromMalloc<char>> text(100, 't');
    text += text;
}

class Arena {
  public:
    explicit Arena(size_t size) : memory(new char[size]), end(memory + size), next(memory) {}
    ~Arena() { delete[] memory; }
    void *take(size_t size) {
        void *taken = next;
        next += (size + 15) / 16 * 16;
        require(next <= end, "the arena is large enough");
        return taken;
    }

  private:
    char *memory, *end, *next;
};

template <typename Type> struct FromArena {
    using value_type = Type;
    Arena *arena;
    explicit FromArena(Arena *from) : arena(from) {}
    template <typename Other> FromArena(const FromArena<Other> &other) : arena(other.arena) {}
    Type *allocate(size_t count) { return static_cast<Type *>(arena->take(count * sizeof(Type))); }
    void deallocate(Type *, size_t) {}
    template <typename Other> bool operator==(const FromArena<Other> &other) const {
        return arena == other.arena;
    }
    template <typename Other> bool operator!=(const FromArena<Other> &other) const {
        return arena != other.arena;
    }
};

SHAPE(from_an_arena) {
    Arena arena(100000);
    std::list<int, FromArena<int>> numbers{FromArena<int>(&arena)};
    std::vector<long, FromArena<long>> longs{FromArena<long>(&arena)};
    for (int i = 0; i < 500; i++) {
        numbers.push_back(i);
        longs.push_back(i);
    }
    numbers.remove(7);
}

SHAPE(of_pmr) {
    char buffer[2000];
    std::pmr::monotonic_buffer_resource monotonic(buffer, sizeof buffer);
    std::pmr::vector<std::pmr::string> texts(&monotonic);
    for (int i = 0; i < 300; i++)
        texts.emplace_back("a text that lies in the resource, too, with its number");
    std::pmr::unsynchronized_pool_resource pool;
    std::pmr::map<int, std::pmr::string> names(&pool);
    for (int i = 0; i < 2000; i++)
        names[i % 700] = std::pmr::string(static_cast<size_t>(i % 500), 'p', &pool);
    std::pmr::synchronized_pool_resource shared_pool;
    std::pmr::list<int> numbers(1000, 1, &shared_pool);
    void *aligned = pool.allocate(1000, 256);
    pool.deallocate(aligned, 1000, 256);
    void *plain = std::pmr::new_delete_resource()->allocate(77, 8);
    std::pmr::new_delete_resource()->deallocate(plain, 77, 8);
    plain = std::pmr::new_delete_resource()->allocate(64, 64);
    std::pmr::new_delete_resource()->deallocate(plain, 64, 64);
}

SHAPE(scoped) {
    using Text = std::basic_string<char, std::char_traits<char>, FromMalloc<char>>;
    std::vector<Text, std::scoped_allocator_adaptor<FromMalloc<Text>>> texts;
    for (int i = 0; i < 100; i++)
        texts.emplace_back(60, 's');
}

RUN_ALL()
