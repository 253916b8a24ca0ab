#!/usr/bin/env bash
# A program that another malloc than hakmem's serves: one of a library that is named before hakmem-debug.so in LD_PRELOAD, or a hidden one of its
# own. `run`, `info` and `faults` say so. A library that only counts calls and passes them on is none.
. "${SOURCE:?}/tests/tools/test.sh"
cc="${CC:-cc} -w -O0 -fno-builtin"
cat >main.c <<'END'
#include <stdlib.h>
int main(void) {
    char *volatile block = malloc(100);
    free(block);
    return 7;
}
END
cat >own.c <<'END'
#include <stddef.h>
static char memory[1 << 22] __attribute__((aligned(16)));
static size_t used;
SEEN void *malloc(size_t bytes) {
    char *block = memory + used;
    used += (bytes + 15) & ~(size_t)15;
    return block;
}
SEEN void *calloc(size_t count, size_t bytes) { return malloc(count * bytes); }
SEEN void free(void *block) { (void)block; }
SEEN void *mallocx(size_t bytes, int flags) { return malloc(bytes); } /* as jemalloc has it */
END
cat >passes.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
void *malloc(size_t bytes) {
    static void *(*next)(size_t);
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "malloc");
    return next(bytes);
}
END
$cc -o main main.c && $cc -shared -fPIC -DSEEN= -o libown.so own.c && $cc -shared -fPIC -o libpasses.so passes.c -ldl &&
    $cc '-DSEEN=__attribute__((visibility("hidden")))' -o hidden main.c own.c || fail "the programs do not compile"

# recorded PROGRAM [LIBRARY]: what `run` says is in the file `said`, the process's note in `note`.
recorded() {
    "$trace" run --force -s a.db -- sh -c "${2:+LD_PRELOAD=$PWD/$2:\$LD_PRELOAD }./$1; exit \$?" >said 2>&1
    [ $? -eq 7 ] || complain "$*: not 7: $(cat said)"
    "$trace" sql -s a.db "select note from process where note <> ''" >note
}
incomplete() {
    for command in info faults; do
        "$trace" $command -s a.db 2>&1 | grep -q "1 program was not recorded; the notes of .info. say why" || complain "$1: $command does not say it"
    done
}
note="not recorded: the malloc of libown.so serves it, before hakmem-debug.so's; take that out of LD_PRELOAD, or name hakmem-debug.so first"
recorded main libown.so
[ "$(cat said)" = "hakmem-trace: run: $PWD/main was $note" ] || complain "in front: $(cat said)"
[ "$(cat note)" = "$note" ] || complain "in front: its note: $(cat note)"
incomplete "in front"

recorded hidden
[ ! -s said ] || complain "hidden: $(cat said)"
[ "$(cat note)" = "it has a hidden malloc of its own inside: what comes from there is not recorded" ] || complain "hidden: its note: $(cat note)"
incomplete hidden

recorded main libpasses.so
[ ! -s said ] && [ ! -s note ] || complain "passed on: $(cat said note)"
"$trace" faults -s a.db >said 2>&1
grep -q 'Nothing was lost in this capture.$' said || complain "passed on: $(cat said)"
exit "$failed"
