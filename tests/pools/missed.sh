#!/usr/bin/env bash
# Pools and pieces that have no room, and calls that are missed, are counted: `info`, `top --pools`, `leaks` and `replay` say how many, with status 4
# where records are missing, and so does a report's COMPLETENESS. Kept and missed ones together are those that the program made.
. "${SOURCE:?}/tests/tools/answers.sh"
"${CC:-cc}" -g -O1 -I"$SOURCE/include" -o missed "$SOURCE/tests/pools/missed.c" || exit 2
rows() { "$trace" sql -s "$1.db" "SELECT count(*) FROM event WHERE kind = '$2'" 2>/dev/null; }

# ask STATUS STORE WORDS COMMAND...: the answer of COMMAND has WORDS, on stdout or stderr, and the status.
ask() {
    local due=$1 store=$2 words=$3 status
    shift 3
    "$trace" "$@" -s "$store.db" >page 2>&1
    status=$?
    [ $status -eq "$due" ] || complain "$store, $*: status $status, expected $due"
    grep -qF -- "$words" page || complain "$store, $*: nothing says '$words': $(tail -n 5 page)"
}

# Of 6,001 pools those that have no room have no record, nor have their pieces.
made=$("$trace" run --check trace -s pools.db -- ./missed pools 2>said) || complain "pools: status $?: $(cat said)"
"$trace" info --json -s pools.db >info.json
lost=$(value 'page["completeness"]["missed_pools"]' info.json)
[ "$lost" -gt 1800 ] && [ $(($(rows pools POOL_CREATE) + lost)) -eq $((made + 1)) ] || complain "pools: $made made, $(rows pools POOL_CREATE) recorded, $lost missed"
[ "$(rows pools PIECE_ALLOC)" -eq $((made - lost)) ] || complain "pools: $(rows pools PIECE_ALLOC) pieces recorded"
words="The program's own pools: $(printf "%'d" "$lost" | sed 's/^\([0-9]\)\([0-9]\{3\}\)$/\1,\2/') pools had no room. Nothing else was lost in this capture."
for command in info 'top --pools' 'top --pools --per pool' 'leaks --held' 'events --kind POOL_CREATE' 'replay --against glibc'; do
    # shellcheck disable=SC2086 # words
    ask 4 pools "$words" $command
done
"$trace" top --pools --json -s pools.db >top.json
[ "$(value 'page["completeness"]["missed_pools"]' top.json)" = "$lost" ] || complain "top --json: $(tail -n 8 top.json)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" top.json >valid 2>&1 || complain "the schema: $(cat valid)"

# So without samples, and so an answer of a leak scan, which could not look at their pieces.
HAKMEM_TINY_FRONT_METRICS=0 "$trace" run --check trace -s quiet.db -- ./missed pools >/dev/null 2>said || complain "quiet: status $?: $(cat said)"
ask 4 quiet ' pools had no room. Nothing else was lost in this capture.' info
"$trace" run --leaks -s scanned.db -- ./missed pools >/dev/null 2>said || complain "scanned: status $?: $(cat said)"
ask 4 scanned ' pools had no room. Nothing else was lost in this capture.' leaks
"$trace" run --leaks -s lost.db -- ./missed lost >/dev/null 2>said
grep -q "^  COMPLETENESS .*the program's own pools: [0-9,]* pools had no room" said || complain "a report on leaks: $(cat said)"
ask 4 lost 'pools had no room' leaks
ask 4 lost 'pools had no room' leaks 1
for which in '' 1; do
    # shellcheck disable=SC2086 # none, or a number
    "$trace" leaks $which --json -s lost.db >leaks.json
    [ "$(value 'page["completeness"]["missed_pools"] > 1800' leaks.json)" = true ] || complain "leaks $which --json: $(tail -n 8 leaks.json)"
done
# Without a recording nobody counts for the collector: that some were missed is said, and nothing where none was.
for does in lost left; do HAKMEM_TRACE=off HAKMEM_LEAKS=1 LD_PRELOAD=$BUILD/hakmem-debug.so ./missed $does >/dev/null 2>$does.said; done
grep -q "^  COMPLETENESS .*the program's own pools: pools, pieces or calls were missed, and no counters say how many$" lost.said || complain "without a recording: $(cat lost.said)"
left_out left || { grep -q 'HKM-401' left.said && ! grep -q COMPLETENESS left.said; } || complain "without a recording, none missed: $(cat left.said)"

# A store that says nonsense is read.
cp pools.db nonsense.db
for value in 9223372036854775807 -9223372036854775808 18446744073709551615; do
    sqlite3 nonsense.db "INSERT OR REPLACE INTO meta(key, value) VALUES('missed_pools.7', '$value'), ('missed_pools.8', '9223372036854775807')"
    ask 4 nonsense ' pools had no room' info
done

# A piece without room has its records: nothing is missing from the answer.
made=$("$trace" run --check trace -s pieces.db -- ./missed pieces 2>said) || complain "pieces: status $?: $(cat said)"
"$trace" info --json -s pieces.db >info.json
lost=$(value 'page["completeness"]["missed_pieces"]' info.json)
[ "$lost" -ge $((made - 1048576 - 32)) ] && [ "$lost" -lt $((made / 2)) ] || complain "pieces: $made made, $lost missed"
[ "$(rows pieces PIECE_ALLOC)" -eq "$made" ] || complain "pieces: $(rows pieces PIECE_ALLOC) recorded of $made"
for command in info 'top --pools' 'leaks --held'; do
    # shellcheck disable=SC2086 # words
    ask 0 pieces 'pieces had no room. Nothing was lost in this capture.' $command
done

# A report says it, too.
"$trace" run --check trace -s twice.db -- ./missed twice >said 2>&1
grep -q '^hakmem: HKM-501' said || complain "twice: no report: $(tail -n 20 said)"
grep -q "^  COMPLETENESS .*the program's own pools: [0-9,]* pools had no room" said || complain "twice: $(grep COMPLETENESS said)"

# Where all is kept, nobody says a word.
"$trace" info -s twice.db >page
grep -q "The program's own pools: [0-9,]* pools had no room" page || complain "info beside a fault: $(cat page)"
"${CC:-cc}" -O1 -g -I"$SOURCE/include" -o kept "$SOURCE/tests/pools/top.c" && "$trace" run --check trace -s kept.db -- ./kept || fail "kept: status $?"
ask 0 kept 'Nothing was lost in this capture.' info
grep -q 'own pools' page && complain "all is kept, but: $(cat page)"
exit "$failed"
