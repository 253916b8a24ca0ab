#!/usr/bin/env bash
# Real programs with every block guarded, or the first four of each site, say and do what they do without,
# nothing is reported, and the capture answers what the reference decoder reads. Each program goes two of these
# ways, with FULL=1 all.
# timeout: 1800
. "${SOURCE:?}/tests/tools/small_programs.sh"
decoder=$BUILD/tests/tools/reference_decoder

# run NAME LEVEL POLICY SIDE COMMAND...
run() {
    local name=$1.$2.$3.$4 level=$2 policy=$3 side=$4
    shift 4
    run_without "$@"
    HAKMEM_GUARD=$policy HAKMEM_GUARD_SIDE=$side HAKMEM_GUARD_MEMORY=256M "$trace" run --wait --check "$level" \
        --store "$name.db" -- "$@" >found.out 2>found.err </dev/null
    compare_with_due "$name" $?
    "$trace" check -s "$name.db" >out 2>&1 || complain "$name: $(head -n 5 out)"
    [ "$("$trace" sql -s "$name.db" "select count(*) > 100 from event where kind = 'MALLOC'" | tail -n 1)" = 1 ] ||
        complain "$name: fewer than 100 blocks were recorded"
    /usr/bin/python3 "$SOURCE/tests/tools/equal_answers.py" "$trace" "$decoder" "$name.db" 20 3 >out 2>&1 ||
        complain "$name: $(cat out)"
    rm -f "$name.db"
}

cat >work.py <<'END'
import json
rows = [{"n": i, "list": [str(j) for j in range(i % 20)]} for i in range(1000)]
text = json.dumps(rows)
print(len(text), len(json.loads(text)))
END
cat >work.c <<'END'
#include <stdio.h>
int main(void) { for (int i = 0; i < 10; i++) printf("%d\n", i * i); return 0; }
END
make_inputs 1000

# Each with LEVEL POLICY SIDE.
run_perl() { run perl "$@" perl -e 'my %h; $h{$_ % 97} .= "x$_" for 1..5000; print join(",", map { length $h{$_} } sort keys %h), "\n"'; }
run_python() { run python "$@" /usr/bin/python3 work.py; }
run_sqlite() { run sqlite "$@" sqlite3 -batch :memory: '.read work.sql'; }
run_git() { run git "$@" git -C repository log --stat; }
run_gcc() { run gcc "$@" gcc -O1 -c -o work.o work.c; }
run_each() {
    run_perl "$@"
    run_python "$@"
    run_sqlite "$@"
    run_git "$@"
    run_gcc "$@"
}
if [ "${FULL:-0}" = 1 ]; then
    run_each normal all after
    run_each normal all before
    run_each normal sites:4 both
    run_each trace sites:4 after
    run_sqlite trace all both
    run_python trace all both
else
    run_perl normal all after
    run_gcc normal all after
    run_python normal all before
    run_git normal all before
    run_sqlite normal sites:4 both
    run_gcc normal sites:4 both
    run_git trace sites:4 after
    run_perl trace sites:4 after
    run_sqlite trace all both
    run_python trace all both
fi
exit "$failed"
