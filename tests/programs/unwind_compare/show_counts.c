/* Prints the counts of a comparing run, one "name value" a line: show_counts FILE. With --new it
 * makes the file. */
#include "compare.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct compare_counts counts;
    memset(&counts, 0, sizeof counts);
    if (argc == 3 && strcmp(argv[1], "--new") == 0) {
        int fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0644);
        return fd < 0 || write(fd, &counts, sizeof counts) != sizeof counts;
    }
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || read(fd, &counts, sizeof counts) != sizeof counts) {
        fprintf(stderr, "usage: show_counts [--new] FILE\n");
        return 2;
    }
    printf("compared %lu\ndifferent %lu\nstale_cache %lu\nours_alone %lu\nfrom_loader %lu\n",
           counts.compared, counts.different, counts.stale_cache, counts.ours_alone,
           counts.from_loader);
    printf("interned_wrong %lu\nframes %lu\nmodules %lu\nunloads %lu\n", counts.interned_wrong,
           counts.frames, counts.modules, counts.unloads);
    printf("complete %lu\ndepth %lu\nno_cfi %lu\nbad_cfa %lu\ninterrupted %lu\nby_frames %lu\n",
           counts.end[0], counts.end[1], counts.end[2], counts.end[3], counts.end[4],
           counts.end[5]);
    printf("ours_further %lu\nours_further_whole %lu\ntheirs_further %lu\nguessed_otherwise %lu\n"
           "theirs_wild %lu\n",
           counts.ours_further, counts.ours_further_whole, counts.theirs_further,
           counts.guessed_otherwise, counts.theirs_wild);
    return 0;
}
