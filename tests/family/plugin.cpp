// A plugin with C++ in it, for a program that has none: opened with RTLD_LOCAL, it brings the C++
// runtime out of everybody's sight. Without memory its operator new must still throw.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

static volatile std::size_t huge = SIZE_MAX / 2 + 100;
static int handled;
static void throws_int() {
    handled++;
    throw 42;
}
static void *volatile kept;

extern "C" int use_plugin() {
    int wrong = 0;
    try {
        kept = ::operator new(huge);
        wrong |= 1;
    } catch (const std::bad_alloc &) {
    }
    try {
        kept = new int[huge / 8];
        wrong |= 2;
    } catch (const std::bad_alloc &) {
    }
    std::set_new_handler(throws_int);
    if (::operator new(huge, std::nothrow) || ::operator new[](huge, std::nothrow) || handled != 2)
        wrong |= 4;
    try {
        kept = ::operator new(huge);
        wrong |= 8;
    } catch (int number) {
        wrong |= number == 42 ? 0 : 16;
    }
    std::set_new_handler(nullptr);
    std::string *text = new std::string(1000, 'x');
    kept = text;
    if (text->size() != 1000)
        wrong |= 32;
    delete text;
    return wrong;
}
