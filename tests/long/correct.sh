#!/usr/bin/env bash
# Correct programs do in every level what they do without hakmem: the same output, errors and exit status, no report and no crash. Those
# with threads, whose order varies, run RUNS times in each. Prints a table for docs/benchmarks.
# timeout: 7200
#
#   ONLY="NAME ..."   these programs (tests/tools/correct_works.sh has their names)
#   RUNS=N            runs of a program with threads in each way but `size`, a tenth of them recorded but in light
#   WAYS="WAY ..."    these of trace, light, normal, all, size
#   JOBS=N            programs at a time (1)
#   KEEP=FOLDER       takes the first run of each way that differs: its output, errors, reports and directory
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
. "$SOURCE/tests/tools/await.sh"
. "$SOURCE/tests/tools/correct_works.sh"
export LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null ASAN_OPTIONS='' TIMEFORMAT='%U %S'
top=$PWD inputs=$PWD/inputs runs=$RUNS
read -ra ways <<<"${WAYS:-trace light normal all size}"
kept=${KEEP:-$top/kept}

# Records one program of a work, into a store of its own beside the others of the run.
printf '#!/bin/sh\nexec "%s" run --wait --store "$STORES/$$.db" -- "$@"\n' "$trace" >record && chmod +x record || exit 2

# do_work NAME TO: leaves TO.out, .err, .status and .cpu, of a run of the work in the directory NAME/work, which is the same for all of them.
do_work() {
    local status=0 here=$top/$1/work
    rm -rf "$here" && mkdir "$here" || exit 2
    { time (cd "$here" && HOME=$here TMPDIR=$here && export HOME TMPDIR && "work_$1" </dev/null >"$2.out" 2>"$2.err") || status=$?; } 2>"$2.cpu"
    echo "$status" >"$2.status"
}

# The switches of a way.
switches_of() {
    case $1 in
    trace) echo HAKMEM_CHECK=trace ;;
    light) echo HAKMEM_CHECK=light ;;
    normal) echo HAKMEM_CHECK=normal ;;
    all) echo HAKMEM_CHECK=normal HAKMEM_GUARD=all ;;
    size) echo HAKMEM_CHECK=normal HAKMEM_GUARD=all HAKMEM_GUARD_ALIGN=size ;;
    esac
}

