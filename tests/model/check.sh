#!/usr/bin/env bash
# The transfers between threads under every schedule (docs/specs/transfer.md): the sources as they are pass
# in each scenario, and each third of the mutants below, a change of one place of them, is found; FULL=1: all of them; in the quick tier
# none, and each of them still changes its source.
#   check.sh --list           the mutants
#   check.sh --mutant NAME    one of them, with what the checker says to it
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD=${BUILD:-$SOURCE/build}
CC=${CC:-gcc}
self=$(realpath "$0")
cd "$SOURCE" || exit 2
model=$BUILD/tests/model/checker/model
made=$BUILD/tests/model/mutants

scenarios=(lock cross post refill idle idle3 partial ring heir shared adopt adopt3 help trim claim keep full back
    map cut rest lookup)

# Prints a field of a mutant's head: $2 of "scenario", "file", "says".
head_of() {
    sed -n "s/^# $2: //p" "tests/model/mutants/$1.pl"
}

# Compiles the changed copy of a source, and the scenario's own file where that is what includes a header.
build_mutant() {
    local name=$1 file=$2 overlay=$made/$1 compiled source flags
    flags=(-std=gnu11 -O1 -g -D_GNU_SOURCE -iquote "$overlay" -iquote src -iquote tests/model/checker -DHAK_DEBUG=0)
    rm -rf "$overlay" && mkdir -p "$overlay/$(dirname "${file#src/}")" || return 2
    compiled=$overlay/${file#src/}
    perl -0p "tests/model/mutants/$name.pl" "$file" >"$compiled" || return 2
    cmp -s "$file" "$compiled" && { echo "mutant $name changes nothing in $file: mend tests/model/mutants/$name.pl"; return 2; }
    source=$compiled
    case $file in *.h) source=tests/model/checker/lock_checked.c ;; esac
    "$CC" "${flags[@]}" -fsanitize=thread -include tests/model/checker/include.h -c -o "$overlay/mutant.o" "$source" &&
        "$CC" -rdynamic -Wl,-z,now -o "$overlay/model" "$BUILD"/model/checker.o "$overlay/mutant.o" \
            "$BUILD/liblayersmodel.a" -ldl
}

run_mutant() {
    local name=$1 scenario file says out
    file=$(head_of "$name" file) says=$(head_of "$name" says)
    build_mutant "$name" "$file" || { echo "mutant $name does not compile"; return 2; }
    for scenario in $(head_of "$name" scenario); do
        out=$(timeout 200 "$made/$name/model" "$scenario" 2>&1) && {
            echo "mutant $name was not found: $out"
            return 1
        }
        grep -qE "$says" <<<"$out" || {
            printf 'mutant %s in %s was found by other words than "%s":\n%s\n' "$name" "$scenario" "$says" \
                "$(head -n 3 <<<"$out")"
            return 1
        }
        [ "${verbose-}" ] && printf '%s\n' "$out"
    done
    rm -rf "${made:?}/$name"
}

run_scenario() {
    "$model" "$1" >"$made/$1.out" 2>&1 || {
        echo "scenario $1:"
        cat "$made/$1.out"
        return 1
    }
}

mkdir -p "$made" || exit 2
case ${1-} in
--list)
    for file in tests/model/mutants/*.pl; do
        printf '%-36s %s\n' "$(basename "$file" .pl)" "$(sed -n '1s/^# //p' "$file")"
    done
    exit 0
    ;;
--mutant)
    verbose=1
    run_mutant "$2"
    exit
    ;;
--one) case $2 in mutant:*) run_mutant "${2#*:}" ;; *) run_scenario "$2" ;; esac && exit 0 || exit 1 ;;
*)
    mapfile -t list < <(printf '%s\n' "${scenarios[@]}" | tac
        case ${FULL:-0}${QUICK:-0} in 1*) every=1 ;; 01) every= ;; *) every=3 ;; esac
        [ -z "$every" ] || basename -s .pl tests/model/mutants/*.pl | sed -n "1~$every{s/^/mutant:/;p}")
    ;;
esac
# Each mutant changes its source, those that do not run here, too.
status=0
for file in tests/model/mutants/*.pl; do
    source=$(sed -n 's/^# file: //p' "$file")
    ! perl -0p "$file" "$source" | cmp -s "$source" - || { echo "$file changes nothing in $source" && status=1; }
done
[ $status -eq 0 ] || exit 1
printf '%s\n' "${list[@]}" | xargs -P 2 -n 1 "$self" --one || exit 1
for scenario in "${list[@]}"; do
    [ -f "$made/$scenario.out" ] && cat "$made/$scenario.out"
done
exit 0
