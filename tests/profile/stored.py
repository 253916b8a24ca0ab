"""Compares what hakmem-trace says of stored.db and of events.db: `stored.py TRACE`."""
import json
import re
import sqlite3
import subprocess
import sys

trace = sys.argv[1]
wrong = 0


def ask(store, command, *words):
    done = subprocess.run([trace, command, "-s", store, "--json", *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.replace(store.encode(), b"the store"))


def same(what, got, due):
    global wrong
    if got != due:
        print(f"{what}: {str(got)[:300]}; due {str(due)[:300]}")
        wrong = 1


def compare(command, *words):
    same(f"{command} {' '.join(words)}", ask("stored.db", command, *words), ask("events.db", command, *words))


with sqlite3.connect("stored.db") as stored, sqlite3.connect("events.db") as events:
    same("runs, where the profile is kept", stored.execute("SELECT count(*) > 10 FROM profile_run").fetchone(), (1,))
    same("runs, where it is not", events.execute("SELECT count(*) FROM profile_run").fetchone(), (0,))

for words in ([], ["--at", "end"], ["--at", "50%"], ["--at", "#765432"], ["--between", "#100000", "#300000"], ["--between", "start", "end"]):
    compare("top", "--limit", "0", *words)
compare("diff", "--between", "#100000", "#300000")
for words in ([], ["--at", "end"], ["--at", "#765432"]):
    got, due = ask("stored.db", "heap", *words), ask("events.db", "heap", *words)
    for member in ("from_ns", "to_ns", "peak", "held", "memory", "mapped", "allocated_blocks", "allocated_bytes", "freed_blocks", "freed_bytes", "short_lived_blocks", "short_lived_bytes", "unknown_blocks"):
        same(f"heap {' '.join(words)}: {member}", got[member], due[member])
    for answer in (got, due):
        for process in answer["processes"]:
            process["peak"].pop("live_blocks")
    same(f"heap {' '.join(words)}: processes", got["processes"], due["processes"])
    for member in ("allocated", "freed"):
        for unit in ("blocks", "bytes"):
            same(f"steps: {member} {unit}", sum(step[f"{member}_{unit}"] for step in got["steps"]), due[f"{member}_{unit}"])
    same("last step", [got["steps"][-1][name] for name in ("ns", "live_blocks", "live_bytes")], [due["steps"][-1][name] for name in ("ns", "live_blocks", "live_bytes")])
    same("a step holds more than the peak", [step for step in got["steps"] if step["most_bytes"] > got["peak"]["live_bytes"]], [])
    same("a step ends with more than it held", [step for step in got["steps"] if not step["least_bytes"] <= step["live_bytes"] <= step["most_bytes"]], [])
    same("twenty steps, and one at the peak", 15 <= len(got["steps"]) <= 21, True)

text = subprocess.run([trace, "heap", "-s", "stored.db"], stdout=subprocess.PIPE, text=True, check=True).stdout
same("text: the peak", re.search(r"At the peak, .* \(event ([0-9,]+)\)", text)[1].replace(",", ""), str(ask("events.db", "heap")["peak"]["event"]))
sys.exit(wrong)
