/* Frees by libc's own handle, and by its second name there, what libc allocated: what Python's
 * ctypes and C#'s DllImport do. Right natively. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *function(void *, ...);

static function *by(void *handle, const char *name) {
    function *found = (function *)dlsym(handle, name);
    if (!found)
        printf("no %s: %s\n", name, dlerror());
    return found;
}

int main(void) {
    void *libc = dlopen("libc.so.6", RTLD_NOW), *math = dlopen("libm.so.6", RTLD_NOW);
    function *give[] = {by(libc, "free"), by(math, "free"), by(libc, "__libc_free"), free};
    for (int i = 0; i < 4; i++) {
        char *line = NULL, *text = NULL;
        size_t room = 0, bytes = 0;
        struct dirent **list;
        FILE *in = fopen("/proc/self/stat", "r"), *out = open_memstream(&text, &bytes);
        if (getline(&line, &room, in) < 1 || fputs("text", out) < 0 || fclose(out) != 0 ||
            fclose(in) != 0)
            return 2;
        int entries = scandir("/", &list, NULL, alphasort);
        for (int k = 0; k < entries; k++)
            give[i](list[k]);
        give[i](list);
        give[i](line);
        give[i](text);
        give[i](strdup("hello"));
        give[i](realpath("/", NULL));
        void *block = by(libc, "realloc")(strdup("moves"), (size_t)5000);
        puts(block);
        free(block);
        free(((void *(*)(size_t))(void *)by(libc, "malloc"))(100));
    }
    if (dlsym(libc, "no_such_function") || !dlerror())
        return 3;
    puts("end");
    return dlsym(RTLD_DEFAULT, "free") && dlsym(RTLD_NEXT, "free") && dlclose(math) == 0 ? 5 : 4;
}
