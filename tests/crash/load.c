/* Loads a library whose constructor crashes. */
#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *load(const char *path) {
    return dlopen(path, RTLD_NOW);
}

int main(void) {
    char path[4096] = "", whole[8192];
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0)
        return 1;
    snprintf(whole, sizeof whole, "%s/../tools/crash_at_load.so", dirname(path));
    if (!load(whole))
        puts(dlerror());
    return 0;
}
