#!/usr/bin/env bash
# The lines of `hunt` about each run and at its end, its exit status, and PROGRAM's input, output, signals and time.
. "${SOURCE:-$(dirname "$0")/../..}/tests/tools/test.sh"
export HAKMEM_GUARD_ALIGN=16 # the first run finds damage late
programs=$BUILD/tests/hunt
export HAKMEM_GUARD=off # of the first run; later ones have their own
export LC_ALL=C

# due STATUS TITLE LINE...: the last hunt ended so, with these lines of its own on stderr ("hakmem: " left out).
due() {
    local wanted=$1 title=$2
    shift 2
    printf '%s\n' "$@" >due
    sed -nE 's/^hakmem(-trace)?: //p' err >said
    [ "$status" -eq "$wanted" ] || complain "$title: exit status $status, $wanted was due"
    diff -u --label "due: $title" --label said due said || failed=1
}
hunt() {
    "$trace" hunt "$@" >out 2>err
    status=$?
}

late='HKM-301 heap-buffer-overflow: 1 byte past a 14-byte block from main() copy.c:11, found when main() copy.c:17 freed it'
access='HKM-301 heap-buffer-overflow: main() copy.c:14 writes 1 byte right past the end of a 14-byte block from main() copy.c:11'
first="run 1, level normal: $late"
second="run 2, blocks of that stack guarded, at their end, to the byte: $access"
third="run 3, every block guarded, at their end: $access" # does another fault come before it?
end='the instruction is named; seen in 3 of 3 runs; run 2: o.db'

# The same input for each run: through a pipe, out of a file, out of a file from where it stands.
printf 'bad input here\n' | "$trace" hunt -o o.db -- "$programs/copy" >out 2>err
status=$?
due 1 pipe "$first" "$second" "$third" "$access" "$end"
[ "$(cat out)" = '15 bytes' ] || complain "output of the first run alone was due: $(cat out)"
"$trace" faults -s o.db | grep -q 'copy.c:14' || complain 'the store of the best run is not there'
printf 'first line\nbad input here\n' >input
{
    read -r _
    hunt -f -o o.db --show all -- "$programs/copy"
} <input
due 1 file "$first" "$second" "$third" "$access" "$end"
[ "$(cat out)" = '15 bytes' ] || complain "output: $(cat out)" # later runs are stopped before they print

# Begun with what a capture has found; its fault by number; none of that number; nothing found at all.
printf 'bad input here\n' >input
"$trace" run -s given.db -- "$programs/copy" <input >/dev/null 2>&1
hunt -s given.db -f -o o.db --show none -- "$programs/copy" <input
due 1 given "${second/run 2/run 1}" "${third/run 3/run 2}" "$access" 'the instruction is named; seen in 2 of 2 runs; run 1: o.db'
[ ! -s out ] || complain "output: $(cat out)"
hunt -s given.db --fault 1 -f -o o.db --quiet --exitcode 9 -- "$programs/copy" <input
due 9 quiet "$access"
hunt -s given.db -o given.db -f -- "$programs/copy"
due 2 'the capture itself' "hunt: $PWD/given.db is the capture whose fault is hunted; -o FILE names another store"
mkdir -p default
(cd default && "$trace" hunt -s ../given.db --show none -- "$programs/copy" <../input) >out 2>err
status=$?
[ "$status" -eq 1 ] || complain "default name: exit status $status"
compgen -G 'default/hakmem.copy.*.db' >found || complain "no store of its own name: $(cat err)"
[ "$(wc -l <found)" -eq 1 ] || complain "stores: $(cat found)"
hunt -s given.db --fault 2 -- "$programs/copy"
due 2 'no such fault' "hunt --fault 2: given.db holds no such fault; \`hakmem-trace faults\` lists them"
hunt -o none.db -- "$programs/copy" </dev/null
nothing='no fault; the program ended with status 3'
due 0 nothing "run 1, level normal: $nothing" "run 2, every block guarded, at their end: $nothing" \
    "run 3, every block guarded, at their end, to the byte: $nothing" "run 4, every block guarded, at their start: $nothing" \
    'no fault was found; seen in 0 of 4 runs'
