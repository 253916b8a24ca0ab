# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what it sets is for who sources it, who sets `trace`
# For tests of `hakmem-trace ctl`: starts tests/ctl/obeys and has it do things. Sourced.

# start LIBRARY [NAME=VALUE...]: under LIBRARY; sets program. Its stdout is `told`, its stderr `errors`.
start() {
    local library=$1
    shift
    rm -f in told errors
    mkfifo in
    env "$@" LD_PRELOAD="$BUILD/$library" "$BUILD/tests/ctl/obeys" <in >told 2>errors &
    program=$!
    exec 8>in
    obey churn 1
}

# obey LINE: and waits until it is done. Sets pointer (of `take` and `resize`) and speaker, who did it.
obey() {
    local before
    before=$(lines_told)
    echo "$*" >&8
    until_true more_than "$before"
    [ "$(lines_told)" -gt "$before" ] || { fail "obeys ended, or hangs, at '$*': $(cat errors)"; exit 1; }
    read -r speaker _ _ pointer < <(tail -n 1 told)
}
lines_told() { wc -l <told 2>/dev/null || echo 0; }
more_than() { [ "$(lines_told)" -gt "$1" ] || ! kill -0 "$program" 2>/dev/null; }

# Has it call malloc all the time, so that it answers, until calm.
drive() {
    while :; do
        echo "churn 300" >&8 || exit
        sleep 0.02
    done 2>/dev/null &
    driver=$!
}
calm() {
    kill "$driver"
    wait "$driver" 2>/dev/null
}

finish() {
    exec 8>&-
    wait "$program"
}

# ask STATUS TEXT ARGUMENT...: ctl ends with it, and says a line with the pattern TEXT.
ask() {
    local due=$1 text=$2 status
    shift 2
    timeout 100 "$trace" ctl "$@" -t 60 >said 2>&1
    status=$?
    [ "$status" -eq "$due" ] || fail "ctl $*: status $status, $due was due: $(cat said)"
    grep -Eq -- "$text" said || fail "ctl $*: it does not say '$text': $(cat said)"
}
# The same where the program does nothing else: it is driven meanwhile.
ask_busy() {
    drive
    ask "$@"
    calm
}
