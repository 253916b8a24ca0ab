#!/usr/bin/env bash
# `run` and `hunt` of `hakmem-trace mcp --allow-run`: what they answer, and that a program and all that it started end when its time is up, when
# the call is cancelled, when the client closes the input, and with the server.
. "${SOURCE:?}/tests/tools/test.sh"
export BUILD LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
cat >late.c <<'END'
#include <stdlib.h>
static char *make(void) { return malloc(40); }
static void spoil(char *volatile block) { block[40] = 0; }
int main(void) {
    char *block = make();
    spoil(block);
    free(block);
    return 0;
}
END
"${CC:-cc}" -g -O0 -w -o late late.c || exit 1
mkdir captures && python3 "$SOURCE/tests/mcp/programs.py"
