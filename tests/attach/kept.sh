#!/usr/bin/env bash
# A program's state stays as it was when a recording begins and ends in its only thread: all registers, in a loop and over
# system calls, errno, what dlerror says, signal mask, handlers, descriptors, threads; order and search paths of modules.
# timeout: 900
. "${SOURCE:?}/tests/tools/attach_rounds.sh"
rounds=${ROUNDS-3}

# Its search path is of RPATH or RUNPATH, with another library under the name of one of the system's.
mkdir -p own
"${CC:-gcc}" -shared -fPIC -O1 -Wl,-soname,libz.so.1 -o own/libz.so.1 -x c - <<<'const char *zlibVersion(void) { return "own"; }' || fail 'no library'
for tag in disable enable; do
    # shellcheck disable=SC2016
    "${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O1 -Wl,--$tag-new-dtags -Wl,-rpath,'$ORIGIN/own' -o kept.$tag "$SOURCE/tests/attach/kept.c" -lpthread -ldl || fail 'no program'
done

# But for what it opens itself now and then, to load a library.
descriptors() { find "/proc/$pid/fd" -type l -printf '%f %l\n' 2>/dev/null | grep -Ev '(libz\.so\.1|ld\.so\.cache)$' | sort; }

has_descriptors() { [ "$(descriptors)" = "$1" ]; }

# WHAT PROGRAM
stays() {
    local round before
    "$2" "$1" >"$1.out" 2>&1 &
    pid=$!
    await_or_fail grep -q ready "$1.out"
    before=$(descriptors)
    for ((round = 1; round <= rounds; round++)); do
        "$trace" record -p "$pid" --for 20ms --force -s kept.db >out 2>&1 || fail "$1: status $?: $(cat out)"
        await_or_fail has_descriptors "$before"
        [ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] || fail "$1: it has more threads"
    done
    kill -TERM "$pid"
    wait "$pid" || fail "$1: it ended with $?"
    [ "$(tail -n 1 "$1.out")" = 'all as it was' ] || fail "$1: $(cat "$1.out")"
    pid=
}

# A call that meets a fault of its own leaves errno and what dlerror says as they were, too. Before glibc 2.34 the words lie in
# a block of libdl's, which nothing puts back.
leaves=(-DLEAVES_WORDS)
if [ "$(printf '%s\n' 2.34 "$(getconf GNU_LIBC_VERSION | sed 's/.* //')" | sort -V | head -n 1)" != 2.34 ]; then
    leaves=()
    echo "skipped: what dlerror says after a fault in a call: before glibc 2.34 it is not put back"
fi
"${CC:-gcc}" "${leaves[@]}" -shared -fPIC -O1 -o fault.so -ldl -x c - <<'END' || fail 'no library'
#include <dlfcn.h>
#include <errno.h>
__attribute__((constructor)) static void fall(void) {
#ifdef LEAVES_WORDS
    (void)dlopen("/there/is/none", RTLD_NOW);
#endif
    errno = 99;
    __builtin_trap();
}
END
"$BUILD/tests/attach/kept" process >fault.out 2>&1 &
pid=$!
await_or_fail grep -q ready fault.out
for ((round = 0; round < 2 * rounds; round++)); do # with something left for dlerror, and without
    mkdir fault.$round # a file that is new to the program, whose constructor runs
    ln -s "$BUILD/hakmem-collect" fault.$round
    ln "$trace" fault.$round && cp fault.so fault.$round/hakmem-attach.so || fail 'no files'
    fault.$round/hakmem-trace record -p "$pid" --for 20ms -s fault.db >out 2>&1
    got=$?
    [ "$got" -eq 2 ] || fail "a fault in a call: status $got; due: 2: $(cat out)"
    echo "hakmem-trace: record: process $pid (kept): a call of the recorder met a fault of its own; the program goes on" | cmp - out ||
        fail "a fault in a call: $(cat out)"
done
kill -TERM "$pid"
wait "$pid" || fail "a fault in a call: it ended with $?"
[ "$(tail -n 1 fault.out)" = 'all as it was' ] || fail "a fault in a call: $(cat fault.out)"
pid=

for what in registers tiles calls process; do
    stays $what "$BUILD/tests/attach/kept"
done
for tag in disable enable; do
    stays modules ./kept.$tag
    grep -qx "$PWD/own/libz.so.1" modules.out || fail "$tag: its own library was not loaded: $(cat modules.out)"
done
