#!/usr/bin/env bash
# HAKMEM_BACKGROUND=1: one thread more gives back what is left over, also of an idle program; it gets no signal, follows setuid, is
# gone in a sandbox, and neither keeps a process from its end nor a fork's child from a thread of its own, nor the memory of a bare clone's.
# timeout: 1800
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
program=$BUILD/tests/memory/background

# shellcheck disable=SC2034 # taken by name
plain=(LD_PRELOAD="$BUILD/libhakmem.so")
# shellcheck disable=SC2034
light=(LD_PRELOAD="$BUILD/hakmem-debug.so" HAKMEM_CHECK=light HAKMEM_TRACE=off)
on=HAKMEM_BACKGROUND=1

# LEVEL HOW ...: as it should be, with the thread.
works() {
    local -n of=$1
    local level=$1 status=0
    shift
    env "${of[@]}" $on timeout 300 "$program" "$@" >out 2>err || status=$?
    [ "$status" -ne 77 ] || { echo "skipped: $1: no filter of system calls may be set here" && return; }
    [ "$status" -eq 0 ] || complain "$level, $1: status $status: $(head -n 3 err)"
}

# LEVEL: `ctl PID stats` says of the thread what hak_read_stats says inside.
figures_agree() {
    local -n of=$1
    local level=$1 inside
    rm -f in out
    mkfifo in
    env "${of[@]}" $on "$program" figures <in >out 2>err &
    local process=$!
    exec 8>in
    until_true test -s out 2>/dev/null || fail "$level, figures: $(cat err)"
    inside=$(cat out)
    "$trace" ctl $process stats >text 2>said || complain "$level: ctl: $(cat said)"
    grep -qE '^background +a thread, which gave back [0-9.]+ (KiB|MiB|GiB)$' text || complain "$level: $(cat text)"
    "$trace" ctl $process stats --json >outside.json 2>said || complain "$level: ctl: $(cat said)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" outside.json || complain "$level: not as the schema has it"
    python3 -c 'import json, sys
stats = json.load(open("outside.json"))["stats"]
assert stats["background_threads"] == 1 and stats["background_failures"] == 0, stats
assert int(sys.argv[1]) <= stats["background_bytes"] <= stats["given_back_bytes"], (sys.argv[1], stats)' "$inside" || complain "$level: figures"
    "$trace" ctl $process stats --prometheus >metrics 2>said || complain "$level: ctl: $(cat said)"
    grep -qE '^hakmem_background_threads\{.*\} 1$' metrics || complain "$level: $(grep background metrics)"
    grep -qE '^hakmem_background_bytes_total\{.*\} [1-9]' metrics || complain "$level: $(grep background metrics)"
    exec 8>&-
    wait $process || complain "$level, figures: status $?: $(cat err)"
}

for level in plain light; do
    declare -n variables=$level
    [ "$(env "${variables[@]}" "$program" count)" = 1 ] || complain "$level: there is a thread without being asked for"
    [ "$(env "${variables[@]}" $on "$program" count)" = 2 ] || complain "$level: there is no thread"
    for how in signals forks clones users threads; do works $level $how; done
    for how in first last exit exec; do
        for _ in 1 2 3; do works $level $how; done
        [ $how != first ] || [ "$(cat out)" = 'last words' ] || complain "$level: the last thread did not come to its end"
        [ $how != exec ] || [ "$(cat out)" = 2 ] || complain "$level: $(cat out) threads after exec"
    done
    figures_agree $level
    works $level sandbox
    works $level sandbox-all
    for _ in 1 2 3; do works $level sandboxes; done

    works $level idle

    numbers=$(python3 -c 'import platform; print({"x86_64": "56,435", "aarch64": "220,435"}[platform.machine()])')
    status=0
    PRELOAD=${variables[0]#*=} env "${variables[@]:1}" $on "$SOURCE/tests/tools/barred.py" "$numbers" "$program" refused 2>err || status=$?
    [ $status = 0 ] || complain "$level: where no thread may begin: status $status: $(head -n 3 err)"
done
works plain no-sandbox

# Other builds do without.
env LD_PRELOAD="$BUILD/hakmem-debug.so" HAKMEM_TRACE=off $on "$program" count >out 2>err
[ "$(cat out)" = 1 ] && [ ! -s err ] || complain "level normal: $(cat out err)"
