#!/usr/bin/env bash
# `hakmem-trace ctl PID set NAME=VALUE`: decay, purge, guard and profile in each library, with the old and the new value; what is refused, and a program
# that does not answer.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"
# Blocks of one size after the other, more at a time than caches hold: slow paths.
drive_slowly() {
    while :; do
        echo "burst 3000" >&8 || exit
        sleep 0.02
    done 2>/dev/null &
    driver=$!
}
ask_slow() {
    drive_slowly
    ask "$@"
    calm
}
sets() { ask "$1" "$2" "$program" set "${@:3}"; }
figure() { "$trace" ctl $program stats --json 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["stats"][sys.argv[1]])' "$1"; }

# ---- decay and purge -----------------------------------------------------------------------------
for kind in plain normal trace light; do
    case $kind in
    plain) start libhakmem.so NONE= ;;
    *) start hakmem-debug.so HAKMEM_CHECK=$kind HAKMEM_TRACE=off ;;
    esac
    sets 0 "^process $program obeys: decay was [0-9.]+ ms, is 2500\.0 ms$" decay=2.5s
    sets 0 'decay was 2(49[5-9]|50[0-5])\.[0-9] ms, is 0\.0 ms$' decay=0
    sets 0 'decay was 0\.0 ms, is 0\.3 ms$' decay=300us
    "$trace" ctl $program set decay=100ms --json >set.json 2>said || complain "$kind: $(cat said)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" set.json || complain "$kind: not as the schema has it"
    python3 -c 'import json, sys; s = json.load(open("set.json"))["set"]; sys.exit(not (s["new_ns"] == 100000000 and 290000 < s["old_ns"] < 310000))' ||
        complain "$kind: $(cat set.json)"
    # At a slow path of the program, and at no other moment.
    timeout 300 "$trace" ctl $program set purge=now -t 0 >said 2>&1
    [ $? -eq 4 ] || complain "$kind: a program that waits gives back: $(cat said)"
    grep -q 'within 0 seconds: no thread of it comes to a slow path of malloc or free (all its threads wait in system calls)' said ||
        complain "$kind: $(cat said)"
    ask_slow 0 '^process [0-9]+ obeys: purge gave back .*; other threads do at their next slow paths$' $program set purge=now
    drive_slowly
    "$trace" ctl $program set purge=now --json -t 60 >set.json 2>said || complain "$kind: $(cat said)"
    calm
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" set.json || complain "$kind: not as the schema has it"
    [ $kind = light ] || sets 2 'is not at level light' guard=sample:5
    finish
done

# ---- the guard rate ------------------------------------------------------------------------------
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_TRACE=off
obey churn 30000
before=$(figure blocks_guarded)
sets 0 'guard was sample:0, is sample:5$' guard=sample:5
obey churn 30000
after=$(figure blocks_guarded)
[ $((after - before)) -ge 3000 ] || complain "sample:5 of 30,000: $before, then $after"
sets 0 'guard was sample:5, is sample:0$' guard=sample:0
for wrong in sample:43691 sample: sample:-1 sample:5x all sample:99999999999999999999; do sets 2 'guard=sample:N takes one call in N' guard=$wrong; done
finish
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_TRACE=off HAKMEM_GUARD=off
sets 2 'was started with HAKMEM_GUARD=off' guard=sample:5
finish

# ---- the rate of the heap profile ----------------------------------------------------------------
# One in 2^40 bytes: no gap of it would end. Each look of the thread, one call in 256, sees the new rate.
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_TRACE=off HAKMEM_HEAP_PROFILE=1024G
ask 4 'has no sample so far' $program profile
sets 0 "^process $program obeys: profile was one in 1\.0 TiB, is one in 64\.0 KiB$" profile=64K
obey churn 30000
obey take a 16000000
"$trace" ctl $program profile >said 2>&1 || complain "profile: $(cat said)"
grep -qE '16,000,000 +1 +16,000,000 +take_early ' said && grep -q 'sampled, one in 64 KiB' said || complain "profile=64K: $(cat said)"
# A block is weighed by the rate at which the gap before it was drawn, unless a look has drawn it anew.
for name in b c d e; do
    sets 0 'is one in 512\.0 KiB$' profile=512K
    obey churn 30000
    sets 0 'is one in 1\.0 TiB$' profile=1024G
    obey take $name 16000000
    "$trace" ctl $program profile >said 2>&1 || complain "profile: $(cat said)"
    ! grep -qE '32,000,000 +2 +32,000,000 +take_early ' said || break
    grep -qE '16,000,000 +1 +16,000,000 +take_early ' said || complain "a gap of before: $(cat said)"
done
sets 0 'is one in 64\.0 KiB$' profile=64K
# Samples that were taken before keep their weight.
sets 0 'profile was one in 64\.0 KiB, is one in 256\.0 MiB$' profile=256M
obey churn 30000
"$trace" ctl $program profile >said 2>&1 || complain "profile: $(cat said)"
grep -qE '32,000,000 +2 +32,000,000 +take_early ' said || complain "profile=256M: $(cat said)"
"$trace" ctl $program set profile=512K --json >set.json 2>said || complain "profile: $(cat said)"
python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" set.json || complain "profile: not as the schema has it"
python3 -c 'import json, sys; s = json.load(open("set.json"))["set"]; sys.exit((s["old_rate"], s["new_rate"]) != (256 << 20, 512 << 10))' || complain "$(cat set.json)"
for wrong in 0 '' 64k 1T -1 '64K,' 1025G 0K 99999999999999999999; do
    sets 2 'profile=RATE takes the mean bytes between two samples, 1 to 1024G' profile=$wrong
done
finish
start hakmem-debug.so HAKMEM_CHECK=light HAKMEM_TRACE=off HAKMEM_HEAP_PROFILE=0
sets 2 'keeps no heap profile: start it with HAKMEM_CHECK=light' profile=64K
finish

# ---- refusals ------------------------------------------------------------------------------------
start libhakmem.so NONE=
for wrong in 3601s -1s 1e3s 2 x inf nan 0x5s 1..2s 5h ''; do sets 2 'decay=TIME takes 0 to 3600s' decay=$wrong; done
sets 2 "purge=now takes 'now'" purge=later
for wrong in decay profil=1 =5 ''; do sets 2 'set takes decay=TIME, purge=now, guard=sample:N or profile=RATE' "$wrong"; done
sets 2 'keeps no heap profile' profile=64K
ask 2 'set takes decay=TIME' $program set
finish
ask 2 'there is no process' $program set decay=1s
