"""Checks what `top --mapped` and `heap` say of the program mapped.c: `mapped.py STORE`, TRACE names the command."""
import json
import os
import subprocess
import sys

MIB = 1 << 20
wrong = 0


def ask(*words):
    done = subprocess.run([os.environ["TRACE"], *words, "-s", sys.argv[1], "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def rows(answer, what):
    return {row["name"]: row["self"][what] for row in answer["rows"]}


def same(what, said, due):
    global wrong
    if said != due:
        print(f"{sys.argv[1]}: {what}: {said}, due {due}")
        wrong = 1


kinds = ("PROGRAM_MAP", "PROGRAM_UNMAP", "PROGRAM_PROTECT")
events = ask("sql", "select id, kind from event where kind in " + str(kinds) + " order by id")["results"][0]["rows"]
same("events", [kind for _, kind in events], ["PROGRAM_MAP", "PROGRAM_MAP", "PROGRAM_PROTECT", "PROGRAM_UNMAP", "PROGRAM_UNMAP"])
ids = [event for event, _ in events]
reserved = 4096 * MIB
for event, due, closed in [(ids[0], {"map_table": 64 * MIB}, 0), (ids[1], {"map_table": 64 * MIB}, reserved),
                           (ids[2], {"map_table": 64 * MIB, "open_part": 16 * MIB}, reserved - 16 * MIB),
                           (ids[3], {"map_table": 60 * MIB, "open_part": 16 * MIB}, reserved - 16 * MIB)]:
    answer = ask("top", "--mapped", "--at", f"#{event}")
    same(f"at event {event}", (rows(answer, "live_bytes"), answer["closed_bytes"]), (due, closed))
    mapped = ask("heap", "--at", f"#{event}")["mapped"]
    same(f"heap at event {event}", (mapped["bytes"], mapped["closed_bytes"]), (sum(due.values()), closed))
answer = ask("top", "--mapped", "--at", f"#{ids[4]}")
same("both processes", rows(answer, "live_bytes"), {"map_table": 119 * MIB, "open_part": 32 * MIB})
answer = ask("top", "--mapped", "--at", f"#{ids[4]}", "--per", "process")
same("by process", sorted(row["self"]["live_bytes"] for row in answer["rows"]), [75 * MIB, 76 * MIB])
answer = ask("top", "--mapped", "--between", "start", f"#{ids[4]}", "--process", "#1")
same("came", rows(answer, "allocated_bytes"), {"map_table": 64 * MIB, "open_part": 16 * MIB})
same("grown", rows(answer, "grown_bytes"), {"map_table": 60 * MIB, "open_part": 16 * MIB})
answer = ask("top", "--mapped", "--between", f"#{ids[2]}", f"#{ids[3]}")
same("unmapped in a span", {name: freed for name, freed in rows(answer, "freed_bytes").items() if freed}, {"map_table": 4 * MIB})
same("grown in it", answer["total"]["grown_bytes"], -4 * MIB)
sys.exit(wrong)
