#!/usr/bin/env bash
# tests/run: what fails once is run again, alone, and named as flaky, three of them are failures; what a machine lacks is counted
# and named, with its reason; a failure stays one; a folder that other users cannot enter is named.
set -u
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
export BUILD=$PWD/build
mkdir -p "$BUILD" tests/few && cp "$SOURCE/tests/run" tests/run || exit 2
failed=0

# test_of NAME: its script, from stdin.
test_of() { cat >"tests/few/$1.sh"; }
# closes_with STATUS PATHS LINES: tests/run of these ends so, and its last lines are these.
closes_with() {
    local got
    # shellcheck disable=SC2086
    tests/run $2 >out 2>&1
    got=$?
    if [ "$got" -eq "$1" ] && [ "$(tail -n "$(wc -l <<<"$3")" out)" = "$3" ]; then return; fi
    echo "tests/run $2 ended with $got, where $1 was expected, and with these lines:"
    tail -n 20 out
    failed=1
}

echo 'exit 0' | test_of passes
echo 'echo broken; exit 1' | test_of fails
for name in flaky1 flaky2 flaky3; do
    echo "[ -e '$PWD/$name' ] || { touch '$PWD/$name'; echo only at first; exit 1; }" | test_of $name
done
echo 'echo "skipped: no such machine"; exit 77' | test_of skips
echo 'echo "skipped: one part: no such machine"; exit 0' | test_of skips_part
echo 'exit 77' | test_of skips_silently

closes_with 0 few/passes.sh '1 passed, 0 failed'
closes_with 1 'few/passes.sh few/fails.sh' '1 passed, 1 failed'
closes_with 0 'few/passes.sh few/flaky1.sh few/flaky2.sh' $'flaky: few/flaky1.sh\nflaky: few/flaky2.sh\n3 passed, 0 failed'
grep -q '^only at first$' out || { echo "what a flaky test said at first is not shown" && failed=1; }
rm -f flaky1 flaky2
closes_with 1 'few/flaky1.sh few/flaky2.sh few/flaky3.sh' \
    $'flaky: few/flaky1.sh\nflaky: few/flaky2.sh\nflaky: few/flaky3.sh\n3 passed, 3 failed'
closes_with 0 'few/passes.sh few/skips.sh few/skips_part.sh' \
    $'skipped: few/skips.sh: no such machine\nskipped: few/skips_part.sh: one part: no such machine\n2 passed, 0 failed, 2 skipped'
closes_with 1 few/skips_silently.sh '0 passed, 1 failed'
grep -q 'says not why' out || { echo "a skip without a reason is not named" && failed=1; }

# A checkout that other users cannot enter: tests/run says so at the start, and again above the last line where a test failed.
if [ "$(id -u)" -eq 0 ]; then
    chmod 700 .
    tests/run few/fails.sh >out 2>&1
    chmod 755 .
    [ "$(grep -c "^note: other users cannot enter $BUILD" out)" -eq 2 ] || { echo "a folder that others cannot enter is not named:" && cat out && failed=1; }
fi
exit $failed
