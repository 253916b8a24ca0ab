#!/usr/bin/env bash
# One fault that many threads commit at the same moment is reported once, as what it is, whether the program dies
# of it, hears of it in a handler of its own, or goes on; and the store has one row of it.
set -u
unset "${!HAKMEM_@}"
ulimit -c 0
failed=0

# once FAULT NAME LEVEL ON_FAULT [HANDLER]
once() {
    local fault=$1 name=$2 level=$3 rows
    rm -f once.db
    "$BUILD/hakmem-trace" run --check "$level" --on-fault "$4" -s once.db -- "$BUILD/tests/crash/at_once" "$fault" 24 ${5:+"$5"} >said 2>&1
    grep '^SUMMARY: ' said >summaries
    rows=$("$BUILD/hakmem-trace" sql -s once.db 'SELECT count(*) FROM fault')
    grep -q "^SUMMARY: hakmem: $name at_once.c:" summaries && [ "$(wc -l <summaries)" -eq 1 ] && [ "$rows" = 1 ] && return
    echo "$*: rows of the store: $rows; reports:"
    cat summaries
    failed=1
}

for on_fault in stop continue; do
    once free double-free trace $on_fault
    once free double-free normal $on_fault
    once read use-after-free normal $on_fault
done
once free double-free trace stop handler
once free double-free normal stop handler
once read use-after-free normal stop handler
exit $failed
