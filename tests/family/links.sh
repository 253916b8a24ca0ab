#!/usr/bin/env bash
# The ways in which a program comes to hakmem's malloc besides LD_PRELOAD: linked with libhakmem.a,
# statically or not, linked with -lhakmem, opened with dlopen; and C++ plugins and operator new
# without a C++ runtime.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
here=$SOURCE/tests/family
cc=${CC:-cc} cxx=g++
case "$cc" in *clang*) cxx="clang++ -fsized-deallocation" ;; esac
c="$cc -w -fno-builtin -O0 -g" cpp="$cxx -std=c++17 -w -O0 -g"
archive=$BUILD/libhakmem.a

# Has the program our malloc? A free of what is no block ends it with our words.
printf '#include <stdlib.h>\nint main(void) { int here = 0; void *volatile p = &here; free(p); return 0; }\n' >wrong.c
expect_ours() {
    "$@" >wrong.said 2>&1
    grep -q '^hakmem: bad-free: ' wrong.said || fail "$* does not run on hakmem's malloc: $(head -n 2 wrong.said)"
}

$c -o calls "$here/calls.c" && $cpp -o operators "$here/operators.cpp" -lpthread &&
    $cpp -o replaced "$here/replaced.cpp" || fail "the programs do not compile"
# Without glibc's caches of threads, as in calls.sh.
for program in calls operators replaced; do
    GLIBC_TUNABLES=glibc.malloc.tcache_count=0 "./$program" >"$program.due" || fail "$program alone: status $?"
done

# ---- linked ----------------------------------------------------------------------------------------
# build PROGRAM FLAGS...: compiles and links it in one more way, runs it, compares.
build() {
    local program=$1 compiler=$c source=calls.c
    shift
    case "$program" in operators) source=operators.cpp compiler=$cpp ;; replaced) source=replaced.cpp compiler=$cpp ;; esac
    $compiler -o linked "$here/$source" "$@" 2>link.err || fail "$program with $*: $(head -n 5 link.err)"
    [ ! -s link.err ] || fail "$program with $*: the linker warns: $(head -n 3 link.err)"
    ./linked >said 2>errors || fail "$program with $*: status $?; $(head -n 3 errors)"
    [ ! -s errors ] || fail "$program with $* is not silent: $(head -n 3 errors)"
    diff "$program.due" said >differences || fail "$program with $* differs: $(head -n 5 differences)"
}
for program in calls operators replaced; do
    build "$program" "$archive" -static -lpthread
    build "$program" "$archive" -lpthread
    build "$program" -L"$BUILD" -lhakmem -Wl,-rpath,"$BUILD" -lpthread
done
for program in operators replaced; do
    build "$program" -static-libstdc++ -L"$BUILD" -lhakmem -Wl,-rpath,"$BUILD" -lpthread
    build "$program" -static-pie "$archive" -lpthread
done
$c -static -o wrong wrong.c "$archive" && expect_ours ./wrong
$c -o wrong wrong.c "$archive" && expect_ours ./wrong
$c -o wrong wrong.c -L"$BUILD" -lhakmem -Wl,-rpath,"$BUILD" && expect_ours ./wrong
# Preloaded in front of itself: the preload serves, once.
LD_PRELOAD=$BUILD/libhakmem.so expect_ours ./wrong
# Recorded: hakmem-debug.so stands in front of the linked library.
"$BUILD/hakmem-trace" run -s linked.db -- ./wrong >said 2>&1
[ $? -eq 1 ] || fail "a program linked with libhakmem.so is not recorded: $(cat said)"
grep -q 'HKM-201 bad-free' said || fail "a program linked with libhakmem.so gives no report: $(cat said)"

# libstdc++ linked statically into a program: the preload finds operators that are not its own.
$cpp -o static_runtime "$here/operators.cpp" -static-libstdc++ -static-libgcc -lpthread || fail "-static-libstdc++"
for library in libhakmem.so hakmem-debug.so; do
    HAKMEM_TRACE=off LD_PRELOAD=$BUILD/$library ./static_runtime >said 2>&1 || fail "-static-libstdc++ under $library: status $?"
    diff operators.due said >differences || fail "-static-libstdc++ under $library: $(head -n 5 differences)"
done

# ---- C++ out of sight ------------------------------------------------------------------------------
$c -o host "$here/host.c" -ldl && $cpp -shared -fPIC -o plugin.so "$here/plugin.cpp" &&
    $cpp -shared -fPIC -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -o plugin_static.so "$here/plugin.cpp" &&
    $c -o no_runtime "$here/no_runtime.c" || fail "the plugins do not compile"
for library in libhakmem.so hakmem-debug.so; do
    for plugin in plugin.so plugin_static.so; do
        HAKMEM_TRACE=off LD_PRELOAD=$BUILD/$library ./host "./$plugin" >said 2>&1 || fail "$plugin under $library: $(tail -n 3 said)"
    done
    HAKMEM_TRACE=off LD_PRELOAD=$BUILD/$library ./no_runtime nothrow >said 2>&1 || fail "nothrow without a runtime: status $?"
    grep -qx 'nothrow: (nil)' said || fail "nothrow without a runtime: $(cat said)"
    HAKMEM_TRACE=off LD_PRELOAD=$BUILD/$library ./no_runtime throwing >said 2>&1
    [ $? -eq 134 ] || fail "throwing without a runtime under $library: not SIGABRT; $(cat said)"
    grep -q '^hakmem: operator new: 0x[0-9a-f]* asked for memory that is not there, and no C++ runtime' said ||
        fail "throwing without a runtime under $library: $(cat said)"
done

# ---- opened while the program runs -----------------------------------------------------------------
$c -o loader "$here/loader.c" -lpthread -ldl || fail "loader.c does not compile"
for library in libhakmem.so hakmem-debug.so; do
    [ "$library" = libhakmem.so ] || ! left_out debug_opened || continue
    for mode in local global; do
        file=()
        [ "$library" = libhakmem.so ] || file=(HAKMEM_TRACE_FILE=opened.%p.db)
        env "${file[@]}" ./loader "$BUILD/$library" $mode >said 2>&1 || fail "dlopen of $library, $mode: status $?; $(tail -n 3 said)"
        [ "$(cat said)" = "done" ] || fail "dlopen of $library, $mode: $(head -n 3 said)"
    done
done
exit 0
