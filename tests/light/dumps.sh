#!/usr/bin/env bash
# HAKMEM_HEAP_PROFILE_DUMP: a program in level light has its heap profile written into files, at peaks, after a time and at a signal, which the
# program hears, too. A fork has files of its own. The oldest go, and no others. A file that cannot be written is said once, counted, and harms nobody.
. "${SOURCE:?}/tests/tools/test.sh"
if [ "${1-}" != inside ]; then # a small disk of its own, which ends with it
    unshare -m "$SOURCE/tests/light/dumps.sh" inside
    exit
fi
export LC_ALL=C HAKMEM_CHECK=light HAKMEM_HEAP_PROFILE=64K
. "$SOURCE/tests/tools/processes.sh"
. "$SOURCE/tests/tools/obeys.sh"

status() { timeout 300 "$trace" ctl "$program" 2>&1 | grep '^profiles'; }
is_status() { status | grep -qxE "profiles +$1"; }
# awaits STATUS: what ctl says of the files.
awaits() { until_true is_status "$1" || complain "'$1' was due: $(status); $(cat errors)"; }
file() { printf '%s/hakmem-heap.obeys.%d.%04d.db' "${3:-$PWD/files}" "$1" "$2"; }
# holds FILE FUNCTION BYTES: within a hundredth, of what lives.
holds() {
    "$trace" check -s "$1" >said 2>&1 || complain "$1: $(cat said)"
    "$trace" top -s "$1" --json >top.json 2>said || complain "$1: $(cat said)"
    python3 - "$2" "$3" <<'END' || complain "$1: $2 should hold $3 bytes: $(cat top.json)"
import json, sys
rows = [r["self"]["live_bytes"] for r in json.load(open("top.json"))["rows"] if r["function"] == sys.argv[1]]
sys.exit(abs(sum(rows) - int(sys.argv[2])) > int(sys.argv[2]) / 100)
END
}
lines() { grep -c HEAP_PROFILE_DUMP errors; }

# ---- at peaks, and at a signal -------------------------------------------------------------------
mkdir files
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,peak,signal
awaits "0 files written to $PWD/files"
obey take a 8000000
awaits "1 file written to $PWD/files"
holds "$(file $program 1)" take_early 8000000
obey give a
obey take b 8500000 # no tenth more
obey take n 3000000
awaits "2 files written to $PWD/files"
holds "$(file $program 2)" take_late 3000000
holds "$(file $program 2)" take_early 8500000
kill -USR2 "$program" # it waits in read
awaits "3 files written to $PWD/files"
holds "$(file $program 3)" take_late 3000000
"$trace" diff "$(file $program 1)" "$(file $program 2)" >said 2>&1 || complain "diff: $(cat said)"
"$trace" ctl "$program" --json >ctl.json && python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" ctl.json || complain "--json: $(cat ctl.json)"
python3 -c 'import json; p = json.load(open("ctl.json"))["program"]; assert (p["profiles_written"], p["profiles_failed"]) == (3, 0), p' || complain "--json: $(cat ctl.json)"
[ "$(find files -type f | wc -l)" = 3 ] || complain "files: $(ls -A files)"

# ---- the oldest go -------------------------------------------------------------------------------
start_time() { "$trace" sql -s "$1" 'SELECT start_time FROM process' 2>/dev/null; }
third=$(file $program 3)
for ((number = 4; number <= 60; number++)); do
    printf -v copy '%s%04d.db' "${third%0003.db}" $number
    copies+=("$copy")
