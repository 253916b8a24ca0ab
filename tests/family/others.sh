#!/usr/bin/env bash
# Programs with a second allocator: linked with jemalloc, mimalloc or tcmalloc, whose own calls they use, with one
# of their own in sight or out of it, and a library that is opened with RTLD_DEEPBIND and brings one.
# All behave as they do without hakmem, and nothing is said.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/family
c="${CC:-cc} -w -fno-builtin -O0 -g"
. "$SOURCE/tests/tools/mimalloc.sh"
[ -n "$mimalloc" ] || { echo "skipped: no libmimalloc"; exit 77; }

$c -o private "$here/private.c" && $c -DHIDDEN -o hidden "$here/private.c" &&
    $c -rdynamic -o exported "$here/private.c" &&
    $c '-DALLOCATE=mi_malloc(bytes)' -o mimalloc "$here/second.c" -l:"$mimalloc" &&
    $c '-DALLOCATE=tc_malloc(bytes)' -o tcmalloc "$here/second.c" -l:libtcmalloc_minimal.so.4 &&
    $c '-DALLOCATE=mallocx(bytes, 0)' -o jemalloc "$here/second.c" -l:libjemalloc.so.2 &&
    $c '-DALLOCATE=mi_malloc(bytes)' -Dmain=second -shared -fPIC -o second.so "$here/second.c" -l:"$mimalloc" &&
    $c -DMODE='RTLD_NOW | RTLD_DEEPBIND' -o deep "$here/opens.c" -ldl || fail "the programs do not compile"
ln -sf second.so plugin.so

for program in private hidden exported mimalloc tcmalloc jemalloc deep; do
    "./$program" >due 2>errors || fail "$program alone: status $?: $(head -n 3 errors)"
    for way in libhakmem.so hakmem-debug.so; do
        for check in trace normal; do
            HAKMEM_TRACE=off HAKMEM_CHECK=$check LD_PRELOAD=$BUILD/$way "./$program" >said 2>errors ||
                fail "$program under $way, $check: status $?: $(head -n 3 errors)"
            cmp -s due said || fail "$program under $way, $check: $(head -n 3 said)"
            # jemalloc cannot be asked: what is left alone becomes a leak, and the debug build tells of it.
            if [ "$program-$way" = jemalloc-hakmem-debug.so ]; then
                grep -q '^hakmem:   passed on to glibc 0, left alone 100; mincore: 100 mapped$' errors ||
                    fail "$program under $way: no report at 100: $(head -n 3 errors)"
            elif [ -s errors ]; then
                fail "$program under $way, $check is not silent: $(head -n 3 errors)"
            fi
        done
    done
done

# All of mimalloc's and tcmalloc's own blocks went back to them.
for program in mimalloc tcmalloc deep; do
    HAKMEM_EXTERNAL_GUARD_STATS=1 LD_PRELOAD=$BUILD/libhakmem.so "./$program" >said 2>errors
    grep -qE '^hakmem:   passed on to glibc 0, to (mi|tc)malloc 500, left alone 0; mincore: 500 mapped$' errors ||
        fail "$program: not all passed on: $(head -n 3 errors)"
done
exit 0
