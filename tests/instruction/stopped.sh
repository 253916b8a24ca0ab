#!/usr/bin/env bash
# Reports describe the instruction at which the processor stopped the program, for each case of stopped.c, where that
# was a fault of the heap, and of crashed.c, where it was none: the bytes that it touches, read or written, and what
# the registers are for and point to (stopped.expected, crashed.expected). The same of stopped.c with a libcapstone
# that cannot be loaded (without.expected): its bytes, and what to install; nothing else is lost. And what the
# program says itself where no collector can be started (raw.expected).
# UPDATE=1 writes all anew, to be read before they are committed.
PROGRAMS=instruction
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/faults.sh"
here=$SOURCE/tests/instruction
[ "${1-}" != --update ] || UPDATE=1
mkdir none && for version in 4 5 6; do : >none/libcapstone.so.$version; done

# Lines of a report on the instruction: the first one, and from INSTRUCTION to what follows REGISTERS.
instruction_lines() {
    sed -E -n '1p; /^  (INSTRUCTION|REGISTERS)/,/^  (BYTES|HISTORY|COMPLETENESS)/ { /^  (BYTES|HISTORY|COMPLETENESS)/ !p }' | sed -E 's/0x[0-9a-f]{7,16}/0xN/g; s/libcapstone[0-9]+/libcapstoneN/' |
        sed -Ef "$SOURCE/tests/tools/plain_headline.sed"
}

# Puts in the place of each line "@json FILE" what that has of the instruction, registers without a block or a part in the address left
# out, and in that of "@sarif FILE" what SARIF has.
resolve() {
    python3 -c '
import json, jsonschema, re, sys
schema = {"$ref": "#/$defs/report", **json.load(open(sys.argv[1]))}
validator = jsonschema.validators.validator_for(schema)(schema)
for line in sys.stdin:
    kind, _, file = line.rstrip("\n").partition(" ")
    if kind == "@json":
        document = json.load(open(file))
        validator.validate(document)
        fault = document["fault"]
        fault["registers"] = [one for one in fault["registers"] if one["block"] or one["role"]]
        for name in "access", "found_by", "instruction", "registers":
            print("   ", name, re.sub("0x[0-9a-f]{7,16}", "0xN", json.dumps(fault[name], sort_keys=True)))
    elif kind == "@sarif":
        properties = json.load(open(file))["runs"][0]["results"][0]["properties"]
        print("    sarif", properties.get("access"), "|", properties.get("instruction"))
    else:
        print(line, end="")' "$SOURCE/docs/specs/output.schema.json"
}

# One case: its program, its name, and "none" where there is no disassembler, "raw" where there is no collector.
tell() {
    local program=$1 case=$2 disassembler=$3 side=after directory variables=()
    case $case in *before | copy_backwards) side=before ;; esac
    [ "$disassembler" = none ] && variables=(LD_LIBRARY_PATH="$PWD/none")
    [ "$disassembler" = raw ] && variables=(HAKMEM_TRACE=off HAKMEM_COLLECT=/nowhere/hakmem-collect)
    [ "$program" = stopped ] && variables+=(HAKMEM_CHECK=normal HAKMEM_GUARD=all HAKMEM_GUARD_SIDE="$side")
    directory=$(mktemp -d "$PWD/run.$case.XXXXXX") || exit 2
    {
        (cd "$directory" || exit 2
        exec env "${variables[@]}" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/instruction/$program" "$case") >"$directory/printed" 2>&1
    } 2>/dev/null
    echo "$case"
    if [ "$disassembler" = raw ]; then
        sed -E '/^    #/d; s/0x[0-9a-f]{7,16}/0xN/g' "$directory/printed"
        return
    fi
    wait_for_store "$directory"
    instruction_lines <"$directory/printed"
    "$BUILD/hakmem-trace" faults 1 --json -s "$directory"/*.db >"$directory/json"
    echo "@json $directory/json"
    "$BUILD/hakmem-trace" export sarif -s "$directory"/*.db >"$directory/sarif"
    echo "@sarif $directory/sarif"
}

# Of a signal that the program sends itself, the registers are what the way to that call left in them.
without_leavings() {
    sed -e '/^sent$/,/^    sarif/ { /^  REGISTERS/,/^    access/ { /^    access/ !d }' -e '/^    registers/d }'
}

# tell_all PROGRAM DISASSEMBLER FILE CASE...
tell_all() {
    local program=$1 disassembler=$2 file=$here/$3
    shift 3
    printf "$program %s $disassembler\n" "$@" | each_in_parallel tell | resolve | without_leavings >found
    if [ -n "${UPDATE-}" ]; then
        cp found "$file"
        return 0
    fi
    diff -u --label "$(basename "$file")" --label 'what was reported' "$file" found
}

mapfile -t stops < <("$BUILD/tests/instruction/stopped")
mapfile -t crashes < <("$BUILD/tests/instruction/crashed")
tell_all stopped libcapstone stopped.expected "${stops[@]}" || failed=1
tell_all crashed libcapstone crashed.expected "${crashes[@]}" || failed=1
tell_all stopped none without.expected read_byte read_index fill add freed_byte || failed=1
tell_all stopped raw raw.expected read_four write_number fill read_before freed_byte || failed=1
