// Allocates where C++ does unusual things with the stack: while an exception is thrown and while it
// unwinds, and in coroutines. Each place asks a size of its own; tests/unwind/cxx_kinds.sh looks.
#include <coroutine>
#include <cstdlib>
#include <stdexcept>
#include <string>

#define KEPT __attribute__((noinline, noipa))
#define STAYS __asm__ volatile("" ::: "memory")

extern "C" KEPT void allocate(size_t bytes) {
    void *volatile block = malloc(bytes);
    free(block);
}

struct cleaner {
    size_t bytes;
    KEPT ~cleaner() {
        allocate(bytes);
        STAYS;
    }
};

extern "C" KEPT void throw_here() {
    struct big {
        char bytes[1301 - 128]; // __cxa_allocate_exception adds its header
    };
    STAYS;
    throw big();
}

extern "C" KEPT void cleans_up() {
    cleaner first{1302};
    throw_here();
    STAYS;
}

extern "C" KEPT void throws_in_a_destructor_during_unwinding() {
    struct inner {
        KEPT ~inner() {
            try {
                cleaner nested{1304};
                throw 5;
            } catch (int) {
                allocate(1305);
            }
        }
    } object;
    throw_here();
    STAYS;
}

extern "C" KEPT void catches() {
    try {
        cleans_up();
    } catch (...) {
        allocate(1303);
    }
    try {
        throws_in_a_destructor_during_unwinding();
    } catch (...) {
        allocate(1306);
    }
    STAYS;
}

struct task {
    struct promise_type {
        task get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        void return_void() {}
        void unhandled_exception() {
            std::abort();
        }
    };
    std::coroutine_handle<promise_type> handle;
};

task in_coroutine() {
    allocate(1307);
    co_await std::suspend_always{};
    allocate(1308);
}

extern "C" KEPT void resume_first(task &t) {
    t.handle.resume();
    STAYS;
}
extern "C" KEPT void resume_again(task &t) {
    t.handle.resume();
    STAYS;
}

int main() {
    for (int i = 0; i < 3; i++)
        catches();
    task t = in_coroutine();
    resume_first(t);
    resume_again(t);
    t.handle.destroy();
    return 0;
}
