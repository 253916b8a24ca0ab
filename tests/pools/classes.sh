#!/usr/bin/env bash
# hakmem_pools.hpp compiles with all warnings under g++ and clang++, its classes are correct where the program is, and each misuse has its
# exact report, at the line of the program that the source marks.
. "${SOURCE:?}/tests/tools/pools.sh"
begin_reports "$@"
cp "$SOURCE/tests/pools/classes.cpp" .
strict=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wold-style-cast -Wnon-virtual-dtor -Werror -g -O1 -I "$SOURCE/include")
for compiler in "clang++ -std=c++20" "clang++ -std=c++17" "${CXX:-g++} -std=c++20" "${CXX:-g++} -std=c++17"; do
    $compiler "${strict[@]}" -o classes classes.cpp || complain "$compiler: classes.cpp does not compile"
    [ "$(./classes correct)" = '441 201 102 590' ] || complain "$compiler, without hakmem: $(./classes correct)"
    for level in normal trace light; do
        said=$(HAKMEM_CHECK=$level HAKMEM_GUARD="$([ $level = light ] && echo auto || echo all)" LD_PRELOAD=$BUILD/hakmem-debug.so ./classes correct 2>&1) || complain "$compiler, $level: status $?"
        [ "$said" = '441 201 102 590' ] || complain "$compiler, $level: $said"
    done
done

printf '%s\n' other outlive twice | sed 's/^/classes /' | each_in_parallel misuse || failed=1
