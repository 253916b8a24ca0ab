#!/usr/bin/env bash
# A baseline knows a leak with its blocks and bytes: one that grew by more than --leak-growth (20 %) is a new finding that says from what to
# what, in `run --ci`, its report, `faults`, `leaks`, JUnit and SARIF. A baseline without figures knows it however large it is.
. "${SOURCE:?}/tests/tools/test.sh"
"${CC:-cc}" -w -O1 -g -o leaks_counted "$SOURCE/tests/cli/leaks_counted.c" || exit 2
base=(--baseline known.json)
grown='grew from 266 blocks (26,600 bytes) to 666 blocks (66,600 bytes)'

# ci BLOCKS STATUS [OPTION...]: `run --ci` of a program that loses so many blocks
ci() {
    local blocks=$1 status=$2
    shift 2
    rm -f now.*
    "$trace" run --ci -s now.db "$@" -- ./leaks_counted "$blocks" >said 2>&1
    local is=$?
    [ $is = "$status" ] || complain "$blocks blocks, $*: status $is, and $(cat said)"
}
ci 266 1
"$trace" faults -s now.db --write-baseline known.json >said || complain "no baseline: $(cat said)"
python3 -c 'import json; [one] = json.load(open("known.json"))["findings"]; assert (one["blocks"], one["bytes"]) == (266, 26600), one' || complain "no figures: $(cat known.json)"
python3 -c 'import json; base = json.load(open("known.json")); [base["findings"][0].pop(name) for name in ("blocks", "bytes")]; json.dump(base, open("old.json", "w"))'
ci 319 0 "${base[@]}" # 19.9 %
ci 320 1 "${base[@]}" # 20.3 %
ci 100 0 "${base[@]}"
ci 666 0 --baseline old.json
ci 666 0 "${base[@]}" --leak-growth 151%
ci 319 1 "${base[@]}" --leak-growth 0
ci 666 2 "${base[@]}" --leak-growth much
grep -q 'leak-growth' said || complain "a limit that is none: $(cat said)"
ci 666 1 "${base[@]}"
grep -qF "memory-leak in lose leaks_counted.c:6 (leaks_counted); $grown" said || complain "run --ci: $(cat said)"
grep -qF "      known to the baseline, and $grown" now.log || complain "the report: $(cat now.log)"
"$trace" faults -s now.db "${base[@]}" >page && complain "faults: status 0"
grep -qF "66,600 bytes in 666 blocks of lose leaks_counted.c; $grown" page || complain "faults: $(cat page)"
"$trace" faults -s now.db "${base[@]}" --leak-growth 151 >page || complain "faults --leak-growth 151: $(cat page)"
"$trace" faults -s now.db "${base[@]}" --leak-growth -1 >page 2>&1
[ $? = 2 ] || complain "faults --leak-growth -1: $(cat page)"
"$trace" leaks -s now.db "${base[@]}" >page && complain "leaks: status 0"
grep -qF "Leak 1 is in the baseline, and $grown." page || complain "leaks: $(cat page)"
for format in junit sarif; do
    "$trace" export $format -s now.db "${base[@]}" | grep -qF "never given back, allocated in lose leaks_counted.c; $grown" || complain "$format does not say it"
done
"$trace" export junit -s now.db "${base[@]}" --leak-growth 200% | grep -q '^<testsuites .* tests="1" failures="0"' || complain 'export --leak-growth 200%'
# Growth is accepted by writing the baseline again; a leak that shrank keeps its figures unless --prune takes them anew.
"$trace" faults -s now.db --write-baseline known.json >said && ci 666 0 "${base[@]}"
ci 100 0 "${base[@]}"
"$trace" faults -s now.db --write-baseline known.json >said && ci 666 0 "${base[@]}"
ci 100 0 "${base[@]}"
"$trace" faults -s now.db --write-baseline known.json --prune >said && ci 666 1 "${base[@]}"
