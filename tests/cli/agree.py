"""Compares what hakmem-trace's commands say of a store with its tables: `agree.py STORE`, TRACE names the command."""
import json
import os
import random
import subprocess
import sys

trace, store = os.environ["TRACE"], sys.argv[1]
random.seed(3)
wrong = 0


def ask(*words):
    done = subprocess.run([trace, *words, "-s", store, "--json"], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"hakmem-trace {' '.join(words)} ended with {done.returncode}")
    return json.loads(done.stdout)


def table(query):
    return ask("sql", query)["results"][0]["rows"]


def same(what, said, due):
    global wrong
    if said != due:
        print(f"{what}: it says {said}, due {due}")
        wrong = 1


calls = {}
for row in table("select thread, process, sum(kind = 'MALLOC'), sum(kind = 'FREE'), sum(kind = 'REALLOC'), count(*), max(id),"
                 " sum(case when kind in ('MALLOC', 'REALLOC') then size else 0 end),"
                 " sum(kind in ('FREE', 'REALLOC_FROM', 'QUARANTINE_LEAVE') and layer = 'remote') from event group by thread"):
    calls[row[0]] = row[1:]
threads = ask("threads")["threads"]
remote = 0
for thread in threads:
    said = [thread[name] for name in ("process", "mallocs", "frees", "reallocs", "events", "last_event", "asked_bytes", "remote_frees")]
    same(f"thread {thread['id']}", said, calls.get(thread["id"], [thread["process"], 0, 0, 0, 0, None, 0, 0]))
    remote += thread["remote_frees"]
same("some blocks were freed by other threads", remote > 0, True)
order = [thread["asked_bytes"] for thread in ask("threads", "--sort", "bytes")["threads"]]
same("threads --sort bytes", order, sorted(order, reverse=True))

processes = ask("info")["processes"]
same("processes with events", {p["id"]: p["events"] for p in processes if p["events"]},
     dict(table("select process, count(*) from event group by process")))
programs = [p["id"] for p in processes if p["program"].endswith("/stress")]
same("programs recorded", len(programs), 2)

lives = {(row[0], row[1]): row[2:] for row in table(
    "select base, process, count(*), sum(end_id is not null), sum(resizes), max(lifetime_ns) from life group by base, process")}
blocks = [block for block in lives if block[1] in programs]
most = sorted(blocks, key=lambda block: -lives[block][0])[:5]
for base, process in most + random.sample(blocks, 15):
    question = ("block", hex(base + random.randrange(8)), "--process", f"#{process}")  # the answer may be a larger block around it
    said = ask(*question)
    totals, key = said["totals"], (int(said["block"]["base"], 16), process)
    same(f"block {base:#x} of process {process}",
         [totals["lives"], totals["ended"], totals["resizes"], totals["longest_ns"]], lives[key])
    same(f"block {base:#x}: lives told", [life["life"] for life in said["lives"]], list(range(1, totals["lives"] + 1)))
    spans = sorted(life["lifetime_ns"] for life in said["lives"] if life["lifetime_ns"] is not None)
    same(f"block {base:#x}: median", totals["median_ns"], spans[(len(spans) - 1) // 2] if spans else None)
    last = ask(*question, "--last", "3")["lives"]  # of the same address: at the larger block's base there may be a third block
    same(f"block {base:#x} --last 3", last, said["lives"][-3:])

for process in programs:
    births = [row[0] for row in table(
        f"select id from event where process = {process} and (kind = 'MALLOC' or kind = 'REALLOC' and layer <> 'program') order by id")]
    for n in [1, len(births)] + random.sample(range(1, len(births)), 5):
        said = ask("why", f"p:{n}", "--process", f"#{process}")
        same(f"p:{n} of process {process}", said["asked_event"], births[n - 1])
sys.exit(wrong)
