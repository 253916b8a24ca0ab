#!/usr/bin/env bash
# A core of the kernel in which all guarded blocks are zero, as level trace leaves them, lacks nothing: `core --leaks` is sure of its leak, and
# `core --why` knows the blocks.
. "${SOURCE:?}/tests/tools/test.sh"
if [ "$(cat /proc/sys/kernel/core_pattern)" != core ] || ! ulimit -c unlimited 2>/dev/null; then
    echo "the kernel writes no core into the working directory"
    exit 77
fi
cat >zero.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
char *kept[40];
static void __attribute__((noinline)) lose(void) { printf("lost %p\n", calloc(1, 700)); }
static void __attribute__((noinline)) overwrite(void) {
    char words[65536];
    memset(words, 0, sizeof words);
    __asm__ volatile("" : : "r"(words) : "memory", "rbx", "r12", "r13", "r14", "r15");
}
int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    for (int i = 0; i < 40; i++)
        kept[i] = calloc(1, 600);
    lose();
    overwrite();
    raise(SIGABRT);
}
END
"${CC:-cc}" -O0 -g -w -fno-builtin -o zero zero.c || fail "zero.c does not compile"
{ HAKMEM_TRACE=off HAKMEM_CHECK=trace HAKMEM_GUARD=all LD_PRELOAD=$BUILD/hakmem-debug.so ./zero >said; } 2>err
set -- core*
[ -f "$1" ] || fail "the kernel wrote no core: $(ls)"
lost=$(sed -n 's/^lost //p' said)
"$trace" core "$1" --leaks >found 2>errors
[ $? -eq 1 ] && grep -q '^direct: 700 bytes in 1 block ' found && [ ! -s errors ] || fail "leaks: $(cat found errors)"
"$trace" core "$1" --why "$lost" >found 2>errors
[ $? -eq 0 ] && grep -q "^$lost is the start of a block of 700 asked, live" found && [ ! -s errors ] || fail "why: $(cat found errors)"
exit 0
