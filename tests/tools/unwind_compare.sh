#!/usr/bin/env bash
# Functions for the tests that compare hakmem's unwinder with libunwind on real programs. Sourced; needs
# BUILD and SOURCE, works in the current directory.

programs=$SOURCE/tests/programs/unwind_compare
tools=$BUILD/tests/programs/unwind_compare
total=0 failed=0

# fail TEXT: one line that says what is wrong.
fail() {
    echo "unwind_compare: $*"
    failed=1
}

# count NAME: the number NAME of the last run.
count() { sed -n "s/^$1 //p" counts.txt; }

# compare WHAT PROGRAM ARGUMENT...: runs PROGRAM under the comparing preload and looks at its counts.
compare() {
    local what=$1 status
    shift
    "$tools/show_counts" --new counts || exit 2
    UNWIND_COMPARE_COUNTS=$PWD/counts LD_PRELOAD=$tools/compare.so "$@" >output 2>errors
    status=$?
    "$tools/show_counts" counts >counts.txt
    [ "$status" -eq 0 ] || fail "$what ended with status $status: $(tail -n 3 errors)"
    for name in different interned_wrong bad_cfa interrupted; do
        [ "$(count $name)" -eq 0 ] ||
            fail "$what: $name is $(count $name), due 0: $(head -n 60 errors)"
    done
    [ $(($(count compared) + $(count ours_alone))) -gt 0 ] || fail "$what: nothing was compared"
    total=$((total + $(count compared)))
    printf '%-28s %9d stacks compared, %d complete, %d frames, %d modules, %d unloads\n' "$what" \
        "$(count compared)" "$(count complete)" "$(count frames)" "$(count modules)" "$(count unloads)"
}

# compile_cxx COMPILER FLAG...: makes ./templates.
compile_cxx() {
    "$1" "${@:2}" -pthread "$programs/templates.cc" -o templates || fail "cannot compile templates.cc"
}

# compile_c NAME FLAG...: makes ./NAME.
compile_c() {
    gcc -D_GNU_SOURCE "${@:2}" "$programs/$1.c" -o "$1" -pthread -ldl || fail "cannot compile $1.c"
}

# compile_plugins: makes two plugins that are laid out alike but need other rules.
compile_plugins() {
    gcc -shared -fPIC -O1 -DVARIANT=1 "$programs/plugin.c" -o plugin1.so &&
        gcc -shared -fPIC -O0 -fomit-frame-pointer -DVARIANT=7 "$programs/plugin.c" -o plugin2.so ||
        fail "cannot compile plugin.c"
}

# hammer ROUNDS: threads, forks and dlclose at once, with hakmem's unwinder alone, since libunwind hangs.
hammer() {
    compile_c hammer -O1
    UNWIND_COMPARE_ALONE=1 compare "threads, forks, dlclose" ./hammer "$1" ./plugin1.so ./plugin2.so
    [ "$(count unloads)" -ge "$1" ] || fail "of $((2 * $1)) unloads only $(count unloads) were noticed"
}

# finish LEAST: the verdict.
finish() {
    echo "$total stacks compared in all"
    [ "$total" -ge "$1" ] || fail "only $total stacks were compared, at least $1 are due"
    exit "$failed"
}
