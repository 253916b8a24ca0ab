#!/usr/bin/env bash
# A report begins a line: where the program has left one unfinished in a file or on a terminal, a new one,
# with a collector and without.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
scratch=$PWD
cp "$BUILD/hakmem-debug.so" alone.so

# shows WHAT DUE FOUND: the lines of FOUND up to the report's first one, with its beginning.
shows() {
    local found
    found=$(tr -d '\r' <"$3" | sed '/^hakmem: no collector/d' | sed -nE '1,/^.*hakmem: /p' | sed -E 's/hakmem: HKM-202.*/REPORT/' | paste -sd'|')
    [ "$found" = "$2" ] || complain "$1: shows '$found', '$2' was due"
}

for library in "$BUILD/hakmem-debug.so" "$scratch/alone.so"; do
    run() {
        HAKMEM_TRACE_FILE=$scratch/%p.db LD_PRELOAD=$library "$BUILD/tests/crash/unfinished" "$@"
    }
    { run 2>written; } 2>/dev/null
    shows "$library into a file" 'reading the file ... |REPORT' written
    echo log >appended
    { run 2>>appended; } 2>/dev/null
    shows "$library appends to a file" 'log|reading the file ... |REPORT' appended
    { run finished 2>finished; } 2>/dev/null
    shows "$library behind a whole line" 'reading the file ... |REPORT' finished
    { run 2>&1 finished | cat >piped; } 2>/dev/null
    shows "$library into a pipe" 'reading the file ... |REPORT' piped
    HAKMEM_TRACE_FILE=$scratch/%p.db python3 -c '
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(LD_PRELOAD=sys.argv[1], TERM="dumb")
    os.execv(sys.argv[2], sys.argv[2:])
with open("shown", "wb") as shown:
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown.write(piece)
os.waitpid(pid, 0)' "$library" "$BUILD/tests/crash/unfinished"
    shows "$library on a terminal" 'reading the file ... |REPORT' shown
done
grep -q 'raw report' appended || complain "without a collector: no raw report"
