"""Damages the allocator's lists in a core file on purpose, one at a time, and looks at what `hakmem-trace core` makes of it.

damage.py TRACE CORE SAID LIBRARY: SAID has the addresses that tests/corefile/blocks.c printed. What is made up lies in its block `large`.
The table of the structures is in LIBRARY: a core leaves it to the file.
"""

import re
import resource
import struct
import subprocess
import sys

TRACE, PATH, SAID, LIBRARY = sys.argv[1:]
PRSTATUS, FS_BASE, SP = 1, 112 + 8 * 21, 112 + 8 * 19
LISTS = "the allocator's lists are damaged"
with open(PATH, "rb") as file:
    GOOD = file.read()
with open(SAID, encoding="ascii") as file:
    NAMED = {name: int(address, 16) for name, address in map(str.split, file)}
LARGE = NAMED["large"]


with open(LIBRARY, "rb") as file:
    OWN = file.read()


def number(at, form="<Q", data=GOOD):
    return struct.unpack_from(form, data, at)[0]


def parts_of(data):
    """kind, flags, place, address, -, stored bytes, bytes, alignment of each."""
    return [struct.unpack_from("<IIQQQQQQ", data, number(32, data=data) + 56 * i) for i in range(number(56, "<H", data))]


PARTS = parts_of(GOOD)
BASE = next(start for kind, _, at, start, _, stored, _, _ in PARTS if kind == 1 and stored and GOOD[at:at + 4096] == OWN[:4096])


def place(address):
    """Where in the file it lies."""
    for kind, _, at, start, _, stored, _, _ in PARTS:
        if kind == 1 and start <= address < start + stored:
            return at + address - start
    sys.exit(f"{address:#x} is not in the core")


def entry(name):
    """Where the table has it, in the library."""
    return OWN.index(name.encode().ljust(32, b"\0"))


def value(name):
    return number(entry(name) + 32, "<I", OWN)


def bytes_of(name):
    return number(entry(name) + 36, "<I", OWN)


def all_roots():
    """Variables by name: a distance, counted from where it stands, then the name."""
    at = re.search(rb"(.{8})registry\0.{8}registry_parts\0", OWN, re.DOTALL).start()
    base = next(BASE + start - place for kind, _, place, start, _, stored, _, _ in parts_of(OWN) if kind == 1 and place <= at < place + stored)
    roots = {}
    while "map_root" not in roots:
        end = OWN.index(b"\0", at + 8)
        roots[OWN[at + 8:end].decode()] = base + at + number(at, "<q", OWN)
        at = end + 1
    return roots


def pointer(address):
    return number(place(address))


def thread_notes():
    """Where each thread's struct elf_prstatus begins."""
    for kind, _, at, _, _, length, _, _ in PARTS:
        end = at + length
        while kind == 4 and at < end:
            name, count, what = struct.unpack_from("<III", GOOD, at)
            at += 12 + (name + 3) // 4 * 4
            if what == PRSTATUS:
                yield at
            at += (count + 3) // 4 * 4


def ask(changes, *words):
    """Exit status, output and errors with `changes`, {place in the file: bytes}; the file is whole again after that."""
    with open(PATH, "r+b") as core:
        for at, data in changes.items():
            core.seek(at)
            core.write(data)
        core.flush()
        try:
            done = subprocess.run([TRACE, "core", PATH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=600,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)))
        except subprocess.TimeoutExpired:
            return None, "", "no end"
        finally:
            for at, data in changes.items():
                core.seek(at)
                core.write(GOOD[at:at + len(data)])
    return done.returncode, done.stdout, done.stderr


failures = []


def due(what, status, pattern, changes, *more):
    found, said, errors = ask({place(at): data for at, data in changes.items()}, *more)
    if found != status or not re.search(pattern, errors) or errors.count("\n") != 1:
        failures.append(f"{what} {more}: status {found}, due {status} and '{pattern}': {errors}")
    return said


def broken(what, changes, is_seen_at_once=True):
    """Said, whatever is asked; and no leak is definite."""
    if is_seen_at_once:
        due(what, 4, LISTS, changes)
    said = due(what, 4, LISTS, changes, "--leaks")
    if re.search(r"^(direct|indirect)|blocks? (is|are) lost, of", said, re.MULTILINE):
        failures.append(f"{what}: a leak is definite: {said}")


