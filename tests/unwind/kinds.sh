#!/usr/bin/env bash
# Stacks through every kind of code: each ends at main (or where its thread or coroutine begins), with
# the functions that were really there, and is marked where it was not found by call frame information.
. "${SOURCE:?}/tests/tools/chains.sh"
from=$SOURCE/tests/unwind

for compiler in gcc clang; do
    "$compiler" -g -O2 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
        -DNAME=bare_with_frame_pointer -c "$from/bare.c" -o with.o &&
        "$compiler" -g -O2 -fno-asynchronous-unwind-tables -fomit-frame-pointer \
            -DNAME=bare_without_frame_pointer -c "$from/bare.c" -o without.o &&
        "$compiler" -g -O2 -fPIC -shared -DPLUGIN -DCONSTRUCTED=1122 "$from/bare.c" -o libstart.so &&
        "$compiler" -g -O2 -fomit-frame-pointer -D_GNU_SOURCE "$from/kinds.c" "$from/assembly.S" with.o \
            without.o -o kinds -pthread -ldl -Wl,--no-as-needed ./libstart.so &&
        "$compiler" -g -O2 -fPIC -shared -DPLUGIN -DCONSTRUCTED=0 "$from/bare.c" -o plugin.so &&
        "$compiler" -g -O2 -fPIC -shared -fno-omit-frame-pointer -Wl,--no-eh-frame-hdr -DPLUGIN \
            -DCONSTRUCTED=0 "$from/bare.c" -o plugin_without_header.so || fail "$compiler cannot compile the programs"
    record ./kinds ./plugin.so ./plugin_without_header.so
    # a stack that is too deep is cut between three quarters of HAKMEM_STACK_DEPTH and that; what follows a handler is
    # libpthread's before glibc 2.34, and a program's constructors are called by a function of its own; ld.so's own blocks may
    # have such a size
    read_chains 1101 1199 | sed -E 's/ recurse\*(4[89]|5[0-9]|6[0-3])$/ recurse*48..63/; s/ <libpthread> / <libc> /; s/ __libc_csu_init$//
        /^[0-9]+ [0-9]+ <ld-linux/d' >chains
    diff -u "$from/kinds.expected" chains || fail "$compiler: these stacks are not what was expected"
done
