#!/usr/bin/env bash
# Files that make install puts somewhere work from there, and make uninstall takes all of them away.
. "${SOURCE:?}/tests/tools/test.sh"
make -s -C "$SOURCE" BUILD="$BUILD" install DESTDIR="$PWD/root" PREFIX=/opt/hakmem >install.log 2>&1 ||
    { cat install.log; exit 1; }
prefix=$PWD/root/opt/hakmem
[ ! -e "$BUILD/hakmem_postgres.so" ] || [ -s "$prefix/lib/hakmem/hakmem_postgres.so" ] || fail "hakmem_postgres.so was not installed"
for file in bin/hakmem-trace lib/libhakmem.so lib/libhakmem.a lib/libhakmem.so.1.0.0-gdb.py lib/hakmem/hakmem-debug.so-gdb.py lib/hakmem/hakmem-gdb.py lib/hakmem/hakmem-debug.so lib/hakmem/hakmem-record.so lib/hakmem/hakmem-attach.so lib/hakmem/hakmem_sqlite.so lib/hakmem/hakmem-collect lib/hakmem/hakmem-player \
    share/bash-completion/completions/hakmem-trace share/zsh/site-functions/_hakmem-trace \
    share/fish/vendor_completions.d/hakmem-trace.fish include/hakmem.h include/hakmem_pools.hpp include/hakmem/valgrind/valgrind.h include/hakmem/valgrind/memcheck.h include/hakmem/sanitizer/asan_interface.h lib/pkgconfig/hakmem.pc \
    share/doc/hakmem/README.md share/doc/hakmem/docs/ci.md share/doc/hakmem/docs/specs/checks.md \
    share/doc/hakmem/examples/tally/Makefile \
    share/man/man1/hakmem-trace.1 share/man/man1/hakmem-trace-why.1 share/man/man5/hakmem-store.5 share/man/man7/hakmem.7; do
    [ -s "$prefix/$file" ] || fail "$file was not installed"
done
"$SOURCE/tests/lint/links.sh" "$prefix/share/doc/hakmem" || fail "a link leads out of the pages that are installed"
"$SOURCE/tests/tools/named_paths.sh" root opt/hakmem/share/doc/hakmem || exit 1
PATH=$prefix/bin:$PATH hakmem-trace run --store store.db -- /bin/ls / >out 2>err || { cat err; exit 1; }
/bin/ls / >due
cmp due out || fail "ls printed something else when recorded"
[ -s err ] && fail "something is on stderr:" "$(cat err)"
events=$("$prefix/bin/hakmem-trace" sql -s store.db "select count(*) from event where kind = 'MALLOC'" | tail -n 1)
[ "$events" -gt 0 ] || fail "nothing was recorded by what was installed"
"$prefix/bin/hakmem-trace" run --allocator keep --store kept.db -- /bin/ls / >out 2>err || { cat err; exit 1; }
cmp due out || fail "ls printed something else when its allocator was kept"
[ "$("$prefix/bin/hakmem-trace" sql -s kept.db "select count(*) from meta where key glob 'allocator.*'")" = 1 ] ||
    fail "the installed hakmem-record.so recorded nothing"
