#!/usr/bin/env python3
"""Writes wild numbers into the memory of a stopped process, and asks `ctl PID stats` after each: it must end by itself, with a status of
its own, within some seconds, and its JSON must hold no number below 0.

    damage_stats.py PID TRACE [ROUNDS]"""
import json
import random
import re
import subprocess
import sys

pid, trace = sys.argv[1:3]
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 60
chance = random.Random(34)
ranges = []
for line in open(f"/proc/{pid}/maps"):
    start, end, rights, rest = re.match(r"(\w+)-(\w+) (\S+)(.*)", line).groups()
    if rights.startswith("rw") and "[" not in rest and ("libhakmem" in rest or "/" not in rest):
        ranges.append((int(start, 16), int(end, 16)))
WILD = [0, 1, 0xFF, 0xFFFFFFFF, 2**63, 2**64 - 1, 0x7FFFFFFFFFFF, 0x100, 2**40]


def places(memory, start, end):
    """Words of the range that are not 0: what is in use."""
    found = []
    for page in range(start, min(end, start + (8 << 20)), 4096):
        memory.seek(page)
        try:
            data = memory.read(4096)
        except OSError:
            continue
        if any(data):
            found += [page + i for i in range(0, 4096, 8) if any(data[i : i + 8])][:300]
    return found


with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
    words = [word for start, end in ranges for word in places(memory, start, end)]
    for turn in range(rounds):
        kept = {}
        for word in chance.sample(words, min(len(words), 40 + turn)):
            memory.seek(word)
            kept[word] = memory.read(8)
            wild = chance.choice(WILD + [chance.choice(words)])
            memory.seek(word)
            memory.write(wild.to_bytes(8, "little"))
        asked = subprocess.run([trace, "ctl", pid, "stats", "--json"], capture_output=True, timeout=100, check=False)
        if asked.returncode not in (0, 2, 4):
            sys.exit(f"round {turn}: status {asked.returncode}: {asked.stderr.decode()}")
        if asked.stdout and re.search(rb": -\d", asked.stdout):
            sys.exit(f"round {turn}: a number below 0: {asked.stdout.decode()}")
        if asked.stdout:
            json.loads(asked.stdout)
        if turn % 4:  # every fourth damage stays
            for word, data in kept.items():
                memory.seek(word)
                memory.write(data)
