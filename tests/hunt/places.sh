#!/usr/bin/env bash
# `hunt` names the line of each kind of fault, in C and C++, -O0 and -O2, in a second thread, a shared library and a
# forked child, among the blocks of a busy program. ROUNDS (1): each so often; ALL=1: every pairing, else each kind in
# each place, with languages and levels in turn. USERS="root nobody": as whom; another than this one is without
# perf_event_open. Every other round begins without guarded blocks, so that the damage is found late at first.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_GUARD_ALIGN=16 # the first run finds damage late
hunts=0

# damage.LANGUAGE.LEVEL beside libdamage.LANGUAGE.LEVEL.so
for language in c c++; do
    compiler=${CC:-gcc}
    [ "$language" = c ] || compiler=g++
    for level in O0 O2; do
        name=damage.$language.$level
        "$compiler" -x "$language" -w -g "-$level" -DLIBRARY -shared -fPIC -Wl,-soname,"lib$name.so" -o "lib$name.so" "$SOURCE/tests/hunt/damage.c" &&
            "$compiler" -x "$language" -w -g "-$level" -o "$name" "$SOURCE/tests/hunt/damage.c" -x none "./lib$name.so" \
                -Wl,-rpath,"$PWD" -lpthread ||
            exit 2
    done
done
mkdir -p work && chmod 777 . work 2>/dev/null

PERF=298
# Runs a command as USER in the folder work.
as() {
    local user=$1
    shift
    if [ "$user" = "$(id -un)" ]; then
        (cd work && exec "$@")
    else
        (cd work && exec python3 "$SOURCE/tests/tools/barred.py" $PERF setpriv --reuid="$user" --clear-groups "$@")
    fi
}

hunt() { # USER LANGUAGE LEVEL KIND PLACE
    local program=../damage.$2.$3 line status
    line=$(grep -n "/\* $4 \*/" "$SOURCE/tests/hunt/damage.c" | cut -d: -f1)
    as "$1" "$trace" hunt --force -o hunt.db -- "$program" "$4" "$5" >out 2>err </dev/null
    status=$?
    hunts=$((hunts + 1))
    if [ "$status" -ne 1 ] || ! grep -q "^SUMMARY: hakmem: [a-z-]* damage.c:$line " err; then
        complain "$*: exit status $status, line $line was not named" "$(cat err)"
    fi
    rm -rf work/* # who ran it owns what it made
}

# One of hakmem's own: named is the move.
hunt_move() { # USER
    hunts=$((hunts + 1))
    as "$1" "$trace" hunt -o hunt.db --inject offset16:20 -- "$BUILD/tests/faults/offset16" >out 2>err </dev/null
    if ! grep -q '^hakmem: the move is named' err; then complain "$1 offset16: the move was not named" "$(cat err)"; fi
    rm -rf work/*
}

kinds='overflow underflow write-after read-after read-past'
places='main thread library child'
pair=0
for user in ${USERS:-$(id -un)}; do
    for ((round = 0; round < ${ROUNDS:-1}; round++)); do
        unset HAKMEM_GUARD
        [ $((round % 2)) -ne 0 ] || export HAKMEM_GUARD=off
        hunt_move "$user"
        for kind in $kinds; do
            for place in $places; do
                pair=$((pair + 1)) build_number=0
                for build in 'c O0' 'c++ O2' 'c O2' 'c++ O0'; do
                    build_number=$((build_number + 1))
                    [ -n "${ALL-}" ] || [ $(((pair + pair / 4 + build_number) % 4)) -eq 0 ] || continue
                    read -r language level <<<"$build"
                    hunt "$user" "$language" "$level" "$kind" "$place"
                done
            done
        done
        [ "${ROUNDS:-1}" -eq 1 ] || echo "$user, round $((round + 1)): $hunts hunts so far"
    done
done
echo "$hunts hunts"
