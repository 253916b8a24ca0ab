/* Blocks taken by a library that was unloaded; its variable went with it.
 * LOST direct 1 333 indirect 1 20 */
#include <dlfcn.h>
#include "leaks.h"

int main(int count, char **arguments) {
    if (count < 2)
        return 2;
    void *library = dlopen(arguments[1], RTLD_NOW);
    if (!library)
        return 3;
    void (*make)(void) = (void (*)(void))dlsym(library, "library_make");
    if (!make)
        return 4;
    make();
    dlclose(library);
    forget_frames();
    return 0;
}
