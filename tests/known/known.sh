#!/usr/bin/env bash
# Known faults of real programs: what each way of guarding says of them, beside valgrind's memcheck; correct inputs
# of the same programs are not accused, in two ways each, by turns, or with FULL=1 in all.
# timeout: 1800
#
# known.expected has a line for each case and way. Where memcheck stops at the instruction, too, "the same
# instruction" means the same bytes of the same module, so that it holds for any build of the package. A fault that
# a way does not find stands there as "nothing": a line that gets better is written anew by UPDATE=1. In busybox
# memcheck names the jump in front of the instruction that reads.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/tools/known_ways.sh"
here=$SOURCE/tests/known
turn=0

# CPython cannot start with odd addresses.
bears() {
    [[ $1 != byte || $2 != /usr/bin/python3* ]]
}

# True where each run says the same. The CPU time decides which blocks of CPython's many sites are guarded, and so which of
# their pages are closed: a hunt says where the first byte lies that was read in a closed one. The number of
# blocks that busybox has before the one that matters depends on its environment, and so does whether a page is closed behind it.
is_steady() {
    case $2 in
    /usr/bin/python3*) [ "$1" != normal ] ;;
    busybox*) [ "$1" != late ] && [ "$1" != string ] ;;
    esac
}

check_case() {
    local name=$1 bug=$2 command=$3 correct=$4 way words due
    read -ra words <<<"$command"
    { valgrind --log-file="$name.valgrind" "${words[@]}" >/dev/null </dev/null; } 2>/dev/null
    memcheck_error "$name.valgrind" >"$name.memcheck"
    echo "$name ($bug): $command"
    echo "    memcheck  $(head -n 1 "$name.memcheck")"
    for way in normal late string all before byte; do
        if ! bears "$way" "$command" || ! is_steady "$way" "$command"; then continue; fi
        run_guarded "$way" "$name" "$command"
        print_finding "$way" "$name"
    done
    hunt_for "$name" "$command"
    print_finding hunt "$name" | if is_steady normal "$command"; then cat; else sed -E 's/(reads|writes) memory at offset [0-9,]+ of/\1 memory inside/'; fi

    read -ra words <<<"$correct"
    "${words[@]}" >due.out 2>due.err </dev/null
    due=$?
    for way in normal trace late string all before byte; do
        bears "$way" "$correct" || continue
        turn=$((turn + 1))
        [ "${FULL:-0}" = 1 ] || [ $((turn % 4)) -eq 0 ] || continue
        run_guarded "$way" "$name" "$correct"
        [ "$status" -eq "$due" ] || echo "    $correct: $way: status $status, without hakmem $due"
        cmp -s due.out found.out || echo "    $correct: $way: another output"
        diff due.err found.err >errors || echo "    $correct: $way: $(head -n 5 errors)"
    done
    turn=$((turn + 1))
    [ "${FULL:-0}" = 1 ] || [ $((turn % 4)) -eq 0 ] || return 0
    hunt_for "$name" "$correct"
    if [ "$status" -ne 0 ] || [ -n "$(finding)" ]; then
        echo "    $correct: hunt: status $status, $(head -n 5 found.err)"
    fi
}

make_known_inputs

while IFS='|' read -r name bug command correct; do
    case $name in '#'* | '') continue ;; esac
    check_case "${name// /}" "$(sed 's/^ *//; s/ *$//' <<<"$bug")" "$(sed 's/^ *//; s/ *$//' <<<"$command")" \
        "${correct# }"
done <"$here/cases" >found.expected
# The blocks before the one that count.py reads through decide which of its two pages is closed, if one is, and so does the environment.
page="HKM-304 use-after-free: reads memory at offset 2,032 of a 3,001-byte block freed; the same instruction"
# compare.py reads the inside of one freed block after the other, of 1,608 bytes and of 1,768. Of the two that a hunt meets in its runs
# it names the one with fewer calls before it, and these vary by a few.
met="HKM-304 use-after-free: memcpy reads 8 bytes at offset 8 of a 1,(608|768)-byte block freed"
# Level normal closes a page behind the first blocks of new stacks, and behind later ones where time is left. The block that nasm 2
# writes behind is one of the first; that of nasm 3 is not. Where blocks are closed in front, either is seen, by the time that was left.
behind="HKM-301 heap-buffer-overflow: reads memory right past the end of a 2,080-byte block; the same instruction"
# Where debug registers fire, one stops the read of busybox's awk in the slack; else the closed page does, some bytes later.
late="HKM-301 heap-buffer-overflow: at least 176 bytes past a 2,080-byte block, found when the program freed it"
normal=$late
[[ $(nasm -v) == *'version 2.'* ]] && normal=$behind
either() {
    sed -i -E "/^count /,/^[^ ]/s/^(    (late|string) +)(nothing|nothing, or $page|$page|${page/2,032/0})\$/\1nothing, or $page/
        /^compare /,/^[^ ]/s/^(    hunt +)$met\$/\1HKM-304 use-after-free: memcpy reads 8 bytes of a 1,608- or a 1,768-byte block freed/
        /^groups /,/^[^ ]/s/^(    before +)($behind|${behind%;*}|$late)\$/\1$behind, or $late/
        /^groups /,/^[^ ]/s/^(    normal +)($behind|${behind%;*}|$normal)\$/\1$behind, or $normal/
        /^awk /,/^[^ ]/s/^(    (all|before) +HKM-301 heap-buffer-overflow: reads memory )(right|14 bytes|4,062 bytes) past/\1right, or some bytes, past/" "$1"
}

if [ -n "${UPDATE-}" ]; then
    cp found.expected "$here/known.expected"
    exit
fi
# A release whose program has the fault no longer: nobody finds it, and its lines are left out of both.
section() { awk -v name="$1" '/^[^ ]/ { is_in = $1 == name } is_in' "$2"; }
without() { awk -v name="$1" '/^[^ ]/ { is_in = $1 == name } !is_in' "$2"; }
cp "$here/known.expected" due.expected
awk '/^[^ ]/ { name = $1 } /^    memcheck +$/ { print name }' found.expected >gone
while read -r name; do
    section "$name" found.expected | grep HKM- && complain "$name: memcheck finds nothing where hakmem finds this"
    echo "skipped: $name: this release's program does not have the fault"
    for file in due found; do without "$name" $file.expected >rest && mv rest $file.expected; done
done <gone
either due.expected
either found.expected
diff -u due.expected found.expected || complain "known.expected differs"
# Debian 13's programs have eleven of the twelve, sid's eight.
least=$(sed -n 's/^VERSION_ID="\?1[23]"\?$/10/p' /etc/os-release)
[ "$(grep -c '    memcheck  [rw]' found.expected)" -ge "${least:-8}" ] || complain "memcheck sees fewer than ${least:-8} of the faults"
