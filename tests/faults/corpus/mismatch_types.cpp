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

static void ints() {
    delete hidden(new int[31]);
}
static void characters() {
    delete hidden(new char[33]);
}
static void wide_characters() {
    delete hidden(new wchar_t[34]);
}
static void long_integers() {
    delete hidden(new int64_t[35]);
}
static void structs() {
    delete hidden(new Pair[36]);
}
static void objects() {
    delete hidden(new Account[37]);
}
static void one_int_as_array() {
    delete[] hidden(new int(7));
}
static void one_struct_as_array() {
    delete[] hidden(new Pair{1, 2});
}
static void one_object_freed() {
    free(hidden(new Account));
}
static void objects_freed() {
    free(hidden(new Account[3]));
}
static void struct_from_malloc() {
    delete hidden(static_cast<Pair *>(malloc(sizeof(Pair))));
}
static void structs_from_calloc() {
    delete[] hidden(static_cast<Pair *>(calloc(9, sizeof(Pair))));
}

static void unique_pointer_to_array() {
    std::unique_ptr<int> owner(hidden(new int[41]));
}
static void unique_array_of_one() {
    std::unique_ptr<int[]> owner(hidden(new int(8)));
}
static void unique_pointer_from_strdup() {
    std::unique_ptr<char> owner(hidden(strdup("from C")));
}
static void shared_pointer_to_array() {
    std::shared_ptr<char> owner(hidden(new char[42]));
}
static void shared_pointer_from_malloc() {
    std::shared_ptr<Pair> owner(hidden(static_cast<Pair *>(malloc(sizeof(Pair)))));
}

static void free_as_deleter_of_new() {
    std::unique_ptr<int, void (*)(void *)> owner(hidden(new int(9)), free);
}

static void vector_of_arrays() {
    std::vector<char *> names;
    for (int i = 0; i < 3; i++)
        names.push_back(new char[43]);
    for (char *name : names)
        delete hidden(name);
}

static void in_a_thread() {
    long *numbers = hidden(new long[6]);
    std::thread([numbers] { delete numbers; }).join();
}

struct Holder {
    char *name = new char[44];
    ~Holder() { free(hidden(name)); }
};

static void in_a_destructor() {
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

static void made_by_a_library() {
    auto make = reinterpret_cast<char *(*)()>(find("library_make_with_new"));
    free(hidden(make()));
}

static void given_to_a_library() {
    auto release = reinterpret_cast<void (*)(void *)>(find("library_release_with_free"));
    release(hidden(new int[12]));
}

static const struct shape shapes[] = {
    {"ints", ints},
    {"characters", characters},
    {"wide_characters", wide_characters},
    {"long_integers", long_integers},
    {"structs", structs},
    {"objects", objects},
    {"one_int_as_array", one_int_as_array},
    {"one_struct_as_array", one_struct_as_array},
    {"one_object_freed", one_object_freed},
    {"objects_freed", objects_freed},
    {"struct_from_malloc", struct_from_malloc},
    {"structs_from_calloc", structs_from_calloc},
    {"unique_pointer_to_array", unique_pointer_to_array},
    {"unique_array_of_one", unique_array_of_one},
    {"unique_pointer_from_strdup", unique_pointer_from_strdup},
    {"shared_pointer_to_array", shared_pointer_to_array},
    {"shared_pointer_from_malloc", shared_pointer_from_malloc},
    {"free_as_deleter_of_new", free_as_deleter_of_new},
    {"vector_of_arrays", vector_of_arrays},
    {"in_a_thread", in_a_thread},
    {"in_a_destructor", in_a_destructor},
    {"made_by_a_library", made_by_a_library},
    {"given_to_a_library", given_to_a_library},
    {NULL, NULL},
};

int main(int argc, char **argv) {
    return run_shape(shapes, argc, argv);
}
