#!/usr/bin/env python3
"""Damages what no loader looks at in an ELF file: debug information, symbol tables, their section headers.

mutate_debug.py SEED FOLDER FROM...: FOLDER/mN.so is the Nth FROM with 1 to 40 changes that SEED + N draws; it still
runs as FROM does.
"""
import random
import struct
import sys

INTERESTING = [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
ALLOCATED = 2
HEADER_FIELDS = [(4, 4), (8, 8), (24, 8), (32, 8), (40, 4), (44, 4), (48, 8), (56, 8)]  # type, flags, offset, size, ...


def sections(data):
    """(offset of the header, offset, size) of each section that is not loaded."""
    table, = struct.unpack_from("<Q", data, 40)
    entry, count = struct.unpack_from("<HH", data, 58)
    for i in range(1, count):
        at = table + i * entry
        flags, = struct.unpack_from("<Q", data, at + 8)
        offset, size = struct.unpack_from("<QQ", data, at + 24)
        if not flags & ALLOCATED and 0 < size <= len(data) - offset:
            yield at, offset, size


def put(data, at, value, width):
    data[at:at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")


def change(draw, data, header, offset, size):
    at = offset + draw.randrange(size)
    kind = draw.randrange(10)
    if kind < 4:
        data[at] = draw.randrange(256)
    elif kind < 6:
        width = min(draw.choice([1, 2, 4, 8]), offset + size - at)
        put(data, at, draw.choice(INTERESTING), width)
    elif kind < 7:  # a run of one byte: numbers of variable length that never end, strings without an end
        length = min(draw.randrange(1, 64), offset + size - at)
        data[at:at + length] = bytes([draw.choice([0, 0x80, 0xFF, draw.randrange(256)])]) * length
    elif kind < 9:  # a piece of it again, elsewhere
        length = min(draw.randrange(1, 128), offset + size - at)
        start = offset + draw.randrange(max(1, size - length))
        data[at:at + length] = data[start:start + length]
    else:
        field, width = draw.choice(HEADER_FIELDS)
        put(data, header + field, draw.choice(INTERESTING + [size - 1, size + 1, size // 2, offset + 1]), width)


def damage(source, target, seed):
    draw = random.Random(seed)
    with open(source, "rb") as file:
        data = bytearray(file.read())
    able = list(sections(data))
    few = draw.sample(able, draw.randrange(1, min(4, len(able)) + 1))
    for _ in range(draw.choice([1, 2, 4, 10, 40])):
        change(draw, data, *draw.choice(few))
    if draw.randrange(20) == 0:
        put(data, draw.choice([58, 60, 62]), draw.choice(INTERESTING), 2)  # size, number of headers, their names
    with open(target, "wb") as file:
        file.write(data)


def main():
    for i, source in enumerate(sys.argv[3:]):
        damage(source, f"{sys.argv[2]}/m{i}.so", int(sys.argv[1]) + i)


if __name__ == "__main__":
    main()
