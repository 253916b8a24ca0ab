# Checks stores against what tests/kill/sequence.c wrote: `sequence_check.py TRACE FILE THREADS STORE...`.
# Every block that a thread was given before its last counted one is in the stores, in order, but for
# what the stores count as lost. Prints one line; exit status 1 when something is missing.
import collections
import struct
import subprocess
import sys

trace, words_file, threads, stores = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
with open(words_file, "rb") as file:
    words = struct.unpack("<512Q", file.read(4096))
given = list(words[1 : threads + 1])


def ask(store, query):
    done = subprocess.run([trace, "sql", "-s", store, query], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 1, 4):
        sys.exit(f"sql ended with {done.returncode}: {done.stderr.decode()[:500]}")
    lines = done.stdout.decode().splitlines()
    return [line.split("\t") for line in lines if line and line[0].isdigit()]


GIVEN = "kind = 'MALLOC' and size between 2048 and 3047"
ROUND = ",".join(map(str, range(1000)))
blocks, lost = collections.defaultdict(list), 0  # by thread: texts "0,1,2,...", one for each store
for store in sorted(stores):
    threads_there = ask(store, "select distinct process, tid from thread")
    columns = [f", group_concat(case when process = {process} and tid = {tid} then size - 2048 end)"
               for process, tid in threads_there]
    # One walk over all events, with a column for each thread.
    texts = ask(store, f"select 1{''.join(columns)} from (select process, tid, size from event where {GIVEN} order by id)")
    for thread, text in zip(threads_there, texts[0][1:] if texts else []):
        if text:
            blocks[tuple(thread)].append(text)
    lost += sum(int(count) for count, in ask(store, "select coalesce(sum(count), 0) from loss"))

# A thread of the store counts from 0 without a gap; which is which shows in how far it got.
found = []
for key, parts in sorted(blocks.items()):
    text = ",".join(parts)
    count = text.count(",") + 1
    due = ",".join([ROUND] * (count // 1000 + 1))
    if not lost and not (due + ",").startswith(text + ","):
        values = list(map(int, text.split(",")))
        first = next(i for i, value in enumerate(values) if value != i % 1000)
        sys.exit(f"thread {key}: block {first} has size {values[first] + 2048}, due {first % 1000 + 2048}")
    found.append(count)
found.sort()
given.sort()
missing = sum(max(0, due - got) for due, got in zip(given[::-1], found[::-1] + [0] * threads))
print(f"given {given}, in the store {found}, missing {missing}, counted as lost {lost}")
if missing > lost:
    sys.exit(f"{missing} blocks are missing and {lost} are counted as lost")
surplus = sum(max(0, got - due - 1) for due, got in zip(given[::-1], found[::-1]))
if surplus:
    sys.exit(f"{surplus} more blocks are in the store than were ever given")
