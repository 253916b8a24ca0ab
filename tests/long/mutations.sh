#!/usr/bin/env bash
# Each check disabled in turn turns at least one test red. Each line of mutations.list takes one check out
# of a copy of the sources; hakmem-debug.so is made of it, and the programs that the line names are run with
# it: one of them, at least, must not give what it gives with the library as it is.
#
#     tests/long/mutations.sh [PATTERN...]    prints a table of Markdown for docs/benchmarks
#
# A change is found by the quick tier, too, unless tests/long/mutations.full names it: one that is red is a test of that tier. A
# change that is named there and found all the same is an error.
#
# With PATTERNs, as of the shell (guarded-*), the changes alone whose names fit one of them. Without them each EVERYth change, which are others on
# each day of the year.
#
# A change that no test finds is left out, and no error, where one of its unit tests says that no debug register fires here.
#
# A test that hangs is ended after a minute and ten times what it took with every check, compiling included: its result is
# "ended by the limit", which is as red as any other. The limit counts what the test uses of a processor, or how long it stands
# still, so that it says the same on a busy machine (tests/tools/limited.py).
# timeout: 28800
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
. "$SOURCE/tests/long/sizes"
list=$SOURCE/tests/long/mutations.list
export CK_TIMEOUT_MULTIPLIER=20 # on a busy machine
tree=$PWD/tree
mkdir -p "$tree/tests" && cp -a "$SOURCE/src" "$SOURCE/include" "$SOURCE/viewer" "$SOURCE/tools" "$SOURCE/docs" "$SOURCE/Makefile" "$tree" &&
    cp -a "$SOURCE/tests/unit" "$SOURCE/tests/tools" "$tree/tests" || exit 2
# Objects that are made already are taken along, so that each change compiles what it touches.
programs=$BUILD
BUILD=$PWD/build
mkdir "$BUILD" && cp -a "$programs"/{debug,light,keep,host,made,units,flags} "$BUILD" &&
    find "$BUILD" -name '*.d' -exec sed -i "s|$programs/|$BUILD/|g; s#\(^\| \)${programs#"$SOURCE"/}/#\1$BUILD/#g" {} + &&
    sed -i "s#-iquote \($programs\|${programs#"$SOURCE"/}\) #-iquote $BUILD #g" "$BUILD/flags" && touch -r "$programs/flags" "$BUILD/flags" || exit 2
made=$BUILD/hakmem-debug.so

# Code that a change leaves unused is no error.
mkdir bin
for compiler in gcc clang; do
    real=$(command -v $compiler) || continue
    printf '#!/bin/sh\nexec %s "$@" -Wno-error\n' "$real" >"bin/$compiler"
    chmod +x "bin/$compiler"
done
PATH=$PWD/bin:$PATH

# Makes the library of the copy as it stands; beside it what a recording needs.
make_library() {
    make -s -j2 -C "$tree" BUILD="$BUILD" "$@" >make.log 2>&1
}
mkdir -p "$BUILD/tests"
ln -s "$programs"/{hakmem-collect,hakmem-trace,hakmem-player,hakmem_sqlite.so,libhakmem.so} "$BUILD"
# Programs of tests are those that are made already; unit tests are made anew.
find "$programs/tests" -mindepth 1 -maxdepth 1 -type d ! -name unit ! -name scratch ! -name 'results*' ! -name 'postgres*' -exec ln -s -t "$BUILD/tests" {} +

# Runs a command for $limit seconds of limited.py at most; what it prints goes into the file $1. Prints how it ended.
ends() {
    local status
    python3 "$SOURCE/tests/tools/limited.py" "$limit" "${@:2}" >"$1" 2>&1
    status=$?
    case $status in
    0) echo well ;;
    124) echo "ended by the limit" ;;
    *) echo failed ;;
    esac
}

# Runs tests/$1.sh with the copy's own tools, which stand where links to those as they are stand else.
show_script() {
    local tools=("$BUILD/hakmem-trace" "$BUILD/hakmem-collect" "$BUILD/hakmem-player" "$BUILD/hakmem-attach.so" "$BUILD/hakmem-record.so" "$BUILD/hakmem_postgres.so")
    rm -f "${tools[@]}"
    if ! make_library "${tools[@]}"; then
        echo "does not compile"
    else
        mkdir -p script && (cd script && ends ../script.log bash "$SOURCE/tests/$1.sh")
    fi
    rm -rf script "${tools[@]}"
    ln -s "$programs"/hakmem-{collect,trace,player} "$BUILD"
}

