"""Counts instructions with callgrind and holds them against instructions.txt: `instructions.py BUILD COMPILER`.

Per step of tests/bench/steps.c under libhakmem.so, for a start, and per event that hakmem-debug.so records.
Prints every count; status 1 when one is above its limit.
"""
import os
import re
import subprocess
import sys
import tempfile

build, compiler = os.path.abspath(sys.argv[1]), sys.argv[2]
here = os.path.dirname(os.path.abspath(__file__))
STEPS = 10000
# Records of a step of the debug build: a pair is a malloc and a free.
# Its moves: a call for each block, and a move of each in batches.
MOVES = {"event_fresh": "fresh_64", "event_spill": "spill_64", "event_refill": "refill_64"}
EVENTS = {"event_trace": ("trace", 2 * STEPS), "event_normal": ("normal", 2 * STEPS)}


def count(library, program, *words, without=(), **variables):
    """Instructions of the whole run as "", and of every step with all that it calls, but for functions `without`."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out")
        # valgrind 3.19 gives up at the debug information of clang.
        names = [os.path.join(build, library), os.path.join(build, program)]
        copies = [os.path.join(scratch, os.path.basename(name)) for name in names]
        for name, copy in zip(names, copies):
            subprocess.run(["strip", "--strip-debug", "-o", copy, name], check=True)
        environment = dict(variables, PATH=os.environ["PATH"], LD_PRELOAD=copies[0], LD_BIND_NOW="1")
        environment["HAKMEM_COLLECT"] = os.path.join(build, "hakmem-collect")
        options = [f"--toggle-collect={name}" for name in without] + ["--collect-atstart=yes"] * bool(without)
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", *options, copies[1], *words]
        ran = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode != 0 or not os.path.exists(out):
            sys.exit(f"{' '.join(command)}: status {ran.returncode}\n{ran.stderr}")
        shown = subprocess.run(
            ["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--show-percs=no", "--auto=no", out],
            capture_output=True, text=True, check=True,
        ).stdout
    counts = {}
    for number, name in re.findall(r"^ *([\d,]+) +(?:\S+:step_(\w+)|PROGRAM TOTALS)", shown, re.MULTILINE):
        counts[name] = int(number.replace(",", ""))
    return counts


with open(os.path.join(here, "instructions.txt"), encoding="utf-8") as table:
    rows = [line.split() for line in table if line.strip() and not line.startswith("#")]
is_clang = "clang" in compiler
limits = {name: float(clang if is_clang else gcc) for name, gcc, clang in rows}
# The limits are of two versions of the compilers; others make a few instructions more of the same.
MEASURED_WITH = "14" if is_clang else "12"
version = subprocess.run([*compiler.split(), "-dumpversion"], capture_output=True, text=True, check=True).stdout.strip()
if version.split(".")[0] != MEASURED_WITH:
    limits = {name: limit * 1.05 for name, limit in limits.items()}

# Memory that a thread keeps goes back after a tenth of a second by the clock: where the machine stands still between two steps, the second one has to
# get its slabs anew. So a step that is above its limit is counted again; one that takes more instructions does so each time.
counts = {}
for _ in range(9):
    for name, total in count("libhakmem.so", "tests/bench/steps").items():
        if name:
            counts[name] = min(counts.get(name, total / STEPS), total / STEPS)
    if all(total <= limits.get(name, total) for name, total in counts.items()):
        break
counts["bench_fast_64"] = count("libhakmem.so", "tests/bench/steps", HAKMEM_BENCH_FAST_MODE="1")["pair_64"] / STEPS
light = count("hakmem-debug.so", "tests/bench/steps", HAKMEM_CHECK="light", HAKMEM_GUARD="off",
              HAKMEM_HEAP_PROFILE="0")
LIGHT = ("pair_16", "pair_64", "pair_1024", "calloc_64", "realloc_stays", "realloc_moves", "usable_size", "aligned_192")
counts |= {f"light_{name}": light[name] / STEPS for name in LIGHT}
counts["start"] = count("libhakmem.so", "tests/bench/loops", "once", "1")[""]
counts["light_start"] = count("hakmem-debug.so", "tests/bench/loops", "once", "1", HAKMEM_CHECK="light")[""]
def count_recorded(level, what):
    """The same of steps that hakmem-debug.so records; no page is closed, and no ring is ever full."""
    return count("hakmem-debug.so", "tests/bench/steps", what, HAKMEM_CHECK=level, HAKMEM_TRACE_RING="4M",
                 HAKMEM_TRACE_FILE="store.db", HAKMEM_CLOSE_PAGES="0")


for name, (level, events) in EVENTS.items():
    counts[name] = count_recorded(level, "pair_64")["pair_64"] / events
counts["event_bare"] = count_recorded("trace", "bare")["pair_bare"] / (2 * STEPS)
moves = count_recorded("trace", "moves")
for name, step in MOVES.items():
    counts[name] = moves[step] / STEPS

# A look is what a call takes more than without: on blocks of slabs, on guarded ones, on the stack.
unseen = count("hakmem-debug.so", "tests/bench/steps", "looks", HAKMEM_TRACE="off", HAKMEM_CHECK_STRING="0", HAKMEM_GUARD="off")
for name, guard in (("heap", "off"), ("guarded", "all")):
    looked = count("hakmem-debug.so", "tests/bench/steps", "looks", HAKMEM_TRACE="off", HAKMEM_CHECK_STRING="1", HAKMEM_GUARD=guard)
    for call in ("copy", "length"):
        counts[f"look_{call}_{name}"] = (looked[f"{call}_heap"] - unseen[f"{call}_heap"]) / STEPS
        counts[f"look_{call}_stack"] = (looked[f"{call}_stack"] - unseen[f"{call}_stack"]) / STEPS

# The number of closed pages is a matter of time: the count leaves out closing and opening them.
PAGES = ("close_in_time", "hak_pages_close_fresh", "hak_pages_open")
for name, closes in {"event_off": "0", "event_closing": "1"}.items():
    checked = count("hakmem-debug.so", "tests/bench/steps", "pair_64", without=PAGES,
                    HAKMEM_TRACE="off", HAKMEM_CLOSE_PAGES=closes)
    counts[name] = checked["pair_64"] / (2 * STEPS)

too_many = False
for name in [*limits, *(name for name in counts if name not in limits)]:
    if name not in counts:
        verdict = "was not counted, but has a limit in tests/lint/instructions.txt"
    elif name not in limits:
        verdict = f"{counts[name]:10,.1f}  has no limit in tests/lint/instructions.txt"
    else:
        verdict = f"{counts[name]:10,.1f}"
        verdict += f"  TOO MANY: at most {limits[name]:,.1f} (tests/lint/instructions.txt)" if counts[name] > limits[name] else ""
    too_many |= len(verdict) > 10
    print(f"{name:<18} {verdict}")
sys.exit(too_many)
