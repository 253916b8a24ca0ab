// Copies the names of requests into one arena, by std::pmr, which is released behind each request.
// `request late` logs a name behind that.
#include <hakmem_pools.hpp>

#include <cstdio>
#include <cstring>
#include <memory_resource>

namespace {

class server {
  public:
    void begin(const char *name) {
        std::size_t bytes = std::strlen(name) + 1;
        name_ = static_cast<char *>(told_.allocate(bytes, 1));
        std::memcpy(name_, name, bytes);
    }
    void end() {
        told_.reset();
        arena_.release();
    }
    char log() const { return name_[0]; }

  private:
    std::pmr::monotonic_buffer_resource arena_;
    hakmem::pool_resource told_{"request", hakmem::guarded, &arena_};
    char *name_ = nullptr;
};

} // namespace

int main(int argc, char **argv) {
    bool is_late = argc > 1 && std::strcmp(argv[1], "late") == 0;
    server requests;
    for (const char *name : {"/index.html", "/pictures/the_first_of_many.png"}) {
        requests.begin(name);
        char logged = is_late ? '?' : requests.log();
        requests.end();
        std::putchar(is_late ? requests.log() : logged);
    }
    std::putchar('\n');
}
