#!/usr/bin/env bash
# `reduce`: a recorded fault becomes few steps and a C program that gives the same code; what cannot be reduced is said.
. "${SOURCE:?}/tests/tools/reduced.sh"

# program NAME STEPS: reduces to no more than STEPS, in under 100 lines of C, and the program gives the fault each time.
program() {
    local row words
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

grep -q '^static void \*close_session_2' double_free_threads.c || complain 'the functions do not have the names of the stacks'
grep -q 'malloc(100)' bad_free_inside.c || complain 'the address that is freed does not lie in a block any more'
grep -q 'HAKMEM_INJECT=offset16:1' offset16.c || complain 'the variables of a fault of the layers are missing'
grep -q 'HAKMEM_INJECT puts this fault in' offset16.c || complain 'nobody says that the fault was put in on purpose'

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
[ $status -eq 2 ] && grep -q 'holds no such fault' said || complain "a fault that is not there: status $status: $(cat said)"
[ $failed -eq 0 ]
