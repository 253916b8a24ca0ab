// Containers of C++ in pools that tell hakmem, by hakmem_pools.hpp. `classes CASE` does one thing;
// `classes correct` all that is allowed.
#include <hakmem_pools.hpp>

#include <cstdio>
#include <cstring>
#include <list>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct order {
    int id;
    std::pmr::string name;
};

using rows = std::list<int, hakmem::pool_allocator<int>>;
using table = std::map<int, std::string, std::less<>,
                       hakmem::pool_allocator<std::pair<const int, std::string>>>;

// Requests one after the other in one arena.
std::size_t serve(hakmem::pool_resource &told, std::pmr::monotonic_buffer_resource &arena) {
    std::size_t sum = 0;
    for (int request = 0; request < 3; request++) {
        {
            std::pmr::vector<std::pmr::string> names{&told};
            for (int i = 0; i < 100; i++)
                names.emplace_back("a name that does not fit into the string itself");
            std::pmr::vector<std::pmr::string> copy{names, &told};
            sum += copy.size() + names[3].size();
        }
        told.reset();
        arena.release();
    }
    return sum;
}

std::size_t use_allocator() {
    hakmem::pool one{"one"}, two{"two"};
    rows first{one}, second{two}, third{one};
    for (int i = 0; i < 50; i++)
        first.push_back(i);
    third.splice(third.end(), first); // the same pool
    second = std::move(third);        // takes pool and nodes over
    rows copied = second;
    std::swap(copied, first);
    table words{one};
    words[1] = "one";
    table others{std::move(words)};
    std::vector<double, hakmem::pool_allocator<double>> numbers{two};
    numbers.resize(100);
    numbers.shrink_to_fit();
    return first.size() + second.size() + others.size() + numbers.size();
}

std::size_t use_pools() {
    std::pmr::unsynchronized_pool_resource blocks;
    hakmem::pool_resource told{"blocks", &blocks};
    std::pmr::polymorphic_allocator<order> orders{&told};
    order *made = orders.allocate(3);
    orders.deallocate(made, 3);
    std::pmr::map<int, std::pmr::string> map{&told};
    for (int i = 0; i < 100; i++)
        map.emplace(i, "something long enough to be allocated");
    hakmem::pool_resource aligned{"aligned"};
    void *block = aligned.allocate(100, 256);
    aligned.deallocate(block, 100, 256);
    return map.size() + told.is_equal(told) + told.is_equal(aligned) +
           (aligned.upstream_resource() == std::pmr::get_default_resource());
}

// The same where the pools give pieces up to hakmem.
std::size_t use_guarded() {
    std::pmr::monotonic_buffer_resource arena;
    hakmem::pool_resource told{"request", hakmem::guarded, &arena};
    hakmem::pool_resource plain{"plain", hakmem::guarded};
    hakmem::pool nodes{"nodes", hakmem::guarded};
    rows numbers{nodes};
    for (int i = 0; i < 50; i++)
        numbers.push_back(i);
    numbers.pop_front();
    std::pmr::vector<long> longs(100, &plain);
    return serve(told, arena) + numbers.size() + longs.size();
}

// A resource that gives a piece to another pool than it is from.
void give_to_other() {
    hakmem::pool_resource requests{"requests"}, sessions{"sessions"};
    void *piece = requests.allocate(40);
    sessions.deallocate(piece, 40); // WRONG
}

// The string dies after the arena that it lies in.
void outlive() {
    std::pmr::monotonic_buffer_resource arena;
    hakmem::pool_resource told{"request", &arena};
    std::pmr::string name{"a name that does not fit into the string itself", &told};
    told.reset();
    arena.release();
} // WRONG

void give_twice() {
    hakmem::pool nodes{"nodes"};
    hakmem::pool_allocator<long> allocator{nodes};
    long *volatile node = allocator.allocate(5); // for a compiler that would see it
    allocator.deallocate(node, 5);
    allocator.deallocate(node, 5); // WRONG
}

} // namespace

int main(int argc, char **argv) {
    std::string_view does = argc > 1 ? argv[1] : "correct";
    if (does == "correct") {
        std::pmr::monotonic_buffer_resource arena;
        hakmem::pool_resource told{"request", &arena};
        std::printf("%zu %zu %zu %zu\n", serve(told, arena), use_allocator(), use_pools(),
                    use_guarded());
    } else if (does == "other") {
        give_to_other();
    } else if (does == "outlive") {
        outlive();
    } else if (does == "twice") {
        give_twice();
    }
    return 0;
}
