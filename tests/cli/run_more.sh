#!/usr/bin/env bash
# `run` between a shell and its program: signals, status, set-id programs, variables that are set.
. "${SOURCE:?}/tests/tools/test.sh"
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

# No room for the collector's threads: that is said, not that the library was not loaded.
if [ "$(id -u)" -eq 0 ]; then
    public=$(mktemp -d /tmp/hakmem-few.XXXXXX) || exit 2 # the checkout may lie where only root comes
    cp "$BUILD"/{hakmem-trace,hakmem-collect,hakmem-debug.so} "$public" && chown -R 4242 "$public"
    (cd "$public" && setpriv --reuid=4242 --regid=4242 --clear-groups \
        bash -c 'ulimit -u 3 && exec ./hakmem-trace run --json -s few.db -- /bin/true') >few.json 2>said
    status=$?
    [ "$status" -eq 4 ] || fail "ulimit -u 3: status $status, 4 was due: $(cat said)"
    grep -qE 'worker (cannot start|ends again and again)' said || fail "ulimit -u 3, first line: $(cat said)"
    grep -q 'the collector could not take its record' said || fail "ulimit -u 3, last line: $(cat said)"
    grep -q 'was not loaded' said && fail "ulimit -u 3 blames the library: $(cat said)"
    grep -q '^  "why": "the program was not recorded: the collector could not take its record; ' few.json || fail "ulimit -u 3, the JSON does not say why: $(cat few.json)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" few.json || fail "run --json is not as its schema"
fi

# The store that was just recorded is the newest here and needs no name.
"$trace" run -- true && "$trace" info >said || fail "info: status $?"
grep -q '^capture  *hakmem\.true\.[0-9]*\.db$' said || fail "the default store is not hakmem.true.PID.db"
exit 0
