/* `model SCENARIO [sc]`: checks one scenario; with `sc` stores are never delayed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include "engine.h"

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2) {
        for (unsigned i = 0; scenarios[i]; i++)
            printf("%s\n", scenarios[i]->name);
        return 0;
    }
    const struct scenario *chosen = NULL;
    for (unsigned i = 0; scenarios[i]; i++)
        if (strcmp(scenarios[i]->name, argv[1]) == 0)
            chosen = scenarios[i];
    if (!chosen) {
        fprintf(stderr, "model: no scenario \"%s\"; without an argument it lists them\n", argv[1]);
        return 2;
    }
    model = mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory_start();
    bool has_buffers = argc < 3 || strcmp(argv[2], "sc") != 0;
    explore(chosen, has_buffers);
    printf("%-10s %u threads, %s: %llu states, %llu steps, %.3g schedules, %llu ends, %u deep, %u "
           "pages\n",
           chosen->name, chosen->threads, has_buffers ? "TSO" : "SC",
           (unsigned long long)model->states, (unsigned long long)model->steps, model->schedules,
           (unsigned long long)model->ends, model->deepest, model->page_count);
    return 0;
}
