// A C++ program with deep templates, exceptions, closures, realigned frames and threads, whose stacks
// the comparing preload looks at: templates ROUNDS.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

template <int N> struct Deep {
    static std::string run(std::map<int, std::string> &seen, int key) {
        std::vector<int> numbers(N + 1);
        seen[key + N] = Deep<N - 1>::run(seen, key) + std::to_string(numbers.size());
        if ((key + N) % 97 == 0)
            throw std::runtime_error("thrown from level " + std::to_string(N));
        return seen[key + N].substr(0, 20);
    }
};
template <> struct Deep<0> {
    static std::string run(std::map<int, std::string> &, int) {
        return "a string that is long enough not to lie in the object";
    }
};

// The alignment makes the compiler realign the frame and find its caller by an expression.
static double realigned(int count) {
    alignas(64) double values[64];
    double sum = 0;
    for (int i = 0; i < count && i < 64; i++) {
        std::unique_ptr<int> boxed(new int(i));
        values[i] = *boxed * 1.5;
        sum += values[i];
    }
    return sum;
}

// A frame of variable size, addressed by the frame pointer.
static size_t variable(size_t bytes) {
    char *room = static_cast<char *>(__builtin_alloca(bytes));
    room[0] = 1;
    std::string text(bytes, room[0]);
    return text.size();
}

static void work(int number, int rounds) {
    std::map<int, std::string> seen;
    std::function<size_t(int)> recurse = [&](int depth) -> size_t {
        std::string text(100, 'x');
        return depth ? recurse(depth - 1) + text.size() : realigned(20) > 0;
    };
    for (int i = 0; i < rounds; i++) {
        try {
            Deep<30>::run(seen, i * number);
        } catch (const std::exception &error) {
            std::string message(error.what());
            message += message;
        }
        if (i % 50 == 0) {
            seen.clear();
            recurse(40);
            variable(static_cast<size_t>(i + 16));
        }
    }
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 100;
    std::vector<std::thread> threads;
    work(1, rounds);
    for (int i = 0; i < 2; i++)
        threads.emplace_back(work, i + 2, rounds);
    for (std::thread &thread : threads)
        thread.join();
    puts("done");
    return 0;
}
