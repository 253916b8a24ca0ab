#!/usr/bin/env bash
# `core --why` adds what the store says of a recorded process, and --block and --history ask the store, which is found by the recording's id: of a
# core, of a process at a breakpoint, of one that gdb attaches to. A store of another recording is not taken.
# timeout: 600
. "${SOURCE:?}/tests/tools/corefiles.sh"
program=$BUILD/tests/corefile/blocks
script=$SOURCE/tools/gdb/hakmem-gdb.py
says() { grep -qE -- "$1" "${3-asked}" || fail "$2: due '$1', said: $(cat "${3-asked}")"; }
gdb_batch() { timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "source $script" -ex "set hakmem-trace $trace" "$@" </dev/null >asked 2>&1; }
wait_for() { # WHAT COMMAND...: until it succeeds
    for _ in $(seq 600); do
        "${@:2}" && return
        sleep 0.1
    done
    fail "not in a minute: $1"
}
is_finished() { [ "$("$trace" sql -s "$1" "SELECT value FROM meta WHERE key = 'finished'" 2>&1)" = 1 ]; }

# until PATTERN COMMAND: a gdb command that asks again until the store has what was recorded last.
cat >until.py <<'EOF'
import re, time
class Until(gdb.Command):
    def __init__(self):
        super().__init__("until-said", gdb.COMMAND_DATA)
    def invoke(self, argument, from_tty):
        pattern, command = argument.split(" ", 1)
        for _ in range(600):
            text = gdb.execute(command, to_string=True)
            if re.search(pattern, text):
                break
            time.sleep(0.1)
        gdb.write(text)
Until()
EOF
named='malloc\(100\).*blocks\.c[^\0]*free\s.*blocks\.c' # both lines' frames have their names

# At a breakpoint of a process that is recorded; then its core.
gdb_batch -ex 'source until.py' -ex "set environment LD_PRELOAD $BUILD/hakmem-debug.so" -ex "set environment HAKMEM_TRACE_FILE $PWD/live.db" \
    -ex 'set environment HAKMEM_GUARD off' -ex 'set breakpoint pending on' -ex 'break say if name[0] == 102' -ex 'run >said' \
    -ex 'echo ---- why\n' -ex "until-said $named hakmem why \$rsi" -ex 'echo ---- block\n' -ex 'hakmem block $rsi' -ex 'echo ---- history\n' -ex 'hakmem history block' \
    -ex 'delete' -ex 'echo ----\n' -ex continue -ex continue -ex 'generate-core-file made.core' -ex kill "$program"
[ -s made.core ] || fail "no core: $(cat asked)"
part() { sed -n "/^---- $1\$/,/^----/p" asked >part; }
part why
says '^0x[0-9a-f]+ is the start of a block of 100 asked, freed, and kept from' 'why at a breakpoint' part
says "^RECORDED in $PWD/live.db" 'why at a breakpoint' part
says ' malloc\(100\) .* main +blocks.c:[0-9]+' 'why at a breakpoint' part
says ' free .* main +blocks.c:[0-9]+' 'why at a breakpoint' part
part block
says '^1 life, 1 ended' 'block at a breakpoint' part
part history
says '^ .* free .*blocks.c:[0-9]+' 'history at a breakpoint' part

# The core, by its recording alone: as the store says it.
wait_for 'the store is finished' is_finished live.db
pid=$("$trace" core made.core --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["process"]["pid"])')
process=$("$trace" sql -s live.db "SELECT '#' || max(id) FROM process WHERE pid = $pid")
for name in live freed large of_other; do
    address=$(address_of "$name")
    "$trace" core made.core --why "$address" >found 2>&1 || fail "--why $name: status $?: $(cat found)"
    says "^RECORDED in $PWD/live.db" "--why $name" found
    for command in block history; do
        moves=${command/block/} moves=${moves:+--moves}
        "$trace" block "$address" -s live.db -p "$process" $moves >due 2>/dev/null
        "$trace" core made.core "--$command" "$address" >found 2>/dev/null || fail "--$command $name: status $?"
        cmp -s due found || fail "--$command $name: $(diff due found)"
    done
done
"$trace" core made.core --why "$(address_of stack)" >found 2>&1 || fail "--why stack: status $?"
says '^Nothing was recorded of 0x[0-9a-f]+ in this process' '--why of a stack' found
gdb_batch -ex "hakmem history $(address_of freed)" "$program" made.core
says ' free .*blocks.c:[0-9]+' 'history of a core in gdb'

# Beside the core, named, elsewhere, another's.
mkdir beside
mv made.core beside/ && mv live.db beside/
"$trace" core beside/made.core --block "$(address_of live)" >found 2>&1 || fail "a store beside the core: status $?: $(cat found)"
mv beside/live.db other.db
"$trace" core beside/made.core --block "$(address_of live)" >found 2>&1
[ $? -eq 3 ] || fail "no store: $(cat found)"
says "^hakmem-trace: no store of this process is found: it was recorded into $PWD/live.db; -s FILE names it\$" 'no store' found
"$trace" core beside/made.core --why "$(address_of live)" >found 2>&1 || fail "why without a store: status $?"
grep -q RECORDED found && fail "why without a store: $(cat found)"
"$trace" core beside/made.core --why "$(address_of live)" -s other.db >found 2>&1 || fail "-s: status $?"
says '^RECORDED in other.db' '-s' found
gdb_batch -ex 'set hakmem-store other.db' -ex "hakmem block $(address_of live)" "$program" beside/made.core
says '^1 life, 0 ended' 'set hakmem-store'
"$trace" run -f -s another.db -- "$program" wild >/dev/null 2>&1
"$trace" core beside/made.core --why "$(address_of live)" -s another.db >found 2>&1
[ $? -eq 3 ] || fail "another's store: $(cat found)"
says '^hakmem-trace: another.db has no process [0-9]+ of this recording; ' "another's store" found
cp another.db beside/live.db
"$trace" core beside/made.core --block "$(address_of live)" >found 2>&1 && fail "another's store by its name: $(cat found)"

# gdb attaches to a process that is recorded.
mkfifo in
HAKMEM_GUARD=off "$trace" run -f -s attached.db -- "$program" wait >said 2>errors <in &
run=$!
exec 9>in
wait_for 'the program says where its blocks lie' grep -q '^stack' said
pid=$(pgrep -P "$run" -x blocks) || pid=$("$trace" sql -s attached.db 'SELECT max(pid) FROM process' 2>/dev/null)
gdb_batch -ex 'source until.py' -ex "until-said $named hakmem why $(address_of freed_later)" -p "$pid"
kill "$pid"
wait "$run"
says "^RECORDED in $PWD/attached.db" 'attached'
says ' free .* main +blocks.c:[0-9]+' 'attached'
exit 0
