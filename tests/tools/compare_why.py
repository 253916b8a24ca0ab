# Compares `why` with a full scan: `compare_why.py TRACE DECODER STORE COUNT`.
#
# Draws COUNT addresses at random from the calls in the store, asks `why --json --moves` for each, and
# works out from all events, as the reference decoder prints them, what the answer must be: which
# block, which lives with which beginnings, resizes and ends, which moves. Prints how long `why` took.
# For captures without forked children, losses and faults.
import collections
import json
import random
import subprocess
import sys
import time

trace, decoder, store, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
MOVES_KEPT, LIVES_KEPT, RESIZES_KEPT = 4096, 1024, 64
PLACE_LIVE = 5
random.seed(20010101)


def decode(condition):
    """Yields the decoder's lines that awk lets through, as dicts of numbers (kind: its name)."""
    with subprocess.Popen([decoder, store], stdout=subprocess.PIPE) as reader:
        with subprocess.Popen(
            ["awk", "-F\t", "NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; print; next } " + condition],
            stdin=reader.stdout,
            stdout=subprocess.PIPE,
            text=True,
        ) as sieve:
            reader.stdout.close()
            names = sieve.stdout.readline().rstrip("\n").split("\t")
            for line in sieve.stdout:
                fields = zip(names, line.rstrip("\n").split("\t"))
                yield {name: value if name == "kind" else int(value) for name, value in fields}
        if sieve.returncode != 0 or reader.wait() != 0:
            sys.exit(f"decoder or awk ended with status {reader.returncode}, {sieve.returncode}")


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

# A few of a thousand calls are enough to choose from.
candidates = [
    (event["address"], max(1, event["size"]))
    for event in decode('$c["kind"] == "MALLOC" && (NR * 48271) % 65521 < 500 { print }')
]
if len(candidates) < count:
    sys.exit(f"only {len(candidates)} calls to choose {count} addresses from")
addresses = sorted(
    address + random.choice((0, random.randrange(size))) for address, size in random.sample(candidates, count)
)

# Every move in a slab that one of the addresses lies in, and of every block that is no slab's.
slabs = " ".join(f"w[{slab}];" for slab in {address >> 16 for address in addresses})
blocks = collections.defaultdict(list)
for event in decode(
    "NR == 2 { " + slabs + ' } $c["kind_number"] >= 1 && $c["kind_number"] < 64 && '
    '(int($c["base"] / 65536) in w || $c["class_index"] == 255) { print }'
):
    blocks[event["process"], event["base"]].append(event)


def covers(event, address):
    """Does the block that this event moves hold the address?"""
    size = slot_bytes.get(event["class_index"])
    if size is None:
        # A mapping of its own: whole pages from its base on, the user's bytes behind a header.
        end = event["address"] + max(1, event["size"])
        return event["base"] <= address < (end + 4095) // 4096 * 4096
    return event["base"] <= address < event["base"] + size


def story(address):
    """The block around the address that was used last, its moves and its lives, by a plain scan."""
    newest, chosen = 0, None
    for key, events in blocks.items():
        if abs(key[1] - address) > 1 << 32:
            continue
        for event in reversed(events):
            if event["id"] <= newest:
                break
            if covers(event, address):
                newest, chosen = event["id"], key
                break
    events = sorted(blocks[chosen], key=lambda event: (event["generation"], event["id"]))
    lives = []
    for event in events:
        if event["kind"] == "REALLOC" and event["place"] == PLACE_LIVE and lives and not lives[-1]["ends"]:
            lives[-1]["resizes"].append(event["id"])
        elif event["kind"] in ("MALLOC", "REALLOC"):
            lives.append({"birth": event["id"], "resizes": [], "ends": []})
        elif event["kind"] in ("FREE", "REALLOC_FROM"):
            if not lives or lives[-1]["ends"]:
                lives.append({"birth": None, "resizes": [], "ends": []})
            lives[-1]["ends"].append(event["id"])
    return chosen, [event["id"] for event in events], lives


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
for address in addresses:
    started = time.monotonic()
    document = json.loads(ask("why", hex(address), "--json", "--moves"))
    seconds.append(time.monotonic() - started)
    key, moves, lives = story(address)
    totals = len(moves), len(lives)
    most = max(most, len(moves))
    moves, lives = moves[-MOVES_KEPT:], lives[-LIVES_KEPT:]
    for life in lives:
        if len(life["resizes"]) > RESIZES_KEPT:
            life["resizes"] = life["resizes"][: RESIZES_KEPT - 1] + life["resizes"][-1:]
    due = (key, moves, lives, totals)
    got = (*shown(document), (document["moves_total"], document["lives_total"])) if document["block"] else None
    if due != got:
        differences += 1
        if differences <= 3:
            print(f"{address:#x}: why differs from the full scan")
            for name, one, other in zip(("block", "moves", "lives", "totals"), due, got or ("nothing",) * 4):
                if one != other:
                    print(f"  {name}: due {str(one)[:300]}\n  {name}: got {str(other)[:300]}")
seconds.sort()
print(
    f"{len(addresses)} addresses, {differences} answers differ; the longest story has {most} moves; "
    f"why took {seconds[len(seconds) // 2]:.3f} s in the median, {seconds[-1]:.3f} s at most"
)
sys.exit(differences != 0)