def words(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def field(name, data):
    """The number as long as the field is."""
    return data.to_bytes(bytes_of(name), "little")


ROOT = all_roots()
heap = pointer(ROOT["heaps"] + 2 * 8)
front = pointer(heap + value("heap.front_block"))


def chunk(at, following, count):
    return {at + value("chunk.next"): words(following), at + value("chunk.count"): field("chunk.count", count)}


post = {heap + value("heap.posted"): words(LARGE)}
broken("a chunk that follows itself", {**post, **chunk(LARGE, LARGE, value("blocks_of_chunk"))})
ring = {}
for step in range(7):
    ring.update(chunk(LARGE + 4096 * step, LARGE + 4096 * (step + 1 if step < 6 else 3), 0))
broken("a ring of empty chunks", {**post, **ring})
boxes = range(heap + value("heap.mail"), heap + value("heap.mail") + value("classes") * value("mail.bytes"), value("mail.bytes"))
broken("a ring in each mail box", {**{box + value("mail.chunks"): words(LARGE) for box in boxes}, **chunk(LARGE, LARGE, 0)})

segment = LARGE + 65536
most_of_mid = 1 << 8 * bytes_of("mid_list.count") - 4
mid_list = LARGE + value("mid.lists")
broken("a ring of segments", {
    front + value("front.mid"): words(LARGE),
    mid_list + value("mid_list.count"): field("mid_list.count", most_of_mid),
    mid_list + value("mid_list.newest"): words(segment),
    segment + value("mid_segment.count"): field("mid_segment.count", 1),
    segment + value("mid_segment.older"): words(segment)})

broken("a block that links to itself", {
    ROOT["caches_of_plan"]: struct.pack("<I", 1),
    front + value("front.caches"): words(LARGE),
    LARGE + value("cache.storage"): field("cache.storage", value("storage_list")),
    LARGE + value("cache.count"): field("cache.count", 1 << 20),
    LARGE + value("cache.head"): words(NAMED["freed"]),
    NAMED["freed"]: words(NAMED["freed"])})

map_root = ROOT["map_root"]
table = words(*[LARGE] * value("map_middle_places"))
broken("a map that is its own leaf", {
    LARGE: table,
    pointer(map_root) + value("map_root.middle"): words(*[LARGE] * value("map_roots"))})

registry = ROOT["registry"]
part = value("registry_part_entries")
parts = ROOT["registry_parts"]
first = next(i for i in range(1 << 16) if pointer(parts + i // 64 * 8) >> i % 64 & 1)
broken("a registry that is full", {pointer(registry + value("registry.flat")) + first * part * 2: b"\2\0" * part})

# Blocks that the map has within another one: each byte is looked at for one of them only.
leaf, record = LARGE + value("map_middle_places") * 8, LARGE + (1 << 20)
within = {
    pointer(map_root) + value("map_root.middle"): words(LARGE),
    LARGE: words(leaf),
    leaf: words(*[record + 4096 * i for i in range(value("map_leaf_places"))])}
for i in range(value("map_leaf_places")):
    within[record + 4096 * i + value("large.base")] = words(LARGE + 64 * i)
    within[record + 4096 * i + value("large.mapped_bytes")] = words(2000000)
    within[record + 4096 * i + value("large.state")] = field("large.state", value("large_live"))
broken("blocks within each other", within, False)

# Findings of --check, and its words: of each damage alone.
superslab = NAMED["live"] & -value("superslab_size")
slab_index = (NAMED["live"] - superslab) // value("slab_size")
slab = superslab + value("superslab.slabs") + slab_index * value("slab.bytes")
slot = (NAMED["live"] - superslab) % value("slab_size") // number(place(slab + value("slab.slot_bytes")), "<I") - number(
    place(slab + value("slab.first_slot")), "<I")
class_index = GOOD[place(superslab + value("superslab.class_of_slab") + slab_index)]
thread = pointer(heap + value("heap.thread"))
top = pointer(thread + value("thread.top") + 8 * class_index)
own = pointer(slab + value("slab.bits"))


def finds(what, pattern, changes, status=1):
    found, said, errors = ask({place(at): data for at, data in changes.items()}, "--check")
    if found != status or not re.search(pattern, said, re.MULTILINE):
        failures.append(f"{what}: status {found}, due {status} and '{pattern}': {said}{errors}")


def bit_of(address):
    of = slot + (address - NAMED["live"]) // number(place(slab + value("slab.slot_bytes")), "<I")
    at = own + of // 64 * 8
    return {at: words(pointer(at) | 1 << of % 64)}


def made_list(link):
    return {
        ROOT["caches_of_plan"]: struct.pack("<I", 1),
        front + value("front.caches"): words(LARGE),
        LARGE + value("cache.storage"): field("cache.storage", value("storage_list")),
        LARGE + value("cache.place"): field("cache.place", 4),
        LARGE + value("cache.class_index"): field("cache.class_index", class_index),
        LARGE + value("cache.count"): field("cache.count", 2),
        LARGE + value("cache.head"): words(NAMED["live"]),
        NAMED["live"]: words(link)}


used = number(place(slab + value("slab.used")), "<I")
at_slab = rf"^verify: slab {slab_index} \(\d+ B\) of SuperSlab {superslab:#x}, heap 2: "
finds("nothing", "^no damage found in ", {}, 0)
finds("a count", at_slab + rf"free slots by the bitmap: found \d+, expected \d+$", {
    slab + value("slab.used"): struct.pack("<I", used - 1)})
finds("a live block that is free, too", at_slab + r"free slots by the bitmap: found \d+, expected", bit_of(NAMED["live"]))
finds("a cached block that is free, too", r"^HKM-101 wrong-layer-move: the front of heap 2 holds a block that is free in its slab, too$",
      bit_of(NAMED["freed"]))
finds("a class", at_slab.replace(r"\d+ B", ".*") + "class in the slab's own entry: found", {
    superslab + value("superslab.class_of_slab") + slab_index: bytes([class_index + 1])})
finds("an owner", rf"^verify: SuperSlab {superslab:#x}, heap 2: owner in its head \(in the registry\): found 3, expected 2$", {
    superslab + value("superslab.owner"): field("superslab.owner", 3)})
finds("a sum", "heap 2: bytes in use, by its slabs' counts: found 8, expected", {
    superslab + value("superslab.used_bytes"): field("superslab.used_bytes", 8)})
finds("a foreign pointer", "^HKM-103 push-no-superslab: the front of heap 2 holds 0x1230, which lies in no SuperSlab$", {top: words(0x1230)})
finds("a block that is there twice", "^HKM-101 wrong-layer-move: the front of heap 2 holds a block that lies in another cache, too, or twice",
      {top: words(NAMED["freed"])})
finds("a pointer 16 bytes off", "^HKM-101 wrong-layer-move: the front of heap 2 holds a pointer 16 bytes past its block's base$",
      {top: words(pointer(top) + 16)})
finds("a pointer 16 bytes off in a list", "^HKM-104 tls-sll-hdr-reset: the TLS SLL of heap 2 holds a pointer 16 bytes past its block's base$",
      made_list(NAMED["beside"] + 16))
finds("a link that leads nowhere", "^HKM-105 foreign-pointer: the link of a free block of C[0-9]+ points to 0x1230, which is not a hakmem block$",
      made_list(0x1230))
finds("a block of another class", "^HKM-102 class-mismatch: the TLS SLL of heap 2 holds a block of another class: C[0-9]+$", {
    **made_list(0), LARGE + value("cache.class_index"): field("cache.class_index", class_index + 1)})
finds("a list that is shorter than its count", "^verify: TLS SLL of heap 2: blocks in the list: found 1, expected 2$", made_list(0))
finds("an array that is longer than it can be", r"^verify: front of heap 2: blocks in the array \(at most its capacity\): found \d+, expected",
      {thread + value("thread.top") + 8 * class_index: words(top + (1 << 20))})

# A file that begins as the library does is taken for it.
with open("changed.so", "wb") as file:
    at = entry("address_bits") + 32
    file.write(OWN[:at] + struct.pack("<I", 3) + OWN[at + 4:])
due("addresses of three bits", 3, "has numbers that make no sense", {}, "./changed.so")

# No thread of the core has the heaps: the stack of the first one lies above all of their memory, in another range.
notes = list(thread_notes())
stack = words(number(notes[0] + SP))
status, said, errors = ask({at + FS_BASE: stack for at in notes}, "--why", hex(NAMED["live"]))
if status != 0 or not re.search("heap 2 of a thread that is not in the core$", said, re.MULTILINE):
    failures.append(f"threads whose memory is elsewhere: status {status}: {said}{errors}")
sys.exit("\n".join(failures) or 0)
