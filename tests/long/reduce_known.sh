#!/usr/bin/env bash
# `reduce` over the known faults of real programs (tests/known): steps, lines of the C program, seconds, and in how many of ten runs it
# gives the same code. The table that it prints stands in docs/benchmarks/2026-11-29-reduce.md.
. "${SOURCE:?}/tests/tools/reduced.sh"
. "$SOURCE/tests/tools/known_ways.sh"

# record NAME COMMAND: makes NAME.db with the fault, in the first way of guarding that finds it, and tells the way.
record() {
    local way
    for way in normal string all byte before; do
        record_guarded "$way" "$1" "$2"
        mv "$1.$way.db" "$1.db"
        [ -z "$(finding)" ] || { echo "$way"; return; }
    done
    return 1
}

make_known_inputs
echo "| program | found by | code | steps | lines of C | seconds | same code, of 10 |"
echo "|---|---|---|---|---|---|---|"
while IFS='|' read -r name bug command _; do
    case $name in '#'* | '') continue ;; esac
    name=${name// /}
    way=$(record "$name" "$(sed 's/^ *//; s/ *$//' <<<"$command")") || { echo "skipped: $name: this release's program does not have the fault"; continue; }
    if row=$(reduced_store "$name" 10); then
        read -ra words <<<"$row"
        echo "| $name ($(sed 's/^ *//; s/ *$//' <<<"$bug")) | $way | ${words[1]} | ${words[2]} | ${words[3]} | ${words[4]} | ${words[5]} |"
        echo "${words[4]}" >>seconds
        [ "${words[5]}" -eq 10 ] || complain "$row: not each run gives the code"
        [ "${words[3]}" -lt 100 ] || complain "$row: the program has too many lines"
    else
        complain "$row"
    fi
done <"$SOURCE/tests/known/cases"
count=$(wc -l <seconds)
median=$(sort -n seconds | sed -n "$(((count + 1) / 2))p")
echo "$count faults, median $median s"
[ "$count" -ge 8 ] || complain "only $count faults were reduced"
awk -v median="$median" 'BEGIN { exit median > 60 }' || complain "the median is $median s, at most 60 were expected"
