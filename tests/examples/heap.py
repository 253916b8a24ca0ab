"""Asks top and heap of the four captures here, and of those of the mended programs, what the solutions in examples/heap say of them: `heap.py PAGE ...`, whose rows name lines."""
import json
import os
import re
import subprocess
import sys

wrong = 0


def ask(command, program, *words):
    done = subprocess.run([os.environ["TRACE"], command, "-s", f"{program}.db", "--json", *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def check(what, is_so):
    global wrong
    if not is_so:
        print(what)
        wrong = 1


def top(program, *words):
    return [{**row["self"], "name": row["name"]} for row in ask("top", program, *words)["rows"]]


def name(group):
    return group["name"]


groups = top("growth")
check(f"growth: {name(groups[0])} holds most at the peak, not the cache", name(groups[0]) == "render_page")
events = ask("info", "growth")["events"]
groups = top("growth", "--between", f"#{events // 2}", "end", "--by", "growth")
grown = {name(group): group["grown_bytes"] for group in groups}
check(f"growth: {grown}", name(groups[0]) == "intern_label" and grown["intern_label"] > 10 * abs(grown.get("render_page", 0)))

for program, due in (("growth", ["intern_label"]), ("churn", ["parse_row"])):
    found = [row["name"] for row in ask("top", program, "--by", "growth")["rows"] if row["still_growing"]]
    check(f"{program}: {found} still grow", found == due)
    check(f"{program}: heap says otherwise", [row["function"] for row in ask("heap", program)["growth"]["still_growing"]] == due)

groups = top("churn", "--between", "start", "end", "--by", "short-lived")
check(f"churn: {groups[0]}", name(groups[0]) == "trimmed" and groups[0]["short_lived_blocks"] == groups[0]["allocated_blocks"] == 720000)
check("churn: rows are short-lived, too", all(group["short_lived_blocks"] == 0 for group in groups[1:]))

groups = top("peak")
check(f"peak: {groups[0]}", name(groups[0]) == "append" and groups[0]["live_bytes"] == 4 ** 6 * 4096 + 4 ** 5 * 4096)
check("peak: half of it is still held at the end", sum(group["live_bytes"] for group in top("peak", "--at", "end")) < 65536)

said = ask("heap", "fragmentation", "--at", "end")
live, mapped = said["held"]["live_bytes"], said["memory"]["superslab_bytes"]
check(f"fragmentation: {live} bytes live, {mapped} mapped for slots", live < 2 << 20 and mapped > 32 << 20)
resident = said["memory"]["resident_bytes"]
check(f"fragmentation: {resident} bytes resident", resident is not None and resident > 32 << 20)
groups = top("fragmentation", "--at", "end")
check(f"fragmentation: {name(groups[0])} holds most at the end", name(groups[0]) == "receive")


def hint(program, *words):
    done = subprocess.run([os.environ["TRACE"], "heap", "-s", f"{program}.db", *words], stdout=subprocess.PIPE, check=True, text=True)
    return [re.sub(r"[0-9]+\.[0-9]{3} s", "TIME", line) for line in done.stdout.split("\n") if "Fragmentation" in line]


found = hint("fragmentation", "--between", "#600000", "end")  # behind the large batch
check(f"fragmentation: {found}", found == [f"From TIME on {mapped / 2**20:.1f} MiB were mapped for slots, and never more than 6.1 MiB live: see docs/specs/top.md, Fragmentation."])
for program in ("growth", "churn", "peak"):
    check(f"{program}: {hint(program)}", not hint(program))

groups = {name(group): group["live_blocks"] for group in top("growth-mended")}
check(f"growth, mended: {groups}", groups["intern_label"] == 1 and groups["render_page"] > 10000)
groups = top("churn-mended", "--between", "start", "end", "--by", "short-lived")
check(f"churn, mended: {groups}", all(group["short_lived_blocks"] == 0 for group in groups))
peak = ask("heap", "peak-mended")["peak"]["live_bytes"]
check(f"peak, mended: {peak} bytes", peak == 8640000)
mapped = ask("heap", "fragmentation-mended", "--at", "end")["memory"]["superslab_bytes"]
check(f"fragmentation, mended: {mapped} mapped for slots", mapped < 8 << 20)

lines = {(row["name"], os.path.basename(row["file"]), row["line"]) for program in ("growth", "churn", "peak", "fragmentation")
         for row in ask("top", program, "--between", "start", "end")["rows"] if row["file"] and row["line"]}
for page in sys.argv[1:]:
    with open(page, encoding="utf-8") as text:
        for row in re.finditer(r"(\w+) +heap/(\w+\.c):(\d+)$", text.read(), re.M):
            said = (row[1], row[2], int(row[3]))
            check(f"{page}: {said} is not among the lines {sorted(lines)}", said in lines)
sys.exit(wrong)
