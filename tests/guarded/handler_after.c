/* Reads past a block; a handler of the program for SIGSEGV would hide it. */
#include <stdlib.h>
#include <string.h>
#include "busy.h"

#include <signal.h>
#include <unistd.h>

static void hide(int number) {
    _exit(number == SIGSEGV ? 0 : 1);
}

static int read_at(const char *block, int at) {
    return block[at];
}

int main(void) {
    signal(SIGSEGV, hide);
    be_busy();
    char *block = calloc(1, 48);
    int found = read_at(block, 48);
    free(block);
    return found == 12345;
}
