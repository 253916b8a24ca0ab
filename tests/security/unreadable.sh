#!/usr/bin/env bash
# A recorded program's modules kill the collector that reads their debug information, or hold it for ever: each is read
# no more and named once, and the capture is whole, with the names of all other modules.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

# Beside each other as they are installed, with the collector that breaks down (tests/security/reader).
mkdir bin && cp "$BUILD/hakmem-trace" "$BUILD/hakmem-debug.so" "$BUILD/tests/security/hakmem-collect" bin || exit 1

cat >module.c <<'C'
#include <stdlib.h>
char mark[8] __attribute__((section(SECTION), used)) = "x";
void *NAME(int bytes);
void *NAME(int bytes) { return malloc((size_t)bytes); }
C
kinds="load_segv load_abort load_deep load_loop find_segv find_abort find_loop"
for kind in $kinds; do
    ${CC:-gcc} -g -O0 -fno-optimize-sibling-calls -shared -fPIC -DSECTION="\".deadly_$kind\"" -DNAME="$kind" -o "$kind.so" module.c || exit 1
done
cat >program.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void call_own(int count) {
    for (int i = 0; i < count; i++)
        free(malloc(77));
}
int main(int count, char **arguments) { /* GO NAME...: calls each, waits for the file GO, calls its own */
    for (int i = 2; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "./%s.so", arguments[i]);
        void *library = dlopen(path, RTLD_NOW);
        void *(*call)(int) = library ? (void *(*)(int))dlsym(library, arguments[i]) : NULL;
        if (!call)
            return 3;
        for (int n = 0; n < 100; n++)
            free(call(55));
    }
    call_own(1000);
    for (int i = 0; i < 3000 && access(arguments[1], F_OK) != 0; i++)
        usleep(100000);
    call_own(1000);
    return 5;
}
C
${CC:-gcc} -g -O0 -o program program.c -ldl || exit 1

value() { bin/hakmem-trace sql -s "$1" "select $2" | tail -n 1 | sed 's/^ *//; s/ *$//'; }
expect() {
    local is
    is=$(value "$1" "$2")
    [ "$is" = "$3" ] || fail "$1: $2 is $is; $3 was due"
}
# recorded STORE MODULES: what must be in it, whatever its modules did.
recorded() {
    local modules
    modules=$(wc -w <<<"$2")
    bin/hakmem-trace check -s "$1" >check.out 2>&1 || { head -n 20 check.out; fail "$1: check finds something"; }
    expect "$1" "count(*) from event where kind = 'MALLOC' and size = 55" $((100 * modules))
    expect "$1" "count(*) from event where kind = 'MALLOC' and size = 77" 2000
    expect "$1" "coalesce(sum(count), 0) from loss" 0
    expect "$1" "count(*) > 0 from frame where function = 'call_own' and line > 0" 1
    expect "$1" "count(*) > 0 from frame where function = 'main' and line > 0" 1
    bin/hakmem-trace info -s "$1" >info.out 2>&1
    for kind in $2; do
        [ "$(grep -c "$PWD/$kind.so: " info.out)" = 1 ] || { cat info.out; fail "$1: info does not name $kind.so once"; }
    done
    bin/hakmem-trace modules --all -s "$1" >modules.out 2>&1
    [ "$(grep -c ' unreadable ' modules.out)" = "$modules" ] || { cat modules.out; fail "$1: modules does not name what is unreadable"; }
    [ "$(grep -c '^unreadable' info.out)" = 1 ] && [ "$(grep -c '\.so: ' info.out)" = "$modules" ] ||
        { cat info.out; fail "$1: $modules lines of unreadable modules were due"; }
}

# All at once, while the program runs.
named() { [ "$(value all.db "value from meta where key = 'unreadable'" | wc -c)" -gt 1 ] && bin/hakmem-trace info -s all.db >info.out 2>&1 &&
    [ "$(grep -c '\.so: ' info.out)" = 7 ]; }
# shellcheck disable=SC2086
bin/hakmem-trace run --check trace --store all.db -- ./program go $kinds >run.out 2>run.err &
run=$!
until_true named || { touch go; cat info.out; fail "not all modules are named"; }
touch go
wait "$run"
status=$?
[ "$status" -eq 5 ] || { cat run.err; fail "run ended with $status; 5 was due"; }
[ ! -s run.err ] || fail "something is on stderr: $(cat run.err)"
recorded all.db "$kinds"

# Each in a program that is over before anything is read.
for kind in load_segv load_deep find_abort; do
    timeout 300 bin/hakmem-trace run --check trace --store "$kind.db" -- ./program go "$kind" >run.out 2>run.err
    status=$?
    [ "$status" -eq 5 ] || { cat run.err; fail "$kind: run ended with $status; 5 was due"; }
    until_true no_holder "$PWD/$kind.db" || exit 1
    recorded "$kind.db" "$kind"
done

# A collector that is killed from outside while it reads accuses no file.
rm -f go
bin/hakmem-trace run --check trace --store killed.db -- ./program go load_loop >run.out 2>run.err &
run=$!
until_true worker_of "$PWD/killed.db" || exit 1
sleep 1
kill -9 "$worker"
until_true worker_of "$PWD/killed.db" "$worker" || exit 1
[ -z "$(value killed.db "value from meta where key = 'unreadable'" | tr -d '()0 rows')" ] || fail "a kill -9 accuses a module"
touch go
wait "$run"
exit 0
