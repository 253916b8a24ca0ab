#!/usr/bin/env bash
# A program's parent sees the same end of it as without hakmem: signal, status and core bit; a core shows
# the crash and holds no session memory.
. "${SOURCE:?}/tests/tools/test.sh"
names=(segv narrow_sandbox bus abort ill fpe trap sandbox killed raised idle_thread handler_exits handler_aborts stack_overflow
    handler_raises handler_raises_late abort_handler at_end constructor blocked)
mkdir with without || exit 1
(cd without && exec python3 "$SOURCE/tests/crash/deaths.py" - "$BUILD/tests/crash/when_told" "$BUILD/tests/crash" \
    "${names[@]}") >due.out 2>due.err || failed=1
(cd with && exec python3 "$SOURCE/tests/crash/deaths.py" "$BUILD/hakmem-debug.so" \
    "$BUILD/tests/crash/when_told" "$BUILD/tests/crash" "${names[@]}") >got.out 2>got.err || failed=1
diff -u --label without --label 'with hakmem-debug.so' due.out got.out || failed=1
[ "$(wc -l <due.out)" -gt 35 ] || complain "only $(wc -l <due.out) deaths were looked at"
for core in with/core*; do
    [ -e "$core" ] || continue # where they go is the system's business
    blocks=$(stat -c %b "$core")
    [ "$blocks" -le $((64 * 2048)) ] || complain "$core takes $((blocks / 2048)) MiB"
done
rm -f with/core* without/core*
