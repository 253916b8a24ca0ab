#!/usr/bin/env bash
# The libraries of examples/pools, built as its README says: each sample runs to its end without hakmem, the correct ones with it, too, and each
# fault of a pool has its exact report. LIBRARIES: which of apr, postgres.
# timeout: 7200
. "${SOURCE:?}/tests/tools/faults.sh"
. "$SOURCE/tests/long/sizes"
begin_reports "$@"
pools=$SOURCE/examples/pools
server=(server/bin/postgres --single -j -D data postgres)
as=() # PostgreSQL does not run as root
[ "$(id -u)" -ne 0 ] || { as=(setpriv --reuid=nobody --regid=nogroup --clear-groups) && chmod 755 .; }

# compare NAME STATUS: what is in the file `printed`, a report, is examples/pools/NAME.report.
compare() {
    [ "$2" -eq 134 ] || complain "$1: status $2: $(head -n 3 printed)"
    normalise_report <printed | sed -E 's,pool [0-9]+,pool N,' >found
    [ $update -eq 0 ] || cp found "$pools/$1.report"
    diff -u --label "$1.report" --label 'what it printed' "$pools/$1.report" found || failed=1
}
under_hakmem() { HAKMEM_GUARD=off LD_PRELOAD=$BUILD/hakmem-debug.so "$@" >printed.out 2>printed; } 2>/dev/null

if [[ " $LIBRARIES " != *" apr "* ]]; then
    :
elif apr=$("$pools/source" apr); then
    "$pools/apr/build" "$apr" "$SOURCE/include" >apr.log 2>&1 || { tail apr.log; fail 'apr is not built'; }
    ./requests >plain && ./requests late | cmp - plain || complain 'apr, without hakmem: another output'
    under_hakmem ./requests && cmp printed.out plain && [ ! -s printed ] || complain "apr, correct: $(cat printed)"
    under_hakmem ./requests late
    compare apr/late $?
else
    echo 'skipped: APR: its source cannot be fetched'
fi

ask() { printf "create function %s() returns void language c as '%s/chunks', '%s';\n\nselect %s();\n\ndrop function %s();\n\n" "$1" "$PWD" "$1" "$1" "$1"; }
if [[ " $LIBRARIES " != *" postgres "* ]]; then
    :
elif postgres=$("$pools/source" postgresql-15); then
    "$pools/postgres/build" "$postgres" "$SOURCE/include" >postgres.log 2>&1 || { tail postgres.log; fail 'PostgreSQL is not built'; }
    mkdir data && chown "$([ ${#as[@]} -eq 0 ] && id -u || echo nobody)" data && "${as[@]}" server/bin/initdb -D data >initdb.log 2>&1 || { tail initdb.log; fail 'initdb'; }
    for does in free_twice free_late free_well; do
        ask $does | "${as[@]}" "${server[@]}" >said 2>&1 && grep -q "$does = \"\"" said || complain "PostgreSQL, without hakmem: $does: $(cat said)"
    done
    ask free_well | HAKMEM_TRACE=off under_hakmem "${as[@]}" "${server[@]}" && ! grep hakmem printed || complain "free_well: $(cat printed)"
    for does in twice late; do
        ask free_$does | HAKMEM_TRACE=off under_hakmem "${as[@]}" "${server[@]}"
        status=$?
        sed -i '/LOG: /d' printed
        compare postgres/$does $status
    done
else
    echo 'skipped: PostgreSQL: its source cannot be fetched'
fi
