#!/usr/bin/env bash
# A core alone has the stacks of a block's allocation and free, where the checks keep them: in levels normal, trace and light, recorded
# or not, of a stripped program, too. The process puts them into its core when it dies; a core that is made before has none, and says so.
# timeout: 600
here=$SOURCE/tests/corefile
. "${SOURCE:?}/tests/tools/corefiles.sh"
gcc -g -O0 -w -o program "$here/blocks.c" -pthread || fail 'gcc'
strip -o stripped program
allocated=blocks.c:$(grep -n 'char \*live = malloc' "$here/blocks.c" | cut -d: -f1)
freed=blocks.c:$(grep -n 'free(freed_later)' "$here/blocks.c" | cut -d: -f1)

# make_last_core PROGRAM [ARG...]: the core of its death: its handler of the signal, which reports, has run.
make_last_core() {
    rm -f made.core
    in_gdb "$BUILD/hakmem-debug.so" continue 'generate-core-file made.core' kill -- "$@"
    [ -s made.core ] || fail "gdb made no core of $*: $(tail -n 5 gdb.out)"
}
# has WHAT PLACE: the stack under the heading WHAT goes through main at PLACE.
has() {
    sed -n "/^  $1\$/,/^  [a-z]/p" found | grep -qE "^ +#[0-9]+ +main +.*$2\$" || fail "$case: no stack '$1' with $2: $(cat found)"
}
ask() { "$trace" core made.core --why "$(address_of "$1")" "${@:2}" >found 2>errors || fail "$case, $1: status $?: $(cat errors)"; }

while read -r level guard record; do
    case="$level, $guard, recorded $record"
    export HAKMEM_CHECK=$level HAKMEM_GUARD=$guard HAKMEM_TRACE=$record
    make_last_core ./program
    ask live
    has allocated "$allocated"
    grep -q '^  freed' found && fail "$case: a live block was freed: $(cat found)"
    ask freed_later
    has allocated 'blocks.c:[0-9]+'
    has freed "$freed"
    make_last_core ./stripped
    ask live
    sed -n '/^  allocated$/,$p' found | grep -qE '^ +#[0-9]+ .*stripped\+0x[0-9a-f]+$' || fail "$case: stripped: $(cat found)"
    ask live --json
    unset HAKMEM_CHECK HAKMEM_GUARD HAKMEM_TRACE
done <<'END_OF_CASES'
normal off on
normal all off
trace off on
light sample:1 on
light sample:1 off
END_OF_CASES

# A core that was made before the process could say so.
case='before the end'
HAKMEM_GUARD=off make_core made.core "$BUILD/hakmem-debug.so" ./program
ask live
grep -qx '  stacks      not in this core' found || fail "$case: $(cat found)"

# The plain library keeps none.
case='plain library'
make_core made.core "$BUILD/libhakmem.so" ./program
ask live
grep -qE 'stack|allocated' found && fail "$case: $(cat found)"
exit 0
