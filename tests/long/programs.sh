#!/usr/bin/env bash
# The tests of real programs at their full size, both levels; prints what each recorded. ONLY="redis gcc": these.
# timeout: 7200
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/long/sizes"
export FULL=1
for test in ${ONLY:-redis postgresql nginx memcached node python perl sqlite git_gc gcc gxx make_self}; do
    mkdir "$test" && echo "== $test" || exit 1
    (cd "$test" && TMPDIR=$PWD exec timeout --kill-after=10 1200 bash "$SOURCE/tests/programs/$test.sh") 2>&1 || {
        echo "$test failed with status $?; its directory is $PWD/$test"
        failed=1
        continue
    }
    rm -rf "$test"
done
exit "$failed"
