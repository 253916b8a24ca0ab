/* Loads each library that is named twenty times, has it take blocks, and unloads it. */
#include <dlfcn.h>
#include "leaks.h"

int main(int count, char **arguments) {
    for (int i = 0; i < 20; i++)
        for (int k = 1; k < count; k++) {
            void *library = dlopen(arguments[k], RTLD_NOW);
            if (!library)
                return 2;
            ((void (*)(void))dlsym(library, "library_make"))();
            dlclose(library);
        }
    forget_frames();
    return 0;
}