done
tee "${copies[@]}" <"$third" >/dev/null
echo 'no store' >"$(file $program 5)"
cp "$(file $program 3)" "$(file $program 6)"
python3 -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("UPDATE process SET start_time = start_time + 1"); d.commit()' "$(file $program 6)"
ln -sf "$(file $program 3)" "$(file $program 7)"
cp "$(file $program 3)" "files/hakmem-heap.obeys.$((program + 1)).0001.db"
kill -USR2 "$program"
awaits "4 files written to $PWD/files"
[ -e "$(file $program 61)" ] || complain "number 61: $(ls files)"
for number in 5 6 7 14 61; do [ -L "$(file $program $number)" ] || [ -e "$(file $program $number)" ] || complain "$number is gone: $(ls files)"; done
for number in 1 2 3 4 8 13; do [ -e "$(file $program $number)" ] && complain "$number is there: $(ls files)"; done
[ -e "files/hakmem-heap.obeys.$((program + 1)).0001.db" ] || complain "another program's file is gone"
[ "$(cat "$(file $program 5)")" = 'no store' ] || complain "a file that is no store was written over"

# ---- a child -------------------------------------------------------------------------------------
obey fork
child=$speaker
[ "$child" != "$program" ] || complain "obeys did not fork"
kill -USR2 "$child"
until_true test -e "$(file "$child" 1)" || complain "no file of the child: $(ls files)"
finish
[ "$(lines)" = 0 ] || complain "it says $(cat errors)"
rm -r files

# ---- after a time; its own handler is called, too ------------------------------------------------
mkdir files
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP="$PWD/files,every=1s"
drive
until_true test -e "$(file $program 2)"
calm
finish
cat >handles.py <<'END'
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"handled\n"))
os.write(1, b"ready\n")
keep = [bytes(100000) for _ in range(100)]
for line in sys.stdin: pass
END
mkfifo words
HAKMEM_HEAP_PROFILE_DUMP=$PWD/files,signal=SIGUSR1 LD_PRELOAD=$BUILD/hakmem-debug.so python3 handles.py <words >handled 2>errors &
program=$!
exec 8>words
until_true grep -q ready handled
kill -USR1 "$program"
until_true grep -q handled handled
wrote_file() { compgen -G "files/hakmem-heap.*.$program.0001.db" >/dev/null; }
until_true wrote_file || complain "python: $(ls files) $(cat errors)"
finish
[ -s errors ] && complain "python says $(cat errors)"

# ---- a collector that is killed -------------------------------------------------------------------
cat >killed.c <<'END'
#include <signal.h>
#include <sys/resource.h>
int setpriority(__priority_which_t which, id_t who, int value) { return (void)which, (void)who, (void)value, raise(SIGKILL); }
END
cc -shared -fPIC -D_GNU_SOURCE -o killed.so killed.c || complain "killed.c"
cat >collect <<END
#!/bin/sh
[ ! -e "$PWD/kill" ] || export LD_PRELOAD="$PWD/killed.so"
[ ! -e "$PWD/kill" ] || echo killed >>"$PWD/collected"
exec "$BUILD/hakmem-collect" "\$@"
END
chmod +x collect && touch kill
start hakmem-debug.so HAKMEM_COLLECT="$PWD/collect" HAKMEM_HEAP_PROFILE_DUMP="$PWD/files,signal"
obey take a 8000000
kill -USR2 "$program"
until_true test -s collected
rm kill
written=0
for ((try = 0; try < 600 && !written; try++)); do # a minute; a collector that hangs has five
    kill -USR2 "$program" && sleep 0.1
    written=$(compgen -G "files/hakmem-heap.obeys.$program.0001.db" | wc -l)
done
[ "$written" = 1 ] || complain "no file after a collector that was killed: $(status)"
finish

# ---- a filter of system calls that kills who asks for another priority, as in services of systemd ------
cat >filters.py <<'END'
import ctypes, os, struct, sys
keep = [bytes(100000) for _ in range(100)]
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 141), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7fff0000)]
words = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *word) for word in code))
libc, program = ctypes.CDLL(None), struct.pack("HxxxxxxP", len(code), ctypes.addressof(words))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0: sys.exit(1)
os.write(1, b"ready\n")
for line in sys.stdin: pass
END
rm handled # the one before was ready, too
HAKMEM_HEAP_PROFILE_DUMP=$PWD/files,signal LD_PRELOAD=$BUILD/hakmem-debug.so python3 filters.py <words >handled 2>errors &
program=$!
exec 8>words
until_true grep -qs ready handled
kill -USR2 "$program"
until_true wrote_file || complain "under a filter: $(ls files) $(cat errors)"
finish

