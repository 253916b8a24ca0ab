#!/usr/bin/env python3
"""Is each stack of tests/kill/paths right? `paths_check.py HAKMEM_TRACE STORE PROGRAM LEAST`.

Block i was allocated on path i, whose calls follow from i alone. Each of the four functions has one place where it
calls on, so that each function is one address: it is learnt from the first block in which it occurs, and must be the
same in all others. LEAST is how many allocations there are at the least.
"""
import subprocess
import sys

CALLS, MASK = 20, (1 << 64) - 1
trace, store, program, least = sys.argv[1:5]


def ask(query):
    out = subprocess.run([trace, "sql", "-s", store, query], check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def mix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


nodes = {int(i): (int(p), int(ip)) for i, p, ip in ask("SELECT id, parent, ip FROM node")}
number = ask(f"SELECT min(id) FROM process WHERE program LIKE '%{program}'")[0][0]
events = ask(f"SELECT size, stack FROM event WHERE kind = 'MALLOC' AND process = {number} AND thread <> 1 ORDER BY id")
unlike, missing, wrong, checked = {}, 0, 0, {}
for size, stack in events:
    key = (int(size), int(stack))
    if key[1] == 0:
        missing += 1
    elif key not in checked:
        ips, node = [], key[1]
        while node and len(ips) < 2 * CALLS:
            node, ip = nodes[node]
            ips.append(ip)
        path = mix(key[0] - 1)
        # Innermost first: a way's malloc, then descend and a way by turns, each way by two bits of the path.
        found = ips[0::2][:CALLS]
        due = [path >> 2 * (CALLS - 1 - i) & 3 for i in range(CALLS)]
        checked[key] = len(ips) == 2 * CALLS and all(
            unlike.setdefault((i == 0, way), ip) == ip for i, (way, ip) in enumerate(zip(due, found)))
    wrong += key[1] != 0 and not checked[key]
rows = int(ask("SELECT count(*) FROM node")[0][0])
distinct = int(ask("SELECT count(*) FROM (SELECT DISTINCT parent, process, generation, ip FROM node)")[0][0])
addresses = len(set(unlike.values()))
print(f"{len(events)} allocations, {len(checked)} pairs of size and stack, {rows} nodes; "
      f"{wrong} stacks are wrong, {missing} missing, {rows - distinct} nodes there twice")
sys.exit(bool(wrong or missing or rows != distinct or len(events) < int(least) or addresses != len(unlike)))
