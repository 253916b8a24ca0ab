#!/usr/bin/env bash
# Functions for the tests that compare hakmem's unwinder with libunwind on real programs. Sourced; needs
# BUILD and SOURCE, works in the current directory. ONLY, a pattern of the shell as "git*", chooses comparisons by their
# names; nothing is due in all then.

. "$SOURCE/tests/tools/test.sh"
programs=$SOURCE/tests/programs/unwind_compare
tools=$BUILD/tests/programs/unwind_compare
total=0 header=''

# count NAME: the number NAME of the last run.
count() { sed -n "s/^$1 //p" counts.txt; }

# compare WHAT PROGRAM ARGUMENT...: runs PROGRAM under the comparing preload and looks at its counts. A
# PROGRAM that is a function puts "${under[@]}" in front of what is to be compared.
compare() {
    local what=$1 status
    local under=(env "UNWIND_COMPARE_COUNTS=$PWD/counts" "LD_PRELOAD=$tools/compare.so")
    # shellcheck disable=SC2053
    [[ -z ${ONLY-} || $what == $ONLY ]] || return 0
    shift
    "$tools/show_counts" --new counts && chmod 666 counts || exit 2
    if declare -F "$1" >/dev/null; then
        (set -e && "$@") >output 2>errors
    else
        "${under[@]}" "$@" >output 2>errors
    fi
    status=$?
    "$tools/show_counts" counts >counts.txt
    [ "$status" -eq 0 ] || complain "$what ended with status $status: $(tail -n 3 errors)"
    for name in different guessed_otherwise interned_wrong bad_cfa interrupted; do
        [ "$(count $name)" -eq 0 ] ||
            complain "$what: $name is $(count $name), due 0: $(head -n 60 errors)"
    done
    [ $(($(count compared) + $(count ours_alone))) -gt 0 ] || complain "$what: nothing was compared"
    total=$((total + $(count compared)))
    if [ -z "${header-}" ]; then
        header=1
        printf '%-30s %10s %7s %10s %9s %8s %8s\n' '' compared differ 'over bare' 'ours went' theirs 'only ours'
        printf '%-30s %10s %7s %10s %9s %8s %8s\n' program stacks '' code further further asked
    fi
    printf '%-30s %10d %7d %10d %9d %8d %8d\n' "$what" "$(count compared)" "$(count different)" \
        "$(count by_frames)" "$(count ours_further)" "$(count theirs_further)" \
        "$(($(count ours_alone) + $(count from_loader)))"
}

# compile_cxx COMPILER FLAG...: makes ./templates.
compile_cxx() {
    "$1" "${@:2}" -pthread "$programs/templates.cc" -o templates || complain "cannot compile templates.cc"
}

# compile_c NAME FLAG...: makes ./NAME.
compile_c() {
    gcc -D_GNU_SOURCE "${@:2}" "$programs/$1.c" -o "$1" -pthread -ldl || complain "cannot compile $1.c"
}

# compile_plugins: makes two plugins that are laid out alike but need other rules.
compile_plugins() {
    gcc -shared -fPIC -O1 -DVARIANT=1 "$programs/plugin.c" -o plugin1.so &&
        gcc -shared -fPIC -O0 -fomit-frame-pointer -DVARIANT=7 "$programs/plugin.c" -o plugin2.so ||
        complain "cannot compile plugin.c"
}

# hammer ROUNDS: threads, forks and dlclose at once, with hakmem's unwinder alone, since libunwind hangs.
hammer() {
    compile_c hammer -O1
    UNWIND_COMPARE_ALONE=1 compare "threads, forks, dlclose" ./hammer "$1" ./plugin1.so ./plugin2.so
    [ -n "${ONLY-}" ] || [ "$(count unloads)" -ge "$1" ] || complain "of $((2 * $1)) unloads only $(count unloads) were noticed"
}

# finish LEAST: the verdict.
finish() {
    printf '%-30s %10d\n' 'in all' "$total"
    [ "$total" -ge "$1" ] || [ -n "${ONLY-}" ] || complain "only $total stacks were compared, at least $1 are due"
    exit "$failed"
}
