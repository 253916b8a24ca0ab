"""Changes rows of stores at random and asks every command about them: `viewer_fuzz.py SEED ROUNDS`.

TRACE names the command, tree.db, stale.db and hostile.db lie here. Whatever a store says, a command ends within
20 s with a status of its own, no sanitizer finds anything, and no escape sequence reaches the terminal. Prints
a line for each failure; the store is kept.
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys

TRACE, SEED, ROUNDS = os.environ["TRACE"], int(sys.argv[1]), int(sys.argv[2])
random.seed(SEED)
COLUMNS = {
    "process": ["id", "parent", "pid", "session", "start_time", "start_ns", "end_ns", "end_kind", "lost", "program",
                "command_line", "exit_status", "signal", "note", "fork_event"],
    "thread": ["id", "process", "number", "tid", "start_ns", "end_ns", "name"],
    "mapping": ["process", "generation", "start", '"end"', "load_bias", "load_event", "unload_event", "image"],
    "image": ["id", "path", "build_id"],
    "node_chunk": ["id", "nodes", "data"],
    "symbol": ["line", "function", "file"],
    "name": ["id", "text"],
    "fault": ["code", "event", "process", "thread", "summary", "report", "json"],
    "loss": ["process", "thread", "from_ns", "to_ns", "count", "reason"],
    "chunk": ["process", "thread", "min_ns", "max_ns", "events", "kinds_low", "classes"],
    "class": ["slot_bytes", "band", "first_slot_offset"],
    "posting": ["first_chunk", "min_key", "max_key", "kind"],
    "sample": ["ns", "process", "name", "class", "value"],
    "meta": ["value"],
}
VALUES = [0, 1, -1, 2, 3, 5, 4712, 2**31, 2**32 - 1, 2**32, 2**63 - 1, -2**63, None, "", "x" * 3000, "\x1b[31m\n",
          b"\xff\xfe\x00a", 7e300]
BLOCK = "0x5581a8c30000"
COMMANDS = [
    ["info"], ["info", "--all"], ["info", "--json"], ["info", "--process", "3"], ["threads"],
    ["threads", "--json", "--sort", "lost"], ["modules"], ["modules", "--all"], ["modules", "--json"], ["layers"],
    ["layers", "--json"], ["block", BLOCK], ["block", BLOCK, "--moves", "--json"], ["block", BLOCK, "-p", "4712", "--stacks"],
    ["block", "0x5581a8c31040", "--last", "1"], ["why", BLOCK], ["why", "p:2", "-p", "4711"], ["why", "@fault", "--json"],
    ["events"], ["events", "--json", "--stacks"], ["faults"], ["faults", "--json"], ["check"],
    ["export", "collapsed"], ["export", "csv", "--events"], ["export", "jsonl"], ["export", "speedscope"], ["export", "heaptrack"],
    ["export", "pprof", "-o", f"{SEED}.pb.gz"], ["export", "perfetto", "-o", f"{SEED}.pftrace"],
    ["sql", "select * from life; select * from block; select * from node_frame"],
]


def change(path):
    with sqlite3.connect(path) as database:
        for _ in range(random.choice([1, 1, 2, 4])):
            table = random.choice(list(COLUMNS))
            column, value = random.choice(COLUMNS[table]), random.choice(VALUES)
            try:
                database.execute(f"update {table} set {column} = ? where abs(random()) % 4 = 0", (value,))
            except sqlite3.Error:
                pass  # two rows with one key
    database.close()


def ask(command, path):
    try:
        done = subprocess.run([TRACE, *command, "-s", path], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "does not end"
    if done.returncode not in (0, 1, 2, 3, 4):
        return f"ends with {done.returncode}: {done.stderr[-800:].decode('utf-8', 'replace')}"
    if b"Sanitizer" in done.stderr or b"runtime error" in done.stderr:
        return done.stderr[-800:].decode("utf-8", "replace")
    if b"\x1b[31m" in done.stdout and command[0] != "faults":
        return "prints an escape sequence of the store"
    return None


for round_number in range(ROUNDS):
    store = f"changed.{SEED}.{round_number}.db"
    shutil.copy(random.choice(["tree.db", "tree.db", "stale.db", "hostile.db"]), store)
    change(store)
    failures = [(command, ask(command, store)) for command in random.sample(COMMANDS, 6)]
    failures = [failure for failure in failures if failure[1]]
    for command, what in failures:
        print(f"{store}: {' '.join(command)}: {what}")
    if not failures:
        os.unlink(store)
