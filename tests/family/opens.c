/* Opens ./plugin.so in the given mode and calls its function `second`. -DMODE=FLAGS. */
#include <dlfcn.h>
#include <stdio.h>

int main(void) {
    void *library = dlopen("./plugin.so", MODE);
    int (*run)(void) = library ? (int (*)(void))dlsym(library, "second") : NULL;
    if (!run) {
        puts(dlerror());
        return 2;
    }
    return run();
}
