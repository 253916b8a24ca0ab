#!/usr/bin/env bash
# hakmem-debug.so for arm64 under qemu-user starts its collector, and hakmem-trace of this machine reads what was recorded there: registers
# and code are those of aarch64. Without one that runs there the program says why, and records into a file of rings.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm hakmem-debug.so
${cross}gcc -g -w -O0 -iquote "$SOURCE/include" -pthread -o late "$SOURCE/tests/faults/use_after_free_read.c" || exit 2

# record NAME VARIABLE...: in level normal; `said` has what the program prints.
record() {
    local variable arguments=()
    rm -f ./*.rings
    for variable in HAKMEM_CHECK=normal "$@"; do arguments+=(-E "$variable"); done
    { "$qemu" -L "$root" -E "LD_PRELOAD=$built/hakmem-debug.so" "${arguments[@]}" ./late >said 2>&1 </dev/null; } 2>/dev/null
}

# The error of execve comes from the process that qemu-user copied.
echo 'no program' >collect && chmod +x collect
record HAKMEM_COLLECT="$PWD/collect"
grep -q "^hakmem: no collector: hakmem-collect cannot be started: $PWD/collect (not a program for this machine); the newest events go into " said || complain "no program: $(head -n 5 said)"

# That of this machine runs, hears the program, and refuses it: its clock is another. qemu-user executes it without binfmt_misc.
record HAKMEM_COLLECT="$BUILD/hakmem-collect"
grep -q '^hakmem: no collector: the collector refuses: hakmem-debug.so is for another processor than this hakmem-collect, which is for x86-64' said ||
    complain "another machine's collector: $(head -n 5 said)"

"$BUILD/hakmem-trace" import -s late.db ./*.rings >import.out 2>&1 || complain "import: $(cat import.out)"
"$BUILD/hakmem-trace" info -s late.db >info
grep -q '^machine *aarch64$' info || complain "the machine: $(cat info)"
grep -q '^registers *no debug register watched: debug registers are used on x86-64 only$' info || complain "debug registers: $(cat info)"
"$BUILD/hakmem-trace" faults 1 -s late.db >report
grep -q '^  INSTRUCTION .*\[x[0-9]*\]   (\([0-9a-f][0-9a-f] \)\{3\}[0-9a-f][0-9a-f])$' report || complain "the instruction: $(cat report)"
grep -q '^  COMPLETENESS .*; debug registers are used on x86-64 only$' report || complain "its completeness: $(cat report)"
grep -q '^      x[0-9]* *0x[0-9a-f]* is .*the block' report || complain "its registers: $(cat report)"
"$BUILD/hakmem-trace" faults 1 --json -s late.db >json
grep -q '"x30"' json && grep -q '"pc"' json && ! grep -q '"rip"' json || complain "registers in JSON: $(head -c 600 json)"

# Mappings of the program are recorded in whole pages of the kernel's.
${cross}gcc -g -w -o mapped "$SOURCE/tests/arm/mapped.c" || exit 2
find_wide_pages
for bytes in 4096 $wide_pages; do
    rm -f ./*.rings mapped.db*
    pages=()
    [ "$bytes" = 4096 ] || pages=(-p "$bytes")
    "$qemu" "${pages[@]}" -L "$root" -E "LD_PRELOAD=$built/hakmem-debug.so" -E HAKMEM_COLLECT="$PWD/collect" ./mapped >said 2>&1 </dev/null ||
        complain "pages of $bytes bytes: $(head -n 5 said)"
    "$BUILD/hakmem-trace" import -s mapped.db ./*.rings >import.out 2>&1 || complain "import, $bytes: $(cat import.out)"
    "$BUILD/hakmem-trace" events -s mapped.db >events
    [ "$(grep -cE " PROGRAM_(MAP|UNMAP) .* $((bytes / 1024))\.0 KiB (un)?mapped" events)" = 2 ] || complain "mappings, pages of $bytes bytes: $(grep MAP events)"
done
