// The program's own wrapper of the allocator has the wrong call: its frame is shown and named,
// though wrappers are left out elsewhere.
#include <cstdlib>

__attribute__((noinline)) static void *xmalloc(std::size_t bytes) {
    void *block = std::malloc(bytes);
    if (!block)
        std::abort();
    return block;
}

__attribute__((noinline)) static void xfree(char *block) {
    delete block;
    asm volatile("");
}

__attribute__((noinline)) static void close_session(char *session) {
    xfree(session);
    asm volatile("");
}

int main() {
    char *session = static_cast<char *>(xmalloc(40));
    session[0] = 1;
    close_session(session);
    return 0;
}
