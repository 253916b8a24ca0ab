#!/usr/bin/env bash
# Each event tells which call it was: malloc, calloc, aligned, realloc, new, new[] and their aligned
# forms; free, free_sized, delete, delete[] and their sized and aligned forms. And a counting preload
# in front of hakmem-debug.so counts as many calls of a C++ program as are stored.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/real_program.sh"
here=$SOURCE/tests/family
cxx=g++
case "${CC:-cc}" in *clang*) cxx="clang++ -fsized-deallocation" ;; esac
$cxx -std=c++17 -w -O0 -g -o kinds "$here/kinds.cpp" || fail "kinds.cpp does not compile"
$cxx -std=c++17 -w -O0 -g -o operators "$here/operators.cpp" -lpthread || fail "operators.cpp does not compile"

cat >due <<'END'
1001	malloc	free
1002	calloc	free
1003	aligned_alloc	free
1004	realloc	free
1005	malloc	free_sized
1006	aligned_alloc	free_aligned_sized
1007	new	delete
1008	new	sized delete
1009	new[]	delete[]
1010	new[]	sized delete[]
1011	aligned new	aligned delete
1012	aligned new	sized aligned delete
1013	aligned new[]	aligned delete[]
1014	aligned new[]	sized aligned delete[]
END
for check in trace normal; do
    "$trace" run -s "kinds.$check.db" --check "$check" -- ./kinds || fail "$check: status $?"
    "$trace" sql -s "kinds.$check.db" 'select size, call, end_call from life where size between 1001 and 1014 order by id' >said
    diff due said || fail "$check: the table life names other calls"
    "$trace" events -s "kinds.$check.db" --no-pager --kind MALLOC,FREE >events.out || fail "events: status $?"
    for words in 'new\[\](1,009)' 'aligned new(1,012)' 'sized aligned delete\[\] ' 'free_sized '; do
        grep -q " $words" events.out || fail "events does not say $words"
    done
done

# The story of one block, and the report of a fault, in the same words.
address=$("$trace" sql -s kinds.normal.db "select printf('0x%x', user) from life where size = 1009")
"$trace" why "$address" -s kinds.normal.db --no-pager >why.out
grep -q 'new\[\](1,009)' why.out || fail "why does not say new[](1,009): $(cat why.out)"
grep -q 'delete\[\]' why.out || fail "why does not say delete[]: $(cat why.out)"
cat >twice.cpp <<'END'
int main() {
    int *volatile block = new int[100];
    delete[] block;
    delete[] block;
}
END
$cxx -w -O0 -g -o twice twice.cpp || fail "twice.cpp does not compile"
"$trace" run -s twice.db -- ./twice >said 2>errors
[ $? -eq 1 ] || fail "a double delete[] was not reported"
grep -q '^hakmem: HKM-202 double-free: .* calls delete\[\] on a 400-byte block already freed by ' errors ||
    fail "the report does not name delete[]: $(head -n 1 errors)"

cxx_story() { "${under[@]}" "$top/operators"; }
addresses=10 check_program cxx_story
