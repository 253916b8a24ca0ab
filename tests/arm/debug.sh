#!/usr/bin/env bash
# hakmem-debug.so, cross-built for arm64, under qemu-user: each fault of tests/faults gets the code that it gets on x86-64, without a
# collector on either, and correct programs get none. Each fault in one level, by turns, and in the other one where that has none;
# correct programs, and with FULL=1 all, in both.
. "${SOURCE:?}/tests/tools/faults.sh"
. "$SOURCE/tests/tools/arm.sh"
build_arm hakmem-debug.so
library=$built/hakmem-debug.so

# Those that qemu-user 7.2 cannot show.
cannot() {
    case $1 in
    pool_leak) echo 'pieces of pools are left out where a thread could not be stopped' ;;
    esac
}

# run_both NAME LEVEL: `here` and `there` have what the program prints on x86-64 and on aarch64.
run_both() {
    local name=$1 variables options option arguments=()
    mapfile -t variables < <(variables_of "$name")
    options=(HAKMEM_TRACE=off "HAKMEM_CHECK=$2" HAKMEM_GUARD_WATCH=off "${variables[@]}")
    # qemu-user 10 keeps where each mapping begins and ends in memory that the scan reads: pointers to a guarded block.
    [ "$name" != memory_leak ] || options+=(HAKMEM_GUARD=off)
    for option in "${options[@]}"; do arguments+=(-E "$option"); done
    { env "${options[@]}" LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/faults/$name" >"here.$name" 2>&1 </dev/null; } 2>/dev/null
    { "$qemu" -L $root -E "LD_PRELOAD=$library" "${arguments[@]}" "./$name" >"there.$name" 2>&1 </dev/null; } 2>/dev/null
}

looked_at=0 turn=0
for program in $(fault_programs) $(correct_programs); do
    source=$SOURCE/tests/faults/$program.c compiler=gcc
    [ -e "$source" ] || { source=${source}pp compiler=g++; }
    [ -z "$(cannot "$program")" ] || continue
    ${cross}$compiler -w -O0 -D_GNU_SOURCE -iquote "$SOURCE/include" -pthread -o "$program" "$source" || exit 2
    levels=(trace normal trace)
    for level in "${levels[@]:turn++ % 2:2}"; do
        run_both "$program" $level
        [ "$(codes "here.$program")" = "$(codes "there.$program")" ] ||
            complain "$program, level $level: $(codes "there.$program"), x86-64 $(codes "here.$program")
$(head -n 12 "there.$program")"
        [ -n "$(codes "here.$program")" ] || continue
        looked_at=$((looked_at + 1))
        [ "${FULL:-0}" = 1 ] || break
    done
done
[ $looked_at -ge 44 ] || complain "only $looked_at runs had a fault"

# A report names the registers and the instruction of the processor, and its stack goes to main.
run_both use_after_free_read normal
grep -q '^  code [0-9a-f][0-9a-f]\( [0-9a-f][0-9a-f]\)\{3\}$' there.use_after_free_read || complain "four bytes of code: $(cat there.use_after_free_read)"
grep -q '^  x[0-9]* 0x[0-9a-f]* user+' there.use_after_free_read || complain "a register with the pointer: $(cat there.use_after_free_read)"
grep -c '^    #[0-9]* 0x[0-9a-f]* (the program)' there.use_after_free_read | grep -q '[2-9]' || complain "its stack: $(cat there.use_after_free_read)"

# A death in a handler of the program's own is told as the fault that the handler got, and one in a stop comes without a second report.
for program in handler_aborts stop_handler_fails; do
    ${cross}gcc -w -O1 -D_GNU_SOURCE -o $program "$SOURCE/tests/crash/$program.c" || exit 2
    { "$qemu" -L $root -E "LD_PRELOAD=$library" -E HAKMEM_TRACE=off ./$program >there.$program 2>&1 </dev/null; } 2>/dev/null
    [ "$(grep -c '^hakmem: ' there.$program)" = 1 ] || complain "$program: one report was due: $(head -n 12 there.$program)"
done
grep -q '^hakmem: SIGSEGV at 0x0' there.handler_aborts && grep -q "^  the program's own handler ran, then it died by SIGABRT" there.handler_aborts ||
    complain "handler_aborts: $(cat there.handler_aborts)"
