#!/usr/bin/env bash
# A program that dies without its collector, or with one that is stopped, still says what it knows
# itself, in time, where HAKMEM_LOG says, and keeps its status.
# shellcheck disable=SC2317
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"

# start WHAT [VARIABLE=VALUE...]: starts when_told in a directory of its own; sets program, worker,
# keeper; what is written to file descriptor 5 tells it to go on.
cases=0
start() {
    local what=$1
    shift
    directory=$PWD/case$((cases += 1))
    mkdir "$directory" && mkfifo "$directory/in" || exit 1
    (cd "$directory" && exec env "$@" HAKMEM_TRACE_FILE="$directory/store.db" LD_PRELOAD="$BUILD/hakmem-debug.so" \
        "$BUILD/tests/crash/when_told" "$what") <"$directory/in" >"$directory/out" 2>"$directory/err" &
    program=$!
    exec 5>"$directory/in"
    until_true grep -q ready "$directory/out" || exit 1
    worker='' keeper=''
    case " $* " in *" HAKMEM_TRACE=off "*) return ;; esac
    worker_there() { [ -n "$(holders_of "$directory/store.db")" ]; }
    until_true worker_there || exit 1
    worker=$(holders_of "$directory/store.db" | head -n 1)
    keeper=$(parent_of "$worker")
}
go_on() {
    echo >&5
    exec 5>&-
    wait "$program" 2>/dev/null
    status=$?
}

# says FILE LINES... : each regular expression is in the file.
says() {
    local file=$1 line
    shift
    for line in "$@"; do
        grep -qE -- "$line" "$file" || {
            complain "case $cases: this is not said in $(basename "$file"): $line"
            sed 's/^/    /' "$file"
        }
    done
}

# 1: dead. The program goes on with a new one, which writes the whole report, and what was recorded is kept.
start crash
kill_at_once "$keeper" "$worker"
go_on
[ "$status" -eq 139 ] || complain "dead collector: status $status; due: 139"
says "$directory/err" '^hakmem: SIGSEGV in crash\(\) when_told\.c:10 at address 0x0: null pointer: the program crashed' '^SUMMARY: hakmem: crash when_told.c'
"$BUILD/hakmem-trace" events -s "$directory/store.db" >"$directory/events" 2>&1
says "$directory/events" ' FAULT '

# 2: stopped, keeper and worker. Given up after 3 s.
start crash
kill -STOP "$keeper" "$worker"
started=$SECONDS
go_on
[ $((SECONDS - started)) -le 100 ] || complain "a stopped collector was waited for $((SECONDS - started)) s"
[ "$status" -eq 139 ] || complain "stopped collector: status $status; due: 139"
kill -CONT "$keeper" "$worker"
says "$directory/err" '^hakmem: SIGSEGV at 0x0, thread 1 \(raw report: the collector has not moved for 3 s\)' \
    '    #0 0x[0-9a-f]+ \(the program\)\+0x' '^SUMMARY: hakmem: SIGSEGV .*store=store\.db$'
[ "$(grep -c '^SUMMARY' "$directory/err")" -eq 1 ] || complain "stopped collector: two reports"

# 3: stopped, and HAKMEM_LOG: the raw report goes there, behind what is in it.
start fault HAKMEM_LOG=log.%e HAKMEM_CHECK=trace
echo before >"$directory/log.when_told"
kill -STOP "$keeper" "$worker"
go_on
kill -CONT "$keeper" "$worker"
[ "$status" -eq 134 ] || complain "fault with a stopped collector: status $status; due: 134"
[ ! -s "$directory/err" ] || complain "HAKMEM_LOG is set, but on stderr: $(head -n 3 "$directory/err")"
says "$directory/log.when_told" '^before$' '^hakmem: HKM-202 double-free at 0x' '^SUMMARY: hakmem: double-free'

# 4: nothing is recorded: a collector is started for the report, which goes to the log as well.
start fault HAKMEM_LOG=log.%p HAKMEM_TRACE=off
go_on
[ "$status" -eq 134 ] || complain "unrecorded fault: status $status; due: 134"
[ ! -s "$directory/err" ] || complain "unrecorded, HAKMEM_LOG is set, but on stderr: $(head -n 3 "$directory/err")"
says "$directory/log.$program" '^hakmem: HKM-202 double-free: main\(\) when_told\.c:26 calls free on a 24-byte block already freed by main\(\) when_told\.c:16$' '^  COMPLETENESS      nothing was recorded'

# 5: an unrecorded crash is reported like any other.
start crash HAKMEM_TRACE=off
go_on
[ "$status" -eq 139 ] || complain "unrecorded crash: status $status; due: 139"
says "$directory/err" '^hakmem: SIGSEGV in crash\(\) when_told\.c:10 at address 0x0: null pointer: the program crashed' '^SUMMARY: .* store=none$'

# 6: no collector can be started, and the log cannot be opened: a raw report on stderr.
start fault HAKMEM_LOG=/nowhere/at/all HAKMEM_TRACE=off HAKMEM_COLLECT=/nowhere/hakmem-collect
go_on
says "$directory/err" '^hakmem: HKM-202 double-free at 0x' 'raw report: no collector can be started'

# 7: a log that the collector writes.
start crash HAKMEM_LOG=log
go_on
[ ! -s "$directory/err" ] || complain "HAKMEM_LOG is set, but on stderr: $(head -n 3 "$directory/err")"
says "$directory/log" '^hakmem: SIGSEGV in crash\(\) when_told\.c:10 at address 0x0: null pointer: the program crashed' '^SUMMARY: hakmem: crash when_told.c'

# 8: nothing is recorded, and the program has a handler of SIGABRT: it runs, once, also if it does it again.
for name in stop_handler stop_handler_fails; do
    { timeout 300 env HAKMEM_TRACE=off LD_PRELOAD="$BUILD/hakmem-debug.so" "$BUILD/tests/crash/$name" >out 2>err; status=$?; } 2>&1
    [ "$status" -eq 134 ] || complain "$name, unrecorded: status $status; due: 134"
    [ "$(cat out)" = "the program's own report" ] || complain "$name, unrecorded: $(head -n 5 out)"
done
