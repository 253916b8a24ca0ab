/* Loads and unloads plugins, whose code takes turns at the same addresses, in its own and in new
 * namespaces, and lets libc load converters: loads ROUNDS PLUGIN... */
#include <dlfcn.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 10;
    for (int i = 0; i < rounds; i++) {
        for (int k = 2; k < argc; k++) {
            void *plugin = dlopen(argv[k], RTLD_NOW);
            if (!plugin) {
                fprintf(stderr, "%s\n", dlerror());
                return 1;
            }
            void (*work)(void) = (void (*)(void))dlsym(plugin, "plugin_work");
            work();
            dlclose(plugin);
            if (i % 10 == 0 && (plugin = dlmopen(LM_ID_NEWLM, argv[k], RTLD_NOW)) != NULL)
                dlclose(plugin);
        }
        if (i % 10 == 0) {
            iconv_t converter = iconv_open("UTF-8", "EUC-JP");
            if (converter != (iconv_t)-1)
                iconv_close(converter);
        }
    }
    return 0;
}