# A program that includes what was installed, linked and preloaded.
cat >asks.c <<'END'
#include <hakmem.h>
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    free(malloc(100));
    puts(!hak_verify ? "not there" : hak_verify() == 0 ? "all agrees" : "disagrees");
    return 0;
}
END
"${CC:-cc}" -I "$prefix/include" -o asks asks.c || fail "a program that includes hakmem.h does not compile"
read -ra flags < <(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --define-variable=prefix="$prefix" --cflags --libs hakmem)
[ ${#flags[@]} -ge 3 ] || fail "pkg-config says of hakmem: ${flags[*]}"
"${CC:-cc}" -o linked asks.c "${flags[@]}" -Wl,-rpath,"$prefix/lib" || exit 1
[ "$(./asks)" = "not there" ] || fail "without hakmem hak_verify says: $(./asks)"
[ "$(LD_PRELOAD=$prefix/lib/libhakmem.so ./asks)" = "all agrees" ] || fail "preloaded, hak_verify does not find that all agrees"
[ "$(./linked)" = "all agrees" ] || fail "linked, hak_verify does not find that all agrees"
# The library has a name with its version: links lead to one file, a linked program needs that name alone.
[ "$(readlink "$prefix/lib/libhakmem.so")" = libhakmem.so.1 ] && [ "$(readlink "$prefix/lib/libhakmem.so.1")" = libhakmem.so.1.0.0 ] &&
    [ -f "$prefix/lib/libhakmem.so.1.0.0" ] || { echo "no links: $(ls -l "$prefix/lib")"; exit 1; }
readelf -d "$prefix/lib/libhakmem.so" | grep -q 'SONAME.*\[libhakmem\.so\.1\]' || fail "the library's soname has no version"
readelf -d linked | grep -q 'NEEDED.*\[libhakmem\.so\.1\]' || fail "a linked program needs no version"
# CMake finds the tree where it lies now; a later version is refused, an earlier one of the same series is not.
mkdir project && cp asks.c project/
cat >project/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.13)
set(CMAKE_C_COMPILER_WORKS 1)
project(asks C)
find_package(hakmem 0.2 QUIET)
if(hakmem_FOUND)
  message(FATAL_ERROR "0.1 stands for 0.2")
endif()
find_package(hakmem 0.1.0 REQUIRED)
add_executable(shared asks.c)
target_link_libraries(shared hakmem::hakmem)
add_executable(static asks.c)
target_link_libraries(static hakmem::static)
END
CC=${CC:-cc} cmake -S project -B project/build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >cmake.log 2>&1 && ninja -C project/build >>cmake.log 2>&1 ||
    { cat cmake.log; exit 1; }
for how in shared static; do
    [ "$(project/build/$how)" = "all agrees" ] || fail "linked by CMake ($how), hak_verify does not find that all agrees"
done
readelf -d project/build/static | grep -q libhakmem && fail "hakmem::static needs the shared library"
rm "$prefix/lib/libhakmem.so"
[ "$(./linked)" = "all agrees" ] || fail "without the link for the linker a program does not run"
make -s -C "$SOURCE" BUILD="$BUILD" uninstall DESTDIR="$PWD/root" PREFIX=/opt/hakmem
# Libraries, pages and gdb's scripts in folders of their own, as Debian has them.
folder=usr/lib/x86_64-linux-gnu
apart=(DESTDIR="$PWD/apart" PREFIX=/usr LIBDIR="/$folder" DOCDIR=/usr/share/doc/hakmem-tools AUTOLOAD=/usr/share/gdb/auto-load)
make -s -C "$SOURCE" BUILD="$BUILD" install "${apart[@]}" >install.log 2>&1 || { cat install.log; exit 1; }
[ -f apart/usr/lib/hakmem/hakmem-debug.so ] && [ -f apart/$folder/libhakmem.so.1.0.0 ] || fail "LIBDIR: $(find apart -name '*.so*')"
[ -f apart/usr/share/doc/hakmem-tools/docs/INDEX.md ] && [ ! -e apart/usr/share/doc/hakmem ] || fail "DOCDIR: $(ls apart/usr/share/doc)"
[ "$(find apart -name '*-gdb.py' -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')" = "usr/lib/hakmem/hakmem-gdb.py usr/share/gdb/auto-load/usr/lib/hakmem/hakmem-debug.so-gdb.py usr/share/gdb/auto-load/$folder/libhakmem.so.1.0.0-gdb.py " ] ||
    fail "AUTOLOAD: $(find apart -name '*-gdb.py')"
"$SOURCE/tests/tools/named_paths.sh" apart usr/share/doc/hakmem-tools || exit 1
PKG_CONFIG_PATH=apart/$folder/pkgconfig pkg-config --variable=libdir hakmem | grep -qx /$folder || fail "pkg-config does not name LIBDIR"
rm -rf project/build
CC=${CC:-cc} cmake -S project -B project/build -G Ninja -DCMAKE_PREFIX_PATH="$PWD/apart/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu >cmake.log 2>&1 &&
    grep -q "$PWD/apart/usr/include" project/build/build.ninja && grep -q "$PWD/apart/$folder/libhakmem" project/build/build.ninja ||
    fail "CMake does not find LIBDIR" "$(cat cmake.log)"
make -s -C "$SOURCE" BUILD="$BUILD" uninstall "${apart[@]}"
# A link on this machine says nothing of where the tree will lie.
mkdir -p far/away && ln -s far/away near
make -s -C "$SOURCE" BUILD="$BUILD" install DESTDIR="$PWD/linked_root" PREFIX="$PWD" LIBDIR="$PWD/near/lib" >install.log 2>&1 || { cat install.log; exit 1; }
grep -qF '/../../../.."' "linked_root$PWD/near/lib/cmake/hakmem/hakmem-config.cmake" && ! grep -qF '/../../../../.."' "linked_root$PWD/near/lib/cmake/hakmem/hakmem-config.cmake" ||
    { echo "the way to the prefix follows a link: $(grep -F '/..' "linked_root$PWD/near/lib/cmake/hakmem/hakmem-config.cmake")"; exit 1; }
make -s -C "$SOURCE" BUILD="$BUILD" uninstall DESTDIR="$PWD/linked_root" PREFIX="$PWD" LIBDIR="$PWD/near/lib"
left=$(find root apart linked_root ! -type d)
[ -z "$left" ] || fail "make uninstall leaves $left"
