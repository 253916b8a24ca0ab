# Compares a store with what tests/programs/own_log.c wrote down: `own_log.py DECODER STORE FILE`.
#
# Each thread's calls are in the store in its order, with addresses and sizes; and by the order of the store
# no address is handed out while it is in use or given back while it is not, whichever threads did it.
# Prints one line; exit status 1 when something differs.
import collections
import sqlite3
import struct
import subprocess
import sys

decoder, store, path = sys.argv[1:]
MALLOC, FREE, REALLOC, REALLOC_FROM, LIVE = 1, 2, 3, 4, 5
differences = 0


def complain(text):
    global differences
    differences += 1
    if differences <= 8:
        print(text)


due = collections.defaultdict(list)
with open(path, "rb") as file:
    for tid, before, after, size in struct.iter_unpack("<4Q", file.read()):
        due[tid].append((before, after, size))
with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
    tid_of = dict(database.execute("SELECT id, tid FROM thread"))

got, live, calls = collections.defaultdict(list), set(), 0
with subprocess.Popen([decoder, store], stdout=subprocess.PIPE) as reader:
    reader.stdout.readline()
    for line in reader.stdout:
        fields = line.split(b"\t")
        kind = int(fields[5])
        if not MALLOC <= kind <= REALLOC_FROM:
            continue
        calls += 1
        identity, address, size, old, place = (int(fields[at]) for at in (0, 6, 8, 9, 11))
        in_place = kind == REALLOC and place == LIVE
        if (address in live) != (kind in (FREE, REALLOC_FROM) or in_place):
            complain(f"event {identity}: kind {kind} of {address:#x}, which is {'' if address in live else 'not '}in use")
        if kind in (FREE, REALLOC_FROM):
            live.discard(address)
        else:
            live.add(address)
        its = got[tid_of[int(fields[3])]]
        if kind == FREE:
            its.append((address, 0, 0))
        elif kind != REALLOC_FROM:
            its.append((address if in_place else old, address, size))
if reader.returncode != 0:
    sys.exit(f"the decoder ended with status {reader.returncode}")

for tid, its in due.items():
    if its != got[tid]:
        at = next((at for at, (one, other) in enumerate(zip(its, got[tid])) if one != other), min(len(its), len(got[tid])))
        complain(f"thread {tid}, call {at} of {len(its)} ({len(got[tid])} stored): due {its[at : at + 1]}, got {got[tid][at : at + 1]}")
print(f"{sum(map(len, due.values()))} calls of {len(due)} threads, {calls} events of calls: {differences} differences")
sys.exit(differences != 0)
