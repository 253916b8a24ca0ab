#!/usr/bin/env bash
# kill -9 of the worker while it makes the store, from its first moment on: the next one makes it anew in the same place,
# and nothing is lost or said. In the rounds of 0 us nothing is written before the kill: the file is there, and empty.
. "${SOURCE:?}/tests/tools/test.sh"
. "$SOURCE/tests/tools/processes.sh"
cat >round.py <<'E'
"""Runs a program under `run`, kills its worker some microseconds after the store's file appears; prints its size then."""
import os, signal, subprocess, sys, time
trace, program, wait = sys.argv[1], sys.argv[2], int(sys.argv[3]) / 1e6
run = subprocess.Popen([trace, 'run', '--check', 'trace', '--store', 'store.db', '--', program, '5000'],
                       stdout=open('out', 'w'), stderr=open('err', 'w'))

def worker():
    for pid in os.listdir('/proc'):
        try:
            if pid.isdigit() and int(open(f'/proc/{pid}/stat', errors='replace').read().rsplit(')', 1)[1].split()[1]) == run.pid \
                    and b'--worker' in open(f'/proc/{pid}/cmdline', 'rb').read():
                return int(pid)
        except (OSError, IndexError):
            pass

due = time.monotonic() + 60
while (pid := worker()) is None and time.monotonic() < due:
    pass
while not os.path.exists('store.db') and time.monotonic() < due:
    pass
begin = time.monotonic()
while time.monotonic() - begin < wait:
    pass
size = os.path.getsize('store.db')
os.kill(pid, signal.SIGKILL)
if os.path.exists('held'):
    os.unlink('held')
print(size)
sys.exit(run.wait())
E
cat >program.c <<'E'
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
    for (int i = 0; i < atoi(arguments[count - 1]); i++)
        free(malloc((size_t)i % 999));
    usleep(200000);
    return 7;
}
E
"${CC:-cc}" -O0 -o program program.c || exit 1
"${CC:-cc}" -shared -fPIC -O1 -D_GNU_SOURCE -o slow_disk.so "$SOURCE/tests/tools/slow_disk.c" || exit 1
printf '#!/bin/sh\nDISK_HELD=%s/held LD_PRELOAD=%s/slow_disk.so exec %s/hakmem-collect "$@"\n' "$PWD" "$PWD" "$BUILD" >collect
chmod +x collect
empty=0
complain() { echo "$1 us: $2"; failed=1; }
for wait in 0 0 300 2000 5000; do
    rm -f store*.db*
    [ $wait -gt 0 ] || touch held
    size=$(HAKMEM_COLLECT=$PWD/collect python3 round.py "$BUILD/hakmem-trace" ./program $wait)
    found=$?
    [ "$size" = 0 ] && empty=$((empty + 1))
    [ $found -eq 7 ] || complain $wait "status $found, 7 was due: $(head -n 2 err)"
    [ -s err ] && complain $wait "something is on stderr: $(head -n 2 err)"
    until_true no_collector || complain $wait "a collector is left"
    files=$(find . -name '*.db*')
    [ "$files" = ./store.db ] || complain $wait "one store was due: $files"
    events=$("$BUILD/hakmem-trace" sql -s store.db "select count(*) from event where kind = 'MALLOC'" | tail -n 1)
    [ "${events:-0}" -ge 5000 ] 2>/dev/null || complain $wait "$events calls of malloc; 5,000 were due"
    "$BUILD/hakmem-trace" check -s store.db >check.out 2>&1 || complain $wait "check: $(head -n 3 check.out)"
done
[ $empty -ge 2 ] || complain 0 "$empty workers were killed before the first byte; 2 at least were due"
