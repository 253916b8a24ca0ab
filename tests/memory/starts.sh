#!/usr/bin/env bash
# Calls of the allocator at every moment of a program's start and end: all that a program without hakmem may do. The ends in one
# level each, with FULL=1 in both.
. "${SOURCE:?}/tests/tools/test.sh"
plain=$BUILD/libhakmem.so
counting="$BUILD/tests/tools/count_calls.so $BUILD/hakmem-debug.so"

# A library that is initialised before the program, and that looks functions up while it does so.
cat >early.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
void *taken_by_library;
static void *opened;
__attribute__((constructor(101))) static void construct(void) {
    taken_by_library = malloc(1234);
    memset(taken_by_library, 1, 1234);
    if (!dlsym(RTLD_NEXT, "malloc") || dlsym(RTLD_DEFAULT, "no such function")) abort();
    (void)dlerror(); /* allocates */
    opened = dlopen("libm.so.6", RTLD_NOW);
}
__attribute__((destructor)) static void destroy(void) {
    free(realloc(malloc(50), 5000));
    if (opened) dlclose(opened);
}
END
${CC:-cc} -shared -fPIC -O1 -o libearly.so early.c || exit 1

# An emulator says of a program that a signal ended it.
of_program() { sed -i '/^qemu: uncaught target signal /d' "$1"; }

# $1 the status that is due, the rest the program: under both libraries, and in both levels.
runs() {
    local due=$1 status check counted stored
    shift
    LD_PRELOAD=$plain "$@" >out 2>err
    status=$?
    of_program err
    [ $status -eq "$due" ] && [ ! -s err ] || fail "libhakmem.so, $*: status $status: $(head -n 3 err)"
    for check in "${levels[@]}"; do
        rm -f calls && truncate -s 1M calls
        COUNT_CALLS_FILE=calls "$trace" run --check $check --store ends.db --force -- \
            "$env" LD_PRELOAD="$counting" "$@" >out 2>err
        status=$?
        of_program err
        grep -q '^hakmem: SIGABRT in ' err && [ "$due" -eq 134 ] && : >err
        [ $status -eq "$due" ] && [ ! -s err ] || fail "$check, $*: status $status: $(head -n 3 err)"
        "$trace" check -s ends.db >check.out 2>&1 || fail "$check, $*: $(head -n 3 check.out)"
        # Some programs end while threads allocate: a call in which one ended may be stored or not (count_calls.c).
        counted=$(od -A n -t u8 -w64 -v calls | awk 'NR > 1 { for (i = 2; i <= 8; i++) n[i] += $i }
            END { print n[2], n[3] - n[8], n[4], n[2] + n[5], n[3] + n[6], n[4] + n[7] }')
        stored=$("$trace" sql -s ends.db "select total(kind = 'MALLOC') || ' ' || total(kind = 'FREE') || ' ' ||
            total(kind = 'REALLOC') || ' ' from event where process = (select max(id) from process)" |
            sed -nE 's/\.0 / /g; s/^([0-9]+ [0-9]+ [0-9]+) *$/\1/p')
        awk '{ exit !($7 >= $1 && $8 >= $2 && $9 >= $3 && $7 <= $4 && $8 <= $5 && $9 <= $6) }' <<<"$counted $stored" ||
            fail "$check, $*: counted from and up to $counted, stored $stored: MALLOC FREE REALLOC"
    done
}

levels=(trace normal)
runs 0 "$BUILD/tests/memory/starts"
LD_LIBRARY_PATH=$PWD
export LD_LIBRARY_PATH
patched=$PWD/starts_with_library
${CC:-cc} -O0 -w -o "$patched" "$SOURCE/tests/memory/starts.c" -D_GNU_SOURCE -L. -Wl,--no-as-needed -learly || exit 1
runs 0 "$patched"
for end in return:3 exit:5 thread_exit:4 main_pthread_exit:6 _exit:7 quick_exit:8 abort:134 destructors:2; do
    [ "${FULL:-0}" = 1 ] || if [ "${levels[*]}" = trace ]; then levels=(normal); else levels=(trace); fi
    runs "${end#*:}" "$BUILD/tests/memory/ends" "${end%:*}"
done
