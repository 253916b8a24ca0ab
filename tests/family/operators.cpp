// operator new and delete in all forms: prints what a program can observe. calls.sh compares what it
// prints under libstdc++'s own operators with what it prints under both builds.
#include <malloc.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <thread>
#include <vector>

static int handled;
static volatile std::size_t huge = SIZE_MAX / 2 + 100;
static void *volatile kept; // so that no pair of new and delete is left out by the compiler

static void gives_up() {
    if (++handled == 3)
        std::set_new_handler(nullptr);
}
static void throws_bad_alloc() {
    handled++;
    throw std::bad_alloc();
}
static void throws_int() {
    handled++;
    throw 42;
}

// A block below 8 bytes that ends where its page does (guarded.md) is aligned for every type of its size, if no alignment was asked for.
static bool is_aligned(const char *form, std::size_t bytes, std::size_t alignment, void *block) {
    std::uintptr_t address = reinterpret_cast<std::uintptr_t>(block);
    std::size_t least = bytes >= 4 ? 4 : 2, end = (address + (bytes ? bytes : 1) + least - 1) / least * least;
    if (bytes < 8 && end % 4096 == 0 && form[0] == 'n')
        alignment = least;
    return (address & (alignment - 1)) == 0;
}

static void tell(const char *form, std::size_t bytes, std::size_t alignment, void *block) {
    std::printf("%s(%zx, %zx): ", form, bytes, alignment);
    if (!block) {
        std::puts("NULL");
        return;
    }
    std::memset(block, 0x5a, bytes);
    std::puts(is_aligned(form, bytes, alignment, block) ? "aligned" : "NOT aligned");
}

// Calls a form with a handler and says how it ended.
template <typename Call> static void try_form(const char *form, std::new_handler handler, Call call) {
    handled = 0;
    std::set_new_handler(handler);
    errno = 0;
    try {
        void *block = call();
        std::printf("%s: %s", form, block ? "block" : "NULL");
    } catch (const std::bad_alloc &error) {
        std::printf("%s: bad_alloc, what %s", form, error.what());
    } catch (int number) {
        std::printf("%s: int %d", form, number);
    }
    std::printf(", handler called %d times, errno %d\n", handled, errno);
    std::set_new_handler(nullptr);
}

static void all_forms() {
    const std::size_t sizes[] = {0, 1, 8, 24, 1024, 40000, 1 << 20};
    const std::size_t alignments[] = {1, 8, 16, 32, 256, 4096, 1 << 16};
    for (std::size_t n : sizes) {
        std::size_t due = n <= 8 ? 8 : 16;
        void *block = ::operator new(n);
        tell("new", n, due, kept = block);
        ::operator delete(block);
        tell("new", n, due, kept = block = ::operator new(n));
        ::operator delete(block, n);
        tell("new[]", n, due, kept = block = ::operator new[](n));
        ::operator delete[](block);
        tell("new[]", n, due, kept = block = ::operator new[](n));
        ::operator delete[](block, n);
        tell("new nothrow", n, due, kept = block = ::operator new(n, std::nothrow));
        ::operator delete(block, std::nothrow);
        tell("new[] nothrow", n, due, kept = block = ::operator new[](n, std::nothrow));
        ::operator delete[](block, std::nothrow);
        for (std::size_t a : alignments) {
            std::align_val_t alignment{a};
            tell("aligned new", n, a, kept = block = ::operator new(n, alignment));
            ::operator delete(block, alignment);
            tell("aligned new", n, a, kept = block = ::operator new(n, alignment));
            ::operator delete(block, n, alignment);
            tell("aligned new[]", n, a, kept = block = ::operator new[](n, alignment));
            ::operator delete[](block, alignment);
            tell("aligned new[]", n, a, kept = block = ::operator new[](n, alignment));
            ::operator delete[](block, n, alignment);
            tell("aligned new nothrow", n, a, kept = block = ::operator new(n, alignment, std::nothrow));
            ::operator delete(block, alignment, std::nothrow);
            tell("aligned new[] nothrow", n, a, kept = block = ::operator new[](n, alignment, std::nothrow));
            ::operator delete[](block, alignment, std::nothrow);
        }
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, std::align_val_t{64});
}

static void no_memory() {
    const std::align_val_t wide{64}, odd{24}, none{0};
    const std::new_handler handlers[] = {nullptr, gives_up, throws_bad_alloc, throws_int};
    for (std::new_handler handler : handlers) {
        try_form("new", handler, [] { return ::operator new(huge); });
        try_form("new[]", handler, [] { return ::operator new[](huge); });
        try_form("new nothrow", handler, [] { return ::operator new(huge, std::nothrow); });
        try_form("new[] nothrow", handler, [] { return ::operator new[](huge, std::nothrow); });
        try_form("aligned new", handler, [=] { return ::operator new(huge, wide); });
        try_form("aligned new[]", handler, [=] { return ::operator new[](huge, wide); });
        try_form("aligned new nothrow", handler, [=] { return ::operator new(huge, wide, std::nothrow); });
        try_form("aligned new[] nothrow", handler, [=] { return ::operator new[](huge, wide, std::nothrow); });
    }
    for (std::align_val_t alignment : {odd, none}) {
        try_form("odd aligned new", throws_int, [=] { return ::operator new(10, alignment); });
        try_form("odd aligned new nothrow", throws_int, [=] { return ::operator new(10, alignment, std::nothrow); });
    }
    try_form("new int[huge]", nullptr, [] { return static_cast<void *>(new int[huge / 8]); });
    try_form("vector", nullptr, [] {
        std::vector<char> many;
        many.reserve(PTRDIFF_MAX - 8);
        return static_cast<void *>(many.data());
    });
    // Thrown and caught in a thread, and by what is not there when it is rethrown.
    std::thread([] { try_form("in a thread", nullptr, [] { return ::operator new(huge); }); }).join();
    std::exception_ptr later;
    try {
        kept = ::operator new(huge);
    } catch (...) {
        later = std::current_exception();
    }
    try {
        std::rethrow_exception(later);
    } catch (const std::bad_alloc &) {
        std::puts("rethrown as bad_alloc");
    }
}

struct alignas(256) Wide {
    char bytes[300];
    virtual ~Wide() {}
};

static void objects() {
    Wide *wide = new Wide[3];
    std::printf("array of wide objects: %d\n", static_cast<int>(reinterpret_cast<std::uintptr_t>(wide) % 256));
    delete[] wide;
    std::vector<std::string> words;
    for (int i = 0; i < 10000; i++)
        words.push_back(std::string(static_cast<std::size_t>(i % 100), 'x'));
    std::size_t sum = 0;
    for (const std::string &word : words)
        sum += word.size();
    std::printf("strings: %zu\n", sum);
}

int main() {
    all_forms();
    no_memory();
    objects();
    return 0;
}
