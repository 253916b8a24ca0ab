#!/usr/bin/env bash
# `reduce`: a recorded fault becomes few steps and a C program that gives the same code; what cannot be reduced is said.
. "${SOURCE:?}/tests/tools/reduced.sh"

# program NAME STEPS: reduces to no more than STEPS, in under 100 lines of C, and the program gives the fault each time.
program() {
    local row words
    ! left_out "$1" || return 0
    row=$(reduced "$1" 2) || { complain "$row"; return; }
    read -ra words <<<"$row"
    [ "${words[2]}" -le "$2" ] || complain "$1: ${words[2]} steps, at most $2 were expected"
    [ "${words[3]}" -lt 100 ] || complain "$1: ${words[3]} lines of C"
    [ "${words[5]}" -eq 2 ] || complain "$1: ${words[5]} of 2 runs of its program give ${words[1]}"
}
program overflow_free 3
program overflow_realloc 3
program overflow_grown 3
program underflow_free 3
program double_free_threads 3
program bad_free_inside 2
program bad_free_static 1
program use_after_free_write 3
program use_after_free_size 3
program write_after_free_realloc 10
program string_read 2
program mismatch_array_delete 3
program type_mismatch_size 2
program offset16 60
program type_mismatch_alignment 2
program string_printed 2
program use_after_free_thread 3
program pool_mismatch 6
program pool_use_after_destroy 4
program pool_double_alloc 6
program pool_illegal_move 5
program pool_early_move 5
program pool_overflow 6
program pool_overflow_exit 5

grep -q '^static void close_session_2(void)' double_free_threads.c || complain 'the functions do not have the names of the stacks'
grep -q 'block\[1\] + ' bad_free_inside.c || complain 'the address that is freed does not lie in a block any more'
grep -q '^1 malloc 1 1 0' overflow_free.said || complain "no smaller size was tried: $(cat overflow_free.said)"
grep -q '^1 malloc 1 1 0' double_free_threads.said || complain "threads were not joined: $(cat double_free_threads.said)"
grep -q 'DELETE_ALIGNED\|_ZdlPvSt11align_val_t' type_mismatch_alignment.c && complain 'the wrong delete became the right one'

grep -q '^1 pool-alloc 1 ' pool_early_move.said || complain "a move from out became one from new: $(cat pool_early_move.said)"

# The head says who else sees it.
seen() { # PROGRAM WORDS: the head of its program has a line with WORDS
    grep -q "^ \*     $2" "$1.c" || complain "$1: '$2' is missing: $(head -n 13 "$1.c")"
}
seen overflow_free 'hakmem: HKM-301 in 10 of 10 runs'
left_out glibc_words || seen double_free_threads 'glibc: free(): double free detected'
[ ! -e use_after_free_write.c ] || seen use_after_free_write 'glibc: sees nothing'
if echo 'int main(void) { return 0; }' | cc -fsanitize=address -x c -o sanitized - 2>/dev/null && ./sanitized; then
    seen overflow_free "address sanitizer: heap-buffer-overflow"
    seen use_after_free_write "address sanitizer: heap-use-after-free"
    seen type_mismatch_size "address sanitizer: new-delete-type-mismatch"
else
    echo "skipped: address sanitizer: cc has none"
fi
"$trace" reduce -s overflow_free.db --json | python3 -c 'import json, sys; d = json.load(sys.stdin)
assert d["shortest"] and d["variables"] == d["variables"].strip(), d' || complain 'JSON'
grep -q 'HAKMEM_INJECT=offset16:1' offset16.c || complain 'the variables of a fault of the layers are missing'
grep -q 'HAKMEM_INJECT puts this fault in' offset16.c || complain 'nobody says that the fault was put in on purpose'

# An aligned object ends by the delete that fits: another one would be a fault of its own.
cat >aligned.cc <<'C'
#include <new>
struct alignas(64) line { char c[64]; };
int main() {
    line *volatile p = new line;
    delete p;
    p->c[3] = 1;
}
C
${CXX:-c++} -std=c++17 -g -O0 -w -o aligned aligned.cc || fail 'aligned.cc does not compile'
if ! left_out aligned; then
    HAKMEM_GUARD_WATCH=off HAKMEM_GUARD=all "$trace" run -f --check normal -s aligned.db -- ./aligned >/dev/null 2>&1
    "$trace" reduce -s aligned.db --fault 1 --c aligned.c >said 2>&1 || complain "aligned: $(head -n 2 said)"
    grep -q '^1 delete-aligned 1 0 ' said && grep -q _ZdlPvSt11align_val_t aligned.c || complain "aligned: another delete: $(cat said)"
fi

# Objects of C++ end by the operator that fits, which is the sized one in C++14 and later.
cat >deleted.cc <<'C'
struct session { char c[40]; };
int main(int count, char **) {
    session *volatile p = new session;
    delete p;
    if (count == 1)
        delete p;
    for (int i = 0; i < 6000 && count > 1; i++)
        delete new session;
    if (count > 1)
        p->c[3] = 1;
}
C
${CXX:-c++} -std=c++17 -g -O0 -w -o deleted deleted.cc || fail 'deleted.cc does not compile'
for arguments in '' more; do
    [ -z "$arguments" ] || ! left_out deleted_more || continue
    # shellcheck disable=SC2086 # none or one
    HAKMEM_GUARD_WATCH=off "$trace" run -f --check normal -s deleted.db -- ./deleted $arguments >/dev/null 2>&1
    "$trace" reduce -s deleted.db --fault 1 --c deleted.c >said 2>&1 || complain "deleted $arguments: $(head -n 2 said)"
    grep -q '_ZdlPv' deleted.c || complain "deleted $arguments: no delete in its program"
done

cp overflow_free.db kept.db
"$trace" reduce -s kept.db --fault 1 --c kept.db >said 2>&1
status=$?
[ $status -eq 3 ] && cmp -s overflow_free.db kept.db || complain "a program was written over a capture: status $status: $(cat said)"
"$trace" reduce -s overflow_free.db --fault 1 --c - >alone 2>&1 && [ "$(head -c 2 alone)" = '/*' ] && [ "$(tail -n 1 alone)" = '}' ] ||
    complain "the program is not alone on stdout: $(tail -n 3 alone)"

"$trace" reduce -s overflow_free.db --fault 9 >said 2>&1
status=$?
[ $status -eq 2 ] && grep -q 'no fault 9: overflow_free.db holds 1 fault' said || complain "a fault that is not there: status $status: $(cat said)"
[ $failed -eq 0 ]
