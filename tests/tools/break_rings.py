#!/usr/bin/env python3
"""break_rings.py FILE OUT SEED: a broken copy of a file of rings: cut off, or with bytes changed where it matters."""
import random
import shutil
import struct
import sys

source, target, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
pick = random.Random(seed)
shutil.copyfile(source, target)
with open(target, "r+b") as file:
    header = file.read(20888)
    total = struct.unpack_from("<Q", header, 16)[0]
    offsets = struct.unpack_from("<5Q", header, 64)  # processes, rings, nodes, report, extents
    process_at, ring_at, node_at, report_at, extent_at = offsets
    metrics_at = struct.unpack_from("<Q", header, 20864)[0]
    regions = [(8, 380), (8, 380), (process_at, 2 * 392), (ring_at, 8 * 192), (node_at, 4096), (report_at, 3000),
               (extent_at, 1 << 20), (metrics_at, 4096), (356, 20000)]
    if seed % 4 == 0:
        file.truncate(pick.choice([pick.randrange(total), pick.randrange(30000), extent_at + pick.randrange(1 << 20)]))
    else:
        values = [b"\xff" * 8, b"\0" * 8, b"\x01" + b"\0" * 7, struct.pack("<Q", 1 << 47), struct.pack("<Q", total)]
        for _ in range(pick.choice([1, 1, 2, 5, 40])):
            start, length = pick.choice(regions)
            at = start + pick.randrange(length)
            at -= at % pick.choice([1, 4, 8])
            file.seek(at)
            file.write(pick.choice([bytes([pick.randrange(256)]), pick.randbytes(8), pick.choice(values)]))
