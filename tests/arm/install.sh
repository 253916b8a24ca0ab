#!/usr/bin/env bash
# make install of a build for arm64 without a root of arm64 lays what was built: the libraries that need libc alone, and what is linked with
# them. make uninstall takes all of it away.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm hakmem-record.so
install=("${make_arm[@]}" DESTDIR="$PWD/root" PREFIX=/usr LIBDIR=/usr/lib/aarch64-linux-gnu)
"${install[@]}" install >made 2>&1 || fail "make CROSS=$cross install: $(tail -n 5 made)"
# shellcheck disable=SC2154 # $cross
while read -r file; do
    [ -e "root/usr/$file" ] || complain "$file was not installed"
    case $file in *.so*) ${cross}readelf -h "root/usr/$file" | grep -q 'Machine: *AArch64' || complain "$file is not for arm64" ;; esac
done <<'END'
lib/aarch64-linux-gnu/libhakmem.so
lib/aarch64-linux-gnu/libhakmem.a
lib/aarch64-linux-gnu/pkgconfig/hakmem.pc
lib/hakmem/hakmem-debug.so
lib/hakmem/hakmem-record.so
include/hakmem.h
include/hakmem_pools.hpp
include/hakmem/valgrind/valgrind.h
include/hakmem/valgrind/memcheck.h
include/hakmem/sanitizer/asan_interface.h
share/doc/hakmem/docs/arm.md
END
other=$(cd root/usr && find . -path ./share/doc -prune -o -type f -printf '%f\n' | grep -vE '^(libhakmem\.(so\.[0-9.]*|a)|hakmem-(debug|record)\.so|hakmem\.(h|pc)|hakmem_pools\.hpp|(valgrind|memcheck|asan_interface)\.h|hakmem-config(-version)?\.cmake|.*-gdb\.py)$')
[ -z "$other" ] || complain "what was not asked for: $other"
"${install[@]}" uninstall >made 2>&1 || complain "make CROSS=$cross uninstall: $(tail -n 5 made)"
left=$(find root ! -type d)
[ -z "$left" ] || complain "make uninstall leaves $left"
