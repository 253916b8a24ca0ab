#!/usr/bin/env bash
# cppcheck finds nothing in src, viewer and tools but the false alarms listed in cppcheck.txt. Assembler is hidden from it:
# cppcheck 2.17 leaves out every file with a variable that names its register, as raw_call.h has. Without the system's headers
# 2.22 leaves out every file that asks __GLIBC_PREREQ, unless it is defined. A room is looked at as the unit that BUILD compiles, and
# finds the same in a third less time. With -j each has a process of its own: a process grows slower from file to file. For CHANGED=1 and the
# quick tier see tests/tools/changed.sh.
# timeout: 1800
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
cache=$BUILD/cppcheck && mkdir -p "$cache"
# shellcheck source=tests/tools/changed.sh
. tests/tools/changed.sh
find_sources
# look [OPTION...] FILE...
look() {
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --std=c11 \
        --suppress=missingInclude --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
        --suppressions-list=tests/lint/cppcheck.txt -D__x86_64__ '-D__asm__(name)=' '-D__GLIBC_PREREQ(major,minor)=1' -DHAK_DEBUG=1 \
        -Isrc -Iinclude -I. -j2 --cppcheck-build-dir="$cache" "$@" 2>&1
}
# These two end the look at a file, and of a unit that would be a whole room.
[ ${#units[@]} -eq 0 ] || look "${units[@]}" || status=1
[ ${#apart[@]} -eq 0 ] || look --suppress=preprocessorErrorDirective --suppress=unknownMacro "${apart[@]}" || status=1
exit "${status:-0}"
