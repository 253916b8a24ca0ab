#!/usr/bin/env bash
# No command gives a part of a damaged store as if it were all: status 3, and JSON that says why.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
golden=$SOURCE/tests/format/v3/golden.db
mkdir stores && "$BUILD/tests/format/make_broken" "$golden" stores || exit 1
sqlite3 "$golden" ".backup stores/chunk-is-text.db" || exit 1
sqlite3 stores/chunk-is-text.db "UPDATE chunk_data SET data = 'HKCK' WHERE chunk = 67" || exit 1
block=0x7f21c4a22c40 # has events in chunks 1, 67 and behind
events='select count(*) from event'

# asks STORE DUE-STATUS WORDS...: status, and of --json also the document (none, or a whole one).
asks() {
    local store=$1 due=$2 status
    shift 2
    "$BUILD/hakmem-trace" "$@" -s "stores/$store.db" >out 2>err
    status=$?
    [ "$status" -eq "$due" ] || complain "$store: $*: status $status, due $due: $(cat err)"
    if [ "$due" -eq 3 ] && ! grep -q "$store.db: chunk [0-9]*, .*the store is damaged" err; then complain "$store: $*: does not say what is damaged: $(cat err)"; fi
    "$BUILD/hakmem-trace" "$@" --json -s "stores/$store.db" >json 2>err
    status=$?
    [ "$status" -eq "$due" ] || complain "$store: $* --json: status $status, due $due"
    [ ! -s json ] && [ "$due" -eq 3 ] && return
    python3 - "$due" 2>/dev/null <<'END' || complain "$store: $* --json: the document is not whole, or does not say what is damaged"
import json, sys
said = json.load(open("json"))["completeness"]
if sys.argv[1] == "3":
    assert "the store is damaged" in said["error"], said
    assert "partial" in said["sentence"], said
else:
    assert "error" not in said, said
END
}

for store in chunks-missing chunk-rows-missing chunk-is-text; do
    for command in events "events --tail 3990" threads layers "leaks --held" "events --addr $block" \
        "why $block" "block $block" "events --since #70 --until #80" "events --since #3000"; do
        # shellcheck disable=SC2086 # words of a command
        asks $store 3 $command
    done
    asks $store 3 sql "$events"
    asks $store 4 events --until '#60' # what is missing lies outside
    asks $store 4 events --since '#3070'
    asks $store 4 events --tail 10
done
# Of the rest of the store the facts are told, and the events of each process that can be read.
for store in chunks-missing chunks-missing-at-first; do
    asks $store 3 info
    python3 - <<'END' || complain "$store: info: not the events that can be read"
import json
said = json.load(open("json"))
assert 0 < sum(process["events"] for process in said["processes"]) <= said["events"], said
END
done
for command in events "events --addr $block" "why $block" "block $block" "events --until #5"; do
    # shellcheck disable=SC2086
    asks chunks-missing-at-first 3 $command
    # shellcheck disable=SC2086
    [[ $command = *until* ]] || asks chunks-dropped 4 $command
done
for store in chunks-missing-at-the-end chunk-missing-at-the-end blobs-at-the-end; do
    for command in info events "events --tail 10" threads "leaks --held" "events --addr $block" "why $block" \
        "block $block" "events --since #2000" "events --since #4020"; do
        # shellcheck disable=SC2086
        asks $store 3 $command
    done
    asks $store 3 why p:1000000
    asks $store 3 block p:1000000
    asks $store 3 events --addr p:1000000
    asks $store 3 sql "$events"
    asks $store 4 events --until '#60'
    asks $store 4 events --until '#2000' --tail 10
done
asks chunk-not-counted-at-the-end 4 events
asks chunks-not-counted 3 why $block
asks chunks-not-counted 4 events
exit "$failed"
