"""Compares what replay played with the events themselves: compare.py EVENTS.csv ANSWER.json ordered|unordered

Every call of the process is there once. Where one thread calls (ordered), the live bytes at each step are those of the log.
Exit status 1: a line says what differs.
"""
import csv
import json
import sys


def read(path):
    """The calls as (mallocs, reallocs, frees), live bytes after each call, bytes and blocks that are left."""
    counts, live, blocks = [0, 0, 0], [], {}
    moving, moved = {}, {}  # by thread: the old block of a realloc, whose record stands before that of the realloc or behind it
    total = 0
    for row in csv.DictReader(open(path, encoding="utf-8")):
        kind, size, at = row["kind"], int(row["size"]), row["address"]
        if row["illegal"] == "1" or kind not in ("MALLOC", "FREE", "REALLOC", "REALLOC_FROM"):
            continue
        thread = row["thread"]
        if kind == "REALLOC_FROM":
            if moved.get(thread) == at:
                del moved[thread]
            else:
                moving[thread] = (at, blocks.pop(at))
            continue
        if kind == "MALLOC":
            counts[0] += 1
            blocks[at] = size
            total += size
        elif kind == "FREE":
            counts[2] += 1
            total -= blocks.pop(at)
        else:
            old = row["old_address"] or at
            if thread in moving and moving[thread][0] == old:
                counts[1] += 1
                total -= moving.pop(thread)[1]
            elif old in blocks:
                counts[1] += 1
                total -= blocks.pop(old)
                if row["old_address"]:
                    moved[thread] = old
            else:
                counts[0] += 1
            blocks[at] = size
            total += size
        live.append(total)
    return counts, live, total, len(blocks) + len(moving)


def main():
    counts, live, total, left = read(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        answer = json.load(file)
    wrong = []

    def same(what, found, due):
        if found != due:
            wrong.append(f"{what}: {found}, due: {due}")

    for name, due in zip(("mallocs", "reallocs", "frees"), counts):
        same(name, answer[name], due)
    same("calls", answer["calls"], sum(counts))
    for name in "left_out", "wrong", "late":
        same(name, answer[name], 0)
    same("end_live_bytes", answer["end_live_bytes"], total)
    same("end_live_blocks", answer["end_live_blocks"], left)
    if sys.argv[3] == "ordered":
        same("peak_live_bytes", answer["peak_live_bytes"], max(live))
    if not answer["runs"]:
        wrong.append("nothing was played")
    for run in answer["runs"]:
        name = run["allocator"]
        same(f"{name}: calls", run["calls"], sum(counts))
        same(f"{name}: end_live_bytes", run["end_live_bytes"], total)
        same(f"{name}: end_live_blocks", run["end_live_blocks"], left)
        for figure in "damaged", "failed":
            same(f"{name}: {figure}", run[figure], 0)
        if len(run["steps"]) < min(50, sum(counts) // 64):
            wrong.append(f"{name}: {len(run['steps'])} steps")
        for step in run["steps"] if sys.argv[3] == "ordered" else []:
            same(f"{name}: live after {step['calls']} calls", step["live_bytes"], live[step["calls"] - 1])
    print("\n".join(wrong[:20]), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


main()
