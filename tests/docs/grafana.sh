#!/usr/bin/env bash
# examples/grafana: the board names only metrics that `ctl PID stats --prometheus` prints, with labels that they have; collect.sh writes a
# file for each process, and removes it when that has ended.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C PATH=$BUILD:$PATH
. "$SOURCE/tests/tools/processes.sh"
example=$SOURCE/examples/grafana
mkfifo in
cp "$BUILD/tests/ctl/counts" ./hakmem_counted
LD_PRELOAD=$BUILD/libhakmem.so ./hakmem_counted rests <in >said 2>errors &
program=$!
exec 8>in
until_true grep -q guard_ns said || fail "$(cat errors)"
mkdir textfiles
touch textfiles/hakmem.999999999.prom textfiles/other.prom
"$example/collect.sh" textfiles hakmem_counted no_such_program >said 2>&1 || complain "collect.sh: $(cat said)"
[ "$(ls -A textfiles | tr '\n' ' ')" = "hakmem.$program.prom other.prom " ] || complain "collect.sh: $(ls -A textfiles)"
python3 "$SOURCE/tests/tools/openmetrics.py" textfiles/hakmem.$program.prom --names >names || complain "$(cat names)"
python3 - "$example/hakmem.json" names textfiles/hakmem.$program.prom <<'PY' || complain "the board"
import json, re, sys
board, names, metrics = json.load(open(sys.argv[1])), set(open(sys.argv[2]).read().split()), open(sys.argv[3]).read()
labels = set(re.findall(r'[{,](\w+)="', metrics))
queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
queries += [variable["definition"] for variable in board["templating"]["list"] if "definition" in variable]
legends = [target["legendFormat"] for panel in board["panels"] for target in panel["targets"]]
named = {name for query in queries for name in re.findall(r"hakmem_\w+", query)}
wrong = named - names
wrong |= {label for query in queries for label in re.findall(r'[{,] *(\w+)=~?"', query)} - labels
wrong |= {label for legend in legends for label in re.findall(r"{{(\w+)}}", legend)} - labels
assert len(named) > 15 and len(queries) > 15, (named, queries)
for query in queries: assert query.count("(") == query.count(")") and query.count("{") == query.count("}"), query
assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
print(*wrong, sep="\n", end="" if not wrong else "\n")
sys.exit(bool(wrong))
PY
exec 8>&-
wait $program
"$example/collect.sh" textfiles hakmem_counted >said 2>&1 || complain "collect.sh: $(cat said)"
[ "$(ls -A textfiles)" = other.prom ] || complain "a file stays: $(ls -A textfiles)"