[ ! -e none.db ] || complain 'nothing was found, and a store is left'

# JSON is one document, of the schema.
hunt -f -o o.db --json --show none -- "$programs/copy" <input
[ "$status" -eq 1 ] || complain "json: exit status $status"
mkdir -p documents && cp out 'documents/1 of hunt'
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" documents/* || complain 'its JSON is not of the schema'
python3 - <<'END' || complain 'its JSON is not as due'
import json
document = json.load(open("out"))
assert [run["guard"] for run in document["runs"]] == ["none", "only", "all"], document
assert document["found"] == "instruction" and document["seen"] == 3 and document["best_run"] == 2
assert document["report"]["fault"]["found_by"] == "access"
END

# A fault of every third run; damage that byte alignment cannot show; more blocks than there is room for.
echo 0 >count
hunt -f -o o.db --runs 20 -- "$programs/seldom"
[ "$status" -eq 1 ] || complain "seldom: exit status $status"
grep -Eq '^hakmem: the instruction is named; seen in ([1-9]) of ([1-9][0-9]*) runs; run \2: o.db$' err || complain "seldom: $(grep ^hakmem err)"
echo 1 >count # what no closed page shows: tests/hunt/slack.sh
HAKMEM_WATCH=0 hunt -f -o o.db --runs 9 -- "$programs/seldom" odd
[ "$status" -eq 1 ] || complain "odd: exit status $status"
grep -q 'the block is named, not the instruction; seen in 3 of 9 runs; run 1: o.db' err || complain "odd: $(grep ^hakmem err)"
[ "$(grep -c 'does not bear odd addresses' err)" -eq 1 ] || complain "odd: $(grep ^hakmem err)"
for sizes in sizes one-size; do
    hunt -f -o o.db -- "$programs/many" "$sizes"
    [ "$status" -eq 1 ] || complain "many $sizes: exit status $status"
    grep -q '^SUMMARY: .* many.c:18 main ' err || complain "many $sizes: $(grep ^hakmem err)"
done
grep -q 'from number [0-9,]* on' err || complain "many one-size: $(grep ^hakmem err)"

# A fault of hakmem's own is named by its move.
hunt -f -o o.db --inject offset16:20 -- "$BUILD/tests/faults/offset16"
[ "$status" -eq 1 ] || complain "inject: exit status $status"
grep -q '^hakmem: the move is named; seen in the first run; run 1: o.db$' err || complain "inject: $(grep ^hakmem err)"

# A run that takes too long is ended; so is the hunt by a signal, which says what is known.
hunt -o none.db --timeout 1 --runs 1 -- "$programs/copy" 60 </dev/null
due 0 timeout 'run 1, level normal: no fault; the program was ended after 1 second' 'no fault was found; 1 run'
for name in INT TERM; do
    : >out # of the last one: it does not say that this one runs
    env --default-signal=INT "$trace" hunt -o none.db -- "$programs/copy" 60 </dev/null >out 2>err & # a shell ignores it for such ones
    hunter=$!
    for _ in $(seq 600); do
        [ -s out ] && break
        sleep 0.05
    done
    kill "-$name" "$hunter"
    wait "$hunter"
    status=$?
    due $((128 + $(kill -l "$name"))) "$name" "run 1, level normal: no fault; the program ended by SIG$name" 'no fault was found; 1 run'
done

# A status above 128 is no signal.
hunt -o none.db --runs 1 -- sh -c 'exit 253'
due 0 status 'run 1, level normal: no fault; the program ended with status 253' 'no fault was found; 1 run'

# In a run of all the closed page lies right behind a block of 8 bytes.
printf '#include <stdlib.h>\nint main(void) { volatile char *p = malloc(8); return p[8] == 1; }' >short.c
${CC:-cc} -g -O0 -fno-builtin -w -o short short.c || fail 'short.c does not compile'
hunt -f -o o.db -- ./short
read='HKM-301 heap-buffer-overflow: main() short.c:2 reads 1 byte right past the end of an 8-byte block from main() short.c:2'
due 1 short 'run 1, level normal: no fault; the program ended with status 0' "run 2, every block guarded, at their end: $read" "$read" \
    'the instruction is named; seen in 1 of 2 runs; run 2: o.db'

