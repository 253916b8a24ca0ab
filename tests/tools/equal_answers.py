# Compares what hakmem-trace answers with what the reference decoder reads: `equal_answers.py TRACE
# DECODER STORE COUNT [WHY]`.
#
# Draws COUNT addresses: in blocks of the capture, right beside them, and some that nobody ever used.
# The decoder reads the store once and gives every event near any of them; from these is worked out
# which events have the address, which lives and which blocks, and who owned it last. hakmem-trace is
# asked through its tables event, life and block for all, through `why` for WHY of them (default: all),
# and what was alive at some moments is compared block by block. Specified in docs/specs/store.md.
import bisect
import collections
import json
import os
import random
import sqlite3
import subprocess
import sys

trace, decoder, store, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
why_count = int(sys.argv[5]) if len(sys.argv) > 5 else count
MALLOC, FREE, REALLOC, REALLOC_FROM, LIVE, FAULT, LARGE, ILLEGAL = 1, 2, 3, 4, 5, 112, 255, 2
random.seed(int(os.environ.get("SEED", "19991231")))
differences = 0


def complain(text):
    global differences
    differences += 1
    if differences <= 8:
        print(text[:600])


Event = collections.namedtuple(
    "Event",
    "id ns process thread kind address base size old_address class_index place subkind stack generation flags",
)


def decode(*what):
    """Yields the decoder's lines as lists of bytes, without the head."""
    with subprocess.Popen([decoder, store, *what], stdout=subprocess.PIPE) as reader:
        reader.stdout.readline()
        for line in reader.stdout:
            yield line.rstrip(b"\n").split(b"\t")
    if reader.returncode != 0:
        sys.exit(f"the decoder ended with status {reader.returncode}")


def events(*what):
    for fields in decode(*what):
        del fields[4]  # the kind's name
        yield Event(*map(int, fields))


