#!/usr/bin/env bash
# `core FILE --leaks` of a core at the end of the process finds the blocks that the scan inside the process finds, by address, size and kind:
# in levels normal and trace (of each program in one, FULL=1: in both); in the plain library as many of each kind. A core that is cut off
# has its gaps reported, and no leak is definite.
# timeout: 900
. "${SOURCE:?}/tests/tools/corefiles.sh"
export HAKMEM_GUARD=off

# core_at_exit LIBRARY PROGRAM [GDB'S ARG...]: exit.core, as the process calls exit_group.
core_at_exit() {
    rm -f exit.core
    timeout 300 gdb -q -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load no' -ex "set environment LD_PRELOAD $1" \
        "${@:3}" -ex 'catch syscall exit_group' -ex 'run >said' -ex 'generate-core-file exit.core' -ex kill "$2" </dev/null >gdb.out 2>&1
    [ -s exit.core ] || fail "gdb made no core of $2: $(tail -n 5 gdb.out)"
}
# of_core FILE: blocks of the JSON as "kind address bytes".
of_core() {
    python3 - "$1" <<'END'
import json, sys
found = json.load(open(sys.argv[1]))["leaks"]
assert found["complete"] and found["missing_bytes"] == 0, found
for row in found["rows"]:
    for one in row["at"]:
        print(row["kind"], hex(int(one["user"], 16)), one["bytes"])
END
}
is_finished() { [ "$("$trace" sql -s "$1" "SELECT value FROM meta WHERE key = 'finished'" 2>&1)" = 1 ]; }
wait_for_store() {
    for _ in $(seq 600); do
        is_finished "$1" && return
        sleep 0.1
    done
    fail "the store $1 has no end"
}
ask() { # NAME STATUS: found.json of exit.core
    local status=0
    "$trace" core exit.core --leaks --json >found.json 2>errors || status=$?
    [ "$status" -eq "$2" ] || fail "$1: status $status, due $2: $(cat errors; "$trace" core exit.core --leaks)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" found.json || fail "$1: --json"
    of_core found.json | sort >of.core
}

for name in lost_tree lost_circle lost_thread lost_large kept_globals kept_stack kept_interior; do
    gcc -O0 -g -w -o "$name" "$SOURCE/tests/leaks/$name.c" -pthread -ldl || fail "$name"
    due=$(sed -nE 's/.*LOST direct ([0-9]+) [0-9]+ indirect ([0-9]+) .*/\1 \2/p' "$SOURCE/tests/leaks/$name.c")
    status=$([ -n "$due" ] && echo 1 || echo 0)
    turn=$((${turn:-0} + 1)) levels=(normal trace)
    [ "${FULL:-0}" = 1 ] || levels=("${levels[turn % 2]}")
    for level in "${levels[@]}"; do
        rm -f scan.db
        HAKMEM_CHECK=$level HAKMEM_LEAKS=1 HAKMEM_LOG=$PWD/log HAKMEM_TRACE_FILE=$PWD/scan.db core_at_exit "$BUILD/hakmem-debug.so" "./$name"
        wait_for_store scan.db
        "$trace" sql -s scan.db "SELECT CASE subkind WHEN 0 THEN 'direct' ELSE 'indirect' END, printf('0x%x', addr), size FROM event
            WHERE kind = 'LEAK' AND subkind < 2" | tr '\t' ' ' | sort >of.scan
        ask "$name, $level" "$status"
        cmp -s of.scan of.core || fail "$name, $level: $(diff of.scan of.core)"
    done
    # Here main's last frame lies where exit's is now, and hides what it held (docs/specs/debugger.md).
    [ "$name" != lost_large ] || continue
    core_at_exit "$BUILD/libhakmem.so" "./$name"
    ask "$name, plain" "$status"
    [ "$(grep -c '^direct' of.core) $(grep -c '^indirect' of.core)" = "${due:-0 0}" ] || fail "$name, plain: due '$due', found: $(cat of.core)"
done

# The child of a fork: what the thread that is not there had on its stack is lost, what lies in its caches is not live.
for library in hakmem-debug.so libhakmem.so; do
    HAKMEM_TRACE=off core_at_exit "$BUILD/$library" "$BUILD/tests/corefile/forked" -ex 'set follow-fork-mode child'
    ask "forked, $library" 1
    [ "$(cut -d ' ' -f 1 of.core | sort | uniq -c | xargs)" = '3 direct 2 indirect' ] || fail "forked, $library: $(cat of.core)"
    [ "$library" = libhakmem.so ] || [ "$(cut -d ' ' -f 1,3 of.core | sort | xargs)" = 'direct 1000 direct 2000 direct 3000 indirect 2001 indirect 3001' ] ||
        fail "forked: $(cat of.core)"
done

# Text; and of a core whose end is missing.
HAKMEM_TRACE=off core_at_exit "$BUILD/hakmem-debug.so" ./lost_tree
"$trace" core exit.core --leaks >found
[ $? -eq 1 ] && tail -n 1 found | grep -qx '480 bytes in 11 blocks have leaked, of [0-9]* live blocks' || fail "text: $(cat found)"
grep -q '^direct: 80 bytes in 1 block ' found || fail "text: $(cat found)"
without_stack exit.core
"$trace" core exit.core --leaks >found 2>errors
[ $? -eq 4 ] && ! grep -q '^direct' found && grep -q "of the program's memory are not in this core" found || fail "cut off: $(cat found errors)"
! grep -q ' leaked' found || grep -qE 'may have leaked' found || fail "cut off: $(cat found)"
grep -q 'the core is cut off' errors || fail "cut off: $(cat errors)"
exit 0
