# Compares `why` with a full scan: `compare_why.py TRACE DECODER STORE COUNT`.
#
# Draws COUNT addresses at random from the calls in the store, asks `why --json --moves` for each, and
# works out from all events, as the reference decoder prints them, what the answer must be: which
# block, which lives with which beginnings, resizes and ends, which moves. Prints how long `why` took.
# A forked child's block goes on from what its parent's was before the FORK event. For captures
# without losses and faults.
import array
import bisect
import collections
import functools
import json
import random
import sqlite3
import subprocess
import sys
import time

trace, decoder, store, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
MOVES_KEPT, LIVES_KEPT, RESIZES_KEPT = 4096, 1024, 64
MALLOC, FREE, REALLOC, REALLOC_FROM, PLACE_LIVE = 1, 2, 3, 4, 5
random.seed(20010101)


COLUMNS = ("id", "process", "kind_number", "place", "class_index", "base", "address", "size", "ns")


def decode(*what):
    """Yields what the decoder prints, as tuples of COLUMNS."""
    with subprocess.Popen([decoder, store, *what], stdout=subprocess.PIPE) as reader:
        names = reader.stdout.readline().decode().rstrip("\n").split("\t")
        places = [names.index(name) for name in COLUMNS]
        for line in reader.stdout:
            fields = line.split(b"\t")
            yield tuple(int(fields[at]) for at in places)
    if reader.returncode != 0:
        sys.exit(f"the decoder ended with status {reader.returncode}")


