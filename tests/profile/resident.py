"""Checks what `heap` and `diff` say of memory: `resident.py STORE` of the program holder; `resident.py STORE tree` writes samples into it first."""
import json
import os
import re
import sqlite3
import subprocess
import sys

trace, store = os.environ["TRACE"], sys.argv[1]
MIB = 1 << 20


def heap(*words):
    done = subprocess.run([trace, "heap", "-s", store, "--json", *words], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def table(query):
    done = subprocess.run([trace, "sql", "-s", store, "--json", query], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["results"][0]["rows"][0][0]


def check(what, is_so):
    if not is_so:
        sys.exit(f"resident.py: {what}")


def holder():
    said = heap("--at", "end", "--steps", "50")
    known = [step["memory"] for step in said["steps"] if step["memory"]["kernel_ns"] is not None]
    check("no step says what was resident", known)
    most = max(known, key=lambda memory: memory["resident_bytes"])
    check(f"64 MiB were held, and the most resident is {most['resident_bytes']}", 64 * MIB < most["resident_bytes"] < 256 * MIB)
    mapped = table("select 2097152 * (sum(kind = 'SUPERSLAB_MAP') - sum(kind = 'SUPERSLAB_UNMAP')) from event")
    check(f"SuperSlabs of {said['memory']['superslab_bytes']} bytes, due {mapped}", said["memory"]["superslab_bytes"] == mapped)
    most_mapped = max(step["memory"]["superslab_bytes"] for step in said["steps"])
    check(f"SuperSlabs of at most {most_mapped} bytes held 64 MiB", most_mapped >= 64 * MIB)
    for memory in known + [said["memory"]]:
        parts = memory["anonymous_bytes"] + memory["file_bytes"] + memory["shared_bytes"]
        check(f"{parts} resident in parts, {memory['resident_bytes']} in all", parts == memory["resident_bytes"])
        check("more is resident than ever was", memory["most_resident_bytes"] + 2 * MIB >= memory["resident_bytes"])
    check("what was freed stayed resident", said["memory"]["resident_bytes"] < most["resident_bytes"] - 32 * MIB)


def tree():
    database = sqlite3.connect(store)
    (first,), (child,) = database.execute("select id from process order by id").fetchall()[:2]
    check("the second process is no child of a fork",
          database.execute("select parent from process where id = ? and fork_event > 0", [child]).fetchone() == (first,))
    begin, end = table("select min(ns) from event"), table("select max(ns) from event")
    check(f"the events lie between {begin} and {end} ns", end - begin > 1000)

    def time(units):  # the child runs from 20 to 60 units, the parent to the end
        return begin + (end - begin) * units // 100

    database.execute("update process set start_ns = 0, end_ns = 0 where id = ?", [first])
    database.execute("update process set start_ns = ?, end_ns = ? where id = ?", [time(20), time(60), child])
    database.execute("delete from sample")
    samples = [(first, 10, "memory.anonymous", 1000), (child, 30, "memory.anonymous", 400),
               (child, 30, "memory.file", 40), (first, 50, "memory.anonymous", 700),
               (child, 55, "memory.looked", time(50)), (first, 80, "memory.peak", 2000), (first, 95, "memory.looked", time(90)),
               (child, 65, "memory.file", 60),  # was looked at while it ended
               (2**32 - 1, 20, "memory.anonymous", 9999), (0, 20, "memory.file", 9999),  # of no process that there is
               (first, 10, "given.QUARANTINE", 300), (first, 40, "QUARANTINE_LEAVE.blocks", 100)]
    for process, at, name, value in samples:
        found = database.execute("select id from name where text = ?", [name]).fetchone()
        name_id = found[0] if found else database.execute("insert into name(text) values(?)", [name]).lastrowid
        database.execute("insert into sample(ns, process, name, class, value) values(?, ?, ?, ?, ?)",
                         [time(at), process, name_id, 255 if name.startswith("memory") else 3, value])
    database.commit()

    def at(when, *words):
        memory = heap("--at", f"{time(when) // 1000}us", *words)["memory"]
        return memory["resident_bytes"], memory["quarantine_slot_bytes"]

    slot = table("select slot_bytes from class where id = 3")
    for when, words, due in [(5, [], (None, None)), (15, [], (1000, 300 * slot)), (25, [], (1000, 600 * slot)), (35, [], (1440, 600 * slot)),
                             (45, [], (1440, 500 * slot)), (55, [], (1140, 500 * slot)), (70, [], (700, 200 * slot)),
                             (35, ["--process", f"#{child}"], (440, None)), (35, ["--process", f"#{first}"], (1000, 300 * slot))]:
        said = at(when, *words)
        check(f"at {when} {words}: {said}, due {due}", said == due)
    def said(when, *words):
        done = subprocess.run([trace, "heap", "-s", store, "--at", f"{time(when) // 1000}us", *words], stdout=subprocess.PIPE, check=True, text=True)
        lines = [line.rstrip() for line in done.stdout.split("\n\n")[-2].split("\n")]
        return [line for line in lines if "kernel" in line or "resident" in line or "next look" in line]

    def line(what, count):
        return f"  {what:<40} {count:>14,} bytes"

    def clock(units):
        return f"{time(units) // 10**9}.{time(units) // 10**6 % 1000:03} s"

    resident, most = "resident", "most resident so far"
    looks = [
        (5, first, [f"At the next look, {clock(10)}:", line(resident, 1000), line(most, 0)]),
        (15, first, [f"As the kernel said at {clock(10)}:", line(resident, 1000), line(most, 0),
                     f"At the next look, {clock(50)}:", line(resident, 700), line(most, 0)]),
        (85, first, [f"As the kernel said, unchanged from {clock(80)} to {clock(90)}:", line(resident, 700), line(most, 2000)]),
        (98, first, [f"As the kernel said, unchanged from {clock(80)} to {clock(90)}, the last look that is known:", line(resident, 700), line(most, 2000)]),
        (40, child, [f"As the kernel said, unchanged from {clock(30)} to {clock(50)}:", line(resident, 440), line(most, 0)]),
        (55, child, [f"As the kernel said, unchanged from {clock(30)} to {clock(50)}:", line(resident, 440), line(most, 0),
                     f"At the next look, {clock(60)}:", line(resident, 460), line(most, 0)])]
    for when, process, due in looks:
        check(f"at {when}: {said(when, '--process', f'#{process}')}, due {due}", said(when, "--process", f"#{process}") == due)
    steps = heap("--steps", "50")["steps"]
    # Known where somebody looked in the step, or where the next look found no change; else nothing is said.
    for when, due in [(5, None), (10, 1000), (20, None), (30, 1440), (50, 1440), (70, None), (85, 700)]:
        found = next(step for step in steps if step["ns"] >= time(when))["memory"]["resident_bytes"]
        check(f"the step of {when}: {found}, due {due}", found == due)
    memory = heap("--at", f"{time(85) // 1000}us")
    check(f"at 85: {memory['memory']}", (memory["memory"]["changed_ns"], memory["memory"]["kernel_ns"]) == (time(80), time(80)))
    check(f"behind 85: {memory['memory_next']}", (memory["memory_next"]["changed_ns"], memory["memory_next"]["kernel_ns"]) == (time(80), time(90)))
    between = [f"{time(when) // 1000}us" for when in (35, 85)]
    sides = [heap("--at", when) for when in between]
    command = [trace, "diff", "-s", store, "--between", *between]
    document = json.loads(subprocess.run([*command, "--json"], stdout=subprocess.PIPE, check=True).stdout)
    check("diff --json has another memory than heap", [document["old"]["memory"], document["new"]["memory"]] == [side["memory"] for side in sides])
    text = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n\n")[-2].split("\n")
    due = [["live", "mapped for slots", "resident", "most resident so far", "as the kernel said"]]
    for name, side, looked in (("old", sides[0], 30), ("new", sides[1], 80)):
        numbers = [side["held"]["live_bytes"]] + [side["memory"][name] for name in ("superslab_bytes", "resident_bytes", "most_resident_bytes")]
        due.append([name] + [f"{number:,}" for number in numbers] + [clock(looked)])
    check(f"diff has {text}, due {due}", [re.split("  +", row.strip()) for row in text] == due)
    focused = subprocess.run([*command, "--focus", "main"], stdout=subprocess.PIPE, check=True, text=True).stdout
    check("diff --focus says what is resident", "resident" not in focused)
    steps = [step["memory"]["resident_bytes"] for step in heap("--steps", "10")["steps"]]
    check(f"steps {steps}", len(steps) == 10 and max(x or 0 for x in steps) == 1440 and steps[-2:] == [700, None])


tree() if len(sys.argv) > 2 else holder()
