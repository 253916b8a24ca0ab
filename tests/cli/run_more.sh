#!/usr/bin/env bash
# `run` between a shell and its program: signals, status, set-id programs, variables that are set.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
public=''
cleanup() { rm -rf "$public"; }

# A signal sent to `run` alone reaches the program; its own status comes back.
for signal in TERM HUP USR1; do
    "$trace" run --force -s signal.db -- sh -c \
        "trap 'echo got $signal; exit 9' $signal; echo ready; while :; do sleep 0.05; done" >"said.$signal" 2>errors &
    run=$!
    for _ in $(seq 1200); do grep -qs ready "said.$signal" && break; sleep 0.05; done
    kill -s "$signal" "$run"
    wait "$run"
    status=$?
    [ "$status" -eq 9 ] || fail "$signal: status $status, 9 was due; $(cat "said.$signal" errors)"
    grep -q "got $signal" "said.$signal" || fail "$signal did not reach the program"
    [ -s errors ] && fail "$signal: stderr is not empty: $(cat errors)"
done

# A program that changes its rights ignores LD_PRELOAD: said before it is started.
printf 'int main(void) { return 0; }\n' >set_id.c
"${CC:-cc}" -o set_id set_id.c || fail "no compiler"
if [ "$(id -u)" -eq 0 ]; then
    chown 1:1 set_id && chmod 4755 set_id
    set_id=./set_id
else
    set_id=$(command -v su)
fi
"$trace" run -- "$set_id" >said 2>&1
status=$?
[ "$status" -eq 2 ] || fail "set-id: status $status, 2 was due"
grep -q 'is set-user-id, so the loader ignores hakmem' said || fail "set-id: $(cat said)"

# A variable that is set already holds where no option is given; an option goes before it.
HAKMEM_CHECK=trace "$trace" run -s variables.db -- sh -c 'echo "$HAKMEM_CHECK"' >said
[ "$(cat said)" = trace ] || fail "HAKMEM_CHECK=trace did not hold: $(cat said)"
HAKMEM_CHECK=trace "$trace" run --force -s variables.db --check normal -- sh -c 'echo "$HAKMEM_CHECK"' >said
[ "$(cat said)" = normal ] || fail "--check normal did not go before HAKMEM_CHECK: $(cat said)"
HAKMEM_TRACE_FILE='of.%e.%p.db' "$trace" run -- true || fail "HAKMEM_TRACE_FILE: status $?"
ls of.true.*.db >/dev/null || fail "HAKMEM_TRACE_FILE did not name the store"

# Another preload stays, behind hakmem's.
LD_PRELOAD=$BUILD/tests/tools/none.so "$trace" run --force -s variables.db -- sh -c 'echo "$LD_PRELOAD"' >said 2>/dev/null
[ "$(cat said)" = "$BUILD/hakmem-debug.so:$BUILD/tests/tools/none.so" ] || fail "LD_PRELOAD is $(cat said)"

# No room for the record in the limit of file sizes: that is named, not the library.
(ulimit -f 100 && "$trace" run --json -s limited.db -- true) >limited.json 2>said
status=$?
[ "$status" -eq 4 ] || fail "ulimit -f 100: status $status, 4 was due: $(cat said)"
limited='the program was not recorded: the limit of file sizes (ulimit -f) is 100 KiB, and its record needs 4096 KiB; raise the limit'
[ "$(cat said)" = "hakmem-trace: run: $limited" ] || fail "ulimit -f 100: $(cat said)"
grep -qF "\"why\": \"$limited\"" limited.json || fail "ulimit -f 100, the JSON: $(cat limited.json)"

# No room for the collector's threads: that is said, not that the library was not loaded.
if [ "$(id -u)" -eq 0 ]; then
    user=$((40000 + $$ % 20000)) # whose processes are counted: another run's are not its own
    public=$(mktemp -d /tmp/hakmem-few.XXXXXX) || exit 2 # the checkout may lie where only root comes
    cp "$BUILD"/{hakmem-trace,hakmem-collect,hakmem-debug.so} "$public" && chown -R "$user" "$public"
    (cd "$public" && setpriv --reuid="$user" --regid="$user" --clear-groups \
        bash -c 'ulimit -u 3 && exec ./hakmem-trace run --json -s few.db -- /bin/true') >few.json 2>said
    status=$?
    [ "$status" -eq 4 ] || fail "ulimit -u 3: status $status, 4 was due: $(cat said)"
    grep -qE 'worker (cannot start|ends again and again)' said || fail "ulimit -u 3, first line: $(cat said)"
    grep -q 'the collector could not take its record' said || fail "ulimit -u 3, last line: $(cat said)"
    grep -q 'was not loaded' said && fail "ulimit -u 3 blames the library: $(cat said)"
    grep -q '^  "why": "the program was not recorded: the collector could not take its record; ' few.json || fail "ulimit -u 3, the JSON does not say why: $(cat few.json)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" few.json || fail "run --json is not as its schema"

    # few NAME COMMAND...: the same, its answer in NAME.json.
    few() {
        local name=$1
        shift
        # Bash 5.3 starts a function in the background with INT ignored, which `run` leaves so.
        cd "$public" && exec env --default-signal=INT setpriv --reuid="$user" --regid="$user" --clear-groups \
            bash -c 'ulimit -c 0 && ulimit -u 3 && exec ./hakmem-trace run --json -s "$0.db" -- "$@"' "$name" "$@" >"$public/$name.json" 2>"$public/$name.said"
    }
    # Processes of the run before may still be there, and are counted if they are the same user's.
    another_user() { user=$((user + 20000)) && chown -R "$user" "$public"; }
    # The program's end by a signal is no reason to leave out why the status is not that one.
    another_user
    (few killed sh -c 'kill -KILL $$')
    status=$?
    [ "$status" -eq 4 ] || fail "a program that is killed, status $status, 4 was due: $(cat "$public/killed.said")"
    grep -q '"program_status": 137' "$public/killed.json" && grep -q '^  "why": "the program was not recorded: ' "$public/killed.json" ||
        fail "a program that is killed: $(cat "$public/killed.json")"

    # The second signal ends `run` itself: its status is that one's, and says nothing of the record.
    mkfifo orders
    another_user
    few left sh -c 'trap "echo got" TERM; echo ready; while :; do read -r x && [ "$x" = end ] && exit 9; done' <orders &
    run=$!
    exec 9>orders
    until_true grep -qs ready "$public/left.json" || fail 'the program has not begun'
    kill -TERM "$run"
    until_true grep -q got "$public/left.json" || fail 'the first signal did not come to the program'
    kill -INT "$run"
    wait "$run"
    status=$?
    echo end >&9
    exec 9>&-
    grep -q 'the program was not recorded' "$public/left.said" || fail "a second signal: $(cat "$public/left.said")"
    [ "$status" -eq 130 ] || fail "a second signal: status $status, 130 was due: $(cat "$public/left.said")"
    grep -q '"status": 130' "$public/left.json" || fail "a second signal, the JSON: $(cat "$public/left.json")"
    ! grep -q '"why"' "$public/left.json" || fail "a second signal, the JSON says why the record is not there: $(cat "$public/left.json")"
fi

# The store that was just recorded is the newest here and needs no name.
"$trace" run -- true && "$trace" info >said || fail "info: status $?"
grep -q '^capture  *hakmem\.true\.[0-9]*\.db$' said || fail "the default store is not hakmem.true.PID.db"
exit 0
