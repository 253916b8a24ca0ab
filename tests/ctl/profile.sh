#!/usr/bin/env bash
# `hakmem-trace ctl PID profile` of a program that lays out the table itself, with known sums: the table, each kind of file, two
# readings and what changed between, what every command says of such a store, and what is refused.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C TMPDIR=$PWD/temporary
mkdir "$TMPDIR"
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/profiled.sh"
valid() { python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" "$1" || complain "$1 is not as the schema has it"; }
# Times and the process differ.
plain() { sed -E "s/[0-9]+\.[0-9]{3} s/TIME/g; s/process $program/process PID/g; s/[0-9.]+ [KM]iB each second/RATE each second/"; }
# expect STATUS ARGUMENT...: ctl ends with it and says what stands on stdin.
expect() {
    local due=$1 status
    shift
    cat >expected
    timeout 300 "$trace" ctl "$@" </dev/null >said 2>&1
    status=$?
    [ "$status" -eq "$due" ] || complain "ctl $*: status $status, $due was due: $(cat said)"
    plain <said | diff -u expected - || complain "ctl $*: above"
}
# refused STATUS TEXT ARGUMENT...
refused() {
    local due=$1 text=$2 status
    shift 2
    timeout 300 "$trace" ctl "$@" >said 2>&1
    status=$?
    [ "$status" -eq "$due" ] || complain "ctl $*: status $status, $due was due: $(cat said)"
    grep -qF -- "$text" said || complain "ctl $*: it does not say '$text': $(cat said)"
}

# ---- nothing yet ---------------------------------------------------------------------------------
begin
say "set level 0"
refused 2 "process $program (profiled) keeps no heap profile: start it with HAKMEM_CHECK=light (HAKMEM_HEAP_PROFILE sets the rate)" $program profile
say "set level 3"
refused 2 "keeps no heap profile: HAKMEM_HEAP_PROFILE=0 switched it off" $program profile
say "set table 1"
refused 4 "has no sample so far: it has allocated little yet (one in 512.0 KiB is sampled)" $program profile
[ -e early.db ] && complain "a store without a sample"

# ---- once ----------------------------------------------------------------------------------------
say "came parse_row 100 1048576" "came cache_put 7 70000" "went cache_put 2 20000" "came none 1 524288"
expect 0 $program profile <<'EOF'
   share      bytes  blocks  with callees  function   where
  64.6 %  1,048,576     100     1,048,576  parse_row  app/parse.c:21
  32.3 %    524,288       1       524,288  no stack
   3.1 %     50,000       5        50,000  cache_put  app/cache.c:31

106 blocks of 1,622,864 bytes (1.5 MiB) live when it was read (TIME) in process PID profiled (sampled, one in 512 KiB). Nothing was lost in this capture. The profile is sampled, one in 512 KiB: all numbers are estimates, from 3 sampled blocks.
EOF
"$trace" ctl $program profile --json >once.json || complain "--json: status $?"
valid once.json
python3 - <<'EOF' || complain "--json: its numbers: $(cat once.json)"
import json
d = json.load(open("once.json"))
assert d["command"] == "top" and d["store"] is None, d
assert d["total"] == {"live_blocks": 106, "live_bytes": 1622864}, d["total"]
assert d["completeness"]["sampled_rate"] == 524288, d["completeness"]
assert [r["function"] for r in d["rows"]] == ["parse_row", "", "cache_put"], d["rows"]
EOF

# ---- files ---------------------------------------------------------------------------------------
expect 0 $program profile --format collapsed <<'EOF'
hakmem-trace: Nothing was lost in this capture. The profile is sampled, one in 512 KiB: all numbers are estimates, from 3 sampled blocks.
no stack 524288
serve;cache_put 50000
serve;parse_row 1048576
EOF
for file in a.folded a.collapsed a.txt; do
    "$trace" ctl $program profile -o $file >said 2>&1 || complain "-o $file: $(cat said)"
    grep -q "^$file  [0-9]* bytes, of process $program profiled$" said || complain "-o $file: $(cat said)"
    [ "$(head -2 $file | tail -1)" = "serve;cache_put 50000" ] || complain "$file: $(cat $file)"
done
"$trace" ctl $program profile -o a.folded.gz >/dev/null && zcat a.folded.gz | cmp -s - a.folded || complain "a.folded.gz"
"$trace" ctl $program profile -o a.pb.gz >said 2>&1 || complain "-o a.pb.gz: $(cat said)"
"$trace" ctl $program profile --format pprof >a.other 2>/dev/null || complain "--format pprof"
zcat a.other | cmp -s -n 64 - <(zcat a.pb.gz) || complain "--format pprof writes something else than -o a.pb.gz"
protoc --decode=hakmem.pprof.Profile -I "$SOURCE/viewer/export" pprof.proto <(zcat a.pb.gz) >a.decoded 2>/dev/null ||
    zcat a.pb.gz | protoc --decode=hakmem.pprof.Profile -I "$SOURCE/viewer/export" pprof.proto >a.decoded || complain "protoc cannot read it"
[ "$(grep -c '^sample_type' a.decoded)" = 4 ] || complain "sample types: $(cat a.decoded)"
grep -q '^period: 524288$' a.decoded || complain "period: $(cat a.decoded)"
[ "$(grep -A6 '^sample {' a.decoded | grep value: | awk '{ sum += $2 } END { print sum }')" -gt 0 ] || complain "no samples"
for value in 100 1048576 7 70000 5 50000 1 524288; do
    grep -q "^  value: $value\$" a.decoded || complain "pprof: no value $value: $(cat a.decoded)"
done
if type go >/dev/null 2>&1 && go tool pprof -raw a.pb.gz >raw 2>/dev/null; then
    grep -q '^alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes\[dflt\]$' raw || complain "go tool pprof: $(cat raw)"
    grep -qE 'M=1 parse_row /srv/app/parse.c:21' raw || complain "go tool pprof: $(cat raw)"
    grep -qE '^1: .*/tests/ctl/profiled [0-9a-f]+ ' raw || complain "no build id: $(cat raw)"
fi

# ---- a store, and who reads it -------------------------------------------------------------------
"$trace" ctl $program profile -o one.db >said 2>&1 || complain "-o one.db: $(cat said)"
grep -q "^one.db  .* KiB, of process $program profiled$" said || complain "-o one.db: $(cat said)"
refused 2 "one.db is a capture, and is not overwritten; name another file" $program profile -o one.db
"$trace" check -s one.db >said 2>&1 || complain "check: $(cat said)"
for question in top "top --tree" heap "export csv" "export speedscope" info "leaks --held" "top --json" "heap --json" "info --json" check; do
    # shellcheck disable=SC2086 # words
    "$trace" $question -s one.db >said 2>&1 || complain "$question: status $?: $(cat said)"
    case $question in
    *--json) valid said; grep -q '"sampled_rate": 524288' said || complain "$question: it does not say that it is sampled" ;;
    *) grep -q 'sampled, one in 512 KiB' said || complain "$question: it does not say that it is sampled: $(cat said)" ;;
    esac