# Prints the result of a program: the code of its report, or how it ended; of a unit test whether it is well.
# WHAT is NAME.LEVEL.LAYOUT, as in the reports' names, with .off where nothing is recorded, crash/ in front
# for a program of tests/crash, without guarded blocks; guarded/NAME.LEVEL.LAYOUT.SIDE; sites/NAME.LEVEL.LAYOUT with the
# blocks that the level guards; unit.NAME, or unit.FOLDER/NAME where two folders have one of this name; or script.FOLDER/NAME.
show() {
    local what=$1 name level layout trace PROGRAMS=faults variables=()
    IFS=. read -r name level layout trace <<<"$what"
    if [ "$name" = unit ]; then
        name=$(find "$tree/tests/unit" -path "*/$level.c" -printf '%P' -quit)
        make_library "$BUILD/tests/unit/${name%.c}" || { echo "does not compile" && return; }
        ends unit.log "$BUILD/tests/unit/${name%.c}"
        return
    fi
    if [ "$name" = script ]; then
        show_script "$level"
        return
    fi
    variables=(HAKMEM_GUARD=off)
    [ -z "$trace" ] || variables+=("HAKMEM_TRACE=$trace")
    case $name in
    guarded/*) variables=(HAKMEM_GUARD=all "HAKMEM_GUARD_SIDE=$trace") ;;
    sites/*) variables=() name=${name#*/} ;;
    esac
    case $name in */*) PROGRAMS=${name%%/*} name=${name#*/} ;; esac
    RUN_LIMIT=$limit run_program "$name" "$level" "$layout" "${variables[@]}"
    [ "$program_status" -ne 124 ] || { echo "ended by the limit" && return; }
    sed -nE '1s/^hakmem: (HKM-[0-9]+|SIG[A-Z]+).*/\1/p' "$printed" | grep . || echo "status $program_status"
}

# is_chosen NAME PATTERN...: whether the next line, of this name, is to be run.
number=0 day=$((10#$(date +%j)))
is_chosen() {
    local name=$1 pattern
    if [ $# -eq 1 ]; then
        number=$((number + 1))
        return $((number % EVERY != day % EVERY))
    fi
    shift
    # shellcheck disable=SC2053
    for pattern; do [[ $name != $pattern ]] || return 0; done
    return 1
}

make_library "$made" || { cat make.log && exit 2; }
# Results of each test with the library as it is.
declare -A due took
while IFS=$'\t' read -r name _ _ tests; do
    case $name in '' | '#'*) continue ;; esac
    is_chosen "$name" "$@" || continue
    for test in $tests; do
        if [ -z "${due[$test]-}" ]; then
            limit=1800 begun=$SECONDS
            due[$test]=$(show "$test")
            took[$test]=$((SECONDS - begun))
        fi
        case $test:${due[$test]} in
        unit.*:well | script.*:well) ;;
        unit.* | script.*) echo "$test: ${due[$test]} with every check" && cat make.log && exit 2 ;;
        esac
    done
done <"$list"
# shellcheck disable=SC2046 # words
of_quick=" $(cd "$SOURCE" && /usr/bin/python3 tests/tools/quick_tier.py finders $(grep -v '^#' "$list" | cut -f 4)) "
number=0
echo '| check taken out | in | tests | with the check | without | quick tier |'
echo '|---|---|---|---|---|---|'
while IFS=$'\t' read -r name file change tests; do
    case $name in '' | '#'*) continue ;; esac
    is_chosen "$name" "$@" || continue
    cp -p "$tree/$file" saved
    perl -0pi -e "$change" "$tree/$file"
    if cmp -s saved "$tree/$file"; then
        echo "| $name | $file | | the change does not apply | |"
        failed=1
        continue
    fi
    if ! make_library "$made"; then
        echo "| $name | $file | | does not compile: $(grep -m1 error: make.log) | |"
        failed=1
    else
        is_red=0 with="" without="" found=misses is_left_out=0
        for test in $tests; do
            limit=$((60 + 10 * took[$test])) quick=
            [[ $of_quick != *" $test "* ]] || quick=1
            shown=$(QUICK=$quick show "$test")
            # A part that the quick tier leaves out may find it.
            [[ $shown != "${due[$test]}" || -z $quick || $test != script.* ]] || { quick='' && shown=$(show "$test"); }
            [[ $test != unit.* ]] || ! grep -q '^no debug register fires here$' unit.log || is_left_out=1
            with+="${due[$test]} " without+="$shown "
            [ "$shown" = "${due[$test]}" ] && continue
            is_red=1
            [ -z "$quick" ] || found=finds
        done
        note=
        if [ $is_red$is_left_out = 01 ]; then
            found='left out: no debug register fires here'
        else
            due_found=finds
            ! grep -q "^$name " "$SOURCE/tests/long/mutations.full" || due_found=misses
            [ $is_red -eq 1 ] && [ $found = $due_found ] || failed=1
            [ $is_red -eq 1 ] || note='**stays green** '
            [ $found = $due_found ] || found+=", **expected: $due_found**"
        fi
        echo "| $name | \`$file\` | ${tests// /, } | $with| $without$note| $found |"
    fi
    cp -p saved "$tree/$file"
    touch "$tree/$file"
done <"$list"
exit "$failed"
