/* Arrays of objects with destructors: none, one, many, of several dimensions, held until the end.
 */
#include <memory>
#include <string>
#include <vector>
#include "../corpus/shapes.h"

struct Counted {
    static int alive;
    char bytes[12];
    Counted() { alive++; }
    ~Counted() { alive--; }
};
int Counted::alive;

struct alignas(32) Wide {
    std::string name = std::string(40, 'w');
};

SHAPE(of_none) {
    for (int i = 0; i < 10; i++) {
        Counted *none = static_cast<Counted *>(opaque(new Counted[0]));
        delete[] none;
    }
}

SHAPE(of_many) {
    for (size_t count = 1; count < 3000; count *= 3) {
        Counted *counted = static_cast<Counted *>(opaque(new Counted[count]));
        memset(counted[count - 1].bytes, 'c', sizeof counted->bytes);
        delete[] counted;
        delete[] static_cast<Wide *>(opaque(new Wide[count % 50]));
    }
    require(Counted::alive == 0, "each destructor ran");
}

SHAPE(of_two_dimensions) {
    Counted(*rows)[7] = static_cast<Counted(*)[7]>(opaque(new Counted[5][7]));
    memset(rows[4][6].bytes, 'r', sizeof rows[4][6].bytes);
    delete[] rows;
    std::unique_ptr<std::string[]> texts(new std::string[20]);
    texts[19] = std::string(100, 't');
    auto shared = std::shared_ptr<Counted[]>(new Counted[4]);
}

/* The pointer to an array of no elements lies behind all bytes that were asked for. */
static Counted *held_none, *held_some;
static std::string *held_texts;
static std::vector<Counted *> *held_in_vector;

SHAPE(held_until_the_end) {
    held_none = new Counted[0];
    held_some = new Counted[5];
    held_texts = new std::string[3];
    held_texts[2] = std::string(60, 'h');
    held_in_vector = new std::vector<Counted *>;
    for (size_t i = 0; i < 5; i++)
        held_in_vector->push_back(new Counted[i]);
}

RUN_ALL()