done
printf q | TERM=xterm timeout 300 script -qec "stty cols 100 rows 30; $trace view -s one.db" /dev/null 2>&1 | grep -q 'sampled, one in 512 KiB' || complain "view"
"$trace" html -s one.db page.html >said 2>&1 && grep -q 'sampled, one in 512 KiB' page.html || complain "html: $(cat said)"
"$trace" export perfetto -s one.db -o one.pftrace >said 2>&1 || complain "perfetto: $(cat said)"
"$trace" top -s one.db --by short-lived >said 2>&1 && complain "--by short-lived is answered"
grep -q 'a sampled profile does not know which blocks are' said || complain "$(cat said)"

# ---- twice ---------------------------------------------------------------------------------------
# A script's & lets SIGINT be ignored.
read_for() { timeout -s KILL 300 env --default-signal=INT "$trace" ctl "$program" profile --for 90s "$@" >twice 2>&1 & }
# It has read the profile once when it waits.
read_for
is_waiting() {
    reader=$(pgrep -P $! -x hakmem-trace) && [ "$(cut -d' ' -f1 "/proc/$reader/syscall" 2>/dev/null)" = 230 ]
}
until_true is_waiting || complain "--for does not wait"
say "came parse_row 10 100000" "came cache_put 1 70000" "went cache_put 3 20000"
kill -INT "$reader"
wait $! || complain "--for, ended by SIGINT: status $?: $(cat twice)"
cat >expected <<'EOF'
   share     grown  calls    bytes  with callees  function   where
  66.7 %  +100,000     10  100,000      +100,000  parse_row  app/parse.c:21
  33.3 %   +50,000      1   70,000       +50,000  cache_put  app/cache.c:31
   0.0 %         0      0        0             0  no stack

