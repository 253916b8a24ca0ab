#!/usr/bin/env bash
# A correct program of threads, children, alignments and signals gives no report under HAKMEM_GUARD=all, on each
# side, in each level and layout, recorded or only checked, with much room and with little; its capture is
# whole; `info` and `layers` say what was guarded. So do programs that have no mappings left. The same with the
# first blocks of each site, and with none; a signal handler that allocates, on its own stack or not, at any moment
# or at each instruction of malloc and free, finds and does no harm. FULL=1 takes each level with each side and way.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
full=${FULL:-0} turns=500
[ "$full" = 0 ] || turns=1500

# said STORE: what `info` says of guarded blocks.
said() {
    "$trace" info -s "$1" | sed -n 's/^guarded *//p'
}

# run NAME PROGRAM ARGUMENT [VARIABLE=VALUE...]
run() {
    local name=$1 program=$2 argument=$3 words
    shift 3
    read -ra words <<<"$argument"
    [ "$program" != correct ] || words=("${words[0]:-with-handler}" "$turns")
    env HAKMEM_GUARD=all "$@" "$trace" run --wait --leaks=error --store "$name.db" -- "$BUILD/tests/guarded/$program" "${words[@]}" \
        >"$name.out" 2>"$name.err" || complain "$name: status $?"
    # A run that asks for registers is told if they never fire.
    [[ $* != *HAKMEM_WATCH=* ]] ||
        sed -i '/^hakmem: HAKMEM_WATCH: no debug register watches: debug registers do not fire on this machine$/d' "$name.err"
    [ "$(cat "$name.out")" = well ] && [ ! -s "$name.err" ] || complain "$name: it says $(head -n 5 "$name.out" "$name.err")"
}

for level in trace normal; do
    for side in after before both; do
        case $full.$level.$side in 0.trace.before | 0.trace.both | 0.normal.after) continue ;; esac
        run "$level.$side" correct "" "HAKMEM_CHECK=$level" "HAKMEM_GUARD_SIDE=$side" HAKMEM_GUARD_MEMORY=1G
        "$trace" check -s "$level.$side.db" >out 2>&1 || complain "$level.$side: $(head -n 5 out)"
        [ "$level.$side" = normal.both ] || rm -f "$level.$side.db"
    done
done
case $(said normal.both.db) in
*' blocks; not guarded: '*' for an alignment above a page') ;;
*' blocks') ;;
*) complain "info says of guarded blocks: $(said normal.both.db)" ;;
esac
"$trace" layers -s normal.both.db >out 2>&1 || complain "layers: status $?"
grep -q '^Guarded  [0-9,]* blocks' out || complain "layers does not say what was guarded"
run little correct "" HAKMEM_GUARD_MEMORY=1M
case $(said little.db) in
*' since HAKMEM_GUARD_MEMORY was used up'*) ;;
*) complain "info says of a run with little memory: $(said little.db)" ;;
esac
run same correct "" HAKMEM_LAYOUT=same HAKMEM_GUARD_MEMORY=1G
run header correct "" HAKMEM_CHECK=trace HAKMEM_LAYOUT=header HAKMEM_GUARD_MEMORY=1G
run byte correct "" HAKMEM_GUARD_MEMORY=1G HAKMEM_JUNK=1
for every in 500 10; do # the more sweeps, the more of them are interrupted by a handler that frees
    env HAKMEM_GUARD=all HAKMEM_TRACE=off HAKMEM_SWEEP_EVERY=$every LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/guarded/correct" with-handler $turns \
        >off.out 2>&1 || complain "not recorded, a sweep each $every calls: status $?"
    [ "$(cat off.out)" = well ] || complain "not recorded, a sweep each $every calls: $(head -n 5 off.out)"
done
for level in trace normal; do
    [ $full.$level != 0.trace ] || continue
    run "sites.$level" correct "" "HAKMEM_CHECK=$level" HAKMEM_GUARD=sites:4 HAKMEM_GUARD_SIDE=both
    "$trace" check -s "sites.$level.db" >out 2>&1 || complain "sites.$level: $(head -n 5 out)"
    case $(said "sites.$level.db") in
    *' blocks'*) ;;
    *) complain "info says of the first blocks of each site: $(said "sites.$level.db")" ;;
    esac
done
run sites.little correct alternate-stack HAKMEM_GUARD=sites:100 HAKMEM_GUARD_MEMORY=1M
run sites.junk correct "" HAKMEM_GUARD=sites:1 HAKMEM_JUNK=1
for level in trace normal; do
    run "none.$level" correct "" "HAKMEM_CHECK=$level" HAKMEM_GUARD=off
    "$trace" check -s "none.$level.db" >out 2>&1 || complain "none.$level: $(head -n 5 out)"
    [ $full.$level = 0.normal ] || run "none.$level.alternate" correct alternate-stack "HAKMEM_CHECK=$level" HAKMEM_GUARD=off
    [ $full.$level = 0.trace ] || run "none.$level.unrecorded" correct "" "HAKMEM_CHECK=$level" HAKMEM_GUARD=off HAKMEM_TRACE=off
    ! left_out stepped || continue
    run "stepped.$level" stepped "" "HAKMEM_CHECK=$level" HAKMEM_GUARD=off HAKMEM_TRACE=off
    [ $full.$level != 0.trace ] || continue
    # A small ring, so that hakmem waits for room, with all signals blocked, while it is stepped through.
    env HAKMEM_CHECK="$level" HAKMEM_GUARD=sites:4 HAKMEM_TRACE_RING=16K "$trace" run --wait --store "left.$level.db" -- "$BUILD/tests/guarded/stepped" leave \
        >left.out 2>&1 || complain "left.$level: status $?"
    [ "$(cat left.out)" = well ] || complain "left.$level: it says $(head -n 5 left.out)"
done
left_out watched || run sites.watched correct without-handler HAKMEM_GUARD=sites:4 HAKMEM_WATCH=2
! left_out mappings || exit "$failed"
run mappings.0 mappings "0 $((turns * 4))"
# Guard markers take no mapping (Linux 6.15).
said mappings.0.db | grep -Eq "since the kernel gave no pages|^[1-9],[0-9]{3} blocks" ||
    complain "info says of a run without mappings: $(said mappings.0.db)"
[ "$full" = 0 ] || for spare in 10 200; do
    run "mappings.$spare" mappings $spare
done
