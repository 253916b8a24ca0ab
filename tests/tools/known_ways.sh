# shellcheck shell=bash
# Runs a program with a known fault in a way of guarding, and says what was found, beside memcheck. Sourced behind test.sh.

# Puts the inputs of tests/known/cases into the current directory, and sets the variables that the programs there read.
make_known_inputs() {
    local count
    unset "${!PYTHON@}" "${!NASM@}"
    export LC_ALL=C PART_ONE=. PART_TWO=b
    cp "$SOURCE"/tests/known/inputs/* .
    for count in 200 300; do
        seq -f 'segment part%g' "$count"
        echo "group parts $(seq -s ' ' -f 'part%g' "$count")"
    done | awk '{ print >file[n + 0] } BEGIN { file[0] = "groups_200.asm"; file[1] = "groups_300.asm" } /^group/ { n++ }'
    printf 'GIF89a\1\0\1\0\200\0\0\0\0\0\377\377\377,\0\0\0\0\1\0\1\0\0\2\2D\1\0;' >dot.gif
}

# The variables of a way of guarding.
variables_of_way() {
    case $1 in
    normal) ;;
    trace) echo HAKMEM_CHECK=trace ;;
    late) echo HAKMEM_GUARD=off ;;
    string) echo HAKMEM_GUARD=off HAKMEM_CHECK_STRING=1 ;;
    deaf) echo HAKMEM_GUARD_WATCH=off ;;
    all) echo HAKMEM_GUARD=all ;;
    before) echo HAKMEM_GUARD=all HAKMEM_GUARD_SIDE=before ;;
    byte) echo HAKMEM_GUARD=all HAKMEM_GUARD_ALIGN=1 ;;
    esac
}

# record_guarded WAY NAME COMMAND: leaves NAME.WAY.db, found.out, found.err and $status.
record_guarded() {
    local words variables
    read -ra words <<<"$3"
    read -ra variables <<<"$(variables_of_way "$1")"
    env "${variables[@]}" "$trace" run --wait --store "$2.$1.db" -- "${words[@]}" >found.out 2>found.err </dev/null
    status=$?
}

# run_guarded WAY NAME COMMAND: the same without the store.
run_guarded() {
    record_guarded "$@"
    rm -f "$2.$1.db"
}

# hunt_for NAME COMMAND: the same, of the last run of a hunt.
hunt_for() {
    local words
    read -ra words <<<"$2"
    rm -f "$1.hunt.db"
    "$trace" hunt --show none --output "$1.hunt.db" -- "${words[@]}" >found.out 2>found.err </dev/null
    status=$?
}

# Prints the finding, behind the name of its way.
print_finding() {
    local said
    said=$(finding)
    case $said in
    *': read'* | *': write'*)
        [ "$(report_place found.err)" = "$(tail -n 1 "$2.memcheck")" ] && said="$said; the same instruction"
        ;;
    esac
    printf '    %-8s  %s\n' "$1" "${said:-nothing}"
}

# The first error of memcheck in "$1": what it says, and the module and offset in the page of the first frame that is
# neither libc's nor valgrind's: the instruction itself, or, behind a frame of libc, where it returns to.
memcheck_error() {
    awk '
        function place(line, deeper,    address, module, offset) {
            match(line, /0x[0-9A-F]+/)
            address = substr(line, RSTART + 2, RLENGTH - 2)
            match(line, /\(in [^)]*\)/)
            module = substr(line, RSTART + 4, RLENGTH - 5)
            sub(/.*\//, "", module)
            sub(/\.so.*/, ".so", module)
            offset = (hex(substr(address, length(address) - 2)) + deeper) % 4096
            return sprintf("%s %03x", module, offset)
        }
        function hex(digits,    i, value) {
            for (i = 1; i <= length(digits); i++)
                value = value * 16 + index("0123456789ABCDEF", substr(digits, i, 1)) - 1
            return value
        }
        /Invalid free\(\)/ && !what { what = "free" }
        /Invalid (read|write) of size/ && !what { what = $3 " of " $6; sub(/,/, "", what) }
        what && !where && /(at|by) 0x/ {
            if ($0 ~ /vgpreload|vg_replace_|libc\.so/) deeper = 1
            else where = place($0, deeper)
        }
        what && / Address 0x/ {
            sub(/.* is /, "")
            sub(/ \(rw\).*/, "")
            print what ", " $0
            print where
            exit
        }' "$1"
}

# The same of a report: the first frame under FOUND.
report_place() {
    awk '/^  FOUND/ { on = 1 } on && /^      #0/ { sub(/^.* /, ""); sub(/\.so[^+]*/, ".so")
        at = index($0, "+0x"); print substr($0, 1, at - 1), substr("000" substr($0, at + 3), length($0) - at - 1); exit }' "$1"
}

# Prints the finding of a run, without what differs from run to run and from build to build.
finding() {
    sed -n '/^hakmem: HKM-/{ s/^hakmem: //; p; q; }' found.err | sed -Ef "$SOURCE/tests/tools/plain_headline.sed"
}