def ask(*arguments):
    done = subprocess.run([trace, *arguments, "-s", store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"hakmem-trace {arguments[0]} ended with {done.returncode}: {done.stderr.decode()[:300]}")
    return done.stdout.decode()


slot_bytes = {}
for line in ask("sql", "select id, slot_bytes from class").splitlines():
    fields = line.split("\t")
    if fields[0].isdigit():
        slot_bytes[int(fields[0])] = int(fields[1])


def end_of(row):
    """Where a block ends; a large block is whole pages, its user's bytes behind a header; one of a kept allocator is neither."""
    _, _, _, _, index, base, address, size, _ = row
    return base + slot_bytes[index] if index in slot_bytes else (address + max(1, size) + unit - 1) // unit * unit


# Every process with those it was forked from, and the last id and time of events that it has from each.
with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
    processes = {row[0]: row[1:] for row in database.execute("SELECT id, parent, fork_event, start_ns, session FROM process")}
    unit = 16 if database.execute("SELECT 1 FROM meta WHERE key GLOB 'allocator.*'").fetchone() else 4096


@functools.lru_cache(maxsize=None)
def lineage(process):
    line, until = {process: (2**64, 2**64)}, (2**64, 2**64)
    while True:
        parent, fork_event, start_ns, session = processes[process]
        if parent not in processes or processes[parent][3] != session:
            return line
        until = (min(until[0], fork_event), until[1]) if fork_event else (until[0], min(until[1], start_ns))
        line[parent] = until
        process = parent


# Every block that there was, by where it began and ended, and addresses at random in some of them.
spans = [(row[1], row[5], end_of(row)) for row in decode("blocks")]
if len(spans) < count:
    sys.exit(f"only {len(spans)} blocks to choose {count} addresses from")
questions = [(process, base + random.randrange(end - base)) for process, base, end in random.sample(spans, count)]
addresses = sorted(address for _, address in questions)


def holds_an_address(base, end):
    at = bisect.bisect_left(addresses, base)
    return at < len(addresses) and addresses[at] < end


# The bases of blocks that ever held one of the addresses, then every move at those bases: `why` tells of
# a base, whatever size its slot had.
with open("bases", "w") as out:
    out.writelines(f"{base}\n" for base in {base for _, base, end in spans if holds_an_address(base, end)})
blocks = collections.defaultdict(lambda: collections.defaultdict(lambda: [array.array("Q") for _ in range(5)]))
furthest_end = collections.defaultdict(int)
for row in decode("moves", "bases"):
    identity, process, kind, place, _, base, _, _, ns = row
    furthest_end[base] = max(furthest_end[base], end_of(row))
    for column, value in zip(blocks[base][process], (identity, kind, place, end_of(row), ns)):
        column.append(value)


def moves_of(process, base):
    """(id, kind, place, end) of the block's moves that the process or its ancestors made."""
    moves = []
    for ancestor, (last_id, last_time) in lineage(process).items():
        if ancestor in blocks[base]:
            ids, kinds, places, ends, times = blocks[base][ancestor]
            moves += [
                (ids[at], kinds[at], places[at], ends[at])
                for at in range(len(ids))
                if ids[at] <= last_id and times[at] <= last_time
            ]
    return moves


def block_at(process, address):
    """The block around the address that the process or one of its ancestors used last."""
    newest, chosen = 0, None
    for base in blocks:
        if base <= address < furthest_end[base]:
            for identity, _, _, end in moves_of(process, base):
                if identity > newest and address < end:
                    newest, chosen = identity, (process, base)
    return chosen


@functools.lru_cache(maxsize=None)
def story(key):
    """The moves and the lives of a block by a plain scan: the newest ones, and how many there are."""
    moves, lives = sorted(moves_of(*key)), []
    for identity, kind, place, _ in moves:
        if kind == REALLOC and place == PLACE_LIVE and lives and not lives[-1]["ends"]:
            lives[-1]["resizes"].append(identity)
        elif kind in (MALLOC, REALLOC):
            lives.append({"birth": identity, "resizes": [], "ends": []})
        elif kind in (FREE, REALLOC_FROM):
            if not lives or lives[-1]["ends"]:
                lives.append({"birth": None, "resizes": [], "ends": []})
            lives[-1]["ends"].append(identity)
    for life in lives[-LIVES_KEPT:]:
        if len(life["resizes"]) > RESIZES_KEPT:
            life["resizes"] = life["resizes"][: RESIZES_KEPT - 1] + life["resizes"][-1:]
    return key, [move[0] for move in moves[-MOVES_KEPT:]], lives[-LIVES_KEPT:], (len(moves), len(lives))


def shown(document):
    """The same facts out of what `why --json --moves` answered."""
    block = document["block"]
    key = block["process"], int(block["base"], 16)
    lives = [
        {
            "birth": life["birth"] and life["birth"]["id"],
            "resizes": [event["id"] for event in life["resizes"]],
            "ends": [event["id"] for event in life["ends"]],
        }
        for life in document["lives"]
    ]
    return key, [event["id"] for event in document["moves"]], lives


differences, seconds, most = 0, [], 0
for process, address in questions:
    started = time.monotonic()
    document = json.loads(ask("why", hex(address), "--process", f"#{process}", "--json", "--moves"))
    seconds.append(time.monotonic() - started)
    due = story(block_at(process, address))
    most = max(most, due[3][0])
    got = (*shown(document), (document["moves_total"], document["lives_total"])) if document["block"] else None
    if due != got:
        differences += 1
        if differences <= 3:
            print(f"{address:#x} in process {process}: why differs from the full scan")
            for name, one, other in zip(("block", "moves", "lives", "totals"), due, got or ("nothing",) * 4):
                if one != other:
                    print(f"  {name}: due {str(one)[:300]}\n  {name}: got {str(other)[:300]}")
# The same for people.
for process, address in questions[:: max(1, count // 5)]:
    ask("why", hex(address), "--process", f"#{process}")
seconds.sort()
print(
    f"{count} addresses in {len({process for process, _ in questions})} processes, {differences} answers differ; the longest story has {most} moves; "
    f"why took {seconds[len(seconds) // 2]:.3f} s in the median, {seconds[-1]:.3f} s at most"
)
sys.exit(differences != 0)
