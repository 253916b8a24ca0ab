#!/usr/bin/env bash
# `hakmem-trace ctl PID stats`: what is read from outside is what hak_read_stats says inside, in each library and level; beside threads that
# work; as JSON by the schema, as metrics by the grammar of OpenMetrics; a process whose memory is damaged on purpose does no harm.
. "${SOURCE:?}/tests/tools/test.sh"
export LC_ALL=C
counts=$BUILD/tests/ctl/counts
. "$SOURCE/tests/tools/processes.sh"

# start LIBRARY ARGUMENT [NAME=VALUE...]: counts under LIBRARY, which has said what it has.
start() {
    local library=$1 argument=$2
    shift 2
    rm -f in
    : >inside
    mkfifo in
    env "$@" LD_PRELOAD="$BUILD/$library" "$counts" "$argument" <in >inside 2>errors &
    program=$!
    exec 8>in
    until_true grep -q guard_ns inside || fail "$library $*: $(cat errors)"
}
finish() {
    exec 8>&-
    wait "$program" || complain "it ended with $?: $(cat errors)"
}
metrics_are_well() {
    python3 "$SOURCE/tests/tools/openmetrics.py" metrics --names >names || complain "$1: $(cat names)"
    ! type promtool >/dev/null 2>&1 || promtool check metrics <metrics >said 2>&1 || complain "$1: promtool: $(cat said)"
}

# ---- inside and outside --------------------------------------------------------------------------
for kind in plain normal trace light; do
    case $kind in
    plain) start libhakmem.so rests ;;
    normal) start hakmem-debug.so rests HAKMEM_TRACE=off HAKMEM_GUARD=sites:4 ;;
    *) start hakmem-debug.so rests HAKMEM_CHECK=$kind HAKMEM_TRACE=off HAKMEM_GUARD=sample:20 ;;
    esac
    "$trace" ctl $program stats --json >outside.json 2>said || complain "$kind: status $?: $(cat said)"
    python3 "$SOURCE/tests/cli/validate.py" "$SOURCE/docs/specs/output.schema.json" outside.json || complain "$kind: not as the schema has it"
    "$trace" ctl $program stats --prometheus >metrics 2>said || complain "$kind: status $?: $(cat said)"
    "$trace" ctl $program stats >text 2>said || complain "$kind: status $?: $(cat said)"
    python3 - $kind inside outside.json metrics <<'PY' || complain "$kind: inside and outside differ"
import json, re, sys
kind, inside, outside, metrics = sys.argv[1:]
said = dict(line.split() for line in open(inside))
document = json.load(open(outside))
found = {key: value for key, value in document["stats"].items()}
for row in document["classes"]:
    found |= {f"{row['slot_bytes']}.{key}": value for key, value in row.items()}
level = {"plain": "none"}.get(kind, kind)
assert document["allocator"]["level"] == level, document["allocator"]
assert (found["guard_ns"] > 0) == (kind == "light"), found["guard_ns"]
bad = [f"{key}: inside {value}, outside {found.get(key)}" for key, value in said.items() if int(value) != found.get(key)]
bad += [f"{key} is outside alone" for key in found if "." in key and key not in said and not re.search("slot_bytes|fragmentation", key)]
sampled = {}
for line in open(metrics):
    if not line.startswith("#"):
        name, labels, value = re.fullmatch(r"(\w+){(.*)} (.*)\n", line).groups()
        size = re.search(r'class="(\d+)"', labels)
        sampled[(size.group(1) + "." + name.removeprefix("hakmem_class_")) if size else name.removeprefix("hakmem_").removesuffix("_total")] = value
sampled["guard_ns"] = str(round(float(sampled.pop("guard_seconds")) * 1e9))
bad += [f"{key}: metric {sampled.get(key)}, inside {value}" for key, value in said.items() if sampled.get(key) != value]
assert int(said["slow_paths"]) > 0 and int(said["remote_frees"]) > 500 and int(said["large_blocks"]) >= 6, said
assert kind in ("plain", "trace") or int(said["guarded_blocks"]) > 0, said
for row in document["classes"]:
    assert abs(row["fragmentation"] - (1 - row["live_bytes"] / row["mapped_bytes"])) < 1e-9, row
print("\n".join(bad), end="\n" if bad else "")
sys.exit(bool(bad))
PY
    metrics_are_well $kind
    # Exact but for the numbers, which the comparison above has.
    sed -E "s/$program/PID/; s/hakmem [0-9.]+,/hakmem VERSION,/; s/(guarded +)[0-9,]+/\1N/; s/[0-9][0-9,.]* (bytes|KiB|MiB|GiB)/SIZE/g; s/[0-9][0-9,.]* (us|ms|s)\b/TIME/; s/[0-9][0-9,]*( for|,| now| so| large| frees|$)/N\1/g" text | sed -n '1,/^$/p' >form
    diff "$SOURCE/tests/ctl/stats.$kind.txt" form >said || complain "$kind: the text differs: $(cat said)"
    finish
done

# ---- beside threads that work --------------------------------------------------------------------
for library in libhakmem.so hakmem-debug.so; do
    start $library threads HAKMEM_CHECK=light HAKMEM_TRACE=off
    for ((i = 0; i < 30; i++)); do
        timeout 300 "$trace" ctl $program stats --prometheus >metrics 2>said || complain "$library: status $?: $(cat said)"
        cat metrics >>all
    done
    metrics_are_well $library
    python3 - all <<'PY' || complain "$library: a counter went back"
import sys
last = {}
for line in open(sys.argv[1]):
    name = line.split("{")[0]
    if name.endswith("_total"):
        value = float(line.split()[-1])
        assert value >= last.get(name, 0), line
        last[name] = value
PY
    rm all
    finish
done

# ---- refusals ------------------------------------------------------------------------------------
sleep 100 &
asleep=$!
refused() {
    local due=$1 text=$2 status
    shift 2
    "$trace" ctl "$@" >said 2>&1
    status=$?
    [ $status -eq "$due" ] || complain "ctl $*: status $status: $(cat said)"
    grep -qF -- "$text" said || complain "ctl $*: $(cat said)"
}
refused 2 'no allocator of hakmem is in process' $asleep stats
refused 2 'are two forms' $asleep stats --json --prometheus
refused 2 '--prometheus is for stats' $asleep status --prometheus
refused 2 'is no process id' x stats
kill $asleep

# ---- a name from outside -------------------------------------------------------------------------
mkdir names.d
ln -s "$counts" 'names.d/a"b\c'
counts=names.d/'a"b\c'
start libhakmem.so rests
"$trace" ctl $program stats --prometheus >metrics 2>said || complain "status $?: $(cat said)"
metrics_are_well name
grep -qF 'program="a\"b\\c"' metrics || complain "the name: $(head -3 metrics)"
finish

# ---- memory that is damaged ----------------------------------------------------------------------
start libhakmem.so rests
kill -STOP $program
python3 "$SOURCE/tests/ctl/damage_stats.py" $program "$trace" || complain "damage"
kill -KILL $program
wait $program 2>/dev/null
exec 8>&-
