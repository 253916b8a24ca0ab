#!/usr/bin/env bash
# `hakmem-trace core --check` finds in a core each fault that the live check finds in the memory of the same process: the programs of
# tests/faults in each level and layout, stopped by their report. The code and the block's address are the report's. Without FULL=1 the
# first of each code in each level and layout, and one in three of the others.
# timeout: 900
. "${SOURCE:?}/tests/tools/faults.sh"
. "$SOURCE/tests/tools/corefiles.sh"
ulimit -c unlimited 2>/dev/null || :

# Faults that change no known byte: an access that the processor or a check of a call of libc stopped before it wrote, or as much of it as
# was in the block; a pointer that is given back, also to a pool of the program's own; a push that level normal refuses.
leaves_nothing='bad-free|pool-|double-free|mismatch|memory-leak|use-after-free|(memmove|memcpy|strcpy), called by .*, (writes|reads)|(strlen|printf), called by .*, reads'
leaves_nothing+='|(read|sscanf), called by .*, wrote|:[0-9]+ reads memory|:[0-9]+ writes memory right past the end of an? [0-9,]+-byte block from [^;]*$|:[0-9]+ writes memory [0-9]|: SLL_PUSH (took|got)|the C[0-9]+ list of thread . "[a-z_]+" was given'

# compare NAME: one report file. In a shell of its own, since it changes its directory.
compare() (
    local program level layout directory report=$SOURCE/tests/faults/$1.report due code user variables status=0
    IFS=. read -r program level layout <<<"$1"
    due=$(head -n 1 "$report")
    [[ $due && ! $due =~ $leaves_nothing ]] || return 0
    directory=$(mktemp -d "$PWD/run.$1.XXXXXX") && cd "$directory" || return 1
    mapfile -t variables < <(variables_of "$program")
    (
        export HAKMEM_CHECK="$level" HAKMEM_LAYOUT="${layout:-auto}" HAKMEM_GUARD_WATCH=off
        [ ${#variables[@]} -eq 0 ] || export "${variables[@]?}"
        in_gdb "$BUILD/hakmem-debug.so" 'generate-core-file its.core' continue kill -- "$BUILD/tests/faults/$program"
    )
    code=$(sed -nE 's/^hakmem: (HKM-[0-9]+) .*/\1/p' gdb.out | head -n 1)
    user=$(sed -nE 's/^ +(base 0x[0-9a-f]+ +)?user (0x[0-9a-f]+)$/\2/p' gdb.out | head -n 1)
    [ -s its.core ] && [ -n "$code" ] && [ -n "$user" ] ||
        { echo "$1: no core, or no report: $(tail -n 3 gdb.out)"; return 1; }
    "$BUILD/hakmem-trace" core its.core --check >found 2>errors || status=$?
    [ "$status" -eq 1 ] || echo "$1: status $status, due 1: $(cat errors)"
    grep -A 1 "^$code " found | grep -qE "^ +block +$user," && ! grep -qE "^HKM-" <(grep -v "^$code " found) ||
        { echo "$1: the live check said $code of $user: $due"; cat found; status=0; }
    rm -f its.core
    touch "../compared.$code"
    [ "$status" -eq 1 ]
)

declare -A seen=()
for report in "$SOURCE"/tests/faults/*.report; do
    IFS=. read -r program way <<<"$(basename "$report" .report)"
    read -r _ code _ <"$report"
    [[ $code && ! $(head -n 1 "$report") =~ $leaves_nothing ]] || continue
    turn=$((${turn:-0} + 1))
    if [ "${FULL:-0}" != 1 ] && [ -n "${seen[$code $way]-}" ] && [ $((turn % 3)) -ne 0 ]; then continue; fi
    seen[$code $way]=1
    echo "$program.$way"
done >reports
each_in_parallel compare <reports || exit 1
for code in 101 104 105 301 302 303; do
    [ -e "compared.HKM-$code" ] || fail "no program's HKM-$code was compared"
done
exit 0