def ask(*arguments, text=None):
    done = subprocess.run([trace, *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"hakmem-trace {arguments[0]} ended with {done.returncode}: {done.stderr.decode()[:300]}")
    return done.stdout.decode()


def ask_table(query):
    """Rows of numbers; what is NULL is None."""
    return [tuple(row) for row in json.loads(ask("sql", "-s", store, "--json", query))["results"][0]["rows"]]


with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as database:
    processes = {row[0]: row[1:] for row in database.execute("SELECT id, parent, fork_event, start_ns, session FROM process")}
    slot_bytes = dict(database.execute("SELECT id, slot_bytes FROM class"))
    last_event, last_ns = next(database.execute("SELECT max(id + events - 1), max(max_ns) FROM chunk"))
ALL = (2**62, 2**62)


def lineage(process):
    """{process: (the last id, the last time) that its events may have to count}, the process itself first."""
    line, until = {process: ALL}, ALL
    while True:
        parent, fork_event, start_ns, session = processes[process]
        if parent not in processes or processes[parent][3] != session:
            return line
        until = (min(until[0], fork_event), until[1]) if fork_event else (until[0], min(until[1], start_ns))
        line[parent] = until
        process = parent


def counts(event, line):
    last_id, last_ns = line.get(event.process, (0, 0))
    return event.id <= last_id and event.ns <= last_ns


# ---- which addresses -----------------------------------------------------------------------------

spans = [(e.process, e.base, e.base + slot_bytes.get(e.class_index, max(1, e.address + e.size - e.base))) for e in events("blocks")]
questions = []
for number in range(count):
    process, base, end = random.choice(spans)
    kind = number % 10
    if kind < 4:  # as the program held it, or the slot's start
        questions.append((process, base + (16 if kind == 3 and base + 16 < end else 0)))
    elif kind < 7:  # somewhere in it
        questions.append((process, base + random.randrange(end - base)))
    elif kind < 9:  # just before and just behind it
        questions.append((process, random.choice((base - 1, base - 8, end, end + 8))))
    elif number % 20 == 9:  # in the same SuperSlab, perhaps never used
        questions.append((process, (base & ~((1 << 21) - 1)) + random.randrange(1 << 21)))
    else:
        questions.append((process, random.randrange(1, 1 << 47)))
addresses = sorted({address for _, address in questions})
with open("addresses", "w") as out:
    out.writelines(f"{address}\n" for address in addresses)

# ---- what the events say -------------------------------------------------------------------------

exact, of_base, large_end = collections.defaultdict(list), collections.defaultdict(list), collections.defaultdict(int)
listed = set(addresses)
for event in events("near", "addresses"):
    for address in {event.base, event.address} & listed:
        exact[address].append(event)
    if 0 < event.kind < 64:
        of_base[event.base].append(event)


def asked_end(event):
    return event.address + event.size


def holds(event, address):
    if event.class_index in slot_bytes:
        return event.base <= address < event.base + slot_bytes[event.class_index]
    return event.base <= address < (asked_end(event) + 4095) // 4096 * 4096


around = collections.defaultdict(set)  # bases of blocks that ever held the address
for base, its in of_base.items():
    longest = max(
        event.base + slot_bytes[event.class_index] if event.class_index in slot_bytes else (asked_end(event) + 4095) // 4096 * 4096
        for event in its
    )
    for address in addresses[bisect.bisect_left(addresses, base) : bisect.bisect_left(addresses, max(longest, base + 1))]:
        around[address].add(base)

# A base's whole story, also of the time when a slot of another size began there.
with open("bases", "w") as out:
    out.writelines(f"{base}\n" for base in set().union(*around.values()))
for base in set().union(*around.values()):
    of_base[base] = []
for event in events("moves", "bases"):
    of_base[event.base].append(event)


def is_call(event):
    return event.kind <= REALLOC_FROM and not event.flags & ILLEGAL


class Block:
    """A block's life as its calls make it."""

    def __init__(self):
        self.is_open, self.birth, self.size, self.resizes, self.user = False, None, None, 0, None

    def take(self, event):
        """Returns the row of table life that the event ends, or None."""
        ended = None
        if event.kind in (FREE, REALLOC_FROM):
            if not self.is_open:
                self.birth, self.size, self.resizes, self.user = None, event.size, 0, event.address
            ended = self.row(event)
            self.is_open = False
        elif event.kind == REALLOC and event.place == LIVE:
            if not self.is_open:
                self.birth, self.resizes = None, 0
            self.is_open, self.size, self.user = True, event.size, event.address
            self.resizes += 1
        else:
            if self.is_open:
                ended = self.row(None)  # its end was lost
            self.is_open, self.birth, self.size, self.resizes, self.user = True, event.id, event.size, 0, event.address
        return ended

    def row(self, end):
        return self.birth, end and end.id, self.size, self.resizes, self.user


def moves_of(process, base):
    """The moves that the process and, before it was forked, its ancestors made, in order."""
    line = lineage(process)
    return [e for e in of_base[base] if counts(e, line)]


def lives_of(process, base):
    """Rows of table life: of the lives that ended in the process, or are open and were seen in it."""
    block, rows, seen = Block(), [], False
    for event in moves_of(process, base):
        ended = block.take(event) if is_call(event) else None
        seen = seen or event.process == process
        if ended and event.process == process:
            rows.append(ended)
    if block.is_open and seen:
        rows.append(block.row(None))
    return rows


def due_lives(address):
    bases = {event.base for event in exact[address] if event.kind <= REALLOC_FROM} | ({address} & of_base.keys())
    rows = []
    for base in bases:
        for process in {event.process for event in of_base[base]}:
            rows += [(base, process) + row for row in lives_of(process, base) if address in (base, row[4])]
    return sorted(rows, key=repr)


def due_blocks(address):
    rows = {}
    for base in around[address]:
        for event in of_base[base]:
            if event.flags & ILLEGAL:
                continue
            row = rows.setdefault((base, event.process, event.class_index), [0, 0, 0, event.id, event.id, slot_bytes.get(event.class_index, 0)])
            row[0] += event.kind == MALLOC or (event.kind == REALLOC and event.place != LIVE)
            row[1] += event.kind in (FREE, REALLOC_FROM)
            row[2] += 1
            row[3], row[4] = min(row[3], event.id), max(row[4], event.id)
            if event.class_index == LARGE:
                row[5] = max(row[5], asked_end(event) - event.base)
    return sorted(key[:2] + tuple(row[:5]) for key, row in rows.items() if key[0] <= address < key[0] + row[5])


def due_owner(process, address):
    """The block around the address that was used last by the process or one it was forked from."""
    line, newest, chosen = lineage(process), 0, None
    for base in around[address]:
        for event in of_base[base]:
            if event.flags & ILLEGAL or not counts(event, line) or event.id <= newest:
                continue
            if holds(event, address) or address in (event.base, event.address):
                newest, chosen = event.id, base
    if chosen is None:
        return None
    moves, block, births, ends = moves_of(process, chosen), Block(), 0, 0
    for event in moves:
        if is_call(event):
            was_open = block.is_open
            births += event.kind in (MALLOC, REALLOC) and not (event.kind == REALLOC and event.place == LIVE and was_open)
            births += event.kind in (FREE, REALLOC_FROM) and not was_open
            ends += event.kind in (FREE, REALLOC_FROM)
            block.take(event)
            last = event.id if event.kind in (FREE, REALLOC_FROM) else None
    called = [event for event in moves if is_call(event)]
    return chosen, len(moves), births, (block.birth, last if called else None) if called else (None, None)


# ---- what hakmem-trace says ----------------------------------------------------------------------

values = ", ".join(f"({address})" for address in addresses)
got_events, got_lives, got_blocks = (collections.defaultdict(list) for _ in range(3))
for address, identity in ask_table(f"WITH q(x) AS (VALUES {values}) SELECT q.x, e.id FROM q JOIN event e ON e.addr = q.x"):
    got_events[address].append(identity)
for row in ask_table(
    f"WITH q(x) AS (VALUES {values}) SELECT q.x, l.base, l.process, l.id, l.end_id, l.last_size, l.resizes, l.user FROM q JOIN life l ON l.addr = q.x"
):
    got_lives[row[0]].append(row[1:])
for row in ask_table(
    f"WITH q(x) AS (VALUES {values}) SELECT q.x, b.base, b.process, b.mallocs, b.frees, b.events, b.first_id, b.last_id FROM q JOIN block b ON b.addr = q.x"
):
    got_blocks[row[0]].append(row[1:])
for address in addresses:
    for name, due, got in (
        ("events", sorted(e.id for e in exact[address]), sorted(got_events[address])),
        ("lives", due_lives(address), sorted(got_lives[address], key=repr)),
        ("blocks", due_blocks(address), sorted(got_blocks[address])),
    ):
        if due != got:
            only_due, only_got = [x for x in due if x not in got], [x for x in got if x not in due]
            complain(f"{address:#x}, {name}: {len(due)} due, {len(got)} got; only due {only_due[:3]}, only got {only_got[:3]}")

owners = 0
for process, address in questions[:: max(1, count // why_count)][:why_count]:
    document = json.loads(ask("why", hex(address), "--process", f"#{process}", "--json", "-s", store))
    due, got = due_owner(process, address), None
    if document["block"]:
        owners += 1
        life = document["lives"][-1] if document["lives"] else None
        last = (life["birth"] and life["birth"]["id"], life["ends"][0]["id"] if life["ends"] else None) if life else (None, None)
        got = int(document["block"]["base"], 16), document["moves_total"], document["lives_total"], last
    if due != got:
        complain(f"{address:#x}, owner in process {process}: due {due}, got {got}")

# ---- what was alive ------------------------------------------------------------------------------

moments = [(0, 0)] + [(random.randrange(1, last_event + 1), 0), (0, random.randrange(1, last_ns + 1))]
compared = 0
for event, ns in moments:
    for process in random.sample(sorted(processes), min(2, len(processes))):
        due = {}
        for ancestor, (last_id, last_time) in reversed(lineage(process).items()):
            limits = str(min(last_id, event or last_id)), str(min(last_time, ns or last_time))
            for base, is_open, birth, size, knows in (map(int, row) for row in decode("alive", str(ancestor), *limits)):
                if not is_open:
                    due.pop(base, None)
                else:
                    due[base] = (birth if knows or base not in due else due[base][0], size)
        where = f"process = {process}" + (f" AND at_event = {event}" if event else "") + (f" AND at = {ns}" if ns else "")
        got = {base: (birth or 0, size) for base, birth, size in ask_table(f"SELECT base, birth, size FROM live WHERE {where}")}
        compared += len(due)
        wrong = [base for base in due.keys() | got.keys() if due.get(base) != got.get(base)]
        if wrong:
            base = min(wrong)
            complain(f"live, {where}: {len(wrong)} of {len(due)} differ; {base:#x}: due {due.get(base)}, got {got.get(base)}")

print(
    f"{count} addresses ({len(addresses)} different): {sum(map(len, exact.values()))} events, {sum(map(len, got_lives.values()))} lives,"
    f" {sum(map(len, got_blocks.values()))} blocks, {owners} owners of {min(why_count, count)}; {compared} live blocks; {differences} answers differ"
)
sys.exit(differences != 0)
