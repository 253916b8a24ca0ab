/* A C program that opens a plugin written in C++: host PLUGIN. */
#include <dlfcn.h>
#include <stdio.h>

int main(int count, char **arguments) {
    void *plugin = count == 2 ? dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    int (*use_plugin)(void) = plugin ? (int (*)(void))dlsym(plugin, "use_plugin") : NULL;
    if (!use_plugin) {
        printf("%s\n", dlerror());
        return 2;
    }
    int wrong = use_plugin();
    printf("plugin: wrong %d\n", wrong);
    return wrong != 0;
}