11 blocks of 170,000 bytes (166.0 KiB) allocated, 3 of 20,000 bytes (19.5 KiB) freed, grown by 150,000 bytes (146.5 KiB) and 8 blocks, RATE each second from TIME to TIME in process PID profiled (sampled, one in 512 KiB). Nothing was lost in this capture. The profile is sampled, one in 512 KiB: all numbers are estimates, from 5 sampled blocks.
EOF
plain <twice | diff -u expected - || complain "--for: above"
"$trace" ctl $program profile --for 10ms -o two.db >said 2>&1 || complain "--for 10ms -o two.db: $(cat said)"
"$trace" check -s two.db >said 2>&1 || complain "check of two readings: $(cat said)"
"$trace" diff one.db two.db >said 2>&1 || complain "diff: $(cat said)"
grep -qE '^ +\+100,000 +1,048,576 +1,148,576 +\+10 +parse_row +app/parse.c:21$' said || complain "diff: $(cat said)"
[ "$(grep -c 'sampled, one in 512 KiB)' said)" = 2 ] || complain "diff does not say that both are sampled: $(cat said)"
[ "$("$trace" sql -s two.db 'SELECT count(*) FROM profile_run' 2>/dev/null)" = 2 ] || complain "two readings are not two runs"

# ---- its end -------------------------------------------------------------------------------------
read_for -o last.db
until_true is_waiting || complain "--for does not wait"
stop
wait $!
[ $? -eq 4 ] || complain "a program that ends meanwhile: $(cat twice)"
grep -qE "process $program \(profiled\) ended after [0-9.]+ m?s; this is what was read last, after [0-9.]+ m?s" twice || complain "$(cat twice)"
"$trace" top -s last.db >said 2>&1 || complain "its store: $(cat said)"
grep -qE '1,148,576 +110 .*parse_row' said || complain "its store: $(cat said)"
refused 2 "there is no process $program" $program profile

# ---- what is missing, and what is broken ---------------------------------------------------------
begin
say "set table 1" "came parse_row 100 1048576" "set unsampled 3" "set unplaced 2"
timeout 300 "$trace" ctl $program profile >said 2>&1
status=$?
[ "$status" -eq 4 ] || complain "samples that are missing: status $status"
grep -q '3 events were lost in this capture' said || complain "$(cat said)"
grep -q 'from 1 sampled block, 2 of them without a stack for want of room' said || complain "$(cat said)"
say "set version 7"
refused 3 "has a heap profile of another version of hakmem: version 7 of" $program profile
say "set version 1" "set sites 4294967295"
refused 3 "cannot be read: it has more stacks than it has room for" $program profile
say "set sites 3" "set at 8"
refused 3 "cannot be read: its entries cannot be read" $program profile
stop

# ---- the command line ----------------------------------------------------------------------------
refused 2 "ctl: -o x.svg: its name does not end in .pb.gz, .folded or .db; --format says what to write" $$ profile -o x.svg
refused 2 "ctl: --format svg: pprof, collapsed or store was expected" $$ profile --format svg
refused 2 "ctl: --format store needs -o FILE" $$ profile --format store
refused 2 "ctl: --for 0s: a time above 0 was expected" $$ profile --for 0s
refused 2 "ctl: --json is another form of the table; pprof has none" $$ profile --json --format pprof
refused 2 "ctl: status takes no --for; that is of profile" $$ status --for 1s
[ -z "$(ls -A "$TMPDIR")" ] || complain "left behind: $(ls -A "$TMPDIR")"
