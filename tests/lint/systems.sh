#!/usr/bin/env bash
# docs/specs/systems.md: every ticked row names a page, tests and a command that are there; every variable of
# options.def stands in a row, and no other.
set -u
cd "$(dirname "$0")/../.." || exit 2
python3 - <<'END'
import os
import re
import sys

page = "docs/specs/systems.md"
wrong = []


def anchors(path):
    found = set()
    for line in open(path, encoding="utf-8"):
        heading = re.match(r"#+\s+(.*)", line)
        if heading:
            name = re.sub(r"[^a-z0-9 _-]", "", heading.group(1).lower())
            found.add(name.strip().replace(" ", "-"))
    return found


def spread(name):
    """HAKMEM_X_C0..C3 stands for four variables."""
    series = re.fullmatch(r"(.*_C)(\d)\.\.C(\d)", name)
    if not series:
        return [name]
    first, last = int(series.group(2)), int(series.group(3))
    return [f"{series.group(1)}{n}" for n in range(first, last + 1)]


named, rows = set(), 0
for line in open(page, encoding="utf-8"):
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    if len(cells) != 7 or cells[1] in ("system", "---"):
        continue
    rows += 1
    tick, system, variables, _, link, tests, command = cells
    for name in re.findall(r"`(HAKMEM_[A-Z0-9_.C]+)`", variables):
        named.update(spread(name))
    target = re.search(r"\]\(([^)#]+)#?([^)]*)\)", link)
    if target:
        path = os.path.join("docs/specs", target.group(1))
        if not os.path.exists(path):
            wrong.append(f"{system}: there is no {path}")
        elif target.group(2) and target.group(2) not in anchors(path):
            wrong.append(f"{system}: {path} has no section #{target.group(2)}")
    files = tests.split(", ") if tests else []
    wrong += [f"{system}: there is no {name}" for name in files if not os.path.exists(name)]
    if tick not in ("", "x"):
        wrong.append(f"{system}: ticked with {tick}")
    if tick and not (target and files and command):
        wrong.append(f"{system}: ticked without a page, a test or a command")
    for kinds in re.findall(r"--kind ([A-Z0-9_,]+)", command):
        table = open("src/hops.def", encoding="utf-8").read()
        wrong += [f"{system}: no kind {kind}" for kind in kinds.split(",") if f"({kind}," not in table]

table = open("src/options.def", encoding="utf-8").read()
variables = {"HAKMEM_" + name for name in re.findall(r"^OPTION\((\w+),", table, re.M) if name != "name"}
wrong += [f"{name} stands in no row" for name in sorted(variables - named)]
wrong += [f"{name} is no variable" for name in sorted(named - variables)]
if rows < 40:
    wrong.append(f"only {rows} rows were found")
if wrong:
    sys.exit(page + ":\n" + "\n".join(wrong))
END
