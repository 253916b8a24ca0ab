#!/usr/bin/env bash
# A fault that the sweep at exit finds ends a program that has done its work. Before that its streams are written out behind
# the report, as exit would have done next. A stream that another thread holds is not waited for, a pipe that nobody
# reads any more is not the death, and quick_exit leaves the buffers as they are.
. "${SOURCE:?}/tests/tools/test.sh"
seq -f 'line %g' 300 >due
mkfifo input closed

# ends MODE: the program, which writes behind what is in file 8, MODE.out or a pipe, is stopped by SIGABRT with its report.
ends() {
    run_once "$1"
    while was_late "$1.err"; do
        : >"$1.out"
        run_once "$1"
    done
    [ $status -eq 134 ] || complain "$1: exit status $status, due 134"
    grep -q '^hakmem: HKM-301 heap-buffer-overflow: .* found by the sweep at exit$' "$1.err" || complain "$1: no report of the sweep: $(cat "$1.err")"
}
run_once() {
    status=0
    { timeout 300 env HAKMEM_GUARD=off "LD_PRELOAD=$BUILD/hakmem-debug.so" "$BUILD/tests/crash/output" "$1" <>input >&8 2>"$1.err"; } 2>/dev/null ||
        status=$?
}

# whole MODE FILE: it has every line, in order.
whole() { diff -q due "$2" >/dev/null || complain "$1: $2 is not whole: $(wc -l <"$2") lines"; }

ends exit 8>>exit.out
whole exit exit.out
left_out second || whole exit second
{ HAKMEM_GUARD=off LD_PRELOAD=$BUILD/hakmem-debug.so "$BUILD/tests/crash/output" exit >both 2>&1; } 2>/dev/null
sed -e '1,/^SUMMARY: /d' -e '/^qemu: uncaught target signal /d' both >behind
whole 'exit, one file' behind

ends input 8>>input.out
whole input input.out
ends held 8>>held.out
[ -s held.out ] && complain "held: somebody wrote a stream that another thread holds"
ends quick 8>>quick.out
[ -s quick.out ] && complain "quick: quick_exit wrote $(wc -l <quick.out) lines"

: <closed &
exec 8>closed # opens when its reader does, who is gone then
wait $!
ends exit
