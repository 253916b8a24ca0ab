/* Mismatches as they stand in programs: by type, through smart pointers, in threads and libraries.
 */
#include <cstdint>
#include <dlfcn.h>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>
#include "shapes.h"

struct Pair {
    int first, second;
};
class Account {
  public:
    int number = 1;
    long balance = 2;
};

template <typename Type> static Type *hidden(Type *pointer) {
    return static_cast<Type *>(opaque(pointer));
}

SHAPE(ints) {
    delete hidden(new int[31]);
}
SHAPE(characters) {
    delete hidden(new char[33]);
}
SHAPE(wide_characters) {
    delete hidden(new wchar_t[34]);
}
SHAPE(long_integers) {
    delete hidden(new int64_t[35]);
}
SHAPE(structs) {
    delete hidden(new Pair[36]);
}
SHAPE(objects) {
    delete hidden(new Account[37]);
}
SHAPE(one_int_as_array) {
    delete[] hidden(new int(7));
}
SHAPE(one_struct_as_array) {
    delete[] hidden(new Pair{1, 2});
}
SHAPE(one_object_freed) {
    free(hidden(new Account));
}
SHAPE(objects_freed) {
    free(hidden(new Account[3]));
}
SHAPE(struct_from_malloc) {
    delete hidden(static_cast<Pair *>(malloc(sizeof(Pair))));
}
SHAPE(structs_from_calloc) {
    delete[] hidden(static_cast<Pair *>(calloc(9, sizeof(Pair))));
}

SHAPE(unique_pointer_to_array) {
    std::unique_ptr<int> owner(hidden(new int[41]));
}
SHAPE(unique_array_of_one) {
    std::unique_ptr<int[]> owner(hidden(new int(8)));
}
SHAPE(unique_pointer_from_strdup) {
    std::unique_ptr<char> owner(hidden(strdup("from C")));
}
SHAPE(shared_pointer_to_array) {
    std::shared_ptr<char> owner(hidden(new char[42]));
}
SHAPE(shared_pointer_from_malloc) {
    std::shared_ptr<Pair> owner(hidden(static_cast<Pair *>(malloc(sizeof(Pair)))));
}

SHAPE(free_as_deleter_of_new) {
    std::unique_ptr<int, void (*)(void *)> owner(hidden(new int(9)), free);
}

SHAPE(vector_of_arrays) {
    std::vector<char *> names;
    for (int i = 0; i < 3; i++)
        names.push_back(new char[43]);
    for (char *name : names)
        delete hidden(name);
}

SHAPE(in_a_thread) {
    long *numbers = hidden(new long[6]);
    std::thread([numbers] { delete numbers; }).join();
}

struct Holder {
    char *name = new char[44];
    ~Holder() { free(hidden(name)); }
};

SHAPE(in_a_destructor) {
    Holder holder;
}

/* A function of the library that lies beside this program. */
static void *find(const char *name) {
    std::string path(4096, 0);
    ssize_t length = readlink("/proc/self/exe", &path[0], path.size());
    path.resize(length > 0 ? static_cast<size_t>(length) : 0);
    path.replace(path.rfind('/') + 1, std::string::npos, "library_mismatch.so");
    void *library = dlopen(path.c_str(), RTLD_NOW);
    if (library == nullptr)
        exit(2);
    return dlsym(library, name);
}

SHAPE(made_by_a_library) {
    auto make = reinterpret_cast<char *(*)()>(find("library_make_with_new"));
    free(hidden(make()));
}

SHAPE(given_to_a_library) {
    auto release = reinterpret_cast<void (*)(void *)>(find("library_release_with_free"));
    release(hidden(new int[12]));
}

RUN_ONE()
