#!/usr/bin/env bash
# The answers of a store of `run --allocator keep`; each says what is not known: why, block, events, info, leaks, layers, check; slack to the byte;
# a second free over glibc; frees that were not seen; a realloc that fails; options that are refused; the library by hand.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
kept=$BUILD/tests/keep/kept
said='Allocator keep (libc.so.6): its layers are not known, and no block was checked.'
. "$SOURCE/tests/tools/mimalloc.sh"

# has WHAT TEXT: the text of the last answer (file `answer`) has this line, a regular expression.
has() { grep -qE -- "$2" answer || complain "$1 does not say '$2': $(head -n 12 answer)"; }
ask() { "$trace" "$@" >answer 2>&1; }
where() { sed -n "s/^$1 //p" told; }
event() { "$trace" sql -s "$1" "$2"; }

# ---- the story -----------------------------------------------------------------------------------
"$trace" run --allocator keep -s story.db -- "$kept" story >told 2>errors || complain "story: status $?"
[ ! -s errors ] || complain "story is not silent: $(cat errors)"
ask why -s story.db "$(where held)" || complain "why: status $?"
has why "^$(where held) is the start of a block of 77 asked, live, 1 owner in this capture\.$"
has why '^  1 .* malloc\(77\) .* make_session +kept\.c:[0-9]+$'
grep -qF "$said" answer || complain "why does not say that the allocator is kept"
ask why -s story.db "$(printf '0x%x' $(($(where held) + 40)))"
has 'why of an address inside' ' is 40 bytes into a block of 77 asked, live'
ask why -s story.db "$(where freed)"
has 'why of a freed block' ' is the start of a block of 24 asked, freed'
ask block -s story.db "$(where aligned)"
has block '^  1 .* aligned_alloc\(333\) .* served by allocator'
has block '^ .* free .* into allocator'
ask events -s story.db --addr "$(where grown)" && has events 'realloc moved'
ask why -s story.db "$(where grown-to)" && has 'why of what realloc gave' 'realloc\(500,000\).*story'
ask leaks -s story.db
has leaks '^No leak scan was made in .*: --allocator keep makes none\.$'
ask leaks --held -s story.db
has 'leaks --held' '^1 +77 .* make_session .* < story'
has 'leaks --held' '^1 +500,000 .* story'
ask layers -s story.db || complain "layers: status $?"
has layers '^all +[0-9]+ +100\.00 %$'
has layers '^Slack '
ask faults -s story.db
grep -qF "$said" answer || complain "faults does not say that no block was checked"
ask check -s story.db || complain "check: status $?: $(head -n 3 answer)"
ask info -s story.db
has info '^allocator +/.*libc\.so\.6, kept by 1 process$'
has info '^slack +[0-9].* beyond the bytes asked for, '
ask info --json -s story.db
python3 - <<'END' || complain "info --json"
import json
kept = json.load(open("answer"))["kept"]
assert kept["allocators"][0]["module"].endswith("/libc.so.6") and kept["allocators"][0]["processes"] == 1, kept
assert kept["slack_bytes"] >= kept["slack_given_bytes"] > 0 == kept["not_recorded_blocks"], kept
END
cp answer info.json
ask heap --at end -s story.db
has heap '^As counted at [0-9.]+ s:$'
has heap '^  usable beyond what was asked for \(slack\) +[0-9,]+ bytes$'
has heap '^  in live blocks; what the allocator holds free is in resident$'
ask heap --at end --json -s story.db
python3 - <<'END' || complain "heap --json"
import json
kept, memory = json.load(open("info.json"))["kept"], json.load(open("answer"))["memory"]
assert memory["slack_bytes"] == kept["slack_bytes"] - kept["slack_given_bytes"] > 0, (kept, memory)
END
[ "$(event story.db "select name from mark")" = 'the story' ] || complain "hak_mark set no mark"
[ "$(event story.db "select count(*) from event where class is not null")" = 0 ] || complain "an event has a class"

# ---- slack: of 1,000 blocks more the counter grows by what the program itself added up -----------------
for allocator in '' libjemalloc.so.2 libtcmalloc_minimal.so.4 "$mimalloc"; do
    for blocks in 100 1100; do
        LD_PRELOAD=$allocator "$trace" run --allocator keep -f -s slack.db -- "$kept" slack "$blocks" >told 2>&1 || complain "slack: status $?"
        due=$(cat told)
        counted=$(event slack.db "select cast(max(value) as integer) from sample s join name n on n.id = s.name where n.text = 'SLACK_TAKEN.amount'")
        [ "$blocks" = 100 ] && other=$((counted - due))
    done
    [ "$((counted - other))" = "$due" ] || complain "slack over '$allocator': $counted counted, $other of it not the program's, due $due"
done

