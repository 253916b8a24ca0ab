#!/usr/bin/env bash
# tests/bench/rare_finds takes the cost of a guarded block from its runs: the formula that it prints is that of docs/light.md.
. "${SOURCE:?}/tests/tools/test.sh"
"$SOURCE/tests/bench/rare_finds" 2 none 3000000 2 10 >page || fail "rare_finds ended with status $?: $(cat page)"
python3 - <<'PY' || complain "another formula: $(cat page)"
import re
page = open("page").read()
rows = re.findall(r"^\| \d+ \| [\d.]+ \| 0 \| ([\d,]+) \| ([\d.]+) \|$", page, re.M)
blocks = [int(row[0].replace(",", "")) for row in rows]
each = sum(n * float(us) for n, (_, us) in zip(blocks, rows)) / sum(blocks)
due = float(re.search(r"^finds 0 in \d+ CPU seconds \(95 % interval 0 to 4; formula ([\d.]+)\)$", page, re.M).group(1))
rate, us = map(float, re.search(r"^guarded blocks in a CPU second (\d+), ([\d.]+) us each", page, re.M).groups())
assert len(rows) == 2 and abs(us - each) < 0.2, (rows, us)
assert abs(due - 0.01 * sum(blocks) / rate / (us * 1e-6) / 2 / 10) < 0.1 + due / 10, (due, rate, us)
PY
