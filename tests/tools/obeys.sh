# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # what it sets is for who sources it, who sets `trace`
# Helpers for tests of `hakmem-trace ctl`: starts tests/ctl/obeys and has it do things. Sourced.

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

# obey WORD [NAME [BYTES]]: and waits until it is done. Sets pointer (of `take` and `resize`) and speaker, who did it.
# Earlier requests of `drive` may still be answered meanwhile.
obey() {
    local before word name
    read -r word name _ <<<"$*"
    before=$(lines_told)
    echo "$*" >&8
    until_true has_told "$before" "$word ${name:-a}"
    read -r speaker _ _ pointer < <(told_since "$before" "$word ${name:-a}")
    [ -n "$speaker" ] || fail "obeys ended, or hangs, at '$*': $(cat errors)"
}
lines_told() { wc -l <told 2>/dev/null || echo 0; }
told_since() { tail -n "+$(($1 + 1))" told 2>/dev/null | grep -m 1 -E "^[0-9]+ $2 "; }
has_told() { told_since "$@" >/dev/null || ! kill -0 "$program" 2>/dev/null; }

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
    timeout 300 "$trace" ctl "$@" -t 60 >said 2>&1
    status=$?
    [ "$status" -eq "$due" ] || complain "ctl $*: status $status, $due was due: $(cat said)"
    grep -Eq -- "$text" said || complain "ctl $*: it does not say '$text': $(cat said)"
}
# The same where the program does nothing else: it is driven meanwhile.
ask_busy() {
    drive
    ask "$@"
    calm
}
