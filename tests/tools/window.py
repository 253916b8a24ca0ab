"""Chooses the tests of the full tier that fit before a moment: names on stdin, those chosen on stdout.

First come the tests of the rooms that recent commits touched (tests/rooms), then the others from a place on that moves by
a seventh each day: whoever lands each day has run every test within a week. A test counts the CPU seconds that tests/seconds has for it,
times what tests took here against that file; one without a row counts ten.
"""
import argparse
import os
import sys
import time

SHARE = 0.8  # of the processors' time, since four tests at a time wait now and then
UNKNOWN = 10.0


def read_seconds(path):
    """CPU seconds by test, of a file of lines "WALL CPU TEST"; none where it cannot be read."""
    try:
        with open(path) as lines:
            return {name: float(cpu) for _, cpu, name in (line.split() for line in lines)}
    except OSError:
        return {}


def read_rooms(path):
    """(prefix of a source's path, paths of tests) of each row."""
    try:
        with open(path) as lines:
            rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    except OSError:
        rows = []
    return [(row[0], row[1:]) for row in rows]


def is_below(name, path):
    return name == path or name.startswith(path.rstrip("/") + "/") or path in (name + ".c", name + ".sh")


def touched_tests(names, touched, rooms):
    """The names whose own file or whose room was touched; the longest prefix of a source's path decides."""
    chosen = set()
    for path in touched:
        if path.startswith("tests/"):
            own = path[len("tests/"):]
            chosen.update(n for n in names if is_below(n, own) or own.startswith(n[: -len(".sh")] + "/") or own == n)
            continue
        fitting = [row for row in rooms if path == row[0] or path.startswith(row[0].rstrip("/") + "/")]
        if fitting:
            _, tests = max(fitting, key=lambda row: len(row[0]))
            chosen.update(n for n in names if any(is_below(n, test) for test in tests))
    return chosen


def turned(names, cost, day):
    """The names from that place on at which the day's seventh of all CPU seconds begins."""
    total, passed = sum(cost[n] for n in names), 0.0
    for i, name in enumerate(names):
        if passed >= total * (day % 7) / 7:
            return names[i:] + names[:i]
        passed += cost[name]
    return names


def choose(names, cost, touched, day, budget):
    """The names, in order of importance, whose costs fit into the budget; one that does not fit leaves room for cheaper ones."""
    order = turned(names, cost, day)
    chosen = []
    for name in [n for n in order if n in touched] + [n for n in order if n not in touched]:
        if cost[name] <= budget:
            budget -= cost[name]
            chosen.append(name)
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--until", type=float, required=True, help="seconds of the epoch")
    parser.add_argument("--processors", type=int, default=os.cpu_count())
    parser.add_argument("--here", required=True, help="what tests of the quick tier took here")
    parser.add_argument("--touched", required=True, help="a file of the paths that recent commits touched")
    parser.add_argument("--now", type=float, default=time.time())
    asked = parser.parse_args()
    names = sorted(line.strip() for line in sys.stdin if line.strip())
    elsewhere, here = read_seconds("tests/seconds"), read_seconds(asked.here)
    # Unit tests alone are the same in both tiers.
    both = [n for n in here if n in elsewhere and not n.endswith(".sh")]
    there = sum(elsewhere[n] for n in both)
    scale = sum(here[n] for n in both) / there if there > 0 else 1.0
    cost = {n: elsewhere.get(n, UNKNOWN) * scale for n in names}
    with open(asked.touched) as lines:
        touched = touched_tests(names, [line.strip() for line in lines if line.strip()], read_rooms("tests/rooms"))
    budget = (asked.until - asked.now) * asked.processors * SHARE
    for name in choose(names, cost, touched, int(asked.now // 86400), budget):
        print(name)


if __name__ == "__main__":
    main()
