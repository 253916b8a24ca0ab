#!/usr/bin/env bash
# A program observes the same of the malloc family and of operator new and delete under glibc and
# libstdc++ as under both builds: return values, errno, alignment, exceptions, handlers.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/family

cc=${CC:-cc} cxx=g++
case "$cc" in *clang*) cxx="clang++ -fsized-deallocation" ;; esac
"$cc" -w -fno-builtin -O0 -o calls "$here/calls.c" || fail "calls.c does not compile"
$cxx -std=c++17 -w -O0 -o operators "$here/operators.cpp" -lpthread || fail "operators.cpp does not compile"
$cxx -std=c++17 -w -O0 -o replaced "$here/replaced.cpp" || fail "replaced.cpp does not compile"
$cxx -std=c++17 -w -O0 -DALIGNED -o replaced_aligned "$here/replaced.cpp" || fail "replaced.cpp does not compile"

# same NAME LIBRARY [VARIABLE=VALUE...]: every program under the library.
same() {
    local name=$1 library=$2 program
    shift 2
    for program in calls operators replaced replaced_aligned; do
        env "$@" LD_PRELOAD="$library" "./$program" >"$program.said" 2>"$program.errors" ||
            fail "$program under $name: status $?; $(head -n 5 "$program.errors")"
        [ ! -s "$program.errors" ] || fail "$program under $name is not silent: $(head -n 3 "$program.errors")"
        diff "$program.due" "$program.said" >differences ||
            fail "$program under $name differs from without: $(head -n 12 differences)"
    done
}

# Without the blocks that a thread keeps in its cache: as many as glibc 2.43 keeps count as the program's, and lie in malloc_trim's way.
for program in calls operators replaced replaced_aligned; do
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "./$program" >"$program.due" || fail "$program alone: status $?"
    grep -H NOT "$program.due" && fail "$program finds fault with glibc"
done
grep -qx 'new: bad_alloc, what std::bad_alloc, handler called 3 times, errno 12' operators.due ||
    fail "operators.cpp does not test what it should"

same libhakmem.so "$BUILD/libhakmem.so"
same "libhakmem.so with magazines" "$BUILD/libhakmem.so" HAKMEM_TINY_MAGAZINE_ENABLE=1
for check in trace normal; do
    for layout in same header; do
        # malloc_trim does not give back blocks in quarantine, and says so.
        for quarantine in 0 1M; do
            [ "$check-$quarantine" = normal-1M ] && sed -i 's/^malloc_trim: 1 and 0$/malloc_trim: 0 and 0/' calls.due
            same "hakmem-debug.so, $check, $layout, quarantine of $quarantine" "$BUILD/hakmem-debug.so" HAKMEM_TRACE=off \
                HAKMEM_CHECK=$check HAKMEM_LAYOUT=$layout HAKMEM_QUARANTINE=$quarantine
            sed -i 's/^malloc_trim: 0 and 0$/malloc_trim: 1 and 0/' calls.due
        done
    done
done
# Recorded, too, with all that a record does on the way.
for program in calls operators replaced; do
    "$BUILD/hakmem-trace" run -s "$program.db" -- "./$program" >"$program.said" 2>"$program.errors" ||
        fail "$program recorded: status $?; $(head -n 5 "$program.errors")"
    [ ! -s "$program.errors" ] || fail "$program recorded is not silent: $(head -n 3 "$program.errors")"
    sed -i 's/^malloc_trim: 0 and 0$/malloc_trim: 1 and 0/' "$program.said" # quarantine, as above
    diff "$program.due" "$program.said" >differences || fail "$program recorded: $(head -n 12 differences)"
    "$BUILD/hakmem-trace" check -s "$program.db" >check.out 2>&1 || fail "$program.db: $(head -n 5 check.out)"
done
exit 0
