/* A program with a plugin that it opens with RTLD_DEEPBIND, as PHP does: each frees what the other
 * allocated. With -DPLUGIN it is the plugin, which is found by the program's RUNPATH alone. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef PLUGIN
char *plugin_copy(char *text) {
    char *copy = malloc(strlen(text) + 1);
    strcpy(copy, text);
    free(text);
    return realloc(copy, 5000);
}
#else
int main(void) {
    void *plugin = dlopen("libdeepbind_plugin.so", RTLD_NOW | RTLD_GLOBAL | RTLD_DEEPBIND);
    if (!plugin) {
        printf("%s\n", dlerror());
        return 2;
    }
    char *(*copy)(char *) = (char *(*)(char *))dlsym(plugin, "plugin_copy");
    for (int i = 0; i < 1000; i++) {
        char *text = malloc(16 + (size_t)i);
        snprintf(text, 16, "text %d", i);
        text = copy(text);
        if (i == 999)
            puts(text);
        free(text);
    }
    printf("closed: %d\n", dlclose(plugin));
    return 3;
}
#endif
