# Adds up the counts of tests/tools/count_calls.c in each of several runs: `counted_runs.py CALLS...`, a file for each.
#
# Prints a line for each process that made calls: pid of the run's first process, its own, MALLOC, FREE, REALLOC.
# Nothing of a run in which there was no memory for the counter.
import struct
import sys

RECORD = struct.Struct("<8Q")

for path in sys.argv[1:]:
    with open(path, "rb") as file:
        in_use = RECORD.unpack(file.read(RECORD.size))[0]
        records = list(RECORD.iter_unpack(file.read(in_use * RECORD.size)))
    if len(records) != in_use:
        sys.exit(f"{in_use} process images: more than {path} has room for")
    for pid, *calls in ((record[0], *record[1:4]) for record in records):
        if any(calls):
            print(records[0][0], pid, *calls)
