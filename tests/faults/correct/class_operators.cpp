/* Classes with operators new and delete of their own: pools, counters, sized, aligned, placement
 * with arguments. */
#include <cstdlib>
#include <new>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

/* Takes cells from blocks of 64 and never gives a block back before the end. */
class Pooled {
  public:
    static void *operator new(size_t size) {
        if (free_cells.empty()) {
            char *block = static_cast<char *>(malloc(64 * size));
            blocks.push_back(block);
            for (size_t i = 0; i < 64; i++)
                free_cells.push_back(block + i * size);
        }
        void *cell = free_cells.back();
        free_cells.pop_back();
        return cell;
    }
    static void operator delete(void *cell) { free_cells.push_back(cell); }
    static void release_all() {
        for (void *block : blocks)
            free(block);
        blocks.clear();
        free_cells.clear();
    }
    virtual ~Pooled() = default;
    std::string name = std::string(30, 'p');

  private:
    static std::vector<void *> blocks, free_cells;
};
std::vector<void *> Pooled::blocks, Pooled::free_cells;

SHAPE(pooled) {
    for (int round = 0; round < 3; round++) {
        std::vector<Pooled *> objects;
        for (int i = 0; i < 300; i++)
            objects.push_back(new Pooled);
        for (Pooled *object : objects)
            delete object;
    }
    Pooled::release_all();
}

struct Sized {
    static size_t given, returned;
    long bytes[10];
    static void *operator new(size_t size) {
        given += size;
        return ::operator new(size);
    }
    static void operator delete(void *block, size_t size) {
        returned += size;
        ::operator delete(block, size);
    }
    virtual ~Sized() = default;
};
size_t Sized::given, Sized::returned;
struct Larger : Sized {
    long more[20];
};

SHAPE(sized) {
    delete static_cast<Sized *>(opaque(new Sized));
    delete static_cast<Sized *>(new Larger);
    require(Sized::given == Sized::returned, "the same sizes");
}

struct Tagged {
    char text[50];
    static void *operator new(size_t size, const char *tag) {
        char *block = static_cast<char *>(malloc(size + 16));
        strncpy(block, tag, 16);
        return block + 16;
    }
    static void operator delete(void *object, const char *) {
        free(static_cast<char *>(object) - 16);
    }
    static void operator delete(void *object) { free(static_cast<char *>(object) - 16); }
};

SHAPE(with_arguments) {
    Tagged *tagged = new ("a tag") Tagged;
    require(strcmp(tagged->text - 16, "a tag") == 0, "its tag lies in front");
    delete tagged;
}

struct alignas(256) Line {
    char bytes[256];
    static void *operator new(size_t size, std::align_val_t alignment) {
        return aligned_alloc(static_cast<size_t>(alignment), size);
    }
    static void operator delete(void *block, std::align_val_t) { free(block); }
};

SHAPE(aligned) {
    Line *line = new Line;
    require(reinterpret_cast<size_t>(line) % 256 == 0, "aligned");
    memset(line->bytes, 'l', 256);
    delete line;
}

RUN_ALL()
