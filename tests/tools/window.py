"""Chooses the tests of the full tier that fit before a moment: names on stdin, those chosen on stdout, in the order in which they are to begin.

First come tests of what recent commits touched (tests/rooms), for half of the time at most; then the day's part of all tests, for which room is kept; then
what fits into the rest. There are seven parts of equal CPU seconds, so that whoever runs each day has run every test within a week. A machine on which a
part takes more than three quarters of the time has 14 parts, or 28, and says so on stderr. The day is that of UTC. A test counts the CPU seconds that
tests/seconds has for it, times what tests took here against that file; one without a row counts ten.

A path that is a file of tests/FOLDER and no test touches the scripts of the folder, or of the next one above that has any: none for tests/tools.
"""
import argparse
import os
import sys
import time

SHARE = 0.8  # of the processors' time, since four tests at a time wait now and then
UNKNOWN, LEAST = 10.0, 0.1
WEEK = 7
MOST_OF_DAY, MOST_TOUCHED = 0.75, 0.5  # of the time


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


def tests_of_own(names, path):
    """The tests that a path below tests touches."""
    chosen = [n for n in names if is_below(n, path) or path.startswith(n[: -len(".sh")] + "/")]
    while not chosen and path:
        path = os.path.dirname(path)
        chosen = [n for n in names if os.path.dirname(n) == path and n.endswith(".sh")]
    return chosen


def touched_tests(names, touched, rooms):
    """The names whose own file, folder or room was touched; the longest prefix of a source's path decides."""
    chosen = set()
    for path in touched:
        fitting = [row for row in rooms if path == row[0] or path.startswith(row[0].rstrip("/") + "/")]
        if path.startswith("tests/"):
            chosen.update(tests_of_own(names, path[len("tests/"):]))
        elif fitting:
            _, tests = max(fitting, key=lambda row: len(row[0]))
            chosen.update(n for n in names if any(is_below(n, test) for test in tests))
    return chosen


def parts_of(names, cost, most):
    """Lists of names, of equal costs: as many weeks of them as it takes for each to cost no more than `most`, or to be one test."""
    total, count = sum(cost[n] for n in names), WEEK
    while True:
        parts, passed = [[] for _ in range(count)], 0.0
        for name in names:
            parts[min(int(count * (passed + cost[name] / 2) / total), count - 1)].append(name)
            passed += cost[name]
        if all(len(part) < 2 or sum(cost[n] for n in part) <= most for part in parts):
            return parts
        count *= 2


def fitting(names, cost, budget):
    """Those whose costs fit into the budget, in this order; one that does not fit leaves room for cheaper ones."""
    chosen = []
    for name in names:
        if cost[name] <= budget:
            budget -= cost[name]
            chosen.append(name)
    return chosen


def choose(names, cost, touched, day, budget):
    """The names chosen, in the order in which they begin: of the touched ones and of the day's part the dearest first."""
    parts = parts_of(names, cost, budget * MOST_OF_DAY)
    if len(parts) > WEEK:
        print(f"window.py: too little time for a week: {len(parts)} days until each test has run", file=sys.stderr)
    place = day % len(parts)
    of_day = sorted(parts[place], key=lambda n: -cost[n])
    order = [n for part in parts[place:] + parts[:place] for n in part]
    left = budget - sum(cost[n] for n in of_day)
    first = fitting([n for n in order if n in touched and n not in of_day], cost, min(left, budget * MOST_TOUCHED))
    rest = fitting([n for n in order if n not in first and n not in of_day], cost, left - sum(cost[n] for n in first))
    return sorted(first, key=lambda n: -cost[n]) + of_day + rest


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
    cost = {n: max(elsewhere.get(n, UNKNOWN) * scale, LEAST) for n in names}
    with open(asked.touched) as lines:
        touched = touched_tests(names, [line.strip() for line in lines if line.strip()], read_rooms("tests/rooms"))
    budget = (asked.until - asked.now) * asked.processors * SHARE
    if names and budget > 0:
        print(*choose(names, cost, touched, int(asked.now // 86400), budget), sep="\n")


if __name__ == "__main__":
    main()
