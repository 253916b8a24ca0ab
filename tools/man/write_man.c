/* Writes the man pages: `write_man SOURCE FOLDER`, SOURCE being the top of the tree. `make man`
 * calls it; what stands on them comes from the tables that commands and reports use. */
#include <stdio.h>
#include "tools/man/pages.h"

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: write_man SOURCE FOLDER\n", stderr);
        return 2;
    }
    man_write_commands(argv[2]);
    man_write_libraries(argv[2], argv[1]);
    man_write_store(argv[2], argv[1]);
    return 0;
}