# run_once NAME WAY NUMBER SWITCH...: one run, compared with the due one; 1: it differs, and $why says how.
run_once() {
    local name=$1 way=$2 number=$3 here=$top/$1/run part store
    shift 3
    why=
    rm -rf "$here".* && mkdir "$here.stores" || exit 2
    under=(timeout --kill-after=10 300 env HAKMEM_LOG="$here.log" "$@")
    if [ "$recorded" -eq 1 ]; then
        under+=(STORES="$here.stores" "$top/record")
        do_work "$name" "$here"
        for store in "$here.stores"/*.db; do
            "$trace" faults -s "$store" >"$here.faults" 2>&1
            grep -q '^No fault in' "$here.faults" || why+=' fault'
        done
    else
        under+=(HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so")
        do_work "$name" "$here"
    fi
    for part in status out err; do
        cmp -s "$top/$name/due.$part" "$here.$part" || why+=" $part"
    done
    [ ! -e "$here.log" ] || why+=' report'
    [ -n "$why" ] || return 0
    [ -e "$kept/$name.$way" ] || { mkdir -p "$kept/$name.$way" && cp -a "$top/$name"/{due,run,work}* "$kept/$name.$way/"; }
    echo "$name, $way, run $number:$why; ${under[*]}"
    head -n 6 "$here.log" "$here.faults" 2>/dev/null
    for part in status out err; do diff "$top/$name/due.$part" "$here.$part" | head -n 6; done
    return 1
}

# run_way NAME WAY RUNS: adds the cell of the table to $row; what differs goes to the file `differs` (size: `noted`).
run_way() {
    local name=$1 way=$2 count=$3 number bad=0 switches recorded tenth=$((($3 + 9) / 10)) to=differs
    read -ra switches <<<"$(switches_of "$way")"
    [ "$way" != size ] || to=noted
    for ((number = 1; number <= count; number++)); do
        # The first ones are recorded: they say how many blocks there were.
        recorded=0
        case $way in trace | normal | all) [ "$number" -gt "$tenth" ] || recorded=1 ;; esac
        run_once "$name" "$way" "$number" "${switches[@]}" >>"$top/$name/$to" || bad=$((bad + 1))
        if [ "$recorded" -eq 1 ] && [ "$number" -eq 1 ]; then
            events=$(for store in "$top/$name/run.stores"/*.db; do "$trace" sql -s "$store" 'select sum(events) from chunk' | tail -n 1; done | awk '{ sum += $1 } END { print sum }')
        elif [ "$recorded" -eq 0 ]; then
            cpu_of "$name/run" >>"$top/$name/$way.cpu"
        fi
    done
    row+=" $count$([ "$bad" -eq 0 ] || echo ", **$bad differ**") ($(mean "$top/$name/$way.cpu")) |"
}
cpu_of() { awk '{ print $1 + $2 }' "$top/$1.cpu"; }
mean() { [ ! -s "$1" ] || awk '{ sum += $1 } END { printf "%.2f", sum / NR }' "$1"; }

check_program() {
    local name=$1 kind=$3 row events='' part way few=$((runs < 5 ? runs : 5)) many
    many=$few
    case $kind in
    threads) many=$runs ;;
    slow) few=1 many=1 ;;
    esac
    mkdir "$top/$name" || exit 2
    under=()
    do_work "$name" "$top/$name/due"
    cpu_of "$name/due" >"$top/$name/due.mean"
    do_work "$name" "$top/$name/run"
    for part in status out err; do
        cmp -s "$top/$name/due.$part" "$top/$name/run.$part" ||
            { echo "$name: another $part twice without hakmem"; diff "$top/$name/due.$part" "$top/$name/run.$part" | head -n 6; } >>"$top/$name/differs"
    done
    [ -s "$top/$name/due.out" ] || echo "$name: it prints nothing" >>"$top/$name/differs"
    cpu_of "$name/run" >>"$top/$name/due.mean"
    row="| $name | $(version_of "$2") | $([ "$kind" != threads ] || echo yes) | $(mean "$top/$name/due.mean") |"
    for way in "${ways[@]}"; do run_way "$name" "$way" "$([ "$way" = size ] && echo "$few" || echo "$many")"; done
    echo "$row ${events:-} |" >"$top/$name.row"
    [ ! -s "$top/$name/noted" ] || mv "$top/$name/noted" "$top/$name.noted"
    [ ! -s "$top/$name/differs" ] || mv "$top/$name/differs" "$top/$name.differs"
    rm -rf "${top:?}/$name"
}
version_of() {
    local package
    package=$(dpkg-query -S "$(realpath "$(command -v "$1")")" 2>/dev/null | sed 's/:.*//; q')
    if [ -n "$package" ]; then dpkg-query -W -f '${Package} ${Version}' "$package"; else echo "$1, no package's"; fi
}

mkdir inputs && (cd inputs && lay_inputs) || fail "the inputs cannot be written"
while read -r name command kind; do
    [ -z "${ONLY-}" ] || [[ " $ONLY " == *" $name "* ]] || continue
    command -v "$command" >found || { echo "skipped: $name: $command is not here"; continue; }
    while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-1}" ]; do wait -n; done
    check_program "$name" "$command" "$kind" &
done < <(works)
wait
echo "| program | package | threads | CPU s without |$(printf ' %s: runs (CPU s) |' "${ways[@]}") calls and moves recorded |"
echo "|---|---|---|---|$(printf -- '---|%.0s' "${ways[@]}")---|"
works | while read -r name _; do cat "$name.row" 2>/dev/null; done
cat ./*.noted 2>/dev/null | sed 's/^/for information: /'
for file in *.differs; do
    [ ! -s "$file" ] || complain "$(cat "$file")"
done
