"""What `go tool pprof -top` says of a profile beside `top`, function by function."""
import re
import subprocess
import sys

from pprof import TYPES
from readers import ask, by_function, fail, same, top


def go_sums(path, sample_type, unit):
    words = ["go", "tool", "pprof", "-top", "-nodecount=0", "-nodefraction=0", "-edgefraction=0", f"-sample_index={sample_type}"]
    text = subprocess.run([*words, *(["-unit=B"] if unit == "bytes" else []), path], stdout=subprocess.PIPE, check=True).stdout.decode()
    lines = text.splitlines()
    begin = [i for i, line in enumerate(lines) if re.match(r" +flat +flat%", line)][0]
    sums = {}
    for line in lines[begin + 1:]:
        match = re.match(r" *(-?\d+)B? +-?[\de.+-]+% +-?[\de.+-]+% +(-?\d+)B? +-?[\de.+-]+% +(.*?)( \(inline\))?$", line)
        if not match:
            fail("not a line of pprof:", line)
        if int(match.group(1)):
            sums[match.group(3)] = sums.get(match.group(3), 0) + int(match.group(1))
    return sums


store = sys.argv[1]
for words in ([], ["--at", "end"], ["--between", "peak", "end"]):
    with open("profile.pb.gz", "wb") as file:
        file.write(ask("export", "pprof", "-s", store, *words))
    whole = top(store, "--by", "calls", *(words or ["--at", "peak"]))
    for name, unit, member in TYPES[:8 if "--between" in words else 6]:
        found, due = go_sums("profile.pb.gz", name, unit), by_function(whole, member)
        same(f"{store} {words} {name}, in all", sum(found.values()), sum(due.values()))
        # pprof shortens the names of C++.
        if all(re.fullmatch(r"[\w.+-]+", function) for function in due):
            same(f"{store} {words} {name}", found, due)