# ---- a second free, which glibc ends the program for ---------------------------------------------------
for case in twice late; do
    "$trace" run --allocator keep -s $case.db -- "$kept" $case >told 2>errors
    status=$?
    [ $status -eq 134 ] || complain "$case: status $status, due 134"
    grep -q '^free(): double free detected' errors || complain "$case: glibc was not asked: $(head -n 3 errors)"
    ask why -s $case.db "$(where block)"
    has "$case: why" ' is the start of a block of 40 asked, freed twice, 1 owner'
    has "$case: why" ' free .* give_twice .* a second end of one life$'
    ask check -s $case.db && complain "$case: check finds nothing"
    has "$case: check" "FREE of block $(where block) was not allowed when it was recorded"
done

# ---- what does not come by the family --------------------------------------------------------------------
LD_PRELOAD=libjemalloc.so.2 "$trace" run --allocator keep -s unseen.db -- "$kept" unseen >told 2>&1 || complain "unseen: status $?"
[ "$(where block)" = "$(where again)" ] || complain "jemalloc does not hand the block out again: the case shows nothing"
ask why -s unseen.db "$(where block)"
has unseen ' a call that was not seen .* no stack$'
has unseen ' live, 2 owners in this capture'
ask check -s unseen.db || complain "unseen: check: $(head -n 3 answer)"

# ---- no memory: the block stays as it is -------------------------------------------------------------------
"$trace" run --allocator keep -s fails.db -- "$kept" fails >told 2>&1 || complain "fails: status $?"
ask why -s fails.db "$(where block)"
has fails " is the start of a block of 48 asked, live"
ask check -s fails.db || complain "fails: check: $(head -n 3 answer)"
ask info -s fails.db && has fails ' 2 calls that failed, counted only$'

# ---- a tree of processes: each has its allocator --------------------------------------------------------------
"$trace" run --allocator keep -s tree.db -- sh -c "LD_PRELOAD=\"\$LD_PRELOAD libjemalloc.so.2\" '$kept' story; '$kept' story" >told 2>&1 ||
    complain "tree: status $?"
[ "$(event tree.db "select count(*) from meta where key glob 'allocator.*' and value like '%/libjemalloc.so.2'")" = 1 ] ||
    complain "tree: $(event tree.db "select * from meta where key glob 'allocator.*'")"
ask check -s tree.db || complain "tree: check: $(head -n 3 answer)"

# ---- options that need hakmem's allocator; by hand ---------------------------------------------------------
refused() {
    local due=$1
    shift
    "$@" >answer 2>&1
    [ $? -eq 2 ] && grep -qxF "hakmem-trace: $due" answer || complain "$*: $(cat answer)"
}
refused 'run --guard: --allocator keep only records; leave one of them out' "$trace" run --allocator keep --guard all -- true
refused 'run --check: --allocator keep only records; leave one of them out' "$trace" run --check trace --allocator keep -- true
refused 'run --watch: --allocator keep only records; leave one of them out' "$trace" run --watch 4 --allocator keep -- true
refused 'run --allocator keep only records: HAKMEM_LEAKS=1 has no effect' env HAKMEM_LEAKS=1 "$trace" run --allocator keep -- true
refused 'run --allocator jemalloc: hakmem or keep was expected' "$trace" run --allocator jemalloc -- true
HAKMEM_CHECK=light HAKMEM_QUARANTINE=4M "$trace" run --allocator keep --depth 3 -s level.db -- "$kept" story >told 2>errors || complain "level: $?"
[ "$(event level.db "select value from meta where key = 'check'")" = trace ] || complain "a level that checks is in the store"
ask why -s level.db "$(where held)" && has 'a level' ' a block of 77 asked, live'
"$trace" run --allocator hakmem -s own.db -- "$kept" story >told 2>&1 || complain "hakmem: status $?"
[ "$(event own.db "select count(*) from meta where key glob 'allocator.*'")" = 0 ] || complain "--allocator hakmem keeps the allocator"
HAKMEM_GUARD=all HAKMEM_TRACE_FILE=$PWD/hand.db LD_PRELOAD=$BUILD/hakmem-record.so "$kept" story >told 2>errors
[ "$(cat errors)" = 'hakmem: HAKMEM_GUARD=all is for hakmem-debug.so; hakmem-record.so does without' ] || complain "by hand: $(cat errors)"
HAKMEM_WATCH=4 HAKMEM_KINDS=1 HAKMEM_SWEEP=1 HAKMEM_CHECK_STRING=1 HAKMEM_LEAKS_SIGNAL=USR1 HAKMEM_TRACE_FILE=$PWD/silent.db LD_PRELOAD=$BUILD/hakmem-record.so \
    "$kept" story >/dev/null 2>errors
[ ! -s errors ] || complain "by hand, variables that say how: $(cat errors)"
. "$SOURCE/tests/tools/processes.sh"
until_true no_collector || complain "by hand: the collector is still there"
ask why -s hand.db "$(where held)" && has 'by hand' ' a block of 77 asked, live'
