"""heaptrack_print reads the file of `export heaptrack`: its peak, what was not freed at the end, and its allocations, function by function, are
those of `top`."""
import re
import subprocess
import sys

from readers import ask, by_function, fail, same, top


def sums(path, cost):
    """By innermost function, of heaptrack_print's folded stacks: "main (server.c);make_row (server.c); 241000"."""
    done = subprocess.run(["heaptrack_print", "-f", path, "--disable-builtin-suppressions", "-F", "stacks.txt",
                           "--flamegraph-cost-type", cost], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode or b"failed to parse" in done.stdout or b"out of bounds" in done.stdout:
        fail("heaptrack_print:", done.returncode, done.stdout.decode(errors="replace")[-2000:])
    found = {}
    with open("stacks.txt") as file:
        for line in file:
            stack, value = line.rstrip("\n").rsplit(" ", 1)
            name = re.sub(r" \([^()]*\)$", "", stack.rstrip(";").split(";")[-1])
            found[name] = found.get(name, 0) + int(value)
    return {name: value for name, value in found.items() if value}


def check(store, has_forks):
    for words in ([], ["--process", "#1"], ["--all"]):
        with open("file.heaptrack", "wb") as file:
            file.write(ask("export", "heaptrack", "-s", store, *words))
        peak = sums("file.heaptrack", "peak")
        same(f"{store} {words}: peak in all", sum(peak.values()), top(store, *words)["total"]["live_bytes"])
        if words != ["--all"]:  # heaptrack_print turns the order of inlined functions, which are those of libraries
            same(f"{store} {words}: peak", peak, by_function(top(store, *words), "live_bytes"))
        if has_forks or words == ["--all"]:
            continue
        same(f"{store} {words}: not freed", sums("file.heaptrack", "leaked"), by_function(top(store, "--at", "end", *words), "live_bytes"))
        calls, due = sums("file.heaptrack", "allocations"), by_function(top(store, "--by", "calls", *words), "allocated_blocks")
        for name, count in due.items():  # what grows in its place counts as an allocation
            if not calls.get(name, 0) >= count:
                fail(f"{store} {words}: allocations of {name}:", calls.get(name), "where", count, "were due")


check(sys.argv[1], sys.argv[2] == "forks")
