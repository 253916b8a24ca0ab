/* Has jemalloc or tcmalloc write its sampled heap profile when SIGUSR2 comes: preloaded beside one
 * of them by tests/bench/heap_profilers, while the program waits in a system call. HEAP_DUMP names
 * the file. */
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" __attribute__((weak)) int mallctl(const char *name, void *old, size_t *old_bytes,
                                             void *now, size_t bytes);

/* As gperftools/malloc_extension.h has it; of the virtual function the extension's own is meant. */
class MallocExtension {
  public:
    __attribute__((weak)) static MallocExtension *instance();
    __attribute__((weak)) void GetHeapSample(std::string *into);
};

static char part[4096], whole[4096];

static void dump(int) {
    if (&MallocExtension::instance) { /* first: redis-server is linked with jemalloc, too */
        std::string text;
        MallocExtension::instance()->GetHeapSample(&text);
        FILE *out = std::fopen(part, "w");
        if (!out)
            return;
        std::fwrite(text.data(), 1, text.size(), out);
        std::fclose(out);
    } else if (mallctl) {
        const char *name = part;
        if (mallctl("prof.dump", nullptr, nullptr, &name, sizeof name) != 0)
            return;
    }
    std::rename(part, whole);
}

__attribute__((constructor)) static void begin() {
    const char *name = std::getenv("HEAP_DUMP");
    std::snprintf(whole, sizeof whole, "%s", name ? name : "");
    std::snprintf(part, sizeof part, "%s.part", name ? name : "");
    struct sigaction action = {};
    action.sa_handler = dump;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, nullptr);
}