# A program that needs malloc's alignment, and crashes by itself: a run of all at multiples of 16 is made, and finds what came before.
cat >needs_16.c <<'END'
#include <stdlib.h>
int main(void) {
    if ((unsigned long)malloc(24) % 16)
        *(volatile char *)8 = 1;
    volatile char *block = malloc(32);
    (void)block[32];
    *(volatile char *)0 = 1;
}
END
${CC:-cc} -g -O0 -fno-builtin -w -o needs_16 needs_16.c || fail 'needs_16.c does not compile'
hunt -f -o o.db -- ./needs_16
crash='the program crashed; hakmem ties it to no fault of the heap'
read='HKM-301 heap-buffer-overflow: main() needs_16.c:6 reads 1 byte right past the end of a 32-byte block from main() needs_16.c:5'
due 1 needs_16 "run 1, level normal: SIGSEGV in main() needs_16.c:7 at address 0x0: null pointer: $crash" \
    "run 2, every block guarded, at their end: SIGSEGV in main() needs_16.c:4 at address 0x8: null pointer plus 8 bytes: $crash; it may be that the program needs multiples of 16" \
    "run 3, every block guarded, at their end, at multiples of 16: $read" "$read" 'the instruction is named; seen in 1 of 3 runs; run 3: o.db'

# A crash that each run shows at the same place is seen in each of them, and odd addresses are not blamed for it.
printf '#include <assert.h>\nint main(int argc, char **argv) {\n    assert(argc > 5);\n}\n' >asserts.c
${CC:-cc} -g -O0 -w -o asserts asserts.c || fail 'asserts.c does not compile'
hunt -f -o o.db --show none -- ./asserts
abort='SIGABRT in main() asserts.c:3: the program ended itself; hakmem ties it to no fault of the heap'
due 1 asserts "run 1, level normal: $abort" "run 2, every block guarded, at their end: $abort" \
    "run 3, every block guarded, at their end, to the byte: $abort" "run 4, every block guarded, at their start: $abort" "$abort" \
    'a crash without a fault of the heap; seen in 4 of 4 runs; run 1: o.db'
hunt -f -o o.db --runs 1 --json --show none -- ./asserts
python3 -c 'import json; assert json.load(open("out"))["seen"] == 1' || complain "asserts, JSON: $(cat out)"

# Behind an unfinished line of the program's in the same file a new one begins, with --quiet for the report as well; no line is empty.
printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) {\n    printf("half");\n    fflush(stdout);\n    free((char *)malloc(8) + 1);\n}\n' >half.c
${CC:-cc} -g -O0 -fno-builtin -w -o half half.c || fail 'half.c does not compile'
for words in '' --quiet; do
    # shellcheck disable=SC2086 # an option
    "$trace" hunt -f -o o.db --runs 1 $words -- ./half >both 2>&1
    [ "$(head -n 1 both)" = half ] && sed -n 2p both | grep -q '^hakmem: ' || complain "half $words: $(head -n 3 both)"
done

# Commands that cannot be hunted.
hunt -- ./missing
due 2 missing 'hunt: ./missing: No such file or directory'
hunt --pools none -- "$programs/copy"
due 2 pools 'hunt --pools none: malloc was expected'
hunt -- nonexist
due 2 nonexist "hunt: no program 'nonexist' in PATH"
hunt --show some -- "$programs/copy"
due 2 show 'hunt --show some: first, all or none was expected'
hunt --runs 0 -- "$programs/copy"
due 2 runs 'hunt --runs 0: 1 to 10000 was expected'
hunt -o o.db -- "$programs/copy"
due 2 exists "hunt: $PWD/o.db exists already; --force replaces it, -o FILE names another"
[ -z "$(compgen -G '*.only')$(compgen -G '*.best')" ] || complain "files are left: $(ls)"
