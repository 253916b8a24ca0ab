#!/usr/bin/env bash
# A library that is opened with RTLD_DEEPBIND shares its blocks with the program, and is found by the
# program's RUNPATH.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/family
c="${CC:-cc} -w -fno-builtin -O0 -g"

mkdir -p plugins && $c -DPLUGIN -shared -fPIC -o plugins/libdeepbind_plugin.so "$here/deepbind.c" &&
    $c -o deepbind "$here/deepbind.c" -Wl,--enable-new-dtags,-rpath,'$ORIGIN/plugins' || fail "the program does not compile"
./deepbind >due
[ $? -eq 3 ] || fail "the program alone: $(cat due)"

# check WAY: the program's output and status are in `said` and $status.
check() {
    [ "$status" -eq 3 ] && cmp -s due said || fail "$1: status $status, due 3: $(head -n 5 said)"
}
for library in libhakmem.so hakmem-debug.so; do
    HAKMEM_TRACE=off LD_PRELOAD=$BUILD/$library ./deepbind >said 2>&1
    status=$?
    check "$library"
done
$c -o linked "$here/deepbind.c" -Wl,--enable-new-dtags,-rpath,'$ORIGIN/plugins',-rpath,"$BUILD" -Wl,--no-as-needed -L"$BUILD" -lhakmem ||
    fail "it does not link with -lhakmem"
./linked >said 2>&1
status=$?
check "-lhakmem"
"$BUILD/hakmem-trace" run -s deepbind.db -- ./deepbind >said 2>&1
status=$?
check "run"
copies=$("$BUILD/hakmem-trace" sql -s deepbind.db "select count(distinct e.id) from event e join stack_frame f
    on f.stack = e.stack where f.function = 'plugin_copy' and e.kind in ('MALLOC', 'FREE', 'REALLOC')")
[ "$copies" -eq 3000 ] || fail "$copies calls of the plugin are in the store; due: 3000"
