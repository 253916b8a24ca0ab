"""Compares the heap profile of real programs with exact sums. Called by heap_profile_programs.sh: RUNS [SCALE [PROGRAM...]].

Of each program two recordings in level trace give the exact sums of each stack, and where they differ: a stack whose sums differ
by more than a tenth of its standard error is no equal work, and is named. Then RUNS runs in level light are read by
`hakmem-trace ctl PID profile` at the same point. Of the stacks with 1 % and more of the bytes the estimate is compared with its
99 % interval: the middle 99 % of what the sampler can give for exactly these blocks.

An interval of 99 % leaves out one pair of stack and run in a hundred. So the pairs inside are counted, and are due to be 99 % or
more, to what chance allows (one in a thousand); runs in which every stack is inside stand beside the number that follows from that.
"""
import collections
import math
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import heap_programs as heap  # noqa: E402 (the path is set above)

SHARE = 0.01
FAR = 4.1  # standard errors of a mean of runs: of some hundred stacks one in a hundred times
TOLERANCE = 0.001  # perl asks malloc_usable_size, which differs by level, how long its strings may become
WHATS = ("allocated", "live")


def fewest_inside(pairs):
    """So many pairs are inside in all but one of a thousand cases, where each is with 0.99."""
    return pairs * 0.99 - 3.1 * math.sqrt(pairs * 0.99 * 0.01) - 0.5


class Row:
    """A stack of 1 % or more: its exact sum, its interval and its estimates."""

    def __init__(self, sizes, gap):
        self.exact = heap.total_bytes(sizes)
        self.error = heap.standard_error(sizes, gap)
        self.lowest, self.highest = heap.interval_99(sizes, gap)
        self.samples = heap.expected_samples(sizes, gap)
        self.seen = []

    def is_inside(self, number):
        return self.lowest * (1 - TOLERANCE) <= self.seen[number] <= self.highest * (1 + TOLERANCE)

    def errors_of_mean(self):
        return (sum(self.seen) / len(self.seen) - self.exact) / (self.error / math.sqrt(len(self.seen)))


def name_of(stack, functions):
    names = [functions.get(frame) or f"{frame[0]}+{frame[1]}" for frame in stack[:2]]
    return "<-".join(names) or "no stack"


def rows_of(program, folder, gap):
    """(what, stack) -> Row; the sums of all stacks; what differs between two recordings."""
    runs = []
    for number in range(2):
        store = os.path.join(folder, f"trace{number}.db")
        heap.record(program, folder, store)
        runs.append(heap.exact(store))
        os.unlink(store)
    (blocks, functions), (again, _) = runs
    rows, totals, unequal = {}, {}, []
    for what in WHATS:
        sizes = collections.Counter()
        for one in blocks.values():
            sizes.update(one.of(what))
        totals[what] = (heap.total_bytes(sizes), heap.standard_error(sizes, gap))
        for stack, one in blocks.items():
            if heap.total_bytes(one.of(what)) < SHARE * totals[what][0]:
                continue
            row = Row(one.of(what), gap)
            if abs(heap.total_bytes(again[stack].of(what)) - row.exact) > row.error / 10:
                unequal.append(f"{what} {name_of(stack, functions)}")
            else:
                rows[what, stack] = row
    return rows, totals, unequal, functions


def compare(title, program, runs, gap):
    """Prints the program's rows; the numbers of pairs and of those inside, and whether a mean is far."""
    is_far = False
    with tempfile.TemporaryDirectory(prefix="hakmem-heap.") as folder:
        rows, totals, unequal, functions = rows_of(program, folder, gap)
        sums = {what: [] for what in WHATS}
        store = os.path.join(folder, "pulled.db")
        for _ in range(runs):
            heap.pull(program, folder, store)
            seen = heap.sampled(store)
            for what in WHATS:
                sums[what].append(sum(one[what] for one in seen.values()))
            for (what, stack), row in rows.items():
                row.seen.append(seen[stack][what] if stack in seen else 0)
    for name in unequal:
        print(f"{title}: not equal in two recordings: {name}", file=sys.stderr)
    pairs = inside = whole = 0
    for what in WHATS:
        mine = {key: row for key, row in rows.items() if key[0] == what}
        good = sum(row.is_inside(number) for row in mine.values() for number in range(runs))
        all_good = sum(all(row.is_inside(number) for row in mine.values()) for number in range(runs))
        means = [(row.errors_of_mean(), key[1]) for key, row in mine.items() if row.samples * runs >= 30]
        far, stack = max(means, key=lambda mean: abs(mean[0]), default=(0, ()))
        total, error = totals[what]
        off = sum(sums[what]) / runs - total
        total_far = off / (error / math.sqrt(runs))
        print(
            f"| {title} | {what} | {total / 2**20:,.1f} | {len(mine)} | {len(mine) * runs} | {good} | "
            f"{100 * good / max(1, len(mine) * runs):.2f} % | {all_good} ({runs * 0.99 ** len(mine):.0f}) | {100 * off / total:+.2f} %, {total_far:+.1f} | {far:+.1f} |",
            flush=True,
        )
        for (_, one), row in mine.items():
            missed = sum(not row.is_inside(number) for number in range(runs))
            if missed > 0.01 * runs + 3.1 * math.sqrt(0.0099 * runs) + 0.5 or abs(row.errors_of_mean()) > FAR and row.samples * runs >= 30:
                mean = sum(row.seen) / runs
                print(f"{title}: {what} {name_of(one, functions)}: exact {row.exact}, mean {mean:.0f} ({row.errors_of_mean():+.1f}), "
                      f"{missed} of {runs} outside, {row.samples:.1f} samples", file=sys.stderr)  # fmt: skip
        pairs, inside, whole = pairs + len(mine) * runs, inside + good, whole + all_good
        is_far |= max(abs(far), abs(total_far)) > FAR
    return pairs, inside, is_far or not rows


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    scale = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
    wanted = sys.argv[3:]
    pairs = inside = 0
    is_bad = False
    print("| program | bytes | MiB | stacks of 1 % | pairs | inside | | runs with all inside (due) | bias of the sum, standard errors | farthest mean of a stack, standard errors |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="hakmem-heap.") as folder:
        for title, program in heap.programs(folder, scale).items():
            if wanted and title not in wanted:
                continue
            more, good, is_far = compare(title, program, runs, heap.GAPS[0])
            pairs, inside, is_bad = pairs + more, inside + good, is_bad or is_far
    print(f"\n{inside} of {pairs} pairs in their 99 % interval: {100 * inside / max(1, pairs):.2f} % (at least {100 * fewest_inside(pairs) / max(1, pairs):.2f} % is due)")
    return is_bad or inside < fewest_inside(pairs)


if __name__ == "__main__":
    sys.exit(main())
