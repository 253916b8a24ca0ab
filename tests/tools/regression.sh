# shellcheck shell=bash
# Helpers for the regressions: a program under `run --ci`, as the CI of any project would run it. Sourced, with $BUILD.
. "$SOURCE/tests/tools/test.sh"

# clean STORE ARGUMENTS...: nothing may be found, and the program has to end well. Output of run stays in out
# and err.
clean() {
    local store=$1
    shift
    "$BUILD/hakmem-trace" run --ci -s "$store" "$@" >out 2>err || {
        head -n 40 out err "${store%.db}.log" 2>/dev/null
        fail "run --ci $*: status $?"
    }
    [ ! -s err ] || { cat err; fail "run --ci $*: something is on stderr"; }
    grep -q 'failures="0" errors="0"' "${store%.db}.junit.xml" || fail "run --ci $*: JUnit tells of a failure"
}

# found CODE STORE ARGUMENTS...: this fault is found, and fails the job.
found() {
    local code=$1 store=$2
    shift 2
    "$BUILD/hakmem-trace" run --ci -s "$store" "$@" >out 2>err
    [ $? -eq 1 ] || { cat out err; fail "run --ci $* does not fail"; }
    grep -q "hakmem:   HKM-$code:" err || { cat err; fail "run --ci $* does not find HKM-$code"; }
}

# ask STORE QUERY: one value.
ask() { "$BUILD/hakmem-trace" sql -s "$1" "$2" || fail "sql: $2"; }

# at_least NUMBER WHAT COUNT
at_least() { [ "$3" -ge "$1" ] || fail "$2: $3, and at least $1 were due: the test does not go where the fault was"; }
