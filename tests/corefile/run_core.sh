#!/usr/bin/env bash
# run --core: the report of a crash lies beside the core file; where the kernel writes none, or hands it to a program, beside the store.
. "${SOURCE:?}/tests/tools/test.sh"
pattern=$(cat /proc/sys/kernel/core_pattern)

cat >program.c <<'END'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int main(int count, char **arguments) {
    char *volatile block = malloc(24);
    if (arguments[1][0] == 'c' && fork() > 0)
        return wait(NULL) < 0;
    if (arguments[1][0] == 't')
        raise(SIGTERM);
    if (arguments[1][0] != 'f')
        block[24] = (char)count;
    free(block);
    return 0;
}
END
"${CC:-cc}" -g -O0 -w -o "pro gram" program.c || fail "cc"

# run STORE WORD: the status is in `status`, the path of the report, as it is said, in `report`.
run() {
    rm -rf ./*.hakmem.txt core*
    "$trace" run --core -s "$1" -- "./pro gram" "$2" >out 2>err
    status=$?
    report=$(sed -n 's/^hakmem: \(.*\.hakmem\.txt\)$/\1/p' err)
}
run one.db x
[ $status = 1 ] && [ -f "$report" ] || fail "status $status, report '$report': $(cat err)"
[ "$(stat -c %a "$report")" = 600 ] || fail "rights of the report"
grep -q '^hakmem: HKM-301 heap-buffer-overflow' "$report" || fail "no report in it: $(cat "$report")"
tail -n 1 "$report" | grep -qx "STORE     $PWD/one.db" || fail "no store in it: $(cat "$report")"
pid=$("$trace" sql -s one.db 'select pid from process' | tail -n 1)
case $pattern in
'|'*)
    [ "$report" = "one.$pid.hakmem.txt" ] || fail "the report is $report"
    grep -q "^hakmem: no core of process $pid (pro gram): the kernel hands cores to a program" err || fail "$(cat err)"
    ;;
*)
    core=${report%.hakmem.txt}
    [ -f "$core" ] || fail "the report is beside no core: $report"
    "$trace" core "$core" --check >found 2>&1
    [ $? = 1 ] && grep -q '^HKM-301' found || fail "the core beside it: $(cat found)"
    tail -n 2 "$report" | head -n 1 | grep -qF "NEXT      hakmem-trace core $core --check     gdb '$PWD/pro gram' $core" || fail "NEXT: $(tail -n 2 "$report")"
    # An older report goes with the core that was there.
    cp "$report" kept && echo old >"$report" && ln -s "$report" link
    "$trace" run --core -s two.db -- "./pro gram" x >out 2>err
    report=$(sed -n 's/^hakmem: \(.*\.hakmem\.txt\)$/\1/p' err)
    grep -q two.db "$report" || fail "an older report was left: $(cat err)"
    ;;
esac

# The hard limit is 0: no core, and the report lies beside the store; of a child as well.
case $pattern in
'|'*) ;;
*)
    rm -rf ./*.hakmem.txt core*
    (ulimit -Hc 0 && exec "$trace" run --core -s none.db -- "./pro gram" child) >out 2>err
    pid=$("$trace" sql -s none.db 'select pid from process where signal > 0' | tail -n 1)
    grep -q "^hakmem: no core of process $pid (pro gram): the hard limit of core files is 0 (ulimit -Hc)$" err || fail "limit: $(cat err)"
    grep -q HKM-301 "none.$pid.hakmem.txt" || fail "limit: no report beside the store: $(ls)"
    ;;
esac

# Nothing was found: nothing is written, nothing is said.
for words in fine term; do
    run $words.db $words
    [ -z "$report" ] && [ ! -s err ] || fail "$words: $(cat err)"
    [ -z "$(find . -name '*.hakmem.txt')" ] || fail "$words: $(ls)"
done

# A link in the report's place is replaced, not written through.
run three.db x
rm -f "${report%.hakmem.txt}" && echo mine >victim && ln -sf victim "$report"
"$trace" run --core -f -s three.db -- "./pro gram" x >out 2>err
[ "$(cat victim)" = mine ] || fail "a link: $(cat err)"
exit 0
