"""What the formats of text say of a store beside `top` and `events`: folded stacks, speedscope, CSV, JSON lines."""
import json
import os
import subprocess
import sys

import jsonschema
from readers import SOURCE, ask, by_function, folded, same, table, top

MEASURES = {"bytes": "live_bytes", "blocks": "live_blocks", "calls": "allocated_blocks", "short-lived": "short_lived_blocks"}
SUMS = {"live_blocks": "live_blocks", "live_bytes": "live_bytes", "came_blocks": "allocated_blocks", "came_bytes": "allocated_bytes",
        "went_blocks": "freed_blocks", "went_bytes": "freed_bytes", "short_lived_blocks": "short_lived_blocks",
        "short_lived_bytes": "short_lived_bytes"}
# flamegraph.pl's way with a line: the number at its end, semicolons before it.
PERL = r'my %s; while (<>) { my ($stack, $value) = /^(.*)\s+?(\d+(?:\.\d*)?)$/ or die "bad line $_"; my @f = split ";", $stack; $s{$f[-1]} += $value } ' \
       r'print "$s{$_} $_\n" for sort keys %s'


def some(variants, number):
    """All, with FULL=1; else two of them, others for the next number."""
    return variants if os.environ.get("FULL") == "1" else [variants[(2 * number + i) % len(variants)] for i in range(2)]


def by_leaf(lines, at=1):
    sums = {}
    for line in lines:
        if line[at]:
            sums[line[0][-1]] = sums.get(line[0][-1], 0) + line[at]
    return sums


def check_collapsed(store):
    for by, member in MEASURES.items():
        for words in some([[], ["--at", "end"], ["--process", "#1"], ["--all"]], list(MEASURES).index(by)):
            text = ask("export", "collapsed", "--by", by, "-s", store, *words)
            due = by_function(top(store, "--by", by, *words), member)
            same(f"{store}: collapsed --by {by} {words}", by_leaf(folded(text)), due)
            perl = subprocess.run(["perl", "-e", PERL], input=text, stdout=subprocess.PIPE, check=True).stdout.decode()
            same("by perl", {line.split(" ", 1)[1]: int(line.split(" ", 1)[0]) for line in perl.splitlines()}, due)
    for per in ("line", "file", "module"):
        total = sum(value for _, value in folded(ask("export", "collapsed", "--per", per, "-s", store)))
        same(f"{store}: collapsed --per {per}", total, top(store)["total"]["live_bytes"])


def check_difference(store, other):
    for words, sides in ((["--between", "start", "peak"], ([store, "--at", "start"], [store, "--at", "peak"])),
                         (["--between", "peak", "end"], ([store, "--at", "peak"], [store, "--at", "end"])),
                         ([other, store], ([other], [store]))):
        where = ["-s", store] if words[0] == "--between" else []
        lines = folded(ask("export", "collapsed-diff", *words, *where), 2)
        for i in (0, 1):
            same(f"collapsed-diff {words}, side {i}", by_leaf(lines, 1 + i), by_function(top(*sides[i]), "live_bytes"))


def check_speedscope(store):
    with open(SOURCE + "/tests/export/speedscope.schema.json") as file:
        schema = json.load(file)
    for words in ([], ["--at", "end"], ["--per", "line"], ["--by", "calls", "--at", "peak"]):
        document = json.loads(ask("export", "speedscope", "-s", store, *words))
        jsonschema.validate(document, schema)
        frames = document["shared"]["frames"]
        plain = [word for word in words if word not in ("--by", "calls", "--per", "line")]
        whole = top(store, "--by", "calls", *(plain or ["--at", "peak"]))["total"]
        due = [whole[m] for m in ("live_bytes", "live_blocks", "allocated_bytes", "allocated_blocks", "short_lived_blocks")]
        for profile, sum_due in zip(document["profiles"], due):
            same(f"{store}: speedscope {words} {profile['name']}", sum(profile["weights"]), sum_due)
            same("its end", profile["endValue"], sum_due)
            same("its samples", len(profile["samples"]), len(profile["weights"]))
            if not all(0 <= frame < len(frames) for sample in profile["samples"] for frame in sample):
                sys.exit("a frame that is not there")
        same("the profile that is shown first", document["activeProfileIndex"], 3 if "--by" in words else 0)


def check_rows(store):
    rows = table(ask("export", "csv", "-s", store))
    whole = top(store, "--by", "calls", "--at", "peak", "--per", "stack")
    stacks = {}
    for row in rows:
        for column, member in SUMS.items():
            sums = stacks.setdefault(int(row["stack"]), dict.fromkeys(SUMS.values(), 0))
            sums[member] += int(row[column])
    same(f"{store}: csv by stack", stacks, {row["stack"]: {m: row["self"][m] for m in SUMS.values()} for row in whole["rows"]})
    lines = [json.loads(line) for line in ask("export", "jsonl", "-s", store).decode().splitlines()]
    same(f"{store}: rows of jsonl", len(lines), len(rows))
    for line, row in zip(lines, rows):
        for column in ("process", "pid", "stack", *SUMS):
            same("jsonl " + column, line[column], int(row[column]))
        if len(row["frames"].split(";")) != len(line["frames"]):
            sys.exit(f"frames of {row} and {line}")


def check_events(store):
    document = json.loads(ask("events", "--json", "-s", store))["events"]
    lines = [json.loads(line) for line in ask("export", "jsonl", "--events", "-s", store).decode().splitlines()]
    same(f"{store}: events", lines, document)
    rows = table(ask("export", "csv", "--events", "-s", store))
    same("rows", len(rows), len(document))
    for row, event in zip(rows, document):
        same("id", (int(row["id"]), int(row["ns"]), row["kind"], int(row["process"]), int(row["size"]), row["base"] or None),
             (event["id"], event["ns"], event["kind"], event["process"], event["size"], event["base"]))
    some = [json.loads(line)["id"] for line in ask("export", "jsonl", "--events", "--between", "#100", "#200", "-s", store).decode().splitlines()]
    same("events of a span", some, list(range(101, 201)))


if __name__ == "__main__":
    check_collapsed(sys.argv[1])
    check_difference(sys.argv[1], sys.argv[2])
    check_speedscope(sys.argv[1])
    check_rows(sys.argv[1])
    check_events(sys.argv[1])
