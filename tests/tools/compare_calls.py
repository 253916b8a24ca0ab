# Compares what the counting preload counted with what the store holds: `compare_calls.py DECODER STORE CALLS`.
#
# For each process of the tree by its pid: MALLOC, FREE and REALLOC, where a call in which the process ended may have its
# record or not (count_calls.c). The store's first process is left out: it is the `env` that put the counter in front and
# ran without it. Prints the sums.
import collections
import sqlite3
import struct
import subprocess
import sys

decoder, store, calls = sys.argv[1:4]
KINDS = ("MALLOC", "FREE", "REALLOC")
RECORD = struct.Struct("<8Q")

with open(calls, "rb") as file:
    counted_bytes = file.read()
in_use = RECORD.unpack_from(counted_bytes)[0]
if (in_use + 1) * RECORD.size > len(counted_bytes):
    sys.exit(f"{in_use} process images: more than {calls} has room for")
counted = collections.defaultdict(lambda: [0, 0, 0])
underway = collections.defaultdict(lambda: [0, 0, 0])
returning = collections.defaultdict(lambda: [0, 0, 0])  # counted already
for place in range(1, in_use + 1):
    pid, *numbers, frees = RECORD.unpack_from(counted_bytes, place * RECORD.size)
    for kind in range(3):
        counted[pid][kind] += numbers[kind]
        underway[pid][kind] += numbers[3 + kind]
    returning[pid][KINDS.index("FREE")] += frees

with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
    processes = {row[0]: row[1:] for row in database.execute("SELECT id, pid, program, lost FROM process")}
    lost = database.execute("SELECT coalesce(sum(count), 0) FROM loss").fetchone()[0]
first = min(processes)
stored = collections.defaultdict(lambda: [0, 0, 0])
lines = subprocess.run([decoder, store, "calls"], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
for line in lines[1:]:
    row, kind, events = line.split("\t")
    if int(row) != first and kind in KINDS:
        stored[processes[int(row)][0]][KINDS.index(kind)] += int(events)


def agrees(pid):
    return all(made - less <= due <= made + more
               for made, due, less, more in zip(counted[pid], stored[pid], returning[pid], underway[pid]))


differences = 0
for pid in sorted(set(counted) | set(stored)):
    if agrees(pid):
        continue
    differences += 1
    if differences <= 10:
        names = ", ".join(f"{row[1]} (row {number})" for number, row in processes.items() if row[0] == pid) or "no row"
        print(f"process {pid}, {names}: calls counted {counted[pid]}, stored {stored[pid]}, "
              f"{underway[pid]} not counted and {returning[pid]} counted were underway")
for name, numbers in (("counted", counted), ("stored", stored)):
    sums = [sum(one[kind] for one in numbers.values()) for kind in range(3)]
    print(f"{name}: " + " ".join(f"{kind} {value}" for kind, value in zip(KINDS, sums)) + f" in {len(numbers)} processes")
if differences:
    print(f"the store holds other numbers of calls than were made, in {differences} processes")
if lost:
    print(f"{lost} events were lost")
sys.exit(differences != 0 or lost != 0)
