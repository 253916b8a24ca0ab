#!/usr/bin/env bash
# No command gives a part of a damaged store as if it were all: status 3, and JSON that says why.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
golden=$SOURCE/tests/format/v3/golden.db
mkdir stores && "$BUILD/tests/format/make_broken" "$golden" stores || exit 1
sqlite3 "$golden" ".backup stores/chunk-is-text.db" || exit 1
sqlite3 stores/chunk-is-text.db "UPDATE chunk_data SET data = 'HKCK' WHERE chunk = 67" || exit 1
# Of this chunk the row does not say whose events it has; a mark is among them.
sqlite3 stores/chunk-is-text.db ".backup stores/chunk-of-several.db" || exit 1
sqlite3 stores/chunk-of-several.db 'UPDATE chunk SET process = 0 WHERE id >= 65; UPDATE mark SET event = 70' || exit 1
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
# ends STORE LAST LEFT WORDS...: answers from the events up to LAST as a whole capture does at that moment, and says that, with LEFT.
ends() {
    local store=$1 last=$2 left=$3
    shift 3
    asks "$store" 3 "$@"
    grep -qx "hakmem-trace: the answer ends with event $last: $left" err || complain "$store: $*: not what it leaves out: $(cat err)"
    [ -s out ] && grep -q "The answer is partial: it ends with event $last, before a damage\." out || complain "$store: $*: no answer that says so"
}
for command in top "top --tree" "top --per size" "top --by growth" "top --by short-lived" "top --at #3000" "top --at 99%" \
    "top --between #5 end" "top --mapped" "top --pools" heap "heap --at end" "heap --between #5 end"; do
    # shellcheck disable=SC2086
    ends chunks-missing 66 '3,971 events are left out behind it' $command
    # shellcheck disable=SC2086
    [ "$command" = 'top --pools' ] || ends chunk-of-several 66 '3,971 events are left out behind it' $command
done
asks chunk-of-several 4 top --pools # no chunk has such events
for command in top heap; do
    ends chunk-rows-missing 66 '3,971 events are left out behind it' $command
    ends chunk-is-text 66 '3,971 events are left out behind it' $command
    ends chunks-missing-at-the-end 3,036 'all events behind it are left out' $command
    asks chunks-missing-at-first 3 $command # there is nothing before it
done
asks chunks-missing 4 top --at '#60'
asks chunk-of-several 4 top --at '#60'
ends chunk-of-several 66 '3,971 events are left out behind it' top --at 'mark:half way'
grep -q ' live at 0\.0[0-9]* s (event 66) ' out && ! grep -q '"half way"' json || complain "a mark in the damage is told at another event: $(cat out)"

# same MEMBERS COMMAND -- MOMENT...: of the damaged capture these are what the whole one says of that moment, or of the time until then.
part=stores/chunks-missing.db whole=$golden
same() {
    local command=() said due picks="import json, sys; said = json.load(sys.stdin); print([said[key] for key in '$1'.split()])"
    shift
    while [ "$1" != -- ]; do command+=("$1") && shift; done
    shift
    said=$("$BUILD/hakmem-trace" "${command[@]}" --json -s "$part" 2>err | python3 -c "$picks")
    due=$("$BUILD/hakmem-trace" "${command[@]}" "$@" --json -s "$whole" 2>err | python3 -c "$picks")
    [ -n "$due" ] && [ "$said" = "$due" ] || complain "${command[*]}: $said, and the whole capture says $due"
}
same 'total rows' top --at end -- --at '#66'
same 'total rows' top --per size --at end -- --at '#66'
same 'peak processes allocated_bytes freed_blocks' heap -- --between start '#66'
"$BUILD/hakmem-trace" heap -s "$golden" 2>err | grep -qF '2 blocks of 10 bytes were freed whose allocation is not in it.' || complain "heap: not what was freed from before: $(cat err)"
# page STORE LAST: has the timeline up to LAST.
page() {
    local status
    rm -f page.html
    "$BUILD/hakmem-trace" html page.html -s "stores/$1.db" >out 2>err
    status=$?
    [ "$status" -eq 3 ] && grep -q "^hakmem-trace: the answer ends with event $2: " err && grep -q "The answer is partial: it ends with event $2, " page.html ||
        complain "$1: html: status $status: $(cat err)"
}
page chunks-missing 66
grep -q HKM-202 page.html || complain 'html: not all findings'
page chunk-of-several 66

# Two processes take turns, and both go on behind the damaged chunk, whose row does not say whose events it has. No line promises an answer first.
cat >turns.c <<'END'
#include <hakmem.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static char rows[4096];
static void *kept[64];
static void work(void) {
    for (int i = 0; i < 1000; i++) {
        free(kept[i % 64]);
        kept[i % 64] = malloc(16 + i % 700);
    }
}
int main(void) {
    int to_child[2], to_parent[2];
    char turn = 0;
    hak_pool_create(rows, "rows");
    for (int i = 0; i < 20; i++)
        hak_pool_alloc(rows, rows + 64 * i, 50);
    if (pipe(to_child) || pipe(to_parent))
        return 2;
    pid_t child = fork();
    int from = child ? to_parent[0] : to_child[0], to = child ? to_child[1] : to_parent[1];
    for (int i = 0; i < 100; i++) {
        if ((!child || i) && read(from, &turn, 1) != 1)
            return 2;
        work();
        if (write(to, &turn, 1) != 1)
            return 2;
    }
    return child && (read(from, &turn, 1) != 1 || waitpid(child, NULL, 0) != child);
}
END
"${CC:-cc}" -g -O1 -I"$SOURCE/include" -o turns turns.c && "$trace" run --check trace -s turns.db -- ./turns >said 2>&1 || fail "turns: $(cat said)"
several='FROM chunk WHERE process = 0'
chunk=$(sqlite3 turns.db "SELECT id $several ORDER BY id LIMIT 1 OFFSET (SELECT count(*) / 2 $several)")
[ "${chunk:-0}" -gt 1 ] || fail "turns: no chunk of several processes: $(sqlite3 turns.db 'SELECT id, events, process FROM chunk')"
sqlite3 turns.db '.backup stores/turns.db' && sqlite3 stores/turns.db "UPDATE chunk_data SET data = 'HKCK' WHERE chunk = $chunk" || exit 1
last=$((chunk - 1)) part=stores/turns.db whole=turns.db
last_in_words=$(echo "$last" | sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta')
left_out_words=$(sqlite3 turns.db "SELECT sum(events) - $last FROM chunk" | sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta')
for command in top "top --tree" "top --per size" "top --by growth" "top --pools" "top --pools --per size" "top --at end" heap "heap --at end"; do
    # shellcheck disable=SC2086
    ends turns "$last_in_words" "$left_out_words events are left out behind it" $command
    ! grep -q '^0 ' out || complain "turns: $command: nothing was live: $(cat out)"
done
page turns "$last_in_words"
asks turns 0 top --at "#1000"
asks turns 0 top --pools --at "#1000"
same 'total rows' top --at end -- --at "#$last"
same 'total rows' top --per size --at end -- --at "#$last"
same 'total rows' top --pools --at end -- --at "#$last"
same 'total rows' top --pools -- # nothing came behind the fork
same 'peak processes allocated_bytes freed_blocks' heap -- --between start "#$last"
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
