/* Measures what the list of loaded modules costs: `modules find ROUNDS` prints the nanoseconds of a
 * look-up of an address, and how many modules are loaded, `modules reload ROUNDS` the microseconds
 * of a dlopen and dlclose of libz. Least of seven repeats. */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "platform/objects.h"

enum { ADDRESSES = 1024, MODULES = 128 };

static uintptr_t code[MODULES]; /* the middle of each module's code */
static size_t module_count;
static uintptr_t address[ADDRESSES];
static long found;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int note(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size, (void)context;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_X) || module_count == MODULES)
            continue;
        code[module_count++] = info->dlpi_addr + header->p_vaddr + header->p_memsz / 2;
        break;
    }
    return 0;
}

/* In no order that a processor would foresee. */
static void choose_addresses(void) {
    uint64_t random = 1;
    dl_iterate_phdr(note, NULL);
    for (size_t i = 0; i < ADDRESSES; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        address[i] = code[(random >> 33) % module_count];
    }
}

static void find(void) {
    struct hak_object object;
    for (size_t i = 0; i < ADDRESSES; i++)
        found += hak_object_find(address[i], &object);
}

static void reload(void) {
    void *library = dlopen("libz.so.1", RTLD_NOW);
    if (!library || dlclose(library) != 0) {
        fprintf(stderr, "modules: %s\n", dlerror());
        exit(1);
    }
}

static double measure(void (*work)(void), long rounds) {
    double best = 1e18;
    for (long i = 0; i < rounds; i++) {
        double start = now();
        work();
        double each = now() - start;
        best = each < best ? each : best;
    }
    return best;
}

int main(int argc, char **argv) {
    static const char *const more[] = {"libz.so.1",       "libzstd.so.1",  "liblzma.so.5",
                                       "libelf.so.1",     "libdw.so.1",    "libbz2.so.1",
                                       "libjansson.so.4", "libtinfo.so.6", "libsqlite3.so.0"};
    long rounds = argc == 3 ? atol(argv[2]) : 0;
    if (rounds > 0 && strcmp(argv[1], "reload") == 0) {
        printf("%.2f\n", measure(reload, rounds) / 1e3);
        return 0;
    }
    if (rounds <= 0 || strcmp(argv[1], "find") != 0) {
        fputs("usage: modules find|reload ROUNDS\n", stderr);
        return 2;
    }
    hak_objects_start();
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        (void)dlopen(more[i], RTLD_NOW); /* one that is not there is no module */
    hak_objects_look();
    choose_addresses();
    double each = measure(find, rounds) / ADDRESSES;
    long due = rounds * ADDRESSES;
    if (found != due) {
        fprintf(stderr, "modules: %ld of %ld look-ups found a module\n", found, due);
        return 1;
    }
    printf("%.2f %zu\n", each, module_count);
    return 0;
}
