#!/usr/bin/env bash
# The heap profile of libhakmem.so (HAKMEM_HEAP_PROFILE): estimates no further from what a program knows of itself than chance allows, threads and fork,
# `ctl PID profile` and `set profile=`; without the variable there is none, also at HAKMEM_CHECK=light, and a system that lets no program
# change its code gets one line.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"
run() { LD_PRELOAD=$BUILD/libhakmem.so "$BUILD/tests/light/profile" "$@" >out 2>&1; }

HAKMEM_HEAP_PROFILE=512K run 1 1000000 6 || complain "the estimates: status $?: $(cat out)"
grep -q '^others [01] samples, unplaced 0, unsampled 0 of 0 bytes' out || complain "not all samples have their stack: $(tail -n 2 out)"
HAKMEM_HEAP_PROFILE=64K run 3 300000 6 || complain "a rate of 64K: $(cat out)"
HAKMEM_CHECK=light run 4 1000
[ $? -eq 3 ] && grep -q 'there is no heap profile' out || complain "without the variable: $(cat out)"
run sizes && mv out due || complain "sizes: $(cat out)"
HAKMEM_HEAP_PROFILE=1 run sizes || complain "sizes, each block in the profile: $(cat out)"
[ "$(wc -l <due)" -gt 50 ] && diff due out >said || complain "blocks in the profile are longer: $(head -n 20 said)"

# ---- read from outside ---------------------------------------------------------------------------
# shows FUNCTION BLOCKS BYTES
shows() {
    timeout 300 "$trace" ctl "$program" profile >said 2>&1 || complain "profile: status $?: $(cat said)"
    grep -qE "^ +[0-9.]+ % +$3 +$2 +$3 +$1 +ctl/obeys.c:[0-9]+$" said || complain "$1 should hold $3 bytes in $2 blocks: $(cat said)"
}
start libhakmem.so HAKMEM_HEAP_PROFILE=64K
obey take a 8000000
obey take b 2000000
shows take_early 2 10,000,000
obey take n 6000000
obey give a
timeout 300 "$trace" ctl "$program" profile -o plain.db >said 2>&1 && "$trace" check -s plain.db >said 2>&1 || complain "the store: $(cat said)"
timeout 300 "$trace" ctl "$program" profile -o plain.collapsed >said 2>&1 && grep -qE 'take_late 6000000$' plain.collapsed ||
    complain "collapsed: $(cat said plain.collapsed)"
timeout 300 "$trace" ctl "$program" set profile=256K >said 2>&1 || complain "set: $(cat said)"
grep -q 'profile was one in 64.0 KiB, is one in 256.0 KiB' said || complain "set: $(cat said)"
obey take c 7000000
shows take_late 1 6,000,000
shows take_early 2 9,000,000
finish
[ -s errors ] && complain "it says: $(cat errors)"

start libhakmem.so
ask 2 'keeps no heap profile: start it with HAKMEM_HEAP_PROFILE=512K' $program profile
ask 2 'keeps no heap profile: start it with HAKMEM_HEAP_PROFILE=512K' $program set profile=64K
finish

# ---- each call in the profile --------------------------------------------------------------------
HAKMEM_HEAP_PROFILE=1 LD_PRELOAD=$BUILD/libhakmem.so python3 -W ignore::DeprecationWarning - >out 2>&1 <<'EOF' || complain "Python, fork and threads: status $?: $(cat out)"
import json, os, threading
def work():
    for i in range(50):
        assert len(json.dumps([str(n) * 10 for n in range(200)])) > 5000
threads = [threading.Thread(target=work) for _ in range(3)]
for t in threads: t.start()
child = os.fork()
if child == 0:
    work()
    os._exit(7)
for t in threads: t.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
EOF
[ -s out ] && complain "Python says: $(cat out)"

# ---- a system that refuses -----------------------------------------------------------------------
# PR_SET_MDWE (Linux 6.3) is inherited by what is executed.
cat >refusing.py <<'EOF'
import ctypes, os, sys
if ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0):
    sys.exit(77)
os.environ.update(HAKMEM_HEAP_PROFILE="64K", LD_PRELOAD=sys.argv[1])
os.execv("/bin/echo", ["echo", "fine"])
EOF
python3 refusing.py "$BUILD/libhakmem.so" >out 2>said
status=$?
if [ $status -ne 77 ]; then
    [ $status -eq 0 ] && [ "$(cat out)" = fine ] || complain "a system that refuses: status $status: $(cat out)"
    [ "$(wc -l <said)" = 1 ] && grep -q '^hakmem: HAKMEM_HEAP_PROFILE: there is no heap profile: this system lets no program change its code' said ||
        complain "a system that refuses: it says: $(cat said)"
fi
exit "$failed"