# ---- PID 1, to which all orphans come, hears of no child -------------------------------------------
cat >first.py <<'END'
import os, signal, sys, time
heard = []
signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))
keep = [bytes(100000) for _ in range(100)]
def until_true(what):
    while not what(): time.sleep(0.01)
def is_over(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
def others():
    """Processes that have not ended."""
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != "1" and not is_over(pid)]
def file_due(number):
    os.kill(1, signal.SIGUSR2)
    until_true(lambda: any(name.endswith(f".1.000{number}.db") for name in os.listdir(sys.argv[1])))
    until_true(lambda: not others())
    try:
        print("a child:", os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT))
    except ChildProcessError:
        pass
for number in range(1, 4): file_due(number)
left = [pid for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"]
print("heard of", len(heard), "children; left behind:", len(left) > 1)
END
rm -r files && mkdir files
HAKMEM_HEAP_PROFILE_DUMP=$PWD/files,signal timeout 300 unshare -pf --mount-proc env LD_PRELOAD="$BUILD/hakmem-debug.so" python3 first.py files >said 2>&1
[ "$(cat said)" = 'heard of 0 children; left behind: False' ] || complain "PID 1: $(cat said)"

# ---- a signal between the file and the end of what wrote it is heard: in a container that has a parent until then ------
printf '#!/bin/sh\n"%s" "$@"\nexec sleep 1000\n' "$BUILD/hakmem-collect" >lingers && chmod +x lingers
cat >again.py <<'END'
import glob, os, signal, sys, time
keep = [bytes(100000) for _ in range(100)]
def lingering():
    count = 0
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            count += open(path).read() == "sleep\n"
        except OSError:
            pass
    return count
for number in (1, 2, 3):
    os.kill(1, signal.SIGUSR2)
    while lingering() < number: time.sleep(0.05)
print(sorted(name[-7:] for name in os.listdir(sys.argv[1])))
END
rm -r files && mkdir files
HAKMEM_COLLECT=$PWD/lingers HAKMEM_HEAP_PROFILE_DUMP=$PWD/files,signal timeout 300 unshare -pf --kill-child --mount-proc env LD_PRELOAD="$BUILD/hakmem-debug.so" python3 again.py files >said 2>&1
[ "$(cat said)" = "['0001.db', '0002.db', '0003.db']" ] || complain "signals after a file: $(cat said)"

# ---- what cannot be written ----------------------------------------------------------------------
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=gone,signal
obey take a 8000000
kill -USR2 "$program"
awaits "0 files written to $PWD/gone, 1 failed"
kill -USR2 "$program"
awaits "0 files written to $PWD/gone, 2 failed"
mkdir gone
kill -USR2 "$program"
awaits "1 file written to $PWD/gone, 2 failed"
finish
[ "$(lines)" = 1 ] && grep -q "no heap profile is written to $PWD/gone: the folder is not there, or cannot be written (no such file); the program goes on" errors ||
    complain "a folder that is not there: $(cat errors)"
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=gone,signal
obey take a 8000000
rm -r gone
kill -USR2 "$program"
awaits "0 files written to $PWD/gone, 1 failed"
kill -USR2 "$program"
awaits "0 files written to $PWD/gone, 2 failed"
finish
[ "$(lines)" = 1 ] && grep -q "no heap profile is written to $PWD/gone: No such file or directory; the program goes on" errors || complain "a folder that went: $(cat errors)"
mkdir small && mount -t tmpfs -o size=100k none small || fail "no disk"
start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=small,signal
obey take a 8000000
for due in 1 2; do
    kill -USR2 "$program"
    awaits "0 files written to $PWD/small, $due failed"
done
[ -z "$(ls -A small)" ] || complain "a full disk: left behind: $(ls -A small)"
mount -o remount,size=8M small || fail "no larger disk"
kill -USR2 "$program"
awaits "1 file written to $PWD/small, 2 failed"
holds "$(file $program 1 "$PWD/small")" take_early 8000000
finish
umount small
[ "$(lines)" = 1 ] && grep -q "no heap profile is written to $PWD/small: .*; the program goes on" errors || complain "a full disk: $(cat errors)"
start hakmem-debug.so HAKMEM_COLLECT=/nowhere HAKMEM_HEAP_PROFILE_DUMP=files,signal
obey take a 8000000
for due in 1 2; do
    kill -USR2 "$program"
    awaits "0 files written to $PWD/files, $due failed"
done
finish
[ "$(lines)" = 1 ] && grep -q 'files: hakmem-collect cannot be started: /nowhere (no such file); the program' errors || complain "no collector: $(cat errors)"
(
    ulimit -f 4
    start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,signal
    obey take a 8000000
    kill -USR2 "$program"
    awaits "0 files written to $PWD/files, 1 failed"
    finish || complain "ulimit -f: obeys ended with $?"
    grep -q 'it cannot be copied (too large)' errors || complain "ulimit -f: $(cat errors)"
    exit "$failed"
) || failed=1
( # enough for the copy, not for the file
    ulimit -f 100
    rm -r files && mkdir files
    start hakmem-debug.so HAKMEM_HEAP_PROFILE_DUMP=files,signal
    obey take a 8000000
    kill -USR2 "$program"
    awaits "0 files written to $PWD/files, 1 failed"
    finish || complain "ulimit -f 100: obeys ended with $?"
    grep -q "no heap profile is written to $PWD/files: .*; the program goes on" errors || complain "ulimit -f 100: $(cat errors)"
    [ -z "$(ls -A files)" ] || complain "ulimit -f 100: left behind: $(ls -A files)"
    exit "$failed"
) || failed=1

# ---- what the variable may say -------------------------------------------------------------------
long=$(printf '%4100s' '' | tr ' ' a)
for wrong in ,peak files 'files,' files,every=0s files,every=10 files,every=-1s files,every=99999999999999999999s files,every=367d files,every=1s,every=1s \
    files,peak,peak files,signal= files,signal=USR2,signal files,x files,peak,,peak $'files,pe\nak' 'files, peak' "$long,peak"; do
    HAKMEM_HEAP_PROFILE_DUMP=$wrong LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true >out 2>&1 || complain "$wrong: status $?"
    [ "$(wc -l <out)" = 1 ] && grep -q '^hakmem: HAKMEM_HEAP_PROFILE_DUMP=.*expected ' out || complain "${wrong:0:40}: $(cat out)"
done
for wrong in KILL 0 65 SEGV USR9; do
    HAKMEM_HEAP_PROFILE_DUMP=files,signal=$wrong LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true >out 2>&1 || complain "$wrong: status $?"
    [ "$(wc -l <out)" = 1 ] && grep -q "signal=$wrong: expected a signal that can be caught" out || complain "$wrong: $(cat out)"
done
HAKMEM_HEAP_PROFILE=0 HAKMEM_HEAP_PROFILE_DUMP=files,peak LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true >out 2>&1
grep -q 'HAKMEM_HEAP_PROFILE is 0; no profile is written' out || complain "no profile: $(cat out)"
HAKMEM_CHECK=trace HAKMEM_TRACE=off HAKMEM_HEAP_PROFILE_DUMP=files,peak LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true >out 2>&1
grep -q 'it needs HAKMEM_CHECK=light; no profile is written' out || complain "another level: $(cat out)"
for good in '' files,every=366d,peak,signal=12; do
    HAKMEM_HEAP_PROFILE_DUMP=$good LD_PRELOAD=$BUILD/hakmem-debug.so /bin/true >out 2>&1
    [ -s out ] && complain "$good: $(cat out)"
done
exit "$failed"
